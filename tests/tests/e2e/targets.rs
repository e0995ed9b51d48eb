//! A job that several targets serve has a part at each.

use purgeline_core::{Cause, Class, Item, JobOptions, JobRequest, JobState};
use purgeline_producer::{Accept, SubmitError};
use purgeline_queue::{HoldName, JobFilter, QueueError};
use purgeline_sim::{Ending, FateRule, Selector, qiniu::QiniuSettings};
use purgeline_tests::{TestEnv, many_urls, qiniu, target, url};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_job_of_which_one_target_fails_an_item_is_partial_and_shows_its_parts() {
    let settings = || QiniuSettings { processing_ms: 10, ..QiniuSettings::lifted() };
    let (good, bad) = (settings().start().await.unwrap(), settings().start().await.unwrap());
    bad.fate(FateRule::new(Selector::Exact(url("b")), Ending::Failure("origin 404".to_owned())));
    let more = || json!({"max_attempts": 2});
    let env = TestEnv::new(vec![
        target("bad", qiniu(bad.base_url(), more())),
        target("good", qiniu(good.base_url(), more())),
    ])
    .await;
    let worker = env.worker("w1");
    let submitted = env.submit(&[url("a"), url("b")], &[]).await;
    assert_eq!((submitted.items, submitted.targets.len()), (2, 2));

    let job = env.ended(submitted.job).await;
    assert_eq!(job.state, JobState::Partial);
    let part = |name: &str| {
        let counts = job.parts[&name.parse().unwrap()].counts;
        (counts.state(), counts.succeeded, counts.failed)
    };
    assert_eq!(part("good"), (JobState::Succeeded, 2, 0));
    assert_eq!(part("bad"), (JobState::Partial, 1, 1));
    let dead = env.queue.inspect().dead_letters(env.target(), 10).await.unwrap();
    assert_eq!(dead.len(), 1);
    assert!(dead[0].cause.message.starts_with("origin 404"), "{dead:?}");
    env.at_rest().await;
    worker.stop().await;
}

fn keyed(key: &str, urls: &[String]) -> JobRequest {
    let options = JobOptions { idempotency_key: Some(key.to_owned()), ..JobOptions::default() };
    JobRequest { urls: urls.to_vec(), options, ..JobRequest::default() }
}

fn to(target: &str) -> JobOptions {
    JobOptions { targets: vec![target.parse().unwrap()], ..JobOptions::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_names_a_target_goes_to_no_other() {
    let settings = || QiniuSettings { processing_ms: 10, ..QiniuSettings::lifted() };
    let (named, other) = (settings().start().await.unwrap(), settings().start().await.unwrap());
    let env = TestEnv::new(vec![
        target("named", qiniu(named.base_url(), json!({}))),
        target("other", qiniu(other.base_url(), json!({}))),
    ])
    .await;
    let worker = env.worker("w1");
    let submitted = env.submit_as(to("named"), &[url("a")], &[]).await;
    env.succeeded(submitted.job, &named).await;
    let both = env.submit(&[url("a")], &[]).await;
    env.succeeded(both.job, &named).await;
    env.succeeded(both.job, &other).await;
    assert_eq!((named.log().stats().items_asked, other.log().stats().items_asked), (2, 1));
    env.at_rest().await;
    worker.stop().await;
}

/// Refused whole: neither target purges anything of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_job_for_which_one_of_two_targets_has_no_room_is_enqueued_at_neither() {
    let sim = QiniuSettings::lifted().start().await.unwrap();
    let env = TestEnv::new(vec![
        target("roomy", qiniu(sim.base_url(), json!({}))),
        target("small", qiniu(sim.base_url(), json!({"max_pending_items": 5}))),
    ])
    .await;
    let cause = Cause::new(Class::Unknown, "test", "nothing goes");
    for target in env.target_refs() {
        env.queue.operate().hold(&target, HoldName::Paused, None, &cause, "test").await.unwrap();
    }
    env.submit(&many_urls(2), &[]).await;
    let accepted = keyed("accepted", &many_urls(5)[2..4]);
    env.producer.submit(&accepted, Accept::Whole).await.unwrap();

    let request = keyed("refused", &[url("x"), url("y"), url("z")]);
    for _ in 0..2 {
        let refused = env.producer.submit(&request, Accept::Whole).await.unwrap_err();
        let SubmitError::Queue(QueueError::Full { target, waiting: 4, most: 5 }) = refused else {
            panic!("{refused}")
        };
        assert_eq!(target.as_str(), "small");
        assert!(!env.is_pending(&Item::url(&url("x")).unwrap()).await);
        assert_eq!(env.stats().await.pending, 4);
    }
    let jobs = env.queue.inspect().jobs(&env.target_refs(), &JobFilter::default(), 10, 10).await.unwrap();
    assert_eq!(jobs.len(), 2, "the refused job never was");
    // A full queue does not refuse what it has accepted.
    env.submit_as(to("small"), &[url("last")], &[]).await;
    let again = env.producer.submit(&accepted, Accept::Whole).await.unwrap();
    assert!(again.repeated);
    env.assert_verified().await;
}
