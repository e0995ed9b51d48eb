use crate::{HttpReply, HttpServer};
use std::sync::{
    Arc,
    atomic::{AtomicU16, Ordering},
};

/// An HTTP cache that takes every request for a purge, remembers it, and answers with the status that
/// the test sets.
pub struct TestCache {
    server: HttpServer,
    status: Arc<AtomicU16>,
}

impl TestCache {
    pub async fn start() -> Self {
        let status = Arc::new(AtomicU16::new(200));
        let answered = Arc::clone(&status);
        let server = HttpServer::start(move |_| HttpReply::status(answered.load(Ordering::SeqCst))).await;
        Self { server, status }
    }

    /// The configuration of a target at this cache, for all hosts below example.com.
    #[must_use]
    pub fn config(&self) -> serde_json::Value {
        serde_json::json!({
            "provider": "http",
            "hosts": ["*.example.com"],
            "retry_initial_ms": 20,
            "retry_max_ms": 200,
            "settings": { "nodes": [self.server.url()], "ban": {} },
        })
    }

    /// Answers with this status from now on.
    pub fn answer(&self, status: u16) {
        self.status.store(status, Ordering::SeqCst);
    }

    /// What was asked for, in order: `PURGE www.example.com/a`.
    #[must_use]
    pub fn purged(&self) -> Vec<String> {
        let line = |seen: &crate::SeenRequest| {
            let host = seen.headers.get("host").and_then(|host| host.to_str().ok()).unwrap_or_default();
            format!("{} {host}{}", seen.method, seen.uri)
        };
        self.server.seen().iter().map(line).collect()
    }
}
