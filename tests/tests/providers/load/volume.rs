//! 3,000 items, good and bad, through a real worker and the provider's simulator at its documented
//! limits. Time is turned by hand at both ends, so minutes of the provider pass in seconds and no
//! machine is too slow.

use crate::sim_fixture::SimFixture;
use purgeline_core::{Action, CallLimits, Class, Item, Kind, RateUnit};
use purgeline_sim::{CallKind, CallLog};
use purgeline_tests::{
    ProviderCase,
    provider_case::{self, BadWay, ITEMS, Volume, VolumeItems},
};
use redis::AsyncTypedCommands;
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, HashMap},
    time::{Duration, Instant},
};

/// Of the order of the items, and of which are bad.
const SEED: u64 = 20_260_102;

/// Jobs that the items come in.
const JOBS: usize = 10;

/// A step of time, in ms: a call arrives at most so long after it was granted.
const STEP_MS: u64 = 100;

/// By how much the worker keeps windows longer than the provider: more than a step.
const HEADROOM_MS: u64 = 150;

#[tokio::test(flavor = "multi_thread")]
async fn qiniu() {
    work_off(&provider_case::QINIU).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wangsu() {
    work_off(&provider_case::WANGSU).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn huawei() {
    work_off(&provider_case::HUAWEI).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ztgame() {
    work_off(&provider_case::ZTGAME).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn foresight() {
    work_off(&provider_case::FORESIGHT).await;
}

async fn work_off(provider: &'static ProviderCase) {
    let begun = Instant::now();
    let volume = provider.volume.as_ref().expect("it has limits");
    let items = volume.items(provider, SEED);
    let mut fixture = SimFixture::set(provider, volume.account(&items), config(provider, volume)).await;
    fixture.step = Duration::from_millis(STEP_MS);
    fixture.hurry = 1;
    volume.decide(&fixture.sim, &items);
    let mut jobs = Vec::new();
    for chunk in items.all.chunks(ITEMS / JOBS) {
        jobs.push((fixture.submit(chunk).await, chunk));
    }
    let since_ms = fixture.now_ms();
    fixture.work(HEADROOM_MS);
    fixture.pass_until("all jobs end", async || (ended(&fixture).await == JOBS).then_some(())).await;
    let took_s = (fixture.now_ms() - since_ms) / 1_000;

    let is_bad: HashMap<_, _> = items.bad.iter().map(|(item, bad)| (item, bad)).collect();
    for (job, chunk) in jobs {
        let bad = chunk.iter().filter(|item| is_bad.contains_key(item)).count() as u64;
        assert_eq!(fixture.counts(job).await, (chunk.len() as u64 - bad, bad));
    }
    assert_causes(&fixture, &items).await;
    let log = fixture.sim.log();
    assert_eq!(log.stats().limited, 0, "no call was refused for a limit");
    assert_within_rates(provider, volume, &log);
    let calls = Calls::count(provider, &items, &log);
    report(provider, volume, &items, &calls, took_s, begun);
    assert!(calls.made as f64 <= calls.most(), "{calls:?}");
    fixture.end().await;
}

/// Each item is sent once, at the rates that the provider declares, in shorter windows if need be.
fn config(provider: &ProviderCase, volume: &Volume) -> Value {
    let mut config = json!({ "max_attempts": 1 });
    if volume.shortened > 1 {
        let rates = provider.descriptor().limits.rates;
        let rates: Vec<_> = rates
            .iter()
            .map(|rate| {
                let window_ms = rate.window_ms.get() / volume.shortened;
                json!({ "unit": rate.unit, "max": rate.max, "window_ms": window_ms })
            })
            .collect();
        config["limits"] = json!({ "exceed_documented": true, "rates": rates });
    }
    config
}

/// Jobs that have ended.
async fn ended(fixture: &SimFixture) -> usize {
    let (queue, target) = (&fixture.env.queue, fixture.env.target());
    let ended = queue.manager().hget(queue.keys().stats(target), "jobs_ended").await.unwrap();
    ended.map_or(0, |ended| ended.parse().unwrap())
}

/// Each bad item has failed with its own cause, and nothing else has failed.
async fn assert_causes(fixture: &SimFixture, items: &VolumeItems) {
    let mut dead: HashMap<_, _> =
        fixture.dead_letters().await.into_iter().map(|dead| (dead.item, dead.cause)).collect();
    assert_eq!(dead.len(), items.bad.len());
    for (item, bad) in &items.bad {
        let cause = dead.remove(&item.name(Action::Default)).expect("a bad item fails");
        assert_eq!(cause.code, bad.code, "{item}: {cause}");
        let is_task = !matches!(bad.way, BadWay::Foreign | BadWay::Unnamed);
        assert_eq!(cause.class, if is_task { Class::Soon } else { Class::ItemDead }, "{item}: {cause}");
        if let BadWay::Fails(_) = bad.way {
            assert!(cause.message.contains(item.text()), "{item}: {cause}");
        }
    }
}

/// In no window of a declared rate more has arrived than it allows.
fn assert_within_rates(provider: &ProviderCase, volume: &Volume, log: &CallLog) {
    for rate in provider.descriptor().limits.rates {
        let window = Duration::from_millis(rate.window_ms.get() / volume.shortened);
        let kind = if rate.unit == RateUnit::Polls { CallKind::Status } else { provider.purges };
        let busiest = log.busiest(window, |call| call.kind == kind);
        let most = match rate.unit {
            RateUnit::Calls | RateUnit::Polls => busiest.calls,
            RateUnit::Items => busiest.items,
            RateUnit::Urls | RateUnit::Dirs => panic!("no provider here has one"),
        };
        assert!(most <= u64::from(rate.max.get()), "{most} in a window of {rate}");
    }
}

/// Purge calls: those that were made, and those that had to be.
#[derive(Debug)]
struct Calls {
    made: usize,
    /// Into which the items fit, each once.
    least: usize,
    /// The most that it may take to find the bad items that the provider does not name: for each
    /// 2·log2(items of a call) + 2.
    search: f64,
    asked: usize,
}

impl Calls {
    fn count(provider: &ProviderCase, items: &VolumeItems, log: &CallLog) -> Self {
        let call = provider.descriptor().limits.call;
        let searched = items.bad.iter().filter(|(_, bad)| bad.way.is_searched());
        let search = searched.fold(0.0, |sum, (item, _)| {
            let most = call.max_of_kind[&item.kind()].get();
            sum + 2.0 * f64::from(most).log2() + 2.0
        });
        Self {
            made: log.of_kind(provider.purges).count(),
            least: least(&call, &items.all),
            search,
            asked: log.of_kind(CallKind::Status).count(),
        }
    }

    fn most(&self) -> f64 {
        self.least as f64 * 1.05 + self.search
    }
}

/// The calls into which these items fit.
fn least(call: &CallLimits, items: &[Item]) -> usize {
    let mut groups: BTreeMap<_, BTreeMap<Kind, usize>> = BTreeMap::new();
    for item in items {
        let host = call.max_hosts.and_then(|_| item.host());
        let kind = (!call.mix_kinds).then(|| item.kind());
        *groups.entry((host, kind)).or_default().entry(item.kind()).or_default() += 1;
    }
    let at_most = |most: std::num::NonZeroU32| usize::try_from(most.get()).unwrap();
    let of_group = |kinds: BTreeMap<Kind, usize>| {
        let of_kind = kinds.iter().map(|(kind, count)| count.div_ceil(at_most(call.max_of_kind[kind])));
        let together = kinds.values().sum::<usize>().div_ceil(at_most(call.max_items));
        of_kind.max().unwrap_or(0).max(together)
    };
    groups.into_values().map(of_group).sum()
}

#[expect(clippy::print_stdout, reason = "shown by --no-capture: the figures")]
fn report(
    provider: &ProviderCase,
    volume: &Volume,
    items: &VolumeItems,
    calls: &Calls,
    took_s: i64,
    begun: Instant,
) {
    let bad = items.bad.len();
    println!(
        "{}: {ITEMS} items ({} dirs), {} good, {bad} bad; {} purge calls (least {}, and at most {:.0} to find {} unnamed); \
         {} questions; 0 refused for a limit; {took_s} s at the provider in {:.1} s; windows / {}",
        provider.name,
        volume.dirs,
        ITEMS - bad,
        calls.made,
        calls.least,
        calls.search,
        items.bad.iter().filter(|(_, bad)| bad.way.is_searched()).count(),
        calls.asked,
        begun.elapsed().as_secs_f64(),
        volume.shortened,
    );
}
