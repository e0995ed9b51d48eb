//! Secrets and wrong settings: what is printed, and what is not.

use super::token;
use purgeline_tests::{
    HttpReply, HttpServer, PATIENCE, ProviderCase, SeenRequest,
    wire::{context, settings, submit},
};
use serde_json::json;

/// What a request carries that opens doors: whole headers and the part after a user name.
fn sensitive(seen: &[SeenRequest]) -> Vec<String> {
    let names = ["authorization", "x-purge-token", "x-auth-token"];
    let headers = seen.iter().flat_map(|seen| names.iter().filter_map(|name| seen.headers.get(*name)));
    headers
        .map(|value| {
            let value = value.to_str().unwrap();
            value.rsplit_once(':').map_or(value, |(_, signature)| signature).to_owned()
        })
        .collect()
}

#[tokio::test]
async fn secrets_are_never_printed() {
    for provider in ProviderCase::providers() {
        let echo = |seen: &SeenRequest| format!("you sent {} {:?} {}", seen.uri, seen.headers, seen.body);
        for status in [200, 400, 401, 403, 405, 429, 500, 503] {
            let plain = HttpServer::start(move |seen| {
                token(seen).unwrap_or_else(|| HttpReply::status(status).saying(echo(seen)))
            })
            .await;
            let json = HttpServer::start(move |seen| {
                let body = json!({"code": u32::from(status) * 1_000, "error": echo(seen)});
                token(seen).unwrap_or_else(|| HttpReply::json(status, &body))
            })
            .await;
            for server in [plain, json] {
                let client = provider.client(&server.url(), PATIENCE);
                let submission = submit(&*client, &provider.few()).await;
                let report = provider.polls(&*client, &provider.few()).await;
                let said = format!("{client:?} {submission:?} {report:?}");
                let mut secrets = sensitive(&server.seen());
                assert!(!secrets.is_empty(), "{}: the server was sent no secret", provider.name);
                secrets.push(provider.secret.to_owned());
                for secret in secrets {
                    assert!(!said.contains(&secret), "{} tells {secret}: {said}", provider.name);
                }
            }
        }
        let context = context((provider.all_settings)("http://127.0.0.1:1"), PATIENCE);
        let said = format!("{context:?} {:?}", provider.full_descriptor());
        assert!(!said.contains(provider.secret), "{said}");
    }
}

#[test]
fn errors_in_settings_name_the_setting_and_not_its_value() {
    for provider in ProviderCase::providers() {
        let entry = purgeline_providers::provider(provider.registry_name).unwrap();
        let good = (provider.all_settings)("http://127.0.0.1:1");
        for (name, value) in good.as_object().unwrap() {
            // A slip of the finger.
            let mut members = good.as_object().unwrap().clone();
            members.remove(name);
            members.insert(name[..name.len() - 1].to_owned(), value.clone());
            let error = (entry.descriptor)(&settings(members.clone().into())).unwrap_err().to_string();
            assert!(error.contains(&format!("did you mean \"{name}\"?")), "{error}");
            assert!(!error.contains(provider.secret), "{error}");
            // Another type than expected, whatever that is.
            for wrong in [
                json!({"x": provider.secret}),
                json!([[provider.secret]]),
                json!(provider.secret),
                json!(-1.5),
            ] {
                members = good.as_object().unwrap().clone();
                members.insert(name.clone(), wrong);
                let context = context(members.into(), PATIENCE);
                if let Err(error) = (entry.build)(&context) {
                    let error = error.to_string();
                    assert!(error.starts_with(&format!("settings.{name}")), "{error}");
                    assert!(!error.contains(provider.secret), "{error}");
                }
            }
        }
        for name in provider.needed {
            let mut members = good.as_object().unwrap().clone();
            members.remove(*name);
            let error = (entry.build)(&context(members.into(), PATIENCE)).unwrap_err();
            assert_eq!(error.path, *name, "{error}");
        }
    }
}
