//! `SDK-HMAC-SHA256` signatures and IAM tokens, checked as the gateway checks them.

use std::collections::HashMap;

use hmac::{Hmac, KeyInit, Mac};
use jiff::civil::DateTime;
use jiff::tz::Offset;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::codes::Code;
use super::settings::HuaweiSettings;
use crate::clock::Moment;
use crate::provider::{Answer, Request};

/// What stays as it is in a canonical URI.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The tokens that IAM gave, and when each ends, wall clock, ms.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    ends: HashMap<String, i64>,
    given: u64,
}

/// Says who may not pass.
pub(super) fn check(
    request: &Request,
    settings: &HuaweiSettings,
    tokens: &Tokens,
    now: Moment,
) -> Result<(), Code> {
    if let (Some(sent), Some(id)) = (request.header("x-domain-id"), &settings.domain_id)
        && sent != id
    {
        return Err(Code::FORBIDDEN);
    }
    if let Some(token) = request.header("x-auth-token") {
        return tokens.check(token, now);
    }
    let authorization = request.header("authorization").unwrap_or_default();
    match authorization.strip_prefix("SDK-HMAC-SHA256 ") {
        Some(fields) => signature(request, fields, settings, now),
        None => Err(Code::BAD_IAM),
    }
}

/// `Access=…, SignedHeaders=…, Signature=…` over the request (the official SDK's signer; captures).
/// Which headers are signed is free, but host and date have to be.
fn signature(request: &Request, fields: &str, settings: &HuaweiSettings, now: Moment) -> Result<(), Code> {
    let field = |name: &str| {
        fields.split(',').find_map(|f| f.trim().strip_prefix(name)?.strip_prefix('=')).unwrap_or_default()
    };
    let date = request.header("x-sdk-date").unwrap_or_default();
    let sent = DateTime::strptime("%Y%m%dT%H%M%SZ", date).ok();
    let sent = sent.and_then(|sent| Offset::UTC.to_timestamp(sent).ok()).ok_or(Code::CLOCK_OFF)?;
    if sent.as_millisecond().abs_diff(now.wall_ms) > settings.clock_tolerance_s.saturating_mul(1_000) {
        return Err(Code::CLOCK_OFF);
    }
    let names: Vec<&str> = field("SignedHeaders").split(';').collect();
    let sorted = names.is_sorted() && names.iter().all(|n| *n == n.to_lowercase());
    if field("Access") != settings.access_key
        || !sorted
        || !names.contains(&"host")
        || !names.contains(&"x-sdk-date")
    {
        return Err(Code::BAD_IAM);
    }
    if let Some(token) = &settings.security_token
        && (!names.contains(&"x-security-token")
            || request.header("x-security-token") != Some(token.expose_secret()))
    {
        return Err(Code::BAD_IAM);
    }
    let canonical = hex::encode(Sha256::digest(canonical(request, &names)));
    let text = format!("SDK-HMAC-SHA256\n{date}\n{canonical}");
    // HMAC takes keys of any length; the comparison is in constant time.
    let key = settings.secret_key.expose_secret().as_bytes();
    let signature = hex::decode(field("Signature")).unwrap_or_default();
    let good = Hmac::<Sha256>::new_from_slice(key)
        .is_ok_and(|mac| mac.chain_update(text).verify_slice(&signature).is_ok());
    if good { Ok(()) } else { Err(Code::BAD_IAM) }
}

/// The canonical request: method, path with a slash at its end, sorted query, signed headers, their
/// names, hash of the body.
fn canonical(request: &Request, names: &[&str]) -> String {
    let recode = |text: &str| {
        let decoded = percent_decode_str(text).decode_utf8_lossy();
        utf8_percent_encode(&decoded, ESCAPED).to_string()
    };
    let mut path: String = request.uri.path().split('/').map(recode).collect::<Vec<_>>().join("/");
    if !path.ends_with('/') {
        path.push('/');
    }
    let query = request.uri.query().unwrap_or_default();
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        format!("{}={}", recode(name), recode(value))
    };
    let mut query: Vec<String> = query.split('&').filter(|p| !p.is_empty()).map(pair).collect();
    query.sort();
    let header = |name: &&str| {
        let value = request.header(name).unwrap_or_default();
        format!("{name}:{}\n", value.trim())
    };
    let headers: String = names.iter().map(header).collect();
    let body = hex::encode(Sha256::digest(&request.body));
    format!("{}\n{path}\n{}\n{headers}\n{}\n{body}", request.method, query.join("&"), names.join(";"))
}

// === impl Tokens ===

/// The body of `POST /v3/auth/tokens`, so far as it matters here.
#[derive(Deserialize)]
struct TokenRequest {
    auth: Auth,
}

#[derive(Deserialize)]
struct Auth {
    identity: Identity,
    scope: Scope,
}

#[derive(Deserialize)]
struct Identity {
    methods: Vec<String>,
    password: Password,
}

#[derive(Deserialize)]
struct Password {
    user: User,
}

#[derive(Deserialize)]
struct User {
    name: String,
    password: String,
    domain: Named,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

#[derive(Deserialize)]
struct Scope {
    /// CDN is a global service: its tokens are of the whole account, by name or by id.
    #[serde(default)]
    domain: Option<Value>,
}

impl Tokens {
    fn check(&self, token: &str, now: Moment) -> Result<(), Code> {
        match self.ends.get(token) {
            None => Err(Code::BAD_IAM),
            Some(ends) if *ends <= now.wall_ms => Err(Code::TOKEN_EXPIRED),
            Some(_) => Ok(()),
        }
    }

    /// `POST /v3/auth/tokens` of IAM: a token for a password
    /// (support.huaweicloud.com/api-iam/iam_30_0001). An older token goes on working.
    pub(super) fn give(&mut self, body: &[u8], settings: &HuaweiSettings, now: Moment) -> Answer {
        let Ok(TokenRequest { auth }) = serde_json::from_slice(body) else {
            return refusal(400, "Bad Request", "The request body is invalid");
        };
        let Auth { identity, scope } = auth;
        let user = identity.password.user;
        if !identity.methods.iter().any(|m| m == "password") || scope.domain.is_none() {
            return refusal(400, "Bad Request", "The request body is invalid");
        }
        if user.name != settings.user
            || user.password != settings.password.expose_secret()
            || user.domain.name != settings.domain
        {
            return refusal(401, "Unauthorized", "The username or password is wrong.");
        }
        self.given += 1;
        let token = format!("sim-token-{}", self.given);
        let life_ms = i64::try_from(settings.token_life_s.saturating_mul(1_000)).unwrap_or(i64::MAX);
        let ends = now.wall_ms.saturating_add(life_ms);
        self.ends.insert(token.clone(), ends);
        let body = json!({ "token": {
            "methods": ["password"],
            "issued_at": time(now.wall_ms),
            "expires_at": time(ends),
            "domain": { "name": settings.domain },
            "user": { "name": settings.user, "domain": { "name": settings.domain } },
        } });
        Answer::json(201, "201", &body).header("x-subject-token", &token)
    }
}

fn refusal(status: u16, title: &'static str, message: &'static str) -> Answer {
    let body = json!({ "error": { "code": status, "message": message, "title": title } });
    Answer::json(status, title, &body)
}

/// `2020-01-04T09:05:22.701000Z`.
fn time(wall_ms: i64) -> String {
    jiff::Timestamp::from_millisecond(wall_ms).map(|t| format!("{t:.6}")).unwrap_or_default()
}
