use axum::{
    Router,
    extract::{Request, State},
    http::{StatusCode, header::HOST},
};
use std::{
    net::Ipv4Addr,
    sync::{Arc, Mutex},
};
use tokio::{net::TcpListener, task::JoinSet};

/// An HTTP cache that takes every request for a purge, remembers it, and answers as it was told.
pub struct Cache {
    url: String,
    shared: Arc<Shared>,
    _serving: JoinSet<()>,
}

struct Shared {
    purged: Mutex<Vec<String>>,
    answer: Mutex<StatusCode>,
}

impl Cache {
    pub async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::new(Shared { purged: Mutex::default(), answer: Mutex::new(StatusCode::OK) });
        let router = Router::new().fallback(purge).with_state(Arc::clone(&shared));
        let mut serving = JoinSet::new();
        serving.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, shared, _serving: serving }
    }

    /// The configuration of a target at this cache, for all hosts below example.com.
    #[must_use]
    pub fn config(&self) -> serde_json::Value {
        serde_json::json!({
            "provider": "http",
            "hosts": ["*.example.com"],
            "retry_initial_ms": 20,
            "retry_max_ms": 200,
            "settings": { "nodes": [self.url], "ban": {} },
        })
    }

    /// Answers so from now on.
    pub fn answer(&self, status: u16) {
        *self.shared.answer.lock().unwrap() = StatusCode::from_u16(status).unwrap();
    }

    /// What was asked for, in order: `PURGE www.example.com/a`.
    #[must_use]
    pub fn purged(&self) -> Vec<String> {
        self.shared.purged.lock().unwrap().clone()
    }
}

async fn purge(State(shared): State<Arc<Shared>>, request: Request) -> StatusCode {
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    shared.purged.lock().unwrap().push(format!("{} {host}{}", request.method(), request.uri()));
    *shared.answer.lock().unwrap()
}
