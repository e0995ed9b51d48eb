//! One file a provider.

mod foresight;
mod http;
mod huawei;
mod qiniu;
mod wangsu;
mod ztgame;

use super::subject::Subject;

/// In the order of the registry.
pub(super) const SUBJECTS: &[Subject] =
    &[foresight::FORESIGHT, http::HTTP, huawei::HUAWEI, qiniu::QINIU, wangsu::WANGSU, ztgame::ZTGAME];
