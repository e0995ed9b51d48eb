use super::*;
use serde::Deserialize;
use serde_json::{Value, json};
use std::{collections::BTreeMap, num::NonZeroU32};

const SECRET: &str = "swordfish-0123456789";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sample {
    secret_key: SecretString,
    #[serde(default)]
    count: Option<NonZeroU32>,
    #[serde(default)]
    mode: Mode,
    #[serde(default)]
    inner: Option<Inner>,
    #[serde(default)]
    headers: BTreeMap<String, SecretString>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Inner {
    first_ms: u64,
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Mode {
    #[default]
    Plain,
    Dcdn,
}

fn settings(value: &Value) -> Settings {
    Settings::from(value.as_object().unwrap().clone())
}

fn problem(value: &Value) -> String {
    let error = read::<Sample>(&settings(value)).unwrap_err();
    assert!(!format!("{error} {error:?}").contains(SECRET), "{error:?}");
    error.to_string()
}

#[test]
fn good_settings_are_read() {
    let sample: Sample = read(&settings(&json!({
        "secret_key": SECRET, "count": 3, "mode": "dcdn", "inner": {"first_ms": 5}, "headers": {"a": "b"},
    })))
    .unwrap();
    assert_eq!(sample.count, NonZeroU32::new(3));
    assert_eq!(sample.mode, Mode::Dcdn);
    assert_eq!(sample.inner.as_ref().unwrap().first_ms, 5);
    assert_eq!(sample.headers.len(), 1);
    assert!(required("secret_key", Some(&sample.secret_key)).is_ok());
    let sample: Sample = read(&settings(&json!({"secret_key": "", "count": null}))).unwrap();
    assert_eq!(sample.count, None);
    assert!(required("secret_key", Some(&sample.secret_key)).is_err());
}

#[test]
fn an_unknown_setting_is_told_with_its_nearest() {
    assert_eq!(
        problem(&json!({"secrt_key": SECRET})),
        "settings.secrt_key: unknown setting; did you mean \"secret_key\"?"
    );
    assert_eq!(
        problem(&json!({"secret_key": SECRET, "inner": {"first": SECRET}})),
        "settings.inner.first: unknown setting; did you mean \"first_ms\"?"
    );
    assert_eq!(
        problem(&json!({"qqqqqqqqqqqqqqqq": SECRET})),
        "settings.qqqqqqqqqqqqqqqq: unknown setting; expected \"secret_key\" or \"count\" or \"mode\" or \
         \"inner\" or \"headers\""
    );
}

#[test]
fn no_value_is_in_an_error() {
    for (value, expected) in [
        (json!({}), "settings.secret_key: missing"),
        (json!({"secret_key": {"x": SECRET}}), "settings.secret_key: expected a string, found table"),
        (json!({"secret_key": [SECRET]}), "settings.secret_key: expected a string, found list"),
        (
            json!({"secret_key": SECRET, "count": SECRET}),
            "settings.count: expected a nonzero u32, found text",
        ),
        (
            json!({"secret_key": SECRET, "count": 0}),
            "settings.count: expected a nonzero u32, found another whole number",
        ),
        (json!({"secret_key": SECRET, "mode": SECRET}), "settings.mode: expected \"plain\" or \"dcdn\""),
        (
            json!({"secret_key": SECRET, "mode": {"a": SECRET}}),
            "settings.mode: expected \"plain\" or \"dcdn\"",
        ),
        (json!({"secret_key": SECRET, "inner": SECRET}), "settings.inner: expected struct Inner, found text"),
        (json!({"secret_key": SECRET, "inner": {}}), "settings.inner.first_ms: missing"),
        (
            json!({"secret_key": SECRET, "headers": {"a": 20_260_101}}),
            "settings.headers.a: expected a string, found whole number",
        ),
    ] {
        assert_eq!(problem(&value), expected);
    }
}

#[test]
fn a_base_url_is_an_address_without_credentials() {
    for good in ["https://h", "http://127.0.0.1:81/", " https://h/prefix "] {
        assert!(base_url("base_url", good).is_ok(), "{good}");
    }
    for bad in ["h", "ftp://h", "https://u@h", "https://u:swordfish-0123456789@h", "https://h?x", "http://"] {
        let error = base_url("base_url", bad).unwrap_err().to_string();
        assert!(error.starts_with("settings.base_url: ") && !error.contains(SECRET), "{error}");
    }
}
