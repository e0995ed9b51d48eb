use serde::{Deserialize, Serialize};
use std::fmt;

/// What an error means for what happens next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Try again with ordinary backoff.
    Soon,
    /// Try again, but not before a time the provider gave or is known to need.
    Delay,
    /// Permanent for this item; others of its batch may be fine.
    ItemDead,
    /// Permanent until somebody mends credentials or permissions: the target is held, nothing
    /// is lost.
    Unauthorised,
    /// The day's quota is spent: the items wait for the provider's next day.
    QuotaDay,
    /// It may or may not have been carried out: send again, purges are idempotent.
    Unknown,
    /// The request itself was wrong, which is our fault: the items fail and say so.
    ClientBug,
}

/// Why an item was not purged, for an SRE to judge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// What it means for what happens next.
    pub class: Class,
    /// The provider's own code where it has one (`400034`, `CDN.0105`), else a short word of
    /// ours (`timeout`, `http-503`). No spaces.
    pub code: String,
    /// The provider's words, or ours. At most 500 characters; holds no secrets.
    pub message: String,
}

/// How one item of a call fared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Purged: the call itself is the end.
    Done,
    /// The provider took it; ask later how it ended (the submission has a receipt).
    Accepted,
    /// Not this time.
    Retry {
        /// Not before this many milliseconds; `None`: by the target's ordinary backoff.
        after_ms: Option<u64>,
        /// Why.
        cause: Cause,
    },
    /// Never.
    Failed(Cause),
}

/// What a provider gives for an accepted batch, as text: a task id, a request id, or a small
/// JSON object where it takes more to ask again. At most 4 KiB.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Receipt(pub String);

/// What a call told about the whole target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Slow down: no calls by any worker for so many milliseconds.
    Throttled {
        /// Milliseconds from now.
        for_ms: u64,
        /// The provider's words.
        cause: Cause,
    },
    /// The day's quota of a kind is spent.
    QuotaSpent {
        /// The kind; `None`: all.
        kind: Option<crate::Kind>,
        /// The host whose own quota it is; `None`: the account's.
        host: Option<String>,
        /// Milliseconds until the provider's next day.
        for_ms: u64,
        /// The provider's words.
        cause: Cause,
    },
    /// What is left of the day's quota of a kind, as the provider counts it.
    QuotaLeft {
        /// The kind.
        kind: crate::Kind,
        /// Items left today.
        left: u64,
        /// Items a day.
        max: u64,
        /// Milliseconds until the provider's next day.
        for_ms: u64,
    },
    /// Credentials or permissions are refused: hold the target, or only items of one kind.
    Unauthorised {
        /// The kind that is refused; `None`: everything.
        kind: Option<crate::Kind>,
        /// The provider's words.
        cause: Cause,
    },
}

/// What came of the items of one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// One outcome for each item, in the call's order.
    Items(Vec<Outcome>),
    /// The whole batch was refused for some item that the provider did not name: split it until
    /// the culprit is alone. For a batch of one it is the item's failure.
    Bisect(Cause),
}

/// What came of one call that submitted items.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submission {
    /// What came of the items.
    pub verdict: Verdict,
    /// How to ask about the accepted ones; present if any is [`Outcome::Accepted`].
    pub receipt: Option<Receipt>,
    /// What it told about the whole target.
    pub signals: Vec<Signal>,
}

/// What is known now of one open batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PollAnswer {
    /// The position in the slice of open batches that was asked about.
    pub batch: usize,
    /// Items that have ended, by their position in that batch, with how
    /// ([`Outcome::Done`], [`Outcome::Retry`] or [`Outcome::Failed`]). The others still run.
    pub ended: Vec<(usize, Outcome)>,
    /// Why nothing could be learned, where that is so: the batch is asked about again later.
    pub cause: Option<Cause>,
}

/// What came of asking about open batches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PollReport {
    /// For each batch about which something was learned. A batch that is not here was not asked
    /// about and stays due.
    pub answers: Vec<PollAnswer>,
    /// Batches, by their position in the slice, that have ended badly as a whole for some item
    /// that the provider did not name: their items go out again in two halves, until the culprit
    /// is alone. One that waits alone is sent again, which counts as an attempt.
    pub bisect: Vec<(usize, Cause)>,
    /// What it told about the whole target.
    pub signals: Vec<Signal>,
}

impl Class {
    /// All classes.
    pub const ALL: [Self; 7] = [
        Self::Soon,
        Self::Delay,
        Self::ItemDead,
        Self::Unauthorised,
        Self::QuotaDay,
        Self::Unknown,
        Self::ClientBug,
    ];

    /// The name used in Redis, documents and on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Soon => "soon",
            Self::Delay => "delay",
            Self::ItemDead => "item_dead",
            Self::Unauthorised => "unauthorised",
            Self::QuotaDay => "quota_day",
            Self::Unknown => "unknown",
            Self::ClientBug => "client_bug",
        }
    }
}

impl Cause {
    /// The code where nothing was sent, for want of a connection.
    pub const NO_CONNECTION: &'static str = "connect";
    /// The code where no answer came in time.
    pub const TIMEOUT: &'static str = "timeout";
    /// The code where the connection ended before the answer.
    pub const NO_ANSWER: &'static str = "no-answer";

    /// The most characters kept of a provider's message.
    pub const MAX_MESSAGE_CHARS: usize = 500;

    /// A cause; spaces in the code become `-`, the message is cut to
    /// [`MAX_MESSAGE_CHARS`](Self::MAX_MESSAGE_CHARS), control characters become spaces.
    #[must_use]
    pub fn new(class: Class, code: impl Into<String>, message: impl AsRef<str>) -> Self {
        let code: String = code.into();
        let message = message
            .as_ref()
            .chars()
            .take(Self::MAX_MESSAGE_CHARS)
            .map(|character| if character.is_control() { ' ' } else { character })
            .collect();
        Self { class, code: code.replace(char::is_whitespace, "-"), message }
    }
}

impl Submission {
    /// Every one of `count` items met the same fate, and nothing was told about the target.
    #[must_use]
    pub fn all(count: usize, outcome: &Outcome) -> Self {
        Self { verdict: Verdict::Items(vec![outcome.clone(); count]), receipt: None, signals: Vec::new() }
    }

    /// The same with a word about the target.
    #[must_use]
    pub fn with_signal(mut self, signal: Signal) -> Self {
        self.signals.push(signal);
        self
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl fmt::Display for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
