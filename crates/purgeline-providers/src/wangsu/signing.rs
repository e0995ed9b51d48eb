//! The two ways to authenticate. Both depend on the clock, so each attempt is signed anew.

use crate::{SettingsError, transport::TransportError};
use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use jiff::{Timestamp, fmt::rfc2822::DateTimePrinter};
use reqwest::{
    Request,
    header::{AUTHORIZATION, CONTENT_TYPE, DATE, HeaderName, HeaderValue},
};
use secrecy::{ExposeSecret, SecretString};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use std::{
    collections::HashMap,
    fmt,
    sync::{Mutex, PoisonError},
};

/// For how long the same timestamp and signature may not come again, in seconds; the clock may be
/// off by as much (documents.cdnetworks.com, AK/SK authentication).
const REPLAY_S: i64 = 300;

const ACCESS_KEY: HeaderName = HeaderName::from_static("x-cnc-accesskey");
const TIMESTAMP: HeaderName = HeaderName::from_static("x-cnc-timestamp");
const AUTH_METHOD: HeaderName = HeaderName::from_static("x-cnc-auth-method");

/// How an account proves who it is.
#[derive(Clone)]
pub(super) enum Credentials {
    /// The seed's way.
    ApiKey {
        /// The account's user name.
        username: String,
        /// Its API key.
        api_key: SecretString,
    },
    /// Named by documents.cdnetworks.com and the official SDK.
    AkSk {
        /// The access key.
        access_key: String,
        /// The secret key.
        secret_key: SecretString,
    },
}

/// Signs the requests of one client.
pub(super) struct Signer {
    credentials: Credentials,
    /// The last second at which each request was signed, by its canonical form: identical
    /// requests must not have the same second.
    last: Mutex<HashMap<[u8; 32], i64>>,
}

impl Signer {
    /// # Errors
    /// When a name cannot stand in a header.
    pub(super) fn new(credentials: Credentials) -> Result<Self, SettingsError> {
        match &credentials {
            // What stands before the first colon is the name (RFC 7617).
            Credentials::ApiKey { username, .. } if username.contains(':') => {
                Err(SettingsError::new("username", "holds a colon, which no user name of HTTP's Basic can"))
            }
            Credentials::AkSk { access_key, .. } if HeaderValue::from_str(access_key).is_err() => {
                Err(SettingsError::new("access_key", "holds a character that no HTTP header can"))
            }
            _ => Ok(Self { credentials, last: Mutex::default() }),
        }
    }

    /// Puts the headers that prove who asks on a request that has its body, at this time.
    ///
    /// # Errors
    /// When a header cannot be made, which [`new`](Self::new) rules out.
    pub(super) fn sign(&self, request: &mut Request, now: Timestamp) -> Result<(), TransportError> {
        let headers = match &self.credentials {
            Credentials::ApiKey { username, api_key } => {
                let date = http_date(now)?;
                let authorization = basic(username, api_key, &date);
                vec![(DATE, date), (AUTHORIZATION, authorization)]
            }
            Credentials::AkSk { access_key, secret_key } => {
                let canonical = Sha256::digest(canonical(request)).into();
                let second = self.unused_second(canonical, now.as_second());
                let signature = signature(secret_key, second, &canonical);
                let authorization = format!(
                    "CNC-HMAC-SHA256 Credential={access_key}, SignedHeaders=content-type;host, \
                     Signature={signature}"
                );
                vec![
                    (ACCESS_KEY, access_key.clone()),
                    (TIMESTAMP, second.to_string()),
                    (AUTH_METHOD, "AKSK".to_owned()),
                    (AUTHORIZATION, authorization),
                ]
            }
        };
        for (name, value) in headers {
            let mut value = HeaderValue::from_str(&value)
                .map_err(|_| TransportError::Unsendable(format!("{name} cannot be written")))?;
            value.set_sensitive(name == AUTHORIZATION);
            request.headers_mut().insert(name, value);
        }
        Ok(())
    }

    /// This second, or the first after the one in which the same request was signed last.
    fn unused_second(&self, canonical: [u8; 32], now: i64) -> i64 {
        // Nothing that panics is done under the lock.
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.retain(|_, second| second.saturating_add(REPLAY_S) > now);
        let second = last.get(&canonical).map_or(now, |second| now.max(second.saturating_add(1)));
        last.insert(canonical, second);
        second
    }
}

#[cfg(test)]
impl Signer {
    /// Requests whose last second is remembered.
    pub(super) fn remembered(&self) -> usize {
        self.last.lock().unwrap().len()
    }
}

/// `Sun, 30 Apr 2017 23:20:37 GMT`.
fn http_date(now: Timestamp) -> Result<String, TransportError> {
    DateTimePrinter::new()
        .timestamp_to_rfc9110_string(&now)
        .map_err(|error| TransportError::Unsendable(format!("the clock's time has no HTTP date: {error}")))
}

/// `Basic base64(username:password)`, where the password is the base64 of the HMAC-SHA1 of the
/// date under the API key (seed 004). Nothing else of the request is signed.
pub(super) fn basic(username: &str, api_key: &SecretString, date: &str) -> String {
    let mut mac = mac::<Hmac<Sha1>>(api_key);
    mac.update(date.as_bytes());
    let password = STANDARD.encode(mac.finalize().into_bytes());
    format!("Basic {}", STANDARD.encode(format!("{username}:{password}")))
}

/// Method, path, query (empty for a POST, and all calls are), the two signed headers in lower
/// case, their names, hash of the body.
pub(super) fn canonical(request: &Request) -> String {
    let content_type = request
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
        .to_ascii_lowercase();
    let body = request.body().and_then(reqwest::Body::as_bytes).unwrap_or_default();
    format!(
        "{}\n{}\n\ncontent-type:{content_type}\nhost:{}\n\ncontent-type;host\n{}",
        request.method(),
        request.url().path(),
        host(request),
        hex::encode(Sha256::digest(body)),
    )
}

/// As the `Host` header has it: with the port where the address names one.
fn host(request: &Request) -> String {
    let host = request.url().host_str().unwrap_or_default();
    match request.url().port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

fn signature(secret_key: &SecretString, second: i64, canonical: &[u8; 32]) -> String {
    let mut mac = mac::<Hmac<Sha256>>(secret_key);
    mac.update(format!("CNC-HMAC-SHA256\n{second}\n{}", hex::encode(canonical)).as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

#[expect(clippy::expect_used, reason = "HMAC takes keys of any length (RFC 2104)")]
fn mac<M: Mac + KeyInit>(key: &SecretString) -> M {
    <M as KeyInit>::new_from_slice(key.expose_secret().as_bytes()).expect("HMAC takes keys of any length")
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").field("credentials", &self.credentials).finish_non_exhaustive()
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ApiKey { username, .. } => {
                f.debug_struct("ApiKey").field("username", username).finish_non_exhaustive()
            }
            Self::AkSk { access_key, .. } => {
                f.debug_struct("AkSk").field("access_key", access_key).finish_non_exhaustive()
            }
        }
    }
}
