//! Items that failed for good.

pub(crate) mod filter;
pub(crate) mod letter;
pub(crate) mod letters;
pub(crate) mod walk;
