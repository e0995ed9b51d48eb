use crate::{commands::job::JobView, failure::Failure, output::Output, session::Session};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use purgeline_core::{JobId, PartCounts};
use purgeline_queue::{Job, QueueError};
use std::time::Duration;
use tokio::time::{Instant, sleep};
use tracing::warn;

/// From one look at the job to the next: soon at first, since many jobs end within a second.
const FIRST_LOOK: Duration = Duration::from_millis(20);
const LAST_LOOK: Duration = Duration::from_millis(500);

/// How long Redis may be away before waiting ends.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until a job has ended, showing progress on a terminal.
///
/// # Errors
/// When Redis is away for a minute. The job goes on without us.
pub(super) async fn wait(session: &Session, id: JobId, output: Output) -> Result<JobView, Failure> {
    let bar = progress_bar(output);
    let mut pause = FIRST_LOOK;
    let mut away_since = None;
    loop {
        match session.queue.inspect().job(id, &session.identities()).await {
            Ok(Some(job)) if job.state.is_terminal() => {
                bar.finish_and_clear();
                return JobView::read(session, id).await?.ok_or_else(|| gone(id));
            }
            Ok(Some(job)) => {
                away_since = None;
                show(&bar, &job);
            }
            Ok(None) => return Err(gone(id)),
            Err(error @ QueueError::Redis(_)) => {
                let since = *away_since.get_or_insert_with(Instant::now);
                if since.elapsed() > PATIENCE {
                    return Err(error.into());
                }
                warn!(%error, "Redis is away, waiting on");
                if let Some(server) = &session.server {
                    server.revive().await?;
                }
            }
            Err(error) => return Err(error.into()),
        }
        sleep(pause).await;
        pause = (pause * 2).min(LAST_LOOK);
    }
}

fn gone(id: JobId) -> Failure {
    Failure::NotThere(format!("job {id} is no longer kept: it ended, and its retention has passed"))
}

/// A bar on the terminal; hidden where there is none, or where a program reads.
fn progress_bar(output: Output) -> ProgressBar {
    let target = match output {
        Output::Human => ProgressDrawTarget::stderr(),
        Output::Json => ProgressDrawTarget::hidden(),
    };
    let style = ProgressStyle::with_template("{wide_bar} {pos}/{len} items, {elapsed}{msg}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::with_draw_target(None, target).with_style(style)
}

fn show(bar: &ProgressBar, job: &Job) {
    let counts = job.parts.values().fold(PartCounts::default(), |sum, part| sum.plus(part.counts));
    bar.set_length(counts.items);
    bar.set_position(counts.settled());
    if counts.failed > 0 {
        bar.set_message(format!(", {} failed", counts.failed));
    }
}
