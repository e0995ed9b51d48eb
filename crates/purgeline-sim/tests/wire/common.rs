//! What the tests share: a plain HTTP client, and the sending of recorded requests.

use std::sync::LazyLock;

use serde_json::Value;

/// A client that keeps no connection: each test has a runtime of its own, a connection only one.
pub(crate) fn client() -> reqwest::Client {
    static CLIENT: LazyLock<reqwest::Client> = LazyLock::new(|| {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = reqwest::Client::builder().no_proxy();
        builder.pool_max_idle_per_host(0).build().unwrap()
    });
    CLIENT.clone()
}

/// Sends a vector's request as it stands, but for where it goes.
pub(crate) async fn send_vector(base_url: &str, vector: &Value) -> (u16, Value) {
    let text = |key: &str| vector[key].as_str().unwrap().to_owned();
    let mut url = format!("{base_url}{}", text("path"));
    if !text("query").is_empty() {
        url = format!("{url}?{}", text("query"));
    }
    let method = text("method").parse().unwrap();
    let mut request = client().request(method, url);
    for header in vector["headers"].as_array().unwrap() {
        let (name, value) = (header[0].as_str().unwrap(), header[1].as_str().unwrap());
        if !name.eq_ignore_ascii_case("content-length") {
            request = request.header(name, value);
        }
    }
    let response = request.body(text("body")).send().await.unwrap();
    let status = response.status().as_u16();
    (status, response.json().await.unwrap())
}
