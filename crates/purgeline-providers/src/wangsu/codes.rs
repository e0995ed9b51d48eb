//! What Wangsu's messages mean. HTTP says 200 and `Code` says 0 beside each of them: the words of
//! `Message` are the error code (seed 004). They are matched without regard to case, by a part
//! that does not change; here each stands with dashes for spaces.

use crate::{status, transport::Answer};
use purgeline_core::{Cause, Class, Code};

/// Domains that are refused; the rest of the call is carried out.
pub(super) const CHANNEL: &str = "error-channel";
/// Domains whose dirs of the day are spent; the rest of the call is carried out.
pub(super) const DIRS_OF_HOST: &str = "dir-number-reached-the-daily-limit-by-domain";
/// More in one call than the account may send, or more than is left of its day.
pub(super) const OUT_OF_LIMIT: &str = "the-number-of-url-and-dir-out-of-limit";
/// The user may not purge, or not in this way.
pub(super) const NOT_ALLOWED: &str = "user-not-allowed-push";
/// The same item was sent less than a minute ago.
pub(super) const RUNNING: &str = "running-url-or-dir";

/// Seed 004, but for the last four, which are assumed of the gateway before the API.
pub(super) const CODES: &[Code] = &[
    code("username-is-invalid", "the user name is empty or not enabled", Class::Unauthorised),
    code("urls-and-dirs-must-not-both-be-empty", "nothing to purge", Class::ClientBug),
    code(OUT_OF_LIMIT, "more items than the account may send", Class::QuotaDay),
    code(NOT_ALLOWED, "the user may not purge", Class::Unauthorised),
    code(CHANNEL, "domains that are not the account's; the rest is carried out", Class::ItemDead),
    code("system-exception", "unknown failure", Class::Soon),
    code(RUNNING, "the same item again within a minute", Class::Delay),
    code("parse-json-error", "the body cannot be read", Class::ClientBug),
    code("parse-xml-error", "the body cannot be read", Class::ClientBug),
    code(DIRS_OF_HOST, "500 dirs of a domain today; the rest is carried out", Class::QuotaDay),
    code("frequency", "calls are too many", Class::Delay),
    code("401", "bad credentials, or the clock is wrong", Class::Unauthorised),
    code("403", "forbidden, or the clock is wrong", Class::Unauthorised),
    code("429", "calls are too many", Class::Delay),
];

/// Words that are not documented. Of one bad item, as far as anybody knows: it is looked for.
const UNKNOWN: Code = code("refused", "words that are not documented", Class::ClientBug);

/// A part of each message, in lower case, and the code that it stands for. The first that is found
/// decides.
const PARTS: &[(&str, &str)] = &[
    ("daily limit by domain", DIRS_OF_HOST),
    ("error channel", CHANNEL),
    ("running url or dir", RUNNING),
    ("number of url and dir out of limit", OUT_OF_LIMIT),
    ("username is invalid", "username-is-invalid"),
    ("user not allowed push", NOT_ALLOWED),
    ("must not both be empty", "urls-and-dirs-must-not-both-be-empty"),
    ("system exception", "system-exception"),
    ("parse json error", "parse-json-error"),
    ("parse xml error", "parse-xml-error"),
    ("frequen", "frequency"),
    ("too many requests", "frequency"),
    ("rate limit", "frequency"),
    ("频", "frequency"),
];

/// How long the target rests after a refusal for its rate, in ms, if the answer does not say: the
/// window of the limit (seed 004), after which it is free for certain.
pub(super) const REST_MS: u64 = 300_000;

const fn code(code: &'static str, meaning: &'static str, class: Class) -> Code {
    Code { code, meaning, class }
}

/// The code that a message stands for.
pub(super) fn read(message: &str) -> Code {
    let message = message.to_lowercase();
    PARTS
        .iter()
        .find(|(part, _)| message.contains(part))
        .and_then(|(_, name)| CODES.iter().find(|code| code.code == *name))
        .copied()
        .unwrap_or(UNKNOWN)
}

/// A code with the API's words as a cause.
pub(super) fn cause(code: &Code, message: &str) -> Cause {
    Cause::new(code.class, code.code, message)
}

/// The cause that an answer without a code gives.
pub(super) fn gateway(answer: &Answer) -> Cause {
    let cause = status::cause(answer);
    match answer.status {
        401 | 403 => Cause::new(
            cause.class,
            cause.code,
            format!("{} (signatures hold for minutes: is this machine's clock right?)", cause.message),
        ),
        _ => cause,
    }
}

/// The domains that a message refuses.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Channels<'a> {
    /// Not the account's: everything of theirs is refused. As they stand between the brackets.
    pub(super) refused: Vec<&'a str>,
    /// Without dirs left for today.
    pub(super) full: Vec<&'a str>,
}

impl<'a> Channels<'a> {
    /// Each `error channel […]` of a message, which may hold several: what follows the brackets
    /// says which sort it is.
    pub(super) fn read(message: &'a str) -> Self {
        // In ASCII, so that places in it are places in the message.
        let lower = message.to_ascii_lowercase();
        let starts: Vec<_> = lower.match_indices("error channel").map(|(at, _)| at).collect();
        let mut channels = Self::default();
        for (nth, &start) in starts.iter().enumerate() {
            let end = starts.get(nth + 1).copied().unwrap_or(message.len());
            let Some(part) = message.get(start..end) else { continue };
            let list = bracketed(part);
            if lower.get(start..end).is_some_and(|part| part.contains("daily limit by domain")) {
                channels.full.push(list);
            } else {
                channels.refused.push(list);
            }
        }
        channels
    }
}

/// What stands between the first bracket and the last; empty if there are none.
pub(super) fn bracketed(message: &str) -> &str {
    match (message.find('['), message.rfind(']')) {
        (Some(open), Some(close)) => message.get(open + 1..close).unwrap_or_default().trim(),
        _ => "",
    }
}

/// Which of these texts a list with commas names. They may have commas themselves: the longest that
/// fits is the one that is meant.
pub(super) fn named(list: &str, texts: &[&str]) -> Vec<bool> {
    let mut order: Vec<_> = (0..texts.len()).collect();
    order.sort_by_key(|&at| (std::cmp::Reverse(texts[at].len()), texts[at]));
    let mut left = list.to_owned();
    let mut named = vec![false; texts.len()];
    let mut last: Option<(&str, bool)> = None;
    for at in order {
        let text = texts[at];
        named[at] = match last {
            Some((same, found)) if same == text => found,
            _ => take_out(&mut left, text),
        };
        last = Some((text, named[at]));
    }
    named
}

/// Blanks out each whole element of a list that is this text; whether there was one.
fn take_out(list: &mut String, text: &str) -> bool {
    let whole = |&at: &usize| {
        let (before, after) = (&list[..at], &list[at + text.len()..]);
        let starts = before.trim_end().is_empty() || before.trim_end().ends_with(',');
        let ends = after.trim_start().is_empty() || after.trim_start().starts_with(',');
        starts && ends
    };
    let found: Vec<_> = list.match_indices(text).map(|(at, _)| at).filter(whole).collect();
    for &at in &found {
        list.replace_range(at..at + text.len(), &" ".repeat(text.len()));
    }
    !text.is_empty() && !found.is_empty()
}
