//! Each code that a provider declares, as the answer to a purge and to a poll.

use super::answering;
use purgeline_core::{Cause, Class, Code, Outcome, PollReport, Signal, Submission, Verdict};
use purgeline_tests::{PATIENCE, ProviderCase};
use std::collections::BTreeSet;

#[tokio::test]
async fn each_code_has_the_outcome_of_its_class() {
    for provider in ProviderCase::providers() {
        let codes = provider.full_descriptor().codes;
        let distinct: BTreeSet<_> = codes.iter().map(|code| code.code).collect();
        assert_eq!(distinct.len(), codes.len(), "{}: a code twice", provider.name);
        for code in codes {
            assert!(!code.meaning.is_empty() && !code.code.contains(' '), "{code:?}");
            for reply in (provider.refusals)(code) {
                let server = answering(reply.clone()).await;
                let submission = provider.submits(&server.url()).await;
                assert_submission(code, &submission);
                let client = provider.client(&server.url(), PATIENCE);
                if let Some(report) = provider.polls(&*client, &provider.few()).await {
                    assert_poll(code, &report, provider.few().len());
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
