//! What waits goes out: leases, the provider's answers, and the housekeeping of the workers.

pub(crate) mod abandoned_job;
pub(crate) mod breaker;
pub(crate) mod cancels;
pub(crate) mod handle;
pub(crate) mod headroom;
pub(crate) mod housekeeper;
pub(crate) mod job_list;
pub(crate) mod kinds;
pub(crate) mod lease;
pub(crate) mod outbox;
pub(crate) mod polls;
pub(crate) mod quota;
pub(crate) mod quota_question;
pub(crate) mod reap;
pub(crate) mod repeat_ends;
pub(crate) mod settle;
pub(crate) mod submitted;
pub(crate) mod wake;
pub(crate) mod workers;
