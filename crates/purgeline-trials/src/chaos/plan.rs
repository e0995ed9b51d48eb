//! What goes wrong when: drawn from a seed before the run begins, so that the same seed gives the
//! same plan.

use std::fmt;

use purgeline_sim::{CallKind, Ending, FateRule, Fault, FaultPlan, FaultRule, Phase, Selector};
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use serde::Serialize;

use super::accounts::ACCOUNTS;

/// How many there are of what can be hit.
#[derive(Clone, Copy, Debug)]
pub(super) struct FleetSize {
    pub(super) workers: usize,
    pub(super) producers: usize,
    /// How long a worker's lease lasts, ms.
    pub(super) lease_ms: u64,
}

/// One thing that goes wrong, from when, for how long. Times are ms since the run began.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct TimedFault {
    pub(super) at_ms: u64,
    pub(super) for_ms: u64,
    pub(super) kind: FleetFault,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum FleetFault {
    /// SIGKILL, and started again when the time is over.
    Kill(Member),
    /// SIGTERM to a worker, and started again when the time is over.
    Terminate(usize),
    /// SIGSTOP, and SIGCONT when the time is over.
    Stop(Member),
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
pub(super) enum Member {
    Worker(usize),
    Producer(usize),
    Redis,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Link {
    /// Between a worker, or a producer, and Redis.
    Redis(Member),
    /// Between the workers and a provider.
    Provider(usize),
}

/// The time between two faults, ms.
const GAP_MS: std::ops::Range<u64> = 200..1_200;
/// What was hit is left alone for so long, ms, before it is hit again.
const REST_MS: u64 = 1_000;

/// Draws the faults of a run of so many ms, in order of time.
pub(super) fn draw(seed: u64, duration_ms: u64, size: FleetSize) -> Vec<TimedFault> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut faults: Vec<TimedFault> = Vec::new();
    let mut at_ms = 0;
    loop {
        at_ms += random.random_range(GAP_MS);
        if at_ms >= duration_ms {
            return faults;
        }
        let (kind, for_ms) = kind(&mut random, size);
        let hit = hit(&kind);
        let busy = faults.iter().rev().any(|earlier| {
            at_ms < earlier.at_ms + earlier.for_ms + REST_MS && self::hit(&earlier.kind) == hit
        });
        if !busy {
            faults.push(TimedFault { at_ms, for_ms, kind });
        }
    }
}

/// What a fault hits: nothing is hit by two faults at once.
fn hit(kind: &FleetFault) -> (u8, usize) {
    let member = |member: &Member| match *member {
        Member::Worker(at) => (0, at),
        Member::Producer(at) => (1, at),
        Member::Redis => (2, 0),
    };
    match kind {
        FleetFault::Kill(of) | FleetFault::Stop(of) => member(of),
        FleetFault::Terminate(at) | FleetFault::Outlast(at) => (0, *at),
        FleetFault::Cut(Link::Redis(of)) | FleetFault::Stall(Link::Redis(of)) => {
            (member(of).0 + 3, member(of).1)
        }
        FleetFault::Cut(Link::Provider(at)) | FleetFault::Stall(Link::Provider(at)) => (6, *at),
        FleetFault::Misbehave { account, .. } => (7, *account),
        FleetFault::Fail { account, .. } => (8, *account),
    }
}

fn kind(random: &mut StdRng, size: FleetSize) -> (FleetFault, u64) {
    let worker = random.random_range(..size.workers);
    let producer = random.random_range(..size.producers);
    let account = random.random_range(..ACCOUNTS.len());
    let anyone = if random.random_bool(0.7) { Member::Worker(worker) } else { Member::Producer(producer) };
    let lease = size.lease_ms;
    match random.random_range(0..100) {
        0..14 => (FleetFault::Kill(Member::Worker(worker)), random.random_range(50..3_000)),
        14..20 => (FleetFault::Terminate(worker), random.random_range(50..2_000)),
        20..28 => (FleetFault::Stop(Member::Worker(worker)), random.random_range(lease / 10..lease * 4 / 5)),
        28..34 => (FleetFault::Outlast(worker), random.random_range(lease * 5 / 4..lease * 2)),
        34..41 => (FleetFault::Kill(Member::Producer(producer)), random.random_range(50..3_000)),
        41..45 => (FleetFault::Stop(Member::Producer(producer)), random.random_range(200..5_000)),
        45..49 => (FleetFault::Kill(Member::Redis), random.random_range(50..1_500)),
        49..53 => (FleetFault::Stop(Member::Redis), random.random_range(100..2_500)),
        53..64 => (FleetFault::Cut(Link::Redis(anyone)), 0),
        64..71 => (FleetFault::Stall(Link::Redis(anyone)), random.random_range(100..3_000)),
        71..77 => (FleetFault::Cut(Link::Provider(account)), 0),
        77..82 => (FleetFault::Stall(Link::Provider(account)), random.random_range(100..4_000)),
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
            (FleetFault::Misbehave { account, plan }, random.random_range(500..5_000))
        }
        _ => {
            let fate = FateRule::new(Selector::All, Ending::Failure("origin 404".to_owned()));
            (FleetFault::Fail { account, fate: fate.times(random.random_range(1..20)) }, 0)
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
impl fmt::Display for TimedFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let who = |member: &Member| match member {
            Member::Worker(_) => "worker",
            Member::Producer(_) => "producer",
            Member::Redis => "redis-server",
        };
        match &self.kind {
            FleetFault::Kill(member) => write!(f, "{} killed", who(member)),
            FleetFault::Terminate(_) => write!(f, "worker terminated"),
            FleetFault::Stop(Member::Worker(_)) => write!(f, "worker stopped within its lease"),
            FleetFault::Outlast(_) => write!(f, "worker stopped beyond its lease"),
            FleetFault::Stop(member) => write!(f, "{} stopped", who(member)),
            FleetFault::Cut(Link::Redis(member)) => write!(f, "{}'s connections to Redis cut", who(member)),
            FleetFault::Cut(Link::Provider(_)) => write!(f, "connections to a provider cut"),
            FleetFault::Stall(Link::Redis(member)) => {
                write!(f, "{}'s connections to Redis stalled", who(member))
            }
            FleetFault::Stall(Link::Provider(_)) => write!(f, "connections to a provider stalled"),
            FleetFault::Misbehave { plan, .. } => {
                let name = plan.rules.first().map_or("nothing", |rule| match rule.fault {
                    Fault::Status { status: 429 | 503, .. } => "throttle",
                    ref fault => fault.name(),
                });
                write!(f, "provider misbehaved: {name}")
            }
            FleetFault::Fail { .. } => write!(f, "provider failed purges that it had accepted"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    const SIZE: FleetSize = FleetSize { workers: 3, producers: 3, lease_ms: 4_000 };

    #[test]
    fn the_same_seed_draws_the_same_plan() {
        assert_eq!(draw(7, 180_000, SIZE), draw(7, 180_000, SIZE));
        assert_ne!(draw(7, 180_000, SIZE), draw(8, 180_000, SIZE));
    }

    #[test]
    fn three_minutes_hold_every_kind_and_nothing_is_struck_twice_at_once() {
        let faults = draw(1, 180_000, SIZE);
        let kinds: BTreeSet<String> = faults.iter().map(ToString::to_string).collect();
        assert!(kinds.len() >= 20 && faults.len() > 150, "{} faults of {kinds:#?}", faults.len());
        for (at, fault) in faults.iter().enumerate() {
            for later in &faults[at + 1..] {
                let apart = later.at_ms >= fault.at_ms + fault.for_ms;
                assert!(apart || hit(&later.kind) != hit(&fault.kind), "{fault:?} {later:?}");
            }
        }
    }
}
