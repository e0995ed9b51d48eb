use crate::bed::{Bed, RETENTION, config, plain, url};
use purgeline_core::config::{Durability, RedisConfig};
use purgeline_queue::{Lease, Queue, QueueError, Settlement, WorkerInfo};
use purgeline_redis_server::RedisServer;
use redis::Value;
use std::collections::HashMap;

/// The library of another version.
const OTHER: &str = "purgeline_00000000";

async fn send(bed: &Bed, command: &str) -> Value {
    let mut words = command.split(' ');
    let mut cmd = redis::cmd(words.next().unwrap());
    cmd.arg(words.collect::<Vec<_>>());
    cmd.query_async(&mut bed.queue.manager()).await.unwrap()
}

async fn libraries(bed: &Bed) -> Vec<String> {
    let found: Vec<HashMap<String, Value>> =
        redis::from_redis_value(send(bed, "FUNCTION LIST").await).unwrap();
    let names = found.into_iter().map(|mut library| library.remove("library_name").unwrap());
    let mut names: Vec<String> = names.map(|name| redis::from_redis_value(name).unwrap()).collect();
    names.sort();
    names
}

async fn load_other(bed: &Bed) {
    let name = format!("{OTHER}_lease");
    let text = format!("#!lua name={OTHER}\nredis.register_function('{name}', function() return 1 end)");
    let mut load = redis::cmd("FUNCTION");
    load.arg("LOAD").arg(text);
    let _: String = load.query_async(&mut bed.queue.manager()).await.unwrap();
}

fn worker(library: &str) -> WorkerInfo {
    WorkerInfo {
        name: "w-other".into(),
        version: "0".into(),
        library: library.into(),
        pid: 1,
        targets: vec![],
        since_ms: 0,
        seen_ms: 0,
    }
}

#[tokio::test]
async fn nobody_notices_that_redis_has_lost_its_functions() {
    let bed = Bed::new().await;
    for round in 0..3 {
        send(&bed, "FUNCTION FLUSH").await;
        let name = format!("j{round}");
        bed.ask(&name, &[&url("a")]).await;
        send(&bed, "FUNCTION FLUSH").await;
        let batch = bed.batch(&plain()).await;
        send(&bed, "FUNCTION FLUSH").await;
        assert_eq!(bed.settle(&batch, &Settlement::Done).await, 1);
        assert_eq!(bed.ended(&name).await, (1, 0));
        assert_eq!(libraries(&bed).await, [Queue::library_name()]);
    }
    send(&bed, "FUNCTION FLUSH").await;
    bed.check().await;
}

#[tokio::test]
async fn clients_that_load_the_library_at_once_all_get_their_answers() {
    let bed = Bed::new().await;
    for round in 0..5 {
        send(&bed, "FUNCTION FLUSH").await;
        let names: Vec<String> = (0..50).map(|n| format!("j{round}-{n}")).collect();
        let url = url(round);
        let items = [url.as_str()];
        futures::future::join_all(names.iter().map(|name| bed.ask(name, &items))).await;
        assert_eq!(libraries(&bed).await, [Queue::library_name()]);
    }
    assert_eq!(bed.pending().await, 5);
    bed.check().await;
}

#[tokio::test]
async fn a_full_redis_without_the_library_is_worked_off() {
    let bed = Bed::new().await;
    for n in 0..60 {
        bed.ask(&format!("j{n}"), &[&url("hot"), &url(n)]).await;
    }
    // The outbox gets its readers with the first use, which must not be the one without memory.
    bed.queue.work().carry_outbox(&bed.target, &RETENTION).await.unwrap();
    for command in ["FUNCTION FLUSH", "SCRIPT FLUSH", "CONFIG SET maxmemory 1000000"] {
        send(&bed, command).await;
    }
    let refused = bed.chunk("late", (0, 1, 1), &[&url("late")], 1_000_000).await.unwrap_err();
    assert!(matches!(&refused, QueueError::Redis(error) if error.code() == Some("OOM")), "{refused}");
    while let Lease::Batch(batch) = bed.lease(&plain()).await {
        bed.settle(&batch, &Settlement::Done).await;
    }
    bed.queue.work().carry_outbox(&bed.target, &RETENTION).await.unwrap();
    assert_eq!(bed.pending().await, 0);
    assert_eq!(libraries(&bed).await, [""; 0]);
    for n in 0..60 {
        assert_eq!(bed.ended(&format!("j{n}")).await, (2, 0));
    }
    bed.check().await;

    send(&bed, "CONFIG SET maxmemory 0").await;
    bed.ask("later", &[&url("late")]).await;
    assert_eq!(libraries(&bed).await, [Queue::library_name()]);
    bed.check().await;
}

#[tokio::test]
async fn the_library_of_a_living_worker_stays() {
    let bed = Bed::new().await;
    bed.ask("j", &[&url("a")]).await;
    assert_eq!(bed.queue.audit().old_libraries().await.unwrap(), []);
    load_other(&bed).await;
    bed.queue.work().worker_seen(&mut worker(OTHER)).await.unwrap();

    let old = bed.queue.audit().old_libraries().await.unwrap();
    assert_eq!(
        (old.len(), old[0].name.as_str(), &old[0].used_by[..]),
        (1, OTHER, &["w-other".to_owned()][..])
    );
    assert_eq!(bed.queue.audit().remove_old_libraries().await.unwrap(), []);
    assert_eq!(libraries(&bed).await, [OTHER, Queue::library_name()]);

    // It dies without a word.
    bed.pass(30_001);
    let removed = bed.queue.audit().remove_old_libraries().await.unwrap();
    assert_eq!((removed.len(), removed[0].name.as_str()), (1, OTHER));
    assert_eq!(libraries(&bed).await, [Queue::library_name()]);
    assert_eq!(bed.queue.audit().remove_old_libraries().await.unwrap(), []);
}

#[tokio::test]
async fn while_a_worker_lives_that_does_not_say_what_it_uses_every_library_stays() {
    let bed = Bed::new().await;
    load_other(&bed).await;
    bed.queue.work().worker_seen(&mut worker(Queue::library_name())).await.unwrap();
    for text in [format!(r#"{{"seen_ms":{}}}"#, bed.now()), "words".to_owned()] {
        let key = bed.queue.keys().workers();
        let mut set = redis::cmd("HSET");
        let () = set.arg(&key).arg("w-old").arg(text).query_async(&mut bed.queue.manager()).await.unwrap();
        assert_eq!(bed.queue.audit().remove_old_libraries().await.unwrap(), []);
        let mut delete = redis::cmd("HDEL");
        let () = delete.arg(&key).arg("w-old").query_async(&mut bed.queue.manager()).await.unwrap();
    }
    assert_eq!(bed.queue.audit().remove_old_libraries().await.unwrap().len(), 1);
    assert_eq!(libraries(&bed).await, [""; 0]);
}

#[tokio::test]
async fn a_write_that_replicas_confirm_gives_redis_its_functions_again() {
    let primary = RedisServer::for_test().free_port().option("appendonly", "no").start().await.unwrap();
    let port = primary.url().rsplit_once(':').unwrap().1.trim_end_matches('/').to_owned();
    let replica =
        RedisServer::for_test().option("replicaof", format!("127.0.0.1 {port}")).start().await.unwrap();
    let safe = RedisConfig { durability: Durability::Replicated, ..config(primary.dir(), 5_000) };
    let queue = Queue::new(&primary.url().into(), &safe).unwrap();
    let bed = Bed::over((primary, replica), queue);
    while !format!("{:?}", send(&bed, "ROLE").await).contains("127.0.0.1") {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    for round in 0..2 {
        send(&bed, "FUNCTION FLUSH").await;
        bed.ask(&format!("j{round}"), &[&url("a")]).await;
        assert_eq!(libraries(&bed).await, [Queue::library_name()]);
    }
    bed.check().await;
}

#[tokio::test]
async fn the_rights_that_the_readme_names_are_enough() {
    let readme = include_str!("../../README.md");
    let rights = readme.lines().find(|line| line.starts_with("ACL SETUSER purgeline ")).unwrap();
    let server = RedisServer::for_test().free_port().option("appendonly", "no").start().await.unwrap();
    let mut bed = Bed::on(server);
    send(&bed, rights).await;
    let server: &RedisServer = bed.redis();
    let address = server.url().replace("redis://", "redis://purgeline:SECRET@");
    bed.queue = Queue::open(&address).unwrap().with_clock(bed.clock.clone());

    let wakeups = bed.queue.work().wakeups(std::slice::from_ref(&bed.target)).await;
    drop(wakeups.unwrap());
    bed.ask("j", &[&url("a"), &url("b")]).await;
    let batch = bed.batch(&plain()).await;
    assert!(bed.submitted(&batch, 10).await);
    bed.settle_some(&batch.id, &[(1, Settlement::Done)]).await;
    bed.queue.work().worker_seen(&mut worker(Queue::library_name())).await.unwrap();
    bed.pass(100_000);
    bed.queue.work().reap(&bed.target, 10).await.unwrap();
    bed.settle_some(&batch.id, &[(2, Settlement::Done)]).await;
    assert_eq!(bed.queue.work().carry_outbox(&bed.target, &RETENTION).await.unwrap().len(), 1);
    assert_eq!(bed.queue.inspect().stats(&bed.target).await.unwrap().pending, 0);
    bed.check().await;
    let refused =
        redis::cmd("CONFIG").arg("GET").arg("*").query_async::<Value>(&mut bed.queue.manager()).await;
    assert_eq!(refused.unwrap_err().code(), Some("NOPERM"));
}
