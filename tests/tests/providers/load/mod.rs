//! Tests that load the machine, or measure it, and so run alone.

mod isolation;
mod volume;
