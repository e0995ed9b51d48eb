//! Misbehaviour, the gate, the log.

use std::time::Duration;

use purgeline_sim::{
    CallKind, End, Fault, FaultError, FaultPlan, FaultRule, ManualClock, Options, Phase, Sim,
};
use serde_json::{Value, json};

use crate::common::client;
use crate::qiniu::{LIST, REFRESH, account, authorization, post, urls};

async fn send(sim: &Sim) -> reqwest::Result<reqwest::Response> {
    let request = client().post(format!("{}{REFRESH}", sim.base_url()));
    let request = request.header("Authorization", authorization(REFRESH));
    request.json(&json!({ "urls": urls(1) })).send().await
}

fn stall(for_ms: Option<u64>) -> Fault {
    let phase = Phase::Before;
    Fault::Stall { phase, for_ms }
}

#[tokio::test]
async fn refuses_with_the_providers_words() {
    let sim = account().start().await.unwrap();
    for (code, text) in [
        ("403022", "server QPS Rate limited"),
        ("403024", "single user QPS Rate limited"),
        ("500000", "internal error"),
    ] {
        let refuse = FaultRule::new(Fault::refuse(code)).on(CallKind::Purge).times(1);
        sim.fault(refuse).unwrap();
        let answer = post(&sim, REFRESH, &json!({ "urls": urls(1) })).await;
        assert_eq!(answer["code"].to_string(), code);
        assert_eq!(answer["error"], text);
    }
    assert_eq!(post(&sim, REFRESH, &json!({ "urls": urls(1) })).await["code"], 200);
    let log = sim.log();
    assert_eq!(log.calls()[0].fault.as_deref(), Some("refuse"));
    assert_eq!((log.stats().items_asked, log.stats().items_accepted), (4, 1));
    assert_eq!(log.stats().codes["403022"], 1);

    let unknown = sim.fault(FaultRule::new(Fault::refuse("CDN.0110")));
    assert!(matches!(unknown, Err(FaultError::UnknownCode { .. })));
    let unsure = sim.fault(FaultRule::new(Fault::Half).with_chance(1.5));
    assert!(matches!(unsure, Err(FaultError::Chance(_))));
}

#[tokio::test]
async fn answers_any_http_status() {
    let sim = account().start().await.unwrap();
    sim.fault(FaultRule::new(Fault::Status {
        status: 429,
        body: "slow down".into(),
        retry_after_s: Some(7),
    }))
    .unwrap();
    let response = send(&sim).await.unwrap();
    assert_eq!(response.status(), 429);
    assert_eq!(response.headers()["retry-after"], "7");
    assert_eq!(response.text().await.unwrap(), "slow down");
    let log = sim.log();
    let outcome = log.calls()[0].outcome.as_ref().unwrap();
    assert_eq!((outcome.status, &*outcome.code), (Some(429), "http 429"));
    assert_eq!(log.stats().items_refused, 1);
}

#[tokio::test]
async fn drops_before_and_after_the_work() {
    let sim = account().start().await.unwrap();
    for (phase, taken) in [(Phase::Before, 0), (Phase::After, 1)] {
        sim.fault(FaultRule::new(Fault::Drop { phase }).times(1)).unwrap();
        let error = send(&sim).await.unwrap_err();
        assert!(error.is_request(), "{error:?}");
        let log = sim.log();
        let call = log.calls().last().unwrap();
        assert_eq!(call.outcome.as_ref().unwrap().end, End::Dropped);
        assert_eq!(call.outcome.as_ref().unwrap().status, None);
        assert_eq!(call.accepted(), taken);
        let found = post(&sim, LIST, &json!({ "urls": urls(1) })).await;
        assert_eq!(found["total"], taken);
    }
}

#[tokio::test]
async fn sends_half_an_answer() {
    let sim = account().start().await.unwrap();
    sim.fault(FaultRule::new(Fault::Half)).unwrap();
    let mut response = send(&sim).await.unwrap();
    assert_eq!(response.status(), 200);
    let whole = response.content_length().unwrap();
    let mut got = Vec::new();
    let end = loop {
        match response.chunk().await {
            Ok(Some(chunk)) => got.extend_from_slice(&chunk),
            end => break end,
        }
    };
    assert!(end.is_err(), "the answer ended as if it were whole");
    assert_eq!(got.len() as u64, whole / 2);
    assert!(got.starts_with(br#"{"code":200"#));
    let call = sim.log().calls()[0].clone();
    assert_eq!(call.outcome.as_ref().unwrap().end, End::CutShort);
    assert_eq!(call.accepted(), 1);
}

#[tokio::test]
async fn stalls_until_released_or_for_a_time() {
    let clock = ManualClock::at("2026-01-01T00:00:00Z".parse().unwrap());
    let options = Options::with_clock(clock.clone());
    let sim = account().start_with(options).await.unwrap();
    sim.fault(FaultRule::new(stall(None)).times(1)).unwrap();
    let (answer, ()) = tokio::join!(send(&sim), async {
        let log = sim.wait_for(|log| log.stats().held == 1).await.unwrap();
        assert!(log.calls()[0].held && log.calls()[0].outcome.is_none());
        assert!(sim.gate().release_call(0));
    });
    assert_eq!(answer.unwrap().status(), 200);

    sim.fault(FaultRule::new(stall(Some(60_000))).times(1)).unwrap();
    let (answer, ()) = tokio::join!(send(&sim), async {
        sim.wait_for(|log| log.stats().held == 1).await.unwrap();
        clock.advance(Duration::from_secs(60));
    });
    assert_eq!(answer.unwrap().status(), 200);
    let log = sim.log();
    let stalled = &log.calls()[1];
    let outcome = stalled.outcome.as_ref().unwrap();
    assert_eq!(outcome.ended_ns - stalled.arrived_ns, 60_000_000_000);
}

#[tokio::test]
async fn stalls_after_the_work() {
    let sim = account().start().await.unwrap();
    let phase = Phase::After;
    sim.fault(FaultRule::new(Fault::Stall { phase, for_ms: None }).on(CallKind::Purge)).unwrap();
    let (answer, ()) = tokio::join!(send(&sim), async {
        sim.wait_for(|log| log.stats().held == 1).await.unwrap();
        let found = post(&sim, LIST, &json!({ "urls": urls(1) })).await;
        assert_eq!(found["total"], 1);
        assert_eq!(sim.gate().release(9), 1);
    });
    assert_eq!(answer.unwrap().status(), 200);
}

#[tokio::test]
async fn the_gate_holds_and_lets_go_oldest_first() {
    let sim = account().start().await.unwrap();
    sim.gate().close_for(CallKind::Purge);
    let page = |name: &str| json!({ "urls": [format!("http://bar.foo.com/{name}")] });
    let (a, b) = (page("a"), page("b"));
    let first = post(&sim, REFRESH, &a);
    let second = async {
        sim.wait_for(|log| log.stats().held == 1).await.unwrap();
        post(&sim, REFRESH, &b).await
    };
    let test = async {
        let log = sim.wait_for(|log| log.stats().held == 2).await.unwrap();
        assert_eq!(log.stats().ended, 0);
        // Other kinds pass, and nothing has been carried out yet.
        assert_eq!(post(&sim, LIST, &json!({ "isDir": "no" })).await["total"], 0);
        assert_eq!(sim.gate().release(1), 1);
        let log = sim.wait_for(|log| log.stats().ended == 2).await.unwrap();
        assert!(log.calls()[0].outcome.is_some() && log.calls()[1].outcome.is_none());
        assert_eq!(sim.gate().open(), 1);
    };
    let (first, second, ()) = tokio::join!(first, second, test);
    assert_eq!((&first["code"], &second["code"]), (&json!(200), &json!(200)));
}

#[tokio::test]
async fn a_call_is_carried_out_though_its_client_has_gone() {
    let sim = account().start().await.unwrap();
    sim.gate().close();
    let leaving = tokio::select! {
        _ = send(&sim) => false,
        held = sim.wait_for(|log| log.stats().held == 1) => held.is_ok(),
    };
    assert!(leaving);
    sim.gate().open();
    let log = sim.wait_for(|log| log.stats().ended == 1).await.unwrap();
    assert_eq!(log.stats().items_accepted, 1);
    assert_eq!(post(&sim, LIST, &json!({ "urls": urls(1) })).await["total"], 1);
}

#[tokio::test]
async fn the_same_seed_strikes_the_same_calls() {
    let struck = async |seed: u64| {
        let sim = account().start().await.unwrap();
        let rule = FaultRule::new(Fault::status(503)).with_chance(0.5);
        let rules = vec![rule.after(5)];
        sim.set_faults(FaultPlan { seed, rules }).unwrap();
        for _ in 0..40 {
            send(&sim).await.unwrap();
        }
        let log = sim.log();
        log.calls().iter().map(|c| c.fault.is_some()).collect::<Vec<_>>()
    };
    let (first, second, other) = tokio::join!(struck(1), struck(1), struck(2));
    assert_eq!(first, second);
    assert_ne!(first, other);
    assert!(first.iter().any(|s| *s) && !first[..5].contains(&true));
}

#[tokio::test]
async fn rules_pick_their_calls() {
    let sim = account().start().await.unwrap();
    let rule = FaultRule::new(Fault::status(500)).carrying("http://bar.foo.com/bad");
    sim.fault(rule).unwrap();
    assert_eq!(send(&sim).await.unwrap().status(), 200);
    let answer = client()
        .post(format!("{}{REFRESH}", sim.base_url()))
        .header("Authorization", authorization(REFRESH))
        .json(&json!({ "urls": ["http://bar.foo.com/bad"] }));
    assert_eq!(answer.send().await.unwrap().status(), 500);
    sim.set_faults(FaultPlan::default()).unwrap();
    let log = sim.log();
    assert_eq!(log.carrying("http://bar.foo.com/bad").count(), 1);
}

#[tokio::test]
async fn a_stopped_simulator_is_gone() {
    let sim = account().start().await.unwrap();
    sim.gate().close();
    let addr = sim.addr();
    let waiting = {
        let url = format!("{}{REFRESH}", sim.base_url());
        tokio::spawn(client().post(url).body("").send())
    };
    sim.wait_for(|log| log.stats().held == 1).await.unwrap();
    sim.stop().await;
    assert!(waiting.await.unwrap().is_err());
    // The same port, as after a provider's restart.
    let sim = account().start_with(Options::at(addr)).await.unwrap();
    assert_eq!(send(&sim).await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_call_has_ended_in_the_log_before_its_answer_is_read() {
    let sim = account().start().await.unwrap();
    for n in 1..50 {
        let answer: Value = post(&sim, LIST, &json!({ "urls": urls(1) })).await;
        assert_eq!(answer["code"], 200);
        assert_eq!(sim.log().stats().ended, n);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_is_heard_though_its_client_hangs_up_at_once() {
    use tokio::io::AsyncWriteExt;

    let sim = account().start().await.unwrap();
    for n in 1..=20 {
        let mut client = tokio::net::TcpStream::connect(sim.addr()).await.unwrap();
        let head = "POST /v2/tune/refresh HTTP/1.1\r\nhost: sim\r\ncontent-length: 0\r\n\r\n";
        client.write_all(head.as_bytes()).await.unwrap();
        drop(client);
        sim.wait_for(|log| log.stats().ended == n).await.unwrap();
    }
}

#[tokio::test]
async fn a_rule_lets_some_calls_pass_first() {
    let sim = account().start().await.unwrap();
    sim.fault(FaultRule::new(Fault::status(503)).on(CallKind::Purge).after(2).times(1)).unwrap();
    let mut statuses = Vec::new();
    for _ in 0..4 {
        // A call of another kind is not one of those that pass.
        post(&sim, LIST, &json!({ "urls": urls(1) })).await;
        statuses.push(send(&sim).await.unwrap().status().as_u16());
    }
    assert_eq!(statuses, [200, 200, 503, 200]);
}
