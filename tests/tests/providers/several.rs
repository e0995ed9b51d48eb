//! A job to a host that two providers serve goes to both.

use purgeline_core::{JobState, PartCounts};
use purgeline_providers::ConfiguredTarget;
use purgeline_queue::Job;
use purgeline_sim::{CallKind, Ending, FateRule, Options, Selector, Sim};
use purgeline_tests::{ProviderCase, RunningWorker, TestEnv, eventually, merge, provider_case, target, url};
use serde_json::{Value, json};

/// A host at Qiniu and at Wangsu.
struct Both {
    qiniu: Sim,
    wangsu: Sim,
    env: TestEnv,
    worker: RunningWorker,
}

/// A provider's simulator and a target at it, for the hosts below example.com.
async fn start(provider: &ProviderCase, more: Value) -> (Sim, ConfiguredTarget) {
    let mut account = (provider.account)();
    merge(&mut account, more);
    let sim = purgeline_sim::start(provider.sim, Options::default(), account).await.unwrap();
    let mut config = json!({
        "provider": provider.registry_name,
        "hosts": ["*.example.com"],
        "max_attempts": 1,
        "settings": { "polls": { "first_ms": 100, "then_ms": 100 } },
    });
    merge(&mut config["settings"], (provider.settings)(sim.base_url()));
    (sim, target(provider.name, config))
}

impl Both {
    /// `wangsu` is merged into the account there.
    async fn start(wangsu: Value) -> Self {
        let (qiniu, at_qiniu) = start(&provider_case::QINIU, json!({})).await;
        let (wangsu, at_wangsu) = start(&provider_case::WANGSU, wangsu).await;
        let env = TestEnv::new(vec![at_qiniu, at_wangsu]).await;
        let worker = env.worker("w1");
        Self { qiniu, wangsu, env, worker }
    }

    async fn end(self) {
        self.env.at_rest().await;
        self.worker.stop().await;
    }
}

/// State, items that succeeded and items that failed of a job's part.
fn part(job: &Job, target: &str) -> (JobState, u64, u64) {
    let PartCounts { succeeded, failed, .. } = job.parts[&target.parse().unwrap()].counts;
    (job.parts[&target.parse().unwrap()].counts.state(), succeeded, failed)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_at_two_providers_succeeds_when_both_succeed() {
    let both = Both::start(json!({})).await;
    both.wangsu.gate().close_for(CallKind::Purge);
    let dir = url("dir/");
    let submitted = both.env.submit(&[url("a"), url("b")], &[&dir]).await;
    assert_eq!((submitted.items, submitted.targets.len()), (3, 2));
    both.wangsu.wait_for(|log| log.stats().held == 1).await.unwrap();
    let job = eventually("the part at qiniu ends", || async {
        let job = both.env.job(submitted.job).await;
        (part(&job, "qiniu").0 != JobState::Active).then_some(job)
    })
    .await;
    assert_eq!((job.state, part(&job, "qiniu")), (JobState::Active, (JobState::Succeeded, 3, 0)));
    assert_eq!(part(&job, "wangsu"), (JobState::Active, 0, 0));

    both.wangsu.gate().open();
    let job = both.env.ended(submitted.job).await;
    assert_eq!((job.state, part(&job, "wangsu")), (JobState::Succeeded, (JobState::Succeeded, 3, 0)));
    for sim in [&both.qiniu, &both.wangsu] {
        let log = sim.log();
        assert_eq!((log.stats().purge_calls, log.stats().items_accepted), (1, 3), "{}", sim.provider());
    }
    both.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_partial_when_one_provider_refuses_it() {
    let both = Both::start(json!({ "hosts": ["other.example.com"] })).await;
    let submitted = both.env.submit(&[url("a"), url("b")], &[]).await;
    let job = both.env.ended(submitted.job).await;
    assert_eq!(job.state, JobState::Partial);
    assert_eq!(part(&job, "qiniu"), (JobState::Succeeded, 2, 0));
    assert_eq!(part(&job, "wangsu"), (JobState::Failed, 0, 2));
    let wangsu = &both.env.targets[1].target;
    let dead = both.env.queue.inspect().dead_letters(wangsu, 10).await.unwrap();
    assert_eq!(dead.len(), 2);
    assert!(dead.iter().all(|dead| dead.cause.code == "error-channel"), "{dead:?}");
    both.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_partial_when_one_provider_fails_an_item() {
    let both = Both::start(json!({})).await;
    let fails = Ending::Failure("origin 404".to_owned());
    both.qiniu.fate(FateRule::new(Selector::Exact(url("b")), fails));
    let submitted = both.env.submit(&[url("a"), url("b")], &[]).await;
    let job = both.env.ended(submitted.job).await;
    assert_eq!(job.state, JobState::Partial);
    assert_eq!(part(&job, "qiniu"), (JobState::Partial, 1, 1));
    assert_eq!(part(&job, "wangsu"), (JobState::Succeeded, 2, 0));
    both.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_fails_when_both_providers_fail_it() {
    let both = Both::start(json!({ "hosts": ["other.example.com"] })).await;
    both.qiniu.fate(FateRule::new(Selector::All, Ending::Failure("origin 404".to_owned())));
    let submitted = both.env.submit(&[url("a")], &[]).await;
    let job = both.env.ended(submitted.job).await;
    assert_eq!(job.state, JobState::Failed);
    assert_eq!((part(&job, "qiniu").2, part(&job, "wangsu").2), (1, 1));
    both.end().await;
}
