use super::view::{Asked, View};
use crate::{failure::Failure, stop::StopSignals};
use crossterm::event::{Event, EventStream, KeyEventKind};
use futures::StreamExt;
use purgeline_ops::{OpsError, Watch};
use purgeline_queue::Snapshot;
use ratatui::DefaultTerminal;
use std::{io, time::Duration};
use tokio::sync::{mpsc, watch};

/// Shows what goes on until a key or a signal ends it. The terminal is left as it was, also by a
/// panic.
pub(super) async fn show(watched: Watch, interval: Duration) -> Result<(), Failure> {
    let mut signals = StopSignals::listen()?;
    let mut terminal = ratatui::try_init().map_err(failed)?;
    let (pause, paused) = watch::channel(false);
    // One look at a time: who looks waits until the last one was shown.
    let (seen, mut looks) = mpsc::channel(1);
    let looking = tokio::spawn(look(watched, interval, paused, seen));
    let shown = run(&mut terminal, &mut signals, &mut looks, &pause).await;
    looking.abort();
    ratatui::restore();
    shown.map_err(failed)
}

async fn run(
    terminal: &mut DefaultTerminal,
    signals: &mut StopSignals,
    looks: &mut mpsc::Receiver<Result<Snapshot, OpsError>>,
    pause: &watch::Sender<bool>,
) -> io::Result<()> {
    let mut view = View::default();
    let mut keys = EventStream::new();
    loop {
        terminal.draw(|frame| frame.render_widget(&view, frame.area()))?;
        tokio::select! {
            () = signals.next() => return Ok(()),
            key = keys.next() => match key {
                // The terminal is gone.
                None => return Ok(()),
                Some(Err(error)) => return Err(error),
                Some(Ok(Event::Key(key))) if key.kind == KeyEventKind::Press => match view.press(key) {
                    Asked::Quit => return Ok(()),
                    Asked::Pause(paused) => drop(pause.send(paused)),
                    Asked::Draw => {}
                },
                Some(Ok(_)) => {}
            },
            Some(look) = looks.recv() => match look {
                Ok(snapshot) => view.saw(snapshot),
                Err(error) => view.lost(error.to_string()),
            },
        }
    }
}

/// Looks again and again, but while it is paused. An outage of Redis is seen, and its end.
async fn look(
    watched: Watch,
    interval: Duration,
    mut paused: watch::Receiver<bool>,
    seen: mpsc::Sender<Result<Snapshot, OpsError>>,
) {
    loop {
        if paused.wait_for(|paused| !paused).await.is_err() || seen.send(watched.look().await).await.is_err()
        {
            return;
        }
        tokio::time::sleep(interval).await;
    }
}

fn failed(source: io::Error) -> Failure {
    Failure::System { action: "use the terminal", source }
}
