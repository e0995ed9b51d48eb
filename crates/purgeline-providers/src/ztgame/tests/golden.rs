use super::*;
use crate::ztgame::types::{Credentials, PasswordAuth, TokenAnswer, TokenRequest};
use reqwest::header::CONTENT_TYPE;

fn purge(items: &[CallItem]) -> (reqwest::Request, Value) {
    let client = client(&json!({"username": "u", "password": "swordfish"}));
    let request = client.purge_request(items).unwrap();
    let body = serde_json::from_slice(request.body().unwrap().as_bytes().unwrap()).unwrap();
    (request, body)
}

/// The seed's example, but for the comma and the back-quotes that are slips of its pen.
#[test]
fn urls_are_sent_as_the_seed_has_them() {
    let urls: Vec<_> = (1..=3).map(|n| format!("http://hewenchina.com/static/images/news{n}.jpg")).collect();
    let items: Vec<_> = urls.iter().map(|text| url(text)).collect();
    let (request, body) = purge(&items);
    assert_eq!(request.method(), "POST");
    assert_eq!(request.url().as_str(), "http://cdnapi.ztgame.com.cn/cdn_api/purge");
    assert_eq!(request.headers()[CONTENT_TYPE], "application/json");
    assert_eq!(body, json!({ "urls": urls }));
}

/// By the seed's table: its example has the directories under `urls`.
#[test]
fn dirs_are_sent_as_the_seeds_table_has_them() {
    let (_, body) = purge(&[dir("http://hewenchina.com/static/images1/")]);
    assert_eq!(body, json!({"dirs": ["http://hewenchina.com/static/images1/"]}));
}

#[test]
fn a_question_names_the_request() {
    let client =
        client(&json!({"username": "u", "password": "swordfish", "base_url": "http://127.0.0.1:5000/x/"}));
    let request = client.status_request(REQUEST);
    assert_eq!(
        (request.method().as_str(), request.url().as_str()),
        ("GET", &*format!("http://127.0.0.1:5000/x/cdn_api/req_status/{REQUEST}"))
    );
    assert_eq!(client.status_request("a/../b?c").url().path(), "/x/cdn_api/req_status/a%2F%2E%2E%2Fb%3Fc");
    assert!(!format!("{client:?}").contains("swordfish"));
}

#[test]
fn a_token_is_asked_for_in_both_forms() {
    let credentials = Credentials { username: "u", password: "p" };
    let flat = serde_json::to_value(TokenRequest::Flat(credentials)).unwrap();
    assert_eq!(flat, json!({"username": "u", "password": "p"}));
    let auth = PasswordAuth { password_credentials: credentials };
    let nested = serde_json::to_value(TokenRequest::Nested { auth }).unwrap();
    assert_eq!(nested, json!({"auth": {"passwordCredentials": {"username": "u", "password": "p"}}}));
}

#[test]
fn a_token_is_read_with_its_end() {
    let read = |token: Value| match TokenAnswer::read(&json!({"access": {"token": token}}).to_string()) {
        Some(TokenAnswer::Given { id, expires }) => Some((id, expires.map(|time| time.to_string()))),
        _ => None,
    };
    let ends = Some("2015-11-25T11:39:11Z".to_owned());
    for expires in ["2015-11-25T11:39:11Z", "2015-11-25T11:39:11", "2015-11-25T11:39:11.000000Z"] {
        assert_eq!(read(json!({"id": "t", "expires": expires})), Some(("t".to_owned(), ends.clone())));
    }
    for expires in [json!(null), json!("tomorrow"), json!(5)] {
        assert_eq!(read(json!({"id": "t", "expires": expires})), Some(("t".to_owned(), None)));
    }
    assert_eq!(read(json!({"id": ""})), None);
    assert_eq!(read(json!({"id": 5})), None);
    let refused = TokenAnswer::read(r#"{"error": "Invalid user / password"}"#);
    assert!(matches!(refused, Some(TokenAnswer::Refused(words)) if words == "Invalid user / password"));
    assert!(TokenAnswer::read("{}").is_none() && TokenAnswer::read("<html>").is_none());
}
