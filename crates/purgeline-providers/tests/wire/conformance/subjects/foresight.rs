use super::super::subject::{Behaving, Subject, silence};
use crate::support::Reply;
use purgeline_sim::foresight::ForesightSettings;
use serde_json::json;

pub(in super::super) const FORESIGHT: Subject = Subject {
    name: "foresight",
    settings: |address| {
        json!({
            "base_url": address, "token": "sim-token", "token_prefix": "Bearer", "verify_listing": false,
            "polls": {"first_ms": 1},
        })
    },
    needed: &["base_url", "token"],
    secret: "sim-token",
    behaving: || {
        Box::pin(async {
            let settings = ForesightSettings { processing_ms: 3_600_000, ..ForesightSettings::default() };
            Behaving::of(settings.start().await.unwrap())
        })
    },
    refusals: |code| match code.code.strip_prefix("http-") {
        Some(status) => {
            let status = status.parse().unwrap();
            vec![Reply::status(status), Reply::json(status, &json!({"detail": "the words"}))]
        }
        None => {
            let body = json!({"task_id": "5b1c2f0e", "task_state": code.code});
            vec![Reply::json(200, &body), Reply::json(202, &body)]
        }
    },
    nonsense: || {
        let own = [
            Reply::status(200).saying(r#"{"task_id":"5b1c2f0e","task_state":"SUCC"#),
            Reply::json(200, &json!({})),
            Reply::json(200, &json!({"task_id": "5b1c2f0e"})),
            Reply::json(200, &json!({"task_id": "5b1c2f0e", "task_state": 1})),
        ];
        silence().into_iter().chain(own).collect()
    },
    receipt: r#"{"task":"5b1c2f0e"}"#,
};
