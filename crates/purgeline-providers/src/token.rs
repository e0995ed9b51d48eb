//! Tokens that calls carry: fetched when first needed, renewed before they end, dropped when the
//! provider refuses them.

use crate::{
    status,
    transport::{Answer, TransportError},
};
use futures::lock::Mutex;
use jiff::{SignedDuration, Timestamp};
use purgeline_core::{Cause, Signal, Submission};
use reqwest::header::HeaderValue;

/// A token is renewed so long before it ends, or when a tenth of its life is left, whichever is
/// less.
const MARGIN: SignedDuration = SignedDuration::from_mins(5);

/// The life of a token whose end is not told, or lies in the past because one of the clocks is
/// wrong: the provider's refusal then ends it. Both providers with tokens give them for a day.
const USUAL_LIFE: SignedDuration = SignedDuration::from_hours(24);

/// A token as a header's value, marked sensitive.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    header: HeaderValue,
    renew_at: Timestamp,
    ends: Timestamp,
}

/// The token in use, shared by all calls of a client.
#[derive(Debug, Default)]
pub(crate) struct TokenCell(Mutex<Option<Token>>);

/// Why a call has no answer that could be read.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Nothing came back.
    Transport(TransportError),
    /// There is no token, so the call was not made.
    NoToken {
        cause: Cause,
        /// How long the target is asked to rest, in ms, where that is said.
        rest_ms: Option<u64>,
    },
}

impl Token {
    /// `None` if the text cannot be a header's value.
    pub(crate) fn new(text: &str, ends: Option<Timestamp>, now: Timestamp) -> Option<Self> {
        let mut header = HeaderValue::from_str(text).ok().filter(|header| !header.is_empty())?;
        header.set_sensitive(true);
        let life = ends.map(|ends| ends.duration_since(now)).filter(SignedDuration::is_positive);
        let life = life.unwrap_or(USUAL_LIFE);
        let at = |after| now.saturating_add(after).unwrap_or(Timestamp::MAX);
        Some(Self { header, renew_at: at(life - MARGIN.min(life / 10)), ends: at(life) })
    }
}

impl TokenCell {
    /// The token to use now. Calls that need a new one wait for the same; one that cannot be had
    /// is done without as long as the old one lasts.
    pub(crate) async fn get(
        &self,
        now: Timestamp,
        fetch: impl Future<Output = Result<Token, Failure>>,
    ) -> Result<HeaderValue, Failure> {
        let mut current = self.0.lock().await;
        if let Some(token) = current.as_ref().filter(|token| now < token.renew_at) {
            return Ok(token.header.clone());
        }
        let token = match (fetch.await, current.as_ref()) {
            (Ok(token), _) => token,
            (Err(_), Some(old)) if now < old.ends => return Ok(old.header.clone()),
            (Err(failure), _) => return Err(failure),
        };
        Ok(current.insert(token).header.clone())
    }

    /// The provider has refused this token: the next call fetches another, unless one has already.
    pub(crate) async fn refused(&self, header: &HeaderValue) {
        let mut current = self.0.lock().await;
        if current.as_ref().is_some_and(|token| token.header == header) {
            *current = None;
        }
    }
}

impl Failure {
    /// No token came with this answer, whose status says why.
    pub(crate) fn no_token(answer: &Answer, now: Timestamp) -> Self {
        Self::NoToken { cause: status::cause(answer), rest_ms: answer.retry_after_ms(now) }
    }

    pub(crate) fn cause(&self) -> Cause {
        match self {
            Self::Transport(error) => error.cause(),
            Self::NoToken { cause, .. } => cause.clone(),
        }
    }

    /// What it means for the `count` items that were to be sent.
    pub(crate) fn submission(&self, count: usize) -> Submission {
        match self {
            Self::Transport(error) => Submission::all(count, &error.outcome()),
            Self::NoToken { cause, rest_ms } => status::refused(count, cause.clone(), *rest_ms),
        }
    }

    /// What it means for the whole target.
    pub(crate) fn signal(&self) -> Option<Signal> {
        match self {
            Self::Transport(_) => None,
            Self::NoToken { cause, rest_ms } => status::signal(cause, *rest_ms),
        }
    }
}

impl From<TransportError> for Failure {
    fn from(error: TransportError) -> Self {
        Self::Transport(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use purgeline_core::Class;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn at(time: &str) -> Timestamp {
        time.parse().unwrap()
    }

    fn token(text: &str, ends: Option<&str>, now: &str) -> Token {
        Token::new(text, ends.map(at), at(now)).unwrap()
    }

    fn refused() -> Failure {
        Failure::NoToken { cause: Cause::new(Class::Unauthorised, "c", "words"), rest_ms: None }
    }

    #[test]
    fn a_token_is_renewed_shortly_before_it_ends() {
        let day = token("t", Some("2026-01-02T00:00:00Z"), "2026-01-01T00:00:00Z");
        assert_eq!((day.renew_at, day.ends), (at("2026-01-01T23:55:00Z"), at("2026-01-02T00:00:00Z")));
        let short = token("t", Some("2026-01-01T00:00:10Z"), "2026-01-01T00:00:00Z");
        assert_eq!(short.renew_at, at("2026-01-01T00:00:09Z"));
        for unknown in [None, Some("2025-12-31T00:00:00Z")] {
            assert_eq!(token("t", unknown, "2026-01-01T00:00:00Z").ends, at("2026-01-02T00:00:00Z"));
        }
        assert!(Token::new("", None, at("2026-01-01T00:00:00Z")).is_none());
        assert!(Token::new("a\nb", None, at("2026-01-01T00:00:00Z")).is_none());
        assert!(!format!("{:?}", token("swordfish", None, "2026-01-01T00:00:00Z")).contains("swordfish"));
    }

    #[tokio::test]
    async fn calls_at_once_fetch_one_token() {
        let (cell, fetched) = (TokenCell::default(), AtomicUsize::new(0));
        let now = at("2026-01-01T00:00:00Z");
        let get = || {
            cell.get(now, async {
                tokio::task::yield_now().await;
                fetched.fetch_add(1, Ordering::SeqCst);
                Ok(Token::new("t", None, now).unwrap())
            })
        };
        let (one, other, third) = futures::join!(get(), get(), get());
        assert!(one.unwrap() == "t" && other.unwrap() == "t" && third.unwrap() == "t");
        assert_eq!(fetched.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn an_old_token_does_until_it_ends() {
        let cell = TokenCell::default();
        let first = async { Ok(token("old", Some("2026-01-02T00:00:00Z"), "2026-01-01T00:00:00Z")) };
        assert_eq!(cell.get(at("2026-01-01T00:00:00Z"), first).await.unwrap(), "old");
        let time = at("2026-01-01T23:59:59Z");
        assert_eq!(cell.get(time, async { Err(refused()) }).await.unwrap(), "old");
        let time = at("2026-01-02T00:00:00Z");
        assert_eq!(cell.get(time, async { Err(refused()) }).await.unwrap_err().cause().code, "c");
    }

    #[tokio::test]
    async fn a_refused_token_is_fetched_anew_once() {
        let (cell, now) = (TokenCell::default(), at("2026-01-01T00:00:00Z"));
        let give = |text: &'static str| async move { Ok(Token::new(text, None, now).unwrap()) };
        let first = cell.get(now, give("first")).await.unwrap();
        cell.refused(&first).await;
        assert_eq!(cell.get(now, give("second")).await.unwrap(), "second");
        // Somebody else's late refusal of the first does not concern the second.
        cell.refused(&first).await;
        assert_eq!(cell.get(now, give("third")).await.unwrap(), "second");
    }
}
