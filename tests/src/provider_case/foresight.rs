use super::{
    Bad, BadWay, But, CodeRow, ProviderCase, Volume,
    Way::{Fate, Refuse, Status},
    itself, silence,
};
use crate::HttpReply;
use purgeline_core::Kind;
use purgeline_sim::CallKind;
use serde_json::json;

pub const FORESIGHT: ProviderCase = ProviderCase {
    name: "foresight",
    registry_name: "foresight",
    sim: "foresight",
    account: || json!({ "processing_ms": 50 }),
    settings: |base_url| json!({ "token": "sim-token", "base_url": base_url }),
    all_settings: |address| {
        json!({
            "base_url": address, "token": "sim-token", "token_prefix": "Bearer", "verify_listing": false,
            "polls": {"first_ms": 1},
        })
    },
    needed: &["base_url", "token"],
    secret: "sim-token",
    refusals: |code| match code.code.strip_prefix("http-") {
        Some(status) => {
            let status = status.parse().unwrap();
            vec![HttpReply::status(status), HttpReply::json(status, &json!({"detail": "the words"}))]
        }
        None => {
            let body = json!({"task_id": "5b1c2f0e", "task_state": code.code});
            vec![HttpReply::json(200, &body), HttpReply::json(202, &body)]
        }
    },
    nonsense: || {
        let own = [
            HttpReply::status(200).saying(r#"{"task_id":"5b1c2f0e","task_state":"SUCC"#),
            HttpReply::json(200, &json!({})),
            HttpReply::json(200, &json!({"task_id": "5b1c2f0e"})),
            HttpReply::json(200, &json!({"task_id": "5b1c2f0e", "task_state": 1})),
        ];
        silence().into_iter().chain(own).collect()
    },
    receipt: r#"{"task":"5b1c2f0e"}"#,
    purges: CallKind::Purge,
    plays: itself,
    rows: ROWS,
    unused: &[],
    volume: Some(Volume {
        account: || json!({ "resources": ["www"], "processing_ms": 0 }),
        // The worker spaces calls by up to 25 ms of its own time, which cannot be turned: 3,000
        // calls would take 75 s.
        shortened: 40,
        dirs: 0,
        hosts: &["www"],
        bad: &[
            Bad { count: 30, kind: Kind::Resource, way: BadWay::Foreign, code: "http-404" },
            Bad { count: 15, kind: Kind::Resource, way: BadWay::FailsAs("FAILURE"), code: "FAILURE" },
            Bad { count: 15, kind: Kind::Resource, way: BadWay::FailsAs("REVOKED"), code: "REVOKED" },
        ],
        slow_ms: Some(5_000),
    }),
};

const ROWS: &[CodeRow] = &[
    CodeRow::new("FAILURE", &[Fate("")], &[Fate("")]),
    CodeRow::new("REVOKED", &[Fate("REVOKED")], &[Fate("REVOKED")]),
    CodeRow::new("http-400", &[Refuse("parse_error"), Refuse("required")], &[Refuse("task_id")]),
    CodeRow::new(
        "http-401",
        &[Refuse("not_authenticated"), Refuse("authentication_failed")],
        &[Refuse("not_authenticated"), Refuse("authentication_failed")],
    ),
    CodeRow::new("http-403", &[Refuse("permission_denied")], &[Refuse("permission_denied")]),
    CodeRow::new("http-404", &[Refuse("not_found")], &[Refuse("not_found")]).but(But::SentAgain),
    CodeRow::new("http-405", &[Refuse("method_not_allowed")], &[Refuse("method_not_allowed")]),
    CodeRow::new("http-415", &[Refuse("unsupported_media_type")], &[Refuse("unsupported_media_type")]),
    CodeRow::new("http-429", &[Refuse("throttled")], &[Refuse("throttled")]),
    CodeRow::new("http-500", &[Refuse("error")], &[Refuse("error")]),
    CodeRow::new("http-502", &[Status(502, "")], &[Status(502, "")]),
    CodeRow::new("http-503", &[Status(503, "")], &[Status(503, "")]),
    CodeRow::new("http-504", &[Status(504, "")], &[Status(504, "")]),
];
