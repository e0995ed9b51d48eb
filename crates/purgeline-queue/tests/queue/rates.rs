//! The fleet's limits. Windows are minutes long, since Redis forgets them by its own clock.

use crate::bed::{Bed, LEASE_MS, LINGER_MS, chunk, dir, lane, limits, names, url};
use purgeline_core::{
    Priority, Rate,
    RateUnit::{self, Calls, Dirs, Items, Urls},
    Target,
};
use purgeline_queue::{Lease, LeasePolicy, Settlement};
use redis::AsyncTypedCommands;

const WINDOW: u64 = 300_000;

fn rated(rates: &[(RateUnit, u32, u64)], headroom_ms: u64) -> LeasePolicy {
    let mut limits = limits();
    limits.rates = rates
        .iter()
        .map(|&(unit, max, window_ms)| Rate {
            unit,
            max: crate::bed::count(max),
            window_ms: window_ms.try_into().unwrap(),
        })
        .collect();
    LeasePolicy::new(&limits, LINGER_MS, LEASE_MS, headroom_ms)
}

async fn send(bed: &Bed, policy: &LeasePolicy) -> Vec<String> {
    let batch = bed.batch(policy).await;
    bed.settle(&batch, &Settlement::Done).await;
    names(&batch)
}

#[tokio::test]
async fn calls_keep_to_a_sliding_window() {
    let bed = Bed::new().await;
    let policy = rated(&[(Calls, 2, WINDOW)], 0);
    bed.ask("j1", &[&url("a")]).await;
    send(&bed, &policy).await;
    bed.pass(100_000);
    bed.ask("j2", &[&url("b")]).await;
    send(&bed, &policy).await;
    bed.ask("j3", &[&url("c")]).await;
    assert_eq!(bed.wait(&policy).await, ("rate calls-300000ms".into(), Some(200_001)));
    bed.pass(199_999);
    assert_eq!(bed.wait(&policy).await.0, "rate calls-300000ms");
    bed.pass(1);
    send(&bed, &policy).await;
    // Sliding: the next one waits for the second call, not for a new window.
    bed.ask("j4", &[&url("d")]).await;
    assert_eq!(bed.wait(&policy).await.1, Some(100_001));
    bed.check().await;
}

#[tokio::test]
async fn headroom_makes_a_window_longer() {
    let bed = Bed::new().await;
    let policy = rated(&[(Calls, 1, WINDOW)], 50);
    bed.ask("j1", &[&url("a")]).await;
    send(&bed, &policy).await;
    bed.ask("j2", &[&url("b")]).await;
    bed.pass(300_049);
    assert_eq!(bed.wait(&policy).await.0, "rate calls-300000ms");
    bed.pass(1);
    send(&bed, &policy).await;
}

#[tokio::test]
async fn a_slow_worker_widens_the_head_room_until_its_calls_have_left_the_windows() {
    let bed = Bed::new().await;
    let policy = rated(&[(Calls, 1, WINDOW)], 50);
    let rates = [Rate { unit: Calls, max: crate::bed::count(1), window_ms: WINDOW.try_into().unwrap() }];
    let widen = async |ms| bed.queue.work().widen_headroom(&bed.target, ms, &rates).await.unwrap();
    let send = async |name: &str| {
        bed.ask(name, &[&url(name)]).await;
        let batch = bed.batch(&policy).await;
        bed.settle(&batch, &Settlement::Done).await;
        batch.headroom_ms
    };
    assert_eq!(send("a").await, 50);
    bed.pass(299_000);
    assert_eq!((widen(2_000).await, widen(100).await), (2_000, 2_000), "the slowest counts");
    // The windows are longer at once, and permits are good for longer during a minute.
    bed.ask("b", &[&url("b")]).await;
    bed.pass(2_999);
    assert_eq!(bed.wait(&policy).await, ("rate calls-300000ms".into(), Some(2)));
    bed.pass(2);
    assert_eq!(bed.batch(&policy).await.headroom_ms, 2_000);
    // The minute is over, but that call may have been made late: the next one waits all the same.
    bed.ask("c", &[&url("c")]).await;
    bed.pass(301_999);
    assert_eq!(bed.wait(&policy).await, ("rate calls-300000ms".into(), Some(2)));
    bed.pass(1);
    assert_eq!(bed.batch(&policy).await.headroom_ms, 50);
    // No call that was made by such a permit is left in a window.
    bed.ask("d", &[&url("d")]).await;
    bed.pass(300_049);
    assert_eq!(bed.wait(&policy).await, ("rate calls-300000ms".into(), Some(2)));
    bed.pass(1);
    assert_eq!(bed.batch(&policy).await.headroom_ms, 50);
    bed.check().await;
}

#[tokio::test]
async fn items_wait_until_the_window_has_room_for_the_whole_chunk() {
    let bed = Bed::new().await;
    let policy = rated(&[(Items, 4, WINDOW)], 0);
    bed.ask("j1", &[&url("a"), &url("b"), &url("c")]).await;
    assert_eq!(send(&bed, &policy).await.len(), 3);
    bed.pass(1000);
    bed.ask("j2", &[&url("d")]).await;
    assert_eq!(send(&bed, &policy).await.len(), 1);
    bed.ask("j3", &[&url("e"), &url("f"), &url("g")]).await;
    assert_eq!(bed.wait(&policy).await, ("rate items-300000ms".into(), Some(299_001)));
    bed.pass(299_000);
    assert_eq!(send(&bed, &policy).await.len(), 3);
    bed.check().await;
}

#[tokio::test]
async fn an_urgent_item_takes_what_room_there_is() {
    let bed = Bed::new().await;
    let policy = rated(&[(Items, 4, WINDOW)], 0);
    bed.ask("j1", &[&url("a"), &url("b"), &url("c")]).await;
    send(&bed, &policy).await;
    bed.ask("j2", &[&url("d"), &url("e"), &url("f")]).await;
    assert_eq!(bed.wait(&policy).await.0, "rate items-300000ms");
    bed.ask_as(Priority::Urgent, "j3", &[&url("g")]).await;
    assert_eq!(send(&bed, &policy).await, [url("g")]);
    bed.check().await;
}

#[tokio::test]
async fn a_window_that_holds_less_than_a_call_bounds_the_call() {
    let bed = Bed::new().await;
    let policy = rated(&[(Items, 2, WINDOW)], 0);
    bed.ask("j1", &[&url("a"), &url("b"), &url("c")]).await;
    assert_eq!(send(&bed, &policy).await, [url("a"), url("b")]);
    bed.pass(300_000);
    assert_eq!(send(&bed, &policy).await, [url("c")]);
}

#[tokio::test]
async fn a_spent_window_of_one_kind_stops_only_that_kind() {
    for mix in [false, true] {
        let bed = Bed::new().await;
        let mut limits = limits();
        limits.call.mix_kinds = mix;
        limits.rates = [(Dirs, 1_u32), (Urls, 5)]
            .map(|(unit, max)| Rate {
                unit,
                max: crate::bed::count(max),
                window_ms: WINDOW.try_into().unwrap(),
            })
            .to_vec();
        let policy = LeasePolicy::new(&limits, LINGER_MS, LEASE_MS, 0);
        bed.ask("j1", &[&dir("a/"), &dir("b/")]).await;
        assert_eq!(send(&bed, &policy).await, [dir("a/")]);
        bed.pass(1);
        bed.ask("j2", &[&url("x")]).await;
        assert_eq!(send(&bed, &policy).await, [url("x")], "mix_kinds = {mix}");
        assert_eq!(bed.wait(&policy).await, ("rate dirs-300000ms".into(), Some(300_000)));
        bed.pass(299_999);
        assert_eq!(send(&bed, &policy).await, [dir("b/")]);
        bed.check().await;
    }
}

#[tokio::test]
async fn several_windows_over_one_unit_all_hold() {
    let bed = Bed::new().await;
    let policy = rated(&[(Calls, 1, 120_000), (Calls, 2, WINDOW)], 0);
    let mut sent = Vec::new();
    for step in 0..60 {
        bed.ask(&format!("j{step}"), &[&url(step)]).await;
        if let Lease::Batch(batch) = bed.lease(&policy).await {
            sent.push(bed.now());
            bed.settle(&batch, &Settlement::Done).await;
        }
        bed.pass(20_000);
    }
    assert_eq!(sent.len(), 8);
    for (at, from) in sent.iter().enumerate() {
        let within = |window: i64| sent[at..].iter().take_while(|to| **to - from < window).count();
        assert!(within(120_000) <= 1 && within(300_000) <= 2, "{sent:?}");
    }
}

#[tokio::test]
async fn targets_of_one_account_share_its_windows() {
    let bed = Bed::new().await;
    let policy = rated(&[(Calls, 1, WINDOW)], 0);
    let account = bed.target.account.clone();
    let other = Target { name: "images".parse().unwrap(), account };
    bed.ask("j1", &[&url("a")]).await;
    let items = [(url("b"), lane(Priority::Normal, &url("b")).to_string())];
    bed.queue.produce().enqueue(&other, &chunk("j2", &items), 10).await.unwrap();
    assert_eq!(send(&bed, &policy).await, [url("a")]);
    let Lease::Wait { why, .. } = bed.queue.work().lease(&other, "w1", &policy).await.unwrap() else {
        panic!("the account's window is spent")
    };
    assert_eq!(why, "rate calls-300000ms");
    bed.pass(300_000);
    assert!(matches!(bed.queue.work().lease(&other, "w1", &policy).await.unwrap(), Lease::Batch(_)));
}

#[tokio::test]
async fn a_long_window_is_forgotten_in_slices() {
    let bed = Bed::new().await;
    // More permits than one look at the window holds.
    let policy = rated(&[(Calls, 200, WINDOW)], 0);
    for call in 0..200 {
        bed.ask(&format!("j{call}"), &[&url(call)]).await;
        send(&bed, &policy).await;
        bed.pass(1);
    }
    bed.ask("more", &[&url("more")]).await;
    assert_eq!(bed.wait(&policy).await.1, Some(299_801));
    bed.pass(299_800 + 150);
    send(&bed, &policy).await;
    bed.pass(WINDOW.try_into().unwrap());
    for call in 0..200 {
        bed.ask(&format!("k{call}"), &[&url(call)]).await;
        send(&bed, &policy).await;
    }
    bed.ask("most", &[&url("most")]).await;
    assert_eq!(bed.wait(&policy).await.1, Some(300_001));
}

#[tokio::test]
async fn a_window_that_redis_has_forgotten_is_free() {
    let bed = Bed::new().await;
    let policy = rated(&[(Calls, 1, WINDOW)], 0);
    bed.ask("j1", &[&url("a")]).await;
    send(&bed, &policy).await;
    bed.ask("j2", &[&url("b")]).await;
    assert_eq!(bed.wait(&policy).await.0, "rate calls-300000ms");
    // As when its key has expired: the sum beside it is still there.
    let key = format!("{}:limit:calls-300000ms", bed.queue.keys().account(&bed.target));
    assert_eq!(bed.queue.manager().del(key).await.unwrap(), 1);
    send(&bed, &policy).await;
    bed.ask("j3", &[&url("c")]).await;
    assert_eq!(bed.wait(&policy).await.0, "rate calls-300000ms");
}

#[tokio::test]
async fn a_kind_without_a_rate_is_not_rated() {
    let bed = Bed::new().await;
    let policy = rated(&[(Dirs, 1, WINDOW)], 0);
    bed.ask("j1", &[&url("a"), &url("b"), &url("c"), &url("d")]).await;
    assert_eq!(send(&bed, &policy).await.len(), 3);
    bed.pass(1);
    assert_eq!(send(&bed, &policy).await.len(), 1);
}

#[tokio::test]
async fn a_batch_that_is_not_sent_gives_its_permits_back() {
    let bed = Bed::new().await;
    let policy = rated(&[(Calls, 1, WINDOW), (Items, 2, WINDOW)], 0);
    bed.ask("j1", &[&url("a"), &url("b")]).await;
    let batch = bed.batch(&policy).await;
    assert_eq!(bed.queue.work().give_back(&bed.target, &batch.id, "w1").await.unwrap(), 2);
    assert_eq!(send(&bed, &policy).await.len(), 2, "at once");
    bed.ask("j2", &[&url("c")]).await;
    assert_eq!(bed.wait(&policy).await.0, "rate calls-300000ms", "what was sent counts");
    bed.check().await;
}

/// What has settled may have been sent, so it counts.
#[tokio::test]
async fn a_batch_of_which_something_has_settled_keeps_its_permits() {
    let bed = Bed::new().await;
    let policy = rated(&[(Calls, 1, WINDOW)], 0);
    bed.ask("j1", &[&url("a"), &url("b")]).await;
    let batch = bed.batch(&policy).await;
    let first = [(batch.items[0].index, Settlement::Done)];
    assert_eq!(bed.settle_some(&batch.id, &first).await, 1);
    assert_eq!(bed.queue.work().give_back(&bed.target, &batch.id, "w1").await.unwrap(), 1);
    assert_eq!(bed.wait(&policy).await.0, "rate calls-300000ms");
}
