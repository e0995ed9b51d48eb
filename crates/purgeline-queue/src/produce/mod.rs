//! Jobs and their items come in.

pub(crate) mod chunk;
pub(crate) mod enqueue;
pub(crate) mod handle;
pub(crate) mod jobs;
