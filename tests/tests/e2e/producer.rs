//! A submission that is repeated counts once, wherever the first try broke off.

use futures::future::join_all;
use purgeline_core::{JobOptions, JobRequest, JobState};
use purgeline_producer::{Accept, Producer, SubmitError};
use purgeline_queue::{Queue, QueueError};
use purgeline_sim::qiniu::QiniuSettings;
use purgeline_tests::{RETENTION, Relay, TestEnv, lifted_limits, many_urls, qiniu, target, url};

fn keyed(urls: Vec<String>) -> JobRequest {
    let options = JobOptions { idempotency_key: Some("post 42, revision 7".into()), ..JobOptions::default() };
    JobRequest { urls, options, ..JobRequest::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_is_the_same_job() {
    let sim = QiniuSettings { processing_ms: 10, ..QiniuSettings::lifted() }.start().await.unwrap();
    let env = TestEnv::new(vec![target("cdn", qiniu(sim.base_url(), lifted_limits()))]).await;
    let request = keyed(vec![url("a"), url("b")]);
    let first = env.producer.submit(&request, Accept::Whole).await.unwrap();
    // The same items in another order and spelling.
    let same = keyed(vec![url("b#top"), url("a"), url("./b")]);
    let again = env.producer.submit(&same, Accept::Whole).await.unwrap();
    assert_eq!((again.job, again.repeated, again.state), (first.job, true, JobState::Active));

    let other = env.producer.submit(&keyed(vec![url("a")]), Accept::Whole).await.unwrap_err();
    assert!(matches!(other, SubmitError::Queue(QueueError::Conflict(job)) if job == first.job), "{other}");

    let worker = env.worker("w1");
    env.succeeded(first.job, &sim).await;
    let late = env.producer.submit(&request, Accept::Whole).await.unwrap();
    assert_eq!((late.job, late.repeated, late.state), (first.job, true, JobState::Succeeded));
    env.at_rest().await;
    assert_eq!(sim.log().stats().items_asked, 2);
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn several_producers_may_submit_the_same_job_at_once() {
    let sim = QiniuSettings { processing_ms: 10, ..QiniuSettings::lifted() }.start().await.unwrap();
    let env = TestEnv::new(vec![target("cdn", qiniu(sim.base_url(), lifted_limits()))]).await;
    let request = keyed(many_urls(2_300));
    let producers: Vec<_> = (0..6)
        .map(|_| {
            Producer::new(Queue::open(env.redis().url()).unwrap().produce(), env.targets.clone(), RETENTION)
        })
        .collect();
    let submitting = producers.iter().map(|producer| producer.submit(&request, Accept::Whole));
    let submitted: Vec<_> =
        join_all(submitting).await.into_iter().map(|submitted| submitted.unwrap()).collect();
    assert_eq!(submitted.iter().filter(|submitted| !submitted.repeated).count(), 1);
    assert_eq!(submitted.iter().map(|submitted| submitted.targets[0].new).sum::<u64>(), 2_300);

    let worker = env.worker("w1");
    let job = env.ended(submitted[0].job).await;
    assert_eq!((job.state, job.parts[&env.target().name].counts.succeeded), (JobState::Succeeded, 2_300));
    assert_eq!(sim.log().stats().items_asked, 2_300);
    env.at_rest().await;
    worker.stop().await;
}

/// The connection breaks in the middle of a command, at many places in turn.
#[tokio::test(flavor = "multi_thread")]
async fn a_submission_cut_off_anywhere_is_repeated_and_counts_once() {
    let sim = QiniuSettings { processing_ms: 10, ..QiniuSettings::lifted() }.start().await.unwrap();
    let env = TestEnv::new(vec![target("cdn", qiniu(sim.base_url(), lifted_limits()))]).await;
    let Some(dir) = env.redis().alone("its connections are cut on the way, by a relay before one socket")
    else {
        return;
    };
    // Redis knows the library of functions, or each try would break off while that is loaded.
    env.queue.work().reap(env.target(), 1).await.unwrap();
    let request = keyed(many_urls(1_700));
    let mut cut = 0;
    for lets_through in (1_000..100_000).step_by(9_000) {
        let relay = Relay::past(dir, lets_through).await;
        let producer =
            Producer::new(Queue::open(relay.url()).unwrap().produce(), env.targets.clone(), RETENTION);
        let request = request.clone();
        let submitting = tokio::spawn(async move { producer.submit(&request, Accept::Whole).await });
        relay.blocked().await;
        relay.cut().await;
        let error = submitting.await.unwrap().unwrap_err();
        assert!(matches!(error, SubmitError::Queue(QueueError::Redis(_))), "{error}");
        cut += 1;
    }
    assert_eq!(cut, 11);
    let submitted = env.producer.submit(&request, Accept::Whole).await.unwrap();
    assert!(submitted.repeated);
    let part = env.job(submitted.job).await.parts[&env.target().name].clone();
    assert_eq!((part.counts.items, part.enqueued), (1_700, 1_700));
    env.assert_verified().await;

    let worker = env.worker("w1");
    let job = env.ended(submitted.job).await;
    let counts = job.parts[&env.target().name].counts;
    assert_eq!((job.state, counts.succeeded), (JobState::Succeeded, 1_700));
    assert_eq!(sim.log().stats().items_asked, 1_700);
    env.at_rest().await;
    worker.stop().await;
}
