//! Huawei Cloud: signatures, tokens, creation of tasks in both APIs.

use std::time::Duration;

use purgeline_sim::huawei::{ErrorShape, HuaweiSettings};
use purgeline_sim::{CallKind, Fault, FaultRule, ManualClock, Options, Sim};
use serde_json::{Value, json};

use crate::common::{client, send_vector};

pub(crate) const CURRENT: &str = "/v1.0/cdn/content/refresh-tasks";
pub(crate) const LEGACY: &str = "/v1.0/cdn/refreshtasks";

fn worked() -> Value {
    purgeline_vectors::worked_examples("huawei")
}

/// The vectors' keys.
fn keys() -> HuaweiSettings {
    let key = |name: &str| worked()["credentials"][name].as_str().unwrap().to_owned();
    HuaweiSettings { access_key: key("ak"), secret_key: key("sk").into(), ..HuaweiSettings::default() }
}

/// A simulator on a hand-turned clock, used with its first token.
pub(crate) struct Account {
    pub(crate) sim: Sim,
    pub(crate) clock: ManualClock,
    token: String,
}

impl Account {
    pub(crate) async fn open(settings: HuaweiSettings) -> Self {
        let clock = ManualClock::at("2026-01-01T12:00:00+08:00".parse().unwrap());
        let settings = HuaweiSettings { token_life_s: 30 * 86_400, ..settings };
        let sim = settings.start_with(Options::with_clock(clock.clone())).await.unwrap();
        let token = token(&sim, "sim-password").await.unwrap();
        Self { sim, clock, token }
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, Value) {
        self.call(client().get(format!("{}{path}", self.sim.base_url()))).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        self.call(client().post(format!("{}{path}", self.sim.base_url())).json(body)).await
    }

    async fn call(&self, request: reqwest::RequestBuilder) -> (u16, Value) {
        let response = request.header("X-Auth-Token", &self.token).send().await.unwrap();
        assert!(response.headers().contains_key("X-Request-Id"));
        (response.status().as_u16(), response.json().await.unwrap())
    }

    /// Creates a task by the current API; its id, or the error's code.
    pub(crate) async fn create(&self, kind: &str, urls: &[String]) -> Result<String, String> {
        let (_, answer) = self.post(CURRENT, &current(kind, urls)).await;
        match answer["refresh_task"].as_str() {
            Some(id) => Ok(id.to_owned()),
            None => Err(code(&answer)),
        }
    }
}

async fn token(sim: &Sim, password: &str) -> Option<String> {
    let user = json!({ "name": "sim-user", "password": password, "domain": { "name": "sim-domain" } });
    let identity = json!({ "methods": ["password"], "password": { "user": user } });
    let body = json!({ "auth": { "identity": identity, "scope": { "domain": { "name": "sim-domain" } } } });
    let request = client().post(format!("{}/v3/auth/tokens", sim.base_url())).json(&body);
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let token = response.headers().get("X-Subject-Token").map(|t| t.to_str().unwrap().to_owned());
    assert_eq!(status, if token.is_some() { 201 } else { 401 });
    token
}

fn current(kind: &str, urls: &[String]) -> Value {
    json!({ "refresh_task": { "type": kind, "urls": urls } })
}

/// The error's code in the documented shape, or the gateway's.
pub(crate) fn code(answer: &Value) -> String {
    let nested = answer["error"]["error_code"].as_str();
    nested.or(answer["error_code"].as_str()).unwrap_or_default().to_owned()
}

pub(crate) fn urls(n: usize) -> Vec<String> {
    (0..n).map(|i| format!("http://www.example.com/{i}")).collect()
}

fn dirs(n: usize) -> Vec<String> {
    (0..n).map(|i| format!("http://www.example.com/{i}/")).collect()
}

fn at(date: &str) -> Options {
    let date = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", date).unwrap();
    let time = date.to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp();
    Options::with_clock(ManualClock::at(time))
}

#[tokio::test]
async fn accepts_what_the_sdk_sends() {
    for vector in purgeline_vectors::requests("huawei") {
        let domain_id = vector["credentials"]["domain_id"].as_str().map(str::to_owned);
        let options = at(vector["signing"]["x_sdk_date"].as_str().unwrap());
        let sim = HuaweiSettings { domain_id, ..keys() }.start_with(options).await.unwrap();
        let (status, answer) = send_vector(sim.base_url(), &vector).await;
        // The one task that is asked for does not exist here.
        let unknown = vector["label"] == "huawei-python-history-task-details";
        let expected = if unknown { 404 } else { 200 };
        assert_eq!(status, expected, "{}: {answer}", vector["label"]);
        assert_eq!(code(&answer), if unknown { "CDN.0003" } else { "" });
    }
}

async fn send_worked(example: &Value, settings: HuaweiSettings, date: &str, signature: &str) -> (u16, Value) {
    let sim = settings.start_with(at(date)).await.unwrap();
    let vectors = worked();
    let method = example["method"].as_str().unwrap().parse().unwrap();
    let path = example["path"].as_str().unwrap();
    let response = client()
        .request(method, format!("{}{path}", sim.base_url()))
        .header("Host", vectors["host"].as_str().unwrap())
        .header("Content-Type", vectors["content_type"].as_str().unwrap())
        .header("X-Sdk-Date", vectors["x_sdk_date"].as_str().unwrap())
        .header("Authorization", signature)
        .body(example["body"].as_str().unwrap().to_owned())
        .send()
        .await
        .unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

#[tokio::test]
async fn signatures_hold_for_a_quarter_of_an_hour() {
    for example in worked()["examples"].as_array().unwrap() {
        let signature = example["authorization"].as_str().unwrap();
        let good = if example["method"] == "GET" { 404 } else { 200 };
        for (date, status, told) in [
            ("20260101T000000Z", good, None),
            ("20260101T001500Z", good, None),
            ("20251231T234500Z", good, None),
            ("20260101T001501Z", 401, Some("APIGW.0303")),
            ("20251231T234459Z", 401, Some("APIGW.0303")),
        ] {
            let (got, answer) = send_worked(example, keys(), date, signature).await;
            assert_eq!(got, status, "{date} {answer}");
            assert!(told.is_none_or(|told| told == code(&answer)));
        }
    }
}

#[tokio::test]
async fn refuses_wrong_signatures() {
    let example = worked()["examples"][0].clone();
    let good = example["authorization"].as_str().unwrap().to_owned();
    let mut tampered = example.clone();
    tampered["body"] = json!(example["body"].as_str().unwrap().replace("web", "wab"));
    let mut elsewhere = example.clone();
    elsewhere["path"] = json!("/v1.0/cdn/refreshtasks?enterprise_project_id=1");
    let stranger = HuaweiSettings { secret_key: "other".into(), ..keys() };
    let temporary = HuaweiSettings { security_token: Some("token".into()), ..keys() };
    let cases = [
        (&tampered, keys(), good.clone()),
        (&elsewhere, keys(), good.clone()),
        (&example, stranger, good.clone()),
        (&example, temporary, good.clone()),
        (&example, keys(), good.replace("Access=H", "Access=X")),
        (&example, keys(), good.replace("content-type;host;", "content-type;")),
        (&example, keys(), good.replace("SDK-HMAC-SHA256", "SDK-HMAC-SM3")),
        (&example, keys(), String::new()),
    ];
    for (example, settings, signature) in cases {
        let (status, answer) = send_worked(example, settings, "20260101T000000Z", &signature).await;
        assert_eq!((status, code(&answer).as_str()), (401, "APIGW.0301"), "{signature}");
        assert!(answer["request_id"].is_string());
    }
}

#[tokio::test]
async fn a_token_lives_a_day() {
    let clock = ManualClock::at("2026-01-01T00:00:00Z".parse().unwrap());
    let options = Options::with_clock(clock.clone());
    let sim = HuaweiSettings::default().start_with(options).await.unwrap();
    assert_eq!(token(&sim, "wrong").await, None);
    let first = token(&sim, "sim-password").await.unwrap();
    let told = async |token: &str| {
        let request = client().get(format!("{}/v1.0/cdn/quota", sim.base_url()));
        let response = request.header("X-Auth-Token", token).send().await.unwrap();
        (response.status().as_u16(), code(&response.json().await.unwrap()))
    };
    clock.advance(Duration::from_secs(86_399));
    assert_eq!(told(&first).await, (200, String::new()));
    let second = token(&sim, "sim-password").await.unwrap();
    clock.advance(Duration::from_secs(1));
    assert_eq!(told(&first).await, (401, "APIGW.0307".into()));
    assert_eq!(told(&second).await, (200, String::new()));
    assert_eq!(told("made-up").await, (401, "APIGW.0301".into()));
    assert_eq!(sim.log().of_kind(CallKind::Token).count(), 3);
}

#[tokio::test]
async fn the_seeds_api_answers_a_whole_task() {
    let account = Account::open(HuaweiSettings::default()).await;
    let urls = ["http://www.example.com/index.html", "http://www.example.com/web"];
    let body = json!({ "refreshTask": { "type": "file", "urls": urls } });
    let (status, answer) = account.post(&format!("{LEGACY}?enterprise_project_id=0"), &body).await;
    let id = answer["refreshTask"]["id"].as_str().unwrap();
    let task = json!({
        "id": id, "status": "task_inprocess", "processing": 2, "succeed": 0, "failed": 0,
        "urls": urls, "task_type": "refresh", "total": 2, "create_time": 1_767_240_000_000_i64,
    });
    assert_eq!((status, &answer), (200, &json!({ "refreshTask": task })));
    assert_eq!(id.len(), 32);
    let call = account.sim.log().calls()[1].clone();
    assert_eq!((call.kind, call.accepted()), (CallKind::Purge, 2));
    assert_eq!(call.options["enterprise_project_id"], "0");
    // The type may be left out.
    let (_, answer) = account.post(LEGACY, &json!({ "refreshTask": { "urls": urls } })).await;
    assert_eq!(answer["refreshTask"]["total"], 2);
}

#[tokio::test]
async fn todays_api_answers_an_id() {
    let account = Account::open(HuaweiSettings::default()).await;
    let task = json!({
        "type": "directory", "mode": "detect_modify_refresh", "zh_url_encode": true,
        "urls": ["http://www.example.com/web/"],
    });
    let (status, answer) = account.post(CURRENT, &json!({ "refresh_task": task })).await;
    assert_eq!(status, 200);
    let id = answer["refresh_task"].as_str().unwrap();
    assert!(id.parse::<u64>().is_ok());
    let call = account.sim.log().calls()[1].clone();
    assert_eq!(call.options["mode"], "detect_modify_refresh");
    assert_eq!(call.options["zh_url_encode"], "true");
    assert_eq!(call.outcome.as_ref().unwrap().receipt.as_deref(), Some(id));
}

#[tokio::test]
async fn refuses_what_no_task_may_be() {
    let account =
        Account::open(HuaweiSettings { rate: purgeline_sim::Rate::LIFTED, ..Default::default() }).await;
    for (path, body) in [
        (CURRENT, json!({ "refreshTask": { "urls": urls(1) } })),
        (LEGACY, json!({ "refresh_task": { "urls": urls(1) } })),
        (CURRENT, json!({ "refresh_task": { "type": "both", "urls": urls(1) } })),
        (CURRENT, json!({ "refresh_task": { "mode": "some", "urls": urls(1) } })),
        (CURRENT, json!({ "refresh_task": { "urls": [] } })),
        (CURRENT, json!({ "refresh_task": {} })),
    ] {
        let (status, answer) = account.post(path, &body).await;
        assert_eq!((status, code(&answer).as_str()), (400, "CDN.0001"), "{body}");
    }
    let long = |n: usize| format!("http://www.example.com/{}", "x".repeat(n - 23));
    let malformed = Err("CDN.0001".to_owned());
    for bad in ["www.example.com/", "ftp://www.example.com/", &long(4_097)] {
        assert_eq!(account.create("file", &[bad.into()]).await, malformed);
    }
    assert_eq!(account.create("directory", &urls(1)).await, malformed, "a directory ends with /");
    assert_eq!(account.create("file", &["http://".into()]).await, Err("CDN.0201".into()));
    assert!(account.create("file", &[long(4_096)]).await.is_ok());
    let legacy = |n| json!({ "refreshTask": { "urls": [long(n)] } });
    assert_eq!(account.post(LEGACY, &legacy(10_240)).await.0, 200);
    assert_eq!(account.post(LEGACY, &legacy(10_241)).await.0, 400);
    let (status, answer) = account.get("/v1.0/cdn/refreshtasks").await;
    assert_eq!((status, code(&answer).as_str()), (404, "APIGW.0101"));
}

#[tokio::test]
async fn too_many_items_are_an_error_inside_200() {
    let settings = HuaweiSettings { dir_quota_day: 2_000, ..HuaweiSettings::default() };
    let account = Account::open(settings).await;
    assert_eq!(account.create("file", &urls(1_001)).await, Err("CDN.0110".into()));
    assert_eq!(account.create("directory", &dirs(101)).await, Err("CDN.0110".into()));
    assert!(account.create("file", &urls(1_000)).await.is_ok());
    assert!(account.create("directory", &dirs(100)).await.is_ok());
    let legacy = |n| json!({ "refreshTask": { "type": "directory", "urls": dirs(n) } });
    let (status, answer) = account.post(LEGACY, &legacy(1_001)).await;
    assert_eq!((status, code(&answer).as_str()), (200, "CDN.0110"));
    assert_eq!(account.post(LEGACY, &legacy(1_000)).await.1["refreshTask"]["total"], 1_000);
}

#[tokio::test]
async fn one_bad_item_refuses_its_task_unnamed() {
    let settings = HuaweiSettings {
        hosts: Some(vec!["*.example.com".into()]),
        host_codes: [("banned.example.com".into(), "CDN.0115".into())].into(),
        bad_urls: ["http://www.example.com/cursed".to_owned()].into(),
        ..HuaweiSettings::default()
    };
    let account = Account::open(settings).await;
    for (bad, told) in [
        ("http://www.example.com/cursed", "CDN.0001"),
        ("http://other.com/", "CDN.0108"),
        ("http://banned.example.com/", "CDN.0115"),
    ] {
        let both = [urls(1), vec![bad.to_owned()]].concat();
        let (_, answer) = account.post(CURRENT, &current("file", &both)).await;
        assert_eq!(code(&answer), told);
        assert!(!answer.to_string().contains(bad));
    }
    assert_eq!(account.sim.log().stats().items_accepted, 0);
    assert!(account.create("file", &urls(1)).await.is_ok());
}

#[tokio::test]
async fn errors_come_in_every_shape() {
    for (error_shape, pointer) in [
        (ErrorShape::Nested, "/error/error_code"),
        (ErrorShape::Flat, "/error_code"),
        (ErrorShape::Camel, "/errorCode"),
        (ErrorShape::Plain, "/code"),
    ] {
        let account = Account::open(HuaweiSettings { error_shape, ..Default::default() }).await;
        let (status, answer) = account.post(CURRENT, &current("file", &urls(1_001))).await;
        assert_eq!((status, answer.pointer(pointer)), (200, Some(&json!("CDN.0110"))));
        // The gateway's own have one shape.
        account.sim.fault(FaultRule::new(Fault::refuse("APIGW.0308"))).unwrap();
        let (status, answer) = account.post(CURRENT, &current("file", &urls(1))).await;
        assert_eq!((status, &answer["error_code"]), (429, &json!("APIGW.0308")));
    }
}

#[tokio::test]
async fn sub_users_name_their_project() {
    let projects = Some(vec!["0".to_owned()]);
    let account = Account::open(HuaweiSettings { sub_user: true, projects, ..Default::default() }).await;
    let told = async |query: &str| {
        let path = format!("{CURRENT}{query}");
        let (status, answer) = account.post(&path, &current("file", &urls(1))).await;
        (status, code(&answer))
    };
    assert_eq!(told("").await, (403, "CDN.0020".into()));
    assert_eq!(told("?enterprise_project_id=7").await, (403, "CDN.0020".into()));
    for good in ["?enterprise_project_id=0", "?enterprise_project_id=all"] {
        assert_eq!(told(good).await, (200, String::new()));
    }
    // The quotas are the account's.
    assert_eq!(account.get("/v1.0/cdn/quota").await.0, 200);
}
