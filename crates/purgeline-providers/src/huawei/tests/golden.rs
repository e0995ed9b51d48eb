use super::*;
use crate::huawei::{auth::Auth, poll::Question, signing};
use purgeline_vectors::{requests, worked_examples};
use reqwest::{
    Request,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap},
};
use secrecy::ExposeSecret;

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn header<'a>(vector: &'a Value, name: &str) -> &'a str {
    let headers = vector["headers"].as_array().unwrap();
    let found = headers.iter().find(|header| text(&header[0]).eq_ignore_ascii_case(name));
    found.map(|header| text(&header[1])).unwrap_or_else(|| panic!("no {name}"))
}

/// The headers that an `Authorization` says are signed.
fn signed_names(authorization: &str) -> Vec<&str> {
    let (_, names) = authorization.split_once("SignedHeaders=").unwrap();
    names.split(',').next().unwrap().split(';').collect()
}

/// The client of a vector's credentials, with more settings.
fn client_of(credentials: &Value, more: &Value) -> Client {
    let mut settings = json!({
        "access_key": credentials["ak"], "secret_key": credentials["sk"],
        "base_url": "http://cdn.myhuaweicloud.com",
    });
    if let Some(id) = credentials.get("domain_id") {
        settings["domain_id"] = id.clone();
    }
    for (name, value) in more.as_object().unwrap() {
        settings[name] = value.clone();
    }
    client(&settings)
}

/// The request as it is sent at this time.
fn signed(client: &Client, mut request: Request, date: &str) -> Request {
    let now = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", date).unwrap();
    let now = jiff::tz::Offset::UTC.to_timestamp(now).unwrap();
    let Auth::Keys(keys) = &client.auth else { panic!("{client:?}") };
    keys.sign(&mut request, now).unwrap();
    request
}

fn value<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).unwrap_or_else(|| panic!("no {name}")).to_str().unwrap()
}

#[test]
fn every_signature_is_the_sdks() {
    for vector in requests("huawei") {
        let expected = header(&vector, "authorization");
        let names = signed_names(expected);
        // In another order and case than they are signed in.
        let headers: Vec<_> = names.iter().rev().map(|name| (*name, header(&vector, name))).collect();
        let (access_key, secret_key) = (&vector["credentials"]["ak"], &vector["credentials"]["sk"]);
        let authorization = signing::authorization(
            &text(access_key).into(),
            &text(secret_key).into(),
            header(&vector, "x-sdk-date"),
            &signing::Signed {
                method: text(&vector["method"]),
                path: text(&vector["path"]),
                query: text(&vector["query"]),
                headers: &headers,
                body: text(&vector["body"]).as_bytes(),
            },
        );
        assert_eq!(authorization.expose_secret(), expected, "{}", vector["label"]);
        assert_eq!(vector["signing"]["expected_authorization"], expected);
    }
}

#[test]
fn a_parameter_is_signed_whatever_its_order_and_spelling() {
    let sign = |path: &str, query: &str, headers: &[(&str, &str)]| {
        let request = signing::Signed { method: "GET", path, query, headers, body: b"" };
        signing::authorization(&"ak".into(), &"sk".into(), "20260101T000000Z", &request)
            .expose_secret()
            .to_owned()
    };
    let host = [("Host", " h ")];
    let plain = sign("/a%20b", "x=%E5%9B%BE&y=a%2Bb&z", &host);
    assert_eq!(plain, sign("/a%20b/", "z=&y=a+b&x=图", &host));
    assert_eq!(plain, sign("/a%20b", "x=%e5%9b%be&y=a%2bb&z", &[("x_odd", "1"), ("host", "h")]));
    assert_ne!(plain, sign("/a%20b", "x=%E5%9B%BE&y=a%20b&z", &host));
    assert_eq!(signing::query(&[("z", "a b"), ("a", "~*'")]), "a=~%2A%27&z=a%20b");
}

/// That what we send is what the SDK sends, but for the headers that it signs beside ours.
fn assert_same(client: &Client, request: Request, vector: &Value) {
    let request = signed(client, request, header(vector, "x-sdk-date"));
    assert_eq!(request.method().as_str(), vector["method"]);
    assert_eq!(request.url().path(), vector["path"]);
    assert_eq!(request.url().query().unwrap_or_default(), vector["query"]);
    assert_eq!(request.url().host_str(), Some(header(vector, "host")));
    for name in ["content-type", "x-sdk-date", "x-domain-id"] {
        if vector["headers"].to_string().to_lowercase().contains(name) {
            assert_eq!(value(request.headers(), name), header(vector, name));
        }
    }
    let body = request.body().and_then(|body| body.as_bytes()).unwrap_or_default();
    match text(&vector["body"]) {
        "" => assert_eq!(body, b""),
        expected => assert_eq!(
            serde_json::from_slice::<Value>(body).unwrap(),
            serde_json::from_str::<Value>(expected).unwrap()
        ),
    }
    let names = signed_names(value(request.headers(), "authorization"));
    let theirs = signed_names(header(vector, "authorization"));
    assert!(names.iter().all(|name| theirs.contains(name)), "{names:?}");
    assert!(request.headers()[AUTHORIZATION].is_sensitive());
}

#[test]
fn a_creation_is_what_the_sdk_sends() {
    let (index, web) = (url("http://www.example.com/index.html"), url("http://www.example.com/web"));
    for (name, items, more) in [
        (
            "huawei-python-refresh-urls",
            vec![index.clone(), web.clone()],
            json!({"enterprise_project_id": "0"}),
        ),
        (
            "huawei-python-refresh-dirs",
            vec![dir("http://www.example.com/web/")],
            json!({"enterprise_project_id": "all"}),
        ),
        (
            "huawei-python-seed-refreshtasks-signer",
            vec![index, web],
            json!({"enterprise_project_id": "0", "api": "legacy"}),
        ),
    ] {
        let vector = purgeline_vectors::request(name);
        let client = client_of(&vector["credentials"], &more);
        assert_same(&client, client.creation_request(&items).unwrap(), &vector);
    }
}

#[test]
fn a_question_is_what_the_sdk_sends() {
    let vector = purgeline_vectors::request("huawei-python-history-task-details");
    let client = client_of(&vector["credentials"], &json!({"enterprise_project_id": "all"}));
    let question = Question { task: "7620242".to_owned(), page_size: 100, page_number: 1, create_time: None };
    assert_same(&client, client.detail_request(&question), &vector);
    let vector = purgeline_vectors::request("huawei-python-quota");
    assert_same(&client, client.quota_request(), &vector);
}

#[test]
fn the_worked_examples_come_out_to_the_byte() {
    let examples = worked_examples("huawei");
    let credentials = &examples["credentials"];
    let items = [url("http://www.example.com/index.html"), url("http://www.example.com/web")];
    let project =
        |id: &str, api: &str| client_of(credentials, &json!({"enterprise_project_id": id, "api": api}));
    let (legacy, current) = (project("0", "legacy"), project("0", "current"));
    let question = Question { task: "7620242".to_owned(), page_size: 100, page_number: 1, create_time: None };
    let all = project("all", "current");
    let sent = [
        (&legacy, legacy.creation_request(&items).unwrap()),
        (&current, current.creation_request(&items).unwrap()),
        (&all, all.detail_request(&question)),
    ];
    let examples_of = examples["examples"].as_array().unwrap();
    assert_eq!(examples_of.len(), sent.len());
    for (example, (client, request)) in examples_of.iter().zip(sent) {
        let request = signed(client, request, text(&examples["x_sdk_date"]));
        let body = request.body().and_then(|body| body.as_bytes()).unwrap_or_default();
        assert_eq!(request.method().as_str(), example["method"]);
        assert_eq!(request.url().path(), text(&example["path"]).split('?').next().unwrap());
        assert_eq!(std::str::from_utf8(body).unwrap(), example["body"]);
        assert_eq!(
            value(request.headers(), "authorization"),
            example["authorization"],
            "{}",
            example["path"]
        );
    }
}

#[test]
fn temporary_keys_sign_their_token() {
    let settings = json!({"access_key": "ak", "secret_key": "sk", "security_token": "swordfish"});
    let client = client(&settings);
    let request = signed(&client, client.quota_request(), "20260101T000000Z");
    assert_eq!(value(request.headers(), "x-security-token"), "swordfish");
    assert!(request.headers()["x-security-token"].is_sensitive());
    let names = signed_names(value(request.headers(), "authorization"));
    assert_eq!(names, ["content-type", "host", "x-sdk-date", "x-security-token"]);
    assert!(!format!("{client:?} {request:?}").contains("swordfish"));
}

#[test]
fn a_task_id_stays_one_piece_of_the_path() {
    let client = client(&json!({"access_key": "ak", "secret_key": "sk", "base_url": "http://h:81/prefix/"}));
    let task = "a/../b?c#d 图".to_owned();
    let question = Question { task, page_size: 1_000, page_number: 2, create_time: Some(5) };
    let request = client.detail_request(&question);
    assert_eq!(
        request.url().as_str(),
        "http://h:81/prefix/v1.0/cdn/historytasks/a%2F..%2Fb%3Fc%23d%20%E5%9B%BE/detail\
         ?create_time=5&page_number=2&page_size=1000"
    );
    assert_eq!(request.headers()[CONTENT_TYPE], "application/json");
}

#[test]
fn chinese_characters_are_sent_in_the_spellings_that_are_asked_for() {
    let items = [url("http://h/图 a.png"), url("http://h/b")];
    let keys = |chinese: &str| {
        json!({"access_key": "ak", "secret_key": "sk", "mode": "detect_modify_refresh",
               "chinese_urls": chinese})
    };
    let body = |chinese: &str, items: &[CallItem]| -> Value {
        let request = client(&keys(chinese)).creation_request(items).unwrap();
        serde_json::from_slice(request.body().unwrap().as_bytes().unwrap()).unwrap()
    };
    let encoded = "http://h/%E5%9B%BE%20a.png";
    let task = |urls: Value| json!({"refresh_task": {"type": "file", "urls": urls}});
    assert_eq!(body("encoded", &items), task(json!([encoded, "http://h/b"])));
    assert_eq!(body("both", &items), task(json!([encoded, "http://h/图%20a.png", "http://h/b"])));
    let task = json!({"type": "directory", "mode": "detect_modify_refresh", "urls": ["http://h/d/"]});
    assert_eq!(body("both", &[dir("http://h/d/")]), json!({ "refresh_task": task }));
}
