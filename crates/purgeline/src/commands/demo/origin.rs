use axum::{Router, extract::State, http::Uri, http::header, response::IntoResponse, routing::get};
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::{net::TcpListener, task::JoinHandle};

/// A CMS's web server: each page says which edition of the site it is of, and may be cached for
/// an hour.
pub(super) struct Origin {
    pub(super) address: SocketAddr,
    state: Arc<Site>,
    server: JoinHandle<std::io::Result<()>>,
}

#[derive(Default)]
struct Site {
    edition: AtomicU64,
    visits: AtomicU64,
}

impl Origin {
    pub(super) async fn start() -> std::io::Result<Self> {
        let state = Arc::new(Site { edition: AtomicU64::new(1), visits: AtomicU64::new(0) });
        let app = Router::new().fallback(get(page)).with_state(Arc::clone(&state));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let server = tokio::spawn(async move { axum::serve(listener, app).await });
        Ok(Self { address, state, server })
    }

    /// Publishes the whole site anew.
    pub(super) fn publish(&self) {
        self.state.edition.fetch_add(1, Ordering::SeqCst);
    }

    /// Pages that were fetched from here so far.
    pub(super) fn visits(&self) -> u64 {
        self.state.visits.load(Ordering::SeqCst)
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn page(State(site): State<Arc<Site>>, uri: Uri) -> impl IntoResponse {
    site.visits.fetch_add(1, Ordering::SeqCst);
    let edition = site.edition.load(Ordering::SeqCst);
    ([(header::CACHE_CONTROL, "public, max-age=3600")], format!("edition {edition} of {uri}"))
}
