use super::span::Short;
use purgeline_queue::{Hold, RateUse, Snapshot, TargetSnapshot};
use ratatui::{
    layout::Constraint,
    style::{Modifier, Style, Stylize},
    text::Text,
    widgets::{Row, Table},
};

/// The columns: heading, width.
const COLUMNS: [(&str, u16); 8] = [
    ("PENDING", 8),
    ("DELAYED", 8),
    ("CALLS", 5),
    ("OPEN", 6),
    ("OLDEST", 6),
    ("FAILED", 6),
    ("LIMIT", 9),
    ("STATE", 13),
];

/// A row for each target.
pub(super) fn table(snapshot: &Snapshot) -> Table<'static> {
    let heading = std::iter::once(Text::raw("TARGET")).chain(COLUMNS.iter().map(|(name, _)| match *name {
        "STATE" => Text::raw(*name),
        number => Text::raw(number).right_aligned(),
    }));
    let widths = std::iter::once(Constraint::Fill(1))
        .chain(COLUMNS.iter().map(|(_, width)| Constraint::Length(*width)));
    Table::new(snapshot.targets.iter().map(|target| row(snapshot, target)), widths)
        .header(Row::new(heading).bold())
        .row_highlight_style(Style::new().add_modifier(Modifier::REVERSED))
}

fn row(snapshot: &Snapshot, target: &TargetSnapshot) -> Row<'static> {
    let stats = &target.stats;
    let oldest = stats.oldest_ms.map(|since| Short(snapshot.at_ms - since).to_string()).unwrap_or_default();
    let numbers = [
        stats.pending.to_string(),
        stats.delayed.to_string(),
        stats.in_flight.to_string(),
        stats.open_batches.to_string(),
        oldest,
        stats.counters.get("failed").copied().unwrap_or_default().to_string(),
        binding(&target.rates).map(|rate| format!("{}/{}", rate.used, rate.max)).unwrap_or_default(),
    ];
    let cells = std::iter::once(Text::raw(target.target.clone()))
        .chain(numbers.into_iter().map(|number| Text::raw(number).right_aligned()))
        .chain([Text::raw(state(snapshot, target))]);
    let row = Row::new(cells);
    if stats.holds.is_empty() { row } else { row.yellow() }
}

/// The limit that is nearest to being used up.
fn binding(rates: &[RateUse]) -> Option<&RateUse> {
    // Compared crosswise, since shares are no whole numbers; the first of equals.
    rates.iter().reduce(
        |nearest, rate| {
            if rate.used * nearest.max > nearest.used * rate.max { rate } else { nearest }
        },
    )
}

/// In a word, what holds a target.
fn state(snapshot: &Snapshot, target: &TargetSnapshot) -> String {
    if let Some(Hold { name, until_ms, .. }) = target.stats.holds.first() {
        return match until_ms {
            Some(until) => format!("{name} {}", Short(until - snapshot.at_ms)),
            None => name.clone(),
        };
    }
    let works =
        |names: &[purgeline_core::TargetName]| names.iter().any(|name| name.as_str() == target.target);
    if snapshot.workers.iter().any(|worker| works(&worker.targets)) {
        String::new()
    } else {
        "no worker".to_owned()
    }
}
