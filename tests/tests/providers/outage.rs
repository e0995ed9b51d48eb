//! A provider that is down, or refuses the credentials, for ten minutes under a steady load; and one
//! that cannot stomach one item.

use crate::sim_fixture::SimFixture;
use purgeline_core::{Item, JobId, JobState, Kind};
use purgeline_sim::{CallKind, Fault, FaultRule, Phase};
use purgeline_tests::provider_case::{self, item};
use serde_json::{Value, json};
use std::{collections::BTreeMap, time::Duration};

/// How the breaker is by default, in ms: to the first probe, and the longest time between two.
const PROBE_MS: (i64, i64) = (5_000, 60_000);
/// Between two jobs, in ms.
const JOB_MS: i64 = 5_000;
const OUTAGE_MS: i64 = 600_000;

/// Jobs at a steady pace: each of three URLs of its own, and of one that all of them ask for.
struct Load<'a> {
    fixture: &'a SimFixture,
    jobs: Vec<JobId>,
    own: Vec<Item>,
}

fn hot() -> Item {
    item(Kind::Url, "hot", 0)
}

impl Load<'_> {
    async fn pass(&mut self, ms: i64) {
        let end = self.fixture.now_ms() + ms;
        while self.fixture.now_ms() < end {
            let first = self.own.len();
            let mut items: Vec<_> = (first..first + 3).map(|n| item(Kind::Url, "www", n)).collect();
            self.own.extend(items.iter().cloned());
            items.push(hot());
            self.jobs.push(self.fixture.submit(&items).await);
            let next = self.fixture.now_ms() + JOB_MS;
            let over = async || (self.fixture.now_ms() >= next).then_some(());
            self.fixture.pass_until("time passes", over).await;
        }
    }
}

/// The provider's documented limits hold, and two workers are at work.
async fn start(config: Value) -> SimFixture {
    let account = json!({ "url_quota_day": 100_000, "processing_ms": 1_000 });
    let mut fixture = SimFixture::set(&provider_case::QINIU, account, config).await;
    fixture.step = Duration::from_millis(500);
    fixture.work(50);
    fixture.work(50);
    fixture
}

#[expect(clippy::print_stdout, reason = "shown by --no-capture: the figures")]
async fn rides_out(faults: Vec<FaultRule>, name: &str, config: Value) {
    let fixture = start(config).await;
    let mut load = Load { fixture: &fixture, jobs: Vec::new(), own: Vec::new() };
    load.pass(90_000).await;
    let down = fixture.now_ms();
    fixture.misbehave(faults);
    load.pass(OUTAGE_MS).await;
    let hold = fixture.holds().await.into_iter().find(|hold| hold.name == name).expect("it is held");
    fixture.behave();
    let (up, asked_before) = (fixture.now_ms(), load.jobs.len());
    load.pass(30_000).await;
    let after = load.jobs.len() - asked_before;

    // No item failed.
    for job in &load.jobs {
        let job = fixture.ended(*job).await;
        assert_eq!(job.state, JobState::Succeeded, "{job:#?}");
    }
    assert_eq!(fixture.dead_letters().await, []);
    assert_eq!(fixture.holds().await, []);

    // It was left alone, but for one probe at a time, ever more seldom up to a minute.
    let log = fixture.sim.log();
    let mut before = hold.since_ms;
    let (mut interval, longest) = PROBE_MS;
    let probes: Vec<_> = log
        .calls()
        .iter()
        .map(|call| call.arrived_ms)
        .filter(|arrived| (hold.since_ms + 1..=up).contains(arrived))
        .collect();
    for probe in &probes {
        assert!(probe - before >= interval, "a probe came after {} ms, before {interval}", probe - before);
        (before, interval) = (*probe, longest.min(2 * interval));
    }
    assert!((10..=14).contains(&probes.len()), "{probes:?}");
    let in_vain =
        log.calls().iter().filter(|call| (down..=up).contains(&call.arrived_ms) && call.fault.is_some());
    let in_vain = in_vain.count();
    assert!(in_vain <= probes.len() + 6, "{in_vain} calls, {} of them probes", probes.len());

    // Then everything went, within the limits, each URL once.
    assert_eq!(log.stats().limited, 0);
    let purges = |call: &purgeline_sim::CallRecord| call.kind == CallKind::Purge;
    let busiest = log.busiest(Duration::from_secs(1), purges);
    assert!(busiest.calls <= 80 && busiest.items <= 240, "{busiest:?}");
    let mut times: BTreeMap<usize, usize> = BTreeMap::new();
    for item in &load.own {
        let went = fixture.carrying(item).iter().filter(|call| !fixture.is_struck(call)).count();
        *times.entry(went).or_default() += 1;
    }
    assert_eq!(times, [(1, load.own.len())].into(), "URLs by how often they were purged");
    let hot = fixture.carrying(&hot());
    let hot = hot.iter().filter(|call| call.arrived_ms >= up && !fixture.is_struck(call)).count();
    assert!((1..=after + 1).contains(&hot), "{hot} times for {after} jobs, and all that waited");
    println!(
        "{} jobs, {} calls in {} s of outage, {} of them probes",
        load.jobs.len(),
        in_vain,
        OUTAGE_MS / 1000,
        probes.len()
    );
    assert_eq!(fixture.env.counter("opened").await, 1);
    fixture.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_of_ten_minutes_fails_no_item() {
    let cut = FaultRule::new(Fault::Drop { phase: Phase::Before }).with_chance(0.5);
    rides_out(vec![cut, FaultRule::new(Fault::status(502))], "broken", json!({ "max_attempts": 2 })).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_refused_for_ten_minutes_fail_no_item() {
    let refused = FaultRule::new(Fault::refuse("401001"));
    rides_out(vec![refused], "unauthorised", json!({ "max_attempts": 1 })).await;
}

/// A URL makes the server fail, whatever else is in the call. It alone fails, in the end, and the
/// others of its call are purged, and all that comes after it.
#[tokio::test(flavor = "multi_thread")]
async fn an_item_that_crashes_the_provider_fails_alone() {
    let fixture = SimFixture::start(&provider_case::QINIU, json!({}), json!({ "max_attempts": 3 })).await;
    let bad = item(Kind::Url, "www", 13);
    fixture.misbehave(vec![FaultRule::new(Fault::status(500)).on(CallKind::Purge).carrying(bad.text())]);
    let items: Vec<_> = (0..30).map(|n| item(Kind::Url, "www", n)).collect();
    let job = fixture.submit(&items).await;
    let mut others = Vec::new();
    let ended = loop {
        let job = fixture.env.job(job).await;
        if job.state != JobState::Active {
            break job;
        }
        others.push(fixture.submit(&[item(Kind::Url, "other", others.len())]).await);
        let next = fixture.now_ms() + 100;
        fixture.pass_until("time passes", async || (fixture.now_ms() >= next).then_some(())).await;
    };
    assert_eq!(ended.state, JobState::Partial, "{ended:#?}");
    let dead = fixture.dead_letters().await;
    let dead: Vec<_> = dead.iter().map(|dead| (dead.item.as_str(), dead.attempts)).collect();
    assert_eq!(dead, [(bad.name(purgeline_core::Action::Default).as_str(), 3)]);
    for job in others {
        assert_eq!(fixture.ended(job).await.state, JobState::Succeeded);
    }
    fixture.end().await;
}
