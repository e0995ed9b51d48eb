//! Qiniu: signatures, the shape of calls and answers, items.

use purgeline_sim::qiniu::{BadItems, HttpStatus, QiniuSettings};
use purgeline_sim::{CallKind, Sim};
use serde_json::{Value, json};

use crate::common::{client, send_vector};

pub(crate) const REFRESH: &str = "/v2/tune/refresh";
pub(crate) const LIST: &str = "/v2/tune/refresh/list";
pub(crate) const PREFETCH: &str = "/v2/tune/prefetch";

/// The vectors' account, with directory permission.
pub(crate) fn account() -> QiniuSettings {
    let worked: Value = purgeline_vectors::worked_examples("qiniu");
    let key = |name: &str| worked["credentials"][name].as_str().unwrap().to_owned();
    QiniuSettings {
        access_key: key("access_key"),
        secret_key: key("secret_key").into(),
        dir_permission: true,
        ..QiniuSettings::default()
    }
}

pub(crate) fn authorization(path: &str) -> String {
    let worked: Value = purgeline_vectors::worked_examples("qiniu");
    worked["authorization"][path].as_str().unwrap().to_owned()
}

pub(crate) async fn post(sim: &Sim, path: &str, body: &Value) -> Value {
    let response = client()
        .post(format!("{}{path}", sim.base_url()))
        .header("Authorization", authorization(path))
        .json(body)
        .send()
        .await
        .unwrap();
    assert!(response.headers().contains_key("X-Reqid"));
    response.json().await.unwrap()
}

pub(crate) fn urls(n: usize) -> Vec<String> {
    (0..n).map(|i| format!("http://bar.foo.com/{i}.html")).collect()
}

#[tokio::test]
async fn accepts_what_the_sdks_send() {
    for vector in purgeline_vectors::requests("qiniu") {
        let sim = account().start().await.unwrap();
        let (status, answer) = send_vector(sim.base_url(), &vector).await;
        assert_eq!((status, &answer["code"]), (200, &json!(200)), "{}", vector["label"]);
        sim.stop().await;
    }
}

#[tokio::test]
async fn accepts_the_worked_examples() {
    let sim = account().start().await.unwrap();
    let body = json!({ "urls": ["http://bar.foo.com/index.html"] });
    for path in [REFRESH, LIST, PREFETCH] {
        assert_eq!(post(&sim, path, &body).await["code"], 200, "{path}");
    }
}

#[tokio::test]
async fn signs_the_body_of_a_form_only() {
    // openssl: printf '/v2/tune/refresh\n{}' | openssl dgst -sha1 -hmac secret -binary | base64
    const OVER_THE_BODY: &str = "QBox key:LgSPS6PN9RsJC6nw3qF0sb0YBbU=";
    let settings =
        QiniuSettings { access_key: "key".into(), secret_key: "secret".into(), ..QiniuSettings::default() };
    let sim = settings.start().await.unwrap();
    for (media_type, code) in [
        // Passes the signature; a form is not what the call wants.
        ("application/x-www-form-urlencoded", 400_000),
        ("application/json", 401_001),
    ] {
        let answer: Value = client()
            .post(format!("{}{REFRESH}", sim.base_url()))
            .header("Authorization", OVER_THE_BODY)
            .header("Content-Type", media_type)
            .body("{}")
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        assert_eq!(answer["code"], code, "{media_type}");
    }
}

#[tokio::test]
async fn refuses_wrong_credentials() {
    let sim = account().start().await.unwrap();
    let key = account().access_key;
    let good = authorization(REFRESH);
    let cases = [
        (None, 401_002),
        (Some("Bearer token".to_owned()), 401_002),
        (Some(good.replace("QBox", "Qiniu")), 401_002),
        (Some(format!("QBox {key}")), 401_002),
        (Some(format!("QBox {key}:not base64")), 401_002),
        (Some(good.replace(&key, "someone-else")), 401_001),
        (Some(authorization(LIST)), 401_001),
    ];
    for (header, code) in cases {
        let mut request =
            client().post(format!("{}{REFRESH}", sim.base_url())).json(&json!({ "urls": urls(1) }));
        if let Some(header) = &header {
            request = request.header("Authorization", header);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 401);
        let answer: Value = response.json().await.unwrap();
        assert_eq!(answer["code"], code, "{header:?}");
    }
    // The path's query is signed too.
    let response = client()
        .post(format!("{}{REFRESH}?a=b", sim.base_url()))
        .header("Authorization", good)
        .json(&json!({ "urls": urls(1) }))
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 401);
    let log = sim.log();
    assert_eq!((log.stats().items_asked, log.stats().limited), (0, 0));
}

#[tokio::test]
async fn a_success_is_the_seeds() {
    let settings = QiniuSettings { url_quota_day: 100, dir_quota_day: 10, ..account() };
    let sim = settings.start().await.unwrap();
    let answer = post(&sim, REFRESH, &json!({ "urls": urls(1) })).await;
    let id = answer["requestId"].as_str().unwrap();
    assert!(id.len() == 24 && id.bytes().all(|b| b.is_ascii_hexdigit()));
    let expected = json!({
        "code": 200, "error": "success", "requestId": id, "invalidUrls": null,
        "invalidDirs": null, "urlQuotaDay": 100, "urlSurplusDay": 99, "dirQuotaDay": 10,
        "dirSurplusDay": 10,
    });
    assert_eq!(answer, expected);
    let call = sim.log().calls()[0].clone();
    assert_eq!(call.endpoint, "POST /v2/tune/refresh");
    assert_eq!((call.kind, call.accepted()), (CallKind::Purge, 1));
    assert_eq!(call.outcome.as_ref().unwrap().receipt.as_deref(), Some(id));
}

#[tokio::test]
async fn refuses_what_no_call_may_be() {
    let sim = account().start().await.unwrap();
    let dirs: Vec<_> = (0..11).map(|i| format!("http://bar.foo.com/{i}/")).collect();
    let bodies = [
        json!({ "urls": urls(61) }),
        json!({ "dirs": dirs }),
        json!({ "urls": [], "dirs": null }),
        json!({ "urls": "http://bar.foo.com/" }),
        json!([]),
    ];
    for body in bodies {
        let answer = post(&sim, REFRESH, &body).await;
        assert_eq!(answer["code"], 400_000, "{body}");
        assert_eq!(answer["requestId"], "");
    }
    assert_eq!(sim.log().stats().items_accepted, 0);
    let full = json!({ "urls": urls(60), "dirs": dirs[..10] });
    assert_eq!(post(&sim, REFRESH, &full).await["code"], 200);

    let get = client().get(format!("{}{REFRESH}", sim.base_url()));
    assert_eq!(get.send().await.unwrap().status(), 405);
    let lost = client().post(format!("{}/v2/tune/refersh", sim.base_url()));
    assert_eq!(lost.send().await.unwrap().status(), 404);
}

#[tokio::test]
async fn names_invalid_items() {
    let settings = QiniuSettings {
        hosts: Some(vec!["bar.foo.com".into(), "*.wild.com".into()]),
        bad_urls: ["http://bar.foo.com/cursed".to_owned()].into(),
        ..account()
    };
    let sim = settings.start().await.unwrap();
    let url = |name: &str| (json!([name]), json!(null));
    let dir = |name: &str| (json!(null), json!([name]));
    let cases = [
        (url("http://bar.foo.com/cursed"), 400_031),
        (url("ftp://bar.foo.com/a"), 400_031),
        (url("bar.foo.com/a"), 400_031),
        (url("http://bar.foo.com/*.css"), 400_031),
        (url("http://bar.foo.com/a b"), 400_031),
        (url("http://"), 400_031),
        (dir("http://bar.foo.com/dir"), 400_031),
        (dir("http://bar.foo.com/*/dir/"), 400_031),
        (url("http://other.com/a"), 400_032),
        (url("http://wild.com/a"), 400_032),
        (dir("http://other.com/a/"), 400_032),
    ];
    for ((urls, dirs), code) in cases {
        let answer = post(&sim, REFRESH, &json!({ "urls": urls, "dirs": dirs })).await;
        let expected = json!([code, urls, dirs, ""]);
        let got = json!([answer["code"], answer["invalidUrls"], answer["invalidDirs"], answer["requestId"]]);
        assert_eq!(got, expected);
    }
    let good = json!({
        "urls": ["https://a.wild.com/x?y=*".replace('*', "z"), "http://BAR.foo.com:8080/"],
        "dirs": ["http://bar.foo.com/dir/", "http://bar.foo.com/dir2/*"],
    });
    assert_eq!(post(&sim, REFRESH, &good).await["code"], 200);
}

#[tokio::test]
async fn one_bad_item_spoils_as_much_as_is_set() {
    let body = json!({ "urls": ["http://bar.foo.com/good", "nonsense"] });
    for (bad_items, code, named, accepted) in [
        (BadItems::RefuseNamed, 400_031, json!(["nonsense"]), 0),
        (BadItems::RefuseUnnamed, 400_031, json!(null), 0),
        (BadItems::Partial, 200, json!(["nonsense"]), 1),
    ] {
        let sim = QiniuSettings { bad_items, ..account() }.start().await.unwrap();
        let answer = post(&sim, REFRESH, &body).await;
        assert_eq!((&answer["code"], &answer["invalidUrls"]), (&json!(code), &named));
        let call = sim.log().calls()[0].clone();
        assert_eq!((call.accepted(), call.refused()), (accepted, 2 - accepted));
        assert_eq!(sim.log().stats().items_distinct, accepted as u64);
    }
    // With nothing good in it, a partial answer is a refusal.
    let partial = QiniuSettings { bad_items: BadItems::Partial, ..account() };
    let sim = partial.start().await.unwrap();
    let answer = post(&sim, REFRESH, &json!({ "urls": ["nonsense"] })).await;
    assert_eq!(answer["code"], 400_031);
}

#[tokio::test]
async fn dirs_need_permission() {
    let settings = QiniuSettings { dir_permission: false, ..account() };
    let sim = settings.start().await.unwrap();
    let dirs = json!(["http://bar.foo.com/dir/"]);
    let answer = post(&sim, REFRESH, &json!({ "urls": urls(1), "dirs": dirs })).await;
    assert_eq!(answer["code"], 400_038);
    let answer = post(&sim, REFRESH, &json!({ "urls": urls(1) })).await;
    assert_eq!(answer["code"], 200);
}

#[tokio::test]
async fn the_http_status_follows_the_code_if_set() {
    for (http_status, status) in [(HttpStatus::AlwaysOk, 200), (HttpStatus::ByCode, 400)] {
        let sim = QiniuSettings { http_status, ..account() }.start().await.unwrap();
        let response = client()
            .post(format!("{}{REFRESH}", sim.base_url()))
            .header("Authorization", authorization(REFRESH))
            .json(&json!({ "urls": ["nonsense"] }))
            .send()
            .await
            .unwrap();
        assert_eq!(response.status().as_u16(), status);
    }
}

#[tokio::test]
async fn task_ids_are_given_if_set() {
    let settings = QiniuSettings { task_ids: true, ..account() };
    let sim = settings.start().await.unwrap();
    let answer = post(&sim, REFRESH, &json!({ "urls": urls(2) })).await;
    assert_eq!(answer["taskIds"].as_object().unwrap().len(), 2);
}
