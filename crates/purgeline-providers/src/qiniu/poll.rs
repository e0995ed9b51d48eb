//! How a batch fares: what to ask, page by page, and what the records mean.

use super::{
    codes,
    submit::{self, Ticket},
    types::{Coded, ListAnswer, ListRequest, Record},
};
use crate::{
    OpenBatch, day,
    paging::{Listing, Paged, Pages},
    status,
    transport::Answer,
};
use jiff::{Timestamp, ToSpan};
use purgeline_core::{Cause, Class, Outcome, PollReport};
use std::collections::HashMap;

/// Records of one page. The API's own default (seed 003), and more than a call's 70 items.
const PAGE_SIZE: u64 = 100;

/// Days, today included, that are looked at when no dates are given (seed 003).
const DAYS_BY_DEFAULT: i64 = 3;

/// Days, today included, that can be asked about (seed 003).
const DAYS_KEPT: i64 = 7;

impl Paged for ListRequest<'_> {
    type Record = Record;
    type Head = ();
    const PROVIDER: &'static str = "Qiniu";
    const PAGE_SIZE: u64 = PAGE_SIZE;

    fn next_page(&mut self) {
        self.page_no += 1;
    }
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
pub(super) fn settle(at: usize, batch: &OpenBatch, listing: Listing<Record>, report: &mut PollReport) {
    listing.settle(at, batch, report, |listing, all| ended(batch, &listing.records, all));
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

/// Takes in a page.
pub(super) fn read(pages: &mut Pages<ListRequest<'_>>, answer: &Answer, now: Timestamp) {
    match Coded::<ListAnswer>::read(&answer.body) {
        Some(coded) if coded.code == codes::SUCCESS => {
            pages.add((), coded.rest.items.unwrap_or_default(), coded.rest.total);
        }
        Some(coded) if coded.code == codes::UNKNOWN_REQUEST => pages.lose(submit::cause(&coded)),
        Some(coded) => {
            let rest_ms = answer.retry_after_ms(now).unwrap_or(codes::rest_ms(coded.code));
            stop(pages, submit::cause(&coded), Some(rest_ms));
        }
        None => stop(pages, status::cause(answer), answer.retry_after_ms(now)),
    }
}

/// Interrupted by what holds for the whole target.
fn stop(pages: &mut Pages<ListRequest<'_>>, cause: Cause, rest_ms: Option<u64>) {
    let signal = status::signal(&cause, rest_ms);
    pages.interrupt(cause, signal);
}
