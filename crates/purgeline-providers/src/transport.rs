//! The wire below every provider: one client for each target, answers read whole and within
//! bounds, errors told apart by what they mean for the call.

use crate::{BuildContext, SettingsError};
use jiff::{Timestamp, fmt::rfc2822};
use purgeline_core::{Cause, Class, Outcome};
use reqwest::{
    Client, Request, Response,
    header::{AsHeaderName, CONTENT_TYPE, DATE, HeaderMap, LOCATION, RETRY_AFTER},
    redirect::Policy,
};
use secrecy::{ExposeSecret, SecretString};
use std::{error::Error, time::Duration};
use thiserror::Error;
use url::Url;

/// How purgeline names itself to providers.
const USER_AGENT: &str = concat!("purgeline/", env!("CARGO_PKG_VERSION"));

/// A host that does not take a connection in this time is taken for dead, whatever the target's
/// timeout for answers.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The most of an answer that is read. The largest that is expected, a Huawei task of 1,000 URLs
/// of 4,096 characters, stays below it.
const MAX_BODY_BYTES: usize = 16 << 20;

/// A shorter secret cannot be told from ordinary words of an answer, so it is not looked for.
const MIN_SECRET_BYTES: usize = 6;

/// The longest `Retry-After` that is believed.
const MAX_RETRY_AFTER_MS: u64 = 24 * 3_600_000;

/// One target's HTTP client.
///
/// It goes where it is told: no redirects (a POST would lose its body, a PURGE its host), no
/// proxy from the environment, no cookies.
#[derive(Debug)]
pub(crate) struct Transport {
    client: Client,
    timeout: Duration,
    secrets: Vec<SecretString>,
}

/// What a client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    /// What TLS negotiates.
    Any,
    /// HTTP/1.1, for caches: HTTP/2 has no `Host` apart from the address.
    Http1,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// As text, without this target's secrets, should the other side have echoed one.
    pub(crate) body: String,
    headers: HeaderMap,
}

/// Why nothing came back.
#[derive(Debug, Error)]
pub(crate) enum TransportError {
    /// Nothing was sent.
    #[error("no connection: {0}")]
    Connect(String),
    /// Sent, but not answered in time.
    #[error("no answer within {0} ms")]
    Timeout(u128),
    /// The connection ended before the answer did.
    #[error("the connection ended before the answer: {0}")]
    Broken(String),
    /// An answer that no provider gives.
    #[error("the answer is longer than {MAX_BODY_BYTES} bytes")]
    TooLong,
    /// Not a request that HTTP can carry.
    #[error("the request cannot be sent: {0}")]
    Unsendable(String),
}

impl Transport {
    /// A client for calls to `addresses`. `secrets` are kept out of the answers that it gives.
    pub(crate) fn new(
        context: &BuildContext,
        addresses: &[Url],
        version: Version,
        secrets: Vec<SecretString>,
    ) -> Result<Self, SettingsError> {
        // Idempotent: it fails if one is installed already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = Client::builder()
            .user_agent(USER_AGENT)
            .redirect(Policy::none())
            .no_proxy()
            .connect_timeout(CONNECT_TIMEOUT.min(context.timeout))
            .timeout(context.timeout);
        if version == Version::Http1 {
            builder = builder.http1_only();
        }
        if addresses.iter().all(|address| address.scheme() == "http") {
            // Plain HTTP needs no certificates; a machine without any shall do.
            builder = builder.tls_certs_only([]);
        }
        let client = builder.build().map_err(|error| {
            SettingsError::new(
                "",
                format!("no HTTPS client: {}; are ca-certificates installed?", root(&error)),
            )
        })?;
        Ok(Self { client, timeout: context.timeout, secrets })
    }

    /// Sends one request and reads the whole answer, whatever its status. Headers that are marked
    /// sensitive (a signature, a token) are secrets of this request.
    pub(crate) async fn send(&self, request: Request) -> Result<Answer, TransportError> {
        let sensitive = sensitive(request.headers());
        let mut response =
            self.client.execute(request).await.map_err(|error| TransportError::new(&error, self.timeout))?;
        let body = self.read(&mut response).await?;
        Ok(Answer {
            status: response.status().as_u16(),
            body: self.without_secrets(String::from_utf8_lossy(&body).into_owned(), &sensitive),
            headers: std::mem::take(response.headers_mut()),
        })
    }

    async fn read(&self, response: &mut Response) -> Result<Vec<u8>, TransportError> {
        let mut body = Vec::new();
        while let Some(chunk) =
            response.chunk().await.map_err(|error| TransportError::new(&error, self.timeout))?
        {
            body.extend_from_slice(&chunk);
            if body.len() > MAX_BODY_BYTES {
                return Err(TransportError::TooLong);
            }
        }
        Ok(body)
    }

    /// Causes quote answers, and some servers echo the request.
    fn without_secrets(&self, mut text: String, of_request: &[SecretString]) -> String {
        for secret in self.secrets.iter().chain(of_request) {
            let secret = secret.expose_secret();
            if secret.len() >= MIN_SECRET_BYTES && text.contains(secret) {
                text = text.replace(secret, "[redacted]");
            }
        }
        text
    }
}

impl Answer {
    /// How long the other side asks to be left alone, in milliseconds: `Retry-After` in seconds
    /// or as a date, at most a day. Means something only beside 429 and 503: Varnish sends
    /// `Retry-After: 5` with every page of its own, success included (observed, Varnish 7.1.1).
    pub(crate) fn retry_after_ms(&self, now: Timestamp) -> Option<u64> {
        let text = self.headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
        let ms = match text.parse::<u64>() {
            Ok(seconds) => seconds.saturating_mul(1_000),
            Err(_) => {
                let until = rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
                let ms = until.as_millisecond().saturating_sub(now.as_millisecond());
                u64::try_from(ms).unwrap_or(0)
            }
        };
        Some(ms.min(MAX_RETRY_AFTER_MS))
    }

    /// What the answer says, in words for a person: `405 Method Not Allowed: PURGE from 10.0.0.9`.
    /// Of a page only its title is taken.
    pub(crate) fn words(&self) -> String {
        let reason = reqwest::StatusCode::from_u16(self.status)
            .ok()
            .and_then(|status| status.canonical_reason())
            .unwrap_or_default();
        let mut words = format!("{} {reason}", self.status).trim_end().to_owned();
        if let Some(to) = self.header(LOCATION).filter(|_| (300..400).contains(&self.status)) {
            words = format!("{words} to {to}");
        }
        let is_page = self.header(CONTENT_TYPE).is_some_and(|kind| kind.contains("html"));
        let said = if is_page { title(&self.body) } else { self.body.trim() };
        if !said.is_empty() {
            words = format!("{words}: {said}");
        }
        words
    }

    /// When the other side says that it answered.
    pub(crate) fn date(&self) -> Option<Timestamp> {
        rfc2822::DateTimeParser::new().parse_timestamp(self.header(DATE)?).ok()
    }

    pub(crate) fn header(&self, name: impl AsHeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

impl TransportError {
    fn new(error: &reqwest::Error, timeout: Duration) -> Self {
        if error.is_connect() {
            Self::Connect(root(error))
        } else if error.is_timeout() {
            Self::Timeout(timeout.as_millis())
        } else if error.is_builder() {
            Self::Unsendable(root(error))
        } else {
            Self::Broken(root(error))
        }
    }

    /// The word by which this is known as a [`Cause`].
    const fn code(&self) -> &'static str {
        match self {
            Self::Connect(_) => Cause::NO_CONNECTION,
            Self::Timeout(_) => Cause::TIMEOUT,
            Self::Broken(_) => Cause::NO_ANSWER,
            Self::TooLong => "too-long-an-answer",
            Self::Unsendable(_) => "unsendable",
        }
    }

    const fn class(&self) -> Class {
        match self {
            Self::Connect(_) => Class::Soon,
            Self::Timeout(_) | Self::Broken(_) | Self::TooLong => Class::Unknown,
            Self::Unsendable(_) => Class::ClientBug,
        }
    }

    pub(crate) fn cause(&self) -> Cause {
        Cause::new(self.class(), self.code(), self.to_string())
    }

    /// What it means for the items that were sent.
    pub(crate) fn outcome(&self) -> Outcome {
        match self.class() {
            Class::ClientBug => Outcome::Failed(self.cause()),
            _ => Outcome::Retry { after_ms: None, cause: self.cause() },
        }
    }
}

/// The values that are marked sensitive.
fn sensitive(headers: &HeaderMap) -> Vec<SecretString> {
    let marked = headers.values().filter(|value| value.is_sensitive());
    marked.filter_map(|value| value.to_str().ok()).map(SecretString::from).collect()
}

/// The first cause of an error: the layers above it only say that there was one.
fn root(error: &dyn Error) -> String {
    let mut deepest = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    deepest.to_string()
}

/// The text between the title tags of an HTML page; empty if it has none.
fn title(page: &str) -> &str {
    page.split_once("<title>")
        .and_then(|(_, rest)| rest.split_once("</title>"))
        .map_or("", |(title, _)| title.trim())
}

#[cfg(test)]
impl Answer {
    /// An answer as if it had come.
    pub(crate) fn of(status: u16, headers: &[(&'static str, &str)], body: impl Into<String>) -> Self {
        let headers = headers
            .iter()
            .map(|(name, value)| (reqwest::header::HeaderName::from_static(name), value.parse().unwrap()))
            .collect();
        Self { status, body: body.into(), headers }
    }
}

#[cfg(test)]
mod tests;
