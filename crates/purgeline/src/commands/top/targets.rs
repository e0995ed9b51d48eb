use super::short::{Count, Short};
use purgeline_ops::{TargetState, scarcest_quota, tightest_rate};
use purgeline_queue::{Hold, QuotaUse, RateUse, Snapshot, TargetSnapshot};
use ratatui::{
    layout::Constraint,
    style::{Modifier, Style, Stylize},
    text::Text,
    widgets::{Row, Table},
};

/// A number of each target.
struct Column {
    heading: &'static str,
    width: u16,
    /// Only a screen of so many characters has room for it.
    from: u16,
    text: fn(&Snapshot, &TargetSnapshot) -> String,
}

const COLUMNS: [Column; 8] = [
    Column { heading: "PENDING", width: 8, from: 0, text: |_, target| target.stats.pending.to_string() },
    Column { heading: "DELAYED", width: 8, from: 0, text: |_, target| target.stats.delayed.to_string() },
    Column { heading: "CALLS", width: 5, from: 0, text: |_, target| target.stats.in_flight.to_string() },
    Column { heading: "OPEN", width: 6, from: 90, text: |_, target| target.stats.open_batches.to_string() },
    Column { heading: "OLDEST", width: 6, from: 0, text: oldest },
    Column { heading: "FAILED", width: 6, from: 0, text: |_, target| failed(target).to_string() },
    Column { heading: "LIMIT", width: 9, from: 0, text: |_, target| binding(&target.rates) },
    Column { heading: "QUOTA", width: 6, from: 0, text: |_, target| left(&target.quotas) },
];
/// What holds a target: the last column.
const STATE: u16 = 13;

/// A row for each target, on a screen of that width.
pub(super) fn table(snapshot: &Snapshot, width: u16) -> Table<'static> {
    let columns: Vec<_> = COLUMNS.iter().filter(|column| column.from <= width).collect();
    let numbers = columns.iter().map(|column| Text::raw(column.heading).right_aligned());
    let heading = std::iter::once(Text::raw("TARGET")).chain(numbers).chain([Text::raw("STATE")]);
    let widths = std::iter::once(Constraint::Fill(1))
        .chain(columns.iter().map(|column| Constraint::Length(column.width)))
        .chain([Constraint::Length(STATE)]);
    Table::new(snapshot.targets.iter().map(|target| row(snapshot, target, &columns)), widths)
        .header(Row::new(heading).bold())
        .row_highlight_style(Style::new().add_modifier(Modifier::REVERSED))
}

fn row(snapshot: &Snapshot, target: &TargetSnapshot, columns: &[&Column]) -> Row<'static> {
    let numbers = columns.iter().map(|column| Text::raw((column.text)(snapshot, target)).right_aligned());
    let cells = std::iter::once(Text::raw(target.target.clone()))
        .chain(numbers)
        .chain([Text::raw(state(snapshot, target))]);
    let row = Row::new(cells);
    if target.stats.holds.is_empty() { row } else { row.yellow() }
}

fn oldest(snapshot: &Snapshot, target: &TargetSnapshot) -> String {
    target.stats.oldest_ms.map(|since| Short(snapshot.at_ms - since).to_string()).unwrap_or_default()
}

fn failed(target: &TargetSnapshot) -> u64 {
    target.stats.counters.get("failed").copied().unwrap_or_default()
}

/// The limit that is nearest to being used up.
fn binding(rates: &[RateUse]) -> String {
    tightest_rate(rates).map(|rate| format!("{}/{}", rate.used, rate.max)).unwrap_or_default()
}

/// What the day's quota that is nearest to being spent has left.
fn left(quotas: &[QuotaUse]) -> String {
    scarcest_quota(quotas).map(|(_, left)| Count(left).to_string()).unwrap_or_default()
}

/// In a word, what holds a target.
fn state(snapshot: &Snapshot, target: &TargetSnapshot) -> String {
    match TargetState::of(snapshot, target) {
        TargetState::Held(Hold { name, until_ms: Some(until), .. }) => {
            format!("{name} {}", Short(until - snapshot.at_ms))
        }
        TargetState::Held(Hold { name, until_ms: None, .. }) => name.clone(),
        TargetState::NoWorker => "no worker".to_owned(),
        TargetState::Works => String::new(),
    }
}
