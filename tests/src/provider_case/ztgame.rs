use super::{
    Bad, BadWay, But, CodeRow, ProviderCase, Volume,
    Way::{Fate, Never, Refuse, Status},
    itself, silence,
};
use crate::HttpReply;
use purgeline_core::Kind;
use purgeline_sim::CallKind;
use serde_json::json;

pub const ZTGAME: ProviderCase = ProviderCase {
    name: "ztgame",
    registry_name: "ztgame",
    sim: "ztgame",
    account: || json!({ "processing_ms": 50 }),
    settings: |base_url| {
        json!({
            "username": "sim-user",
            "password": "sim-password",
            "base_url": base_url,
        })
    },
    all_settings: |address| {
        json!({
            "username": "sim-user", "password": "sim-password", "base_url": address,
            "polls": {"first_ms": 1},
        })
    },
    needed: &["username", "password"],
    secret: "sim-password",
    refusals: |code| {
        let words = code.code.replace('-', " ");
        let error = |status, words: &str| vec![HttpReply::json(status, &json!({ "error": words }))];
        match code.code {
            "Unauthorized" => vec![HttpReply::status(401).saying("Unauthorized")],
            "Could-not-find-token" | "can-not-found-sp" | "task-id-can-not-found" => error(404, &words),
            "not-yours" => error(403, "www.example.com is not yours or not ready"),
            "downstream-400" | "downstream-403" | "downstream-500" => {
                let status = code.code.strip_prefix("downstream-").unwrap().parse().unwrap();
                vec![HttpReply::json(status, &json!({"error": "purge failed", "successRate": 50.0}))]
            }
            "ret-1" => {
                let answer = json!({"msg": "failed", "reqId": "", "ret": 1, "success_rate": 0.0});
                vec![HttpReply::json(200, &json!({ "zt_api": answer }))]
            }
            "success-rate" => {
                let answer = json!({"msg": "OK", "reqId": "fa97b5d1", "ret": 0, "success_rate": 50.0});
                vec![HttpReply::json(200, &json!({ "zt_api": answer })), HttpReply::json(200, &answer)]
            }
            // Of a task, never of a call.
            "failure" | "error" | "delete" => Vec::new(),
            _ => error(400, &words),
        }
    },
    nonsense: || {
        let own = [
            HttpReply::status(200).saying(r#"{"zt_api":{"reqId":"fa97"#),
            HttpReply::json(200, &json!({})),
            HttpReply::json(200, &json!({"zt_api": {"ret": 0, "msg": "OK", "success_rate": 100.0}})),
            HttpReply::json(200, &json!({"reqId": "fa97b5d1", "ret": "good"})),
        ];
        silence().into_iter().chain(own).collect()
    },
    receipt: "fa97b5d1-929f-11e5-b504-e03f4978b2ff",
    purges: CallKind::Purge,
    plays: itself,
    rows: ROWS,
    unused: &[],
    volume: Some(Volume {
        account: || json!({ "processing_ms": 60_000 }),
        shortened: 1,
        dirs: 400,
        hosts: &["www", "img", "static"],
        bad: &[
            Bad { count: 3, kind: Kind::Url, way: BadWay::Unnamed, code: "downstream-400" },
            Bad { count: 3, kind: Kind::Url, way: BadWay::FailsUnnamed("failure"), code: "failure" },
            Bad { count: 1, kind: Kind::Dir, way: BadWay::FailsUnnamed("error"), code: "error" },
        ],
        slow_ms: None,
    }),
};

const ROWS: &[CodeRow] = &[
    CodeRow::new("Unauthorized", &[Refuse("Unauthorized")], &[Refuse("Unauthorized")]).but(But::Renewed),
    CodeRow::new("invalid-token", &[Refuse("invalid token")], &[Refuse("invalid token")]).but(But::Renewed),
    CodeRow::new(
        "Could-not-find-token",
        &[Refuse("Could not find token")],
        &[Refuse("Could not find token")],
    )
    .but(But::Renewed),
    CodeRow::new(
        "A-single-host-name-can-only-be-submitted-at-a-time",
        &[Refuse("A single host name can only be submitted at a time")],
        &[Refuse("A single host name can only be submitted at a time")],
    ),
    CodeRow::new("not-yours", &[Refuse("not yours")], &[Refuse("not yours")]),
    CodeRow::new("can-not-found-sp", &[Refuse("can not found sp")], &[Refuse("can not found sp")]),
    CodeRow::new("downstream-400", &[Refuse("downstream 400")], &[Refuse("downstream 400")]),
    CodeRow::new("downstream-403", &[Refuse("downstream 403")], &[Refuse("downstream 403")]),
    CodeRow::new("downstream-500", &[Refuse("downstream 500")], &[Refuse("downstream 500")]),
    CodeRow::new("ret-1", &[Refuse("ret 1")], &[Never("of a purge")]),
    CodeRow::new(
        "success-rate",
        &[
            Status(200, r#"{"zt_api":{"msg":"OK","reqId":"a","ret":0,"success_rate":50.0}}"#),
            Status(200, r#"{"reqId":"a","successRate":50.0}"#),
        ],
        &[Never("of a purge")],
    ),
    CodeRow::new("failure", &[Never("a task's end")], &[Fate("failure")]),
    CodeRow::new("error", &[Never("a task's end")], &[Fate("error")]),
    CodeRow::new("delete", &[Never("a task's end")], &[Fate("delete")]),
    CodeRow::new("task-id-can-not-found", &[Never("of a question")], &[Refuse("task id can not found")])
        .but(But::SentAgain),
];
