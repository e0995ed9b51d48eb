//! How a batch fares: what to ask, page by page, and what the records mean.

use super::{
    codes,
    submit::{self, Ticket},
    types::{Coded, ListAnswer, ListRequest, Record},
};
use crate::{OpenBatch, day, status, transport::Answer};
use jiff::{Timestamp, ToSpan};
use purgeline_core::{Cause, Class, Outcome, PollAnswer, PollReport, Signal};
use std::collections::HashMap;

/// Records of one page. The API's own default (seed 003), and more than a call's 70 items.
const PAGE_SIZE: u64 = 100;

/// Pages that are read of one answer, lest a wrong `total` keep a worker for ever.
const MAX_PAGES: u64 = 50;

/// Days, today included, that are looked at when no dates are given (seed 003).
const DAYS_BY_DEFAULT: i64 = 3;

/// Days, today included, that can be asked about (seed 003).
const DAYS_KEPT: i64 = 7;

/// What the provider listed.
#[derive(Debug)]
pub(super) struct Listed {
    records: Vec<Record>,
    end: End,
    signals: Vec<Signal>,
}

/// How a listing ended.
#[derive(Debug)]
enum End {
    /// All pages were read.
    Complete,
    /// Something else may be learned later.
    Interrupted(Cause),
    /// Nothing will ever be learned.
    Lost(Cause),
}

/// The pages of one question.
#[derive(Debug)]
pub(super) struct Pages<'a> {
    /// `None`: nothing more to ask.
    question: Option<ListRequest<'a>>,
    listed: Listed,
}

/// What to ask about a batch.
///
/// # Errors
/// Why there is nothing to ask: its items are sent again.
pub(super) fn question(batch: &OpenBatch, now: Timestamp) -> Result<ListRequest<'_>, Cause> {
    let ask = ListRequest { page_size: PAGE_SIZE, ..ListRequest::default() };
    match Ticket::from_receipt(&batch.receipt) {
        Some(Ticket::UnderWay) => Ok(ListRequest {
            urls: batch.waiting().map(|(_, item)| item.item.text()).collect(),
            state: Some("processing"),
            ..ask
        }),
        Some(Ticket::Request(_)) => {
            let (start_time, end_time) = window(batch.submitted_at_ms, now)?;
            Ok(ListRequest { request_id: Some(&batch.receipt.0), start_time, end_time, ..ask })
        }
        None => Err(Cause::new(
            Class::Unknown,
            "unknown-receipt",
            "its receipt was written by another version of purgeline",
        )),
    }
}

/// The dates to name, where the ones that are looked at without do not do.
fn window(submitted_at_ms: i64, now: Timestamp) -> Result<(Option<String>, Option<String>), Cause> {
    let submitted = Timestamp::from_millisecond(submitted_at_ms).unwrap_or(now);
    let (first, today) = (day::date(submitted, day::UTC_PLUS_8), day::date(now, day::UTC_PLUS_8));
    let reaches = |days: i64| today.checked_sub((days - 1).days()).is_ok_and(|oldest| first >= oldest);
    if reaches(DAYS_BY_DEFAULT) {
        Ok((None, None))
    } else if reaches(DAYS_KEPT) {
        Ok((Some(first.to_string()), Some(today.to_string())))
    } else {
        let message = format!("accepted on {first}: Qiniu tells of {DAYS_KEPT} days only");
        Err(Cause::new(Class::Unknown, "too-old", message))
    }
}

/// How the batch at position `at` fares.
pub(super) fn settle(at: usize, batch: &OpenBatch, listed: Listed, report: &mut PollReport) {
    let Listed { records, end, signals } = listed;
    report.signals.extend(signals);
    let (ended, cause) = match end {
        // Purges are idempotent: send again.
        End::Lost(cause) => {
            let lost = Outcome::Retry { after_ms: None, cause };
            (batch.waiting().map(|(item, _)| (item, lost.clone())).collect(), None)
        }
        End::Complete => (ended(batch, &records, true), None),
        End::Interrupted(cause) => (ended(batch, &records, false), Some(cause)),
    };
    report.answers.push(PollAnswer { batch: at, ended, cause });
}

/// The items that have ended by what is listed, which may not be `all` there is.
fn ended(batch: &OpenBatch, records: &[Record], all: bool) -> Vec<(usize, Outcome)> {
    match Ticket::from_receipt(&batch.receipt) {
        Some(Ticket::UnderWay) if all => no_longer_under_way(batch, records),
        Some(Ticket::UnderWay) => Vec::new(),
        Some(Ticket::Request(_)) | None => refreshed(batch, records),
    }
}

/// The items whose records have ended. One without a record still runs: right after submission
/// the list may be empty.
fn refreshed(batch: &OpenBatch, records: &[Record]) -> Vec<(usize, Outcome)> {
    let mut by_url: HashMap<&str, Vec<&Record>> = HashMap::new();
    for record in records {
        by_url.entry(&record.url).or_default().push(record);
    }
    // A url and a dir may have the same text, and a record does not say which it is of.
    let mut asked: HashMap<&str, usize> = HashMap::new();
    for item in &batch.items {
        *asked.entry(item.item.text()).or_default() += 1;
    }
    batch
        .waiting()
        .filter_map(|(at, item)| {
            let text = item.item.text();
            let records = by_url.get(text)?;
            if records.len() < asked.get(text).copied().unwrap_or(1) {
                return None;
            }
            Some((at, outcome(records)?))
        })
        .collect()
}

/// `None` while one of them runs.
fn outcome(records: &[&Record]) -> Option<Outcome> {
    let mut failed = None;
    for record in records {
        match record.state.as_str() {
            "success" => {}
            "failure" => failed = Some(record),
            // "processing", and what is not documented: the deadline ends it.
            _ => return None,
        }
    }
    Some(match failed {
        None => Outcome::Done,
        Some(record) => {
            let detail = record.state_detail.as_deref().filter(|detail| !detail.is_empty());
            let message = detail.unwrap_or("Qiniu says that the refresh failed, not why");
            Outcome::Retry { after_ms: None, cause: Cause::new(Class::Soon, "failure", message) }
        }
    })
}

/// The items of which no earlier refresh runs any more. It began before they were asked for, so
/// it does not count for them.
fn no_longer_under_way(batch: &OpenBatch, under_way: &[Record]) -> Vec<(usize, Outcome)> {
    let cause = Cause::new(
        Class::Delay,
        codes::UNDER_WAY.to_string(),
        "the earlier refresh that it had to wait for has ended",
    );
    batch
        .waiting()
        .filter(|(_, item)| under_way.iter().all(|record| record.url != item.item.text()))
        .map(|(at, _)| (at, Outcome::Retry { after_ms: Some(0), cause: cause.clone() }))
        .collect()
}

impl Listed {
    /// Nothing, and nothing to come.
    pub(super) const fn lost(cause: Cause) -> Self {
        Self { records: Vec::new(), end: End::Lost(cause), signals: Vec::new() }
    }
}

impl<'a> Pages<'a> {
    pub(super) const fn new(question: ListRequest<'a>) -> Self {
        let listed = Listed { records: Vec::new(), end: End::Complete, signals: Vec::new() };
        Self { question: Some(question), listed }
    }

    /// What to ask for next; `None` when done.
    pub(super) const fn next(&self) -> Option<&ListRequest<'a>> {
        self.question.as_ref()
    }

    /// Takes in a page.
    pub(super) fn read(&mut self, answer: &Answer, now: Timestamp) {
        let Some(question) = &mut self.question else { return };
        let coded = match Coded::<ListAnswer>::read(&answer.body) {
            Some(coded) if coded.code == codes::SUCCESS => coded,
            Some(coded) => return self.refused(&coded, answer, now),
            None => return self.stop(status::cause(answer), answer.retry_after_ms(now)),
        };
        let records = coded.rest.items.unwrap_or_default();
        let got = records.len() as u64;
        self.listed.records.extend(records);
        question.page_no += 1;
        let more = match coded.rest.total {
            Some(total) => got > 0 && question.page_no * PAGE_SIZE < total,
            None => got >= PAGE_SIZE,
        };
        if !more {
            self.question = None;
        } else if question.page_no >= MAX_PAGES {
            let message = format!("Qiniu lists more than {MAX_PAGES} pages of {PAGE_SIZE}");
            self.interrupt(Cause::new(Class::Unknown, "too-many-pages", message));
        }
    }

    pub(super) fn into_listed(self) -> Listed {
        self.listed
    }

    /// Nothing more can be learned now.
    pub(super) fn interrupt(&mut self, cause: Cause) {
        self.question = None;
        self.listed.end = End::Interrupted(cause);
    }

    fn refused(&mut self, coded: &Coded<ListAnswer>, answer: &Answer, now: Timestamp) {
        let cause = submit::cause(coded);
        if coded.code == codes::UNKNOWN_REQUEST {
            self.question = None;
            self.listed.end = End::Lost(cause);
        } else {
            let rest_ms = answer.retry_after_ms(now).unwrap_or(codes::rest_ms(coded.code));
            self.stop(cause, Some(rest_ms));
        }
    }

    /// Interrupted by what holds for the whole target.
    fn stop(&mut self, cause: Cause, rest_ms: Option<u64>) {
        self.listed.signals.extend(status::signal(&cause, rest_ms));
        self.interrupt(cause);
    }
}
