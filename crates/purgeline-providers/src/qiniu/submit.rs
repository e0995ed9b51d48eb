//! What the answer to a refresh means for each item of the call.

use super::{
    codes,
    types::{Coded, RefreshAnswer},
};
use crate::{
    CallItem, day,
    status::{self, refused},
    transport::Answer,
};
use jiff::Timestamp;
use purgeline_core::{Cause, Class, Item, Kind, Outcome, Receipt, Signal, Submission, Verdict};
use serde::{Deserialize, Serialize};

/// What has to be kept to ask about a batch again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ticket {
    /// The request's id.
    Request(String),
    /// There is none: its items were refused because an earlier refresh of them was under way
    /// (400037), so they are asked about by their URLs.
    UnderWay,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct UnderWay {
    under_way: bool,
}

/// How long dirs step back when a refusal for the quota does not say whose quota it was, in ms:
/// the URLs alone then tell.
const STEP_BACK_MS: u64 = 60_000;

pub(super) fn read(items: &[CallItem], answer: &Answer, now: Timestamp) -> Submission {
    let Some(coded) = Coded::<RefreshAnswer>::read(&answer.body) else {
        return status::submission(items.len(), answer, now);
    };
    let cause = cause(&coded);
    let named = Named::new(items, &coded.rest);
    match coded.code {
        codes::SUCCESS => success(items, &named, &coded.rest, now),
        codes::UNDER_WAY => under_way(items, &named, &cause),
        codes::NO_DIRS => no_dirs(items, &cause),
        codes::URL_QUOTA | codes::DIR_QUOTA => quota_spent(items, &coded, &cause, now),
        code => match cause.class {
            Class::ItemDead if named.any() => submission(items, |at, _| {
                if named.is(at) { Outcome::Failed(cause.clone()) } else { again(innocent(&cause)) }
            }),
            _ => {
                let rest_ms = answer.retry_after_ms(now).unwrap_or(codes::rest_ms(code));
                refused(items.len(), cause, Some(rest_ms))
            }
        },
    }
}

/// The provider's code and words as a cause.
pub(super) fn cause<T>(coded: &Coded<T>) -> Cause {
    Cause::new(codes::class(coded.code), coded.code.to_string(), &coded.error)
}

/// Each item was taken, but for those that are named as invalid.
fn success(items: &[CallItem], named: &Named, answer: &RefreshAnswer, now: Timestamp) -> Submission {
    let request = answer.request_id.as_deref().filter(|id| !id.is_empty());
    let invalid =
        Cause::new(Class::ItemDead, "invalid", "Qiniu took the others and named this one as invalid");
    // Nothing to ask by: the next answer is 400037, or another success.
    let lost = Cause::new(Class::Unknown, "no-request-id", "Qiniu said success but gave no requestId");
    let mut submission = submission(items, |at, _| match request {
        _ if named.is(at) => Outcome::Failed(invalid.clone()),
        Some(_) => Outcome::Accepted,
        None => Outcome::Retry { after_ms: None, cause: lost.clone() },
    });
    if let (Some(request), false) = (request, named.all()) {
        submission.receipt = Some(Ticket::Request(request.to_owned()).into_receipt());
    }
    submission.signals = quotas_left(answer, now);
    submission
}

/// An item is being refreshed already. That refresh began before this call, and maybe before
/// this item was asked for, so it does not do: the item is asked about until that refresh has
/// ended, and then sent again.
fn under_way(items: &[CallItem], named: &Named, cause: &Cause) -> Submission {
    let mut submission = submission(items, |at, _| {
        if named.any() && !named.is(at) { again(innocent(cause)) } else { Outcome::Accepted }
    });
    submission.receipt = Some(Ticket::UnderWay.into_receipt());
    submission
}

/// Dirs wait for the permission; URLs go on at once.
fn no_dirs(items: &[CallItem], cause: &Cause) -> Submission {
    let dirs = count(items, Kind::Dir);
    submission(items, |_, item| match item.kind() {
        Kind::Dir => again(cause.clone()),
        _ if dirs > 0 => again(innocent(cause)),
        // No reason to be refused for dirs: not at once, lest it go round and round.
        _ => Outcome::Retry { after_ms: None, cause: innocent(cause) },
    })
    .with_signal(Signal::Unauthorised { kind: Some(Kind::Dir), cause: cause.clone() })
}

/// The day's quota of one kind is spent: the other goes on. 400034 speaks of "the day's refresh
/// limit" (seed 003, which knows no 400035) and so may mean either.
fn quota_spent(
    items: &[CallItem],
    coded: &Coded<RefreshAnswer>,
    cause: &Cause,
    now: Timestamp,
) -> Submission {
    let (urls, dirs) = (count(items, Kind::Url), count(items, Kind::Dir));
    let short = |quota: Option<u64>, surplus: Option<u64>, asked: usize| {
        // A refusal's fields are empty, which may be written as 0.
        quota.is_some_and(|quota| quota > 0) && surplus.is_some_and(|left| left < asked as u64)
    };
    let answer = &coded.rest;
    let kinds: &[Kind] = match (urls, dirs) {
        (_, 0) => &[Kind::Url],
        (0, _) => &[Kind::Dir],
        _ if coded.code == codes::DIR_QUOTA => &[Kind::Dir],
        _ => match (
            short(answer.url_quota_day, answer.url_surplus_day, urls),
            short(answer.dir_quota_day, answer.dir_surplus_day, dirs),
        ) {
            (true, true) => &[Kind::Url, Kind::Dir],
            (true, false) => &[Kind::Url],
            (false, true) => &[Kind::Dir],
            (false, false) => &[],
        },
    };
    let mut submission = submission(items, |_, item| match item.kind() {
        Kind::Dir if kinds.is_empty() => {
            Outcome::Retry { after_ms: Some(STEP_BACK_MS), cause: cause.clone() }
        }
        kind if kinds.contains(&kind) => again(cause.clone()),
        _ => again(innocent(cause)),
    });
    let for_ms = day::ms_to_next(now, day::UTC_PLUS_8);
    submission.signals = kinds
        .iter()
        .map(|&kind| Signal::QuotaSpent { kind: Some(kind), host: None, for_ms, cause: cause.clone() })
        .collect();
    submission
}

/// What each success tells of the day's quotas (seed 003).
fn quotas_left(answer: &RefreshAnswer, now: Timestamp) -> Vec<Signal> {
    let for_ms = day::ms_to_next(now, day::UTC_PLUS_8);
    [
        (Kind::Url, answer.url_quota_day, answer.url_surplus_day),
        (Kind::Dir, answer.dir_quota_day, answer.dir_surplus_day),
    ]
    .into_iter()
    .filter_map(|(kind, max, left)| match (max, left) {
        // A quota of 0 is an empty field, or a kind that the account may not use at all.
        (Some(max), Some(left)) if max > 0 => Some(Signal::QuotaLeft { kind, left, max, for_ms }),
        _ => None,
    })
    .collect()
}

fn submission(items: &[CallItem], outcome: impl Fn(usize, &Item) -> Outcome) -> Submission {
    let outcomes = items.iter().enumerate().map(|(at, item)| outcome(at, &item.item)).collect();
    Submission { verdict: Verdict::Items(outcomes), receipt: None, signals: Vec::new() }
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

fn count(items: &[CallItem], kind: Kind) -> usize {
    items.iter().filter(|item| item.item.kind() == kind).count()
}

/// Which items the answer names as invalid.
struct Named(Vec<bool>);

impl Named {
    fn new(items: &[CallItem], answer: &RefreshAnswer) -> Self {
        let names = |kind| match kind {
            Kind::Url => answer.invalid_urls.as_deref().unwrap_or_default(),
            Kind::Dir => answer.invalid_dirs.as_deref().unwrap_or_default(),
            Kind::Resource => &[],
        };
        Self(
            items
                .iter()
                .map(|item| names(item.item.kind()).iter().any(|name| name == item.item.text()))
                .collect(),
        )
    }

    fn any(&self) -> bool {
        self.0.contains(&true)
    }

    fn all(&self) -> bool {
        !self.0.contains(&false)
    }

    fn is(&self, at: usize) -> bool {
        self.0.get(at).copied().unwrap_or(false)
    }
}

impl Ticket {
    pub(super) fn into_receipt(self) -> Receipt {
        Receipt(match self {
            Self::Request(id) => id,
            Self::UnderWay => r#"{"under_way":true}"#.to_owned(),
        })
    }

    /// `None` for a receipt that this version does not know.
    pub(super) fn from_receipt(receipt: &Receipt) -> Option<Self> {
        if receipt.0.starts_with('{') {
            serde_json::from_str::<UnderWay>(&receipt.0).ok().map(|_| Self::UnderWay)
        } else {
            Some(Self::Request(receipt.0.clone()))
        }
    }
}
