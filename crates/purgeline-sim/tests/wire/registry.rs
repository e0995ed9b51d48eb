//! Starting by name, and the controls of other processes.

use purgeline_sim::{
    CallRecord, Fault, FaultPlan, FaultRule, Options, PROVIDERS, Sim, StartError, Stats, start,
};
use serde_json::{Value, json};

use crate::common::client;
use crate::qiniu::{LIST, REFRESH, account, post, urls};

async fn control(sim: &Sim, path: &str, body: Value) -> (u16, String) {
    let request = client().post(format!("{}/_sim/{path}", sim.base_url()));
    let response = request.json(&body).send().await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

async fn read(sim: &Sim, path: &str) -> String {
    let url = format!("{}/_sim/{path}", sim.base_url());
    client().get(url).send().await.unwrap().text().await.unwrap()
}

#[tokio::test]
async fn each_provider_starts_by_name() {
    for name in PROVIDERS {
        let sim = start(name, Options::default(), Value::Null).await.unwrap();
        assert_eq!(sim.provider(), *name);
        let sim = start(name, Options::default(), json!({})).await.unwrap();
        assert_eq!(sim.log().stats(), &Stats::default());
        let unknown = start(name, Options::default(), json!({ "secret": 1 })).await;
        let error = unknown.unwrap_err().to_string();
        assert!(error.contains("unknown field `secret`"), "{error}");
    }
    let unknown = start("akamai", Options::default(), Value::Null).await.unwrap_err();
    assert!(matches!(unknown, StartError::UnknownProvider(_)));
    assert!(unknown.to_string().contains("qiniu"));
}

#[tokio::test]
async fn each_provider_can_refuse_with_each_of_its_codes() {
    for name in PROVIDERS {
        let sim = start(name, Options::default(), Value::Null).await.unwrap();
        for code in sim.codes() {
            let fault = Fault::refuse(code);
            sim.set_faults(FaultPlan { seed: 0, rules: vec![FaultRule::new(fault)] }).unwrap();
            let response = client().post(format!("{}/any", sim.base_url())).send().await.unwrap();
            let status = response.status();
            let log = sim.log();
            let call = log.calls().last().unwrap();
            assert_eq!(call.code(), Some(*code), "{name}");
            assert_eq!(call.outcome.as_ref().unwrap().status, Some(status.as_u16()));
        }
        assert!(sim.codes().len() >= 11, "{name}");
    }
}

#[tokio::test]
async fn settings_are_read() {
    let settings = json!({ "rate": { "calls": 1, "window_ms": 60_000 }, "urls_per_call": "many" });
    let error = start("qiniu", Options::default(), settings).await.unwrap_err();
    assert!(error.to_string().contains("urls_per_call"), "{error}");
    let taken = start("qiniu", Options::default(), Value::Null).await.unwrap();
    let error = start("qiniu", Options::at(taken.addr()), Value::Null).await.unwrap_err();
    assert!(matches!(error, StartError::Listen { .. }), "{error}");
}

#[tokio::test]
async fn the_log_is_read_from_outside() {
    let sim = account().start().await.unwrap();
    for n in 1..=3 {
        post(&sim, REFRESH, &json!({ "urls": [format!("http://bar.foo.com/{n}")] })).await;
    }
    let lines = read(&sim, "log?from=1&limit=1").await;
    let calls: Vec<CallRecord> = lines.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(calls, [(*sim.log().calls()[1]).clone()]);
    assert_eq!(read(&sim, "log").await.lines().count(), 3);
    let stats: Stats = serde_json::from_str(&read(&sim, "stats").await).unwrap();
    assert_eq!(&stats, sim.log().stats());
    assert_eq!((stats.arrived, stats.items_distinct), (3, 3));
}

#[tokio::test]
async fn faults_fates_and_gate_are_set_from_outside() {
    let sim = account().start().await.unwrap();
    let rule = json!({ "fault": { "refuse": { "code": "403024" } }, "on": "purge", "times": 1 });
    let (status, _) = control(&sim, "faults", json!({ "seed": 7, "rules": [rule] })).await;
    assert_eq!(status, 200);
    let body = json!({ "urls": urls(1) });
    assert_eq!(post(&sim, REFRESH, &body).await["code"], 403_024);
    let rule = json!({ "fault": { "refuse": { "code": "no such" } } });
    let (status, error) = control(&sim, "faults", json!({ "rules": [rule] })).await;
    assert_eq!(status, 400);
    assert!(error.contains("403024"), "{error}");

    let fates = json!({
        "rules": [{ "items": { "prefix": "http://bar." }, "ending": { "failure": "origin 404" } }],
    });
    assert_eq!(control(&sim, "fates", fates).await.0, 200);
    control(&sim, "gate", json!({ "close_for": "purge" })).await;
    let (answer, ()) = tokio::join!(post(&sim, REFRESH, &body), async {
        sim.wait_for(|log| log.stats().held == 1).await.unwrap();
        let (_, answer) = control(&sim, "gate", json!("open")).await;
        assert_eq!(answer, r#"{"changed":1}"#);
    });
    assert_eq!(answer["code"], 200);
    let settle = json!({ "settle": [{ "items": "all", "ending": { "failure": "told" } }] });
    assert_eq!(control(&sim, "fates", settle).await.1, r#"{"changed":1}"#);
    let found = post(&sim, LIST, &body).await;
    assert_eq!(found["items"][0]["stateDetail"], "told");
}
