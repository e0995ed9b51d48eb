//! `purgeline top`: one frame for pipes, and the live view on a terminal of its own.

use crate::support::{Fixture, target};
use nix::{
    pty::{Winsize, openpty},
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use purgeline_core::{Cause, Class};
use purgeline_queue::{HoldName, Queue, WorkerInfo};
use std::{
    fs::File,
    io::{Read, Write},
    process::{Child, Command, Stdio},
};

#[tokio::test]
async fn one_frame_is_text_or_json() {
    let fixture = Fixture::new().await;
    fixture.enqueue(&["https://www.example.com/a", "https://www.example.com/b"]);
    let cause = Cause::new(Class::Unauthorised, "by-hand", "the cache is being moved");
    fixture.queue().operate().hold(&target("www"), HoldName::Paused, None, &cause, "ops").await.unwrap();
    let mut worker = WorkerInfo {
        name: "w1".into(),
        version: "0.1.0".into(),
        library: Queue::library_name().into(),
        pid: 1,
        targets: vec![target("www").name, target("static").name],
        since_ms: 0,
        seen_ms: 0,
    };
    fixture.queue().work().worker_seen(&mut worker).await.unwrap();
    let frame = fixture.call(&["top", "--once"]);
    assert_eq!(frame.code, 0, "{}", frame.err);
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.add_filter(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ", "[TIME]");
    settings.add_filter(r" +\d[\d.]*[smh]\b *", " [AGO] ");
    settings.bind(|| insta::assert_snapshot!("top-once", frame.out));

    let json = fixture.call(&["top", "--once", "--output", "json"]).json();
    assert_eq!(json["targets"][1]["target"], "www");
    assert_eq!(json["targets"][1]["pending"], 2);
    assert_eq!(json["targets"][1]["holds"][0]["name"], "paused");
    assert_eq!(json["targets"][0]["rates"][0]["used"], 0);
    assert_eq!(json["workers"][0]["name"], "w1");
    let live = fixture.call(&["top"]);
    assert_eq!(live.code, 2);
    assert!(live.err.contains("standard output is no terminal: use --once"), "{}", live.err);
}

/// The program on a terminal of its own.
struct Screen {
    child: Child,
    terminal: File,
    seen: String,
}

impl Screen {
    fn new(mut command: Command) -> Self {
        let size = Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
        let pty = openpty(Some(&size), None).unwrap();
        let side = || Stdio::from(pty.slave.try_clone().unwrap());
        command.args(["top", "--interval", "0.1"]).stdin(side()).stdout(side()).stderr(side());
        let child = command.spawn().unwrap();
        Self { child, terminal: File::from(pty.master), seen: String::new() }
    }

    /// Reads until the screen has been sent this; colours and moves of the cursor left out.
    fn wait_for(&mut self, text: &str) {
        while !plain(&self.seen).contains(text) {
            assert!(self.read(), "the screen ended without {text:?}: {}", plain(&self.seen));
        }
    }

    /// False at its end.
    fn read(&mut self) -> bool {
        let mut bytes = [0; 4096];
        // When the last process has let go of it, Linux says EIO.
        let count = self.terminal.read(&mut bytes).unwrap_or(0);
        self.seen += &String::from_utf8_lossy(&bytes[..count]);
        count > 0
    }

    /// It ends well, and leaves the terminal as it was: the alternate screen left, the cursor shown.
    fn ends(mut self) {
        while self.read() {}
        assert_eq!(self.child.wait().unwrap().code(), Some(0), "{}", plain(&self.seen));
        let (left, entered) = (self.seen.rfind("\u{1b}[?1049l"), self.seen.rfind("\u{1b}[?1049h"));
        assert!(left > entered && entered.is_some(), "{:?}", self.seen);
        assert!(self.seen.rfind("\u{1b}[?25h") > self.seen.rfind("\u{1b}[?25l"), "{:?}", self.seen);
    }
}

/// Without what moves the cursor and changes colours.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        plain += before;
        rest = after.trim_start_matches(|c: char| !c.is_ascii_alphabetic());
        rest = rest.get(1..).unwrap_or_default();
    }
    plain + rest
}

#[tokio::test]
async fn a_key_or_a_signal_ends_it_and_the_terminal_is_clean() {
    let fixture = Fixture::new().await;
    fixture.enqueue(&["https://www.example.com/a"]);
    let mut screen = Screen::new(fixture.command());
    screen.wait_for("static");
    screen.terminal.write_all(b"j\r").unwrap();
    screen.wait_for("1 items, 0 of them delayed");
    screen.terminal.write_all(b"q").unwrap();
    screen.ends();
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let mut screen = Screen::new(fixture.command());
        screen.wait_for("static");
        kill(Pid::from_raw(screen.child.id().try_into().unwrap()), signal).unwrap();
        screen.ends();
    }
}

#[tokio::test]
async fn it_outlives_redis() {
    let mut fixture = Fixture::new().await;
    let mut screen = Screen::new(fixture.command());
    screen.wait_for("static");
    fixture.redis.kill();
    screen.wait_for("away");
    screen.terminal.write_all(b"q").unwrap();
    screen.ends();
}
