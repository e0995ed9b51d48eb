mod answer;
mod wait;

use crate::{
    exit::Exit,
    failure::Failure,
    global::Global,
    input::{Given, Input, Param, resources},
    refused::{self, RefusedItem},
    session::Session,
};
use answer::Answer;
use clap::Args;
use purgeline_config::Secrets;
use purgeline_core::{Action, JobOptions, JobRequest, JobState, Priority, TargetName, When, duration_ms};
use purgeline_producer::{Accept, Producer, SubmitError, Submitted};
use purgeline_queue::Retention;
use std::path::PathBuf;

/// The arguments of `purgeline enqueue`.
#[derive(Debug, Args)]
pub(crate) struct EnqueueArgs {
    /// URLs to purge
    #[arg(value_name = "URL")]
    urls: Vec<String>,
    /// A prefix to purge everything under; it ends with "/". May be repeated
    #[arg(long = "dir", value_name = "URL")]
    dirs: Vec<String>,
    /// A data resource to refresh, by its title, where a target takes resources. May be repeated
    #[arg(long = "resource", value_name = "TITLE")]
    resources: Vec<String>,
    /// A parameter of the resources: JSON where it reads as JSON, else a text. May be repeated
    #[arg(long = "param", value_name = "NAME=VALUE", requires = "resources")]
    params: Vec<Param>,
    /// A file of items, one a line: a URL, "dir " and a prefix, or "resource " and
    /// {"title": …, "params": {…}}; - is standard input. Empty lines and those that begin with #
    /// are skipped. May be repeated
    #[arg(short, long = "file", value_name = "FILE")]
    files: Vec<PathBuf>,
    /// A target to send to, instead of all that serve the items' hosts. May be repeated
    #[arg(long = "target", value_name = "NAME")]
    targets: Vec<TargetName>,
    /// What the purge does, where the provider knows the difference: default, expire (revalidate)
    /// or delete (drop)
    #[arg(long, default_value_t)]
    action: Action,
    /// How soon: urgent, normal or bulk
    #[arg(long, default_value_t)]
    priority: Priority,
    /// Debounce: each item goes when nobody has asked for it for so long, like 10s. 0s: at once,
    /// whatever the target's default. Urgent jobs go at once
    #[arg(long, value_name = "DURATION", value_parser = duration_ms)]
    quiet: Option<u64>,
    /// The longest that an item waits for quiet after it was first asked for, like 60s; six times
    /// the quiet by default
    #[arg(long, value_name = "DURATION", value_parser = duration_ms, requires = "quiet")]
    max_wait: Option<u64>,
    /// An embargo: no purge before this time counts, like 2026-11-21T18:00:00Z, or +10m from now
    #[arg(long, value_name = "TIME")]
    not_before: Option<When>,
    /// From this time on the purge is of no use: what has not been sent is cancelled
    #[arg(long, value_name = "TIME")]
    expires_at: Option<When>,
    /// Enqueueing the same again under the same key adds nothing: use it where a call may be
    /// repeated
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
    /// Who asks, for those who look for the job later, like wordpress:post-42
    #[arg(long)]
    source: Option<String>,
    /// Enqueue the good items even if some are refused, and list those
    #[arg(long)]
    partial: bool,
    /// Wait until the job has ended; the exit code then says whether it succeeded
    #[arg(long)]
    wait: bool,
}

/// Enqueues a job.
///
/// # Errors
/// When items or options are refused, the queue is full, or Redis cannot be asked.
pub(crate) async fn run(global: &Global, args: EnqueueArgs) -> Result<Exit, Failure> {
    // All input is read before Redis is touched: a pipe may take its time.
    let resources = resources(&args.resources, &args.params).map_err(Failure::Input)?;
    let input = Input::read(&args.urls, &args.dirs, resources, &args.files).map_err(Failure::Input)?;
    if !args.partial && !input.unreadable.is_empty() {
        return Err(Failure::Refused(refused::unreadable(&input).collect()));
    }
    let session = Session::open(global, Secrets::Skip).await?;
    let retention = Retention::from(&session.config.retention);
    let producer = Producer::new(session.queue.produce(), session.targets.clone(), retention);
    let accept = if args.partial { Accept::GoodItems } else { Accept::Whole };
    let wait = args.wait;
    let submitted = producer.submit(&request(args, &input), accept).await;
    let (submitted, refused) = with_refused(submitted, &input)?;

    let ended = match wait {
        true => Some(wait::wait(&session, submitted.job, global.output).await?),
        false => None,
    };
    let succeeded = ended.as_ref().is_none_or(|view| view.job.state == JobState::Succeeded);
    global.output.answer(&Answer { submitted, refused, ended })?;
    Ok(if succeeded { Exit::Done } else { Exit::Failed })
}

fn request(args: EnqueueArgs, input: &Input) -> JobRequest {
    let texts = |given: &[Given]| given.iter().map(|given| given.text.clone()).collect();
    JobRequest {
        urls: texts(&input.urls),
        dirs: texts(&input.dirs),
        resources: input.resources.iter().map(|given| given.resource.clone()).collect(),
        options: JobOptions {
            action: args.action,
            priority: args.priority,
            source: args.source,
            targets: args.targets,
            idempotency_key: args.idempotency_key,
            quiet_ms: args.quiet,
            max_wait_ms: args.max_wait,
            not_before: args.not_before,
            expires_at: args.expires_at,
        },
    }
}

/// What was submitted, and all that was refused with where it was written.
fn with_refused(
    submitted: Result<Submitted, SubmitError>,
    input: &Input,
) -> Result<(Submitted, Vec<RefusedItem>), Failure> {
    let with_unreadable = |refusals: &[_]| {
        let mut all: Vec<_> = refused::unreadable(input).collect();
        all.extend(refused::located(refusals, input));
        all
    };
    match submitted {
        Ok(submitted) => {
            let refused = with_unreadable(&submitted.refused);
            Ok((submitted, refused))
        }
        Err(SubmitError::Refused { refused }) => Err(Failure::Refused(with_unreadable(&refused))),
        Err(SubmitError::Empty) if !input.unreadable.is_empty() => {
            Err(Failure::Refused(with_unreadable(&[])))
        }
        Err(error) => Err(error.into()),
    }
}
