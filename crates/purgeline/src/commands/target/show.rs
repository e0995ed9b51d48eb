use crate::{exit::Exit, failure::Failure, global::Global, output::Human, session::Session};
use clap::Args;
use purgeline_config::Secrets;
use purgeline_core::{Limits, TargetName};
use purgeline_ops::{
    TargetStatus,
    text::{HoldText, Span, Time},
};
use std::fmt;

/// The arguments of `purgeline target show`.
#[derive(Debug, Args)]
pub(super) struct ShowArgs {
    /// The target's name
    name: TargetName,
}

pub(super) async fn run(global: &Global, args: &ShowArgs) -> Result<Exit, Failure> {
    let session = Session::open(global, Secrets::Skip).await?;
    let target = session.ops().targets().status(&args.name).await?;
    global.output.answer(&Human(&target))?;
    Ok(Exit::Done)
}

impl fmt::Display for Human<'_, TargetStatus> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stats = &self.0.stats;
        writeln!(
            f,
            "target {}: {} ({}), account {}",
            self.0.name, self.0.title, self.0.provider, self.0.account
        )?;
        let hosts: Vec<_> = self.0.hosts.iter().map(ToString::to_string).collect();
        match hosts.as_slice() {
            [] => writeln!(f, "hosts         none: only jobs that name it reach it")?,
            hosts => writeln!(f, "hosts         {}", hosts.join(" "))?,
        }
        for hold in &stats.holds {
            writeln!(f, "held          {}", HoldText(hold))?;
        }
        write!(f, "waiting       {} of at most {} items", stats.pending, self.0.max_pending_items)?;
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
        for quota in &self.0.quotas {
            writeln!(f, "quota         {}", Human(quota))?;
        }
        let counters: Vec<_> =
            stats.counters.iter().map(|(name, number)| format!("{number} {name}")).collect();
        writeln!(
            f,
            "so far        {}",
            if counters.is_empty() { "nothing".to_owned() } else { counters.join(", ") }
        )?;
        write_limits(f, &self.0.limits)
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
