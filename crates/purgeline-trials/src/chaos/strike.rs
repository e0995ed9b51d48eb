//! Carrying out a plan.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, Result};
use nix::sys::signal::Signal;
use purgeline_sim::FaultPlan;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, sleep_until},
};

use super::{
    plan::{Blow, Link, Strike, Victim},
    world::{Slot, World},
};
use crate::{process, proxy::Proxy};

/// Between two looks at whether all processes live.
const LOOK: Duration = Duration::from_millis(250);

/// Strikes as planned for so long, and returns when every strike is over. Whatever was down is up
/// again then.
pub(super) async fn run(world: &Arc<World>, plan: &[Strike], duration: Duration) -> Result<()> {
    let begun = Instant::now();
    let mut striking = JoinSet::new();
    for strike in plan.iter().cloned() {
        let world = Arc::clone(world);
        striking.spawn(async move {
            sleep_until(begun + Duration::from_millis(strike.at_ms)).await;
            let what = strike.to_string();
            self::strike(&world, strike).await.with_context(|| format!("this failed: {what}"))
        });
    }
    let looking = async {
        loop {
            sleep(LOOK).await;
            world.look_after().await?;
        }
    };
    let over = async {
        sleep_until(begun + duration).await;
        while let Some(struck) = striking.join_next().await {
            struck??;
        }
        Ok(())
    };
    tokio::select! {
        ended = over => ended,
        failed = looking => failed,
    }
}

async fn strike(world: &World, strike: Strike) -> Result<()> {
    let pause = Duration::from_millis(strike.for_ms);
    let _turn = match slot(world, &strike.blow) {
        Some(slot) => Some(slot.turn.lock().await),
        None => None,
    };
    match strike.blow {
        Blow::Kill(victim) => {
            kill(world, victim).await?;
            sleep(pause).await;
            start(world, victim).await
        }
        Blow::Terminate(worker) => {
            let process = world.workers[worker].process.lock().await.take();
            if let Some(process) = process
                && let Err(error) = process.terminate().await
            {
                world.trouble(format!("worker {worker} did not stop as told: {error:#}"));
            }
            sleep(pause).await;
            world.start_worker(worker).await
        }
        Blow::Stop(victim) => stop(world, victim, pause).await,
        Blow::Outlast(worker) => stop(world, Victim::Worker(worker), pause).await,
        Blow::Cut(link) => {
            proxy(world, link).cut();
            Ok(())
        }
        Blow::Stall(link) => {
            proxy(world, link).stall(true);
            sleep(pause).await;
            proxy(world, link).stall(false);
            Ok(())
        }
        Blow::Misbehave { account, plan } => {
            let sim = &world.stands[account].sim;
            sim.set_faults(plan)?;
            sleep(pause).await;
            sim.set_faults(FaultPlan::default())?;
            Ok(())
        }
        Blow::Fail { account, fate } => {
            world.stands[account].sim.fate(fate);
            Ok(())
        }
    }
}

/// The process that a blow strikes, if it is one of ours.
fn slot<'a>(world: &'a World, blow: &Blow) -> Option<&'a Slot> {
    match *blow {
        Blow::Kill(Victim::Worker(at)) | Blow::Stop(Victim::Worker(at)) => Some(&world.workers[at]),
        Blow::Terminate(at) | Blow::Outlast(at) => Some(&world.workers[at]),
        Blow::Kill(Victim::Producer(at)) | Blow::Stop(Victim::Producer(at)) => Some(&world.producers[at]),
        _ => None,
    }
}

async fn kill(world: &World, victim: Victim) -> Result<()> {
    let slot = match victim {
        Victim::Worker(at) => &world.workers[at],
        Victim::Producer(at) => &world.producers[at],
        Victim::Redis => {
            world.redis.lock().await.kill();
            return Ok(());
        }
    };
    let process = slot.process.lock().await.take();
    match process {
        Some(process) => process.kill().await,
        None => Ok(()),
    }
}

async fn start(world: &World, victim: Victim) -> Result<()> {
    match victim {
        Victim::Worker(at) => world.start_worker(at).await,
        Victim::Producer(at) => world.start_producer(at).await,
        Victim::Redis => Ok(world.redis.lock().await.start().await?),
    }
}

async fn stop(world: &World, victim: Victim, pause: Duration) -> Result<()> {
    signal(world, victim, Signal::SIGSTOP).await?;
    sleep(pause).await;
    signal(world, victim, Signal::SIGCONT).await
}

async fn signal(world: &World, victim: Victim, signal: Signal) -> Result<()> {
    let slot = match victim {
        Victim::Worker(at) => &world.workers[at],
        Victim::Producer(at) => &world.producers[at],
        Victim::Redis => {
            return match world.redis.lock().await.pid() {
                Some(pid) => process::send(pid, signal),
                None => Ok(()),
            };
        }
    };
    match slot.process.lock().await.as_ref() {
        Some(process) => process.signal(signal),
        None => Ok(()),
    }
}

fn proxy(world: &World, link: Link) -> &Proxy {
    match link {
        Link::Redis(Victim::Worker(at)) => &world.workers[at].proxy,
        Link::Redis(Victim::Producer(at)) => &world.producers[at].proxy,
        // Redis has no way to itself; the plan draws none.
        Link::Redis(Victim::Redis) => &world.workers[0].proxy,
        Link::Provider(at) => &world.stands[at].proxy,
    }
}
