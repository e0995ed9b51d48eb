//! The proof that nothing is lost and everything is counted once, on a keyspace as it stands.

mod batches;
mod coverage;
pub(crate) mod damage;
mod embargoed;
mod jobs;
mod keyspace;
mod lists;
mod parts;
mod pending;
mod read;
mod run;
pub(crate) mod violation;
mod walk;
