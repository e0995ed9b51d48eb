use super::super::subject::{Behaving, Subject};
use crate::support::{Reply, Server};
use serde_json::json;

pub(in super::super) const HTTP: Subject = Subject {
    name: "http",
    settings: |address| {
        json!({
            "nodes": [address], "method": "PURGE", "path": "{path_and_query}", "success": [200, 204],
            "headers": {"x-purge-token": "sim-secret-key"}, "ban": {}, "max_in_flight": 2, "concurrency": 4,
        })
    },
    needed: &["nodes"],
    secret: "sim-secret-key",
    behaving: || {
        Box::pin(async {
            let server = Server::always(Reply::status(200)).await;
            let url = server.url();
            Behaving { url, end_well: Box::new(move || assert!(!server.seen().is_empty())) }
        })
    },
    refusals: |code| {
        let status: u16 = code.code.strip_prefix("http-").unwrap().parse().unwrap();
        let page = format!("<html><title>{status} of the cache</title></html>");
        vec![Reply::status(status), Reply::status(status).with("content-type", "text/html").saying(page)]
    },
    nonsense: || vec![Reply::status(202), Reply::status(206)],
    receipt: "none",
};
