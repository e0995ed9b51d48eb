use crate::bed::{Bed, LEASE_MS, count, dir, names, plain, policy, url};
use purgeline_core::{Kind, Priority::Urgent};
use purgeline_queue::{BatchState, Lease, Settlement};
use redis::AsyncTypedCommands;

#[tokio::test]
async fn an_idle_target_sends_at_once_and_takes_the_oldest() {
    let bed = Bed::new().await;
    assert_eq!(bed.wait(&plain()).await, ("empty".into(), None));
    bed.ask("j1", &[&url("a")]).await;
    let batch = bed.batch(&plain()).await;
    assert_eq!(names(&batch), [url("a")]);
    assert_eq!(batch.deadline_ms, bed.now() + i64::try_from(LEASE_MS).unwrap());
    let view = bed.queue.inspect().batch(&bed.target, &batch.id).await.unwrap().unwrap();
    assert_eq!(
        (view.state, view.worker.as_deref(), view.items),
        (BatchState::Leased, Some("w1"), batch.items)
    );
    bed.check().await;
}

#[tokio::test]
async fn a_full_chunk_goes_in_order() {
    let bed = Bed::new().await;
    bed.ask("j1", &[&url("a"), &url("b")]).await;
    bed.ask("j2", &[&url("c"), &url("d")]).await;
    assert_eq!(names(&bed.batch(&plain()).await), [url("a"), url("b"), url("c")]);
    assert_eq!(bed.pending().await, 1);
    bed.check().await;
}

#[tokio::test]
async fn a_part_full_chunk_lingers_while_a_call_is_in_flight() {
    let bed = Bed::new().await;
    bed.ask("j1", &[&url("a")]).await;
    let _in_flight = bed.batch(&plain()).await;
    bed.ask("j2", &[&url("b")]).await;
    assert_eq!(bed.wait(&plain()).await, ("linger".into(), Some(100)));
    bed.pass(40);
    assert_eq!(bed.wait(&plain()).await, ("linger".into(), Some(60)));
    // Company does not make the oldest wait longer.
    bed.ask("j3", &[&url("c")]).await;
    bed.pass(59);
    assert_eq!(bed.wait(&plain()).await, ("linger".into(), Some(1)));
    bed.pass(1);
    assert_eq!(names(&bed.batch(&plain()).await), [url("b"), url("c")]);
    bed.check().await;
}

#[tokio::test]
async fn a_lingering_chunk_goes_when_it_is_full() {
    let bed = Bed::new().await;
    bed.ask("j1", &[&url("a")]).await;
    let _in_flight = bed.batch(&plain()).await;
    bed.ask("j2", &[&url("b"), &url("c")]).await;
    assert_eq!(bed.wait(&plain()).await.0, "linger");
    bed.ask("j3", &[&url("d")]).await;
    assert_eq!(names(&bed.batch(&plain()).await), [url("b"), url("c"), url("d")]);
}

#[tokio::test]
async fn a_lingering_chunk_goes_when_a_call_returns() {
    for returned in ["settled", "submitted", "given back"] {
        let bed = Bed::new().await;
        bed.ask("j1", &[&url("a")]).await;
        let one = bed.batch(&plain()).await;
        bed.ask_as(Urgent, "j2", &[&url("b")]).await;
        let _two = bed.batch(&plain()).await;
        bed.ask("j3", &[&url("c")]).await;
        assert_eq!(bed.wait(&plain()).await.0, "linger", "{returned}");
        bed.pass(1);
        match returned {
            "settled" => assert_eq!(bed.settle(&one, &Settlement::Done).await, 1),
            "submitted" => assert!(bed.submitted(&one, 1000).await),
            _ => assert_eq!(bed.queue.work().give_back(&bed.target, &one.id, "w1").await.unwrap(), 1),
        }
        assert!(names(&bed.batch(&plain()).await).contains(&url("c")), "{returned}");
        bed.check().await;
    }
}

#[tokio::test]
async fn the_end_of_an_accepted_batch_is_no_call_that_returns() {
    let bed = Bed::new().await;
    bed.ask("j1", &[&url("a")]).await;
    let accepted = bed.batch(&plain()).await;
    bed.submitted(&accepted, 1000).await;
    bed.ask("j2", &[&url("b")]).await;
    let _in_flight = bed.batch(&plain()).await;
    bed.pass(1);
    bed.ask("j3", &[&url("c")]).await;
    bed.pass(1);
    bed.settle(&accepted, &Settlement::Done).await;
    assert_eq!(bed.wait(&plain()).await, ("linger".into(), Some(99)));
}

#[tokio::test]
async fn an_urgent_item_never_lingers() {
    let bed = Bed::new().await;
    bed.ask("j1", &[&url("a")]).await;
    let _in_flight = bed.batch(&plain()).await;
    bed.ask("j2", &[&url("b")]).await;
    bed.ask_as(Urgent, "j3", &[&url("c")]).await;
    // What may go along does.
    assert_eq!(names(&bed.batch(&plain()).await), [url("c"), url("b")]);
    bed.check().await;
}

#[tokio::test]
async fn calls_in_flight_are_bounded() {
    let bed = Bed::new().await;
    let two = policy(|limits| limits.max_in_flight = count(2));
    for item in ["a", "b", "c"] {
        bed.ask_as(Urgent, item, &[&url(item)]).await;
        if item != "c" {
            bed.batch(&two).await;
        }
    }
    assert_eq!(bed.wait(&two).await, ("in_flight".into(), None));
    let first = bed.queue.inspect().batch(&bed.target, "b1").await.unwrap().unwrap();
    assert_eq!(bed.settle_some("b1", &[(first.items[0].index, Settlement::Done)]).await, 1);
    assert_eq!(names(&bed.batch(&two).await), [url("c")]);
}

#[tokio::test]
async fn an_accepted_batch_is_not_in_flight() {
    let bed = Bed::new().await;
    let one = policy(|limits| limits.max_in_flight = count(1));
    bed.ask("j1", &[&url("a")]).await;
    let batch = bed.batch(&one).await;
    bed.ask("j2", &[&url("b")]).await;
    assert_eq!(bed.wait(&one).await.0, "in_flight");
    bed.submitted(&batch, 1000).await;
    assert_eq!(names(&bed.batch(&one).await), [url("b")]);
    bed.check().await;
}

#[tokio::test]
async fn bytes_bound_a_call_and_the_rest_keeps_its_order() {
    let bed = Bed::new().await;
    // Each name is 17 bytes: two fit.
    let tight = policy(|limits| {
        limits.call.max_items = count(5);
        limits.call.max_of_kind.insert(Kind::Url, count(5));
        limits.call.max_bytes = Some(count(35));
    });
    let items: Vec<_> = ["aaa", "bbb", "ccc", "ddd", "eee"].map(url).to_vec();
    assert_eq!(items[0].len(), 17);
    bed.ask("j1", &items.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let mut sent = Vec::new();
    for expected in [2, 2, 1] {
        let batch = bed.batch(&tight).await;
        assert_eq!(batch.items.len(), expected);
        sent.extend(names(&batch));
        bed.settle(&batch, &Settlement::Done).await;
        bed.check().await;
    }
    assert_eq!(sent, items);
    assert_eq!(bed.ended("j1").await, (5, 0));
}

#[tokio::test]
async fn one_item_goes_however_long_it_is() {
    let bed = Bed::new().await;
    let tight = policy(|limits| limits.call.max_bytes = Some(count(4)));
    bed.ask("j1", &[&url("a"), &url("b")]).await;
    assert_eq!(names(&bed.batch(&tight).await), [url("a")]);
}

#[tokio::test]
async fn stale_hints_are_passed_over() {
    let bed = Bed::new().await;
    let many: Vec<String> = (0..450).map(url).collect();
    let all: Vec<_> = many.iter().map(String::as_str).collect();
    bed.ask("j1", &all).await;
    bed.ask_as(Urgent, "j2", &all).await;
    bed.ask("j3", &[&url("last")]).await;
    let wide = policy(|limits| {
        limits.call.max_items = count(450);
        limits.call.max_of_kind.insert(Kind::Url, count(450));
    });
    let urgent = bed.batch(&wide).await;
    assert_eq!(urgent.items.len(), 450);
    bed.settle(&urgent, &Settlement::Done).await;
    // 450 hints of normal/url are stale; a call looks at 212.
    assert_eq!(names(&bed.batch(&plain()).await), [url("last")]);
    assert_eq!(bed.ended("j1").await, (450, 0));
    assert_eq!(bed.ended("j2").await, (450, 0));
    bed.check().await;
}

#[tokio::test]
async fn a_call_may_be_larger_than_lua_can_unpack() {
    let bed = Bed::new().await;
    let items = 9_000_u32;
    let huge = policy(|limits| {
        limits.call.max_items = count(items);
        limits.call.max_of_kind.insert(Kind::Url, count(items));
    });
    bed.create("j1", items as usize).await;
    let all: Vec<String> = (0..items).map(url).collect();
    for (index, names) in all.chunks(500).enumerate() {
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        bed.chunk("j1", (index, 18, items as usize), &names, 100_000).await.unwrap();
    }
    let batch = bed.batch(&huge).await;
    assert_eq!(names(&batch), all);
    assert_eq!(bed.settle(&batch, &Settlement::Done).await, u64::from(items));
    assert_eq!(bed.ended("j1").await, (u64::from(items), 0));
    bed.check().await;
}

#[tokio::test]
async fn a_kind_that_the_policy_does_not_take_waits_and_stops_nobody() {
    let bed = Bed::new().await;
    let urls_only = policy(|limits| {
        limits.call.max_of_kind.remove(&Kind::Dir);
    });
    bed.ask("j1", &[&dir("a/")]).await;
    assert_eq!(bed.wait(&urls_only).await, ("kind dir is not taken".into(), None));
    bed.ask("j2", &[&url("b")]).await;
    assert_eq!(names(&bed.batch(&urls_only).await), [url("b")]);
}

#[tokio::test]
async fn urls_that_wait_are_covered_by_a_dir_that_came_later() {
    let bed = Bed::new().await;
    bed.ask("j1", &[&url("a/x"), &url("b"), &url("a/y")]).await;
    bed.pass(1);
    bed.ask("j2", &[&url("a/x"), &dir("a/")]).await;
    let first = bed.batch(&plain()).await;
    assert_eq!(names(&first), [url("b")]);
    bed.check().await;
    bed.pass(100);
    let second = bed.batch(&plain()).await;
    assert_eq!(names(&second), [dir("a/")]);
    bed.settle(&first, &Settlement::Done).await;
    assert_eq!((bed.ended("j1").await, bed.ended("j2").await), ((1, 0), (0, 0)));
    bed.settle(&second, &Settlement::Done).await;
    assert_eq!((bed.ended("j1").await, bed.ended("j2").await), ((3, 0), (2, 0)));
    assert_eq!(bed.counter("covered").await, 2);
    bed.check().await;
}

#[tokio::test]
async fn urls_are_covered_by_a_dir_of_the_same_call() {
    let bed = Bed::new().await;
    let mixed = policy(|limits| limits.call.mix_kinds = true);
    bed.ask("j1", &[&url("a/x"), &url("b"), &dir("a/b/")]).await;
    bed.ask("j2", &[&dir("a/")]).await;
    let batch = bed.batch(&mixed).await;
    assert_eq!(names(&batch), [dir("a/"), url("b")]);
    bed.check().await;
    assert!(matches!(bed.lease(&mixed).await, Lease::Wait { .. }));
    bed.settle(&batch, &Settlement::Done).await;
    assert_eq!((bed.ended("j1").await, bed.ended("j2").await), ((3, 0), (1, 0)));
    bed.check().await;
}

#[tokio::test]
async fn a_waiting_dir_covers_nothing_that_has_more_haste() {
    let bed = Bed::new().await;
    bed.ask_as(Urgent, "j1", &[&url("a/x")]).await;
    bed.ask("j2", &[&dir("a/")]).await;
    assert_eq!(names(&bed.batch(&plain()).await), [url("a/x")]);
    bed.check().await;
}

#[tokio::test]
async fn a_list_of_waiting_jobs_that_somebody_deleted_stops_nobody_else() {
    let bed = Bed::new().await;
    for n in 0..20 {
        bed.ask(&format!("j{n}"), &[&url("hot")]).await;
    }
    bed.ask("other", &[&url("b")]).await;
    let list = bed.queue.keys().waiters(&bed.target, url("hot"));
    assert_eq!(bed.queue.manager().del(list).await.unwrap(), 1);
    let batch = bed.batch(&plain()).await;
    assert_eq!(names(&batch), [url("hot"), url("b")]);
    bed.settle(&batch, &Settlement::Done).await;
    assert_eq!((bed.ended("j0").await, bed.ended("other").await), ((1, 0), (1, 0)));
    assert!(!bed.queue.audit().verify(std::slice::from_ref(&bed.target)).await.unwrap().is_empty());
}
