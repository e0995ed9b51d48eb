//! What every front end says alike: times, spans and holds, for people.

mod hold;
mod time;

pub use hold::HoldText;
pub use time::{Span, Time};
