//! Requests, answers and codes, as seed 003 has them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One of the provider's codes, with its words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Code {
    pub(super) number: u32,
    pub(super) text: &'static str,
    pub(super) name: &'static str,
}

/// `POST /v2/tune/refresh` and `/v2/tune/prefetch`. Other fields (`product`) are let pass.
#[derive(Debug, Deserialize)]
pub(super) struct Submission {
    pub(super) urls: Option<Vec<String>>,
    pub(super) dirs: Option<Vec<String>>,
}

/// `POST /v2/tune/refresh/list`. What is empty or zero counts as absent.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct ListQuery {
    pub(super) request_id: Option<String>,
    pub(super) is_dir: Option<String>,
    pub(super) urls: Option<OneOrMany>,
    pub(super) state: Option<String>,
    pub(super) page_no: Option<u64>,
    pub(super) page_size: Option<u64>,
    pub(super) start_time: Option<String>,
    pub(super) end_time: Option<String>,
}

/// The list's `urls`: an array in the seed's syntax, a string in its table.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RefreshAnswer {
    pub(super) code: u32,
    pub(super) error: &'static str,
    pub(super) request_id: String,
    pub(super) invalid_urls: Option<Vec<String>>,
    pub(super) invalid_dirs: Option<Vec<String>>,
    pub(super) url_quota_day: u64,
    pub(super) url_surplus_day: u64,
    pub(super) dir_quota_day: u64,
    pub(super) dir_surplus_day: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) task_ids: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PrefetchAnswer {
    pub(super) code: u32,
    pub(super) error: &'static str,
    pub(super) request_id: String,
    pub(super) invalid_urls: Option<Vec<String>>,
    pub(super) quota_day: u64,
    pub(super) surplus_day: u64,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ListAnswer {
    pub(super) code: u32,
    pub(super) error: &'static str,
    pub(super) total: u64,
    pub(super) page_no: u64,
    pub(super) page_size: u64,
    pub(super) current_size: u64,
    pub(super) items: Vec<ListItem>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ListItem {
    pub(super) uid: Uid,
    pub(super) request_id: String,
    pub(super) url: String,
    pub(super) state: &'static str,
    pub(super) state_detail: String,
    pub(super) create_at: String,
    pub(super) begin_at: String,
    pub(super) end_at: String,
}

/// A string in the seed's table, a number in its example.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Uid {
    Number(u64),
    Text(String),
}

#[derive(Debug, Serialize)]
pub(super) struct ErrorAnswer {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) code: Option<u32>,
    pub(super) error: &'static str,
}

// === impl Code ===

macro_rules! codes {
    ($($ident:ident = $number:literal $name:literal $text:literal;)*) => {
        impl Code {
            $(pub(super) const $ident: Self = Self { number: $number, text: $text, name: $name };)*

            pub(super) const ALL: &'static [Self] = &[$(Self::$ident),*];

            pub(super) const NAMES: &'static [&'static str] = &[$($name),*];
        }
    };
}

// 400033, 400035, 401001 and 401002 are from developer.qiniu.com/fusion/13361 and 13367, the rest
// from seed 003. 401 is what gateways answer without a code in the body.
codes! {
    INVALID_INPUT = 400_000 "400000" "invalid input";
    INVALID_URL = 400_031 "400031" "invalid url";
    INVALID_HOST = 400_032 "400032" "invalid host";
    PREFETCH_QUOTA = 400_033 "400033" "prefetch url limit error";
    URL_QUOTA = 400_034 "400034" "refresh url limit error";
    DIR_QUOTA = 400_035 "400035" "refresh dir limit error";
    INVALID_REQUEST_ID = 400_036 "400036" "invalid request id";
    EXISTING = 400_037 "400037" "url has existed";
    DIR_PERMISSION = 400_038 "400038" "refresh dir authority error";
    UNAUTHORISED = 401 "401" "bad token";
    BAD_SIGNATURE = 401_001 "401001" "signature not match";
    BAD_AUTH_HEADER = 401_002 "401002" "invalid authorization header";
    SERVER_RATE = 403_022 "403022" "server QPS Rate limited";
    USER_RATE = 403_024 "403024" "single user QPS Rate limited";
    NOT_FOUND = 404 "404" "not found";
    BAD_METHOD = 405 "405" "method not allowed";
    INTERNAL = 500_000 "500000" "internal error";
    QUERY_DATA = 500_005 "500005" "query data error";
}

impl Code {
    pub(super) const SUCCESS: Self = Self { number: 200, text: "success", name: "200" };

    pub(super) fn by_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.name == name)
    }

    /// The HTTP status that begins the code.
    pub(super) fn http_status(self) -> u16 {
        let digits = if self.number >= 1_000 { self.number / 1_000 } else { self.number };
        u16::try_from(digits).unwrap_or(500)
    }
}

// === impl ListQuery ===

impl OneOrMany {
    pub(super) fn into_vec(self) -> Vec<String> {
        match self {
            Self::One(one) => vec![one],
            Self::Many(many) => many,
        }
    }
}
