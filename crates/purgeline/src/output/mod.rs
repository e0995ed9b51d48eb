//! What commands answer: text for people, or JSON with stable field names for programs.

mod human;
mod item;
mod quota;
mod table;

pub(crate) use human::Human;
pub(crate) use table::table;

use crate::failure::Failure;
use clap::ValueEnum;
use serde::Serialize;
use std::{
    fmt::Display,
    io::{self, Write},
};

/// How answers are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// For people
    #[default]
    Human,
    /// One JSON object; its field names are stable
    Json,
}

impl Output {
    /// Writes an answer to standard output: its `Display` for people, its serde form as JSON.
    ///
    /// # Errors
    /// When it cannot be written. A reader who has seen enough (`| head`) is no error.
    pub(crate) fn answer<T: Serialize + Display>(self, answer: &T) -> Result<(), Failure> {
        let mut out = io::stdout().lock();
        let written = match self {
            Self::Human => writeln!(out, "{}", answer.to_string().trim_end()),
            Self::Json => write_json(&mut out, answer),
        };
        match written.and_then(|()| out.flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            written => written.map_err(|source| Failure::System { action: "write the answer", source }),
        }
    }

    /// Writes a failure to standard error.
    pub(crate) fn failure(self, failure: &Failure) {
        let mut stderr = io::stderr().lock();
        // Where even this cannot be written, the exit code must do.
        let _ = match self {
            Self::Human => writeln!(stderr, "purgeline: {failure}"),
            Self::Json => write_json(&mut stderr, &failure.report()),
        };
    }
}

fn write_json(out: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    out.write_all(b"\n")
}
