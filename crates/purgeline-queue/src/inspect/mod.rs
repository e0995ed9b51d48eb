//! How everything stands. Nothing here decides anything, or changes what waits.

pub(crate) mod dead;
pub(crate) mod embargo;
pub(crate) mod handle;
pub(crate) mod history;
pub(crate) mod holds;
pub(crate) mod job_list;
pub(crate) mod jobs;
pub(crate) mod quotas;
pub(crate) mod rates;
pub(crate) mod standing;
pub(crate) mod stats;
pub(crate) mod target;
pub(crate) mod watch;
pub(crate) mod workers;
