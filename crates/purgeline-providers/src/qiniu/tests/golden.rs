use super::*;
use crate::qiniu::{signing, types::ListRequest};
use purgeline_vectors::worked_examples;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};

/// The client of a vector's credentials.
fn client_of(vector: &Value) -> Client {
    let mut settings = vector["credentials"].clone();
    settings["base_url"] = "http://fusion.qiniuapi.com".into();
    client(&settings)
}

fn assert_same(request: &reqwest::Request, vector: &Value) {
    let header = |name: &str| {
        let headers = vector["headers"].as_array().unwrap();
        let found = headers.iter().find(|header| header[0] == name);
        found.map(|header| header[1].as_str().unwrap().to_owned()).unwrap_or_else(|| panic!("no {name}"))
    };
    let sent = |name| request.headers().get(name).unwrap().to_str().unwrap().to_owned();
    assert_eq!(request.method().as_str(), vector["method"]);
    assert_eq!(request.url().path(), vector["path"]);
    assert_eq!(request.url().query().unwrap_or_default(), vector["query"]);
    assert_eq!(request.url().host_str(), Some(header("Host").as_str()));
    assert_eq!(sent(CONTENT_TYPE), header("Content-Type"));
    assert_eq!(sent(AUTHORIZATION), header("Authorization"));
    let body: Value = serde_json::from_slice(request.body().unwrap().as_bytes().unwrap()).unwrap();
    let expected: Value = serde_json::from_str(vector["body"].as_str().unwrap()).unwrap();
    assert_eq!(body, expected);
}

#[test]
fn a_refresh_is_what_the_sdk_sends() {
    let index = url("http://bar.foo.com/index.html");
    let page = url("http://bar.foo.com/a/b.png?v=1");
    let (one, two) = (dir("http://bar.foo.com/dir/"), dir("http://bar.foo.com/dir2/*"));
    for (name, items) in [
        ("qiniu-curl-seed-refresh", vec![&index]),
        ("qiniu-python-refresh-urls", vec![&index, &page]),
        ("qiniu-python-refresh-dirs", vec![&one, &two]),
        ("qiniu-python-refresh-both", vec![&index, &page, &one, &two]),
    ] {
        let mut vector = purgeline_vectors::request(name);
        // The API takes a dir with and without the star (seed 003); items are normalised to the
        // form without.
        let body = vector["body"].as_str().unwrap().replace("/dir2/*", "/dir2/");
        vector["body"] = body.into();
        let items: Vec<_> = items.into_iter().cloned().collect();
        let request = client_of(&vector).refresh_request(&items).unwrap();
        assert_same(&request, &vector);
    }
}

#[test]
fn non_ascii_is_sent_as_the_sdk_reads_it() {
    let vector = purgeline_vectors::request("qiniu-python-refresh-unicode");
    let raw = Item::from_normalized(Kind::Url, "http://bar.foo.com/图片.png");
    let item = CallItem { item: raw, action: Action::Default };
    let request = client_of(&vector).refresh_request(&[item]).unwrap();
    assert_same(&request, &vector);
}

#[test]
fn a_question_is_what_the_seed_describes() {
    let vector = purgeline_vectors::request("qiniu-python-refresh-list");
    let question = ListRequest {
        request_id: Some("57edce1a23232391821e303b"),
        page_size: 100,
        ..ListRequest::default()
    };
    let request = client_of(&vector).list_request(&question).unwrap();
    assert_same(&request, &vector);
}

#[test]
fn paths_are_signed_as_the_sdk_signs_them() {
    let examples = worked_examples("qiniu");
    let credentials = &examples["credentials"];
    let key = |name: &str| SecretString::from(credentials[name].as_str().unwrap());
    let mut checked = 0;
    for (path, expected) in examples["authorization"].as_object().unwrap() {
        let header = signing::authorization(&key("access_key"), &key("secret_key"), path);
        assert_eq!(secrecy::ExposeSecret::expose_secret(&header), expected.as_str().unwrap());
        checked += 1;
    }
    assert_eq!(checked, 3);
}

#[test]
fn a_prefix_of_the_base_url_is_signed_too() {
    let keys = json!({"access_key": "a", "secret_key": "b", "base_url": "http://127.0.0.1:81/qiniu/"});
    let request = client(&keys).refresh_request(&[url("http://h/a")]).unwrap();
    assert_eq!(request.url().as_str(), "http://127.0.0.1:81/qiniu/v2/tune/refresh");
    let expected = signing::authorization(&"a".into(), &"b".into(), "/qiniu/v2/tune/refresh");
    assert_eq!(
        request.headers()[AUTHORIZATION].to_str().unwrap(),
        secrecy::ExposeSecret::expose_secret(&expected)
    );
}

#[test]
fn a_dcdn_account_says_so() {
    let keys = json!({"access_key": "a", "secret_key": "b", "product": "dcdn"});
    let request = client(&keys).refresh_request(&[url("http://h/a")]).unwrap();
    let body: Value = serde_json::from_slice(request.body().unwrap().as_bytes().unwrap()).unwrap();
    assert_eq!(body, json!({"urls": ["http://h/a"], "product": "dcdn"}));
    assert_eq!(request.url().as_str(), "https://fusion.qiniuapi.com/v2/tune/refresh");
}
