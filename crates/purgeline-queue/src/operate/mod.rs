//! What an operator decides: holds, cancels, and what becomes of dead letters.

pub(crate) mod cancel;
pub(crate) mod drop;
pub(crate) mod handle;
pub(crate) mod hold;
pub(crate) mod plan;
pub(crate) mod probe;
pub(crate) mod reopen;
pub(crate) mod retry;
