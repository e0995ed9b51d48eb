//! A real Varnish serves old pages until the jobs have ended, and new ones after.

use super::{
    check::Check,
    origin::Origin,
    report::VarnishReport,
    stage::{Fallible, Stage, percentiles},
    varnish::Varnish,
};
use futures::{StreamExt, TryStreamExt, stream};
use indicatif::{ProgressBar, ProgressStyle};
use purgeline_core::{JobId, JobOptions, JobRequest};
use serde_json::json;
use std::time::{Duration, Instant};

const HOST: &str = "www.example.com";
/// Visitors and hooks at once.
const AT_ONCE: usize = 16;

pub(super) async fn run(pages: u32) -> Fallible<VarnishReport> {
    let progress = bar(u64::from(pages));
    let origin = Origin::start().await?;
    let varnish = Varnish::start(origin.address).await?;
    let stage = Stage::new(json!({
        "provider": "http",
        "hosts": [HOST],
        "settings": { "nodes": [varnish.address], "ban": {} },
    }))
    .await?;
    let visitor =
        Visitor { client: reqwest::Client::builder().no_proxy().build()?, varnish: varnish.address.clone() };

    let single: Vec<_> = (0..pages).map(|page| format!("/page/{page}")).collect();
    let in_dir: Vec<_> = (0..pages.div_ceil(10)).map(|page| format!("/news/2026/{page}")).collect();
    let all: Vec<_> = single.iter().chain(&in_dir).cloned().collect();

    progress.set_message("visitors fill the cache");
    visitor.count(&all, 1).await?;
    let filled = origin.visits();
    origin.publish();
    progress.set_message("the CMS has published anew; visitors still see the old pages");
    let old_before = visitor.count(&all, 1).await?;
    let asked_again = origin.visits() - filled;

    progress.set_message("publish hooks enqueue one job a page and one for the dir");
    let started = Instant::now();
    let (jobs, waits) = publish(&stage, &single, &progress).await?;
    stage.ended(jobs.len() as u64, |ended| progress.set_position(ended)).await?;
    let purged_in = started.elapsed();

    progress.set_message("visitors come back");
    let new_after = visitor.count(&all, 2).await?;
    let states = stage.states(&jobs).await?;
    let (hook_median_ms, hook_p99_ms) = percentiles(waits);
    let checks = vec![
        Check::equal("before the purge every page is served old from the cache", all.len(), old_before),
        Check::equal("visits that reached the origin meanwhile", 0, usize::try_from(asked_again)?),
        Check::equal("after the jobs ended every page is served new", all.len(), new_after),
        Check::equal("jobs succeeded", jobs.len(), states.get("succeeded").copied().unwrap_or(0)),
        Check::equal("violations of the invariants", 0, stage.violations().await?),
    ];
    stage.close().await?;
    varnish.stop().await?;
    progress.finish_and_clear();
    Ok(VarnishReport {
        pages: single.len(),
        pages_in_dir: in_dir.len(),
        jobs: jobs.len(),
        hook_median_ms,
        hook_p99_ms,
        purged_in_s: purged_in.as_secs_f64(),
        checks,
    })
}

/// One job a page, and one for the dir: what hooks of a CMS do.
async fn publish(
    stage: &Stage,
    pages: &[String],
    progress: &ProgressBar,
) -> Fallible<(Vec<JobId>, Vec<Duration>)> {
    progress.set_length(pages.len() as u64 + 1);
    let urls = pages.iter().map(|path| JobRequest { urls: vec![url(path)], ..request() });
    let dir = JobRequest { dirs: vec![url("/news/")], ..request() };
    let submitted = stream::iter(urls.chain([dir]))
        .map(|request| async move { Stage::submit(&stage.producer, &request).await })
        .buffer_unordered(AT_ONCE)
        .try_collect::<Vec<_>>()
        .await?;
    Ok(submitted.into_iter().unzip())
}

fn request() -> JobRequest {
    JobRequest {
        options: JobOptions { source: Some("demo".to_owned()), ..JobOptions::default() },
        ..JobRequest::default()
    }
}

fn url(path: &str) -> String {
    format!("http://{HOST}{path}")
}

struct Visitor {
    client: reqwest::Client,
    varnish: String,
}

impl Visitor {
    /// Visits all pages; gives how many are of this edition.
    async fn count(&self, paths: &[String], edition: u64) -> Fallible<usize> {
        let wanted = format!("edition {edition} of ");
        let seen: Vec<bool> = stream::iter(paths)
            .map(|path| {
                let (request, wanted) = (self.client.get(format!("{}{path}", self.varnish)), &wanted);
                async move {
                    let body = request.header("host", HOST).send().await?.error_for_status()?.text().await?;
                    Ok::<_, reqwest::Error>(body == format!("{wanted}{path}"))
                }
            })
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await?;
        Ok(seen.into_iter().filter(|seen| *seen).count())
    }
}

fn bar(length: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("Varnish  {bar:30} {pos:>6}/{len} jobs ended  {msg}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(length).with_style(style)
}
