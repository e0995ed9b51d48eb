//! The life of one call: arrival, faults, gate, carrying out, answer.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use futures::stream;
use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::clock::{Clock, Moment, nanos};
use crate::faults::{Fault, Faults, Phase};
use crate::gate::Gate;
use crate::log::Recorder;
use crate::provider::{Answer, Arrival, Provider, Request, Taken, Verdict};
use crate::record::{CallKind, CallRecord, End, ItemRecord, Outcome};
use crate::tasks::Tasks;

/// What a simulator and the handle to it share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) log: Recorder,
    pub(crate) faults: Faults,
    pub(crate) gate: Gate,
    pub(crate) tasks: Mutex<Tasks>,
}

/// Marks a response in whose place the connection is closed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hangup;

/// A call that has arrived and is in the log.
struct Arrived<T> {
    seq: u64,
    kind: CallKind,
    verdict: Verdict<T>,
    fault: Option<Fault>,
}

/// Works on a call in a task of its own: like a real server it goes on when the client has gone.
pub(crate) async fn serve<P: Provider>(
    shared: Arc<Shared>,
    provider: Arc<Mutex<P>>,
    request: Request,
) -> Response<Body> {
    let arrived = arrive(&shared, &provider, &request);
    let (seq, (answer, answered)) = (arrived.seq, oneshot::channel());
    tokio::spawn(async move {
        let (end, reply) = work(&shared, &provider, arrived).await;
        let now = shared.clock.now();
        // The log is complete before the client can know of the answer.
        shared.log.ended(seq, outcome(end, reply.as_ref(), now));
        let response = match (end, reply) {
            (End::Answered, Some(reply)) => whole(reply),
            (End::CutShort, Some(reply)) => half(&reply),
            _ => hangup(),
        };
        // An error means that the client has gone: nobody is left to tell.
        let _ = answer.send(response);
    });
    // The task ends without a response only if the runtime shuts down.
    answered.await.unwrap_or_else(|_| hangup())
}

/// Puts a call into the log. Order of arrival, limits, chances of faults and log agree, because
/// all are decided under the provider's lock.
fn arrive<P: Provider>(shared: &Shared, provider: &Mutex<P>, request: &Request) -> Arrived<P::Parsed> {
    let mut provider = provider.lock();
    let now = shared.clock.now();
    let Arrival { kind, endpoint, items, options, verdict } = provider.arrive(request, now);
    let undecided = |item| ItemRecord { item, accepted: None };
    let mut call = CallRecord {
        seq: 0,
        arrived_ns: now.ns,
        arrived_ms: now.wall_ms,
        kind,
        endpoint,
        items: items.into_iter().map(undecided).collect(),
        options: options.into_iter().map(|(name, value)| (Cow::Borrowed(name), value)).collect(),
        limited: matches!(verdict, Verdict::Limited(_)),
        fault: None,
        held: false,
        outcome: None,
    };
    let fault = shared.faults.strike(&call);
    call.fault = fault.as_ref().map(|fault| Cow::Borrowed(fault.name()));
    let seq = shared.log.arrived(call);
    Arrived { seq, kind, verdict, fault }
}

async fn work<P: Provider>(
    shared: &Shared,
    provider: &Mutex<P>,
    arrived: Arrived<P::Parsed>,
) -> (End, Option<Answer>) {
    let Arrived { seq, kind, verdict, fault } = arrived;
    if let Some(go) = shared.gate.enter(seq, kind) {
        held(shared, seq, go, None).await;
    }
    if let Some(Fault::Stall { phase: Phase::Before, for_ms }) = fault {
        held(shared, seq, shared.gate.hold(seq), for_ms).await;
    }
    let answer = match &fault {
        Some(Fault::Drop { phase: Phase::Before }) => {
            shared.log.decided(seq, |_, _| false);
            return (End::Dropped, None);
        }
        Some(Fault::Refuse { code }) => {
            let items = shared.log.items(seq);
            provider.lock().refusal(kind, &items, code)
        }
        Some(Fault::Status { status, body, retry_after_s }) => bare(*status, body, *retry_after_s),
        _ => match verdict {
            Verdict::Refuse(answer) | Verdict::Limited(answer) => answer,
            Verdict::Go(parsed) => {
                let mut provider = provider.lock();
                let mut tasks = shared.tasks.lock();
                provider.process(parsed, &mut tasks, shared.clock.now())
            }
        },
    };
    match &answer.taken {
        Taken::All => shared.log.decided(seq, |_, _| true),
        Taken::None => shared.log.decided(seq, |_, _| false),
        Taken::Some(taken) => shared.log.decided(seq, |i, _| taken.get(i).copied().unwrap_or(false)),
    }
    match fault {
        Some(Fault::Stall { phase: Phase::After, for_ms }) => {
            held(shared, seq, shared.gate.hold(seq), for_ms).await;
            (End::Answered, Some(answer))
        }
        Some(Fault::Drop { phase: Phase::After }) => (End::Dropped, Some(answer)),
        Some(Fault::Half) => (End::CutShort, Some(answer)),
        _ => (End::Answered, Some(answer)),
    }
}

/// Waits for the gate's word, or for a time if there is one.
async fn held(shared: &Shared, seq: u64, go: oneshot::Receiver<()>, for_ms: Option<u64>) {
    shared.log.held(seq, true);
    match for_ms {
        // An error means that the gate is gone, and with it who could let the call go.
        None => drop(go.await),
        Some(ms) => {
            let until = shared.clock.now().ns + nanos(Duration::from_millis(ms));
            tokio::select! {
                _ = go => {}
                () = shared.clock.sleep_until(until) => {}
            }
        }
    }
    shared.log.held(seq, false);
}

fn outcome(end: End, answer: Option<&Answer>, now: Moment) -> Outcome {
    let sent = answer.filter(|_| matches!(end, End::Answered | End::CutShort));
    Outcome {
        ended_ns: now.ns,
        ended_ms: now.wall_ms,
        end,
        status: sent.map(|a| a.status),
        code: answer.map_or(Cow::Borrowed(""), |a| a.code.clone()),
        receipt: answer.and_then(|a| a.receipt.as_deref().map(str::to_owned)),
    }
}

// === answers on the wire ===

fn bare(status: u16, body: &str, retry_after_s: Option<u64>) -> Answer {
    let code = format!("http {status}");
    let answer = Answer::new(status, code, "text/plain; charset=utf-8", body.to_owned());
    match retry_after_s {
        None => answer,
        Some(s) => answer.header("retry-after", &s.to_string()),
    }
}

fn whole(answer: Answer) -> Response<Body> {
    let mut response = Response::new(Body::from(answer.body.clone()));
    head(&mut response, answer);
    response
}

fn half(answer: &Answer) -> Response<Body> {
    let half = answer.body.slice(..answer.body.len() / 2);
    // The pause between the half and the error lets the half out on the wire.
    let parts = stream::unfold(Some(half), |half| async move {
        match half {
            Some(half) => Some((Ok(half), None)),
            None => {
                tokio::task::yield_now().await;
                Some((Err(std::io::Error::other("cut short")), None))
            }
        }
    });
    let mut response = Response::new(Body::from_stream(parts));
    *response.status_mut() = status(answer.status);
    let length = HeaderValue::from(answer.body.len());
    response.headers_mut().insert(header::CONTENT_LENGTH, length);
    response.headers_mut().extend(answer.headers.iter().cloned());
    response
}

fn hangup() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    response.extensions_mut().insert(Hangup);
    response
}

fn head(response: &mut Response<Body>, answer: Answer) {
    *response.status_mut() = status(answer.status);
    response.headers_mut().extend(answer.headers);
}

fn status(code: u16) -> StatusCode {
    StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}
