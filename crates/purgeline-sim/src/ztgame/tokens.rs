//! `POST /cdn_api/tokens`: a token for a password, and whether a token is good.

use std::collections::HashMap;

use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::json;

use super::refusal::Refusal;
use super::settings::{TokenBody, ZtgameSettings};
use crate::clock::Moment;
use crate::provider::{Answer, Request};

/// The tokens that were given, and when each ends, wall clock, ms.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    ends: HashMap<String, i64>,
    given: u64,
}

#[derive(Deserialize)]
struct Credentials {
    username: String,
    password: String,
}

#[derive(Deserialize)]
struct Nested {
    auth: Auth,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Auth {
    password_credentials: Credentials,
}

// === impl Tokens ===

impl Tokens {
    /// Who sends no token, one that was never given, or one that has ended, may not pass.
    pub(super) fn check(&self, request: &Request, now: Moment) -> Result<(), Refusal> {
        let token = request.header("x-auth-token").ok_or(Refusal::NoToken)?;
        match self.ends.get(token) {
            None => Err(Refusal::UnknownToken),
            Some(ends) if *ends <= now.wall_ms => Err(Refusal::InvalidToken),
            Some(_) => Ok(()),
        }
    }

    /// Always HTTP 200: a refusal has `error` and no `access`.
    pub(super) fn give(&mut self, body: &[u8], settings: &ZtgameSettings, now: Moment) -> Answer {
        let sent = read(body, settings.token_body);
        let good = sent.is_some_and(|c| {
            c.username == settings.username && c.password == settings.password.expose_secret()
        });
        if !good {
            let body = json!({ "error": "Invalid user / password" });
            return Answer::json(200, "Invalid user / password", &body);
        }
        self.given += 1;
        let token = format!("sim-token-{}", self.given);
        let life_ms = i64::try_from(settings.token_life_s.saturating_mul(1_000)).unwrap_or(i64::MAX);
        let ends = now.wall_ms.saturating_add(life_ms);
        self.ends.insert(token.clone(), ends);
        let expires = jiff::Timestamp::from_millisecond(ends);
        let expires = expires.map(|t| t.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()).unwrap_or_default();
        let body = json!({ "access": {
            "token": { "id": token, "expires": expires },
            "user": { "username": settings.username, "name": settings.username, "roles": [] },
        } });
        Answer::json(200, "200", &body)
    }
}

fn read(body: &[u8], shape: TokenBody) -> Option<Credentials> {
    let flat = || serde_json::from_slice(body).ok();
    let nested = || serde_json::from_slice(body).ok().map(|n: Nested| n.auth.password_credentials);
    match shape {
        TokenBody::Flat => flat(),
        TokenBody::Nested => nested(),
        TokenBody::Any => flat().or_else(nested),
    }
}
