use crate::bed::{Bed, cause, dir, names, plain, policy, url};
use purgeline_core::{Kind, Target};
use purgeline_queue::{Enqueued, Hold, HoldName, PollPolicy, Polls, Settlement};

async fn hold(bed: &Bed, name: HoldName, for_ms: Option<u64>) -> bool {
    bed.queue.operate().hold(&bed.target, name, for_ms, &cause("why"), "an operator").await.unwrap()
}

#[tokio::test]
async fn a_paused_target_sends_and_asks_nothing_and_takes_everything() {
    let bed = Bed::new().await;
    bed.ask("j0", &[&url("open")]).await;
    let open = bed.batch(&plain()).await;
    bed.submitted(&open, 0).await;
    assert!(hold(&bed, HoldName::Paused, None).await);
    bed.ask("j1", &[&url("a")]).await;
    bed.ask("j2", &[&url("a")]).await;
    assert_eq!(bed.wait(&plain()).await, ("paused".into(), None));
    let polls =
        bed.queue.work().due_polls(&bed.target, &PollPolicy::new(&crate::bed::limits(), 5, 100, 0)).await;
    assert!(matches!(polls.unwrap(), Polls::Wait { after: None, why } if why == "paused"));
    assert_eq!(bed.pending().await, 1);
    let holds = bed.queue.inspect().holds(&bed.target).await.unwrap();
    assert_eq!(
        holds,
        [Hold {
            name: "paused".into(),
            until_ms: None,
            since_ms: bed.now(),
            by: Some("an-operator".into()),
            why: "why the provider said why".into()
        }]
    );
    assert!(bed.queue.operate().release(&bed.target, HoldName::Paused).await.unwrap());
    assert!(!bed.queue.operate().release(&bed.target, HoldName::Paused).await.unwrap());
    assert_eq!(names(&bed.batch(&plain()).await), [url("a")]);
    bed.check().await;
}

#[tokio::test]
async fn a_hold_ends_by_itself_and_the_longer_one_stands() {
    let bed = Bed::new().await;
    bed.ask("j1", &[&url("a")]).await;
    assert!(hold(&bed, HoldName::Paused, Some(1000)).await);
    assert!(!hold(&bed, HoldName::Paused, Some(500)).await);
    assert!(hold(&bed, HoldName::Paused, Some(2000)).await);
    assert_eq!(bed.wait(&plain()).await, ("paused".into(), Some(2000)));
    bed.pass(2000);
    assert!(bed.queue.inspect().holds(&bed.target).await.unwrap().is_empty());
    assert_eq!(bed.batch(&plain()).await.items.len(), 1);
    // One without an end stands against any with one.
    assert!(hold(&bed, HoldName::Paused, None).await);
    assert!(!hold(&bed, HoldName::Paused, Some(99_999)).await);
}

#[tokio::test]
async fn a_held_kind_waits_alone() {
    let bed = Bed::new().await;
    assert!(hold(&bed, HoldName::Kind(Kind::Url), Some(4000)).await);
    bed.ask("j1", &[&url("a"), &dir("d/")]).await;
    let batch = bed.batch(&plain()).await;
    assert_eq!(names(&batch), [dir("d/")]);
    assert_eq!(bed.wait(&plain()).await, ("held url".into(), Some(4000)));
    bed.settle(&batch, &Settlement::Done).await;
    bed.pass(4000);
    assert_eq!(names(&bed.batch(&plain()).await), [url("a")]);
    bed.check().await;
}

#[tokio::test]
async fn held_dirs_cover_nothing() {
    let bed = Bed::new().await;
    bed.ask("j1", &[&dir("d/"), &url("d/x")]).await;
    hold(&bed, HoldName::Kind(Kind::Dir), Some(4000)).await;
    bed.ask("j2", &[&url("d/y")]).await;
    bed.ask("j3", &[&url("d/z")]).await;
    let batch = bed.batch(&plain()).await;
    assert_eq!(names(&batch), [url("d/y"), url("d/z"), url("d/x")]);
    bed.settle(&batch, &Settlement::Done).await;
    bed.check().await;
    // When the hold has passed, new dirs cover again, and a lease lets what waits wait for this one.
    bed.pass(4000);
    bed.ask("j4", &[&url("d/v"), &dir("e/")]).await;
    let added = bed.ask("j5", &[&url("e/v")]).await;
    assert_eq!(added, Enqueued::Added { new: 0, joined: 0, covered: 1 });
    let mixed = policy(|limits| limits.call.mix_kinds = true);
    assert_eq!(names(&bed.batch(&mixed).await), [dir("d/"), dir("e/")]);
    bed.check().await;
}

#[tokio::test]
async fn a_throttle_stops_all_targets_of_the_account() {
    let bed = Bed::new().await;
    let other = Target { name: "images".parse().unwrap(), account: bed.target.account.clone() };
    bed.ask("j1", &[&url("a")]).await;
    // Redis forgets a throttle by its own clock: long enough that it does not meanwhile.
    assert!(bed.queue.work().throttle(&other, 600_000, &cause("429")).await.unwrap());
    assert!(!bed.queue.work().throttle(&bed.target, 500_000, &cause("429")).await.unwrap());
    assert_eq!(bed.wait(&plain()).await, ("throttled".into(), Some(600_000)));
    let holds = bed.queue.inspect().holds(&bed.target).await.unwrap();
    assert_eq!((holds[0].name.as_str(), holds[0].until_ms), ("throttled", Some(bed.now() + 600_000)));
    bed.pass(600_000);
    assert_eq!(bed.batch(&plain()).await.items.len(), 1);
}
