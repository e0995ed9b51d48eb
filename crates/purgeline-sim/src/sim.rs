//! Starting a simulator, and the handle to a running one.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::DefaultBodyLimit;
use axum::http;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use crate::call::{self, Hangup, Shared};
use crate::clock::{Clock, SystemClock};
use crate::control;
use crate::error::StartError;
use crate::faults::{FaultError, FaultPlan, FaultRule, Faults};
use crate::gate::Gate;
use crate::log::{CallLog, Recorder, WaitError};
use crate::provider::{Provider, Request};
use crate::tasks::{Ending, FateRule, Selector, TaskRecord, Tasks};

/// The longest request body a simulator reads, bytes: more than the largest documented one
/// (1,000 URLs of 10,240 characters).
const MAX_BODY: usize = 32 << 20;

/// Where a simulator listens and which time it lives in.
#[derive(Clone, Debug)]
pub struct Options {
    /// The address to listen at; port 0 takes a free one.
    pub addr: SocketAddr,
    /// Its clock.
    pub clock: Arc<dyn Clock>,
}

/// A running simulator. It stops when it is dropped.
#[derive(Debug)]
pub struct Sim {
    provider: &'static str,
    addr: SocketAddr,
    base_url: String,
    shared: Arc<Shared>,
    stop: CancellationToken,
    connections: TaskTracker,
}

// === impl Options ===

impl Default for Options {
    /// A free port of 127.0.0.1, and the machine's clock.
    fn default() -> Self {
        Self { addr: (Ipv4Addr::LOCALHOST, 0).into(), clock: Arc::new(SystemClock::new()) }
    }
}

impl Options {
    /// At this address, with the machine's clock.
    #[must_use]
    pub fn at(addr: SocketAddr) -> Self {
        Self { addr, ..Self::default() }
    }

    /// At a free port of 127.0.0.1, with this clock.
    #[must_use]
    pub fn with_clock(clock: impl Clock) -> Self {
        Self { clock: Arc::new(clock), ..Self::default() }
    }
}

// === impl Sim ===

impl Sim {
    pub(crate) async fn start<P: Provider>(provider: P, options: Options) -> Result<Self, StartError> {
        let Options { addr, clock } = options;
        let listener = TcpListener::bind(addr).await.map_err(|source| StartError::Listen { addr, source })?;
        let addr = listener.local_addr().map_err(|source| StartError::Listen { addr, source })?;
        let shared = Arc::new(Shared {
            clock,
            log: Recorder::new(),
            faults: Faults::new(P::NAME, P::CODES),
            gate: Gate::default(),
            tasks: Mutex::new(Tasks::default()),
        });
        let router = router(Arc::clone(&shared), provider);
        let (stop, connections) = (CancellationToken::new(), TaskTracker::new());
        let accepting = accept(listener, router, stop.clone(), connections.clone());
        connections.spawn(accepting);
        tracing::info!(provider = P::NAME, %addr, "simulator listens");
        Ok(Self { provider: P::NAME, addr, base_url: format!("http://{addr}"), shared, stop, connections })
    }

    /// The provider it plays.
    #[must_use]
    pub fn provider(&self) -> &'static str {
        self.provider
    }

    /// The provider's codes, those that [`Fault::Refuse`](crate::Fault::Refuse) takes.
    #[must_use]
    pub fn codes(&self) -> &'static [&'static str] {
        self.shared.faults.codes()
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// What stands in place of `https://…` of the real provider: `http://127.0.0.1:PORT`, without a slash.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// The log as it is now.
    #[must_use]
    pub fn log(&self) -> CallLog {
        self.shared.log.snapshot()
    }

    /// Waits until the log is in a state, and gives it as it was then. The question is asked anew
    /// at each change, so it should look at [`stats`](CallLog::stats) rather than at each call.
    ///
    /// # Errors
    /// After [`WAIT_BOUND`](crate::WAIT_BOUND), with what the log held.
    pub async fn wait_for(&self, reached: impl Fn(&CallLog) -> bool) -> Result<CallLog, WaitError> {
        self.shared.log.wait_for(reached).await
    }

    /// Holds calls until they are let go.
    #[must_use]
    pub fn gate(&self) -> &Gate {
        &self.shared.gate
    }

    /// Adds a fault after those that there are.
    ///
    /// # Errors
    /// If the provider has no such code, or a number is out of range.
    pub fn fault(&self, rule: FaultRule) -> Result<(), FaultError> {
        self.shared.faults.add(rule)
    }

    /// Puts a plan in place of all faults; the empty one ends misbehaviour.
    ///
    /// # Errors
    /// If the provider has no such code, or a number is out of range. Then nothing has changed.
    pub fn set_faults(&self, plan: FaultPlan) -> Result<(), FaultError> {
        self.shared.faults.set(plan)
    }

    /// Decides how items end that are submitted from now on.
    pub fn fate(&self, rule: FateRule) {
        self.shared.tasks.lock().add_fate(rule);
    }

    /// The items that were taken, in order, each with how the work on it ended or will end.
    #[must_use]
    pub fn tasks(&self) -> Vec<TaskRecord> {
        let now = self.shared.clock.now();
        self.shared.tasks.lock().all().iter().map(|task| task.record(now)).collect()
    }

    /// Ends, now, the tasks that are being processed and that `items` picks. Returns how many.
    pub fn settle(&self, items: &Selector, ending: &Ending) -> usize {
        let mut tasks = self.shared.tasks.lock();
        tasks.settle(items, ending, self.shared.clock.now())
    }

    /// Stops: closes the port and every connection, and returns when that is done.
    pub async fn stop(self) {
        self.stop.cancel();
        self.connections.close();
        self.connections.wait().await;
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        self.stop.cancel();
        self.shared.gate.shut();
    }
}

// === the server ===

fn router<P: Provider>(shared: Arc<Shared>, provider: P) -> Router {
    let provider = Arc::new(Mutex::new(provider));
    let controls = control::routes(Arc::clone(&shared));
    let handle = move |parts: http::request::Parts, body: Bytes| {
        let (shared, provider) = (Arc::clone(&shared), Arc::clone(&provider));
        let request = Request { method: parts.method, uri: parts.uri, headers: parts.headers, body };
        call::serve(shared, provider, request)
    };
    Router::new().nest("/_sim", controls).fallback(handle).layer(DefaultBodyLimit::max(MAX_BODY))
}

async fn accept(listener: TcpListener, router: Router, stop: CancellationToken, connections: TaskTracker) {
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                let serving = serve(stream, router.clone());
                let stop = stop.clone();
                connections.spawn(async move { stop.run_until_cancelled(serving).await });
            }
            // Out of descriptors or a client that left at once: the next may fare better.
            Err(error) => {
                tracing::warn!(%error, "simulator could not accept a connection");
                tokio::task::yield_now().await;
            }
        }
    }
}

/// Serves one connection. A response marked [`Hangup`] closes it with nothing sent; only hyper's
/// own server can do that, axum's always answers.
async fn serve(stream: TcpStream, router: Router) {
    // Small answers leave at once; a stream that cannot do so is only slower.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        let answering = router.clone().oneshot(request.map(Body::new));
        async move {
            let response = answering.await.unwrap_or_else(|never: Infallible| match never {});
            if response.extensions().get::<Hangup>().is_some() {
                return Err(std::io::Error::other("hung up, as told"));
            }
            Ok(response)
        }
    });
    // A client that sends a whole request and goes at once (a worker that is killed) has sent it:
    // without `half_close` hyper would forget it.
    let mut http = http1::Builder::new();
    let serving = http.half_close(true).serve_connection(TokioIo::new(stream), service);
    if let Err(error) = serving.await {
        tracing::debug!(%error, "connection ended");
    }
}
