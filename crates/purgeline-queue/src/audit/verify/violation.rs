use super::damage::Damage;
use serde::Serialize;
use std::fmt;

/// Something in Redis that the invariants do not allow.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Violation {
    /// The target, or `-` for what belongs to none.
    pub target: String,
    /// What it takes to mend it; in front of the words, so that violations sort by it.
    #[serde(skip)]
    pub(crate) damage: Damage,
    /// What is wrong, with the key that shows it.
    pub what: String,
}

impl Violation {
    pub(super) fn new(target: &str, damage: Damage) -> Self {
        Self { target: target.to_owned(), what: damage.to_string(), damage }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.target, self.what)
    }
}
