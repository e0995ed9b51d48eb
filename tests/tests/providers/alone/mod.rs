//! What holds for every provider's client alone, against servers that answer as the test says.

mod codes;
mod secrets;

use purgeline_core::{Cause, Class, Descriptor, Kind, Outcome, Signal, Submission};
use purgeline_providers::{CallItem, REGISTRY};
use purgeline_sim::{Ending, Selector};
use purgeline_tests::{
    AfterRead, HttpReply, HttpServer, MuteServer, PATIENCE, ProviderCase, SeenRequest, unreachable_address,
    wire::{dir, open, outcomes, resource, submit, url},
};
use serde_json::json;
use std::{collections::BTreeSet, time::Duration};

/// Calls of as many items as one takes: of all kinds at once where they may be mixed, else of each.
fn full_calls(descriptor: &Descriptor) -> Vec<Vec<CallItem>> {
    let call = &descriptor.limits.call;
    let mut of_kinds = call.max_of_kind.iter().map(|(kind, max)| {
        let items = (0..max.get()).map(|n| match kind {
            Kind::Url => url(&format!("http://www.example.com/a/{n}?x=1")),
            Kind::Dir => dir(&format!("http://www.example.com/d/{n}/")),
            Kind::Resource => resource("Sales", &json!({ "n": n })),
        });
        items.collect::<Vec<_>>()
    });
    if !call.mix_kinds {
        return of_kinds.collect();
    }
    let max = usize::try_from(call.max_items.get()).unwrap();
    let mixed = of_kinds.by_ref().flatten().take(max);
    vec![mixed.collect()]
}

/// A server that gives this answer to all calls but those for a token, which it grants.
async fn answering(reply: HttpReply) -> HttpServer {
    HttpServer::start(move |seen| token(seen).unwrap_or_else(|| reply.clone())).await
}

/// A token, where one is asked for.
fn token(seen: &SeenRequest) -> Option<HttpReply> {
    match seen.uri.path() {
        "/cdn_api/tokens" => {
            let token = json!({"id": "server-token", "expires": "2126-01-01T00:00:00Z"});
            Some(HttpReply::json(200, &json!({"access": {"token": token}})))
        }
        "/v3/auth/tokens" => Some(HttpReply::status(201).with("x-subject-token", "server-token")),
        _ => None,
    }
}

/// All items are to be sent again; the cause of the first.
fn retried(submission: &Submission) -> &Cause {
    let causes: Vec<_> = outcomes(submission)
        .iter()
        .map(|outcome| match outcome {
            Outcome::Retry { cause, .. } => cause,
            other => panic!("{other:?}"),
        })
        .collect();
    causes[0]
}

#[test]
fn every_provider_has_a_case() {
    let registered: Vec<_> = REGISTRY.iter().map(|entry| entry.name).collect();
    let cases: Vec<_> = ProviderCase::providers().iter().map(|case| case.registry_name).collect();
    assert_eq!(registered, cases);
    assert_eq!(BTreeSet::from_iter(&registered).len(), registered.len(), "a name is registered twice");
    let names: BTreeSet<_> = ProviderCase::all().iter().map(|case| case.name).collect();
    assert_eq!(names.len(), ProviderCase::all().len(), "two cases have one name");
    assert!(purgeline_providers::provider("nobody").is_none());
}

#[test]
fn descriptors_are_consistent() {
    for provider in ProviderCase::providers() {
        let descriptor = provider.full_descriptor();
        let call = &descriptor.limits.call;
        assert_eq!(descriptor.name, provider.registry_name);
        assert!(!call.max_of_kind.is_empty());
        let of_kinds = call.max_of_kind.values().map(|max| max.get());
        assert!(of_kinds.clone().all(|max| max <= call.max_items.get()), "{}", provider.name);
        assert!(call.max_items.get() <= of_kinds.sum(), "{}: never full", provider.name);
        assert!(descriptor.actions.contains(&purgeline_core::Action::Default));
        let names: BTreeSet<_> = descriptor.limits.rates.iter().map(purgeline_core::Rate::name).collect();
        assert_eq!(names.len(), descriptor.limits.rates.len(), "{}: one limit twice", provider.name);
        if let Some(polls) = descriptor.polls {
            assert!(polls.deadline_ms > polls.first_ms, "{}", provider.name);
        }
        for item in full_calls(&descriptor).into_iter().flatten() {
            assert_eq!(descriptor.check(&item.item), Ok(()));
        }
    }
}

#[tokio::test]
async fn a_full_call_of_good_items_succeeds() {
    for provider in ProviderCase::providers() {
        let sim = provider.start_sim().await;
        let client = provider.client(sim.base_url(), PATIENCE);
        for items in full_calls(&provider.full_descriptor()) {
            let submission = submit(&*client, &items).await;
            let Some(receipt) = &submission.receipt else {
                assert!(outcomes(&submission).iter().all(|outcome| *outcome == Outcome::Done));
                continue;
            };
            assert!(outcomes(&submission).iter().all(|outcome| *outcome == Outcome::Accepted));
            let batch = [open(&receipt.0, &items)];
            let runs = client.poll(&batch).await;
            assert!(runs.answers.iter().all(|answer| answer.ended.is_empty()), "{runs:?}");
            assert!(sim.settle(&Selector::All, &Ending::Success) > 0);
            let ended = client.poll(&batch).await;
            let expected: Vec<_> = (0..items.len()).map(|at| (at, Outcome::Done)).collect();
            assert_eq!((ended.answers.len(), ended.signals.len()), (1, 0));
            assert_eq!((&ended.answers[0].ended, &ended.answers[0].cause), (&expected, &None));
        }
    }
}

#[tokio::test]
async fn a_failed_connection_is_retried_soon() {
    for provider in ProviderCase::providers() {
        let address = unreachable_address().await;
        let submission = provider.submits(&address).await;
        let cause = retried(&submission);
        assert_eq!((cause.class, cause.code.as_str()), (Class::Soon, "connect"));
        assert_eq!(submission.signals, []);
        if let Some(report) = provider.polls(&*provider.client(&address, PATIENCE), &provider.few()).await {
            let cause = report.answers[0].cause.as_ref().unwrap();
            assert_eq!((cause.code.as_str(), report.answers[0].ended.len()), ("connect", 0));
        }
    }
}

#[tokio::test]
async fn a_call_without_an_answer_is_retried() {
    for (then, code, timeout) in
        [(AfterRead::Hold, "timeout", Duration::from_millis(300)), (AfterRead::Close, "no-answer", PATIENCE)]
    {
        for provider in ProviderCase::providers() {
            let server = MuteServer::start(then).await;
            let client = provider.client(&server.url(), timeout);
            let submission = submit(&*client, &provider.few()).await;
            let cause = retried(&submission);
            assert_eq!((cause.class, cause.code.as_str()), (Class::Unknown, code));
            assert_eq!(submission.signals, []);
            if let Some(report) = provider.polls(&*client, &provider.few()).await {
                let cause = report.answers[0].cause.as_ref().unwrap();
                assert_eq!((cause.code.as_str(), report.answers[0].ended.len()), (code, 0));
            }
        }
    }
}

#[tokio::test]
async fn an_unreadable_answer_is_retried() {
    for provider in ProviderCase::providers() {
        for reply in (provider.nonsense)() {
            let server = answering(reply.clone()).await;
            let submission = provider.submits(&server.url()).await;
            assert_eq!(retried(&submission).class, Class::Unknown, "{}: {reply:?}", provider.name);
            if let Some(report) =
                provider.polls(&*provider.client(&server.url(), PATIENCE), &provider.few()).await
            {
                assert_eq!(report.answers[0].ended, [], "{reply:?}");
                assert!(report.answers[0].cause.is_some(), "{reply:?}");
            }
        }
    }
}

#[tokio::test]
async fn refused_credentials_hold_the_target_and_its_items() {
    for provider in ProviderCase::providers() {
        for status in [401, 403] {
            let server = answering(HttpReply::status(status)).await;
            let submission = provider.submits(&server.url()).await;
            assert_eq!(retried(&submission).class, Class::Unauthorised);
            assert!(matches!(submission.signals[..], [Signal::Unauthorised { .. }]), "{submission:?}");
        }
    }
}

#[tokio::test]
async fn retry_after_throttles_the_target() {
    for provider in ProviderCase::providers() {
        for status in [429, 503] {
            let server = answering(HttpReply::status(status).with("retry-after", "7")).await;
            let submission = provider.submits(&server.url()).await;
            assert_eq!(retried(&submission).class, Class::Delay);
            let [Signal::Throttled { for_ms: 7_000, .. }] = submission.signals[..] else {
                panic!("{submission:?}")
            };
        }
    }
}

#[tokio::test]
async fn redirects_are_not_followed() {
    for provider in ProviderCase::providers() {
        for status in [301, 302, 307, 308] {
            let target = HttpServer::start(|_| panic!("followed")).await;
            let server = answering(HttpReply::status(status).with("location", target.url())).await;
            let submission = provider.submits(&server.url()).await;
            let cause = retried(&submission);
            assert!(cause.message.contains(&target.url()), "{cause}");
            assert_eq!(target.seen().len(), 0);
        }
    }
}
