//! Many jobs with repeated URLs for a simulated Qiniu. What is reported is read off the
//! simulator's log.

use super::{
    check::Check,
    report::QiniuReport,
    stage::{Fallible, Stage, percentiles},
    workload::Workload,
};
use futures::{StreamExt, TryStreamExt, stream};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use purgeline_core::{JobId, JobOptions, JobRequest};
use purgeline_sim::{CallKind, CallLog, Rate, qiniu::QiniuSettings};
use serde_json::json;
use std::{
    collections::HashMap,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// Hooks that publish at once.
const HOOKS: usize = 32;
/// The documented limits are 80 calls and 240 items a second (seed 003), at which the work of
/// the demonstration would take eight minutes: calls stay as they are, items are allowed as many
/// as the calls can carry.
const CALLS_PER_SECOND: u32 = 80;
const URLS_PER_CALL: u32 = 60;
const ITEMS_PER_SECOND: u32 = CALLS_PER_SECOND * URLS_PER_CALL;

pub(super) async fn run(load: &Workload) -> Fallible<QiniuReport> {
    let sim = QiniuSettings {
        rate: Rate {
            calls: Some(CALLS_PER_SECOND.into()),
            items: Some(ITEMS_PER_SECOND.into()),
            window_ms: 1_000,
        },
        processing_ms: 200,
        ..QiniuSettings::lifted()
    }
    .start()
    .await?;
    let stage = Stage::new(json!({
        "provider": "qiniu",
        "hosts": ["*.example.com"],
        "linger_ms": 500,
        "limits": {
            "exceed_documented": true,
            "rates": [
                { "unit": "calls", "max": CALLS_PER_SECOND, "window_ms": 1_000 },
                { "unit": "items", "max": ITEMS_PER_SECOND, "window_ms": 1_000 },
            ],
        },
        "settings": {
            "access_key": "sim-access-key",
            "secret_key": "sim-secret-key",
            "base_url": sim.base_url(),
            "polls": { "first_ms": 300, "then_ms": 300, "max_ms": 1_000, "deadline_ms": 60_000 },
        },
    }))
    .await?;

    let (submitting, ending) = bars(load.jobs.len() as u64);
    let started = Instant::now();
    let hooks = async {
        let taken = stream::iter(&load.jobs)
            .map(|urls| submit(&stage, urls))
            .buffered(HOOKS)
            .inspect(|_| submitting.inc(1))
            .try_collect::<Vec<_>>()
            .await?;
        submitting.abandon_with_message(format!("in {:.1} s", started.elapsed().as_secs_f64()));
        Fallible::Ok((taken, started.elapsed()))
    };
    let jobs_ended = stage.ended(load.jobs.len() as u64, |ended| {
        ending.set_position(ended);
        let stats = sim.log().stats().clone();
        ending
            .set_message(format!("{} purge calls, {} items purged", stats.purge_calls, stats.items_accepted));
    });
    let ((taken, submitted_in), ()) = tokio::try_join!(hooks, jobs_ended)?;
    let took = started.elapsed();
    ending.finish_and_clear();
    submitting.finish_and_clear();

    let log = sim.log();
    let jobs: Vec<JobId> = taken.iter().map(|taken| taken.job).collect();
    let states = stage.states(&jobs).await?;
    let stats = log.stats().clone();
    let items_purged = usize::try_from(stats.items_accepted)?;
    let calls = usize::try_from(stats.purge_calls)?;
    let least = items_purged.div_ceil(URLS_PER_CALL as usize);
    let checks = vec![
        Check::equal("jobs succeeded", jobs.len(), states.get("succeeded").copied().unwrap_or(0)),
        Check::equal(
            "distinct items at the provider",
            load.distinct as usize,
            usize::try_from(stats.items_distinct)?,
        ),
        Check::equal(
            "items not purged by a call that began after their job came",
            0,
            uncovered(&log, load, &taken),
        ),
        Check::equal("items refused by the provider", 0, usize::try_from(stats.items_refused)?),
        Check::equal("calls refused for a limit", 0, usize::try_from(stats.limited)?),
        Check::at_most("calls, the least for these items and 5 %", least + least.div_ceil(20), calls),
        Check::equal("violations of the invariants", 0, stage.violations().await?),
    ];
    stage.close().await?;
    sim.stop().await;
    let (hook_median_ms, hook_p99_ms) = percentiles(taken.iter().map(|taken| taken.wait).collect());
    Ok(QiniuReport {
        jobs: jobs.len(),
        states,
        items_asked: load.items_asked(),
        items_distinct: load.distinct as usize,
        items_purged,
        calls,
        least_calls: least,
        refused_calls: usize::try_from(stats.limited)?,
        hook_median_ms,
        hook_p99_ms,
        submitted_in_s: submitted_in.as_secs_f64(),
        took_s: took.as_secs_f64(),
        checks,
    })
}

struct Taken {
    job: JobId,
    wait: Duration,
    /// When the hook began to ask, by the wall clock, which the simulator's log has too.
    asked_ms: i64,
}

async fn submit(stage: &Stage, urls: &[u32]) -> Fallible<Taken> {
    let request = JobRequest {
        urls: urls.iter().map(|&url| address(url)).collect(),
        options: JobOptions { source: Some("demo".to_owned()), ..JobOptions::default() },
        ..JobRequest::default()
    };
    let asked_ms = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?;
    let (job, wait) = Stage::submit(&stage.producer, &request).await?;
    Ok(Taken { job, wait, asked_ms })
}

fn address(url: u32) -> String {
    format!("https://www.example.com/{:03}/article-{url:07}.html", url % 512)
}

/// Items of jobs for which the log shows no accepted call that arrived after the job was asked
/// for.
fn uncovered(log: &CallLog, load: &Workload, taken: &[Taken]) -> usize {
    let mut last_purged: HashMap<&str, i64> = HashMap::new();
    for call in log.of_kind(CallKind::Purge) {
        for item in call.items.iter().filter(|item| item.accepted == Some(true)) {
            let last = last_purged.entry(&item.item.name).or_insert(call.arrived_ms);
            *last = call.arrived_ms.max(*last);
        }
    }
    let covered =
        |url: u32, asked_ms: i64| last_purged.get(address(url).as_str()).is_some_and(|at| *at >= asked_ms);
    load.jobs
        .iter()
        .zip(taken)
        .map(|(urls, taken)| urls.iter().filter(|&&url| !covered(url, taken.asked_ms)).count())
        .sum()
}

fn bars(jobs: u64) -> (ProgressBar, ProgressBar) {
    let bars = MultiProgress::new();
    let bar = |name: &str| {
        let style = ProgressStyle::with_template(&format!("{name}  {{bar:30}} {{pos:>6}}/{{len}} {{msg}}"))
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        bars.add(ProgressBar::new(jobs).with_style(style))
    };
    (bar("jobs submitted"), bar("jobs ended    "))
}
