use crate::{
    cli::Global,
    config::Secrets,
    exit::Exit,
    failure::Failure,
    output::{HoldText, QuotaShown, Span, Time},
    session::Session,
};
use clap::Args;
use purgeline_core::{HostPattern, Limits, TargetName};
use purgeline_queue::{QuotaPolicy, TargetStats};
use serde::Serialize;
use std::fmt;

/// The arguments of `purgeline target show`.
#[derive(Debug, Args)]
pub(super) struct ShowArgs {
    /// The target's name
    name: TargetName,
}

/// What `purgeline target show` answers.
#[derive(Debug, Serialize)]
struct Shown {
    name: TargetName,
    provider: &'static str,
    title: &'static str,
    /// Whose limits it shares.
    account: TargetName,
    hosts: Vec<HostPattern>,
    /// Those in force: the provider's, narrowed by the configuration.
    limits: Limits,
    max_pending_items: u64,
    /// The day's quotas, with a forecast.
    quotas: Vec<QuotaShown>,
    #[serde(flatten)]
    stats: TargetStats,
}

pub(super) async fn run(global: &Global, args: &ShowArgs) -> Result<Exit, Failure> {
    let session = Session::open(global, Secrets::Skip).await?;
    let target = session.target(&args.name)?;
    let limits = &target.descriptor.limits;
    let policy = QuotaPolicy::new(limits, target.config.limits.quota_reserve_percent.get());
    let now_ms = session.queue.now_ms().await?;
    let quotas = session.queue.inspect().quotas(&target.target, &policy).await?;
    global.output.answer(&Shown {
        name: target.target.name.clone(),
        provider: target.descriptor.name,
        title: target.descriptor.title,
        account: target.target.account.clone(),
        hosts: target.config.hosts.clone(),
        limits: limits.clone(),
        max_pending_items: target.config.max_pending_items.get(),
        quotas: quotas.into_iter().map(|quota| QuotaShown { quota, now_ms }).collect(),
        stats: session.queue.inspect().stats(&target.target).await?,
    })?;
    Ok(Exit::Done)
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stats = &self.stats;
        writeln!(f, "target {}: {} ({}), account {}", self.name, self.title, self.provider, self.account)?;
        let hosts: Vec<_> = self.hosts.iter().map(ToString::to_string).collect();
        match hosts.as_slice() {
            [] => writeln!(f, "hosts         none: only jobs that name it reach it")?,
            hosts => writeln!(f, "hosts         {}", hosts.join(" "))?,
        }
        for hold in &stats.holds {
            writeln!(f, "held          {}", HoldText(hold))?;
        }
        write!(f, "waiting       {} of at most {} items", stats.pending, self.max_pending_items)?;
        if stats.delayed > 0 {
            write!(f, ", {} of them delayed", stats.delayed)?;
        }
        if stats.embargoed > 0 {
            write!(f, ", {} embargoed", stats.embargoed)?;
        }
        if let Some(oldest) = stats.oldest_ms {
            write!(f, ", the oldest since {}", Time(oldest))?;
        }
        writeln!(f)?;
        for (lane, items) in &stats.lanes {
            writeln!(f, "              {items} in {lane}")?;
        }
        writeln!(
            f,
            "in batches    {} items; {} calls under way, {} batches accepted, {} split off",
            stats.in_batches, stats.in_flight, stats.open_batches, stats.ready_batches
        )?;
        writeln!(f, "dead letters  {}", stats.dead_letters)?;
        for quota in &self.quotas {
            writeln!(f, "quota         {quota}")?;
        }
        let counters: Vec<_> =
            stats.counters.iter().map(|(name, number)| format!("{number} {name}")).collect();
        writeln!(
            f,
            "so far        {}",
            if counters.is_empty() { "nothing".to_owned() } else { counters.join(", ") }
        )?;
        write_limits(f, &self.limits)
    }
}

fn write_limits(f: &mut fmt::Formatter<'_>, limits: &Limits) -> fmt::Result {
    let call = &limits.call;
    let kinds: Vec<_> = call.max_of_kind.iter().map(|(kind, max)| format!("{max} {kind}s")).collect();
    let mixed = if call.mix_kinds { "together" } else { "one kind a call" };
    write!(f, "a call        at most {} items: {}, {mixed}", call.max_items, kinds.join(", "))?;
    if let Some(hosts) = call.max_hosts {
        write!(f, ", of {hosts} hosts")?;
    }
    if let Some(bytes) = call.max_bytes {
        write!(f, ", {bytes} bytes")?;
    }
    write!(f, "; {} calls at once", limits.max_in_flight)?;
    if let Some(tasks) = limits.max_tasks {
        write!(f, ", {tasks} tasks in progress")?;
    }
    writeln!(f)?;
    for rate in &limits.rates {
        let window = i64::try_from(rate.window_ms.get()).unwrap_or(i64::MAX);
        writeln!(f, "in {:<10} at most {} {}", Span(window).to_string(), rate.max, rate.unit.as_str())?;
    }
    for quota in limits.quotas.iter().filter(|quota| quota.per_host) {
        let items = quota.kind.map_or_else(|| "items".to_owned(), |kind| format!("{kind}s"));
        if let Some(max) = quota.max {
            writeln!(f, "in a day      at most {max} {items} for each host")?;
        }
    }
    Ok(())
}
