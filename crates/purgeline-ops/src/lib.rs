#![doc = include_str!("../README.md")]

mod age;
mod dead_letters;
pub mod doctor;
mod error;
mod item;
mod job;
mod ops;
mod target;
pub mod text;
mod watch;
mod workers;

pub use age::{Age, AgeError};
pub use dead_letters::{
    ChangedLetters, DeadLetterExample, DeadLetterFilter, DeadLetterGroup, DeadLetterGroups, DeadLetterList,
    DeadLetterStatus, DeadLetters, DroppedLetters, GroupBy, LetterAtTarget, LetterName, LetterNameError,
    Letters, RetriedLetters,
};
pub use error::{OpsError, UnknownTarget};
pub use item::{ItemAtTarget, ItemInBatch, ItemState, ItemStatus, Items, Wait, WaitingAtTarget};
pub use job::{
    CancelledDelivery, CancelledJob, HeldTarget, JobList, JobQuery, JobStatus, Jobs, WaitingItem,
    total_counts,
};
pub use ops::{Ops, find_target};
pub use target::{
    PauseReason, PauseReasonError, PauseSpan, PauseSpanError, PausedTarget, QuotaForecast, QuotaStatus,
    ResumedTarget, TargetList, TargetStatus, TargetSummary, Targets,
};
pub use watch::{TargetState, Watch, scarcest_quota, tightest_rate};
pub use workers::{Workers, WorkersStatus};
