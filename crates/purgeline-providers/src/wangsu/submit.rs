//! What the answer to a purge means for each item of the call.

use super::{
    codes::{self, Channels, bracketed, named},
    types::{Envelope, LimitAnswer, PurgeAnswer},
};
use crate::{CallItem, day, status::refused, transport::Answer};
use jiff::Timestamp;
use purgeline_core::{Action, Cause, Class, Item, Kind, Outcome, Receipt, Signal, Submission, Verdict};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashSet};

/// A Wangsu clock further off than this is not believed: within it signatures are good.
const MAX_CLOCK_OFFSET_S: i64 = 300;

/// How long an item waits that was sent less than a minute before, in ms: a minute (seed 004), and
/// up to a quarter more, lest all come back together.
const MINUTE_MS: u64 = 60_000;

/// How long dirs step back when a refusal does not say whose quota is spent, in ms: the URLs
/// alone then tell.
const STEP_BACK_MS: u64 = 60_000;

/// What has to be kept to ask about a batch again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ticket {
    /// The submission's id. A partial success may have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) item_id: Option<String>,
    /// The seconds since 1970, by Wangsu's clock, between which its tasks were created.
    pub(super) from: i64,
    /// See `from`.
    pub(super) to: i64,
}

/// When a call was made, in seconds since 1970 by Wangsu's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Made {
    from: i64,
    to: i64,
}

/// What an answer means.
#[derive(Debug)]
pub(super) enum Reading {
    /// This.
    Plain(Submission),
    /// It depends on what is left of the day: see [`out_of_limit`].
    OutOfLimit(Cause),
}

pub(super) fn read(items: &[CallItem], answer: &Answer, made: Made, now: Timestamp) -> Reading {
    let count = items.len();
    let rest_ms = Some(answer.retry_after_ms(now).unwrap_or(codes::REST_MS));
    let Some(envelope) = Envelope::read(&answer.body) else {
        let cause = codes::gateway(answer);
        // Of a gateway that is merely away nothing is known; a rate is one of minutes.
        let rest_ms = if answer.status == 429 { rest_ms } else { answer.retry_after_ms(now) };
        return Reading::Plain(refused(count, cause, rest_ms));
    };
    let told: PurgeAnswer = serde_json::from_str(&answer.body).unwrap_or_default();
    let ticket = Ticket { item_id: told.item_id.filter(|id| !id.is_empty()), from: made.from, to: made.to };
    if envelope.is_success() {
        return Reading::Plain(submission(items, Some(ticket), |_, _| Outcome::Accepted));
    }
    let message = envelope.message.as_str();
    let code = codes::read(message);
    let cause = codes::cause(&code, message);
    Reading::Plain(match code.code {
        codes::CHANNEL | codes::DIRS_OF_HOST => channels(items, message, &cause, ticket, now),
        codes::RUNNING => running(items, message, &cause, ticket, now),
        codes::NOT_ALLOWED => not_allowed(items, cause),
        codes::OUT_OF_LIMIT => return Reading::OutOfLimit(cause),
        _ => refused(count, cause, rest_ms),
    })
}

/// Some domains are refused, or have no dirs left for today; what is not named is carried out
/// (seed 004), and asked about by the time of the call where there is no id.
fn channels(items: &[CallItem], message: &str, cause: &Cause, ticket: Ticket, now: Timestamp) -> Submission {
    let channels = Channels::read(message);
    let dead = Cause::new(Class::ItemDead, codes::CHANNEL, message);
    let full = Cause::new(Class::QuotaDay, codes::DIRS_OF_HOST, message);
    let for_ms = day::ms_to_next(now, day::UTC_PLUS_8);
    let tomorrow = Some(for_ms);
    let is_dead = listed(&channels.refused, items);
    if !channels.refused.is_empty() && !is_dead.contains(&true) {
        // It is one of them, written in a way that is not known.
        return refused(items.len(), Cause { class: Class::ItemDead, ..cause.clone() }, None);
    }
    let is_full = listed(&channels.full, items);
    let full_dirs = items.iter().zip(&is_full).filter(|(item, full)| **full && item.item.kind() == Kind::Dir);
    let hosts: BTreeSet<_> = full_dirs.filter_map(|(item, _)| item.item.host()).collect();
    let mut submission = submission(items, Some(ticket), |at, item| {
        if is_dead[at] {
            Outcome::Failed(dead.clone())
        } else if is_full[at] && item.kind() == Kind::Dir {
            Outcome::Retry { after_ms: tomorrow, cause: full.clone() }
        } else {
            Outcome::Accepted
        }
    });
    submission.signals = hosts
        .into_iter()
        .map(|host| {
            let host = Some(host.to_owned());
            Signal::QuotaSpent { kind: Some(Kind::Dir), host, for_ms, cause: full.clone() }
        })
        .collect();
    submission
}

/// Which items these lists of channels name, by their domain or themselves.
fn listed(lists: &[&str], items: &[CallItem]) -> Vec<bool> {
    let texts: Vec<_> = items.iter().map(|item| item.item.text()).collect();
    let mut listed = vec![false; items.len()];
    for list in lists {
        let channels: HashSet<_> = list.split(',').map(channel).collect();
        let by_itself = named(list, &texts);
        for ((listed, item), by_itself) in listed.iter_mut().zip(items).zip(by_itself) {
            let hosts = [item.item.host(), item.item.authority()];
            *listed |= by_itself || hosts.into_iter().flatten().any(|host| channels.contains(host));
        }
    }
    listed
}

/// A domain as URLs have it: in lower case, and in ASCII where it stands as people write it.
fn channel(text: &str) -> String {
    let text = text.trim();
    let ascii = (!text.is_ascii()).then(|| url::Host::parse(text).ok()).flatten();
    ascii.map_or_else(|| text.to_ascii_lowercase(), |host| host.to_string())
}

/// Items that were sent less than a minute ago wait. Nothing says what came of the others, unless
/// there is an id to ask by: they are sent again.
fn running(items: &[CallItem], message: &str, cause: &Cause, ticket: Ticket, now: Timestamp) -> Submission {
    let list = bracketed(message);
    let texts: Vec<_> = items.iter().map(|item| item.item.text()).collect();
    let named = named(list, &texts);
    let is_told = named.contains(&true);
    let wait = MINUTE_MS + u64::try_from(now.subsec_millisecond()).unwrap_or(0) * MINUTE_MS / 4 / 1_000;
    let has_id = ticket.item_id.is_some();
    submission(items, Some(ticket), |at, _| match (is_told && !named[at], has_id) {
        (true, true) => Outcome::Accepted,
        (true, false) => again(innocent(cause)),
        (false, _) => Outcome::Retry { after_ms: Some(wait), cause: cause.clone() },
    })
}

/// Where dirs were to be deleted it may be that alone which is not allowed; the URLs then tell.
fn not_allowed(items: &[CallItem], cause: Cause) -> Submission {
    let deletes = |item: &CallItem| item.item.kind() == Kind::Dir && item.action == Action::Delete;
    if !items.iter().any(deletes) {
        return refused(items.len(), cause, None);
    }
    let message =
        format!("{} (dir_delete_entitled is set: has Wangsu entitled this account?)", cause.message);
    let cause = Cause::new(cause.class, cause.code, message);
    submission(items, None, |_, item| match item.kind() {
        Kind::Dir => again(cause.clone()),
        Kind::Url | Kind::Resource => again(innocent(&cause)),
    })
    .with_signal(Signal::Unauthorised { kind: Some(Kind::Dir), cause })
}

/// More than the account may send: by seed 004 in one call, which has fewer by construction. So it
/// is more than is left of the day, if what is left says so, or the account has a lower bound than
/// the documented one, and the call is split. What is left was asked for after the refusal, which
/// counted none of the call's items.
pub(super) fn out_of_limit(
    items: &[CallItem],
    cause: &Cause,
    left: Option<LimitAnswer>,
    now: Timestamp,
) -> Submission {
    let for_ms = day::ms_to_next(now, day::UTC_PLUS_8);
    let spent = |kind| Signal::QuotaSpent { kind: Some(kind), host: None, for_ms, cause: cause.clone() };
    let asked = [Kind::Url, Kind::Dir].map(|kind| (kind, count(items, kind)));
    let mut asked: Vec<_> = asked.into_iter().filter(|(_, count)| *count > 0).collect();
    let Some(left) = left else {
        return match asked[..] {
            [(kind, _)] => submission(items, None, |_, _| again(cause.clone())).with_signal(spent(kind)),
            _ => submission(items, None, |_, item| match item.kind() {
                Kind::Dir => Outcome::Retry { after_ms: Some(STEP_BACK_MS), cause: cause.clone() },
                Kind::Url | Kind::Resource => again(cause.clone()),
            }),
        };
    };
    asked.retain(|&(kind, count)| left.of(kind).is_some_and(|(left, _)| left < count));
    if asked.is_empty() {
        return refused(items.len(), Cause { class: Class::ClientBug, ..cause.clone() }, None);
    }
    let mut rooms: Vec<_> = asked.iter().filter_map(|&(kind, _)| Some((kind, left.of(kind)?.0))).collect();
    let mut submission = submission(items, None, |_, item| {
        let room = rooms.iter_mut().find(|(kind, _)| *kind == item.kind());
        let after_ms = match room {
            // Nothing of the kind may go: it waits in its lane, which is held.
            Some((kind, 0)) if left.of(*kind).is_some_and(|(left, _)| left == 0) => 0,
            Some((_, 0)) => for_ms,
            Some((_, room)) => {
                *room -= 1;
                0
            }
            None => 0,
        };
        Outcome::Retry { after_ms: Some(after_ms), cause: cause.clone() }
    });
    submission.signals = quotas_left(&left, now);
    let is_spent = |kind| left.of(kind).is_some_and(|(left, _)| left == 0);
    submission.signals.extend(asked.iter().filter(|(kind, _)| is_spent(*kind)).map(|&(kind, _)| spent(kind)));
    submission
}

/// What is left of the day, for the account's owner to be told.
pub(super) fn quotas_left(left: &LimitAnswer, now: Timestamp) -> Vec<Signal> {
    let for_ms = day::ms_to_next(now, day::UTC_PLUS_8);
    [Kind::Url, Kind::Dir]
        .into_iter()
        .filter_map(|kind| left.of(kind).map(|(left, max)| Signal::QuotaLeft { kind, left, max, for_ms }))
        .collect()
}

fn submission(
    items: &[CallItem],
    ticket: Option<Ticket>,
    mut outcome: impl FnMut(usize, &Item) -> Outcome,
) -> Submission {
    let outcomes: Vec<_> = items.iter().enumerate().map(|(at, item)| outcome(at, &item.item)).collect();
    let accepted = outcomes.contains(&Outcome::Accepted);
    Submission {
        verdict: Verdict::Items(outcomes),
        receipt: ticket.filter(|_| accepted).map(|ticket| ticket.into_receipt()),
        signals: Vec::new(),
    }
}

/// Back to its lane, where it goes at once unless it is held there.
const fn again(cause: Cause) -> Outcome {
    Outcome::Retry { after_ms: Some(0), cause }
}

/// For an item that was refused only with its call.
fn innocent(cause: &Cause) -> Cause {
    let message = format!("refused only with its call: {}", cause.message);
    Cause::new(Class::Soon, cause.code.clone(), message)
}

fn count(items: &[CallItem], kind: Kind) -> u64 {
    items.iter().filter(|item| item.item.kind() == kind).count() as u64
}

impl Made {
    /// A call that began and ended at these times by this machine's clock, and was answered with
    /// this `Date`.
    pub(super) fn new(began: Timestamp, ended: Timestamp, answered: Option<Timestamp>) -> Self {
        let offset = answered
            .map(|answered| answered.as_second() - ended.as_second())
            .filter(|offset| offset.abs() <= MAX_CLOCK_OFFSET_S)
            .unwrap_or(0);
        Self { from: began.as_second() + offset, to: ended.as_second() + offset }
    }
}

impl Ticket {
    pub(super) fn into_receipt(self) -> Receipt {
        // A text and two numbers always serialise.
        Receipt(serde_json::to_string(&self).unwrap_or_default())
    }

    /// `None` for a receipt that this version does not know.
    pub(super) fn from_receipt(receipt: &Receipt) -> Option<Self> {
        serde_json::from_str(&receipt.0).ok()
    }
}
