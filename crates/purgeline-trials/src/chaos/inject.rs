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
    fleet::{Fleet, Slot},
    plan::{FleetFault, Link, Member, TimedFault},
};
use crate::{process, proxy::Proxy};

/// Between two looks at whether all processes live.
const LOOK: Duration = Duration::from_millis(250);

/// Injects the planned faults, and returns when every fault is over. Whatever was down is up
/// again then.
pub(super) async fn run(fleet: &Arc<Fleet>, plan: &[TimedFault], duration: Duration) -> Result<()> {
    let begun = Instant::now();
    let mut injecting = JoinSet::new();
    for fault in plan.iter().cloned() {
        let fleet = Arc::clone(fleet);
        injecting.spawn(async move {
            sleep_until(begun + Duration::from_millis(fault.at_ms)).await;
            let what = fault.to_string();
            inject(&fleet, fault).await.with_context(|| format!("this failed: {what}"))
        });
    }
    let looking = async {
        loop {
            sleep(LOOK).await;
            fleet.look_after().await?;
        }
    };
    let over = async {
        sleep_until(begun + duration).await;
        while let Some(injected) = injecting.join_next().await {
            injected??;
        }
        Ok(())
    };
    tokio::select! {
        ended = over => ended,
        failed = looking => failed,
    }
}

async fn inject(fleet: &Fleet, fault: TimedFault) -> Result<()> {
    let pause = Duration::from_millis(fault.for_ms);
    let _turn = match slot(fleet, &fault.kind) {
        Some(slot) => Some(slot.turn.lock().await),
        None => None,
    };
    match fault.kind {
        FleetFault::Kill(member) => {
            kill(fleet, member).await?;
            sleep(pause).await;
            start(fleet, member).await
        }
        FleetFault::Terminate(worker) => {
            let process = fleet.workers[worker].process.lock().await.take();
            if let Some(process) = process
                && let Err(error) = process.terminate().await
            {
                fleet.trouble(format!("worker {worker} did not stop as told: {error:#}"));
            }
            sleep(pause).await;
            fleet.start_worker(worker).await
        }
        FleetFault::Stop(member) => stop(fleet, member, pause).await,
        FleetFault::Outlast(worker) => stop(fleet, Member::Worker(worker), pause).await,
        FleetFault::Cut(link) => {
            proxy(fleet, link).cut();
            Ok(())
        }
        FleetFault::Stall(link) => {
            proxy(fleet, link).stall(true);
            sleep(pause).await;
            proxy(fleet, link).stall(false);
            Ok(())
        }
        FleetFault::Misbehave { account, plan } => {
            let sim = &fleet.sim_accounts[account].sim;
            sim.set_faults(plan)?;
            sleep(pause).await;
            sim.set_faults(FaultPlan::default())?;
            Ok(())
        }
        FleetFault::Fail { account, fate } => {
            fleet.sim_accounts[account].sim.fate(fate);
            Ok(())
        }
    }
}

/// The process that a fault hits, if it is one of ours.
fn slot<'a>(fleet: &'a Fleet, kind: &FleetFault) -> Option<&'a Slot> {
    match *kind {
        FleetFault::Kill(Member::Worker(at)) | FleetFault::Stop(Member::Worker(at)) => {
            Some(&fleet.workers[at])
        }
        FleetFault::Terminate(at) | FleetFault::Outlast(at) => Some(&fleet.workers[at]),
        FleetFault::Kill(Member::Producer(at)) | FleetFault::Stop(Member::Producer(at)) => {
            Some(&fleet.producers[at])
        }
        _ => None,
    }
}

async fn kill(fleet: &Fleet, member: Member) -> Result<()> {
    let slot = match member {
        Member::Worker(at) => &fleet.workers[at],
        Member::Producer(at) => &fleet.producers[at],
        Member::Redis => {
            fleet.redis.lock().await.kill();
            return Ok(());
        }
    };
    let process = slot.process.lock().await.take();
    match process {
        Some(process) => process.kill().await,
        None => Ok(()),
    }
}

async fn start(fleet: &Fleet, member: Member) -> Result<()> {
    match member {
        Member::Worker(at) => fleet.start_worker(at).await,
        Member::Producer(at) => fleet.start_producer(at).await,
        Member::Redis => Ok(fleet.redis.lock().await.start().await?),
    }
}

async fn stop(fleet: &Fleet, member: Member, pause: Duration) -> Result<()> {
    signal(fleet, member, Signal::SIGSTOP).await?;
    sleep(pause).await;
    signal(fleet, member, Signal::SIGCONT).await
}

async fn signal(fleet: &Fleet, member: Member, signal: Signal) -> Result<()> {
    let slot = match member {
        Member::Worker(at) => &fleet.workers[at],
        Member::Producer(at) => &fleet.producers[at],
        Member::Redis => {
            return match fleet.redis.lock().await.pid() {
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

fn proxy(fleet: &Fleet, link: Link) -> &Proxy {
    match link {
        Link::Redis(Member::Worker(at)) => &fleet.workers[at].proxy,
        Link::Redis(Member::Producer(at)) => &fleet.producers[at].proxy,
        // Redis has no way to itself; the plan draws none.
        Link::Redis(Member::Redis) => &fleet.workers[0].proxy,
        Link::Provider(at) => &fleet.sim_accounts[at].proxy,
    }
}
