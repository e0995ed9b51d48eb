//! The providers against servers: simulators, real caches, and servers that answer as told.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a helper of a test stops the test where it stands"
)]

mod conformance;
mod foresight;
mod http_nodes;
mod huawei;
mod qiniu;
mod support;
mod varnish;
mod wangsu;
mod ztgame;
