//! Reading a provider's list page by page, and what a batch learns from it.

use crate::OpenBatch;
use purgeline_core::{Cause, Class, Outcome, PollAnswer, PollReport, Signal};

/// Pages that are read of one list. A wrong `total` must not keep a worker for ever.
const MAX_PAGES: u64 = 50;

/// A question whose answer comes in pages.
pub(crate) trait Paged {
    /// One entry of the list.
    type Record;
    /// What a page says about the whole list.
    type Head: Default;
    /// The provider, as messages name it.
    const PROVIDER: &'static str;
    /// Records of one page.
    const PAGE_SIZE: u64;

    /// Asks for the page after this one.
    fn next_page(&mut self);
}

/// The pages of one question.
#[derive(Debug)]
pub(crate) struct Pages<Q: Paged> {
    /// `None`: nothing more to ask.
    question: Option<Q>,
    read: u64,
    listing: Listing<Q::Record, Q::Head>,
}

/// What the provider listed.
#[derive(Debug)]
pub(crate) struct Listing<R, H = ()> {
    pub(crate) records: Vec<R>,
    /// Of the last page that was read.
    pub(crate) head: H,
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

impl<Q: Paged> Pages<Q> {
    pub(crate) fn new(question: Q) -> Self {
        Self { question: Some(question), read: 0, listing: Listing::new(End::Complete) }
    }

    /// What to ask for next; `None` when done.
    pub(crate) const fn next(&self) -> Option<&Q> {
        self.question.as_ref()
    }

    /// Takes in a page. `total` counts the records of all pages, where the provider says it.
    pub(crate) fn add(&mut self, head: Q::Head, records: Vec<Q::Record>, total: Option<u64>) {
        let Some(question) = &mut self.question else { return };
        let got = records.len() as u64;
        self.listing.head = head;
        self.listing.records.extend(records);
        self.read += 1;
        let more = match total {
            Some(total) => got > 0 && self.read * Q::PAGE_SIZE < total,
            None => got >= Q::PAGE_SIZE,
        };
        if !more {
            self.question = None;
        } else if self.read >= MAX_PAGES {
            let message = format!("{} lists more than {MAX_PAGES} pages of {}", Q::PROVIDER, Q::PAGE_SIZE);
            self.interrupt(Cause::new(Class::Unknown, "too-many-pages", message), None);
        } else {
            question.next_page();
        }
    }

    /// Nothing more can be learned now. `signal` is what holds for the whole target.
    pub(crate) fn interrupt(&mut self, cause: Cause, signal: Option<Signal>) {
        self.question = None;
        self.listing.end = End::Interrupted(cause);
        self.listing.signals.extend(signal);
    }

    /// Nothing will ever be learned.
    pub(crate) fn lose(&mut self, cause: Cause) {
        self.question = None;
        self.listing.end = End::Lost(cause);
    }

    pub(crate) fn into_listing(self) -> Listing<Q::Record, Q::Head> {
        self.listing
    }
}

impl<R, H: Default> Listing<R, H> {
    /// Nothing, and nothing to come.
    pub(crate) fn lost(cause: Cause) -> Self {
        Self::new(End::Lost(cause))
    }

    fn new(end: End) -> Self {
        Self { records: Vec::new(), head: H::default(), end, signals: Vec::new() }
    }

    /// Reports how the batch at position `at` fares. `ended` gives the items that have ended by what is
    /// listed; its second argument says whether that is all there is.
    pub(crate) fn settle(
        mut self,
        at: usize,
        batch: &OpenBatch,
        report: &mut PollReport,
        ended: impl FnOnce(&Self, bool) -> Vec<(usize, Outcome)>,
    ) {
        report.signals.append(&mut self.signals);
        let (ended, cause) = match &self.end {
            // Purges are idempotent: send again.
            End::Lost(cause) => {
                let lost = Outcome::Retry { after_ms: None, cause: cause.clone() };
                (batch.waiting().map(|(item, _)| (item, lost.clone())).collect(), None)
            }
            End::Complete => (ended(&self, true), None),
            End::Interrupted(cause) => (ended(&self, false), Some(cause.clone())),
        };
        report.answers.push(PollAnswer { batch: at, ended, cause });
    }
}
