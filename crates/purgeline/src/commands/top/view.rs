use super::{detail, events, short::Short, targets};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use purgeline_ops::text::Time;
use purgeline_queue::{Snapshot, WorkerInfo};
use ratatui::{
    buffer::Buffer,
    layout::{Constraint, Layout, Rect},
    style::Stylize,
    text::{Line, Text},
    widgets::{Paragraph, Row, StatefulWidget, Table, TableState, Widget, Wrap},
};

/// What the screen shows. It knows no clock but the snapshot's.
#[derive(Debug, Default)]
pub(super) struct View {
    snapshot: Option<Snapshot>,
    /// Why the last look failed, if it did.
    lost: Option<String>,
    selected: usize,
    detail: bool,
    paused: bool,
    /// It is printed once: there are no keys to press.
    printed: bool,
}

/// What a key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// Nothing but another picture.
    Draw,
    /// To look no more, or again.
    Pause(bool),
    /// To end.
    Quit,
}

/// Rows of the longest list of workers.
const WORKERS: usize = 4;
/// Lines below the targets that a detail needs at least.
const DETAIL: u16 = 5;

impl View {
    /// A picture that is printed.
    pub(super) fn printed(snapshot: Snapshot) -> Self {
        Self { snapshot: Some(snapshot), printed: true, ..Self::default() }
    }

    /// Takes down what was seen.
    pub(super) fn saw(&mut self, snapshot: Snapshot) {
        self.lost = None;
        self.selected = self.selected.min(snapshot.targets.len().saturating_sub(1));
        self.snapshot = Some(snapshot);
    }

    /// Takes down why nothing was seen; what was seen before stays.
    pub(super) fn lost(&mut self, why: String) {
        self.lost = Some(why);
    }

    pub(super) fn press(&mut self, key: KeyEvent) -> Asked {
        let last = self.snapshot.as_ref().map_or(0, |seen| seen.targets.len().saturating_sub(1));
        match key.code {
            KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => return Asked::Quit,
            KeyCode::Char('q') => return Asked::Quit,
            KeyCode::Esc if !self.detail => return Asked::Quit,
            KeyCode::Esc => self.detail = false,
            KeyCode::Enter => self.detail = !self.detail,
            KeyCode::Up | KeyCode::Char('k') => self.selected = self.selected.saturating_sub(1),
            KeyCode::Down | KeyCode::Char('j') => self.selected = (self.selected + 1).min(last),
            KeyCode::Char('p') => {
                self.paused = !self.paused;
                return Asked::Pause(self.paused);
            }
            _ => {}
        }
        Asked::Draw
    }

    /// The picture as text, without its colours.
    pub(super) fn text(&self, (width, height): (u16, u16)) -> String {
        let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
        self.render(buffer.area, &mut buffer);
        let rows = buffer.content.chunks(usize::from(width));
        rows.map(|row| {
            let line: String = row.iter().map(|cell| cell.symbol()).collect();
            format!("{}\n", line.trim_end())
        })
        .collect()
    }

    fn heading(&self) -> Line<'static> {
        let seen = match &self.snapshot {
            Some(snapshot) => Time(snapshot.at_ms).to_string(),
            None => "nothing seen yet".to_owned(),
        };
        let mut line = Line::from(vec!["purgeline top".bold(), format!("  {seen}").into()]);
        if self.paused {
            line.push_span("  PAUSED".bold());
        }
        if let Some(why) = &self.lost {
            line.push_span(format!("  Redis is away: {why}").red().bold());
        }
        line
    }
}

impl Widget for &View {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let empty = Snapshot::default();
        let snapshot = self.snapshot.as_ref().unwrap_or(&empty);
        // At least a line of events, and of the targets as many as there is room for.
        let all = u16::try_from(snapshot.targets.len()).unwrap_or(u16::MAX).max(1);
        let shown = u16::try_from(snapshot.workers.len().clamp(1, WORKERS)).unwrap_or(1);
        let rows = all.min(area.height.saturating_sub(shown + 9).max(1));
        let [heading, _, top, _, below, keys] = Layout::vertical([
            Constraint::Length(1),
            Constraint::Length(1),
            Constraint::Length(rows + 1),
            Constraint::Length(1),
            Constraint::Fill(1),
            Constraint::Length(1),
        ])
        .areas(area);
        self.heading().render(heading, buf);
        let mut state = TableState::default().with_selected(Some(self.selected));
        StatefulWidget::render(targets::table(snapshot, area.width), top, buf, &mut state);
        let selected = snapshot.targets.get(self.selected).filter(|_| self.detail && below.height >= DETAIL);
        match selected {
            Some(target) => {
                let mut lines = vec![Line::raw(format!("TARGET {}", target.target)).bold()];
                lines.extend(detail::lines(target, snapshot.at_ms));
                Paragraph::new(lines).wrap(Wrap { trim: false }).render(below, buf);
            }
            None => {
                let [who, _, what] = Layout::vertical([
                    Constraint::Length(shown + 1),
                    Constraint::Length(1),
                    Constraint::Fill(1),
                ])
                .areas(below);
                Widget::render(workers(snapshot), who, buf);
                let heading = std::iter::once(Line::raw("EVENTS").bold());
                let lines = heading.chain(snapshot.events.iter().map(events::line));
                Paragraph::new(lines.take(usize::from(what.height)).collect::<Vec<_>>()).render(what, buf);
            }
        }
        if self.printed {
            return;
        }
        let detail = if self.detail { "Enter list" } else { "Enter detail" };
        let pause = if self.paused { "p go on" } else { "p pause" };
        Line::raw(format!("q quit   \u{2191}\u{2193} jk select   {detail}   {pause}"))
            .dim()
            .render(keys, buf);
    }
}

fn workers(snapshot: &Snapshot) -> Table<'static> {
    let heading = Row::new(["WORKER", "SINCE", "VERSION", "SEEN", "TARGETS"]).bold();
    let widths = [
        Constraint::Length(32),
        Constraint::Length(5),
        Constraint::Length(8),
        Constraint::Length(5),
        Constraint::Fill(1),
    ];
    let more = snapshot.workers.len().saturating_sub(WORKERS);
    let row = |worker: &WorkerInfo| {
        let targets: Vec<_> = worker.targets.iter().map(|name| name.as_str()).collect();
        Row::new([
            Text::raw(worker.name.clone()),
            Text::raw(Short(snapshot.at_ms - worker.since_ms).to_string()),
            Text::raw(worker.version.clone()),
            Text::raw(Short(snapshot.at_ms - worker.seen_ms).to_string()),
            Text::raw(targets.join(" ")),
        ])
    };
    // The last row says how many more there are.
    let shown = if more > 0 { WORKERS - 1 } else { WORKERS };
    let mut rows: Vec<_> = snapshot.workers.iter().take(shown).map(row).collect();
    if more > 0 {
        rows.push(Row::new([format!("and {} more", more + 1)]));
    }
    if rows.is_empty() {
        rows.push(Row::new(["none is alive"]).yellow());
    }
    Table::new(rows, widths).header(heading)
}
