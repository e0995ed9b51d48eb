use purgeline_config::{Layers, Secrets, load};
use purgeline_providers::ConfiguredTarget;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A target from its configuration as JSON.
#[must_use]
pub fn target(name: &str, config: Value) -> ConfiguredTarget {
    let layer = BTreeMap::from([("targets", BTreeMap::from([(name, config)]))]);
    let text = toml::to_string(&layer).unwrap();
    let mut loaded = load(&Layers::of_text(text), Secrets::Skip).unwrap();
    loaded.targets.remove(0)
}

/// The configuration of a Qiniu target at a simulator, for all hosts below example.com, that asks
/// often how a refresh fares and never gives up asking. `more` is merged into it.
#[must_use]
pub fn qiniu(base_url: &str, more: Value) -> Value {
    let mut config = json!({
        "provider": "qiniu",
        "hosts": ["*.example.com"],
        "retry_initial_ms": 20,
        "retry_max_ms": 200,
        "settings": {
            "access_key": "sim-access-key",
            "secret_key": "sim-secret-key",
            "base_url": base_url,
            "polls": { "first_ms": 20, "then_ms": 20, "max_ms": 100, "deadline_ms": 600_000 },
        },
    });
    merge(&mut config, more);
    config
}

/// `more` for a target at a simulator whose limits over time are lifted too.
#[must_use]
pub fn lifted_limits() -> Value {
    let rate = |unit: &str| json!({"unit": unit, "max": 100_000_000, "window_ms": 1_000});
    json!({"limits": {"exceed_documented": true, "rates": [rate("calls"), rate("items")]}})
}

pub fn merge(into: &mut Value, more: Value) {
    match (into, more) {
        (Value::Object(into), Value::Object(more)) => {
            for (name, value) in more {
                merge(into.entry(name).or_insert(Value::Null), value);
            }
        }
        (into, more) => *into = more,
    }
}

/// A URL at a host that the targets here serve.
#[must_use]
pub fn url(path: impl std::fmt::Display) -> String {
    format!("https://www.example.com/{path}")
}

#[must_use]
pub fn many_urls(count: usize) -> Vec<String> {
    (0..count).map(|number| url(format_args!("{number:06}"))).collect()
}
