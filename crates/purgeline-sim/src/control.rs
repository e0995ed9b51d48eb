//! `/_sim/…`: the log and the controls, for tests and demos in other processes.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::Json;
use axum::Router;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::{Deserialize, Serialize};

use crate::call::Shared;
use crate::faults::FaultPlan;
use crate::log::Stats;
use crate::tasks::{Ending, FateRule, Selector};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Page {
    #[serde(default)]
    from: usize,
    #[serde(default = "whole_log")]
    limit: usize,
}

/// The body of `POST /_sim/fates`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fates {
    #[serde(default)]
    rules: Vec<FateRule>,
    #[serde(default)]
    settle: Vec<Settle>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settle {
    items: Selector,
    ending: Ending,
}

/// What the gate is told.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum GateOrder {
    Close,
    CloseFor(crate::record::CallKind),
    Open,
    Release(usize),
}

#[derive(Debug, Serialize)]
struct Changed {
    changed: usize,
}

/// The routes, below `/_sim`.
pub(crate) fn routes(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/log", get(log))
        .route("/stats", get(stats))
        .route("/faults", post(faults))
        .route("/fates", post(fates))
        .route("/gate", post(gate))
        .with_state(shared)
}

async fn log(State(shared): State<Arc<Shared>>, Query(page): Query<Page>) -> Response {
    let mut lines = String::new();
    for call in shared.log.page(page.from, page.limit) {
        match serde_json::to_string(&*call) {
            Ok(line) => {
                // Writing to a String does not fail.
                let _ = writeln!(lines, "{line}");
            }
            Err(e) => return (StatusCode::INTERNAL_SERVER_ERROR, e.to_string()).into_response(),
        }
    }
    ([(header::CONTENT_TYPE, "application/x-ndjson")], lines).into_response()
}

async fn stats(State(shared): State<Arc<Shared>>) -> Json<Stats> {
    Json(shared.log.stats())
}

async fn faults(State(shared): State<Arc<Shared>>, Json(plan): Json<FaultPlan>) -> Response {
    let changed = plan.rules.len();
    match shared.faults.set(plan) {
        Ok(()) => Json(Changed { changed }).into_response(),
        Err(e) => (StatusCode::BAD_REQUEST, e.to_string()).into_response(),
    }
}

async fn fates(State(shared): State<Arc<Shared>>, Json(fates): Json<Fates>) -> Json<Changed> {
    let mut tasks = shared.tasks.lock();
    let mut changed = fates.rules.len();
    for rule in fates.rules {
        tasks.add_fate(rule);
    }
    for Settle { items, ending } in fates.settle {
        changed += tasks.settle(&items, &ending, shared.clock.now());
    }
    Json(Changed { changed })
}

async fn gate(State(shared): State<Arc<Shared>>, Json(order): Json<GateOrder>) -> Json<Changed> {
    let gate = &shared.gate;
    let changed = match order {
        GateOrder::Close => {
            gate.close();
            0
        }
        GateOrder::CloseFor(kind) => {
            gate.close_for(kind);
            0
        }
        GateOrder::Open => gate.open(),
        GateOrder::Release(n) => gate.release(n),
    };
    Json(Changed { changed })
}

fn whole_log() -> usize {
    usize::MAX
}
