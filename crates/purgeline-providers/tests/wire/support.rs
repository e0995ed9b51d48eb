//! Servers that answer as told, for what a simulator would not do.

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, Method, Uri},
    response::Response,
};
use purgeline_core::{
    Action, Cause, Item, Outcome, Receipt, Resource, Submission, SystemClock, Verdict, config::Settings,
};
use purgeline_providers::{BuildContext, Call, CallItem, OpenBatch, Provider, provider};
use serde_json::Value;
use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{io::AsyncReadExt, net::TcpListener, task::JoinHandle};

/// Longer than any test waits for an answer that comes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A request as a server saw it.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

/// What a server answers.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
}

type Answering = dyn Fn(&Seen) -> Reply + Send + Sync;

/// A server that answers by a function and remembers what it was asked. Ends when dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    task: JoinHandle<()>,
}

/// A server that reads each request and never answers it. Ends when dropped.
pub(crate) struct Mute {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

/// What a mute server does with a connection once it has read of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    Hold,
    Close,
}

impl Reply {
    pub(crate) fn status(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: String::new() }
    }

    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self {
            headers: vec![("content-type", "application/json".into())],
            body: body.to_string(),
            ..Self::status(status)
        }
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn saying(mut self, body: impl Into<String>) -> Self {
        self.body = body.into();
        self
    }
}

impl Server {
    pub(crate) async fn start(answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let answer: Arc<Answering> = Arc::new(answer);
        let router = Router::new().fallback(handle).with_state((Arc::clone(&seen), answer));
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, seen, task }
    }

    pub(crate) async fn always(reply: Reply) -> Self {
        Self::start(move |_| reply.clone()).await
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Mute {
    pub(crate) async fn start(then: Then) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&connections);
        let task = tokio::spawn(async move {
            let mut held = Vec::new();
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                count.fetch_add(1, Ordering::SeqCst);
                let mut some = [0; 64];
                // What was sent counts as sent.
                let _ = stream.read(&mut some).await;
                if then == Then::Hold {
                    held.push(stream);
                }
            }
        });
        Self { address, connections, task }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

impl Drop for Mute {
    fn drop(&mut self) {
        self.task.abort();
    }
}

type Shared = (Arc<Mutex<Vec<Seen>>>, Arc<Answering>);

async fn handle(State((seen, answer)): State<Shared>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap();
    let request = Seen {
        method: parts.method,
        uri: parts.uri,
        headers: parts.headers,
        body: String::from_utf8(body.to_vec()).unwrap(),
    };
    let reply = answer(&request);
    seen.lock().unwrap().push(request);
    let mut response = Response::builder().status(reply.status);
    for (name, value) in reply.headers {
        response = response.header(name, value);
    }
    response.body(Body::from(reply.body)).unwrap()
}

/// An address where nobody listens.
pub(crate) async fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

pub(crate) fn settings(value: Value) -> Settings {
    match value {
        Value::Object(members) => Settings::from(members),
        other => panic!("settings are a table, not {other}"),
    }
}

pub(crate) fn context(value: Value, timeout: Duration) -> BuildContext {
    BuildContext { settings: settings(value), timeout, clock: Arc::new(SystemClock) }
}

pub(crate) fn client(name: &str, value: Value, timeout: Duration) -> Arc<dyn Provider> {
    (provider(name).unwrap().build)(&context(value, timeout)).unwrap()
}

pub(crate) fn url(text: &str) -> CallItem {
    CallItem { item: Item::url(text).unwrap(), action: Action::Default }
}

pub(crate) fn dir(text: &str) -> CallItem {
    CallItem { item: Item::dir(text).unwrap(), action: Action::Default }
}

pub(crate) fn resource(title: &str, params: &Value) -> CallItem {
    let params = params.as_object().unwrap().clone();
    let item = Item::resource(&Resource { title: title.to_owned(), params }).unwrap();
    CallItem { item, action: Action::Default }
}

/// A batch that was accepted just now, none of whose items has settled.
pub(crate) fn open(receipt: &str, items: &[CallItem]) -> OpenBatch {
    OpenBatch {
        batch: "01TESTBATCH".to_owned(),
        receipt: Receipt(receipt.to_owned()),
        items: items.to_vec(),
        open: vec![true; items.len()],
        submitted_at_ms: jiff::Timestamp::now().as_millisecond(),
    }
}

pub(crate) async fn submit(client: &dyn Provider, items: &[CallItem]) -> Submission {
    let submission = client.submit(&Call { batch: "01TESTBATCH", items }).await;
    if let Verdict::Items(outcomes) = &submission.verdict {
        assert_eq!(outcomes.len(), items.len(), "one outcome for each item: {submission:?}");
        let accepted = outcomes.contains(&Outcome::Accepted);
        assert_eq!(submission.receipt.is_some(), accepted, "a receipt if any was accepted: {submission:?}");
    }
    submission
}

/// The outcomes of a submission that was not to be bisected.
pub(crate) fn outcomes(submission: &Submission) -> &[Outcome] {
    match &submission.verdict {
        Verdict::Items(outcomes) => outcomes,
        Verdict::Bisect(cause) => panic!("to be bisected: {cause}"),
    }
}

/// Submits as a worker does when a call is refused for an item that is not named: in halves, until
/// each item is accepted or has failed. Gives the calls that were made and who failed of what.
pub(crate) async fn bisect(client: &dyn Provider, items: Vec<CallItem>) -> (usize, Vec<(String, Cause)>) {
    let (mut made, mut failed) = (0, Vec::new());
    let mut calls = vec![items];
    while let Some(items) = calls.pop() {
        made += 1;
        match submit(client, &items).await.verdict {
            Verdict::Bisect(_) if items.len() > 1 => {
                let (front, back) = items.split_at(items.len().div_ceil(2));
                calls.extend([back.to_vec(), front.to_vec()]);
            }
            Verdict::Bisect(cause) => failed.push((items[0].item.text().to_owned(), cause)),
            Verdict::Items(outcomes) => {
                for (item, outcome) in items.iter().zip(outcomes) {
                    match outcome {
                        Outcome::Accepted => {}
                        Outcome::Failed(cause) => failed.push((item.item.text().to_owned(), cause)),
                        other => panic!("{item:?}: {other:?}"),
                    }
                }
            }
        }
    }
    (made, failed)
}
