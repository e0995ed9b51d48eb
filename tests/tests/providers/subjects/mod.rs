//! What these tests know of each provider.

mod foresight;
mod http;
mod huawei;
mod qiniu;
mod wangsu;
mod ztgame;

pub(crate) use foresight::FORESIGHT;
pub(crate) use http::HTTP;
pub(crate) use huawei::{HUAWEI, HUAWEI_LEGACY};
pub(crate) use qiniu::QINIU;
pub(crate) use wangsu::{WANGSU, WANGSU_AK_SK};
pub(crate) use ztgame::ZTGAME;

use purgeline_sim::FaultRule;
use serde_json::{Value, json};

/// A limit over time that is lifted.
fn lifted() -> Value {
    json!({ "calls": null, "items": null, "window_ms": 1_000 })
}

/// The simulator is the provider's own.
fn itself() -> Vec<FaultRule> {
    Vec::new()
}
