//! Mends what [`verify`](crate::AuditQueue::verify) finds, on a queue that is in use.

pub(crate) mod attempt;
mod lost;
mod mend;
pub(crate) mod run;
mod salvage;
