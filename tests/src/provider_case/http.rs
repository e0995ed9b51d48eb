use super::{
    CodeRow, ProviderCase,
    Way::{self, Status},
};
use crate::HttpReply;
use purgeline_sim::{CallKind, Fault, FaultRule};
use serde_json::{Value, json};

/// A cache that says 200 to everything, played by another provider's simulator. One node, one
/// request at a time, and 200 alone is a success.
pub const HTTP: ProviderCase = ProviderCase {
    name: "http",
    registry_name: "http",
    sim: "qiniu",
    account: || Value::Object(serde_json::Map::new()),
    settings: |base_url| {
        json!({
            "nodes": [base_url],
            "ban": {},
            "success": [200],
            "max_in_flight": 1,
            "concurrency": 1,
        })
    },
    all_settings: |address| {
        json!({
            "nodes": [address], "method": "PURGE", "path": "{path_and_query}", "success": [200, 204],
            "headers": {"x-purge-token": "sim-secret-key"}, "ban": {}, "max_in_flight": 2, "concurrency": 4,
        })
    },
    needed: &["nodes"],
    secret: "sim-secret-key",
    refusals: |code| {
        let status: u16 = code.code.strip_prefix("http-").unwrap().parse().unwrap();
        let page = format!("<html><title>{status} of the cache</title></html>");
        vec![
            HttpReply::status(status),
            HttpReply::status(status).with("content-type", "text/html").saying(page),
        ]
    },
    nonsense: || vec![HttpReply::status(202), HttpReply::status(206)],
    receipt: "none",
    purges: CallKind::Other,
    plays: || vec![FaultRule::new(Fault::status(200))],
    rows: ROWS,
    unused: &[],
    volume: None,
};

const NO_POLLS: &[Way] = &[Way::Never("the answer is the end")];

const fn row(code: &'static str, purge: &'static [Way]) -> CodeRow {
    CodeRow::new(code, purge, NO_POLLS)
}

const ROWS: &[CodeRow] = &[
    row("http-400", &[Status(400, "")]),
    row("http-401", &[Status(401, "")]),
    row("http-403", &[Status(403, "")]),
    row("http-404", &[Status(404, "")]),
    row("http-405", &[Status(405, "")]),
    row("http-412", &[Status(412, "")]),
    row("http-429", &[Status(429, "")]),
    row("http-500", &[Status(500, "")]),
    row("http-501", &[Status(501, "")]),
    row("http-502", &[Status(502, "")]),
    row("http-503", &[Status(503, "")]),
    row("http-504", &[Status(504, "")]),
];
