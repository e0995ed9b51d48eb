use purgeline_core::{Target, config::TargetConfig};
use purgeline_providers::ConfiguredTarget;
use serde_json::{Value, json};

/// A target from its configuration as JSON.
pub fn target(name: &str, config: Value) -> ConfiguredTarget {
    let config: TargetConfig = serde_json::from_value(config).unwrap();
    let name: purgeline_core::TargetName = name.parse().unwrap();
    let account = config.account.clone().unwrap_or_else(|| name.clone());
    ConfiguredTarget::resolve(Target { name, account }, &config).unwrap()
}

/// A Qiniu target at a simulator, for all hosts below example.com, that asks often how a refresh
/// fares. `more` is merged into its configuration.
pub fn qiniu_target(name: &str, base_url: &str, more: Value) -> ConfiguredTarget {
    let mut config = json!({
        "provider": "qiniu",
        "hosts": ["*.example.com"],
        "retry_initial_ms": 20,
        "retry_max_ms": 200,
        "settings": {
            "access_key": "sim-access-key",
            "secret_key": "sim-secret-key",
            "base_url": base_url,
            "polls": { "first_ms": 20, "then_ms": 20, "max_ms": 100, "deadline_ms": 60_000 },
        },
    });
    merge(&mut config, more);
    target(name, config)
}

fn merge(into: &mut Value, more: Value) {
    match (into, more) {
        (Value::Object(into), Value::Object(more)) => {
            for (name, value) in more {
                merge(into.entry(name).or_insert(Value::Null), value);
            }
        }
        (into, more) => *into = more,
    }
}
