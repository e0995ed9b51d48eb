//! The two ways to sign, checked as the server checks them.

use std::collections::{HashSet, VecDeque};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use percent_encoding::percent_decode_str;
use secrecy::{ExposeSecret, SecretString};
use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::settings::WangsuSettings;
use super::wire::Refusal;
use crate::clock::Moment;
use crate::provider::Request;

/// The signatures seen of late: the AK/SK way refuses one that comes again.
#[derive(Debug, Default)]
pub(super) struct Seen {
    order: VecDeque<(u64, String)>,
    signatures: HashSet<String>,
}

/// Says who may not pass, and how he is told.
pub(super) fn check(
    request: &Request,
    settings: &WangsuSettings,
    seen: &mut Seen,
    now: Moment,
) -> Result<(), Refusal> {
    let authorization = request.header("authorization").unwrap_or_default();
    if let Some(credentials) = authorization.strip_prefix("Basic ") {
        api_key(request, credentials, settings, now)
    } else if let Some(fields) = authorization.strip_prefix("CNC-HMAC-SHA256 ") {
        ak_sk(request, fields, settings, seen, now)
    } else {
        Err(Refusal::Unauthorised("no authorization that this server knows"))
    }
}

/// `Basic base64(username:password)`, where the password is the base64 of the HMAC-SHA1 of the
/// date header under the API key (seed 004). Nothing of the request itself is signed.
fn api_key(
    request: &Request,
    credentials: &str,
    settings: &WangsuSettings,
    now: Moment,
) -> Result<(), Refusal> {
    let decoded = STANDARD.decode(credentials).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let (username, password) = decoded
        .as_deref()
        .and_then(|pair| pair.split_once(':'))
        .ok_or(Refusal::Unauthorised("the credentials cannot be read"))?;
    if username != settings.username {
        return Err(Refusal::UsernameInvalid);
    }
    // Who cannot set Date signs x-cnc-date (documents.cdnetworks.com, API key authentication).
    let date = request.header("x-cnc-date").or_else(|| request.header("date"));
    let date = date.ok_or(Refusal::Unauthorised("no Date"))?;
    let sent =
        jiff::fmt::rfc2822::parse(date).map_err(|_| Refusal::Unauthorised("the Date cannot be read"))?;
    in_time(sent.timestamp().as_second(), settings, now)?;
    let password = STANDARD.decode(password).unwrap_or_default();
    if !signed::<Hmac<Sha1>>(&settings.api_key, date.as_bytes(), &password) {
        return Err(Refusal::Unauthorised("wrong password"));
    }
    Ok(())
}

/// `CNC-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…` over the request, which must sign
/// content-type and host (documents.cdnetworks.com, AK/SK authentication; captures of the SDK).
fn ak_sk(
    request: &Request,
    fields: &str,
    settings: &WangsuSettings,
    seen: &mut Seen,
    now: Moment,
) -> Result<(), Refusal> {
    let field = |name: &str| {
        fields.split(',').find_map(|f| f.trim().strip_prefix(name)?.strip_prefix('=')).unwrap_or_default()
    };
    let access_key = request.header("x-cnc-accesskey").unwrap_or_default();
    let way = request.header("x-cnc-auth-method").unwrap_or_default();
    if access_key != settings.access_key || field("Credential") != access_key || way != "AKSK" {
        return Err(Refusal::Unauthorised("unknown access key"));
    }
    let timestamp = request.header("x-cnc-timestamp").unwrap_or_default();
    let sent = timestamp.parse().map_err(|_| Refusal::Unauthorised("no x-cnc-timestamp"))?;
    in_time(sent, settings, now)?;

    let names: Vec<&str> = field("SignedHeaders").split(';').collect();
    if !names.contains(&"content-type") || !names.contains(&"host") {
        return Err(Refusal::Unauthorised("content-type and host must be signed"));
    }
    let text = format!("CNC-HMAC-SHA256\n{timestamp}\n{}", hashed(&canonical(request, &names)));
    let signature = field("Signature");
    let bytes = hex::decode(signature).unwrap_or_default();
    if !signed::<Hmac<Sha256>>(&settings.secret_key, text.as_bytes(), &bytes) {
        return Err(Refusal::Unauthorised("wrong signature"));
    }
    if !seen.first_time(format!("{timestamp} {signature}"), settings, now) {
        return Err(Refusal::Unauthorised("this signature has been used"));
    }
    Ok(())
}

/// The canonical request: method, path, decoded query (none for a POST), signed headers in lower
/// case, their names, hash of the body.
fn canonical(request: &Request, names: &[&str]) -> String {
    let method = request.method.as_str();
    let post = matches!(method, "POST" | "PUT");
    let query = if post { "" } else { request.uri.query().unwrap_or_default() };
    let query = percent_decode_str(query).decode_utf8_lossy();
    let header = |name: &&str| {
        let value = request.header(name).unwrap_or_default();
        format!("{name}:{}\n", value.trim().to_lowercase())
    };
    let headers: String = names.iter().map(header).collect();
    let body: &[u8] = if post { &request.body } else { b"" };
    let body = hex::encode(Sha256::digest(body));
    let path = request.uri.path();
    format!("{method}\n{path}\n{query}\n{headers}\n{}\n{body}", names.join(";"))
}

fn in_time(sent_s: i64, settings: &WangsuSettings, now: Moment) -> Result<(), Refusal> {
    let off = sent_s.abs_diff(now.wall_ms.div_euclid(1_000));
    if off > settings.clock_tolerance_s {
        return Err(Refusal::Unauthorised("the request's time is too far off"));
    }
    Ok(())
}

fn hashed(text: &str) -> String {
    hex::encode(Sha256::digest(text.as_bytes()))
}

/// Compares in constant time.
fn signed<M: Mac + KeyInit>(key: &SecretString, text: &[u8], signature: &[u8]) -> bool {
    // HMAC takes keys of any length.
    <M as KeyInit>::new_from_slice(key.expose_secret().as_bytes())
        .is_ok_and(|mac| mac.chain_update(text).verify_slice(signature).is_ok())
}

// === impl Seen ===

impl Seen {
    fn first_time(&mut self, signature: String, settings: &WangsuSettings, now: Moment) -> bool {
        let kept_ns = settings.clock_tolerance_s.saturating_mul(1_000_000_000);
        while let Some((ns, _)) = self.order.front()
            && now.ns - ns >= kept_ns
        {
            if let Some((_, old)) = self.order.pop_front() {
                self.signatures.remove(&old);
            }
        }
        let first = self.signatures.insert(signature.clone());
        if first {
            self.order.push_back((now.ns, signature));
        }
        first
    }
}
