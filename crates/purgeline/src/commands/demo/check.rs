use serde::Serialize;

/// Something that must hold, and whether it did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Check {
    /// What must hold.
    pub(super) claim: &'static str,
    /// What was expected.
    pub(super) expected: String,
    /// What was seen at the other side of the wire.
    pub(super) seen: String,
    /// Whether it held.
    pub(super) holds: bool,
}

impl Check {
    pub(super) fn equal(claim: &'static str, expected: usize, seen: usize) -> Self {
        Self { claim, expected: expected.to_string(), seen: seen.to_string(), holds: expected == seen }
    }

    pub(super) fn at_most(claim: &'static str, most: usize, seen: usize) -> Self {
        Self { claim, expected: format!("at most {most}"), seen: seen.to_string(), holds: seen <= most }
    }
}
