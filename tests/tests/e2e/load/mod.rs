//! Tests that load the machine, and so run alone.

mod big_job;
mod hot_url;
mod limits;
