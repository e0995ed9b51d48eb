use super::{
    Bad, BadWay, CodeRow, Items, ProviderCase, Volume,
    Way::{Account, Never, Refuse, Status},
    itself, lifted, silence,
};
use crate::HttpReply;
use purgeline_core::Kind;
use purgeline_sim::CallKind;
use serde_json::{Value, json};

/// By API key.
pub const WANGSU: ProviderCase = ProviderCase {
    name: "wangsu",
    registry_name: "wangsu",
    sim: "wangsu",
    account,
    settings: |base_url| {
        json!({
            "username": "sim-user",
            "api_key": "sim-api-key",
            "base_url": base_url,
        })
    },
    all_settings: |address| {
        json!({
            "access_key": "sim-access-key", "secret_key": "sim-secret-key", "base_url": address,
            "dir_delete_entitled": true, "page_size": 1_000, "polls": {"first_ms": 1},
        })
    },
    needed: &["access_key", "secret_key"],
    secret: "sim-secret-key",
    refusals: |code| {
        if let Ok(status) = code.code.parse() {
            let body = json!({"code": "the code", "message": "the words"});
            return vec![HttpReply::status(status), HttpReply::json(status, &body)];
        }
        let message = match code.code {
            "error-channel" => "error channel [www.example.com].".to_owned(),
            // Of dirs, which these calls have none of.
            "dir-number-reached-the-daily-limit-by-domain" => return Vec::new(),
            "running-url-or-dir" => "running url or dir [ ],please try again after one minute.".to_owned(),
            words => words.replace('-', " "),
        };
        let answer = |code: Value| HttpReply::json(200, &json!({"Code": code, "Message": message}));
        vec![answer(json!(0)), answer(json!("0"))]
    },
    nonsense: || {
        let own = [
            HttpReply::status(200).saying(r#"{"Code":1,"Message":"handle success","itemId":"64ec"#),
            HttpReply::json(200, &json!({})),
            HttpReply::json(200, &json!({"Code": null, "Message": "handle success"})),
        ];
        silence().into_iter().chain(own).collect()
    },
    receipt: r#"{"item_id":"64ec364dd81d4052a3534c1e86167950","from":1767225600,"to":1767225601}"#,
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
pub const WANGSU_AK_SK: ProviderCase = ProviderCase {
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

const ROWS: &[CodeRow] = &[
    CodeRow::new("username-is-invalid", &[Refuse("username is invalid")], &[Refuse("username is invalid")]),
    CodeRow::new(
        "urls-and-dirs-must-not-both-be-empty",
        &[Refuse("urls and dirs must not both be empty")],
        &[Refuse("urls and dirs must not both be empty")],
    ),
    CodeRow::new(
        "the-number-of-url-and-dir-out-of-limit",
        // Less than asked is left of the day, which the client asks about.
        &[Account(r#"{"url_quota_day": 4}"#)],
        &[Refuse("the number of url and dir out of limit")],
    )
    .of(Items::Urls),
    CodeRow::new(
        "user-not-allowed-push",
        &[Refuse("user not allowed push")],
        &[Refuse("user not allowed push")],
    ),
    CodeRow::new(
        "error-channel",
        &[Account(r#"{"hosts": ["www.example.com"]}"#)],
        &[Refuse("error channel")],
    ),
    CodeRow::new("system-exception", &[Refuse("system exception")], &[Refuse("system exception")]),
    CodeRow::new(
        "running-url-or-dir",
        &[Refuse("running url or dir")],
        &[Never("of an item that is sent again")],
    ),
    CodeRow::new("parse-json-error", &[Refuse("parse json error")], &[Refuse("parse json error")]),
    CodeRow::new("parse-xml-error", &[Refuse("parse xml error")], &[Refuse("parse xml error")]),
    CodeRow::new(
        "dir-number-reached-the-daily-limit-by-domain",
        &[Refuse("dir number reached the daily limit by domain")],
        &[Never("of a purge with dirs")],
    )
    .of(Items::Dirs),
    CodeRow::new("frequency", &[Refuse("frequency")], &[Refuse("frequency")]),
    CodeRow::new("401", &[Refuse("http 401")], &[Refuse("http 401")]),
    CodeRow::new("403", &[Status(403, "forbidden")], &[Status(403, "forbidden")]),
    CodeRow::new("429", &[Refuse("http 429")], &[Refuse("http 429")]),
];
