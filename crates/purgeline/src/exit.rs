use std::process::ExitCode;

/// What the exit code says. Part of the command line's contract: the numbers do not change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// It is done.
    Done = 0,
    /// It is not: a job that was waited for did not succeed, what was asked for is not there, a
    /// check found something.
    Failed = 1,
    /// The command line or its input is wrong; nothing was enqueued of what was refused.
    Usage = 2,
    /// The configuration cannot be used.
    Configuration = 3,
    /// Redis cannot be reached, or refuses.
    Redis = 4,
    /// The queue is full: the same again later may succeed.
    Full = 5,
}

/// The codes, for `--help`.
pub(crate) const HELP: &str = "\
Exit codes:
  0  done
  1  not done: a job waited for did not succeed, what was asked for is not there, a check found something
  2  the command line or its input is wrong; the refused items are not enqueued
  3  the configuration cannot be used
  4  Redis cannot be reached, or refuses
  5  the queue is full; try again later";

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
