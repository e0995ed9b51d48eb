use super::*;
use purgeline_core::config::Durability;
use secrecy::ExposeSecret;
use std::{fs, path::PathBuf};
use tempfile::TempDir;

const SECRET: &str = "swordfish-0123456789";

/// Layers in a directory of their own.
struct Setup {
    dir: TempDir,
    layers: Layers,
}

impl Setup {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), layers: Layers::default() }
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.dir.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    fn system(mut self, toml: &str) -> Self {
        self.layers.system = Some(self.write("system.toml", toml));
        self
    }

    fn file(mut self, toml: impl AsRef<[u8]>) -> Self {
        self.layers.file = Some(self.write("purgeline.toml", toml));
        self
    }

    fn variable(mut self, name: &str, value: &str) -> Self {
        self.layers.environment.push((name.into(), value.into()));
        self
    }

    fn load(&self) -> Loaded {
        load(&self.layers, Secrets::Read).unwrap()
    }

    /// The problems, with the directory's name taken out of them.
    fn problems(&self) -> Vec<String> {
        let error = load(&self.layers, Secrets::Read).unwrap_err();
        let dir = format!("{}/", self.dir.path().display());
        error.to_string().lines().map(|problem| problem.replace(&dir, "")).collect()
    }
}

#[test]
fn the_default_is_complete() {
    let config = Setup::new().load().config;
    assert!(config.redis.url.is_none());
    assert_eq!(config.redis.durability, Durability::Always);
    assert!(config.redis.data_dir.ends_with(".local/share/purgeline") && config.redis.data_dir.is_absolute());
    assert_eq!(config.worker.lease_ms.get(), 30_000);
    assert!(config.targets.is_empty());
}

/// What stands in the default file as a comment can be taken as it stands, and has the values
/// that are in force without it.
#[test]
fn every_documented_key_is_true() {
    let documented = Setup::new().file(keys::uncommented());
    // Secrets and their files are documented side by side; only one of the two may be set.
    let config = load(&documented.layers, Secrets::Skip).unwrap().config;
    let bare = Setup::new().file("[targets.www]\nprovider = 'http'\nsettings.nodes = ['http://h']");
    let www = |config: &Config| config.targets[&"www".parse().unwrap()].clone();
    let (documented, default) = (www(&config), www(&bare.load().config));
    assert_eq!(documented.linger_ms, default.linger_ms);
    assert_eq!(documented.max_pending_items, default.max_pending_items);
    assert_eq!(documented.max_attempts, default.max_attempts);
    assert_eq!(documented.max_age_s, default.max_age_s);
    assert_eq!(documented.breaker, default.breaker);
    assert_eq!(documented.retry_initial_ms, default.retry_initial_ms);
    assert_eq!(documented.retry_max_ms, default.retry_max_ms);
    assert_eq!(documented.timeout_ms, Some(purgeline_core::Descriptor::TIMEOUT_MS));
    assert_eq!(documented.limits.exceed_documented, default.limits.exceed_documented);
    assert_eq!(documented.limits.quota_reserve_percent, default.limits.quota_reserve_percent);
}

/// The types have no key that the default file does not document.
#[test]
fn every_key_is_documented() {
    let documented: toml::Table = toml::from_str(&keys::uncommented()).unwrap();
    for (table, path) in [("redis", "redis"), ("worker", "worker"), ("retention", "retention")] {
        assert_fields(&documented[table], path);
    }
    assert_fields(&documented["targets"]["www"], "targets.www");
    assert_fields(&documented["targets"]["www"]["limits"], "targets.www.limits");
    assert_fields(&documented["targets"]["www"]["breaker"], "targets.www.breaker");
}

/// The providers have no setting that the default file does not document.
#[test]
fn every_setting_is_documented() {
    let documented: toml::Table = toml::from_str(&keys::uncommented()).unwrap();
    let targets = documented["targets"].as_table().unwrap();
    for entry in purgeline_providers::REGISTRY {
        let example = targets.values().find(|target| target["provider"].as_str() == Some(entry.name));
        let settings = &example.expect(entry.name)["settings"];
        // A provider names all its settings when it meets one that it does not know.
        let probe = serde_json::json!({ "xxxxxxxxxxxxxxxxxxxx": true }).as_object().unwrap().clone();
        let error = (entry.descriptor)(&probe.into()).unwrap_err();
        let fields: Vec<_> = error.problem.split('"').skip(1).step_by(2).collect();
        assert!(!fields.is_empty(), "{error}");
        for field in fields {
            let file = format!("{field}_file");
            assert!(
                settings.get(field).or(settings.get(&file)).is_some(),
                "{}: setting {field} is not documented",
                entry.name
            );
        }
    }
}

/// Serde names all fields of a type when it meets one that it does not know.
fn assert_fields(table: &toml::Value, path: &str) {
    let mut fields: Vec<String> = Vec::new();
    let mut probe: toml::Table = toml::from_str(&keys::uncommented()).unwrap();
    let mut at = &mut probe;
    for part in path.split('.') {
        at = at[part].as_table_mut().unwrap();
    }
    at.insert("no_such_key".to_owned(), true.into());
    let error = toml::Value::Table(probe).try_into::<Config>().unwrap_err().to_string();
    let (_, list) = error.split_once("unknown field `no_such_key`, expected ").expect(&error);
    let list = list.lines().next().unwrap();
    fields.extend(list.split('`').skip(1).step_by(2).map(str::to_owned));
    for field in fields {
        assert!(table.get(&field).is_some(), "{path}.{field} is not documented");
    }
}

#[test]
fn later_layers_win_key_by_key() {
    let setup = Setup::new()
        .system("redis.timeout_ms = 1\nworker.lease_ms = 1\nworker.concurrency = 1")
        .file("worker.lease_ms = 2\nworker.concurrency = 2\n[targets.'www.example.com']\nprovider = 'qiniu'")
        .variable("PURGELINE__WORKER__CONCURRENCY", "3")
        .variable("PURGELINE__TARGETS__WWW.EXAMPLE.COM__HOSTS", "['www.example.com']")
        .variable("PURGELINE__TARGETS__WWW.EXAMPLE.COM__LIMITS", "{ max_items = 1 }")
        .variable("PURGELINE_HOME", "ignored")
        .variable("PATH", "ignored");
    let config = load(&setup.layers, Secrets::Skip).unwrap().config;
    assert_eq!(config.redis.timeout_ms, 1);
    assert_eq!(config.worker.lease_ms.get(), 2);
    assert_eq!(config.worker.concurrency.get(), 3);
    let target = &config.targets[&"www.example.com".parse().unwrap()];
    assert_eq!(target.hosts.len(), 1);
    assert_eq!(target.limits.max_items.unwrap().get(), 1);
}

#[test]
fn a_missing_system_file_is_no_error_a_missing_named_one_is() {
    let mut setup = Setup::new();
    setup.layers.system = Some(setup.dir.path().join("no.toml"));
    setup.load();
    setup.layers.file = Some(setup.dir.path().join("no.toml"));
    assert_eq!(setup.problems(), ["no.toml: cannot be read: No such file or directory (os error 2)"]);
}

#[test]
fn an_unknown_key_is_answered_with_the_nearest() {
    let setup = Setup::new()
        .file(
            "lease_ms = 1\nnonsense = 1\n[reddis]\nurl = 'x'\n[worker]\nleese_ms = 1\n\
             [redis]\ntimeout = 5\n[targets.www]\nprovider = 'http'\nmax_urls = 3\nhost = []",
        )
        .variable("PURGELINE__RETENTION__MAX_EVENT", "3");
    assert_eq!(
        setup.problems(),
        [
            "lease_ms (in purgeline.toml): unknown key; did you mean worker.lease_ms?",
            "nonsense (in purgeline.toml): unknown key; purgeline.default.toml names them all",
            "reddis (in purgeline.toml): unknown key; did you mean redis?",
            "redis.timeout (in purgeline.toml): unknown key; did you mean redis.timeout_ms?",
            "retention.max_event (in PURGELINE__RETENTION__MAX_EVENT): unknown key; did you mean retention.max_events?",
            "targets.www.host (in purgeline.toml): unknown key; did you mean targets.www.hosts?",
            "targets.www.max_urls (in purgeline.toml): unknown key; did you mean targets.www.limits.max_urls?",
            "worker.leese_ms (in purgeline.toml): unknown key; did you mean worker.lease_ms?",
        ]
    );
}

#[test]
fn a_wrong_value_is_answered_with_what_was_expected() {
    for (toml, expected) in [
        ("worker.lease_ms = 0", "worker.lease_ms (in purgeline.toml): expected a whole number, 1 or more"),
        ("worker.lease_ms = 'x'", "worker.lease_ms (in purgeline.toml): expected a whole number, 1 or more"),
        ("redis.timeout_ms = -5", "redis.timeout_ms (in purgeline.toml): expected a whole number, 0 or more"),
        ("redis = 5", "redis (in purgeline.toml): expected a table"),
        (
            "redis.durability = 'sometimes'",
            "redis.durability (in purgeline.toml): expected \"always\" or \"everysec\" or \"replicated\"",
        ),
        ("redis.durability = 'replicated'", "redis.durability: \"replicated\" needs a Redis with replicas"),
        (
            "redis.replicas = 0",
            "redis.replicas (in purgeline.toml): expected a whole number from 1 to 4294967295",
        ),
        (
            "redis.url = 'redis+sentinel://a,b'",
            "redis.url: not an address of Sentinels (the name of the primary is missing): expected redis+sentinel://",
        ),
        ("redis.url = 'redis+cluster://a/1'", "redis.url: not an address of a Redis Cluster ("),
        ("redis.data_dir = 'data'", "redis.data_dir: \"data\" is not absolute"),
        ("redis.url = 'http://h'", "redis.url: not a Redis address"),
        ("[targets.www]\nhosts = []", "targets.www.provider (in purgeline.toml): missing"),
        (
            "[targets.www]\nprovider = 'htp'",
            "targets.www.provider: \"htp\" is not known, did you mean \"http\"?",
        ),
        (
            "[targets.www]\nprovider = 'akamai'",
            "targets.www.provider: \"akamai\" is not known; there are foresight, http, huawei, qiniu, wangsu, ztgame",
        ),
        (
            "[targets.WWW]\nprovider = 'http'",
            "targets.WWW (in purgeline.toml): \"WWW\" cannot name a target: expected 1 to 64 of a-z",
        ),
        (
            "[targets.q]\nprovider = 'qiniu'\nlimits.max_urls = 61",
            "targets.q.limits.max_urls is 61, 1 more than the 60 that",
        ),
        (
            "[targets.w]\nprovider = 'wangsu'\nlimits.quotas = [{ kind = 'url', max = 6000 }]",
            "targets.w.limits.quotas (urls) is 6000 a day, 1000 more than the 5000 a day that wangsu allows",
        ),
        (
            "[targets.w]\nprovider = 'wangsu'\nlimits.rates = [{ unit = 'calls', max = 100, window_ms = 300000 }]",
            "targets.w.limits.rates (calls) is 100 per 5 min, 50 more than the 50 per 5 min that wangsu allows",
        ),
        (
            "[targets.q]\nprovider = 'qiniu'\nlimits.quota_reserve_percent = 91",
            "targets.q.limits.quota_reserve_percent (in purgeline.toml): expected 0 to 90 percent, came 91",
        ),
        (
            "[targets.q]\nprovider = 'qiniu'\nlimits.quotas = [{ max = 1, day_utc_offset_hours = 15 }]",
            "targets.q.limits.quotas[0].day_utc_offset_hours (in purgeline.toml): expected an offset from UTC of -12 to 14 hours, came 15",
        ),
        (
            "[targets.q]\nprovider = 'qiniu'\nlimits.rates = [{ unit = 'calls', max = 0, window_ms = 1 }]",
            "targets.q.limits.rates[0].max (in purgeline.toml): expected a whole number from 1",
        ),
        (
            "[targets.q]\nprovider = 'qiniu'\nretry_initial_ms = 9\nretry_max_ms = 8",
            "targets.q.retry_initial_ms: 9 is more than retry_max_ms, 8",
        ),
        (
            "[targets.q]\nprovider = 'qiniu'\nquiet_ms = 9\nmax_wait_ms = 8",
            "targets.q.max_wait_ms: 8 is less than quiet_ms, 9",
        ),
        (
            "[targets.q]\nprovider = 'qiniu'\nmax_wait_ms = 8",
            "targets.q.max_wait_ms: it bounds the wait for quiet: set quiet_ms too",
        ),
        (
            "[targets.q]\nprovider = 'qiniu'\nrebound_ms = 86_400_001",
            "targets.q.rebound_ms: 86400001 is too long: 86400000, a day, is the most",
        ),
        (
            "[targets.q]\nprovider = 'qiniu'\nbreaker = { probe_ms = 9, max_probe_ms = 8 }",
            "targets.q.breaker.probe_ms: 9 is more than max_probe_ms, 8",
        ),
        (
            "[targets.q]\nprovider = 'qiniu'\nbreaker.max_probe_ms = 3_600_001",
            "targets.q.breaker.max_probe_ms: 3600001 is more than 3600000, an hour",
        ),
        (
            "[targets.q]\nprovider = 'qiniu'\nbreaker.failures = 1_001",
            "targets.q.breaker.failures: 1001 is more than 1000",
        ),
        (
            "[targets.q]\nprovider = 'qiniu'\nsettings.secret_kee = 'x'",
            "targets.q.settings.secret_kee: unknown setting; did you mean \"secret_key\"?",
        ),
        ("[targets.q]\nprovider = 'qiniu'", "targets.q.settings.access_key: missing"),
        (
            "[targets.a]\nprovider = 'http'\naccount = 'x'\n[targets.b]\nprovider = 'qiniu'\naccount = 'x'",
            "targets.b.account: account \"x\" is already that of target a, at provider http",
        ),
        ("[redis]\n[redis]", "purgeline.toml, line 2: not TOML: duplicate key"),
    ] {
        let problems = Setup::new().file(toml).problems();
        assert!(
            problems.iter().any(|problem| problem.starts_with(expected)),
            "{toml}\n  expected {expected}\n  came     {problems:#?}"
        );
    }
}

#[test]
fn text_that_is_not_utf8_is_named_by_its_line() {
    let setup = Setup::new().file(b"[redis]\nurl = '\xFF'");
    assert_eq!(setup.problems(), ["purgeline.toml, line 2: not UTF-8: save the file as UTF-8"]);
}

#[test]
fn an_odd_variable_is_named() {
    let setup = Setup::new().variable("PURGELINE__REDIS____URL", "x");
    assert!(setup.problems()[0].starts_with("PURGELINE__REDIS____URL: not a key"));
}

#[test]
fn a_variable_is_read_as_toml_where_it_is_toml() {
    let token = |value: &str| {
        let setup = Setup::new().variable("PURGELINE__TARGETS__Q__SETTINGS__TOKEN", value);
        let tree = setup.layers.merge().unwrap();
        tree.get::<serde_json::Value>("targets.q.settings.token").unwrap()
    };
    assert_eq!(token("12"), 12);
    assert_eq!(token("true"), true);
    assert_eq!(token("\"12\""), "12");
    assert_eq!(token("plain text"), "plain text");
    assert_eq!(token("2026-01-02"), "2026-01-02");
    assert_eq!(token("1\nother = 2"), "1\nother = 2");
    assert_eq!(token(""), "");
}

#[test]
fn secrets_come_from_files() {
    let setup = Setup::new();
    let (url, key) = (setup.write("url", "redis://h/\n"), setup.write("key", format!("{SECRET}\r\n")));
    let setup = setup.file(format!(
        "redis.url_file = '{}'\n[targets.q]\nprovider = 'qiniu'\n\
         settings = {{ access_key = 'a', secret_key_file = '{}' }}",
        url.display(),
        key.display()
    ));
    let loaded = setup.load();
    assert_eq!(loaded.config.redis.url.as_ref().unwrap().expose_secret(), "redis://h/");
    let settings = loaded.config.targets[&"q".parse().unwrap()].settings.clone().into_value();
    assert_eq!(settings["secret_key"], SECRET);
    assert_eq!(settings.get("secret_key_file"), None);
    let shown = format!("{}{:?}", serde_json::to_string(&loaded.shown).unwrap(), loaded);
    assert!(!shown.contains(SECRET), "{shown}");
    assert!(shown.contains("\"secret_key_file\":"), "{shown}");

    // Who only enqueues needs no secrets, and may not be able to read them.
    fs::remove_file(key).unwrap();
    load(&setup.layers, Secrets::Skip).unwrap();
    let problems = setup.problems();
    assert_eq!(
        problems,
        ["targets.q.settings.secret_key_file: key cannot be read: No such file or directory (os error 2)"]
    );
}

#[test]
fn a_secret_file_that_cannot_be_meant_is_refused() {
    let setup = Setup::new();
    let empty = setup.write("empty", "\n").display().to_string();
    let long = setup.write("long", "x".repeat(65_537)).display().to_string();
    let binary = setup.write("binary", b"\xFF").display().to_string();
    for (settings, expected) in [
        (format!("access_key_file = '{empty}'"), "is empty"),
        (format!("access_key_file = '{long}'"), "is longer than the 65536 bytes"),
        (format!("access_key_file = '{binary}'"), "is not UTF-8"),
        ("access_key_file = 'key'".to_owned(), "\"key\" is not absolute"),
        ("access_key_file = 3".to_owned(), "expected the path of a file"),
        (format!("access_key = 'a', access_key_file = '{empty}'"), "set one of the two"),
    ] {
        let setup =
            Setup::new().file(format!("[targets.q]\nprovider = 'qiniu'\nsettings = {{ {settings} }}"));
        let problems = setup.problems();
        assert!(problems[0].contains(expected), "{settings}: {problems:?}");
        assert!(problems[0].starts_with("targets.q.settings.access_key_file: "), "{problems:?}");
    }
}

/// Whatever is wrong, and wherever a secret stands, no error repeats it.
#[test]
fn no_error_holds_a_secret() {
    for toml in [
        format!("redis.url = '{SECRET}'"),
        format!("redis.url = 'redis://user:{SECRET}@h:99999/'"),
        format!("redis.url = '{SECRET}"),
        format!("redis.url = 'redis+sentinel://user:{SECRET}@a:99999/main'"),
        format!("redis.url = 'redis+sentinel://user:/{SECRET}@a/main'"),
        format!("redis.url = 'redis+sentinel://a/main?{SECRET}={SECRET}'"),
        format!("redis.url = 'redis+cluster://user:{SECRET}@a,,b'"),
        format!("redis.url = 'redis+cluster://a,b?password={SECRET}'"),
        format!("redis.url = {SECRET}"),
        format!("redis.url = ['{SECRET}']"),
        format!("redis.url = {{ '{SECRET}' = 1 }}"),
        format!("redis.durability = '{SECRET}'"),
        format!("redis.timeout_ms = '{SECRET}'"),
        format!("redis.url_file = '/nonexistent'\nredis.url = '{SECRET}'"),
        format!("[targets.q]\nprovider = 'qiniu'\nsettings = '{SECRET}'"),
        format!("[targets.q]\nprovider = 'qiniu'\nsettings.secret_key = ['{SECRET}']"),
        format!("[targets.q]\nprovider = 'qiniu'\nsettings.secret_key = '{SECRET}'"),
        format!("[targets.q]\nprovider = 'qiniu'\nsettings.base_url = 'https://u:{SECRET}@h/'"),
        format!("[targets.q]\nprovider = 'qiniu'\nsettings.secret = '{SECRET}'"),
        format!("[targets.q]\nprovider = 'qiniu'\nsettings.secret_key = \"{SECRET}\" x"),
    ] {
        let problems = Setup::new().file(&toml).problems();
        let text = problems.join("\n");
        assert!(!text.contains(SECRET), "{toml}\n{text}");
    }
}

#[test]
fn what_is_shown_has_origins_and_no_secrets() {
    let setup = Setup::new()
        .file(format!(
            "redis.url = 'redis://user:{SECRET}@h:6379/1'\n[targets.\"a.b\"]\nprovider = 'qiniu'\n\
             limits.rates = [{{ unit = 'calls', max = 1, window_ms = 1000 }}]\n\
             settings = {{ access_key = 'AK', secret_key = '{SECRET}', polls = {{ first_ms = 5 }} }}"
        ))
        .variable("PURGELINE__WORKER__CONCURRENCY", "2");
    insta::assert_json_snapshot!(setup.load().shown);
}

/// `redis.url` as it is shown.
fn shown_url(loaded: &Loaded) -> String {
    let shown = serde_json::to_value(&loaded.shown).unwrap();
    shown["redis"]["url"].as_str().unwrap().to_owned()
}

#[test]
fn the_passwords_of_sentinels_and_clusters_are_masked() {
    for (url, expected) in [
        (
            format!("redis+sentinel://app:{SECRET}@a:1,b:2/main?sentinel_password={SECRET}"),
            "redis+sentinel://app:***@a:1,b:2/main?***",
        ),
        (format!("rediss+cluster://:{SECRET}@a:1,b:2"), "rediss+cluster://:***@a:1,b:2"),
        ("redis+cluster://a,b".to_owned(), "redis+cluster://a,b"),
    ] {
        let loaded = Setup::new().file(format!("redis.url = '{url}'")).load();
        assert_eq!(shown_url(&loaded), expected);
        assert!(!format!("{loaded:?}").contains(SECRET));
    }
}

#[test]
fn a_socket_password_is_masked() {
    let setup = Setup::new().file(format!("redis.url = 'redis+unix:///run/redis.sock?db=1&pass={SECRET}'"));
    assert_eq!(shown_url(&setup.load()), "redis+unix:///run/redis.sock?***");
}
