//! A Redis Cluster of three masters: no script reaches beyond one slot, and a slot that moves takes
//! its queue along whole.

use crate::bed::{Bed, LINGER_MS, RETENTION, ROOM, config, failed, plain, policy, retry, url};
use purgeline_core::{Priority::Urgent, Target, config::Durability};
use purgeline_queue::{Enqueued, Lease, PollPolicy, Polls, Queue, Settlement};
use purgeline_redis_server::{RedisCluster, RedisServer};
use redis::cmd;

async fn cluster() -> RedisCluster {
    RedisCluster::start(3, Durability::Everysec).await.unwrap()
}

#[tokio::test]
async fn every_script_keeps_to_one_slot() {
    let cluster = cluster().await;
    let queue = Queue::open(cluster.url()).unwrap();
    let mut bed = Bed::over(cluster, queue);
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
    bed.check().await;
    let throttled = bed.queue.work().throttle(&bed.target, 10, &crate::bed::cause("429")).await.unwrap();
    assert!(throttled);
    bed.pass(10);
    let first = bed.batch(&rated).await;
    assert!(bed.submitted(&first, 0).await);
    let due = bed
        .queue
        .work()
        .due_polls(&bed.target, &PollPolicy::new(&crate::bed::limits(), 5, 100, 0))
        .await
        .unwrap();
    assert!(matches!(due, Polls::Due(due) if due.polls.len() == 1));
    bed.queue.work().put_off(&bed.target, std::slice::from_ref(&first.id), 50).await.unwrap();
    bed.settle_some(&first.id, &[(1, retry(10))]).await;
    bed.settle(&first, &Settlement::Done).await;
    bed.ask_as(Urgent, "more", &[&url("a"), &url("b")]).await;
    let second = bed.batch(&plain()).await;
    assert!(bed.queue.work().split(&bed.target, &second.id, "w1", "bad").await.unwrap());
    let third = bed.batch(&plain()).await;
    bed.settle(&third, &failed("bad")).await;
    let fourth = bed.batch(&plain()).await;
    bed.queue.work().give_back(&bed.target, &fourth.id, "w1").await.unwrap();
    let fifth = bed.batch(&plain()).await;
    bed.queue.work().renew(&bed.target, "w1", 1000, std::slice::from_ref(&fifth.id)).await.unwrap();
    bed.pass(60_000);
    bed.queue.work().reap(&bed.target, 10).await.unwrap();
    while let Lease::Batch(batch) = bed.lease(&rated).await {
        bed.settle(&batch, &Settlement::Done).await;
    }
    let ended = bed.queue.work().carry_outbox(&bed.target, &RETENTION).await.unwrap();
    assert_eq!(ended.len(), 16);
    bed.check().await;
}

/// While a slot is on its way, some of its keys are here and some are there: no script may run on
/// either part, and all go on where it has arrived.
#[tokio::test]
async fn a_slot_that_moves_takes_its_queue_along_whole() {
    let cluster = cluster().await;
    let queue = Queue::open(cluster.url()).unwrap();
    let hasty = Queue::new(&cluster.url().into(), &config(cluster.masters()[0].dir(), 1_000)).unwrap();
    let bed = Bed::over(cluster, queue);
    let hasty = hasty.with_clock(bed.clock.clone());
    for n in 0..5 {
        bed.ask(&format!("j{n}"), &[&url("hot"), &url(n)]).await;
    }
    bed.pass(i64::try_from(LINGER_MS).unwrap());
    let leased = bed.batch(&plain()).await;
    let cluster: &RedisCluster = bed.redis();
    let key = bed.queue.keys().target(&bed.target);
    let from = cluster.master_of(&key).await.unwrap();
    let (old, new) = (&cluster.masters()[from], &cluster.masters()[(from + 1) % 3]);
    let slot: u16 = old.ask(cmd("CLUSTER").arg("KEYSLOT").arg(&key)).await.unwrap();
    let (old_id, new_id) = (id(old).await, id(new).await);
    let set = |what: &str, node: &str| cmd("CLUSTER").arg("SETSLOT").arg(slot).arg(what).arg(node).clone();
    let () = new.ask(&set("IMPORTING", &old_id)).await.unwrap();
    let () = old.ask(&set("MIGRATING", &new_id)).await.unwrap();

    let keys = |most: u32| cmd("CLUSTER").arg("GETKEYSINSLOT").arg(slot).arg(most).clone();
    let before: Vec<String> = old.ask(&keys(1_000)).await.unwrap();
    migrate(old, new, &before[..before.len() / 2]).await;
    let items = [(url("late"), "normal/url".to_owned())];
    let late = crate::bed::chunk("late", &items);
    let refused = hasty.produce().enqueue(&bed.target, &late, ROOM).await.unwrap_err().to_string();
    assert!(refused.contains("TRYAGAIN") || refused.contains("timed out"), "{refused}");
    assert!(hasty.work().lease(&bed.target, "w1", &plain()).await.is_err());
    let here: Vec<String> = old.ask(&keys(1_000)).await.unwrap();
    let there: Vec<String> = new.ask(&keys(1_000)).await.unwrap();
    assert_eq!(here.len() + there.len(), before.len(), "no script has written: {here:?} {there:?}");

    migrate(old, new, &here).await;
    for node in cluster.masters() {
        let () = node.ask(&set("NODE", &new_id)).await.unwrap();
    }
    bed.settle(&leased, &Settlement::Done).await;
    let added = Enqueued::Added { new: 1, joined: 0, covered: 0 };
    assert_eq!(bed.queue.produce().enqueue(&bed.target, &late, ROOM).await.unwrap(), added);
    bed.pass(60_000);
    while let Lease::Batch(batch) = bed.lease(&plain()).await {
        bed.settle(&batch, &Settlement::Done).await;
    }
    assert_eq!(bed.pending().await, 0);
    bed.queue.work().carry_outbox(&bed.target, &RETENTION).await.unwrap();
    assert_eq!(bed.ended("j4").await, (2, 0));
}

async fn id(node: &RedisServer) -> String {
    node.ask(cmd("CLUSTER").arg("MYID")).await.unwrap()
}

async fn migrate(from: &RedisServer, to: &RedisServer, keys: &[String]) {
    let port = to.url().trim_end_matches('/').rsplit(':').next().unwrap();
    let mut command = cmd("MIGRATE");
    command.arg("127.0.0.1").arg(port).arg("").arg(0).arg(5_000).arg("KEYS").arg(keys);
    let _: String = from.ask(&command).await.unwrap();
}

/// A node that is away takes its own slots along, not those of the others; back again, it is
/// found again.
#[tokio::test]
async fn a_dead_master_comes_back_and_the_others_work_meanwhile() {
    // What was accepted must be in the file when the node dies: with `everysec` Redis keeps a write
    // back while it syncs the one before.
    let mut cluster = RedisCluster::start(3, Durability::Always).await.unwrap();
    let queue = Queue::new(&cluster.url().into(), &config(cluster.masters()[0].dir(), 2_000)).unwrap();
    let names = (0..100).map(|n| Target::alone(format!("t{n}").parse().unwrap()));
    let (mut here, mut there) = (None, None);
    for target in names {
        match cluster.master_of(&queue.keys().target(&target)).await.unwrap() {
            0 => here = Some(target),
            _ => there = Some(target),
        }
    }
    let (here, there) = (here.unwrap(), there.unwrap());
    let items = [(url("a"), "normal/url".to_owned())];
    let chunk = crate::bed::chunk("job", &items);
    let added = Enqueued::Added { new: 1, joined: 0, covered: 0 };
    assert_eq!(queue.produce().enqueue(&here, &chunk, ROOM).await.unwrap(), added);
    cluster.masters_mut()[0].kill();
    queue.produce().enqueue(&here, &chunk, ROOM).await.unwrap_err();
    assert_eq!(queue.produce().enqueue(&there, &chunk, ROOM).await.unwrap(), added);
    cluster.revive().await.unwrap();
    loop {
        match queue.produce().enqueue(&here, &chunk, ROOM).await {
            Ok(repeated) => break assert_eq!(repeated, Enqueued::Repeated),
            Err(_) => tokio::task::yield_now().await,
        }
    }
}

/// Each primary has a library of its own: it gets it with the first call of its slots, and old ones are
/// removed from each.
#[tokio::test]
async fn each_primary_gets_the_library_and_loses_the_old_ones() {
    let cluster = cluster().await;
    let queue = Queue::open(cluster.url()).unwrap();
    let other = "purgeline_00000000";
    let text =
        format!("#!lua name={other}\nredis.register_function('{other}_lease', function() return 1 end)");
    let targets: Vec<_> = (0..20).map(|n| Target::alone(format!("t{n}").parse().unwrap())).collect();
    let items = [(url("a"), "normal/url".to_owned())];
    for round in 0..2 {
        for node in cluster.masters() {
            let _: String = node.ask(cmd("FUNCTION").arg("FLUSH")).await.unwrap();
            let _: String = node.ask(cmd("FUNCTION").arg("LOAD").arg(&text)).await.unwrap();
        }
        let name = format!("job{round}");
        for target in &targets {
            queue.produce().enqueue(target, &crate::bed::chunk(&name, &items), ROOM).await.unwrap();
        }
        let old = queue.audit().old_libraries().await.unwrap();
        assert!(old.len() == 3 && old.iter().all(|library| library.name == other), "{old:?}");
        assert_eq!(queue.audit().remove_old_libraries().await.unwrap(), old);
        for node in cluster.masters() {
            let list: redis::Value = node.ask(cmd("FUNCTION").arg("LIST")).await.unwrap();
            let list = format!("{list:?}");
            assert!(list.contains(Queue::library_name()) && !list.contains(other), "{list}");
        }
    }
}
