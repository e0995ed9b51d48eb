//! What a provider lets go in a day: the rest waits, coalesces, and goes when the day turns. Queue,
//! workers and simulator live in a time that the test turns.

use jiff::Timestamp;
use purgeline_core::{Item, JobId, JobState};
use purgeline_queue::{QuotaPolicy, QuotaWait};
use purgeline_sim::{CallKind, Options, Sim, qiniu::QiniuSettings};
use purgeline_tests::{Clocks, TestEnv, eventually, lifted_limits, many_urls, merge, qiniu, target, url};
use serde_json::{Value, json};
use std::{collections::BTreeMap, time::Duration};

/// 15.5 hours before Qiniu's next day.
const MORNING: &str = "2026-01-02T00:30:00Z";
const MIDNIGHT: &str = "2026-01-02T16:00:00Z";
const DAY: Duration = Duration::from_secs(24 * 3_600);

fn ms(time: &str) -> i64 {
    time.parse::<Timestamp>().unwrap().as_millisecond()
}

/// An account whose refreshes take no time, of 100 URLs a day.
async fn start(limits: Value) -> (Sim, TestEnv, Clocks) {
    let clocks = Clocks::at(MORNING);
    let account = QiniuSettings { processing_ms: 0, url_quota_day: 100, ..QiniuSettings::lifted() };
    let sim = account.start_with(Options::with_clock(clocks.sim.clone())).await.unwrap();
    let mut config = qiniu(sim.base_url(), lifted_limits());
    merge(&mut config, json!({ "limits": limits }));
    let env = TestEnv::timed(vec![target("cdn", config)], &clocks).await;
    (sim, env, clocks)
}

/// Turns the clock in small steps, so that questions come due, until it is so.
async fn pass_until<F: Future<Output = bool>>(clocks: &Clocks, what: &str, mut is_so: impl FnMut() -> F) {
    eventually(what, || {
        clocks.advance(Duration::from_millis(20));
        let so = is_so();
        async { so.await.then_some(()) }
    })
    .await;
}

/// The URLs that each of the provider's days has seen. A call has no more than one date.
fn by_day(sim: &Sim) -> BTreeMap<i64, usize> {
    let mut days = BTreeMap::new();
    for call in sim.log().of_kind(CallKind::Purge) {
        assert_eq!(call.code(), Some("200"), "nothing was refused");
        *days.entry((call.arrived_ms - ms(MIDNIGHT)).div_euclid(86_400_000)).or_default() += call.items.len();
    }
    days
}

async fn succeeded(env: &TestEnv, clocks: &Clocks, job: JobId) {
    let has = async || env.job(job).await.state == JobState::Succeeded;
    pass_until(clocks, &format!("job {job} succeeds"), has).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_a_day_go_and_the_rest_waits_until_the_day_turns() {
    let (sim, env, clocks) = start(json!({"quotas": [{"kind": "url", "max": 100}]})).await;
    let workers = [env.worker("w1"), env.worker("w2")];
    let many = env.submit(&many_urls(250), &[]).await;
    // Ten of the hundred are kept for what is urgent.
    let settled = async |open: u64| {
        let stats = env.stats().await;
        (stats.pending, stats.in_batches, stats.outbox) == (open, 0, 0)
    };
    pass_until(&clocks, "90 have gone", async || settled(160).await).await;
    assert_eq!(by_day(&sim), BTreeMap::from([(-1, 90)]));
    let last = Item::url(&many_urls(250)[249]).unwrap();
    let wait = QuotaWait { quota: "urls".into(), until_ms: ms(MIDNIGHT) };
    assert_eq!(env.quota_wait(&last).await, Some(wait));
    // What waits goes on coalescing.
    let again = env.submit(&many_urls(250)[240..], &[]).await;
    assert_eq!(again.targets[0].joined, 10);

    // The reserve is for the urgent, up to the last one.
    let urgent: Vec<_> = (0..12).map(|n| url(format_args!("urgent/{n}"))).collect();
    let urgent = env.submit_urgent(&urgent).await;
    let counts = async |job| env.job(job).await.parts[&env.target().name].counts;
    pass_until(&clocks, "ten urgent ones are purged", async || counts(urgent.job).await.succeeded == 10)
        .await;
    pass_until(&clocks, "two wait", async || settled(162).await).await;
    assert_eq!(by_day(&sim), BTreeMap::from([(-1, 100)]));
    let policy = QuotaPolicy::new(&env.targets[0].descriptor.limits, 10);
    let quotas = env.queue.inspect().quotas(env.target(), &policy).await.unwrap();
    let of_urls = quotas.iter().find(|quota| quota.name == "urls").unwrap();
    assert_eq!((of_urls.spent, of_urls.left, of_urls.turns_ms), (100, Some(0), ms(MIDNIGHT)));

    // A moment before midnight nothing has moved.
    let now = env.queue.now_ms().await.unwrap();
    clocks.advance(Duration::from_millis(u64::try_from(ms(MIDNIGHT) - 1 - now).unwrap()));
    assert!(settled(162).await);
    clocks.advance(Duration::from_millis(1));
    succeeded(&env, &clocks, urgent.job).await;
    pass_until(&clocks, "the next day's have gone", async || settled(162 - 90).await).await;
    assert_eq!(by_day(&sim), BTreeMap::from([(-1, 100), (0, 90)]));
    clocks.advance(DAY);
    for job in [many.job, again.job] {
        succeeded(&env, &clocks, job).await;
    }
    assert_eq!(by_day(&sim), BTreeMap::from([(-1, 100), (0, 90), (1, 72)]), "each once");
    env.at_rest().await;
    for worker in workers {
        worker.stop().await;
    }
}

/// Nothing is configured: what the answers tell is kept, and with calls side by side too.
#[tokio::test(flavor = "multi_thread")]
async fn a_quota_that_only_answers_tell_of_is_not_overspent() {
    let (sim, env, clocks) = start(json!({"max_urls": 10, "quota_reserve_percent": 0})).await;
    let workers = [env.worker("w1"), env.worker("w2")];
    let first = env.submit(&many_urls(1), &[]).await;
    succeeded(&env, &clocks, first.job).await;
    // From now on it is known.
    let many = env.submit(&many_urls(250)[1..], &[]).await;
    let pending = async |left: u64| {
        let stats = env.stats().await;
        (stats.pending, stats.in_batches) == (left, 0)
    };
    for (day, left) in [(-1, 150), (0, 50), (1, 0)] {
        pass_until(&clocks, &format!("{left} are left"), async || pending(left).await).await;
        let gone: usize = by_day(&sim).into_values().sum();
        assert_eq!(gone, 250 - usize::try_from(left).unwrap(), "on day {day}");
        clocks.advance(DAY);
    }
    assert_eq!(by_day(&sim).into_values().max(), Some(100));
    succeeded(&env, &clocks, many.job).await;
    env.at_rest().await;
    for worker in workers {
        worker.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn urls_below_a_dir_without_quota_go_today() {
    const DIR: &str = "https://img.example.com/a/";
    let limits = json!({"quotas": [{"kind": "dir", "max": 1}], "quota_reserve_percent": 0});
    let (sim, env, clocks) = start(limits).await;
    let first = env.submit(&[] as &[&str], &["https://img.example.com/first/"]).await;
    let worker = env.worker("w1");
    succeeded(&env, &clocks, first.job).await;
    worker.stop().await;
    let dir = env.submit(&[] as &[&str], &[DIR]).await;
    let below = env.submit(&[format!("{DIR}x"), format!("{DIR}y")], &[]).await;
    assert_eq!(below.targets[0].covered, 2, "nothing has found yet that the day's dirs are spent");
    let worker = env.worker("w2");
    succeeded(&env, &clocks, below.job).await;
    assert!(env.is_pending(&Item::dir(DIR).unwrap()).await);
    let later = env.submit(&[format!("{DIR}z")], &[]).await;
    assert_eq!(later.targets[0].covered, 0);
    succeeded(&env, &clocks, later.job).await;
    assert_eq!(by_day(&sim), BTreeMap::from([(-1, 4)]), "one dir and three urls");
    clocks.advance(DAY);
    succeeded(&env, &clocks, dir.job).await;
    worker.stop().await;
    env.assert_verified().await;
}
