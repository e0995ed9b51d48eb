//! What is special about each provider's client, against simulators, real caches, and servers that answer
//! as the test says.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a helper of a test stops the test where it stands"
)]

mod foresight;
mod http_nodes;
mod huawei;
mod qiniu;
mod varnish;
mod wangsu;
mod ztgame;
