use super::itself;
use crate::{
    subject::{
        But, Row, Subject,
        Way::{Fate, Never, Refuse, Status},
    },
    volume::{Bad, BadWay, Volume},
};
use purgeline_core::Kind;
use purgeline_sim::CallKind;
use serde_json::json;

pub(crate) const ZTGAME: Subject = Subject {
    name: "ztgame",
    provider: "ztgame",
    sim: "ztgame",
    account: || json!({ "processing_ms": 50 }),
    settings: |base_url| {
        json!({
            "username": "sim-user",
            "password": "sim-password",
            "base_url": base_url,
        })
    },
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

const ROWS: &[Row] = &[
    Row::new("Unauthorized", &[Refuse("Unauthorized")], &[Refuse("Unauthorized")]).but(But::Renewed),
    Row::new("invalid-token", &[Refuse("invalid token")], &[Refuse("invalid token")]).but(But::Renewed),
    Row::new("Could-not-find-token", &[Refuse("Could not find token")], &[Refuse("Could not find token")])
        .but(But::Renewed),
    Row::new(
        "A-single-host-name-can-only-be-submitted-at-a-time",
        &[Refuse("A single host name can only be submitted at a time")],
        &[Refuse("A single host name can only be submitted at a time")],
    ),
    Row::new("not-yours", &[Refuse("not yours")], &[Refuse("not yours")]),
    Row::new("can-not-found-sp", &[Refuse("can not found sp")], &[Refuse("can not found sp")]),
    Row::new("downstream-400", &[Refuse("downstream 400")], &[Refuse("downstream 400")]),
    Row::new("downstream-403", &[Refuse("downstream 403")], &[Refuse("downstream 403")]),
    Row::new("downstream-500", &[Refuse("downstream 500")], &[Refuse("downstream 500")]),
    Row::new("ret-1", &[Refuse("ret 1")], &[Never("of a purge")]),
    Row::new(
        "success-rate",
        &[
            Status(200, r#"{"zt_api":{"msg":"OK","reqId":"a","ret":0,"success_rate":50.0}}"#),
            Status(200, r#"{"reqId":"a","successRate":50.0}"#),
        ],
        &[Never("of a purge")],
    ),
    Row::new("failure", &[Never("a task's end")], &[Fate("failure")]),
    Row::new("error", &[Never("a task's end")], &[Fate("error")]),
    Row::new("delete", &[Never("a task's end")], &[Fate("delete")]),
    Row::new("task-id-can-not-found", &[Never("of a question")], &[Refuse("task id can not found")])
        .but(But::SentAgain),
];
