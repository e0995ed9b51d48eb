//! The way to Redis, for all rooms: where it is, the connection, the keys, the scripts.

pub(crate) mod connection;
pub(crate) mod inspection;
pub(crate) mod keys;
pub(crate) mod library;
pub(crate) mod ordered;
pub(crate) mod replication;
pub(crate) mod scan;
pub(crate) mod scripts;
pub(crate) mod store;
pub(crate) mod topology;
