//! A hot URL that 20,000 jobs wait for.

use futures::{StreamExt, stream};
use purgeline_core::{Cause, Class, JobState};
use purgeline_queue::HoldName;
use purgeline_sim::{CallKind, qiniu::QiniuSettings};
use purgeline_tests::{TestEnv, eventually, lifted_limits, qiniu, target, url};
use redis::AsyncTypedCommands;

const JOBS: usize = 20_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_url_that_20_000_jobs_wait_for_costs_two_calls() {
    let hot = url("hot");
    let sim = QiniuSettings { processing_ms: 0, ..QiniuSettings::lifted() }.start().await.unwrap();
    let env = TestEnv::new(vec![target("cdn", qiniu(sim.base_url(), lifted_limits()))]).await;
    sim.gate().close_for(CallKind::Purge);
    let worker = env.worker("w1");
    let first = env.submit(&[&hot], &[]).await;
    sim.wait_for(|log| log.stats().held == 1).await.unwrap();
    // The call is at the provider, and a second would be as soon as this is known not to linger.
    let cause = Cause::new(Class::Unknown, "test", "until all wait");
    let paused = HoldName::Paused;
    env.queue.operate().hold(env.target(), paused, None, &cause, "test").await.unwrap();
    let submitted: Vec<_> = stream::iter(0..JOBS - 1)
        .map(|_| env.submit(std::slice::from_ref(&hot), &[]))
        .buffer_unordered(32)
        .collect()
        .await;
    let new: u64 = submitted.iter().map(|submitted| submitted.targets[0].new).sum();
    assert_eq!(new, 1, "one record, that all others joined");
    env.queue.operate().release(env.target(), paused).await.unwrap();
    sim.gate().open();

    let ids: Vec<_> = submitted.iter().map(|submitted| submitted.job).chain([first.job]).collect();
    assert_eq!(ids.len(), JOBS);
    eventually("all jobs end", || async { (env.counter("jobs_ended").await == JOBS as u64).then_some(()) })
        .await;
    env.at_rest().await;
    // One by one, since a cluster has them on all its nodes.
    let states = stream::iter(&ids).map(|id| {
        let (key, mut redis) = (env.queue.keys().job(*id), env.queue.manager());
        async move { redis.hget(key, "state").await.unwrap() }
    });
    let states: Vec<Option<String>> = states.buffer_unordered(32).collect().await;
    assert!(states.iter().all(|state| state.as_deref() == Some(JobState::Succeeded.as_str())));
    let log = sim.log();
    assert_eq!(log.carrying(&hot).count(), 2);
    let last = log.carrying(&hot).last().unwrap();
    let latest = env.job(submitted.last().unwrap().job).await;
    assert!(last.arrived_ms >= latest.submitted_ms, "the second call began after all had asked");
    worker.stop().await;
}
