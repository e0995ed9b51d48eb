use super::Time;
use purgeline_queue::Hold;
use std::fmt;

/// A hold for people: what, since and until when, by whom, why.
#[derive(Clone, Copy, Debug)]
pub struct HoldText<'a>(
    /// The hold.
    pub &'a Hold,
);

impl fmt::Display for HoldText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Hold { name, until_ms, since_ms, by, why } = self.0;
        write!(f, "{name} since {}", Time(*since_ms))?;
        match until_ms {
            Some(until) => write!(f, " until {}", Time(*until))?,
            None => f.write_str(" until it is lifted")?,
        }
        match by {
            Some(by) => write!(f, ", by {by}: {why}"),
            None => write!(f, ": {why}"),
        }
    }
}
