use super::*;
use crate::wangsu::{signing, types::QueryRequest};
use purgeline_vectors::worked_examples;
use reqwest::{Request, header::AUTHORIZATION};

#[test]
fn the_api_keys_header_is_the_worked_examples() {
    let examples = worked_examples("wangsu");
    let credentials = &examples["credentials"];
    let settings = json!({"username": credentials["username"], "api_key": credentials["api_key"]});
    let api_key = SecretString::from(credentials["api_key"].as_str().unwrap());
    let basic = examples["basic"].as_array().unwrap();
    assert_eq!(basic.len(), 2);
    for example in basic {
        let date = example["date"].as_str().unwrap();
        let header = signing::basic(credentials["username"].as_str().unwrap(), &api_key, date);
        assert_eq!(header, example["authorization"]);
        // And with the client's clock.
        let time = jiff::fmt::rfc2822::parse(date).unwrap().timestamp();
        let request = client_at(&settings, time).limit_request().unwrap();
        assert_eq!(request.headers()["date"], date);
        assert_eq!(request.headers()[AUTHORIZATION].to_str().unwrap(), header);
    }
}

#[test]
fn the_ak_sk_signature_is_the_worked_examples() {
    let examples = worked_examples("wangsu");
    let (credentials, example) = (&examples["credentials"], &examples["aksk"]);
    let settings = json!({"access_key": credentials["access_key"], "secret_key": credentials["secret_key"]});
    let second: i64 = example["timestamp"].as_str().unwrap().parse().unwrap();
    let client = client_at(&settings, Timestamp::from_second(second).unwrap());
    let question = QueryRequest {
        item_id: Some("64ec364dd81d4052a3534c1e86167950".to_owned()),
        page_no: Some(1),
        page_size: Some(100),
        ..QueryRequest::default()
    };
    let request = client.query_request(&question).unwrap();
    assert_eq!(request.body().unwrap().as_bytes().unwrap(), example["body"].as_str().unwrap().as_bytes());
    assert_eq!(signing::canonical(&request), example["canonical_request"]);
    assert_eq!(request.headers()["x-cnc-timestamp"], example["timestamp"].as_str().unwrap());
    let authorization = request.headers()[AUTHORIZATION].to_str().unwrap();
    assert_eq!(
        authorization,
        format!(
            "CNC-HMAC-SHA256 Credential=WangsuAccessKeyExample000000000001, \
             SignedHeaders=content-type;host, Signature={}",
            example["signature"].as_str().unwrap()
        )
    );
}

fn signed(request: &Request) -> (i64, String) {
    let second = request.headers()["x-cnc-timestamp"].to_str().unwrap().parse().unwrap();
    (second, request.headers()[AUTHORIZATION].to_str().unwrap().to_owned())
}

#[test]
fn no_signature_is_used_twice() {
    let settings = json!({"access_key": "a", "secret_key": "s"});
    let context = context(&settings);
    let clock = ManualClock::new(now());
    let context = BuildContext { clock: Arc::new(clock.clone()), ..context };
    let client = Client::new(&context, &settings::read(&context.settings).unwrap()).unwrap();
    let (one, other) = ([url("http://h/a")], [url("http://h/b")]);
    let send = |items: &[CallItem]| signed(&client.purge_request(items).unwrap());
    let start = now().as_second();
    let first = send(&one);
    assert_eq!(first.0, start);
    // Another request has another signature in any second.
    assert_eq!(send(&other).0, start);
    // The same one, a later second each time.
    let again: Vec<_> = (0..3).map(|_| send(&one)).collect();
    assert_eq!(again.iter().map(|(second, _)| *second - start).collect::<Vec<_>>(), [1, 2, 3]);
    let mut all: Vec<_> = again.into_iter().chain([first]).map(|(_, authorization)| authorization).collect();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 4);
    // The clock has caught up, and goes backwards.
    clock.advance(jiff::SignedDuration::from_secs(10));
    assert_eq!(send(&one).0, start + 10);
    clock.advance(jiff::SignedDuration::from_secs(-5));
    assert_eq!(send(&one).0, start + 11);
}

#[test]
fn signatures_are_remembered_for_as_long_as_they_matter() {
    let settings = json!({"access_key": "a", "secret_key": "s"});
    let clock = ManualClock::new(now());
    let context = BuildContext { clock: Arc::new(clock.clone()), ..context(&settings) };
    let client = Client::new(&context, &settings::read(&context.settings).unwrap()).unwrap();
    for at in 0..400 {
        client.purge_request(&[url(&format!("http://h/{at}"))]).unwrap();
        clock.advance(jiff::SignedDuration::from_secs(1));
    }
    assert_eq!(client.signer().remembered(), 300);
}

#[test]
fn the_api_key_signs_each_attempt_with_its_own_date() {
    let clock = ManualClock::new(now());
    let context =
        BuildContext { clock: Arc::new(clock.clone()), ..context(&json!({"username": "u", "api_key": "k"})) };
    let client = Client::new(&context, &settings::read(&context.settings).unwrap()).unwrap();
    let first = client.purge_request(&[url("http://h/a")]).unwrap();
    clock.advance(jiff::SignedDuration::from_secs(61));
    let second = client.purge_request(&[url("http://h/a")]).unwrap();
    assert_eq!(first.headers()["date"], "Fri, 02 Jan 2026 00:30:00 GMT");
    assert_eq!(second.headers()["date"], "Fri, 02 Jan 2026 00:31:01 GMT");
    assert_ne!(first.headers()[AUTHORIZATION], second.headers()[AUTHORIZATION]);
}

#[test]
fn the_host_is_signed_as_it_is_sent() {
    for (base, host, path) in [
        ("https://open.chinanetcenter.com", "open.chinanetcenter.com", "/ccm/purge/limit"),
        ("https://API.CDNetworks.com:443", "api.cdnetworks.com", "/ccm/purge/limit"),
        ("http://127.0.0.1:81/wangsu/", "127.0.0.1:81", "/wangsu/ccm/purge/limit"),
    ] {
        let client = client_at(&json!({"access_key": "a", "secret_key": "s", "base_url": base}), now());
        let canonical = signing::canonical(&client.limit_request().unwrap());
        let start = format!("POST\n{path}\n\ncontent-type:application/json\nhost:{host}\n\n");
        assert!(canonical.starts_with(&start), "{canonical}");
    }
}

#[test]
fn secrets_are_not_printed() {
    for settings in [
        json!({"username": "u", "api_key": "swordfish"}),
        json!({"access_key": "a", "secret_key": "swordfish"}),
    ] {
        let client = client_at(&settings, now());
        let request = client.purge_request(&[url("http://h/a")]).unwrap();
        let authorization = request.headers()[AUTHORIZATION].to_str().unwrap();
        let said = format!("{client:?} {request:?}");
        assert!(!said.contains("swordfish") && !said.contains(authorization), "{said}");
    }
}
