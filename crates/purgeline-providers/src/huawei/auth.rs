//! The two ways to say who calls: a signature over each request, or a token of IAM.

use super::{
    HuaweiSettings, IamSettings, codes, signing,
    types::{Issued, ServiceError, TokenRequest},
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
    header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue},
};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

const DATE: HeaderName = HeaderName::from_static("x-sdk-date");
const SECURITY_TOKEN: HeaderName = HeaderName::from_static("x-security-token");
const AUTH_TOKEN: HeaderName = HeaderName::from_static("x-auth-token");
pub(super) const DOMAIN_ID: HeaderName = HeaderName::from_static("x-domain-id");
const TOKENS: &str = "/v3/auth/tokens";

/// How a target's calls say who they are from.
#[derive(Debug)]
pub(super) enum Auth {
    Keys(Keys),
    Iam(Box<Iam>),
}

/// Access key and secret key, and with temporary ones their token.
#[derive(Debug)]
pub(super) struct Keys {
    access_key: SecretString,
    secret_key: SecretString,
    /// Marked sensitive.
    security_token: Option<HeaderValue>,
}

/// A user of IAM, and the token that it was given.
#[derive(Debug)]
pub(super) struct Iam {
    url: Url,
    user: String,
    password: SecretString,
    domain: String,
    token: TokenCell,
}

impl Auth {
    pub(super) fn new(settings: &HuaweiSettings) -> Result<Self, SettingsError> {
        let keys = settings.access_key.is_some()
            || settings.secret_key.is_some()
            || settings.security_token.is_some();
        match &settings.iam {
            Some(_) if keys => Err(SettingsError::new(
                "iam",
                "set beside keys: expected one of the two ways to authenticate",
            )),
            Some(iam) => Ok(Self::Iam(Box::new(Iam::new(iam)?))),
            None => Ok(Self::Keys(Keys::new(settings)?)),
        }
    }

    /// What must not come back in an answer.
    pub(super) fn secrets(&self) -> Vec<SecretString> {
        match self {
            Self::Keys(keys) => vec![keys.secret_key.clone()],
            Self::Iam(iam) => vec![iam.password.clone()],
        }
    }

    /// Where calls for authentication go, beside the service itself.
    pub(super) fn address(&self) -> Option<&Url> {
        match self {
            Self::Keys(_) => None,
            Self::Iam(iam) => Some(&iam.url),
        }
    }

    /// Sends a request with proof of who it is from. A token that is refused is renewed once.
    pub(super) async fn send(
        &self,
        transport: &Transport,
        mut request: Request,
        now: Timestamp,
    ) -> Result<Answer, Failure> {
        let iam = match self {
            Self::Keys(keys) => {
                keys.sign(&mut request, now)?;
                return Ok(transport.send(request).await?);
            }
            Self::Iam(iam) => iam,
        };
        let again = request.try_clone();
        let token = iam.token(transport, now).await?;
        request.headers_mut().insert(AUTH_TOKEN, token.clone());
        let answer = transport.send(request).await?;
        let Some(mut again) = again.filter(|_| refuses_token(&answer)) else {
            return Ok(answer);
        };
        iam.token.refused(&token).await;
        again.headers_mut().insert(AUTH_TOKEN, iam.token(transport, now).await?);
        Ok(transport.send(again).await?)
    }
}

/// Whether a call was refused for its token.
fn refuses_token(answer: &Answer) -> bool {
    answer.status == 401
        || ServiceError::read(&answer.body).is_some_and(|error| codes::is_of_token(&error.code))
}

impl Keys {
    fn new(settings: &HuaweiSettings) -> Result<Self, SettingsError> {
        let access_key = settings::required("access_key", settings.access_key.as_ref())?;
        let secret_key = settings::required("secret_key", settings.secret_key.as_ref())?;
        // It becomes part of a header.
        header("access_key", access_key)?;
        let security_token = settings.security_token.as_ref();
        Ok(Self {
            access_key: access_key.clone(),
            secret_key: secret_key.clone(),
            security_token: security_token.map(|token| header("security_token", token)).transpose()?,
        })
    }

    /// Signs what the gateway asks for, and of our own headers those that say who calls. A
    /// signature is good for one time, so each attempt has its own.
    pub(super) fn sign(&self, request: &mut Request, now: Timestamp) -> Result<(), TransportError> {
        let date = now.strftime("%Y%m%dT%H%M%SZ").to_string();
        let unsendable = |what: &str| TransportError::Unsendable(format!("no header can hold the {what}"));
        let headers = request.headers_mut();
        headers.insert(DATE, HeaderValue::from_str(&date).map_err(|_| unsendable("date"))?);
        if let Some(token) = &self.security_token {
            headers.insert(SECURITY_TOKEN, token.clone());
        }
        let host = host(request.url());
        let signed = [CONTENT_TYPE, DATE, DOMAIN_ID, SECURITY_TOKEN];
        let mut headers: Vec<_> = signed
            .iter()
            .filter_map(|name| Some((name.as_str(), request.headers().get(name)?.to_str().ok()?)))
            .collect();
        headers.push((HOST.as_str(), &host));
        let authorization = signing::authorization(
            &self.access_key,
            &self.secret_key,
            &date,
            &signing::Signed {
                method: request.method().as_str(),
                path: request.url().path(),
                query: request.url().query().unwrap_or_default(),
                headers: &headers,
                body: request.body().and_then(|body| body.as_bytes()).unwrap_or_default(),
            },
        );
        let authorization = authorization.expose_secret();
        let mut header = HeaderValue::from_str(authorization).map_err(|_| unsendable("signature"))?;
        header.set_sensitive(true);
        request.headers_mut().insert(AUTHORIZATION, header);
        Ok(())
    }
}

impl Iam {
    fn new(settings: &IamSettings) -> Result<Self, SettingsError> {
        let password = settings::required("iam.password", settings.password.as_ref())?;
        let base = settings::base_url("iam.base_url", &settings.base_url)?;
        Ok(Self {
            url: settings::below(&base, TOKENS),
            user: settings.user.clone(),
            password: password.clone(),
            domain: settings.domain.clone(),
            token: TokenCell::default(),
        })
    }

    async fn token(&self, transport: &Transport, now: Timestamp) -> Result<HeaderValue, Failure> {
        self.token.get(now, self.fetch(transport, now)).await
    }

    /// A token of the whole account, since CDN is a global service
    /// (support.huaweicloud.com/api-cdn/cdn_02_0086).
    async fn fetch(&self, transport: &Transport, now: Timestamp) -> Result<Token, Failure> {
        let answer = transport.send(self.request()?).await?;
        if answer.status != 201 {
            return Err(Failure::no_token(&answer, now));
        }
        let ends = Issued::read(&answer.body).and_then(|issued| issued.ends());
        let token = answer.header("x-subject-token").and_then(|token| Token::new(token, ends, now));
        token.ok_or_else(|| {
            let message = "IAM answered 201 without the header X-Subject-Token";
            Failure::NoToken { cause: Cause::new(Class::Unknown, "no-token", message), rest_ms: None }
        })
    }

    fn request(&self) -> Result<Request, TransportError> {
        let body = TokenRequest::new(&self.user, self.password.expose_secret(), &self.domain);
        let body =
            serde_json::to_vec(&body).map_err(|error| TransportError::Unsendable(error.to_string()))?;
        let mut request = Request::new(Method::POST, self.url.clone());
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        *request.body_mut() = Some(body.into());
        Ok(request)
    }
}

/// `Host` as it travels: without a port that the scheme implies.
fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

fn header(path: &str, secret: &SecretString) -> Result<HeaderValue, SettingsError> {
    let mut header = HeaderValue::from_str(secret.expose_secret())
        .map_err(|_| SettingsError::new(path, "holds a character that no HTTP header can"))?;
    header.set_sensitive(true);
    Ok(header)
}

/// The headers that every call has, signed or not.
pub(super) fn common_headers(domain_id: Option<&str>) -> Result<HeaderMap, SettingsError> {
    let mut headers = HeaderMap::new();
    // Questions say so too, and sign it, as the official SDKs do.
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(id) = domain_id {
        let id = HeaderValue::from_str(id)
            .map_err(|_| SettingsError::new("domain_id", "holds a character that no HTTP header can"))?;
        headers.insert(DOMAIN_ID, id);
    }
    Ok(headers)
}
