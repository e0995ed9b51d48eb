/// A named point of a batch's life in a worker, between two awaits that matter. A worker may die
/// at any of them; the tests kill one at each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CrashPoint {
    /// It is this process's turn to make a call; nothing is leased.
    Paced,
    /// Items were leased; nothing was sent.
    Leased,
    /// They were leased as the probe of an open breaker; nothing was sent.
    Probing,
    /// They came too late for their permit, and are back in their lanes.
    GivenBack,
    /// The call is about to be made.
    Sending,
    /// The call is under way, and its lease was renewed.
    Renewed,
    /// The provider has answered; nothing of it is written.
    Answered,
    /// The breaker knows how the call went; else nothing of it is written.
    Heard,
    /// What the answer tells about the whole target is written, the items' fates are not.
    SignalsWritten,
    /// The outcomes of those items are written whose fate the answer decides; the jobs have not
    /// heard.
    Settled,
    /// The receipt of accepted items is written.
    SubmittedWritten,
    /// A batch was split.
    Split,
    /// Open batches were taken, to be asked about.
    PollTaken,
    /// The provider has answered how they fare; nothing of it is written.
    PollAnswered,
    /// The breaker knows how the question went; else nothing of it is written.
    PollHeard,
    /// What ended is written; the jobs have not heard, and the rest has no new time.
    PollSettled,
    /// The rest has a new time to be asked about.
    PutOff,
    /// Batches of workers that died are back in their lanes.
    Reaped,
    /// The outbox has been carried: the jobs have heard.
    Carried,
}

/// Is called when a worker reaches a crash point. For tests that stop or kill the worker there.
pub trait FaultHook: Send + Sync + 'static {
    /// The worker is at this point, and goes on when this returns.
    fn reached(&self, point: CrashPoint);
}

impl CrashPoint {
    /// All points, in the order of a batch's life.
    pub const ALL: [Self; 19] = [
        Self::Paced,
        Self::Leased,
        Self::Probing,
        Self::GivenBack,
        Self::Sending,
        Self::Renewed,
        Self::Answered,
        Self::Heard,
        Self::SignalsWritten,
        Self::Settled,
        Self::SubmittedWritten,
        Self::Split,
        Self::PollTaken,
        Self::PollAnswered,
        Self::PollHeard,
        Self::PollSettled,
        Self::PutOff,
        Self::Reaped,
        Self::Carried,
    ];

    /// The point's name, as the tests and logs have it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Paced => "paced",
            Self::Leased => "leased",
            Self::Probing => "probing",
            Self::GivenBack => "given_back",
            Self::Sending => "sending",
            Self::Renewed => "renewed",
            Self::Answered => "answered",
            Self::Heard => "heard",
            Self::SignalsWritten => "signals_written",
            Self::Settled => "settled",
            Self::SubmittedWritten => "submitted_written",
            Self::Split => "split",
            Self::PollTaken => "poll_taken",
            Self::PollAnswered => "poll_answered",
            Self::PollHeard => "poll_heard",
            Self::PollSettled => "poll_settled",
            Self::PutOff => "put_off",
            Self::Reaped => "reaped",
            Self::Carried => "carried",
        }
    }
}

/// The hook of a worker that no test stops.
pub(crate) struct NoFaults;

impl FaultHook for NoFaults {
    fn reached(&self, _point: CrashPoint) {}
}
