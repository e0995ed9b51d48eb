use crate::output::Human;
use purgeline_ops::doctor::{Examination, Level};
use std::fmt;

impl fmt::Display for Human<'_, Examination> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for mend in &self.0.repairs {
            writeln!(f, "{mend}")?;
        }
        for check in &self.0.checks {
            let level = match check.level {
                Level::Good => "good",
                Level::Warning => "warning",
                Level::Bad => "BAD",
            };
            writeln!(f, "{level:<8} {check}")?;
        }
        f.write_str(if self.0.healthy { "all that must hold holds" } else { "not well: mend what is BAD" })
    }
}
