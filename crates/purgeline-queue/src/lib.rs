//! (to come)
pub mod server;
