//! Great numbers, measured by counting what Redis does, not by the time that it takes.

use crate::bed::{Bed, RETENTION, count, id, plain, policy, url};
use futures::{StreamExt, TryStreamExt, stream};
use purgeline_core::{Item, JobId, JobState, Kind, Priority};
use purgeline_queue::{Chunk, Enqueued, JobFilter, Lease, NewJob, QueueError, Settlement, Timing};
use std::collections::BTreeMap;

const JOBS: usize = 20_000;

/// How often Redis has carried out each command, those in scripts included.
async fn commands(bed: &Bed) -> BTreeMap<String, u64> {
    let info: redis::InfoDict =
        redis::cmd("INFO").arg("commandstats").query_async(&mut bed.queue.manager()).await.unwrap();
    let calls = |value: &redis::Value| -> Option<u64> {
        let text: String = redis::from_redis_value_ref(value).ok()?;
        text.strip_prefix("calls=")?.split(',').next()?.parse().ok()
    };
    info.iter()
        .filter_map(|(name, value)| Some((name.strip_prefix("cmdstat_")?.to_owned(), calls(value)?)))
        .filter(|(name, _)| name != "info")
        .collect()
}

/// What Redis does for some work.
async fn counted<T>(bed: &Bed, work: impl Future<Output = T>) -> (T, BTreeMap<String, u64>) {
    let before = commands(bed).await;
    let outcome = work.await;
    let after = commands(bed).await;
    let done = after.into_iter().map(|(name, calls)| {
        let since = calls - before.get(&name).copied().unwrap_or_default();
        (name, since)
    });
    (outcome, done.filter(|(_, calls)| *calls > 0).collect())
}

async fn ask(bed: &Bed, job: usize, items: &[(String, String)]) -> Result<Enqueued, QueueError> {
    let name = format!("j{job}");
    let new = NewJob {
        id: id(&name),
        digest: name.clone(),
        targets: vec![bed.target.name.clone()],
        items: items.len() as u64,
        first_items: String::new(),
        priority: Priority::Normal,
        source: None,
        timing: Timing::default(),
    };
    bed.queue.create_job(&new).await?;
    bed.queue.enqueue(&bed.target, &crate::bed::chunk(&name, items), 1).await
}

#[tokio::test]
async fn a_url_that_20_000_jobs_wait_for_costs_each_the_same() {
    let bed = Bed::new().await;
    let hot = [(url("hot"), "normal/url".to_owned())];
    let (item, action) = Item::from_name(&hot[0].0).unwrap();
    let length = async || -> usize {
        let mut length = redis::cmd("HSTRLEN");
        length.arg(bed.queue.keys().of_target(&bed.target, "pending")).arg(&hot[0].0);
        length.query_async(&mut bed.queue.manager()).await.unwrap()
    };
    let mut costs = Vec::new();
    for from in (0..JOBS).step_by(JOBS / 10) {
        // The first of each tenth is looked at alone.
        if from == 0 {
            ask(&bed, from, &hot).await.unwrap();
        } else {
            let (added, cost) = counted(&bed, ask(&bed, from, &hot)).await;
            assert_eq!(added.unwrap(), Enqueued::Added { new: 0, joined: 1, covered: 0 });
            costs.push((cost, length().await));
        }
        let rest = stream::iter(from + 1..from + JOBS / 10);
        let rest: Vec<_> = rest.map(|job| ask(&bed, job, &hot)).buffered(64).try_collect().await.unwrap();
        assert_eq!(rest.len(), JOBS / 10 - 1);
    }
    println!("for each enqueue: {:?}, a record of {} bytes", costs[0].0, costs[0].1);
    assert!(costs.iter().all(|cost| *cost == costs[0]), "{costs:#?}");
    assert!(costs[0].1 <= 360, "the record is {} bytes long", costs[0].1);
    assert_eq!(bed.pending().await, 1);
    let record = bed.queue.pending_item(&bed.target, &item, action).await.unwrap().unwrap().record;
    assert!(record.more_jobs && record.jobs.len() < 12);
    bed.check().await;

    let (batch, lease) = counted(&bed, bed.batch(&plain())).await;
    println!("to lease it: {lease:?}");
    assert!(lease.values().sum::<u64>() < 40, "{lease:?}");
    assert!(batch.items[0].record.jobs.len() < 12);

    // Settled at once, and counted for the jobs a bounded number a call.
    let (settled, cost) =
        counted(&bed, bed.queue.settle(&bed.target, &batch.id, &[(1, Settlement::Done)], &RETENTION)).await;
    assert!(settled.unwrap().parts_ended);
    let scripts = cost["evalsha"];
    println!("to end {JOBS} jobs: {scripts} scripts, {cost:?}");
    assert!(scripts <= (JOBS / 500 + 5) as u64, "{cost:?}");
    let commands: u64 = cost.values().sum();
    assert!(commands <= JOBS as u64 * 4 + 40 * scripts, "{cost:?}");

    let ended = bed.queue.carry_outbox(&bed.target, &RETENTION).await.unwrap();
    assert_eq!(ended.len(), JOBS);
    assert!(ended.iter().all(|(_, state)| *state == JobState::Succeeded));
    let active = JobFilter { state: Some(JobState::Active), ..JobFilter::default() };
    let targets = std::slice::from_ref(&bed.target);
    assert_eq!(bed.queue.jobs(targets, &active, 1, 1_000).await.unwrap(), []);
    bed.check().await;
}

#[tokio::test]
async fn a_job_of_100_000_urls_never_holds_redis_for_long() {
    const URLS: usize = 100_000;
    const CHUNK: usize = 500;
    let bed = Bed::new().await;
    let mut log = redis::cmd("CONFIG");
    log.arg("SET").arg("slowlog-log-slower-than").arg(1_000);
    let () = log.query_async(&mut bed.queue.manager()).await.unwrap();
    let name = "large";
    let new = NewJob {
        id: id(name),
        digest: name.to_owned(),
        targets: vec![bed.target.name.clone()],
        items: URLS as u64,
        first_items: String::new(),
        priority: Priority::Bulk,
        source: None,
        timing: Timing::default(),
    };
    bed.queue.create_job(&new).await.unwrap();
    let items: Vec<_> = (0..URLS).map(|n| (url(n), "bulk/url".to_owned())).collect();
    let chunk = |job: JobId, index: usize| Chunk {
        job,
        index,
        chunks: URLS / CHUNK,
        job_items: URLS,
        priority: Priority::Bulk,
        source: "load",
        timing: Timing::default(),
        items: &items[index * CHUNK..(index + 1) * CHUNK],
    };
    let mut costs = Vec::new();
    for index in 0..URLS / CHUNK {
        let chunk = chunk(id(name), index);
        let (added, cost) = counted(&bed, bed.queue.enqueue(&bed.target, &chunk, 100_000)).await;
        assert_eq!(added.unwrap(), Enqueued::Added { new: 500, joined: 0, covered: 0 });
        costs.push(cost);
        // A producer that died here comes again from the start.
        if index == 99 {
            for index in 0..100 {
                let chunk = Chunk { index, ..chunk };
                let repeated = bed.queue.enqueue(&bed.target, &chunk, 100_000).await.unwrap();
                assert_eq!(repeated, Enqueued::Repeated);
            }
        }
    }
    // But for the first, which also writes the part, and the last, each does the same few things.
    println!("for a chunk of {CHUNK}: {:?}", costs[2]);
    let middle = &costs[2..costs.len() - 1];
    assert!(middle.iter().all(|cost| *cost == middle[0]), "{middle:#?}");
    assert!(middle[0].values().sum::<u64>() < 20, "{:?}", middle[0]);
    println!("slowest scripts, µs: {:?}", slowest(&bed).await);

    let wide = policy(|limits| {
        limits.call.max_items = count(60);
        limits.call.max_of_kind.insert(Kind::Url, count(60));
    });
    let (mut batches, mut most) = (0, 0);
    while let Lease::Batch(batch) = bed.lease(&wide).await {
        let (settled, cost) = counted(&bed, bed.settle(&batch, &Settlement::Done)).await;
        assert_eq!(settled, batch.items.len() as u64);
        most = most.max(cost.values().sum::<u64>());
        batches += 1;
    }
    assert_eq!(batches, URLS.div_ceil(60));
    println!("to settle a batch of 60: at most {most} commands");
    assert!(most < 30, "{most} commands to settle a batch");
    assert_eq!(bed.ended(name).await, (URLS as u64, 0));
    let ended = bed.queue.carry_outbox(&bed.target, &RETENTION).await.unwrap();
    assert_eq!(ended, [(id(name), JobState::Succeeded)]);
    bed.check().await;
}

/// The longest that scripts have held Redis; to be read, since it depends on the machine.
async fn slowest(bed: &Bed) -> Vec<u64> {
    type Entry = (u64, u64, u64, redis::Value, redis::Value, redis::Value);
    let entries: Vec<Entry> =
        redis::cmd("SLOWLOG").arg("GET").arg(5).query_async(&mut bed.queue.manager()).await.unwrap();
    entries.into_iter().map(|(_, _, micros, ..)| micros).collect()
}
