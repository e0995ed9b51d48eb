//! Great numbers, measured by counting what Redis does, not by the time that it takes.

use crate::bed::{Bed, RETENTION, count, dir, id, plain, policy, url};
use futures::{StreamExt, TryStreamExt, stream};
use purgeline_core::{Item, JobId, JobState, Kind, Priority};
use purgeline_queue::{
    Chunk, Enqueued, JobFilter, Lease, LeasedBatch, NewJob, PollPolicy, Polls, QueueError, Settlement, Timing,
};
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
        targets: vec![(bed.target.name.clone(), items.len() as u64)],
        items: items.len() as u64,
        first_items: String::new(),
        priority: Priority::Normal,
        source: None,
        timing: Timing::default(),
    };
    bed.queue.produce().create_job(&new).await?;
    bed.queue.produce().enqueue(&bed.target, &crate::bed::chunk(&name, items), 1).await
}

#[tokio::test]
async fn a_url_that_20_000_jobs_wait_for_costs_each_the_same() {
    let bed = Bed::new().await;
    let hot = [(url("hot"), "normal/url".to_owned())];
    let (item, action) = Item::from_name(&hot[0].0).unwrap();
    let length = async || -> usize {
        let mut length = redis::cmd("HSTRLEN");
        length.arg(bed.queue.keys().pending(&bed.target)).arg(&hot[0].0);
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
    let record = bed.queue.inspect().pending_item(&bed.target, &item, action).await.unwrap().unwrap().record;
    assert!(record.more_jobs && record.jobs.len() < 12);
    bed.check().await;

    let (batch, lease) = counted(&bed, bed.batch(&plain())).await;
    println!("to lease it: {lease:?}");
    assert!(lease.values().sum::<u64>() < 40, "{lease:?}");
    assert!(batch.items[0].record.jobs.len() < 12);

    // Settled at once, and counted for the jobs a bounded number a call.
    let (settled, cost) =
        counted(&bed, bed.queue.work().settle(&bed.target, &batch.id, &[(1, Settlement::Done)], &RETENTION))
            .await;
    assert!(settled.unwrap().parts_ended);
    let scripts = cost["fcall"];
    println!("to end {JOBS} jobs: {scripts} scripts, {cost:?}");
    assert!(scripts <= (JOBS / 500 + 5) as u64, "{cost:?}");
    let commands: u64 = cost.values().sum();
    assert!(commands <= JOBS as u64 * 4 + 40 * scripts, "{cost:?}");

    let ended = bed.queue.work().carry_outbox(&bed.target, &RETENTION).await.unwrap();
    assert_eq!(ended.len(), JOBS);
    assert!(ended.iter().all(|(_, state)| *state == JobState::Succeeded));
    let active = JobFilter { state: Some(JobState::Active), ..JobFilter::default() };
    let targets = std::slice::from_ref(&bed.target);
    assert_eq!(bed.queue.inspect().jobs(targets, &active, 1, 1_000).await.unwrap(), []);
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
        targets: vec![(bed.target.name.clone(), URLS as u64)],
        items: URLS as u64,
        first_items: String::new(),
        priority: Priority::Bulk,
        source: None,
        timing: Timing::default(),
    };
    bed.queue.produce().create_job(&new).await.unwrap();
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
        let (added, cost) = counted(&bed, bed.queue.produce().enqueue(&bed.target, &chunk, 100_000)).await;
        assert_eq!(added.unwrap(), Enqueued::Added { new: 500, joined: 0, covered: 0 });
        costs.push(cost);
        // A producer that died here comes again from the start.
        if index == 99 {
            for index in 0..100 {
                let chunk = Chunk { index, ..chunk };
                let repeated = bed.queue.produce().enqueue(&bed.target, &chunk, 100_000).await.unwrap();
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
    let ended = bed.queue.work().carry_outbox(&bed.target, &RETENTION).await.unwrap();
    assert_eq!(ended, [(id(name), JobState::Succeeded)]);
    bed.check().await;
}

/// The longest that scripts have held Redis; to be read, since it depends on the machine.
async fn slowest(bed: &Bed) -> Vec<u64> {
    type Entry = (u64, u64, u64, redis::Value, redis::Value, redis::Value);
    let entries: Vec<Entry> =
        redis::cmd("SLOWLOG").arg("GET").arg(-1).query_async(&mut bed.queue.manager()).await.unwrap();
    let mut times: Vec<_> = entries.into_iter().map(|(_, _, micros, ..)| micros).collect();
    times.sort_unstable_by(|a, b| b.cmp(a));
    times.truncate(5);
    times
}

/// A job of so many URLs, enqueued.
async fn fill(bed: &Bed, name: &str, urls: usize) {
    bed.create(name, urls).await;
    let items: Vec<_> = (0..urls).map(|n| (url(format!("{name}/{n}")), "normal/url".to_owned())).collect();
    for (index, items) in items.chunks(500).enumerate() {
        let whole = crate::bed::chunk(name, items);
        let chunk = Chunk { index, chunks: urls.div_ceil(500), job_items: urls, ..whole };
        bed.queue.produce().enqueue(&bed.target, &chunk, 1_000_000).await.unwrap();
    }
}

#[tokio::test]
async fn a_bad_day_neither_stops_nor_stalls_the_scripts() {
    const RETRIES: usize = 100_000;
    const OPEN: usize = 10_000;
    const HELD: usize = 10_000;
    let bed = Bed::new().await;
    for (name, value) in [("slowlog-log-slower-than", 1_000), ("slowlog-max-len", 100_000)] {
        let mut set = redis::cmd("CONFIG");
        let () = set.arg("SET").arg(name).arg(value).query_async(&mut bed.queue.manager()).await.unwrap();
    }
    let of = |items: u32| {
        policy(|limits| {
            limits.call.max_items = count(items);
            limits.call.max_of_kind.insert(Kind::Url, count(items));
            limits.max_in_flight = count(1_000);
        })
    };
    let (one, wide) = (of(1), of(500));
    fill(&bed, "open", OPEN).await;
    for _ in 0..OPEN {
        let batch = bed.batch(&one).await;
        assert!(bed.submitted(&batch, 60_000).await);
    }
    fill(&bed, "late", RETRIES).await;
    while let Lease::Batch(batch) = bed.lease(&wide).await {
        bed.settle(&batch, &crate::bed::retry(60_000)).await;
    }
    fill(&bed, "held", HELD).await;
    while let Lease::Batch(_) = bed.queue.work().lease(&bed.target, "dead", &wide).await.unwrap() {}
    let stats = bed.queue.inspect().stats(&bed.target).await.unwrap();
    assert_eq!(
        (stats.delayed, stats.open_batches, stats.in_flight),
        (RETRIES as u64, OPEN as u64, HELD as u64 / 500)
    );
    let mut reset = redis::cmd("SLOWLOG");
    let () = reset.arg("RESET").query_async(&mut bed.queue.manager()).await.unwrap();

    // All of it comes at once, and each script does its share.
    bed.pass(120_000);
    let polls = PollPolicy::new(&crate::bed::limits(), 100, 60_000, 0);
    let mut most = BTreeMap::from([("lease", 0), ("reap", 0), ("polls", 0), ("settle", 0)]);
    let mut note = |what: &'static str, cost: &BTreeMap<String, u64>| {
        let worst = most.entry(what).or_default();
        *worst = cost.values().sum::<u64>().max(*worst);
    };
    let mut worked = 0;
    loop {
        let (reaped, cost) = counted(&bed, bed.queue.work().reap(&bed.target, 1)).await;
        note("reap", &cost);
        let (due, cost) = counted(&bed, bed.queue.work().due_polls(&bed.target, &polls)).await;
        note("polls", &cost);
        let due = match due.unwrap() {
            Polls::Due(due) => due.polls,
            Polls::Wait { .. } => Vec::new(),
        };
        let (lease, cost) = counted(&bed, bed.lease(&wide)).await;
        note("lease", &cost);
        let idle = reaped.unwrap().is_empty() && due.is_empty();
        let mut batches: Vec<_> = due.into_iter().map(|due| (due.batch, due.items)).collect();
        match lease {
            Lease::Batch(batch) => batches.push((batch.id, batch.items)),
            Lease::Wait { .. } if idle => break,
            Lease::Wait { .. } => {}
        }
        for (batch, items) in batches {
            // What one script call takes.
            for some in items.chunks(100) {
                let done: Vec<_> = some.iter().map(|item| (item.index, Settlement::Done)).collect();
                if items.len() > 1 {
                    let (settled, cost) = counted(&bed, bed.settle_some(&batch, &done)).await;
                    note("settle", &cost);
                    worked += settled;
                } else {
                    worked += bed.settle_some(&batch, &done).await;
                }
            }
        }
    }
    println!("most commands of a script: {most:?}");
    // A reaped item costs five commands at most, one whose delay is over three, an open batch four.
    assert!(most["reap"] <= 500 * 5 + 50, "{most:?}");
    assert!(most["lease"] <= 500 * 3 + 100, "{most:?}");
    assert!(most["polls"] <= 100 * 4 + 50, "{most:?}");
    assert!(most["settle"] <= 50, "{most:?}");
    println!("slowest scripts, µs: {:?}", slowest(&bed).await);
    assert_eq!(worked, (RETRIES + OPEN + HELD) as u64);
    for (name, urls) in [("open", OPEN), ("late", RETRIES), ("held", HELD)] {
        assert_eq!(bed.ended(name).await, (urls as u64, 0));
    }
    assert_eq!(bed.queue.work().carry_outbox(&bed.target, &RETENTION).await.unwrap().len(), 3);
    bed.check().await;
}

/// 50,000 URLs below a dir that waits, and the dir leased.
async fn covered(urls: usize) -> (Bed, LeasedBatch, u64) {
    let bed = Bed::new().await;
    for (name, value) in [("slowlog-log-slower-than", 1_000), ("slowlog-max-len", 100_000)] {
        let mut set = redis::cmd("CONFIG");
        let () = set.arg("SET").arg(name).arg(value).query_async(&mut bed.queue.manager()).await.unwrap();
    }
    bed.ask("dir", &[&dir("d/")]).await;
    bed.create("urls", urls).await;
    let items: Vec<_> = (0..urls).map(|n| (url(format!("d/{n}")), "normal/url".to_owned())).collect();
    let mut most = 0;
    for (index, items) in items.chunks(500).enumerate() {
        let whole = crate::bed::chunk("urls", items);
        let chunk = Chunk { index, chunks: urls.div_ceil(500), job_items: urls, ..whole };
        let (added, cost) = counted(&bed, bed.queue.produce().enqueue(&bed.target, &chunk, 1_000_000)).await;
        assert_eq!(added.unwrap(), Enqueued::Added { new: 0, joined: 0, covered: 500 });
        most = most.max(cost.values().sum());
    }
    println!("to enqueue 500 covered: at most {most} commands; slowest, µs: {:?}", slowest(&bed).await);
    assert!(most <= 30, "{most} commands");
    let (batch, cost) = counted(&bed, bed.batch(&plain())).await;
    assert!(cost.values().sum::<u64>() < 60, "{cost:?}");
    assert_eq!(crate::bed::names(&batch), [dir("d/")]);
    let mut reset = redis::cmd("SLOWLOG");
    let () = reset.arg("RESET").query_async(&mut bed.queue.manager()).await.unwrap();
    (bed, batch, urls as u64)
}

#[tokio::test]
async fn dir_success_settles_50_000_urls_a_bounded_number_a_call() {
    let (bed, batch, urls) = covered(50_000).await;
    let (_, cost) = counted(&bed, bed.settle(&batch, &Settlement::Done)).await;
    let scripts = cost["fcall"];
    println!("to settle {urls} covered: {scripts} scripts, {cost:?}; slowest, µs: {:?}", slowest(&bed).await);
    assert!(scripts >= urls / 500 && scripts <= urls / 500 + 5, "{cost:?}");
    let commands: u64 = cost.values().sum();
    assert!(commands <= 40 * scripts, "{cost:?}");
    assert_eq!(bed.ended("urls").await, (urls, 0));
    assert_eq!(bed.pending().await, 0);
    bed.check().await;
}

#[tokio::test]
async fn dir_failure_releases_50_000_urls_a_bounded_number_a_call() {
    let (bed, batch, urls) = covered(50_000).await;
    let (_, cost) = counted(&bed, bed.settle(&batch, &crate::bed::failed("403"))).await;
    assert!(cost.values().sum::<u64>() < 60, "{cost:?}");
    let (sent, cost) = counted(&bed, bed.batch(&plain())).await;
    assert_eq!(sent.items.len(), 3);
    let scripts = cost["fcall"];
    println!(
        "to release {urls} covered: {scripts} scripts, {cost:?}; slowest, µs: {:?}",
        slowest(&bed).await
    );
    assert!(scripts >= urls / 500 && scripts <= urls / 500 + 5, "{cost:?}");
    let commands: u64 = cost.values().sum();
    assert!(commands <= 20 * scripts + 100, "{cost:?}");
    bed.settle(&sent, &Settlement::Done).await;
    assert_eq!((bed.ended("dir").await, bed.ended("urls").await), ((0, 1), (3, 0)));
    bed.check().await;
}
