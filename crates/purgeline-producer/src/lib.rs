#![doc = include_str!("../README.md")]

mod error;
mod items;
mod plan;
mod producer;
mod timing;

pub use error::{Refusal, SubmitError};
pub use producer::{Accept, Producer, Submitted, TargetShare};
