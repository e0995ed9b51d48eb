use crate::bed::{Bed, RETENTION, plain, url};
use purgeline_core::Priority;
use purgeline_queue::{Lease, QueueError, Settlement};

async fn set_memory(bed: &Bed, bytes: u64) {
    let mut set = redis::cmd("CONFIG");
    set.arg("SET").arg("maxmemory").arg(bytes);
    let _: String = set.query_async(&mut bed.queue.manager()).await.unwrap();
}

async fn used_memory(bed: &Bed) -> u64 {
    let info: redis::InfoDict =
        redis::cmd("INFO").arg("memory").query_async(&mut bed.queue.manager()).await.unwrap();
    info.get("used_memory").unwrap()
}

#[tokio::test]
async fn a_redis_without_memory_takes_no_more_and_empties() {
    let bed = Bed::new().await;
    for n in 0..60 {
        bed.ask(&format!("j{n}"), &[&url("hot"), &url(n), &url(format!("x{n}"))]).await;
    }
    // Scripts are loaded with the first use, which must not be the one without memory.
    let batch = bed.batch(&plain()).await;
    bed.settle(&batch, &Settlement::Done).await;
    bed.queue.work().carry_outbox(&bed.target, &RETENTION).await.unwrap();
    set_memory(&bed, used_memory(&bed).await / 2).await;
    bed.create_refused().await;
    let waiting = bed.pending().await;
    let refused = bed.chunk("late", (0, 1, 1), &[&url("late")], 1_000_000).await.unwrap_err();
    assert!(matches!(&refused, QueueError::Redis(error) if error.code() == Some("OOM")), "{refused}");
    assert_eq!(bed.pending().await, waiting);
    bed.check().await;
    while let Lease::Batch(batch) = bed.lease(&plain()).await {
        bed.settle(&batch, &Settlement::Done).await;
    }
    bed.queue.work().carry_outbox(&bed.target, &RETENTION).await.unwrap();
    for n in 0..60 {
        assert_eq!(bed.ended(&format!("j{n}")).await, (3, 0));
    }
    assert_eq!(bed.pending().await, 0);
    bed.check().await;
    set_memory(&bed, 0).await;
    bed.ask_as(Priority::Urgent, "later", &[&url("a")]).await;
    bed.check().await;
}

impl Bed {
    async fn create_refused(&self) {
        let job = purgeline_queue::NewJob {
            id: crate::bed::id("late"),
            digest: "late".into(),
            targets: vec![(self.target.name.clone(), 1)],
            items: 1,
            first_items: String::new(),
            priority: Priority::Normal,
            source: None,
            timing: purgeline_queue::Timing::default(),
        };
        let refused = self.queue.produce().create_job(&job).await.unwrap_err();
        assert!(matches!(&refused, QueueError::Redis(error) if error.code() == Some("OOM")), "{refused}");
    }
}
