use super::{
    Bad, BadWay, But, CodeRow, Items, ProviderCase, Volume,
    Way::{Account, Fate, Never, Refuse},
    itself, lifted, silence,
};
use crate::HttpReply;
use purgeline_core::Kind;
use purgeline_sim::CallKind;
use serde_json::{Value, json};

/// Today's API, by AK/SK.
pub const HUAWEI: ProviderCase = ProviderCase {
    name: "huawei",
    registry_name: "huawei",
    sim: "huawei",
    account,
    settings: |base_url| {
        json!({
            "access_key": "sim-access-key",
            "secret_key": "sim-secret-key",
            "base_url": base_url,
        })
    },
    all_settings: |address| {
        json!({
            "api": "current", "access_key": "sim-access-key", "secret_key": "sim-secret-key",
            "base_url": address, "domain_id": "sim-domain", "enterprise_project_id": "0", "mode": "all",
            "chinese_urls": "encoded", "polls": {"first_ms": 1},
        })
    },
    needed: &["access_key", "secret_key"],
    secret: "sim-secret-key",
    refusals: |code| {
        let status = match code.code {
            "CDN.0000" => 500,
            "CDN.0001" => 400,
            "CDN.0002" | "APIGW.0301" | "APIGW.0303" | "APIGW.0307" => 401,
            "CDN.0004" | "CDN.0020" | "CDN.0021" => 403,
            "CDN.0003" | "APIGW.0101" => 404,
            "APIGW.0308" => 429,
            "APIGW.0201" => 504,
            // Of a URL of a task, never of a call.
            "ORIGIN_ERROR" | "INNER_ERROR" | "UNKNOWN_ERROR" => return Vec::new(),
            _ => 200,
        };
        [("error_code", "error_msg"), ("errorCode", "errorMsg"), ("code", "message")]
            .into_iter()
            .map(|(name, words)| json!({ name: code.code, words: "the words" }))
            .flat_map(|error| [json!({ "error": error }), error])
            .map(|body| HttpReply::json(status, &body))
            .collect()
    },
    nonsense: || {
        let own = [
            HttpReply::status(200).saying(r#"{"refresh_task":"762"#),
            HttpReply::json(200, &json!({})),
            HttpReply::json(200, &json!({"refresh_task": "", "error": null})),
            HttpReply::json(200, &json!({"refreshTask": {"status": "task_inprocess"}})),
        ];
        silence().into_iter().chain(own).collect()
    },
    receipt: "7620242",
    purges: CallKind::Purge,
    plays: itself,
    rows: ROWS,
    unused: &[],
    volume: Some(Volume {
        account: || {
            json!({
                // The documents leave these open; the account has more than a day's work.
                "url_quota_day": 5_000,
                "dir_quota_day": 1_000,
                "processing_ms": 120_000,
            })
        },
        shortened: 1,
        dirs: 400,
        hosts: &["www", "img"],
        bad: &[
            Bad { count: 2, kind: Kind::Url, way: BadWay::Unnamed, code: "CDN.0001" },
            Bad { count: 1, kind: Kind::Dir, way: BadWay::Unnamed, code: "CDN.0001" },
            Bad {
                count: 30,
                kind: Kind::Url,
                way: BadWay::Fails("ORIGIN_ERROR no route to"),
                code: "ORIGIN_ERROR",
            },
            Bad { count: 10, kind: Kind::Dir, way: BadWay::Fails("INNER_ERROR at"), code: "INNER_ERROR" },
        ],
        slow_ms: None,
    }),
};

/// The API of the seed, by a token of IAM, for a user who must name the project.
pub const HUAWEI_LEGACY: ProviderCase = ProviderCase {
    name: "huawei, legacy API, IAM",
    account: || {
        let mut account = account();
        account["sub_user"] = json!(true);
        account["error_shape"] = json!("flat");
        account
    },
    settings: |base_url| {
        json!({
            "api": "legacy",
            "iam": {
                "user": "sim-user",
                "password": "sim-password",
                "domain": "sim-domain",
                "base_url": base_url,
            },
            "enterprise_project_id": "0",
            "base_url": base_url,
        })
    },
    rows: ROWS_WITH_TOKEN,
    ..HUAWEI
};

fn account() -> Value {
    json!({
        "rate": lifted(),
        "query_rate": lifted(),
        "url_quota_day": 1_000_000,
        "dir_quota_day": 1_000_000,
        "processing_ms": 50,
        "wait_ms": 10,
    })
}

const ROWS: &[CodeRow] = &rows(But::Nothing);
const ROWS_WITH_TOKEN: &[CodeRow] = &rows(But::Renewed);

/// `refused` is what a refusal of the credentials does before anything is held.
const fn rows(refused: But) -> [CodeRow; 27] {
    [
        CodeRow::new("CDN.0000", &[Refuse("CDN.0000")], &[Refuse("CDN.0000")]),
        CodeRow::new("CDN.0001", &[Refuse("CDN.0001")], &[Refuse("CDN.0001")]),
        CodeRow::new("CDN.0002", &[Refuse("CDN.0002")], &[Refuse("CDN.0002")]).but(refused),
        CodeRow::new("CDN.0003", &[Refuse("CDN.0003")], &[Refuse("CDN.0003")]).but(But::SentAgain),
        CodeRow::new("CDN.0004", &[Refuse("CDN.0004")], &[Refuse("CDN.0004")]),
        CodeRow::new("CDN.0005", &[Refuse("CDN.0005")], &[Refuse("CDN.0005")]),
        CodeRow::new("CDN.0020", &[Refuse("CDN.0020")], &[Refuse("CDN.0020")]),
        CodeRow::new("CDN.0021", &[Refuse("CDN.0021")], &[Refuse("CDN.0021")]),
        CodeRow::new("CDN.0105", &[Refuse("CDN.0105")], &[Refuse("CDN.0105")]),
        CodeRow::new("CDN.0106", &[Refuse("CDN.0106")], &[Refuse("CDN.0106")]),
        CodeRow::new("CDN.0108", &[Account(r#"{"hosts": ["www.example.com"]}"#)], &[Refuse("CDN.0108")]),
        CodeRow::new("CDN.0110", &[Account(r#"{"url_quota_day": 4}"#)], &[Refuse("CDN.0110")])
            .of(Items::Urls),
        CodeRow::new("CDN.0114", &[Refuse("CDN.0114")], &[Refuse("CDN.0114")]),
        CodeRow::new(
            "CDN.0115",
            &[Account(r#"{"host_codes": {"bad.example.com": "CDN.0115"}}"#), Refuse("CDN.0115")],
            &[Refuse("CDN.0115")],
        ),
        CodeRow::new("CDN.0116", &[Refuse("CDN.0116")], &[Refuse("CDN.0116")]),
        CodeRow::new("CDN.0127", &[Refuse("CDN.0127")], &[Refuse("CDN.0127")]),
        CodeRow::new("CDN.0145", &[Refuse("CDN.0145")], &[Refuse("CDN.0145")]),
        CodeRow::new("CDN.0201", &[Refuse("CDN.0201")], &[Refuse("CDN.0201")]),
        CodeRow::new("APIGW.0101", &[Refuse("APIGW.0101")], &[Refuse("APIGW.0101")]),
        CodeRow::new("APIGW.0201", &[Refuse("APIGW.0201")], &[Refuse("APIGW.0201")]),
        CodeRow::new("APIGW.0301", &[Refuse("APIGW.0301")], &[Refuse("APIGW.0301")]).but(refused),
        CodeRow::new("APIGW.0303", &[Refuse("APIGW.0303")], &[Refuse("APIGW.0303")]).but(refused),
        CodeRow::new("APIGW.0307", &[Refuse("APIGW.0307")], &[Refuse("APIGW.0307")]).but(refused),
        CodeRow::new("APIGW.0308", &[Refuse("APIGW.0308")], &[Refuse("APIGW.0308")]),
        CodeRow::new("ORIGIN_ERROR", &[Never("a task's end")], &[Fate("ORIGIN_ERROR status 404")]),
        CodeRow::new("INNER_ERROR", &[Never("a task's end")], &[Fate("INNER_ERROR")]),
        CodeRow::new("UNKNOWN_ERROR", &[Never("a task's end")], &[Fate("")]),
    ]
}
