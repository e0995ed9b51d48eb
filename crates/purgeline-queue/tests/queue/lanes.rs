//! Which lanes share a call.

use crate::bed::{Bed, count, dir, host_lane, names, plain, policy, url};
use purgeline_core::{
    Kind,
    Priority::{self, Bulk, Normal, Urgent},
};
use purgeline_queue::{LeasePolicy, Settlement};

fn mixed() -> LeasePolicy {
    policy(|limits| limits.call.mix_kinds = true)
}

/// One of each kind of host a call.
fn one_host() -> LeasePolicy {
    policy(|limits| limits.call.max_hosts = Some(count(1)))
}

async fn ask_hosts(bed: &Bed, priority: Priority, job: &str, items: &[&str]) {
    let items: Vec<_> =
        items.iter().map(|item| (item.to_string(), host_lane(priority, item).to_string())).collect();
    bed.ask_lanes(priority, job, &items).await;
}

#[tokio::test]
async fn kinds_share_a_call_only_where_the_provider_takes_it() {
    let bed = Bed::new().await;
    bed.ask("j1", &[&url("a"), &dir("d/")]).await;
    let alone = bed.batch(&plain()).await;
    assert_eq!(alone.items.len(), 1);
    bed.settle(&alone, &Settlement::Again { after_ms: 0, cause: crate::bed::cause("x") }).await;
    assert_eq!(names(&bed.batch(&mixed()).await), [dir("d/"), url("a")]);
    bed.check().await;
}

#[tokio::test]
async fn each_kind_keeps_its_own_bound_and_all_keep_the_common_one() {
    let bed = Bed::new().await;
    bed.ask("j1", &[&dir("d/"), &dir("e/"), &dir("f/"), &url("a"), &url("b")]).await;
    assert_eq!(names(&bed.batch(&mixed()).await), [dir("d/"), dir("e/"), url("a")]);
    bed.check().await;
}

#[tokio::test]
async fn haste_comes_before_kind() {
    let bed = Bed::new().await;
    bed.ask_as(Bulk, "j1", &[&dir("d/"), &dir("e/")]).await;
    bed.ask_as(Urgent, "j2", &[&url("a"), &url("b")]).await;
    assert_eq!(names(&bed.batch(&mixed()).await), [url("a"), url("b"), dir("d/")]);
    bed.check().await;
}

#[tokio::test]
async fn actions_never_share_a_call_within_a_kind() {
    let bed = Bed::new().await;
    let drop = |item: String| item.replacen("url:", "url+delete:", 1);
    bed.ask("j1", &[&url("a"), &drop(url("b")), &url("c"), &drop(url("d"))]).await;
    let one = bed.batch(&mixed()).await;
    bed.pass(100);
    let two = bed.batch(&mixed()).await;
    let mut calls = [names(&one), names(&two)];
    calls.sort();
    assert_eq!(calls, [vec![drop(url("b")), drop(url("d"))], vec![url("a"), url("c")]]);
    bed.check().await;
}

#[tokio::test]
async fn several_lanes_fill_one_call_in_the_order_of_their_haste() {
    let bed = Bed::new().await;
    bed.ask_as(Bulk, "j1", &[&url("a")]).await;
    bed.ask_as(Normal, "j2", &[&url("b")]).await;
    bed.ask_as(Urgent, "j3", &[&url("c")]).await;
    assert_eq!(names(&bed.batch(&plain()).await), [url("c"), url("b"), url("a")]);
    bed.check().await;
}

#[tokio::test]
async fn hosts_of_a_call_are_bounded() {
    let bed = Bed::new().await;
    ask_hosts(&bed, Normal, "j1", &["url:https://h1/a", "url:https://h2/a", "url:https://h1/b"]).await;
    ask_hosts(&bed, Bulk, "j2", &["url:https://h2/b", "url:https://h1/c"]).await;
    let one = bed.batch(&one_host()).await;
    bed.pass(100);
    let two = bed.batch(&one_host()).await;
    let mut calls = [names(&one), names(&two)];
    calls.sort();
    assert_eq!(
        calls,
        [
            vec!["url:https://h1/a", "url:https://h1/b", "url:https://h1/c"],
            vec!["url:https://h2/a", "url:https://h2/b"]
        ]
    );
    bed.check().await;
}

#[tokio::test]
async fn the_lane_that_has_waited_longest_goes_first() {
    let bed = Bed::new().await;
    let two_hosts = policy(|limits| limits.call.max_hosts = Some(count(2)));
    for (job, item) in [("j1", "url:https://h3/a"), ("j2", "url:https://h1/a"), ("j3", "url:https://h2/a")] {
        ask_hosts(&bed, Normal, job, &[item]).await;
        bed.pass(1);
    }
    assert_eq!(names(&bed.batch(&two_hosts).await), ["url:https://h3/a", "url:https://h1/a"]);
    // What is asked for in between does not overtake.
    ask_hosts(&bed, Normal, "j4", &["url:https://h1/b"]).await;
    bed.pass(100);
    assert_eq!(names(&bed.batch(&two_hosts).await), ["url:https://h2/a", "url:https://h1/b"]);
    bed.check().await;
}

#[tokio::test]
async fn many_lanes_of_a_held_kind_do_not_hide_the_rest() {
    let bed = Bed::new().await;
    let dirs: Vec<_> = (0..100).map(|n| format!("dir:https://h{n}/d/")).collect();
    ask_hosts(&bed, Normal, "j1", &dirs.iter().map(String::as_str).collect::<Vec<_>>()).await;
    bed.pass(1);
    ask_hosts(&bed, Normal, "j2", &["url:https://h7/a"]).await;
    let spent = crate::bed::cause("quota");
    let held = purgeline_queue::HoldName::Kind(Kind::Dir);
    assert!(bed.queue.operate().hold(&bed.target, held, Some(5000), &spent, "provider").await.unwrap());
    assert_eq!(names(&bed.batch(&one_host()).await), ["url:https://h7/a"]);
    assert_eq!(bed.wait(&one_host()).await, ("held dir".into(), Some(5000)));
    bed.check().await;
}
