//! A judge that cannot find anything is worthless: each kind of violation, in doctored evidence.

use std::collections::BTreeMap;

use purgeline_core::{JobId, JobState, PartCounts};
use purgeline_sim::{CallKind, CallRecord, End, Ending, Item, Outcome, TaskRecord};

use super::{Rule, check};
use crate::{
    chaos::{
        evidence::{AccountLog, Evidence, FinalJob, FinalLetter, Finals},
        journal::Accepted,
    },
    window::{Limit, Unit, tests::call},
};

const CDN: &str = "cdn";
const A: &str = "https://h/d/a";
const B: &str = "https://h/b";

fn accepted_call(at_ms: u64, receipt: &str, items: &[&str]) -> CallRecord {
    let mut call = call(at_ms * 1_000_000, items);
    for item in &mut call.items {
        item.accepted = Some(true);
        if item.item.name.ends_with('/') {
            item.item = Item::dir(&item.item.name);
        }
    }
    call.outcome = Some(Outcome {
        ended_ns: call.arrived_ns,
        ended_ms: call.arrived_ms,
        end: End::Answered,
        status: Some(200),
        code: "200".into(),
        receipt: Some(receipt.to_owned()),
    });
    call
}

fn task(receipt: &str, item: Item, ended_ms: i64) -> TaskRecord {
    TaskRecord { receipt: receipt.to_owned(), item, ending: Ending::Success, ended_ms: Some(ended_ms) }
}

fn job(evidence: &mut Evidence) -> &mut FinalJob {
    evidence.finals.jobs.values_mut().next().unwrap()
}

fn log(evidence: &mut Evidence) -> &mut AccountLog {
    evidence.accounts.get_mut(CDN).unwrap()
}

/// A job of two items, asked for at 100 ms, sent at 200 ms, purged at 300 ms, ended at 400 ms.
fn sound() -> Evidence {
    let id = JobId::generate();
    let accepted = Accepted {
        number: 0,
        job: id,
        tried_ms: 100,
        accepted_ms: 120,
        targets: vec![CDN.to_owned()],
        embargo_ms: 0,
        items: vec![format!("url:{A}"), format!("url:{B}")],
    };
    let limits = vec![
        (CallKind::Purge, Limit { unit: Unit::Items, max: 4, window_ms: 1_000 }),
        (CallKind::Status, Limit { unit: Unit::Calls, max: 1, window_ms: 1_000 }),
    ];
    let log = AccountLog {
        limits,
        calls: vec![accepted_call(200, "r1", &[A, B])],
        tasks: vec![task("r1", Item::url(A), 300), task("r1", Item::url(B), 300)],
    };
    let counts = PartCounts { items: 2, succeeded: 2, ..PartCounts::default() };
    let job = FinalJob {
        state: JobState::Succeeded,
        submitted_ms: 110,
        ended_ms: Some(400),
        items: 2,
        parts: BTreeMap::from([(CDN.to_owned(), counts)]),
    };
    Evidence {
        accepted: vec![accepted],
        accounts: BTreeMap::from([(CDN.to_owned(), log)]),
        finals: Finals { jobs: BTreeMap::from([(id, job)]), ..Finals::default() },
    }
}

#[track_caller]
fn finds(rule: Rule, doctor: impl FnOnce(&mut Evidence)) {
    let mut evidence = sound();
    doctor(&mut evidence);
    let found = check(&evidence);
    assert!(found.iter().any(|violation| violation.rule == rule), "expected {rule:?}, found {found:?}");
}

#[track_caller]
fn finds_nothing(doctor: impl FnOnce(&mut Evidence)) {
    let mut evidence = sound();
    doctor(&mut evidence);
    assert_eq!(check(&evidence), []);
}

#[test]
fn sound_evidence_is_sound() {
    finds_nothing(|_| {});
}

#[test]
fn a_job_that_is_gone_or_has_not_ended() {
    finds(Rule::Ended, |evidence| evidence.finals.jobs.clear());
    finds(Rule::Ended, |evidence| job(evidence).state = JobState::Active);
}

#[test]
fn counters_that_do_not_add_up() {
    let part = |evidence: &mut Evidence, change: fn(&mut PartCounts)| {
        change(job(evidence).parts.get_mut(CDN).unwrap());
    };
    finds(Rule::Counted, |evidence| part(evidence, |counts| counts.succeeded = 1));
    finds(Rule::Counted, |evidence| part(evidence, |counts| counts.succeeded = 3));
    finds(Rule::Counted, |evidence| {
        part(evidence, |counts| *counts = PartCounts { items: 1, succeeded: 1, ..PartCounts::default() });
    });
    finds(Rule::Counted, |evidence| {
        part(evidence, |counts| *counts = PartCounts { items: 2, cancelled: 2, ..PartCounts::default() });
        job(evidence).state = JobState::Cancelled;
    });
    finds(Rule::Counted, |evidence| job(evidence).state = JobState::Partial);
    finds(Rule::Counted, |evidence| job(evidence).items = 3);
    finds(Rule::Counted, |evidence| job(evidence).parts.clear());
    finds(Rule::Counted, |evidence| {
        let counts = *job(evidence).parts.values().next().unwrap();
        job(evidence).parts.insert("other".to_owned(), counts);
    });
    finds(Rule::Counted, |evidence| evidence.accepted.push(evidence.accepted[0].clone()));
}

#[test]
fn a_success_that_no_call_covers() {
    finds(Rule::Covered, |evidence| log(evidence).calls.clear());
    finds(Rule::Covered, |evidence| log(evidence).calls[0].items[1].accepted = Some(false));
    finds(Rule::Covered, |evidence| log(evidence).calls[0].outcome = None);
    finds(Rule::Covered, |evidence| log(evidence).calls[0].items[0].item = Item::url("https://h/d/c"));
    finds(Rule::Covered, |evidence| log(evidence).calls[0].kind = CallKind::Prefetch);
}

#[test]
fn a_success_whose_call_began_before_the_enqueue() {
    finds(Rule::Covered, |evidence| log(evidence).calls[0].arrived_ms = 99);
    finds(Rule::Covered, |evidence| job(evidence).submitted_ms = 201);
    finds(Rule::Covered, |evidence| evidence.accepted[0].embargo_ms = 101);
    finds_nothing(|evidence| evidence.accepted[0].embargo_ms = 100);
}

#[test]
fn a_success_whose_purge_did_not_end_well_in_time() {
    finds(Rule::Covered, |evidence| log(evidence).tasks[1].ending = Ending::Failure("404".to_owned()));
    finds(Rule::Covered, |evidence| {
        log(evidence).tasks[1].ending = Ending::Never;
        log(evidence).tasks[1].ended_ms = None;
    });
    finds(Rule::Covered, |evidence| job(evidence).ended_ms = Some(299));
    finds(Rule::Covered, |evidence| log(evidence).tasks[0].receipt = "r2".to_owned());
}

#[test]
fn a_dir_covers_what_is_under_it_and_nothing_else() {
    let by_dir = |dir: &'static str| {
        move |evidence: &mut Evidence| {
            let log = log(evidence);
            log.calls = vec![accepted_call(200, "r1", &[dir, B])];
            log.tasks[0].item = Item::dir(dir);
        }
    };
    finds_nothing(by_dir("https://h/d/"));
    finds(Rule::Covered, by_dir("https://h/e/"));
}

fn fail_b(evidence: &mut Evidence) {
    let counts = PartCounts { items: 2, succeeded: 1, failed: 1, ..PartCounts::default() };
    job(evidence).parts.insert(CDN.to_owned(), counts);
    job(evidence).state = JobState::Partial;
    log(evidence).calls = vec![accepted_call(200, "r1", &[A])];
}

#[test]
fn a_failure_needs_a_dead_letter_and_excuses_only_its_own_item() {
    let letter = |item: &str, jobs: Vec<JobId>, more_jobs| FinalLetter {
        item: item.to_owned(),
        code: "404".to_owned(),
        jobs,
        more_jobs,
    };
    let with = |item: &'static str, named: bool, more_jobs| {
        move |evidence: &mut Evidence| {
            fail_b(evidence);
            let jobs = if named { vec![evidence.accepted[0].job] } else { vec![JobId::generate()] };
            evidence.finals.dead.insert(CDN.to_owned(), vec![letter(item, jobs, more_jobs)]);
        }
    };
    finds_nothing(with("url:https://h/b", true, false));
    finds_nothing(with("url:https://h/b", false, true));
    finds_nothing(with("dir:https://h/", true, false));
    finds(Rule::Counted, fail_b);
    finds(Rule::Counted, with("url:https://h/b", false, false));
    finds(Rule::Covered, with("url:https://h/d/a", true, false));
}

#[test]
fn limits_that_are_broken_in_any_window() {
    finds(Rule::Limits, |evidence| {
        log(evidence).calls.push(accepted_call(1_199, "r2", &["https://h/1", "https://h/2", "https://h/3"]));
    });
    finds_nothing(|evidence| {
        log(evidence).calls.push(accepted_call(1_200, "r2", &["https://h/1", "https://h/2", "https://h/3"]));
    });
    finds(Rule::Limits, |evidence| {
        for at in [500, 600] {
            let mut question = call(at * 1_000_000, &[]);
            question.kind = CallKind::Status;
            log(evidence).calls.push(question);
        }
    });
    finds(Rule::Limits, |evidence| log(evidence).calls[0].limited = true);
}

#[test]
fn what_verify_and_the_run_itself_have_found() {
    finds(Rule::Verify, |evidence| evidence.finals.verify.push("cdn: an orphan".to_owned()));
    finds(Rule::Alive, |evidence| evidence.finals.troubles.push("worker-1 ended by itself".to_owned()));
}
