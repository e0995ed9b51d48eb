use super::itself;
use crate::{
    subject::{
        But, Row, Subject,
        Way::{Fate, Refuse, Status},
    },
    volume::{Bad, BadWay, Volume},
};
use purgeline_core::Kind;
use purgeline_sim::CallKind;
use serde_json::json;

pub(crate) const FORESIGHT: Subject = Subject {
    name: "foresight",
    provider: "foresight",
    sim: "foresight",
    account: || json!({ "processing_ms": 50 }),
    settings: |base_url| json!({ "token": "sim-token", "base_url": base_url }),
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

const ROWS: &[Row] = &[
    Row::new("FAILURE", &[Fate("")], &[Fate("")]),
    Row::new("REVOKED", &[Fate("REVOKED")], &[Fate("REVOKED")]),
    Row::new("http-400", &[Refuse("parse_error"), Refuse("required")], &[Refuse("task_id")]),
    Row::new(
        "http-401",
        &[Refuse("not_authenticated"), Refuse("authentication_failed")],
        &[Refuse("not_authenticated"), Refuse("authentication_failed")],
    ),
    Row::new("http-403", &[Refuse("permission_denied")], &[Refuse("permission_denied")]),
    Row::new("http-404", &[Refuse("not_found")], &[Refuse("not_found")]).but(But::SentAgain),
    Row::new("http-405", &[Refuse("method_not_allowed")], &[Refuse("method_not_allowed")]),
    Row::new("http-415", &[Refuse("unsupported_media_type")], &[Refuse("unsupported_media_type")]),
    Row::new("http-429", &[Refuse("throttled")], &[Refuse("throttled")]),
    Row::new("http-500", &[Refuse("error")], &[Refuse("error")]),
    Row::new("http-502", &[Status(502, "")], &[Status(502, "")]),
    Row::new("http-503", &[Status(503, "")], &[Status(503, "")]),
    Row::new("http-504", &[Status(504, "")], &[Status(504, "")]),
];
