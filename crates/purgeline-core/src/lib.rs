#![doc = include_str!("../README.md")]

mod action;
mod clock;
pub mod config;
mod cover;
mod host;
mod item;
mod job;
mod lane;
mod limits;
mod normalize;
mod outcome;
mod priority;
mod provider;
mod quota;
mod target;
mod when;

pub use action::Action;
pub use clock::{Clock, ManualClock, SystemClock};
pub use cover::{ancestors, covers};
pub use host::{HostPattern, HostPatternError};
pub use item::{Item, ItemError, Kind, Resource};
pub use job::{
    JobId, JobIdError, JobOptions, JobRequest, JobState, MAX_AHEAD_MS, MAX_MAX_WAIT_MS, MAX_QUIET_MS,
    MAX_WAIT_TIMES, PartCounts,
};
pub use lane::Lane;
pub use limits::{CallLimits, LimitError, Limits, PollSchedule, Rate, RateUnit};
pub use normalize::{MAX_URL_BYTES, UrlError, normalize_url};
pub use outcome::{Cause, Class, Outcome, PollAnswer, PollReport, Receipt, Signal, Submission, Verdict};
pub use priority::Priority;
pub use provider::{Code, Descriptor, ItemRules};
pub use quota::{Quota, QuotaDay};
pub use target::{Target, TargetName, TargetNameError};
pub use when::{DurationError, When, WhenError, duration_ms};
