//! How a task fares: what to ask, page by page, and what the results mean.

use super::{
    codes,
    submit::{self, Ticket},
    types::{Detail, Record, ServiceError},
};
use crate::{
    OpenBatch,
    paging::{Listing, Paged, Pages},
    status,
    transport::Answer,
};
use jiff::Timestamp;
use purgeline_core::{Cause, Class, Outcome, PollReport, normalize_url};
use std::collections::{HashMap, HashSet};

/// Results of one page: as many as a task has URLs. Up to 10,000 are allowed, 30 is the API's
/// default (ShowHistoryTaskDetails).
const PAGE_SIZE: u64 = 1_000;

const DAY_MS: i64 = 86_400_000;

/// From this age on the time of creation is named. Without it the tasks of 7 days are looked at
/// (ShowHistoryTaskDetails).
const NAMED_AFTER_DAYS: i64 = 6;

/// Days for which a task is kept when its time of creation is named (the same page).
const DAYS_KEPT: i64 = 15;

/// A question about one task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Question {
    pub(super) task: String,
    /// Size and number of the page come together or not at all.
    pub(super) page_size: u64,
    /// From 1.
    pub(super) page_number: u64,
    /// In ms since 1970, of older tasks.
    pub(super) create_time: Option<i64>,
}

/// What the provider told of a task.
pub(super) type TaskListing = Listing<Record, TaskHead>;

/// What a page says about the whole task.
#[derive(Debug, Default)]
pub(super) struct TaskHead {
    /// The whole task has ended.
    done: bool,
    failed: Option<u64>,
}

impl Paged for Question {
    type Record = Record;
    type Head = TaskHead;
    const PROVIDER: &'static str = "Huawei Cloud";
    const PAGE_SIZE: u64 = PAGE_SIZE;

    fn next_page(&mut self) {
        self.page_number += 1;
    }
}

/// What to ask about a batch.
///
/// # Errors
/// Why there is nothing to ask: its items are sent again.
pub(super) fn question(batch: &OpenBatch, now: Timestamp) -> Result<Question, Cause> {
    let Some(ticket) = Ticket::from_receipt(&batch.receipt, batch.submitted_at_ms) else {
        let message = "its receipt was written by another version of purgeline";
        return Err(Cause::new(Class::Unknown, "unknown-receipt", message));
    };
    let age_ms = now.as_millisecond().saturating_sub(batch.submitted_at_ms);
    if age_ms >= DAYS_KEPT * DAY_MS {
        let message = format!("Huawei Cloud keeps a task for {DAYS_KEPT} days only");
        return Err(Cause::new(Class::Unknown, "too-old", message));
    }
    Ok(Question {
        task: ticket.task,
        page_size: PAGE_SIZE,
        page_number: 1,
        create_time: (age_ms >= NAMED_AFTER_DAYS * DAY_MS).then_some(ticket.created_ms),
    })
}

/// How the batch at position `at` fares. A task that was not told whole settles nothing.
pub(super) fn settle(at: usize, batch: &OpenBatch, listing: TaskListing, report: &mut PollReport) {
    listing.settle(at, batch, report, |listing, all| if all { ended(batch, listing) } else { Vec::new() });
}

/// The items that have ended, by a task that was told whole.
fn ended(batch: &OpenBatch, listing: &TaskListing) -> Vec<(usize, Outcome)> {
    let asked: HashSet<&str> = batch.items.iter().map(|item| item.item.text()).collect();
    let mut of_item: HashMap<&str, Vec<&Record>> = HashMap::new();
    let mut foreign = Vec::new();
    for record in &listing.records {
        // A URL may come back with its characters raw, as some are sent.
        let normal = || normalize_url(&record.url).ok();
        let text = asked.get(record.url.as_str()).copied();
        match text.or_else(|| asked.get(normal()?.as_str()).copied()) {
            Some(text) => of_item.entry(text).or_default().push(record),
            None => foreign.push(record),
        }
    }
    let nothing_failed = foreign.iter().all(|record| record.status != "failed")
        && listing.head.failed.is_none_or(|failed| failed == 0);
    batch
        .waiting()
        .filter_map(|(at, item)| {
            let outcome = match of_item.get(item.item.text()) {
                Some(records) => outcome(records),
                None if listing.head.done => Some(unlisted(nothing_failed)),
                None => None,
            };
            Some((at, outcome?))
        })
        .collect()
}

/// `None` while one of them runs.
fn outcome(records: &[&Record]) -> Option<Outcome> {
    let mut failed = None;
    for record in records {
        match record.status.as_str() {
            "succeed" => {}
            "failed" => failed = Some(record),
            // `processing` and its like, and what is not documented: the deadline ends it.
            _ => return None,
        }
    }
    Some(match failed {
        None => Outcome::Done,
        Some(record) => {
            let told = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
            let code = told(&record.fail_classify).unwrap_or_else(|| "UNKNOWN_ERROR".to_owned());
            let message = told(&record.fail_desc)
                .unwrap_or_else(|| "Huawei Cloud says that the refresh failed, not why".to_owned());
            Outcome::Retry { after_ms: None, cause: Cause::new(Class::Soon, code, message) }
        }
    })
}

/// An item that a task which has ended does not list.
fn unlisted(nothing_failed: bool) -> Outcome {
    if nothing_failed {
        return Outcome::Done;
    }
    let message = "the task has ended, something of it failed, and this item is not listed";
    Outcome::Retry { after_ms: None, cause: Cause::new(Class::Unknown, "not-listed", message) }
}

/// Takes in a page.
pub(super) fn read(pages: &mut Pages<Question>, answer: &Answer, now: Timestamp) {
    if let Some(error) = ServiceError::read(&answer.body) {
        return refused(pages, &error, answer, now);
    }
    let Some(detail) = Detail::read(&answer.body).filter(|_| (200..300).contains(&answer.status)) else {
        let cause = status::cause(answer);
        let signal = status::signal(&cause, answer.retry_after_ms(now));
        return pages.interrupt(cause, signal);
    };
    let head = TaskHead { done: detail.status.as_deref() == Some("task_done"), failed: detail.failed };
    pages.add(head, detail.urls.unwrap_or_default(), detail.total);
}

fn refused(pages: &mut Pages<Question>, error: &ServiceError, answer: &Answer, now: Timestamp) {
    let cause = submit::cause(error, answer, now);
    if error.code == codes::NOT_FOUND {
        return pages.lose(Cause { class: Class::Unknown, ..cause });
    }
    let rest_ms = answer.retry_after_ms(now).or(codes::rest_ms(&error.code));
    let signal = status::signal(&cause, rest_ms);
    pages.interrupt(cause, signal);
}
