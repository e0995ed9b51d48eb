//! What goes wrong when: drawn from a seed before the run begins, so that the same seed gives the
//! same plan.

use std::fmt;

use purgeline_sim::{CallKind, Ending, FateRule, Fault, FaultPlan, FaultRule, Phase, Selector};
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use serde::Serialize;

use super::accounts::ACCOUNTS;

/// How many there are of what can be struck.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cast {
    pub(super) workers: usize,
    pub(super) producers: usize,
    /// How long a worker's lease lasts, ms.
    pub(super) lease_ms: u64,
}

/// One thing that goes wrong, from when, for how long. Times are ms since the run began.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Strike {
    pub(super) at_ms: u64,
    pub(super) for_ms: u64,
    pub(super) blow: Blow,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Blow {
    /// SIGKILL, and started again when the time is over.
    Kill(Victim),
    /// SIGTERM to a worker, and started again when the time is over.
    Terminate(usize),
    /// SIGSTOP, and SIGCONT when the time is over.
    Stop(Victim),
    /// The same to a worker, for longer than its leases last.
    Outlast(usize),
    /// A link's connections are closed.
    Cut(Link),
    /// Nothing passes a link.
    Stall(Link),
    /// A simulator's calls go wrong.
    Misbehave { account: usize, plan: FaultPlan },
    /// So many of the next items that a simulator takes end badly.
    Fail { account: usize, fate: FateRule },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Victim {
    Worker(usize),
    Producer(usize),
    Redis,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Link {
    /// Between a worker, or a producer, and Redis.
    Redis(Victim),
    /// Between the workers and a provider.
    Provider(usize),
}

/// The time between two strikes, ms.
const GAP_MS: std::ops::Range<u64> = 200..1_200;
/// What was struck is left alone for so long, ms, before it is struck again.
const REST_MS: u64 = 1_000;

/// Draws the strikes of a run of so many ms, in order of time.
pub(super) fn draw(seed: u64, duration_ms: u64, cast: Cast) -> Vec<Strike> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut strikes: Vec<Strike> = Vec::new();
    let mut at_ms = 0;
    loop {
        at_ms += random.random_range(GAP_MS);
        if at_ms >= duration_ms {
            return strikes;
        }
        let (blow, for_ms) = blow(&mut random, cast);
        let struck = struck(&blow);
        let busy = strikes.iter().rev().any(|earlier| {
            at_ms < earlier.at_ms + earlier.for_ms + REST_MS && self::struck(&earlier.blow) == struck
        });
        if !busy {
            strikes.push(Strike { at_ms, for_ms, blow });
        }
    }
}

/// What a blow strikes: nothing is struck twice at once.
fn struck(blow: &Blow) -> (u8, usize) {
    let victim = |victim: &Victim| match *victim {
        Victim::Worker(at) => (0, at),
        Victim::Producer(at) => (1, at),
        Victim::Redis => (2, 0),
    };
    match blow {
        Blow::Kill(of) | Blow::Stop(of) => victim(of),
        Blow::Terminate(at) | Blow::Outlast(at) => (0, *at),
        Blow::Cut(Link::Redis(of)) | Blow::Stall(Link::Redis(of)) => (victim(of).0 + 3, victim(of).1),
        Blow::Cut(Link::Provider(at)) | Blow::Stall(Link::Provider(at)) => (6, *at),
        Blow::Misbehave { account, .. } => (7, *account),
        Blow::Fail { account, .. } => (8, *account),
    }
}

fn blow(random: &mut StdRng, cast: Cast) -> (Blow, u64) {
    let worker = random.random_range(..cast.workers);
    let producer = random.random_range(..cast.producers);
    let account = random.random_range(..ACCOUNTS.len());
    let anyone = if random.random_bool(0.7) { Victim::Worker(worker) } else { Victim::Producer(producer) };
    let lease = cast.lease_ms;
    match random.random_range(0..100) {
        0..14 => (Blow::Kill(Victim::Worker(worker)), random.random_range(50..3_000)),
        14..20 => (Blow::Terminate(worker), random.random_range(50..2_000)),
        20..28 => (Blow::Stop(Victim::Worker(worker)), random.random_range(lease / 10..lease * 4 / 5)),
        28..34 => (Blow::Outlast(worker), random.random_range(lease * 5 / 4..lease * 2)),
        34..41 => (Blow::Kill(Victim::Producer(producer)), random.random_range(50..3_000)),
        41..45 => (Blow::Stop(Victim::Producer(producer)), random.random_range(200..5_000)),
        45..49 => (Blow::Kill(Victim::Redis), random.random_range(50..1_500)),
        49..53 => (Blow::Stop(Victim::Redis), random.random_range(100..2_500)),
        53..64 => (Blow::Cut(Link::Redis(anyone)), 0),
        64..71 => (Blow::Stall(Link::Redis(anyone)), random.random_range(100..3_000)),
        71..77 => (Blow::Cut(Link::Provider(account)), 0),
        77..82 => (Blow::Stall(Link::Provider(account)), random.random_range(100..4_000)),
        82..97 => {
            let rule =
                FaultRule::new(misbehaviour(random, account)).with_chance(random.random_range(0.2..1.0));
            // Questions only, purges only, or everything.
            let rule = match random.random_range(0..4) {
                0 => rule.on(CallKind::Status),
                1 => rule.on(CallKind::Purge),
                _ => rule,
            };
            let plan = FaultPlan { seed: random.random(), rules: vec![rule] };
            (Blow::Misbehave { account, plan }, random.random_range(500..5_000))
        }
        _ => {
            let fate = FateRule::new(Selector::All, Ending::Failure("origin 404".to_owned()));
            (Blow::Fail { account, fate: fate.times(random.random_range(1..20)) }, 0)
        }
    }
}

fn misbehaviour(random: &mut StdRng, account: usize) -> Fault {
    let phase = if random.random_bool(0.5) { Phase::Before } else { Phase::After };
    let status = |status, retry_after_s| Fault::Status { status, body: String::new(), retry_after_s };
    match random.random_range(0..8) {
        0 => Fault::Stall { phase, for_ms: Some(random.random_range(200..5_000)) },
        1 | 2 => Fault::Drop { phase },
        3 => Fault::Half,
        4 => status(*[500, 502].choose(random).unwrap_or(&500), None),
        5 => status(503, Some(1)),
        6 => status(429, Some(random.random_range(1..3))),
        _ => Fault::refuse(ACCOUNTS[account].refusals.choose(random).copied().unwrap_or_default()),
    }
}

/// The kind of fault, as it is counted.
impl fmt::Display for Strike {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let who = |victim: &Victim| match victim {
            Victim::Worker(_) => "worker",
            Victim::Producer(_) => "producer",
            Victim::Redis => "redis-server",
        };
        match &self.blow {
            Blow::Kill(victim) => write!(f, "{} killed", who(victim)),
            Blow::Terminate(_) => write!(f, "worker terminated"),
            Blow::Stop(Victim::Worker(_)) => write!(f, "worker stopped within its lease"),
            Blow::Outlast(_) => write!(f, "worker stopped beyond its lease"),
            Blow::Stop(victim) => write!(f, "{} stopped", who(victim)),
            Blow::Cut(Link::Redis(victim)) => write!(f, "{}'s connections to Redis cut", who(victim)),
            Blow::Cut(Link::Provider(_)) => write!(f, "connections to a provider cut"),
            Blow::Stall(Link::Redis(victim)) => write!(f, "{}'s connections to Redis stalled", who(victim)),
            Blow::Stall(Link::Provider(_)) => write!(f, "connections to a provider stalled"),
            Blow::Misbehave { plan, .. } => {
                let name = plan.rules.first().map_or("nothing", |rule| match rule.fault {
                    Fault::Status { status: 429 | 503, .. } => "throttle",
                    ref fault => fault.name(),
                });
                write!(f, "provider misbehaved: {name}")
            }
            Blow::Fail { .. } => write!(f, "provider failed purges that it had accepted"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    const CAST: Cast = Cast { workers: 3, producers: 3, lease_ms: 4_000 };

    #[test]
    fn the_same_seed_draws_the_same_plan() {
        assert_eq!(draw(7, 180_000, CAST), draw(7, 180_000, CAST));
        assert_ne!(draw(7, 180_000, CAST), draw(8, 180_000, CAST));
    }

    #[test]
    fn three_minutes_hold_every_kind_and_nothing_is_struck_twice_at_once() {
        let strikes = draw(1, 180_000, CAST);
        let kinds: BTreeSet<String> = strikes.iter().map(ToString::to_string).collect();
        assert!(kinds.len() >= 20 && strikes.len() > 150, "{} strikes of {kinds:#?}", strikes.len());
        for (at, strike) in strikes.iter().enumerate() {
            for later in &strikes[at + 1..] {
                let apart = later.at_ms >= strike.at_ms + strike.for_ms;
                assert!(apart || struck(&later.blow) != struck(&strike.blow), "{strike:?} {later:?}");
            }
        }
    }
}
