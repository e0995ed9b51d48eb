//! Wangsu: signatures, the shape of calls and answers, items.

use std::time::Duration;

use purgeline_sim::wangsu::WangsuSettings;
use purgeline_sim::{CallKind, Fault, FaultRule, ManualClock, Options, Sim};
use serde_json::{Value, json};

use crate::common::{client, send_vector};

pub(crate) const PURGE: &str = "/ccm/purge/ItemIdReceiver";
pub(crate) const QUERY: &str = "/ccm/purge/ItemIdQuery";

fn worked() -> Value {
    purgeline_vectors::worked_examples("wangsu")
}

/// The vectors' account.
pub(crate) fn account() -> WangsuSettings {
    let key = |name: &str| worked()["credentials"][name].as_str().unwrap().to_owned();
    WangsuSettings {
        username: key("username"),
        api_key: key("api_key").into(),
        access_key: key("access_key"),
        secret_key: key("secret_key").into(),
        ..WangsuSettings::default()
    }
}

/// The account at the time of the first worked example, which [`post`] signs with whatever the
/// clock says later.
pub(crate) async fn start(settings: WangsuSettings) -> (Sim, ManualClock) {
    let clock = ManualClock::at("2017-04-30T23:20:37Z".parse().unwrap());
    let settings = WangsuSettings { clock_tolerance_s: 10 * 86_400, ..settings };
    let options = Options::with_clock(clock.clone());
    (settings.start_with(options).await.unwrap(), clock)
}

pub(crate) async fn post(sim: &Sim, path: &str, body: &Value) -> Value {
    let example = &worked()["basic"][0];
    let response = client()
        .post(format!("{}{path}", sim.base_url()))
        .header("Date", example["date"].as_str().unwrap())
        .header("Authorization", example["authorization"].as_str().unwrap())
        .json(body)
        .send()
        .await
        .unwrap();
    assert!(response.headers().contains_key("x-cnc-request-id"));
    let mut answer: Value = response.json().await.unwrap();
    if answer["Code"] == json!(null) {
        answer["Code"] = answer["code"].take();
    }
    answer
}

/// Submits, and gives the answer's message.
pub(crate) async fn message(sim: &Sim, body: Value) -> String {
    let answer = post(sim, PURGE, &body).await;
    answer["Message"].as_str().unwrap_or_default().to_owned()
}

pub(crate) fn urls(n: usize) -> Vec<String> {
    (0..n).map(|i| format!("http://www.a.com/{i}.html")).collect()
}

fn at(text: &str) -> Options {
    Options::with_clock(ManualClock::at(text.parse().unwrap()))
}

#[tokio::test]
async fn accepts_what_the_sdk_and_the_seeds_script_send() {
    for vector in purgeline_vectors::requests("wangsu") {
        let time = vector["signing"]["x_cnc_timestamp"].as_str();
        let time = time.map_or(Ok("2017-04-30T23:20:37Z".parse().unwrap()), |seconds| {
            jiff::Timestamp::from_second(seconds.parse().unwrap())
        });
        let options = Options::with_clock(ManualClock::at(time.unwrap()));
        let dir_delete = true;
        let sim = WangsuSettings { dir_delete, ..account() }.start_with(options).await.unwrap();
        let (status, answer) = send_vector(sim.base_url(), &vector).await;
        let good = answer["Code"] == 1 || answer["message"] == "success";
        assert!(status == 200 && good, "{}: {answer}", vector["label"]);
    }
}

#[tokio::test]
async fn accepts_the_worked_examples() {
    let times = ["2017-04-30T23:20:37Z", "2024-04-15T07:05:35Z"];
    for (example, time) in worked()["basic"].as_array().unwrap().iter().zip(times) {
        let sim = account().start_with(at(time)).await.unwrap();
        // Under either name of the date.
        for header in ["Date", "x-cnc-date"] {
            let answer = client()
                .post(format!("{}{QUERY}", sim.base_url()))
                .header(header, example["date"].as_str().unwrap())
                .header("Authorization", example["authorization"].as_str().unwrap())
                .json(&json!({ "itemId": "64ec364dd81d4052a3534c1e86167950" }));
            let answer: Value = answer.send().await.unwrap().json().await.unwrap();
            assert_eq!(answer["Code"], 1, "{header}");
        }
    }
}

fn aksk(sim: &Sim, signature: &str, timestamp: &str) -> reqwest::RequestBuilder {
    let example = worked();
    let key = example["credentials"]["access_key"].as_str().unwrap();
    let fields = format!("Credential={key}, SignedHeaders=content-type;host, Signature={signature}");
    client()
        .post(format!("{}{QUERY}", sim.base_url()))
        .header("Host", "open.chinanetcenter.com")
        .header("Content-Type", "application/json")
        .header("x-cnc-accessKey", key)
        .header("x-cnc-timestamp", timestamp)
        .header("x-cnc-auth-method", "AKSK")
        .header("Authorization", format!("CNC-HMAC-SHA256 {fields}"))
        .body(example["aksk"]["body"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn an_aksk_signature_works_once_and_in_time() {
    let signature = worked()["aksk"]["signature"].as_str().unwrap().to_owned();
    let status = async |request: reqwest::RequestBuilder| request.send().await.unwrap().status().as_u16();

    let sim = account().start_with(at("2026-01-01T00:05:00Z")).await.unwrap();
    let good = || aksk(&sim, &signature, "1767225600");
    let tampered = good().body("{}");
    assert_eq!(status(tampered).await, 401);
    assert_eq!(status(aksk(&sim, &signature.replace('b', "c"), "1767225600")).await, 401);
    assert_eq!(status(aksk(&sim, &signature, "1767225601")).await, 401);
    assert_eq!(status(good()).await, 200);
    assert_eq!(status(good()).await, 401, "the same signature again");

    for stale in ["2026-01-01T00:05:01Z", "2025-12-31T23:54:59Z"] {
        let sim = account().start_with(at(stale)).await.unwrap();
        assert_eq!(status(aksk(&sim, &signature, "1767225600")).await, 401, "{stale}");
    }
}

#[tokio::test]
async fn refuses_wrong_users_passwords_and_dates() {
    let example = worked()["basic"][0].clone();
    let date = example["date"].as_str().unwrap();
    let good = example["authorization"].as_str().unwrap();
    // base64 of "someone:QvRYV/b1wE7H1ARTrx/QN3ohePs=" and "username:wrong"
    let stranger = "Basic c29tZW9uZTpRdlJZVi9iMXdFN0gxQVJUcngvUU4zb2hlUHM9";
    let wrong = "Basic dXNlcm5hbWU6d3Jvbmc=";
    let sim = account().start_with(at("2017-04-30T23:20:37Z")).await.unwrap();
    let cases = [
        (Some(good), Some(date), 200, "handle success"),
        (Some(stranger), Some(date), 200, "username is invalid"),
        (Some(wrong), Some(date), 401, "wrong password"),
        (Some(good), None, 401, "no Date"),
        (Some(good), Some("yesterday"), 401, "the Date cannot be read"),
        (Some(good), Some("Sun, 30 Apr 2017 23:20:38 GMT"), 401, "wrong password"),
        (Some(good), Some("Sun, 30 Apr 2017 23:25:38 GMT"), 401, "the request's time is too far off"),
        (Some("Basic ???"), Some(date), 401, "the credentials cannot be read"),
        (None, Some(date), 401, "no authorization that this server knows"),
    ];
    for (authorization, date, status, told) in cases {
        let mut request = client()
            .post(format!("{}{PURGE}", sim.base_url()))
            .json(&json!({ "urls": ["http://www.a.com/"] }));
        for (name, value) in [("Authorization", authorization), ("Date", date)] {
            if let Some(value) = value {
                request = request.header(name, value);
            }
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status().as_u16(), status, "{told}");
        let answer: Value = response.json().await.unwrap();
        let message = answer["Message"].as_str().or(answer["message"].as_str());
        assert_eq!(message, Some(told));
    }
    assert_eq!(sim.log().stats().items_accepted, 1);
}

#[tokio::test]
async fn a_success_is_the_seeds() {
    let (sim, _clock) = start(account()).await;
    let body = json!({
        "urls": ["https://www.abc.com/test/test1.txt"], "urlAction": "delete",
        "dirs": ["https://www.abc.com/test/"], "dirAction": "expire",
    });
    let answer = post(&sim, PURGE, &body).await;
    let id = answer["itemId"].as_str().unwrap();
    assert!(id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit()));
    assert_eq!(answer, json!({ "Code": 1, "Message": "handle success", "itemId": id }));
    let call = sim.log().calls()[0].clone();
    assert_eq!((call.kind, call.accepted()), (CallKind::Purge, 2));
    assert_eq!((&*call.options["urlAction"], &*call.options["dirAction"]), ("delete", "expire"));
    assert_eq!(call.outcome.as_ref().unwrap().receipt.as_deref(), Some(id));
}

#[tokio::test]
async fn refuses_what_no_call_may_be() {
    let (sim, _clock) = start(account()).await;
    let cases = [
        (json!({}), "urls and dirs must not both be empty"),
        (json!({ "urls": [], "dirs": null }), "urls and dirs must not both be empty"),
        (json!({ "urls": urls(501) }), "the number of url and dir out of limit"),
        (
            json!({ "urls": urls(500), "dirs": ["http://www.a.com/"] }),
            "the number of url and dir out of limit",
        ),
        (json!({ "urls": "http://www.a.com/" }), "parse json error"),
        (json!({ "urls": urls(1), "urlAction": "burn" }), "parse json error"),
        (json!({ "urls": urls(1), "dirAction": "default" }), "parse json error"),
        (json!({ "dirs": ["http://www.a.com/"], "dirAction": "delete" }), "user not allowed push"),
    ];
    for (body, told) in cases {
        let answer = post(&sim, PURGE, &body).await;
        assert_eq!((&answer["Code"], &answer["Message"]), (&json!(0), &json!(told)));
    }
    assert_eq!(sim.log().stats().items_accepted, 0);
    let body = json!({ "urls": urls(499), "dirs": ["http://www.a.com/"] });
    assert_eq!(message(&sim, body).await, "handle success");
    // For dirs alone it has no effect.
    let body = json!({ "urls": ["http://www.b.com/"], "dirAction": "delete" });
    assert_eq!(message(&sim, body).await, "handle success");

    let (sim, _clock) = start(WangsuSettings { dir_delete: true, ..account() }).await;
    let body = json!({ "dirs": ["http://www.a.com/"], "dirAction": "delete" });
    assert_eq!(message(&sim, body).await, "handle success");
    let (sim, _clock) = start(WangsuSettings { push_allowed: false, ..account() }).await;
    assert_eq!(message(&sim, json!({ "urls": urls(1) })).await, "user not allowed push");
}

#[tokio::test]
async fn xml_is_answered_as_xml() {
    let (sim, _clock) = start(account()).await;
    let example = &worked()["basic"][0];
    let request = client()
        .post(format!("{}{PURGE}", sim.base_url()))
        .header("Date", example["date"].as_str().unwrap())
        .header("Authorization", example["authorization"].as_str().unwrap())
        .header("Content-Type", "application/xml")
        .body("<purge/>");
    let answer: Value = request.send().await.unwrap().json().await.unwrap();
    assert_eq!(answer["Message"], "parse xml error");
}

#[tokio::test]
async fn wrong_channels_are_named_and_the_rest_is_carried_out() {
    let settings = WangsuSettings { hosts: Some(vec!["www.a.com".into()]), ..account() };
    let (sim, _clock) = start(settings.clone()).await;
    let body = json!({
        "urls": ["http://www.z.com/1", "http://www.a.com/1", "http://www.b.com/2", "http://www.b.com/3"],
        "dirs": ["http://www.a.com/dir/", "http://www.b.com/dir/"],
    });
    let answer = post(&sim, PURGE, &body).await;
    assert_eq!(answer, json!({ "Code": 0, "Message": "error channel [www.b.com,www.z.com]." }));
    let call = sim.log().calls()[0].clone();
    let taken: Vec<bool> = call.items.iter().map(|i| i.accepted.unwrap()).collect();
    assert_eq!(taken, [false, true, false, false, true, false]);
    let id = call.outcome.as_ref().unwrap().receipt.clone().unwrap();
    assert_eq!(post(&sim, QUERY, &json!({ "itemId": id })).await["count"], 2);

    let (sim, _clock) = start(WangsuSettings { partial_item_id: true, ..settings }).await;
    let answer = post(&sim, PURGE, &body).await;
    assert_eq!((answer["Code"].as_u64(), answer["itemId"].is_string()), (Some(0), true));
    // With nothing to carry out there is no id.
    let answer = post(&sim, PURGE, &json!({ "urls": ["http://www.b.com/"] })).await;
    assert!(answer["itemId"].is_null());
}

#[tokio::test]
async fn what_is_malformed_is_named_by_itself() {
    let long = |n: usize| format!("http://www.a.com/{}", "x".repeat(n - 17));
    let longest_dir = format!("{}/", long(999));
    let bad_urls = ["http://www.a.com/cursed".to_owned()].into();
    let (sim, _clock) = start(WangsuSettings { bad_urls, ..account() }).await;
    let good = json!({ "urls": [long(2_000)], "dirs": [longest_dir] });
    assert_eq!(message(&sim, good).await, "handle success");
    for (kind, bad) in [
        ("urls", long(2_001)),
        ("urls", "ftp://www.a.com/".to_owned()),
        ("urls", "http://www.a.com/cursed".to_owned()),
        ("dirs", format!("{}/", long(1_000))),
        ("dirs", "http://www.a.com/dir".to_owned()),
    ] {
        let expected = format!("error channel [{bad}].");
        assert_eq!(message(&sim, json!({ kind: [bad] })).await, expected);
    }
}

#[tokio::test]
async fn faults_speak_the_providers_words() {
    let (sim, _clock) = start(account()).await;
    let body = json!({ "urls": ["http://www.b.com/x", "http://www.a.com/"] });
    for (code, told) in [
        ("system exception", "system exception"),
        ("error channel", "error channel [www.a.com,www.b.com]."),
        (
            "running url or dir",
            "running url or dir [http://www.b.com/x,http://www.a.com/],please try again after one minute.",
        ),
        (
            "dir number reached the daily limit by domain",
            "error channel [www.a.com,www.b.com], dir number reached the daily limit by domain.",
        ),
    ] {
        sim.fault(FaultRule::new(Fault::refuse(code)).times(1)).unwrap();
        assert_eq!(message(&sim, body.clone()).await, told);
    }
    assert_eq!(sim.log().stats().items_accepted, 0);
}

#[tokio::test]
async fn other_paths_are_not_found() {
    let (sim, clock) = start(account()).await;
    let get = client().get(format!("{}{PURGE}", sim.base_url()));
    assert_eq!(get.send().await.unwrap().status(), 404);
    assert_eq!(post(&sim, "/ccm/purge/burn", &json!({})).await["Code"], "http 404");
    clock.advance(Duration::from_secs(11 * 86_400));
    let stale = post(&sim, PURGE, &json!({ "urls": urls(1) })).await;
    assert_eq!(stale["Code"], "http 401");
}
