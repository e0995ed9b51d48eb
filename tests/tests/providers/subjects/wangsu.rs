use super::{itself, lifted};
use crate::{
    subject::{
        Items, Row, Subject,
        Way::{Account, Never, Refuse, Status},
    },
    volume::{Bad, BadWay, Volume},
};
use purgeline_core::Kind;
use purgeline_sim::CallKind;
use serde_json::{Value, json};

/// By API key.
pub(crate) const WANGSU: Subject = Subject {
    name: "wangsu",
    provider: "wangsu",
    sim: "wangsu",
    account,
    settings: |base_url| {
        json!({
            "username": "sim-user",
            "api_key": "sim-api-key",
            "base_url": base_url,
        })
    },
    purges: CallKind::Purge,
    plays: itself,
    rows: ROWS,
    unused: &[],
    volume: Some(Volume {
        account: || json!({ "hosts": ["www.example.com"], "processing_ms": 120_000 }),
        shortened: 1,
        dirs: 400,
        hosts: &["www"],
        bad: &[
            Bad { count: 30, kind: Kind::Url, way: BadWay::Foreign, code: "error-channel" },
            Bad { count: 30, kind: Kind::Url, way: BadWay::FailsAs(""), code: "failure" },
            Bad { count: 10, kind: Kind::Dir, way: BadWay::FailsAs(""), code: "failure" },
        ],
        slow_ms: None,
    }),
};

/// By AK/SK, whose signatures are good for one call.
pub(crate) const WANGSU_AK_SK: Subject = Subject {
    name: "wangsu by AK/SK",
    settings: |base_url| {
        json!({
            "access_key": "sim-access-key",
            "secret_key": "sim-secret-key",
            "base_url": base_url,
        })
    },
    ..WANGSU
};

fn account() -> Value {
    json!({
        "rate": lifted(),
        "query_rate": lifted(),
        "url_quota_day": 1_000_000,
        "dir_quota_day": 1_000_000,
        "dir_quota_host_day": 1_000_000,
        "running_ms": null,
        "processing_ms": 50,
        "wait_ms": 10,
    })
}

const ROWS: &[Row] = &[
    Row::new("username-is-invalid", &[Refuse("username is invalid")], &[Refuse("username is invalid")]),
    Row::new(
        "urls-and-dirs-must-not-both-be-empty",
        &[Refuse("urls and dirs must not both be empty")],
        &[Refuse("urls and dirs must not both be empty")],
    ),
    Row::new(
        "the-number-of-url-and-dir-out-of-limit",
        // Less than asked is left of the day, which the client asks about.
        &[Account(r#"{"url_quota_day": 4}"#)],
        &[Refuse("the number of url and dir out of limit")],
    )
    .of(Items::Urls),
    Row::new("user-not-allowed-push", &[Refuse("user not allowed push")], &[Refuse("user not allowed push")]),
    Row::new("error-channel", &[Account(r#"{"hosts": ["www.example.com"]}"#)], &[Refuse("error channel")]),
    Row::new("system-exception", &[Refuse("system exception")], &[Refuse("system exception")]),
    Row::new(
        "running-url-or-dir",
        &[Refuse("running url or dir")],
        &[Never("of an item that is sent again")],
    ),
    Row::new("parse-json-error", &[Refuse("parse json error")], &[Refuse("parse json error")]),
    Row::new("parse-xml-error", &[Refuse("parse xml error")], &[Refuse("parse xml error")]),
    Row::new(
        "dir-number-reached-the-daily-limit-by-domain",
        &[Refuse("dir number reached the daily limit by domain")],
        &[Never("of a purge with dirs")],
    )
    .of(Items::Dirs),
    Row::new("frequency", &[Refuse("frequency")], &[Refuse("frequency")]),
    Row::new("401", &[Refuse("http 401")], &[Refuse("http 401")]),
    Row::new("403", &[Status(403, "forbidden")], &[Status(403, "forbidden")]),
    Row::new("429", &[Refuse("http 429")], &[Refuse("http 429")]),
];
