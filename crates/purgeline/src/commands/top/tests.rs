use super::{
    seconds,
    view::{Asked, View},
};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use purgeline_queue::{
    Event, Hold, QuotaRate, QuotaUse, RateUse, Snapshot, TargetSnapshot, TargetStats, WorkerInfo,
};
use ratatui::{Terminal, backend::TestBackend};
use std::collections::BTreeMap;

/// 2026-11-21 21:00:00Z.
const NOW: i64 = 1_795_294_800_000;

fn rate(rate: &str, used: u64, max: u64) -> RateUse {
    RateUse { rate: rate.to_owned(), used, max, window_ms: 1000, frees_ms: (used > 0).then_some(NOW + 400) }
}

fn quota(name: &str, max: u64, spent: u64) -> QuotaUse {
    QuotaUse {
        name: name.to_owned(),
        kind: None,
        host: None,
        day: "2026-11-22".to_owned(),
        turns_ms: NOW + 19 * 3_600_000,
        max: Some(max),
        reserve: max / 10,
        spent,
        left: Some(max - spent),
        told_ms: None,
        rate: Some(QuotaRate { items: spent, within_ms: 3_600_000 }),
        ends_ms: None,
    }
}

fn event(what: &str, seconds_ago: i64, fields: &[(&str, &str)]) -> Event {
    let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let target = Some("static".parse().unwrap());
    Event { at_ms: NOW - seconds_ago * 1000, target, what: what.to_owned(), fields }
}

fn snapshot() -> Snapshot {
    let busy = TargetStats {
        pending: 123_456,
        delayed: 1_024,
        in_batches: 240,
        in_flight: 4,
        open_batches: 12,
        dead_letters: 3,
        lanes: vec![("urgent/url".to_owned(), 3), ("normal/url".to_owned(), 122_429)],
        oldest_ms: Some(NOW - 725_000),
        counters: BTreeMap::from([("succeeded".to_owned(), 900_000), ("failed".to_owned(), 3)]),
        ..TargetStats::default()
    };
    let hold = Hold {
        name: "paused".to_owned(),
        until_ms: None,
        since_ms: NOW - 60_000,
        by: Some("ops".to_owned()),
        why: "by-hand the cache is being moved".to_owned(),
    };
    let throttle =
        Hold { name: "throttled".to_owned(), until_ms: Some(NOW + 42_000), by: None, ..hold.clone() };
    let target = |name: &str, stats: TargetStats, rates: Vec<RateUse>| TargetSnapshot {
        target: name.to_owned(),
        stats,
        rates,
        quotas: Vec::new(),
    };
    let mut busy = target("static", busy, vec![rate("calls-1000ms", 20, 80), rate("items-1000ms", 200, 240)]);
    busy.quotas = vec![quota("urls", 200_000, 150_000), quota("dirs", 1_000, 1)];
    let worker = |name: &str, targets: &[&str]| WorkerInfo {
        name: name.to_owned(),
        version: "0.1.0".to_owned(),
        library: "purgeline_1a2b3c4d".to_owned(),
        pid: 7,
        targets: targets.iter().map(|name| name.parse().unwrap()).collect(),
        since_ms: NOW - 7_300_000,
        seen_ms: NOW - 3_000,
    };
    Snapshot {
        at_ms: NOW,
        targets: vec![
            busy,
            target("www", TargetStats { holds: vec![hold], ..TargetStats::default() }, vec![]),
            target("video", TargetStats { holds: vec![throttle], ..TargetStats::default() }, vec![]),
            target("lonely", TargetStats::default(), vec![]),
        ],
        workers: vec![
            worker("host-a-4711-8f3kz2", &["static", "www", "video"]),
            worker("host-b-12-0aq9xx", &["static"]),
        ],
        events: vec![
            event("job_ended", 1, &[("job", "01JZ6M2W3CE8Q9R1T5Y7B0ABCD"), ("state", "succeeded")]),
            event(
                "dead_letter",
                65,
                &[("dead", "b7-3"), ("code", "http-400"), ("item", "url:https://static.example.com/a")],
            ),
            event("held", 3_700, &[("name", "paused"), ("why", "by-hand")]),
            event("released", 3_800, &[("name", "unauthorised")]),
            event("something_new", 3_900, &[("a", "1"), ("b", "2")]),
        ],
    }
}

fn seen() -> View {
    let mut view = View::default();
    view.saw(snapshot());
    view
}

fn press(view: &mut View, code: KeyCode) -> Asked {
    view.press(KeyEvent::new(code, KeyModifiers::NONE))
}

/// As the screen draws it.
fn drawn(view: &View, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| frame.render_widget(view, frame.area())).unwrap();
    let drawn = terminal.backend().to_string();
    let lines = drawn.lines().map(|line| line.trim_matches('"').trim_end());
    let text = lines.collect::<Vec<_>>().join("\n");
    assert_eq!(text.trim_end(), view.text((width, height)).trim_end(), "as text it is the same");
    text
}

fn snapshot_of(name: &str, picture: &str) {
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!(name, picture);
    });
}

#[test]
fn all_is_seen_on_a_small_screen() {
    snapshot_of("top-list", &drawn(&seen(), 80, 24));
    // One with more room shows more.
    assert!(!drawn(&seen(), 89, 24).contains("OPEN"));
    assert!(drawn(&seen(), 90, 24).contains("OPEN"));
}

#[test]
fn a_target_is_seen_in_detail() {
    let mut view = seen();
    assert_eq!(press(&mut view, KeyCode::Enter), Asked::Draw);
    snapshot_of("top-detail", &drawn(&view, 80, 24));
    press(&mut view, KeyCode::Char('j'));
    assert!(drawn(&view, 80, 24).contains("held      paused since"));
    // Where there is no room for it, the list stays.
    assert!(!drawn(&view, 80, 10).contains("TARGET www"));
    assert_eq!(press(&mut view, KeyCode::Esc), Asked::Draw);
    assert!(drawn(&view, 80, 24).contains("EVENTS"));
    assert_eq!(press(&mut view, KeyCode::Esc), Asked::Quit);
}

#[test]
fn an_outage_is_said_and_what_was_seen_stays() {
    let mut view = View::default();
    snapshot_of("top-nothing", &drawn(&view, 80, 24));
    view.lost("Redis: connection refused".to_owned());
    assert!(drawn(&view, 80, 24).contains("Redis is away: Redis: connection refused"));
    view.saw(snapshot());
    assert!(!drawn(&view, 80, 24).contains("away"));
    view.lost("Redis: connection refused".to_owned());
    let both = drawn(&view, 80, 24);
    assert!(both.contains("away") && both.contains("123456"), "{both}");
}

#[test]
fn keys_do_what_they_say() {
    let mut view = seen();
    for (code, asked) in [
        (KeyCode::Char('p'), Asked::Pause(true)),
        (KeyCode::Char('x'), Asked::Draw),
        (KeyCode::Char('p'), Asked::Pause(false)),
        (KeyCode::Char('q'), Asked::Quit),
    ] {
        assert_eq!(press(&mut view, code), asked, "{code:?}");
    }
    press(&mut view, KeyCode::Char('p'));
    assert!(drawn(&view, 80, 24).contains("PAUSED"));
    assert_eq!(view.press(KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL)), Asked::Quit);
    // The selection stops at either end.
    press(&mut view, KeyCode::Enter);
    for (code, times, name) in
        [(KeyCode::Up, 1, "static"), (KeyCode::Down, 9, "lonely"), (KeyCode::Char('k'), 1, "video")]
    {
        for _ in 0..times {
            press(&mut view, code);
        }
        assert!(drawn(&view, 80, 24).contains(&format!("TARGET {name}")), "{code:?}");
    }
}

#[test]
fn many_targets_and_any_size_are_drawn() {
    let mut many = snapshot();
    many.targets = (0..40)
        .map(|n| TargetSnapshot { target: format!("target-{n}"), ..many.targets[0].clone() })
        .collect();
    many.workers =
        (0..9).map(|n| WorkerInfo { name: format!("worker-{n}"), ..many.workers[0].clone() }).collect();
    let mut view = View::default();
    view.saw(many);
    for _ in 0..30 {
        press(&mut view, KeyCode::Down);
    }
    let picture = drawn(&view, 80, 24);
    assert!(
        picture.contains("target-30") && picture.contains("and 6 more") && picture.contains("EVENTS"),
        "{picture}"
    );
    for (width, height) in [(1, 1), (10, 3), (40, 8), (200, 60)] {
        view.text((width, height));
    }
}

#[test]
fn an_interval_is_a_number_of_seconds() {
    assert_eq!(seconds("0.5"), Ok(0.5));
    for bad in ["0", "-1", "NaN", "inf", "soon", "4000"] {
        assert!(seconds(bad).unwrap_err().contains("expected 0.1 to 3600 seconds"), "{bad}");
    }
}
