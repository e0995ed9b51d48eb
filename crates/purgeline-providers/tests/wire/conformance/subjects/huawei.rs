use super::super::subject::{Behaving, Subject, silence};
use crate::support::Reply;
use purgeline_sim::huawei::HuaweiSettings;
use serde_json::json;

pub(in super::super) const HUAWEI: Subject = Subject {
    name: "huawei",
    settings: |address| {
        json!({
            "api": "current", "access_key": "sim-access-key", "secret_key": "sim-secret-key",
            "base_url": address, "domain_id": "sim-domain", "enterprise_project_id": "0", "mode": "all",
            "chinese_urls": "encoded", "polls": {"first_ms": 1},
        })
    },
    needed: &["access_key", "secret_key"],
    secret: "sim-secret-key",
    behaving: || {
        Box::pin(async {
            let settings = HuaweiSettings { processing_ms: 3_600_000, ..HuaweiSettings::lifted() };
            Behaving::of(settings.start().await.unwrap())
        })
    },
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
            .map(|body| Reply::json(status, &body))
            .collect()
    },
    nonsense: || {
        let own = [
            Reply::status(200).saying(r#"{"refresh_task":"762"#),
            Reply::json(200, &json!({})),
            Reply::json(200, &json!({"refresh_task": "", "error": null})),
            Reply::json(200, &json!({"refreshTask": {"status": "task_inprocess"}})),
        ];
        silence().into_iter().chain(own).collect()
    },
    receipt: "7620242",
};
