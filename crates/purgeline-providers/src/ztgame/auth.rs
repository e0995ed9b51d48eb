//! The token that each call carries: `POST /cdn_api/tokens`.

use super::{
    ZtgameSettings, codes, submit,
    types::{Credentials, PasswordAuth, TokenAnswer, TokenRequest},
};
use crate::{
    SettingsError, settings,
    token::{Failure, Token, TokenCell},
    transport::{Answer, Transport, TransportError},
};
use jiff::Timestamp;
use purgeline_core::{Cause, Class};
use reqwest::{
    Method, Request,
    header::{CONTENT_TYPE, HeaderName, HeaderValue},
};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

const AUTH_TOKEN: HeaderName = HeaderName::from_static("x-auth-token");
const TOKENS: &str = "/cdn_api/tokens";

/// A user, and the token that it was given.
#[derive(Debug)]
pub(super) struct Auth {
    url: Url,
    username: String,
    password: SecretString,
    token: TokenCell,
}

impl Auth {
    pub(super) fn new(settings: &ZtgameSettings, base: &Url) -> Result<Self, SettingsError> {
        let username = settings.username.as_deref().map(str::trim).filter(|name| !name.is_empty());
        let username = username
            .ok_or_else(|| SettingsError::new("username", "missing: no token is given without it"))?;
        let password = settings::required("password", settings.password.as_ref())?;
        Ok(Self {
            url: settings::below(base, TOKENS),
            username: username.to_owned(),
            password: password.clone(),
            token: TokenCell::default(),
        })
    }

    /// What must not come back in an answer.
    pub(super) fn secrets(&self) -> Vec<SecretString> {
        vec![self.password.clone()]
    }

    /// Sends a request with the token. One that is refused is renewed once.
    pub(super) async fn send(
        &self,
        transport: &Transport,
        mut request: Request,
        now: Timestamp,
    ) -> Result<Answer, Failure> {
        let again = request.try_clone();
        let token = self.token(transport, now).await?;
        request.headers_mut().insert(AUTH_TOKEN, token.clone());
        let answer = transport.send(request).await?;
        let refuses_token = submit::refusal(&answer).is_some_and(|cause| codes::is_of_token(&cause.code));
        let Some(mut again) = again.filter(|_| refuses_token) else {
            return Ok(answer);
        };
        self.token.refused(&token).await;
        again.headers_mut().insert(AUTH_TOKEN, self.token(transport, now).await?);
        Ok(transport.send(again).await?)
    }

    async fn token(&self, transport: &Transport, now: Timestamp) -> Result<HeaderValue, Failure> {
        self.token.get(now, self.fetch(transport, now)).await
    }

    /// By the flat body, and if that is refused by the nested one.
    async fn fetch(&self, transport: &Transport, now: Timestamp) -> Result<Token, Failure> {
        let credentials = Credentials { username: &self.username, password: self.password.expose_secret() };
        let flat = TokenRequest::Flat(credentials);
        let auth = PasswordAuth { password_credentials: credentials };
        match self.ask(transport, &flat, now).await {
            Err(Failure::NoToken { cause, .. }) if cause.code == REFUSED => {
                self.ask(transport, &TokenRequest::Nested { auth }, now).await
            }
            result => result,
        }
    }

    async fn ask(
        &self,
        transport: &Transport,
        body: &TokenRequest<'_>,
        now: Timestamp,
    ) -> Result<Token, Failure> {
        let body = serde_json::to_vec(body).map_err(|error| TransportError::Unsendable(error.to_string()))?;
        let mut request = Request::new(Method::POST, self.url.clone());
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        *request.body_mut() = Some(body.into());
        let answer = transport.send(request).await?;
        let none = |class, code, message: &str| Failure::NoToken {
            cause: Cause::new(class, code, message),
            rest_ms: None,
        };
        match TokenAnswer::read(&answer.body) {
            Some(TokenAnswer::Given { id, expires }) => Token::new(&id, expires, now)
                .ok_or_else(|| none(Class::Unknown, "no-token", "the token cannot be a header's value")),
            Some(TokenAnswer::Refused(error)) => Err(none(Class::Unauthorised, REFUSED, &error)),
            // Not quoted: what is half understood may hold a token.
            None if answer.status < 300 => {
                let message = "the answer has neither access.token.id nor error";
                Err(none(Class::Unknown, "no-token", message))
            }
            None => Err(Failure::no_token(&answer, now)),
        }
    }
}

/// The code of a refused user name or password.
const REFUSED: &str = "no-token-given";
