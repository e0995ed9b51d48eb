use super::super::subject::{Behaving, Subject, silence};
use crate::support::Reply;
use purgeline_sim::wangsu::WangsuSettings;
use serde_json::{Value, json};

pub(in super::super) const WANGSU: Subject = Subject {
    name: "wangsu",
    settings: |address| {
        json!({
            "access_key": "sim-access-key", "secret_key": "sim-secret-key", "base_url": address,
            "dir_delete_entitled": true, "page_size": 1_000, "polls": {"first_ms": 1},
        })
    },
    needed: &["access_key", "secret_key"],
    secret: "sim-secret-key",
    behaving: || {
        Box::pin(async {
            let settings = WangsuSettings { processing_ms: 3_600_000, ..WangsuSettings::lifted() };
            Behaving::of(settings.start().await.unwrap())
        })
    },
    refusals: |code| {
        if let Ok(status) = code.code.parse() {
            let body = json!({"code": "the code", "message": "the words"});
            return vec![Reply::status(status), Reply::json(status, &body)];
        }
        let message = match code.code {
            "error-channel" => "error channel [www.example.com].".to_owned(),
            // Of dirs, which these calls have none of.
            "dir-number-reached-the-daily-limit-by-domain" => return Vec::new(),
            "running-url-or-dir" => "running url or dir [ ],please try again after one minute.".to_owned(),
            words => words.replace('-', " "),
        };
        let answer = |code: Value| Reply::json(200, &json!({"Code": code, "Message": message}));
        vec![answer(json!(0)), answer(json!("0"))]
    },
    nonsense: || {
        let own = [
            Reply::status(200).saying(r#"{"Code":1,"Message":"handle success","itemId":"64ec"#),
            Reply::json(200, &json!({})),
            Reply::json(200, &json!({"Code": null, "Message": "handle success"})),
        ];
        silence().into_iter().chain(own).collect()
    },
    receipt: r#"{"item_id":"64ec364dd81d4052a3534c1e86167950","from":1767225600,"to":1767225601}"#,
};
