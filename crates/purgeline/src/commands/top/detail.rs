use super::short::Short;
use crate::output::Human;
use purgeline_ops::{QuotaStatus, text::HoldText};
use purgeline_queue::TargetSnapshot;
use ratatui::text::Line;

/// What there is to say of one target, a line each; the first lines matter most.
pub(super) fn lines(target: &TargetSnapshot, now_ms: i64) -> Vec<Line<'static>> {
    let stats = &target.stats;
    let mut lines: Vec<String> =
        stats.holds.iter().map(|hold| format!("held      {}", HoldText(hold))).collect();
    lines.push(format!(
        "waiting   {} items, {} of them delayed; {} in batches; {} dead letters",
        stats.pending, stats.delayed, stats.in_batches, stats.dead_letters
    ));
    if stats.embargoed > 0 {
        lines.push(format!("embargoed {} items", stats.embargoed));
    }
    lines.push(format!(
        "batches   {} calls under way, {} accepted, {} split off; {} words to carry",
        stats.in_flight, stats.open_batches, stats.ready_batches, stats.outbox
    ));
    for rate in &target.rates {
        let frees = match rate.frees_ms {
            Some(frees) => format!(", the oldest leaves in {}", Short(frees - now_ms)),
            None => String::new(),
        };
        lines.push(format!("limit     {}: {} of {} used{frees}", rate.rate, rate.used, rate.max));
    }
    for quota in &target.quotas {
        lines.push(format!("quota     {}", Human(&QuotaStatus { quota: quota.clone(), now_ms })));
    }
    for (lane, hints) in &stats.lanes {
        lines.push(format!("lane      {lane}: {hints}"));
    }
    let counters: Vec<_> = stats.counters.iter().map(|(name, number)| format!("{number} {name}")).collect();
    lines.push(format!("so far    {}", counters.join(", ")));
    lines.into_iter().map(Line::raw).collect()
}
