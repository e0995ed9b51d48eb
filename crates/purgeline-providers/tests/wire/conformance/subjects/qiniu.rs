use super::super::subject::{Behaving, Subject, silence};
use crate::support::Reply;
use purgeline_sim::qiniu::QiniuSettings;
use serde_json::json;

pub(in super::super) const QINIU: Subject = Subject {
    name: "qiniu",
    settings: |address| {
        json!({
            "access_key": "sim-access-key", "secret_key": "sim-secret-key", "base_url": address,
            "product": "dcdn", "polls": {"first_ms": 1},
        })
    },
    needed: &["access_key", "secret_key"],
    secret: "sim-secret-key",
    behaving: || {
        Box::pin(async {
            let settings = QiniuSettings { processing_ms: 3_600_000, ..QiniuSettings::lifted() };
            Behaving::of(settings.start().await.unwrap())
        })
    },
    refusals: |code| match code.code.parse::<u32>().unwrap() {
        status @ ..1_000 => {
            let status = u16::try_from(status).unwrap();
            vec![Reply::status(status), Reply::json(status, &json!({"error": "the words"}))]
        }
        number => {
            let body = json!({"code": number, "error": "the words", "requestId": "", "items": null});
            let status = u16::try_from(number / 1_000).unwrap();
            vec![Reply::json(200, &body), Reply::json(status, &body)]
        }
    },
    nonsense: || {
        let own = [
            Reply::status(200).saying(r#"{"code":200,"requestId":"57edce1a"#),
            Reply::json(200, &json!({})),
            Reply::json(200, &json!({"code": "good"})),
        ];
        silence().into_iter().chain(own).collect()
    },
    receipt: "57edce1a23232391821e303b",
};
