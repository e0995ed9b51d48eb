//! What holds for every provider, tried on each entry of the registry.

mod subject;
mod subjects;

use crate::support::{
    Mute, PATIENCE, Reply, Seen, Server, Then, context, dir, nobody, open, outcomes, resource, settings,
    submit, url,
};
use purgeline_core::{
    Cause, Class, Code, Descriptor, Kind, Outcome, PollReport, Signal, Submission, Verdict,
};
use purgeline_providers::{CallItem, REGISTRY, provider};
use serde_json::json;
use std::{collections::BTreeSet, time::Duration};
use subjects::SUBJECTS;

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
async fn answering(reply: Reply) -> Server {
    Server::start(move |seen| token(seen).unwrap_or_else(|| reply.clone())).await
}

/// A token, where one is asked for.
fn token(seen: &Seen) -> Option<Reply> {
    match seen.uri.path() {
        "/cdn_api/tokens" => {
            let token = json!({"id": "server-token", "expires": "2126-01-01T00:00:00Z"});
            Some(Reply::json(200, &json!({"access": {"token": token}})))
        }
        "/v3/auth/tokens" => Some(Reply::status(201).with("x-subject-token", "server-token")),
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
fn every_provider_is_tried() {
    let names: Vec<_> = REGISTRY.iter().map(|entry| entry.name).collect();
    let tried: Vec<_> = SUBJECTS.iter().map(|subject| subject.name).collect();
    assert_eq!(names, tried);
    assert_eq!(BTreeSet::from_iter(&names).len(), names.len());
    assert!(provider("nobody").is_none());
}

#[test]
fn descriptors_make_sense() {
    for subject in SUBJECTS {
        let descriptor = subject.descriptor();
        let call = &descriptor.limits.call;
        assert_eq!(descriptor.name, subject.name);
        assert!(!call.max_of_kind.is_empty());
        let of_kinds = call.max_of_kind.values().map(|max| max.get());
        assert!(of_kinds.clone().all(|max| max <= call.max_items.get()), "{}", subject.name);
        assert!(call.max_items.get() <= of_kinds.sum(), "{}: never full", subject.name);
        assert!(descriptor.actions.contains(&purgeline_core::Action::Default));
        let names: BTreeSet<_> = descriptor.limits.rates.iter().map(purgeline_core::Rate::name).collect();
        assert_eq!(names.len(), descriptor.limits.rates.len(), "{}: one limit twice", subject.name);
        if let Some(polls) = descriptor.polls {
            assert!(polls.deadline_ms > polls.first_ms, "{}", subject.name);
        }
        for item in full_calls(&descriptor).into_iter().flatten() {
            assert_eq!(descriptor.check(&item.item), Ok(()));
        }
    }
}

#[tokio::test]
async fn a_full_call_of_good_items_ends_well() {
    for subject in SUBJECTS {
        let server = (subject.behaving)().await;
        let client = subject.client(&server.url, PATIENCE);
        for items in full_calls(&subject.descriptor()) {
            let submission = submit(&*client, &items).await;
            let Some(receipt) = &submission.receipt else {
                assert!(outcomes(&submission).iter().all(|outcome| *outcome == Outcome::Done));
                continue;
            };
            assert!(outcomes(&submission).iter().all(|outcome| *outcome == Outcome::Accepted));
            let batch = [open(&receipt.0, &items)];
            let runs = client.poll(&batch).await;
            assert!(runs.answers.iter().all(|answer| answer.ended.is_empty()), "{runs:?}");
            (server.end_well)();
            let ended = client.poll(&batch).await;
            let expected: Vec<_> = (0..items.len()).map(|at| (at, Outcome::Done)).collect();
            assert_eq!((ended.answers.len(), ended.signals.len()), (1, 0));
            assert_eq!((&ended.answers[0].ended, &ended.answers[0].cause), (&expected, &None));
        }
    }
}

#[tokio::test]
async fn what_was_not_sent_is_retried_soon() {
    for subject in SUBJECTS {
        let address = nobody().await;
        let submission = subject.submits(&address).await;
        let cause = retried(&submission);
        assert_eq!((cause.class, cause.code.as_str()), (Class::Soon, "connect"));
        assert_eq!(submission.signals, []);
        if let Some(report) = subject.polls(&*subject.client(&address, PATIENCE), &subject.few()).await {
            let cause = report.answers[0].cause.as_ref().unwrap();
            assert_eq!((cause.code.as_str(), report.answers[0].ended.len()), ("connect", 0));
        }
    }
}

#[tokio::test]
async fn what_was_sent_and_not_answered_is_retried() {
    for (then, code, timeout) in
        [(Then::Hold, "timeout", Duration::from_millis(300)), (Then::Close, "no-answer", PATIENCE)]
    {
        for subject in SUBJECTS {
            let server = Mute::start(then).await;
            let client = subject.client(&server.url(), timeout);
            let submission = submit(&*client, &subject.few()).await;
            let cause = retried(&submission);
            assert_eq!((cause.class, cause.code.as_str()), (Class::Unknown, code));
            assert_eq!(submission.signals, []);
            if let Some(report) = subject.polls(&*client, &subject.few()).await {
                let cause = report.answers[0].cause.as_ref().unwrap();
                assert_eq!((cause.code.as_str(), report.answers[0].ended.len()), (code, 0));
            }
        }
    }
}

#[tokio::test]
async fn nonsense_is_no_success() {
    for subject in SUBJECTS {
        for reply in (subject.nonsense)() {
            let server = answering(reply.clone()).await;
            let submission = subject.submits(&server.url()).await;
            assert_eq!(retried(&submission).class, Class::Unknown, "{}: {reply:?}", subject.name);
            if let Some(report) =
                subject.polls(&*subject.client(&server.url(), PATIENCE), &subject.few()).await
            {
                assert_eq!(report.answers[0].ended, [], "{reply:?}");
                assert!(report.answers[0].cause.is_some(), "{reply:?}");
            }
        }
    }
}

#[tokio::test]
async fn refused_credentials_hold_the_target_and_lose_nothing() {
    for subject in SUBJECTS {
        for status in [401, 403] {
            let server = answering(Reply::status(status)).await;
            let submission = subject.submits(&server.url()).await;
            assert_eq!(retried(&submission).class, Class::Unauthorised);
            assert!(matches!(submission.signals[..], [Signal::Unauthorised { .. }]), "{submission:?}");
        }
    }
}

#[tokio::test]
async fn a_rest_that_is_asked_for_is_given() {
    for subject in SUBJECTS {
        for status in [429, 503] {
            let server = answering(Reply::status(status).with("retry-after", "7")).await;
            let submission = subject.submits(&server.url()).await;
            assert_eq!(retried(&submission).class, Class::Delay);
            let [Signal::Throttled { for_ms: 7_000, .. }] = submission.signals[..] else {
                panic!("{submission:?}")
            };
        }
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    for subject in SUBJECTS {
        for status in [301, 302, 307, 308] {
            let target = Server::start(|_| panic!("followed")).await;
            let server = answering(Reply::status(status).with("location", target.url())).await;
            let submission = subject.submits(&server.url()).await;
            let cause = retried(&submission);
            assert!(cause.message.contains(&target.url()), "{cause}");
            assert_eq!(target.seen().len(), 0);
        }
    }
}

#[tokio::test]
async fn each_code_is_told_once_and_does_what_its_class_says() {
    for subject in SUBJECTS {
        let codes = subject.descriptor().codes;
        let distinct: BTreeSet<_> = codes.iter().map(|code| code.code).collect();
        assert_eq!(distinct.len(), codes.len(), "{}: a code twice", subject.name);
        for code in codes {
            assert!(!code.meaning.is_empty() && !code.code.contains(' '), "{code:?}");
            for reply in (subject.refusals)(code) {
                let server = answering(reply.clone()).await;
                let submission = subject.submits(&server.url()).await;
                assert_submission(code, &submission);
                let client = subject.client(&server.url(), PATIENCE);
                if let Some(report) = subject.polls(&*client, &subject.few()).await {
                    assert_poll(code, &report, subject.few().len());
                }
            }
        }
    }
}

/// That a cause is the one of a code; a plain HTTP status is known by `http-` before it.
fn assert_cause(code: &Code, cause: &Cause) {
    assert_eq!(cause.class, code.class, "{code:?}: {cause:?}");
    assert_eq!(cause.code.trim_start_matches("http-"), code.code.trim_start_matches("http-"));
    assert!(!cause.message.is_empty());
}

fn assert_signals(code: &Code, signals: &[Signal]) {
    match (code.class, signals) {
        (Class::Delay, [Signal::Throttled { cause, for_ms: 1.. }])
        | (Class::Unauthorised, [Signal::Unauthorised { cause, .. }])
        | (Class::QuotaDay, [Signal::QuotaSpent { cause, for_ms: 1..=86_400_000, .. }]) => {
            assert_cause(code, cause);
        }
        (Class::Soon | Class::Unknown | Class::ItemDead | Class::ClientBug, []) => {}
        _ => panic!("{code:?}: {signals:?}"),
    }
}

fn assert_submission(code: &Code, submission: &Submission) {
    let mut waits = false;
    match &submission.verdict {
        Verdict::Bisect(cause) => {
            assert_cause(code, cause);
            assert!(matches!(code.class, Class::ItemDead | Class::ClientBug), "{code:?}");
        }
        Verdict::Items(outcomes) => {
            for outcome in outcomes {
                match (code.class, outcome) {
                    (Class::ItemDead | Class::ClientBug, Outcome::Failed(cause)) => assert_cause(code, cause),
                    // Only the items wait, as for a domain that is being configured.
                    (Class::Delay, Outcome::Retry { after_ms: Some(1..), cause })
                        if submission.signals.is_empty() =>
                    {
                        assert_cause(code, cause);
                        waits = true;
                    }
                    // Another's refresh is waited for, which the receipt is for.
                    (Class::Delay, Outcome::Accepted) => assert!(submission.signals.is_empty()),
                    (Class::Unauthorised, Outcome::Retry { cause, .. }) if cause.class == Class::Soon => {
                        // Only another kind is refused.
                        assert!(matches!(
                            submission.signals[..],
                            [Signal::Unauthorised { kind: Some(_), .. }]
                        ));
                    }
                    (
                        Class::Soon | Class::Delay | Class::Unknown | Class::Unauthorised | Class::QuotaDay,
                        Outcome::Retry { cause, .. },
                    ) => assert_cause(code, cause),
                    _ => panic!("{code:?}: {outcome:?}"),
                }
            }
        }
    }
    if submission.receipt.is_none() && !waits {
        assert_signals(code, &submission.signals);
    }
}

/// A poll fails nothing: items are asked about again, or sent again if nothing can be learned.
fn assert_poll(code: &Code, report: &PollReport, items: usize) {
    let answer = &report.answers[0];
    match &answer.cause {
        Some(cause) => {
            assert_cause(code, cause);
            assert!(answer.ended.is_empty(), "{answer:?}");
        }
        None => {
            // Whatever it means for a submission, of a task it may mean that nobody knows it.
            assert_eq!(answer.ended.len(), items, "{answer:?}");
            for (_, outcome) in &answer.ended {
                let Outcome::Retry { cause, .. } = outcome else { panic!("{outcome:?}") };
                let class = if cause.class == Class::Unknown { Class::Unknown } else { code.class };
                assert_cause(&Code { class, ..*code }, cause);
            }
            return;
        }
    }
    // Questions may have a rate of their own, which is no matter of the target.
    let has_own_rate = code.class == Class::Delay && report.signals.is_empty();
    if code.class != Class::QuotaDay && !has_own_rate {
        assert_signals(code, &report.signals);
    }
}

/// What a request carries that opens doors: whole headers and the part after a user name.
fn sensitive(seen: &[Seen]) -> Vec<String> {
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
async fn secrets_stay_where_they_are() {
    for subject in SUBJECTS {
        let echo = |seen: &Seen| format!("you sent {} {:?} {}", seen.uri, seen.headers, seen.body);
        for status in [200, 400, 401, 403, 405, 429, 500, 503] {
            let plain = Server::start(move |seen| {
                token(seen).unwrap_or_else(|| Reply::status(status).saying(echo(seen)))
            })
            .await;
            let json = Server::start(move |seen| {
                let body = json!({"code": u32::from(status) * 1_000, "error": echo(seen)});
                token(seen).unwrap_or_else(|| Reply::json(status, &body))
            })
            .await;
            for server in [plain, json] {
                let client = subject.client(&server.url(), PATIENCE);
                let submission = submit(&*client, &subject.few()).await;
                let report = subject.polls(&*client, &subject.few()).await;
                let said = format!("{client:?} {submission:?} {report:?}");
                let mut secrets = sensitive(&server.seen());
                assert!(!secrets.is_empty(), "{}: the server was sent no secret", subject.name);
                secrets.push(subject.secret.to_owned());
                for secret in secrets {
                    assert!(!said.contains(&secret), "{} tells {secret}: {said}", subject.name);
                }
            }
        }
        let context = context((subject.settings)("http://127.0.0.1:1"), PATIENCE);
        let said = format!("{context:?} {:?}", subject.descriptor());
        assert!(!said.contains(subject.secret), "{said}");
    }
}

#[test]
fn settings_that_are_wrong_are_told_without_their_values() {
    for subject in SUBJECTS {
        let entry = provider(subject.name).unwrap();
        let good = (subject.settings)("http://127.0.0.1:1");
        for (name, value) in good.as_object().unwrap() {
            // A slip of the finger.
            let mut members = good.as_object().unwrap().clone();
            members.remove(name);
            members.insert(name[..name.len() - 1].to_owned(), value.clone());
            let error = (entry.descriptor)(&settings(members.clone().into())).unwrap_err().to_string();
            assert!(error.contains(&format!("did you mean \"{name}\"?")), "{error}");
            assert!(!error.contains(subject.secret), "{error}");
            // Another type than expected, whatever that is.
            for wrong in
                [json!({"x": subject.secret}), json!([[subject.secret]]), json!(subject.secret), json!(-1.5)]
            {
                members = good.as_object().unwrap().clone();
                members.insert(name.clone(), wrong);
                let context = context(members.into(), PATIENCE);
                if let Err(error) = (entry.build)(&context) {
                    let error = error.to_string();
                    assert!(error.starts_with(&format!("settings.{name}")), "{error}");
                    assert!(!error.contains(subject.secret), "{error}");
                }
            }
        }
        for name in subject.needed {
            let mut members = good.as_object().unwrap().clone();
            members.remove(*name);
            let error = (entry.build)(&context(members.into(), PATIENCE)).unwrap_err();
            assert_eq!(error.path, *name, "{error}");
        }
    }
}
