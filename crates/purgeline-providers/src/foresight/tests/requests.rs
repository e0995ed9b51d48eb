use super::*;
use reqwest::{
    Request,
    header::{AUTHORIZATION, CONTENT_TYPE},
};

fn settings() -> Value {
    json!({"base_url": "http://fmp.example.com", "token": "tok123"})
}

fn line(request: &Request) -> String {
    format!("{} {}", request.method(), request.url())
}

#[test]
fn a_refresh_is_what_the_seed_has() {
    let item =
        resource("Sales", &json!({"year": 2026, "area": "EU", "full": true, "share": 0.5, "of": null}));
    let request = client(&settings()).refresh_request(&item);
    assert_eq!(line(&request), "POST http://fmp.example.com/api/v1/cache/refresh/");
    assert_eq!(request.headers()[CONTENT_TYPE], "application/json");
    assert_eq!(request.headers()[AUTHORIZATION], "Bearer tok123");
    assert!(request.headers()[AUTHORIZATION].is_sensitive());
    // The parameters stand beside the title, of any type.
    let body: Value = serde_json::from_slice(request.body().unwrap().as_bytes().unwrap()).unwrap();
    assert_eq!(
        body,
        json!({"resource_title": "Sales", "year": 2026, "area": "EU", "full": true, "share": 0.5, "of": null})
    );
}

#[test]
fn questions_are_what_the_seed_has() {
    let client = client(&settings());
    let request = client.state_request(TASK);
    assert_eq!(line(&request), format!("GET http://fmp.example.com/api/v1/cache/state/?task_id={TASK}"));
    assert_eq!(request.headers()[AUTHORIZATION], "Bearer tok123");
    assert_eq!(
        client.state_request("a b&c=/d").url().query(),
        Some("task_id=a+b%26c%3D%2Fd"),
        "an id cannot break out"
    );
    let request = client.listing_request();
    assert_eq!(line(&request), "GET http://fmp.example.com/api/v1/cache/");
    assert_eq!(request.headers()["accept"], "application/json");
}

#[test]
fn the_prefix_of_the_token_can_be_set() {
    for (prefix, expected) in [("Token", "Token tok123"), ("", "tok123")] {
        let mut settings = settings();
        settings["token_prefix"] = prefix.into();
        let request = client(&settings).listing_request();
        assert_eq!(request.headers()[AUTHORIZATION], expected);
    }
}

#[test]
fn each_path_keeps_its_final_slash_below_a_prefix() {
    let mut settings = settings();
    settings["base_url"] = "http://h:81/fmp/".into();
    let client = client(&settings);
    for request in [
        client.refresh_request(&resource("Sales", &json!({}))),
        client.state_request(TASK),
        client.listing_request(),
    ] {
        let path = request.url().path();
        assert!(path.starts_with("/fmp/api/v1/cache/") && path.ends_with('/'), "{path}");
    }
}
