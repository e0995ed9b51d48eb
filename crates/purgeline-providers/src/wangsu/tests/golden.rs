use super::*;
use crate::wangsu::types::QueryRequest;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, DATE};

fn header(vector: &Value, name: &str) -> Option<String> {
    let headers = vector["headers"].as_array().unwrap();
    let found = headers.iter().find(|header| header[0].as_str().unwrap().eq_ignore_ascii_case(name));
    found.map(|header| header[1].as_str().unwrap().to_owned())
}

/// When the vector was signed.
fn time_of(vector: &Value) -> Timestamp {
    match header(vector, "x-cnc-timestamp") {
        Some(second) => Timestamp::from_second(second.parse().unwrap()).unwrap(),
        None => jiff::fmt::rfc2822::parse(&header(vector, "Date").unwrap()).unwrap().timestamp(),
    }
}

fn client_of(vector: &Value) -> Client {
    client_at(&vector["credentials"], time_of(vector))
}

fn assert_same(mut request: reqwest::Request, vector: &Value) {
    let sent = |request: &reqwest::Request, name: &str| {
        request.headers().get(name).map(|value| value.to_str().unwrap().to_owned())
    };
    assert_eq!(request.method().as_str(), vector["method"]);
    assert_eq!(request.url().path(), vector["path"]);
    assert_eq!(request.url().query().unwrap_or_default(), vector["query"]);
    assert_eq!(request.url().scheme(), "https");
    assert_eq!(request.url().host_str().map(str::to_owned), header(vector, "Host"));
    let body: Value = serde_json::from_slice(request.body().unwrap().as_bytes().unwrap()).unwrap();
    let text = vector["body"].as_str().unwrap();
    assert_eq!(body, serde_json::from_str::<Value>(text).unwrap());
    // The AK/SK way signs the body's bytes, and the SDK puts blanks between its members: with its
    // bytes, the signature is its signature. A new client, as none signs the same twice in a second.
    *request.body_mut() = Some(text.to_owned().into());
    client_of(vector).signer().sign(&mut request, time_of(vector)).unwrap();
    let names = [
        CONTENT_TYPE.as_str(),
        AUTHORIZATION.as_str(),
        DATE.as_str(),
        "x-cnc-accesskey",
        "x-cnc-timestamp",
        "x-cnc-auth-method",
    ];
    for name in names {
        assert_eq!(sent(&request, name), header(vector, name), "{name}");
    }
    assert!(request.headers()[AUTHORIZATION].is_sensitive());
    assert_eq!(vector["signing"]["expected_authorization"], sent(&request, "authorization").unwrap());
}

#[test]
fn a_purge_is_what_the_sdk_and_the_seed_send() {
    let one = with(Action::Delete, url("https://www.abc.com/test/test1.txt"));
    let two = with(Action::Delete, url("https://www.abc.com/test/test2.txt"));
    let test = with(Action::Expire, dir("https://www.abc.com/test/"));
    let test2 = with(Action::Expire, dir("https://www.abc.com/test2/"));
    for (name, items) in [
        ("wangsu-python-aksk-purge-urls", vec![&one, &two]),
        ("wangsu-python-aksk-purge-dirs", vec![&test, &test2]),
        ("wangsu-python-aksk-purge-both", vec![&one, &test]),
        ("wangsu-curl-seed-both", vec![&test, &one, &test2, &two]),
    ] {
        let vector = purgeline_vectors::request(name);
        let client = client_of(&vector);
        let items: Vec<_> = items.into_iter().cloned().collect();
        let request = client.purge_request(&items).unwrap();
        assert_same(request, &vector);
    }
}

#[test]
fn a_question_is_what_the_sdk_and_the_documents_have() {
    let item_id = Some("64ec364dd81d4052a3534c1e86167950".to_owned());
    let pages = QueryRequest { item_id, page_no: Some(1), page_size: Some(100), ..QueryRequest::default() };
    let plain = QueryRequest { page_no: None, page_size: None, ..pages.clone() };
    for (name, question) in [("wangsu-python-aksk-query", pages), ("wangsu-curl-apikey-query", plain)] {
        let vector = purgeline_vectors::request(name);
        let client = client_of(&vector);
        let request = client.query_request(&question).unwrap();
        assert_same(request, &vector);
    }
}

#[test]
fn the_limits_are_asked_for_as_the_sdk_does() {
    let vector = purgeline_vectors::request("wangsu-python-aksk-limit");
    let client = client_of(&vector);
    assert_same(client.limit_request().unwrap(), &vector);
}

#[test]
fn what_is_not_said_is_left_out() {
    let body = |items: &[CallItem]| -> Value {
        let client = client_at(&json!({"username": "u", "api_key": "k"}), now());
        let request = client.purge_request(items).unwrap();
        serde_json::from_slice(request.body().unwrap().as_bytes().unwrap()).unwrap()
    };
    assert_eq!(body(&[url("http://h/a")]), json!({"urls": ["http://h/a"]}));
    let expired = with(Action::Expire, url("http://h/a"));
    let items = [expired, dir("http://h/d/")];
    assert_eq!(body(&items), json!({"urls": ["http://h/a"], "urlAction": "expire", "dirs": ["http://h/d/"]}));
}

#[test]
fn a_question_by_time_names_its_zone() {
    let client = client_at(&json!({"access_key": "a", "secret_key": "s"}), now());
    let by_time = QueryRequest {
        start_time: Some("2026-01-02 08:00:00".to_owned()),
        end_time: Some("2026-01-02 08:30:00".to_owned()),
        ..QueryRequest::default()
    };
    let request = client.query_request(&by_time).unwrap();
    assert_eq!(request.headers()["x-time-zone"], "GMT+08:00");
    let body: Value = serde_json::from_slice(request.body().unwrap().as_bytes().unwrap()).unwrap();
    assert_eq!(body, json!({"startTime": "2026-01-02 08:00:00", "endTime": "2026-01-02 08:30:00"}));
    let by_id = QueryRequest { item_id: Some("i".to_owned()), ..QueryRequest::default() };
    assert!(client.query_request(&by_id).unwrap().headers().get("x-time-zone").is_none());
}
