//! How batches fare: one question for all of them, and what the tasks it lists mean.
//!
//! Questions are scarce (10 in 5 minutes), so one covers as many batches as it can: a single batch
//! is asked about by the id of its submission, several by the time in which they were made. A
//! question is one call: what its page did not tell is asked about another time.

use super::{
    codes,
    submit::Ticket,
    types::{Envelope, QueryAnswer, QueryRequest, Record},
};
use crate::{
    OpenBatch, day, status,
    transport::{Answer, TransportError},
};
use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use purgeline_core::{Cause, Class, Outcome, PollAnswer, PollReport};
use std::collections::HashMap;

/// The zone that the times of a question and its answer are in. It is the default, and said all
/// the same, lest an account have another (documents.cdnetworks.com, API key authentication).
pub(super) const TIME_ZONE: &str = "GMT+08:00";

/// Tasks of three days can be asked about (wangsu.com/document/21518/22596); an hour less, for
/// clocks that differ.
const KEPT_MS: i64 = (3 * 24 - 1) * 3_600_000;

/// How far Wangsu's record of a task may be off the time at which its call was made, in seconds.
/// Half of the minute in which it refuses the same item again (seed 004): so an earlier task of
/// the same item is never taken for a later one.
const SLACK_S: i64 = 30;

/// Tasks of one submission: a call's most (seed 004).
const CALL_ITEMS: u64 = 500;

/// Bytes of one page that are counted on, of the 16 MiB that are read.
const PAGE_BYTES: usize = 8 << 20;

/// Bytes of a task besides its URL: the example of the document has 180.
const TASK_BYTES: usize = 256;

/// What to ask next, from what the last answer left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Next {
    /// All batches together.
    #[default]
    Together,
    /// One batch alone: a page had not room for all.
    Alone,
    /// Another page of a submission.
    Page {
        /// The submission.
        item_id: String,
        /// The page, from 1.
        page_no: u64,
        /// Tasks that the server gives a page.
        page_size: u64,
    },
}

/// One question, and the batches that it is about.
#[derive(Debug)]
pub(super) struct Question<'a> {
    pub(super) request: QueryRequest,
    about: Vec<Asked<'a>>,
    /// Tasks of the pages before this one.
    told_before: u64,
}

/// A batch that can be asked about.
#[derive(Debug)]
struct Asked<'a> {
    at: usize,
    batch: &'a OpenBatch,
    ticket: Ticket,
}

impl<'a> Question<'a> {
    /// What to ask about these batches; `None`: nothing. Those of which nothing can be learned any
    /// more end in the report: their items are sent again.
    pub(super) fn new(
        open: &'a [OpenBatch],
        next: &Next,
        page_size: u64,
        now: Timestamp,
        report: &mut PollReport,
    ) -> Option<Self> {
        let mut about: Vec<_> = open
            .iter()
            .enumerate()
            .filter_map(|(at, batch)| match ticket(batch, now) {
                Ok(ticket) => Some(Asked { at, batch, ticket }),
                Err(cause) => {
                    report.answers.push(lost(at, batch, &cause));
                    None
                }
            })
            .collect();
        if let Next::Page { item_id, page_no, page_size } = next
            && let Some(one) = about.iter().position(|asked| asked.ticket.item_id.as_deref() == Some(item_id))
        {
            return Some(Self {
                request: QueryRequest {
                    item_id: Some(item_id.clone()),
                    page_no: Some(*page_no),
                    page_size: Some(CALL_ITEMS),
                    ..QueryRequest::default()
                },
                about: vec![about.swap_remove(one)],
                told_before: (page_no - 1) * page_size,
            });
        }
        about.truncate(if *next == Next::Alone { 1 } else { fitting(&about, page_size) });
        let request = match &about[..] {
            [] => return None,
            [Asked { ticket: Ticket { item_id: Some(id), .. }, .. }] => QueryRequest {
                item_id: Some(id.clone()),
                page_size: Some(CALL_ITEMS),
                ..QueryRequest::default()
            },
            asked => {
                let from = asked.iter().map(|asked| asked.ticket.from).min().unwrap_or(0);
                let to = asked.iter().map(|asked| asked.ticket.to).max().unwrap_or(0);
                QueryRequest {
                    start_time: Some(wall_time(from - SLACK_S)),
                    end_time: Some(wall_time(to + SLACK_S)),
                    page_size: Some(page_size),
                    ..QueryRequest::default()
                }
            }
        };
        let request = QueryRequest { page_no: Some(1), ..request };
        Some(Self { request, about, told_before: 0 })
    }

    /// Takes in the answer, and says what to ask next.
    pub(super) fn read(&self, answer: &Answer, report: &mut PollReport) -> Next {
        let Some(envelope) = Envelope::read(&answer.body) else {
            return self.refused(&codes::gateway(answer), report);
        };
        if !envelope.is_success() {
            return self.refused(&codes::cause(&codes::read(&envelope.message), &envelope.message), report);
        }
        let Ok(QueryAnswer { count, result_detail: Some(records) }) = serde_json::from_str(&answer.body)
        else {
            let cause = Cause::new(Class::Unknown, "no-list", "the answer says success and lists no tasks");
            return self.refused(&cause, report);
        };
        let told = records.len() as u64;
        let is_all = match count {
            Some(count) => self.told_before + told >= count,
            None => told < self.request.page_size.unwrap_or(0),
        };
        let mut by_url: HashMap<&str, Vec<&Record>> = HashMap::new();
        for record in &records {
            by_url.entry(&record.url).or_default().push(record);
        }
        for asked in &self.about {
            let ended = asked.ended(&by_url, self.request.item_id.is_some());
            // Of a batch that the page has nothing of, nothing was learned.
            if is_all || !ended.is_empty() {
                report.answers.push(PollAnswer { batch: asked.at, ended, cause: None });
            }
        }
        match (&self.request.item_id, is_all) {
            (_, true) => Next::Together,
            (None, false) => Next::Alone,
            (Some(_), false) if told == 0 => Next::Together,
            (Some(item_id), false) => {
                let page_no = self.request.page_no.unwrap_or(1);
                // The pages before this one were as long as they are.
                let page_size = if page_no > 1 { self.told_before / (page_no - 1) } else { told };
                Next::Page { item_id: item_id.clone(), page_no: page_no + 1, page_size }
            }
        }
    }

    /// No answer came.
    pub(super) fn failed(&self, error: &TransportError, report: &mut PollReport) -> Next {
        self.unanswered(&error.cause(), report);
        match error {
            TransportError::TooLong => Next::Alone,
            _ => Next::Together,
        }
    }

    /// Refused. A rest that is asked for is not carried to the target: purges have limits of their
    /// own, and questions are asked by a schedule anyway.
    fn refused(&self, cause: &Cause, report: &mut PollReport) -> Next {
        if cause.class == Class::Unauthorised {
            report.signals.extend(status::signal(cause, None));
        }
        self.unanswered(cause, report);
        Next::Together
    }

    fn unanswered(&self, cause: &Cause, report: &mut PollReport) {
        report.answers.extend(self.about.iter().map(|asked| PollAnswer {
            batch: asked.at,
            ended: Vec::new(),
            cause: Some(cause.clone()),
        }));
    }
}

impl Asked<'_> {
    /// The items whose tasks have ended. One without a task still runs: right after the call it
    /// may not be listed.
    fn ended(&self, by_url: &HashMap<&str, Vec<&Record>>, by_id: bool) -> Vec<(usize, Outcome)> {
        self.batch
            .waiting()
            .filter_map(|(at, item)| {
                let records = by_url.get(item.item.text())?;
                let mut of_kind = records.iter().filter(|record| record.is_of(item.item.kind()));
                let record = if by_id {
                    of_kind.next_back()?
                } else {
                    // Others of the account's tasks may be listed: ours is the one of that time.
                    of_kind
                        .filter_map(|record| Some((record, created_s(record)?)))
                        .filter(|(_, created)| *created >= self.ticket.from - SLACK_S)
                        .min_by_key(|(_, created)| (self.distance(*created), -created))?
                        .0
                };
                Some((at, outcome(record)?))
            })
            .collect()
    }

    /// Seconds between a time and the call.
    fn distance(&self, created: i64) -> i64 {
        (self.ticket.from - created).max(created - self.ticket.to).max(0)
    }
}

/// # Errors
/// Why nothing can be learned of a batch.
fn ticket(batch: &OpenBatch, now: Timestamp) -> Result<Ticket, Cause> {
    let Some(ticket) = Ticket::from_receipt(&batch.receipt) else {
        return Err(Cause::new(
            Class::Unknown,
            "unknown-receipt",
            "its receipt was written by another version of purgeline",
        ));
    };
    if now.as_millisecond().saturating_sub(batch.submitted_at_ms) > KEPT_MS {
        return Err(Cause::new(
            Class::Unknown,
            "too-old",
            "accepted three days ago, which is as long as Wangsu tells of a purge",
        ));
    }
    Ok(ticket)
}

/// Purges are idempotent: send again.
fn lost(at: usize, batch: &OpenBatch, cause: &Cause) -> PollAnswer {
    let again = Outcome::Retry { after_ms: None, cause: cause.clone() };
    let ended = batch.waiting().map(|(item, _)| (item, again.clone())).collect();
    PollAnswer { batch: at, ended, cause: None }
}

/// How many of these batches a page has room for: one at least.
fn fitting(about: &[Asked<'_>], page_size: u64) -> usize {
    let (mut tasks, mut bytes) = (0, 0);
    let fits = about.iter().take_while(|asked| {
        tasks += asked.batch.items.len() as u64;
        bytes += asked.batch.items.iter().map(|item| item.item.text().len() + TASK_BYTES).sum::<usize>();
        tasks <= page_size && bytes <= PAGE_BYTES
    });
    fits.count().max(1)
}

/// `None` while it runs.
fn outcome(record: &Record) -> Option<Outcome> {
    match record.status.to_ascii_lowercase().as_str() {
        "success" => Some(Outcome::Done),
        "failure" => {
            let rate = record.rate.map_or(String::new(), |rate| format!(", done by {rate} % of the nodes"));
            let message = format!("Wangsu says that the purge failed, not why{rate}");
            Some(Outcome::Retry { after_ms: None, cause: Cause::new(Class::Soon, "failure", message) })
        }
        // "wait", "run", and what is not documented: the deadline ends it.
        _ => None,
    }
}

/// `2017-01-10 06:33:26`, in [`TIME_ZONE`].
fn wall_time(second: i64) -> String {
    let time = Timestamp::from_second(second).unwrap_or(Timestamp::UNIX_EPOCH);
    day::UTC_PLUS_8.to_datetime(time).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// When a task was created, in seconds since 1970; `None` if that cannot be read.
fn created_s(record: &Record) -> Option<i64> {
    let time: DateTime = record.create_time.as_deref()?.trim().parse().ok()?;
    Some(time.to_zoned(TimeZone::fixed(day::UTC_PLUS_8)).ok()?.timestamp().as_second())
}
