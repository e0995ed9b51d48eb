use super::*;
use purgeline_core::{Item, ManualClock};
use serde_json::{Value, json};
use std::time::Duration;

const NODE: &str = "http://10.0.0.1:6081";

fn settings(value: &Value) -> Settings {
    Settings::from(value.as_object().unwrap().clone())
}

fn problem(mut value: Value) -> String {
    value["nodes"] = json!([NODE]);
    let error = descriptor(&settings(&value)).unwrap_err().to_string();
    assert!(!error.contains("swordfish"), "{error}");
    error
}

fn forms(mut value: Value) -> Forms {
    value["nodes"] = json!([NODE]);
    Forms::new(&settings::read(&settings(&value)).unwrap()).unwrap()
}

/// Method, address and headers of the request for an item at a node.
fn request(forms: &Forms, node: &str, item: &Item) -> (String, Vec<String>) {
    let request = forms.of(item.kind()).unwrap().request(&node.parse().unwrap(), item).unwrap();
    let headers = request.headers().iter();
    let headers = headers.map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
    (format!("{} {}", request.method(), request.url()), headers)
}

#[test]
fn a_url_is_purged_at_the_nodes_address_with_the_sites_host() {
    let page = Item::url("https://www.example.com:8443/a%20b/é?x=/y&z").unwrap();
    let (line, headers) = request(&forms(json!({})), NODE, &page);
    assert_eq!(line, "PURGE http://10.0.0.1:6081/a%20b/%C3%A9?x=/y&z");
    assert_eq!(headers, ["host: www.example.com:8443"]);
    // A path of the node's own comes first.
    let (line, _) = request(&forms(json!({})), "http://10.0.0.1/cache/", &Item::url("http://h").unwrap());
    assert_eq!(line, "PURGE http://10.0.0.1/cache/");
}

#[test]
fn odd_characters_reach_the_cache_as_the_site_has_them() {
    for path in ["/A//b;v=1,2?b=2&a=1&a=", "/100%", "/a|b^c`{d}", "/~u/(1)+[2]*?'\"", "/.well-known/x"] {
        let page = Item::url(&format!("http://h{path}")).unwrap();
        let expected = page.text().replace("http://h", NODE);
        assert_eq!(request(&forms(json!({})), NODE, &page).0, format!("PURGE {expected}"));
    }
}

#[test]
fn nginx_and_souin_have_templates_of_their_own() {
    let page = Item::url("https://www.example.com/a?b").unwrap();
    let nginx = forms(json!({"method": "GET", "path": "/purge{path_and_query}"}));
    assert_eq!(request(&nginx, NODE, &page).0, "GET http://10.0.0.1:6081/purge/a?b");
    let souin = forms(json!({"path": "/souin-api/souin/GET-{scheme}-{host}-{path_and_query}"}));
    assert_eq!(
        request(&souin, NODE, &page).0,
        "PURGE http://10.0.0.1:6081/souin-api/souin/GET-https-www.example.com-/a?b"
    );
}

#[test]
fn a_dir_is_banned_by_a_pattern_that_matches_it_alone() {
    let dir = Item::dir("https://www.example.com/a.b/(c)+/").unwrap();
    let (line, headers) = request(&forms(json!({"ban": {}})), NODE, &dir);
    assert_eq!(line, "BAN http://10.0.0.1:6081/a.b/(c)+/");
    assert_eq!(headers, ["host: www.example.com", r"x-ban-url: ^/a\.b/\(c\)\+/"]);
}

#[test]
fn headers_are_sent_and_not_shown() {
    let forms = forms(json!({"headers": {"X-Purge-Token": "swordfish", "Host": "cache.internal"}}));
    let (_, headers) = request(&forms, NODE, &Item::url("http://h/a").unwrap());
    assert_eq!(headers, ["host: cache.internal", "x-purge-token: swordfish"]);
    let sent = forms.url.request(&NODE.parse().unwrap(), &Item::url("http://h/a").unwrap()).unwrap();
    assert!(!format!("{forms:?} {sent:?}").contains("swordfish"));
}

#[test]
fn dirs_are_taken_if_a_ban_is_configured() {
    let kinds = |value| -> Vec<_> {
        let limits = descriptor(&settings(&value)).unwrap().limits;
        limits.call.max_of_kind.into_keys().collect()
    };
    assert_eq!(kinds(json!({"nodes": [NODE]})), [Kind::Url]);
    assert_eq!(kinds(json!({"nodes": [NODE], "ban": {}})), [Kind::Url, Kind::Dir]);
    let limits = descriptor(&settings(&json!({"nodes": [NODE], "max_in_flight": 9}))).unwrap().limits;
    assert_eq!((limits.max_in_flight.get(), limits.rates.len()), (9, 0));
}

#[test]
fn settings_that_cannot_work_are_refused() {
    for (value, expected) in [
        (json!({"method": "PU RGE"}), "settings.method: not an HTTP method"),
        (json!({"path": "/purge"}), "settings.path: neither it nor a header holds {path_and_query}"),
        (json!({"path": "{host}{path}"}), "settings.path: gives a path that does not begin with \"/\""),
        (json!({"path": "/{pth}"}), "settings.path: a brace at character 2 opens none of"),
        (json!({"success": []}), "settings.success: empty"),
        (json!({"success": [200, 503]}), "settings.success: 503 says no success"),
        (json!({"headers": {"a b": "c"}}), "settings.headers.a b: not a header's name"),
        (json!({"headers": {"a": "swordfish{"}}), "settings.headers.a: a brace at character 10"),
        (json!({"headers": {"a": "sword\nfish"}}), "settings.path: the request cannot be sent: the header a"),
        (json!({"ban": {"path": "/", "headers": {}}}), "settings.ban.path: neither it nor a header"),
        (json!({"ban": {"hedaers": {}}}), "settings.ban.hedaers: unknown setting; did you mean \"headers\"?"),
        (json!({"ban": {"success": [302, 99]}}), "settings.ban.success: 99 says no success"),
        (json!({"concurrency": 0}), "settings.concurrency: expected a nonzero usize"),
    ] {
        let error = problem(value);
        assert!(error.starts_with(expected), "{error}");
    }
    for nodes in [json!([]), json!(["10.0.0.1"]), json!(["http://user:swordfish@10.0.0.1"])] {
        let context = BuildContext {
            settings: settings(&json!({"nodes": nodes})),
            timeout: Duration::from_secs(60),
            clock: Arc::new(ManualClock::new("2026-01-01T00:00:00Z".parse().unwrap())),
        };
        let error = build(&context).unwrap_err().to_string();
        assert!(error.starts_with("settings.nodes") && !error.contains("swordfish"), "{error}");
        assert!(descriptor(&context.settings).is_err(), "{error}");
    }
}

#[test]
fn the_documentation_gives_the_vcl_that_is_tested() {
    let readme = include_str!("../../README.md");
    assert!(readme.contains(VARNISH_VCL.trim_end()));
}
