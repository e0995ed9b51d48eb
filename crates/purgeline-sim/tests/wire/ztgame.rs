//! ztgame: tokens, purges of one host, the status of a whole task.

use std::time::Duration;

use purgeline_sim::ztgame::{AnswerShape, TokenBody, ZtgameSettings};
use purgeline_sim::{CallKind, Ending, FateRule, Fault, FaultRule, ManualClock, Options, Selector, Sim};
use serde_json::{Value, json};

use crate::common::client;

/// A simulator on a hand-turned clock, used with its first token.
struct Account {
    sim: Sim,
    clock: ManualClock,
    token: String,
}

impl Account {
    async fn open(settings: ZtgameSettings) -> Self {
        let clock = ManualClock::at("2015-11-24T19:39:11+08:00".parse().unwrap());
        let sim = settings.start_with(Options::with_clock(clock.clone())).await.unwrap();
        let token = login(&sim, "sim-password").await["access"]["token"]["id"].take();
        Self { sim, clock, token: token.as_str().unwrap().to_owned() }
    }

    async fn purge(&self, body: &Value) -> (u16, Value) {
        let request = client().post(format!("{}/cdn_api/purge", self.sim.base_url())).json(body);
        let response = request.header("X-Auth-Token", &self.token).send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    async fn status(&self, id: &str) -> (u16, Value) {
        let request = client().get(format!("{}/cdn_api/req_status/{id}", self.sim.base_url()));
        let response = request.header("X-Auth-Token", &self.token).send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    /// Submits urls; the task's id.
    async fn submit(&self, urls: &[String]) -> String {
        let (status, answer) = self.purge(&json!({ "urls": urls })).await;
        assert_eq!(status, 200, "{answer}");
        answer["zt_api"]["reqId"].as_str().unwrap().to_owned()
    }

    async fn state(&self, id: &str) -> String {
        self.status(id).await.1["task"]["taskStatus"].as_str().unwrap().to_owned()
    }
}

async fn ask_token(sim: &Sim, body: Value) -> Value {
    let request = client().post(format!("{}/cdn_api/tokens", sim.base_url())).json(&body);
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 200, "whatever it says");
    response.json().await.unwrap()
}

async fn login(sim: &Sim, password: &str) -> Value {
    ask_token(sim, json!({ "username": "sim-user", "password": password })).await
}

fn urls(n: usize) -> Vec<String> {
    (0..n).map(|i| format!("http://hewenchina.com/static/{i}.jpg")).collect()
}

#[tokio::test]
async fn a_token_is_given_for_either_body() {
    let flat = json!({ "username": "sim-user", "password": "sim-password" });
    let nested = json!({ "auth": { "passwordCredentials": flat } });
    for (token_body, takes_flat, takes_nested) in
        [(TokenBody::Any, true, true), (TokenBody::Flat, true, false), (TokenBody::Nested, false, true)]
    {
        let sim = ZtgameSettings { token_body, ..Default::default() }.start().await.unwrap();
        for (body, taken) in [(&flat, takes_flat), (&nested, takes_nested)] {
            let answer = ask_token(&sim, body.clone()).await;
            assert_eq!(answer["access"]["token"]["id"].is_string(), taken);
            assert_eq!(answer["error"].is_string(), !taken);
        }
    }
    let sim = ZtgameSettings::default().start().await.unwrap();
    assert_eq!(login(&sim, "wrong").await, json!({ "error": "Invalid user / password" }));
    assert_eq!(sim.log().of_kind(CallKind::Token).count(), 1);
}

#[tokio::test]
async fn a_token_lives_a_day() {
    let account = Account::open(ZtgameSettings::default()).await;
    let answer = login(&account.sim, "sim-password").await;
    assert_eq!(answer["access"]["token"]["expires"], "2015-11-25T11:39:11Z");
    account.clock.advance(Duration::from_secs(86_399));
    let body = json!({ "urls": urls(1) });
    assert_eq!(account.purge(&body).await.0, 200);
    account.clock.advance(Duration::from_secs(1));
    assert_eq!(account.purge(&body).await, (400, json!({ "error": "invalid token" })));
    let stranger = Account { token: "made-up".into(), ..account };
    assert_eq!(stranger.purge(&body).await, (404, json!({ "error": "Could not find token" })));
    let request = client().post(format!("{}/cdn_api/purge", stranger.sim.base_url())).json(&body);
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 401);
    assert_eq!(response.text().await.unwrap(), "Unauthorized");
}

#[tokio::test]
async fn a_success_has_the_shape_that_is_set() {
    for (answer, success_rate, expected) in [
        (AnswerShape::Nested, 100.0, json!({ "zt_api": { "msg": "OK", "ret": 0, "success_rate": 100.0 } })),
        (
            AnswerShape::NestedCamel,
            100.0,
            json!({ "zt_api": { "msg": "OK", "ret": 0, "successRate": 100.0 } }),
        ),
        (AnswerShape::Flat, 66.6, json!({ "successRate": 66.6 })),
    ] {
        let account = Account::open(ZtgameSettings { answer, success_rate, ..Default::default() }).await;
        let (status, mut answer) = account.purge(&json!({ "urls": urls(10) })).await;
        let holder = if answer["zt_api"].is_object() { &mut answer["zt_api"] } else { &mut answer };
        let id = holder.as_object_mut().unwrap().remove("reqId").unwrap();
        assert_eq!((status, answer), (200, expected));
        let id = id.as_str().unwrap();
        assert_eq!(id.len(), "fa97b5d1-929f-11e5-b504-e03f4978b2ff".len());
        let call = account.sim.log().calls()[1].clone();
        assert_eq!((call.accepted(), call.outcome.as_ref().unwrap().receipt.as_deref()), (10, Some(id)));
    }
}

#[tokio::test]
async fn refuses_what_no_call_may_be() {
    let settings = ZtgameSettings {
        hosts: Some(vec!["hewenchina.com".into()]),
        bad_urls: ["http://hewenchina.com/cursed".to_owned()].into(),
        ..ZtgameSettings::default()
    };
    let account = Account::open(settings).await;
    let mixed = [urls(1), vec!["http://other.com/".into()]].concat();
    let port = json!({ "urls": ["http://hewenchina.com:8080/a", "https://hewenchina.com/b"] });
    let downstream = json!({ "error": "purge failed", "successRate": 50.0 });
    let error = |text: &str| json!({ "error": text });
    for (body, status, told) in [
        (json!({ "urls": mixed }), 400, error("A single host name can only be submitted at a time")),
        (json!({ "urls": ["http://other.com/"] }), 403, error("other.com is not yours or not ready")),
        (json!({ "urls": ["nonsense"] }), 403, error(" is not yours or not ready")),
        (json!({ "urls": [] }), 404, error("can not found sp")),
        (json!({}), 404, error("can not found sp")),
        (json!({ "urls": urls(11) }), 400, error("no more than 10 can be submitted at a time")),
        (json!({ "urls": ["http://hewenchina.com/cursed"] }), 400, downstream.clone()),
        (json!({ "dirs": ["http://hewenchina.com/dir"] }), 400, downstream),
    ] {
        assert_eq!(account.purge(&body).await, (status, told), "{body}");
    }
    assert_eq!(account.sim.log().stats().items_accepted, 0);
    assert_eq!(account.purge(&port).await.0, 200, "a host is one whatever its port");

    let request = client().post(format!("{}/cdn_api/purge", account.sim.base_url()));
    let request = request.header("X-Auth-Token", &account.token).body("urls=a");
    assert_eq!(request.send().await.unwrap().status(), 400);
    let get = client().get(format!("{}/cdn_api/purge", account.sim.base_url()));
    assert_eq!(get.send().await.unwrap().status(), 405);
    let lost = client().get(format!("{}/cdn_api/parge", account.sim.base_url()));
    assert_eq!(lost.send().await.unwrap().status(), 404);
}

#[tokio::test]
async fn urls_beside_dirs_are_lost() {
    let account = Account::open(ZtgameSettings::default()).await;
    let dir = "http://hewenchina.com/static/";
    let (status, answer) = account.purge(&json!({ "urls": urls(2), "dirs": [dir] })).await;
    assert_eq!(status, 200);
    let call = account.sim.log().calls()[1].clone();
    let taken: Vec<bool> = call.items.iter().map(|i| i.accepted.unwrap()).collect();
    assert_eq!(taken, [false, false, true]);
    let id = answer["zt_api"]["reqId"].as_str().unwrap();
    let (_, answer) = account.status(id).await;
    assert_eq!((&answer["task"]["taskType"], &answer["task"]["taskContent"]), (&json!("0"), &json!(dir)));
    // A dir among the urls is purged as a file.
    let id = account.submit(&[dir.to_owned()]).await;
    assert_eq!(account.status(&id).await.1["task"]["taskType"], "1");
}

#[tokio::test]
async fn a_status_is_of_the_whole_task() {
    let account = Account::open(ZtgameSettings::default()).await;
    let names = urls(4);
    let all = names.join(",");
    let id = account.submit(&names).await;
    let task = |status: &str, done: Value| {
        json!({ "task": {
            "taskId": id, "projectId": "sim-project", "taskType": "1", "taskContent": all[..80],
            "taskStatus": status, "taskUser": "sim-user",
            "taskCreateAt": "Tue, 24 Nov 2015 19:39:11 GMT", "taskDoneAt": done,
        } })
    };
    assert_eq!(account.status(&id).await, (200, task("run", Value::Null)));
    account.clock.advance(Duration::from_secs(5));
    let done = json!("Tue, 24 Nov 2015 19:39:16 GMT");
    assert_eq!(account.status(&id).await, (200, task("success", done)));
    let unknown = account.status("fa97b5d1-929f-11e5-b504-e03f4978b2ff").await;
    assert_eq!(unknown, (404, json!({ "error": "task id can not found" })));

    let fate = |detail: &str| {
        FateRule::new(Selector::Exact(names[1].clone()), Ending::Failure(detail.into())).times(1)
    };
    for (detail, word) in [("origin 404", "failure"), ("error", "error"), ("delete", "delete")] {
        account.sim.fate(fate(detail));
        let id = account.submit(&names).await;
        account.clock.advance(Duration::from_secs(5));
        assert_eq!(account.state(&id).await, word);
    }
}

#[tokio::test]
async fn a_task_may_run_for_ever() {
    let account = Account::open(ZtgameSettings { runs_for_ever: true, ..Default::default() }).await;
    let id = account.submit(&urls(1)).await;
    account.clock.advance(Duration::from_secs(86_000));
    let (_, answer) = account.status(&id).await;
    let told = (&answer["task"]["taskStatus"], &answer["task"]["taskDoneAt"]);
    assert_eq!(told, (&json!("run"), &Value::Null));
}

#[tokio::test]
async fn faults_speak_the_providers_words() {
    let account = Account::open(ZtgameSettings::default()).await;
    let failed = json!({ "zt_api": { "msg": "failed", "reqId": "", "ret": 1, "success_rate": 0.0 } });
    for (code, status, told) in [
        ("ret 1", 200, failed),
        ("downstream 500", 500, json!({ "error": "purge failed", "successRate": 50.0 })),
        ("not yours", 403, json!({ "error": "hewenchina.com is not yours or not ready" })),
        ("invalid token", 400, json!({ "error": "invalid token" })),
    ] {
        account.sim.fault(FaultRule::new(Fault::refuse(code)).times(1)).unwrap();
        assert_eq!(account.purge(&json!({ "urls": urls(1) })).await, (status, told));
    }
}
