use super::super::subject::{Behaving, Subject, silence};
use crate::support::Reply;
use purgeline_sim::ztgame::ZtgameSettings;
use serde_json::json;

pub(in super::super) const ZTGAME: Subject = Subject {
    name: "ztgame",
    settings: |address| {
        json!({
            "username": "sim-user", "password": "sim-password", "base_url": address,
            "polls": {"first_ms": 1},
        })
    },
    needed: &["username", "password"],
    secret: "sim-password",
    behaving: || {
        Box::pin(async {
            let settings = ZtgameSettings { processing_ms: 3_600_000, ..ZtgameSettings::default() };
            Behaving::of(settings.start().await.unwrap())
        })
    },
    refusals: |code| {
        let words = code.code.replace('-', " ");
        let error = |status, words: &str| vec![Reply::json(status, &json!({ "error": words }))];
        match code.code {
            "Unauthorized" => vec![Reply::status(401).saying("Unauthorized")],
            "Could-not-find-token" | "can-not-found-sp" | "task-id-can-not-found" => error(404, &words),
            "not-yours" => error(403, "www.example.com is not yours or not ready"),
            "downstream-400" | "downstream-403" | "downstream-500" => {
                let status = code.code.strip_prefix("downstream-").unwrap().parse().unwrap();
                vec![Reply::json(status, &json!({"error": "purge failed", "successRate": 50.0}))]
            }
            "ret-1" => {
                let answer = json!({"msg": "failed", "reqId": "", "ret": 1, "success_rate": 0.0});
                vec![Reply::json(200, &json!({ "zt_api": answer }))]
            }
            "success-rate" => {
                let answer = json!({"msg": "OK", "reqId": "fa97b5d1", "ret": 0, "success_rate": 50.0});
                vec![Reply::json(200, &json!({ "zt_api": answer })), Reply::json(200, &answer)]
            }
            // Of a task, never of a call.
            "failure" | "error" | "delete" => Vec::new(),
            _ => error(400, &words),
        }
    },
    nonsense: || {
        let own = [
            Reply::status(200).saying(r#"{"zt_api":{"reqId":"fa97"#),
            Reply::json(200, &json!({})),
            Reply::json(200, &json!({"zt_api": {"ret": 0, "msg": "OK", "success_rate": 100.0}})),
            Reply::json(200, &json!({"reqId": "fa97b5d1", "ret": "good"})),
        ];
        silence().into_iter().chain(own).collect()
    },
    receipt: "fa97b5d1-929f-11e5-b504-e03f4978b2ff",
};
