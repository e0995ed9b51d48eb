//! Whether the keys of Redis obey the invariants, and what it takes if they do not.

pub(crate) mod handle;
pub(crate) mod libraries;
pub(crate) mod repair;
pub(crate) mod verify;
