use super::{
    Bad, BadWay, But, CodeRow, Items, ProviderCase, Volume,
    Way::{Never, Refuse, Status},
    itself, lifted, silence,
};
use crate::HttpReply;
use purgeline_core::Kind;
use purgeline_sim::CallKind;
use serde_json::json;

pub const QINIU: ProviderCase = ProviderCase {
    name: "qiniu",
    registry_name: "qiniu",
    sim: "qiniu",
    account: || {
        json!({
            "rate": lifted(),
            "url_quota_day": 1_000_000,
            "dir_quota_day": 1_000_000,
            "dir_permission": true,
            "processing_ms": 50,
        })
    },
    settings: |base_url| {
        json!({
            "access_key": "sim-access-key",
            "secret_key": "sim-secret-key",
            "base_url": base_url,
        })
    },
    all_settings: |address| {
        json!({
            "access_key": "sim-access-key", "secret_key": "sim-secret-key", "base_url": address,
            "product": "dcdn", "polls": {"first_ms": 1},
        })
    },
    needed: &["access_key", "secret_key"],
    secret: "sim-secret-key",
    refusals: |code| match code.code.parse::<u32>().unwrap() {
        status @ ..1_000 => {
            let status = u16::try_from(status).unwrap();
            vec![HttpReply::status(status), HttpReply::json(status, &json!({"error": "the words"}))]
        }
        number => {
            let body = json!({"code": number, "error": "the words", "requestId": "", "items": null});
            let status = u16::try_from(number / 1_000).unwrap();
            vec![HttpReply::json(200, &body), HttpReply::json(status, &body)]
        }
    },
    nonsense: || {
        let own = [
            HttpReply::status(200).saying(r#"{"code":200,"requestId":"57edce1a"#),
            HttpReply::json(200, &json!({})),
            HttpReply::json(200, &json!({"code": "good"})),
        ];
        silence().into_iter().chain(own).collect()
    },
    receipt: "57edce1a23232391821e303b",
    purges: CallKind::Purge,
    plays: itself,
    rows: ROWS,
    unused: &[("400033", "of prefetches, which purgeline does not send")],
    volume: Some(Volume {
        account: || {
            json!({
                // The documents leave these open, and the figures known are of small accounts.
                "url_quota_day": 10_000,
                "dir_quota_day": 1_000,
                "dir_permission": true,
                // Items that are refused are named, and the others taken.
                "bad_items": "partial",
                "hosts": ["www.example.com"],
                "processing_ms": 120_000,
            })
        },
        shortened: 1,
        dirs: 400,
        hosts: &["www"],
        bad: &[
            Bad { count: 30, kind: Kind::Url, way: BadWay::Foreign, code: "invalid" },
            Bad { count: 30, kind: Kind::Url, way: BadWay::Fails("no route to"), code: "failure" },
            Bad { count: 10, kind: Kind::Dir, way: BadWay::Fails("nothing at"), code: "failure" },
        ],
        slow_ms: None,
    }),
};

/// A list call says that it does not know the request: that is all it can say of a purge.
const ROWS: &[CodeRow] = &[
    CodeRow::new("400", &[Status(400, "bad request")], &[Status(400, "bad request")]),
    CodeRow::new(
        "401",
        &[Refuse("401"), Status(401, r#"{"code":401,"error":"bad token"}"#)],
        &[Refuse("401"), Status(401, r#"{"code":401,"error":"bad token"}"#)],
    ),
    CodeRow::new("403", &[Status(403, "forbidden")], &[Status(403, "forbidden")]),
    CodeRow::new("404", &[Refuse("404")], &[Refuse("404")]),
    CodeRow::new("405", &[Refuse("405")], &[Refuse("405")]),
    CodeRow::new("429", &[Status(429, "too many requests")], &[Status(429, "too many requests")]),
    CodeRow::new("500", &[Status(500, "server error")], &[Status(500, "server error")]),
    CodeRow::new("503", &[Status(503, "unavailable")], &[Status(503, "unavailable")]),
    CodeRow::new("400000", &[Refuse("400000")], &[Refuse("400000")]),
    CodeRow::new("400031", &[Refuse("400031")], &[Refuse("400031")]),
    CodeRow::new("400032", &[Refuse("400032")], &[Refuse("400032")]),
    CodeRow::new("400034", &[Refuse("400034")], &[Refuse("400034")]).of(Items::Urls),
    CodeRow::new("400035", &[Refuse("400035")], &[Refuse("400035")]).of(Items::Dirs),
    CodeRow::new("400036", &[Refuse("400036")], &[Refuse("400036")]).but(But::SentAgain),
    CodeRow::new("400037", &[Refuse("400037")], &[Refuse("400037")]).but(But::UnderWay),
    CodeRow::new("400038", &[Refuse("400038")], &[Never("of a purge with dirs")]).of(Items::OneDir),
    CodeRow::new("401001", &[Refuse("401001")], &[Refuse("401001")]),
    CodeRow::new("401002", &[Refuse("401002")], &[Refuse("401002")]),
    CodeRow::new("403022", &[Refuse("403022")], &[Refuse("403022")]),
    CodeRow::new("403024", &[Refuse("403024")], &[Refuse("403024")]),
    CodeRow::new("500000", &[Refuse("500000")], &[Refuse("500000")]),
    CodeRow::new("500005", &[Refuse("500005")], &[Refuse("500005")]),
];
