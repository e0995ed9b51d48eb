use crate::failure::Failure;
use std::io;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that ask a service to end: SIGTERM and SIGINT.
pub(crate) struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    /// Listens from now on; the signals no longer kill the process.
    ///
    /// # Errors
    /// When the system does not allow it.
    pub(crate) fn listen() -> Result<Self, Failure> {
        let listen = || -> io::Result<Self> {
            Ok(Self {
                terminate: signal(SignalKind::terminate())?,
                interrupt: signal(SignalKind::interrupt())?,
            })
        };
        listen().map_err(|source| Failure::System { action: "listen for signals", source })
    }

    /// Ends when one arrives.
    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
