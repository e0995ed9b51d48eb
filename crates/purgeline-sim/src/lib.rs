#![doc = include_str!("../README.md")]

mod call;
mod clock;
mod control;
mod error;
mod faults;
pub mod foresight;
mod gate;
mod hosts;
pub mod huawei;
mod local_time;
mod log;
mod page;
mod provider;
pub mod qiniu;
mod record;
mod registry;
mod sim;
mod tasks;
pub mod wangsu;
mod windows;
pub mod ztgame;

pub use clock::{Clock, ManualClock, Moment, SystemClock};
pub use error::{PROVIDERS, StartError};
pub use faults::{Fault, FaultError, FaultPlan, FaultRule, Phase};
pub use gate::Gate;
pub use log::{Busiest, CallLog, Stats, WAIT_BOUND, WaitError};
pub use record::{CallKind, CallRecord, End, Item, ItemKind, ItemRecord, Outcome};
pub use registry::start;
pub use sim::{Options, Sim};
pub use tasks::{Ending, FateRule, Selector, TaskRecord};
pub use windows::Rate;
