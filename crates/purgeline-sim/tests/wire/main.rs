//! The simulators over plain HTTP, without any client of purgeline's.
#![expect(clippy::unwrap_used, reason = "a helper of a test stops the test where it stands")]

mod common;
mod faults;
mod foresight;
mod huawei;
mod huawei_limits;
mod qiniu;
mod qiniu_limits;
mod qiniu_list;
mod registry;
mod wangsu;
mod wangsu_limits;
mod wangsu_query;
mod ztgame;
