//! A node of a Redis Cluster refuses a script that reaches beyond one slot.

use crate::bed::{Bed, RETENTION, failed, plain, policy, retry, url};
use purgeline_core::{Priority::Urgent, Target};
use purgeline_queue::{Lease, PollPolicy, Polls, Settlement, server::RedisServer};
use std::net::TcpListener;

/// A cluster of one node, which has all slots.
async fn cluster() -> RedisServer {
    let bus = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let server = RedisServer::for_test()
        .free_port()
        .option("appendonly", "no")
        .option("cluster-enabled", "yes")
        .option("cluster-port", bus.to_string())
        .start()
        .await
        .unwrap();
    let mut redis = crate::bed::open(&server).manager();
    let () =
        redis::cmd("CLUSTER").arg("ADDSLOTSRANGE").arg(0).arg(16383).query_async(&mut redis).await.unwrap();
    loop {
        let state: String = redis::cmd("CLUSTER").arg("INFO").query_async(&mut redis).await.unwrap();
        if state.contains("cluster_state:ok") {
            return server;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn every_script_keeps_to_one_slot() {
    let mut bed = Bed::on(cluster().await);
    // Of an account that it shares, and whose limits it reads.
    bed.target = Target { name: "images".parse().unwrap(), account: "main".parse().unwrap() };
    let rated = policy(|limits| {
        limits.rates = vec![purgeline_core::Rate {
            unit: purgeline_core::RateUnit::Calls,
            max: crate::bed::count(1000),
            window_ms: 300_000.try_into().unwrap(),
        }];
    });
    for n in 0..15 {
        bed.ask(
            &format!("j{n}"),
            &[&url("hot"), &crate::bed::dir(format!("d{n}/")), &url(format!("d{n}/x"))],
        )
        .await;
    }
    let throttled = bed.queue.throttle(&bed.target, 10, &crate::bed::cause("429")).await.unwrap();
    assert!(throttled);
    bed.pass(10);
    let first = bed.batch(&rated).await;
    assert!(bed.submitted(&first, 0).await);
    let due =
        bed.queue.due_polls(&bed.target, &PollPolicy::new(&crate::bed::limits(), 5, 100, 0)).await.unwrap();
    assert!(matches!(due, Polls::Due(due) if due.len() == 1));
    bed.queue.put_off(&bed.target, std::slice::from_ref(&first.id), 50).await.unwrap();
    bed.settle_some(&first.id, &[(1, retry(10))]).await;
    bed.settle(&first, &Settlement::Done).await;
    bed.ask_as(Urgent, "more", &[&url("a"), &url("b")]).await;
    let second = bed.batch(&plain()).await;
    assert!(bed.queue.split(&bed.target, &second.id, "w1", "bad").await.unwrap());
    let third = bed.batch(&plain()).await;
    bed.settle(&third, &failed("bad")).await;
    let fourth = bed.batch(&plain()).await;
    bed.queue.give_back(&bed.target, &fourth.id, "w1").await.unwrap();
    let fifth = bed.batch(&plain()).await;
    bed.queue.renew(&bed.target, "w1", 1000, std::slice::from_ref(&fifth.id)).await.unwrap();
    bed.pass(60_000);
    bed.queue.reap(&bed.target, 10).await.unwrap();
    while let Lease::Batch(batch) = bed.lease(&rated).await {
        bed.settle(&batch, &Settlement::Done).await;
    }
    let ended = bed.queue.carry_outbox(&bed.target, &RETENTION).await.unwrap();
    assert_eq!(ended.len(), 16);
    bed.check().await;
}
