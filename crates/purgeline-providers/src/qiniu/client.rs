use super::{
    QiniuSettings, poll, signing, submit,
    types::{ListRequest, Product, Record, RefreshRequest},
};
use crate::{
    BuildContext, Call, CallItem, OpenBatch, Provider, SettingsError,
    paging::{Listing, Pages},
    settings,
    transport::{Answer, Transport, TransportError, Version},
};
use async_trait::async_trait;
use purgeline_core::{Clock, PollReport, Submission};
use reqwest::{
    Method, Request,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue},
};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use std::sync::Arc;
use url::Url;

const REFRESH: &str = "/v2/tune/refresh";
const LIST: &str = "/v2/tune/refresh/list";

/// One account at Qiniu.
#[derive(Debug)]
pub(super) struct Client {
    transport: Transport,
    clock: Arc<dyn Clock>,
    refresh: Endpoint,
    list: Endpoint,
    product: Option<Product>,
}

/// An address with the header that opens it, which never changes.
#[derive(Debug)]
struct Endpoint {
    url: Url,
    /// Marked sensitive, so that it is not printed.
    authorization: HeaderValue,
}

impl Client {
    pub(super) fn new(context: &BuildContext, settings: &QiniuSettings) -> Result<Self, SettingsError> {
        let access_key = settings::required("access_key", settings.access_key.as_ref())?;
        let secret_key = settings::required("secret_key", settings.secret_key.as_ref())?;
        let base = settings::base_url("base_url", &settings.base_url)?;
        let mut secrets = vec![secret_key.clone()];
        let mut endpoint = |path: &str| {
            let mut url = base.clone();
            url.set_path(&format!("{}{path}", base.path().trim_end_matches('/')));
            let authorization = signing::authorization(access_key, secret_key, url.path());
            let mut header = HeaderValue::from_str(authorization.expose_secret())
                .map_err(|_| SettingsError::new("access_key", "holds a character that no HTTP header can"))?;
            header.set_sensitive(true);
            // It is as good as the secret key for this path, for ever.
            secrets.push(signature(&authorization));
            Ok(Endpoint { url, authorization: header })
        };
        let (refresh, list) = (endpoint(REFRESH)?, endpoint(LIST)?);
        let transport = Transport::new(context, &[base], Version::Any, secrets)?;
        Ok(Self { transport, clock: Arc::clone(&context.clock), refresh, list, product: settings.product })
    }

    pub(super) fn refresh_request(&self, items: &[CallItem]) -> Result<Request, TransportError> {
        self.refresh.post(&RefreshRequest::new(items, self.product))
    }

    pub(super) fn list_request(&self, question: &ListRequest<'_>) -> Result<Request, TransportError> {
        self.list.post(question)
    }

    async fn send(&self, request: Result<Request, TransportError>) -> Result<Answer, TransportError> {
        self.transport.send(request?).await
    }

    /// Asks page by page until all that was asked for has come.
    async fn list(&self, question: ListRequest<'_>) -> Listing<Record> {
        let mut pages = Pages::new(question);
        while let Some(question) = pages.next() {
            match self.send(self.list_request(question)).await {
                Ok(answer) => poll::read(&mut pages, &answer, self.clock.now()),
                Err(error) => pages.interrupt(error.cause(), None),
            }
        }
        pages.into_listing()
    }
}

impl Endpoint {
    fn post(&self, body: &impl Serialize) -> Result<Request, TransportError> {
        let body = serde_json::to_vec(body).map_err(|error| TransportError::Unsendable(error.to_string()))?;
        let mut request = Request::new(Method::POST, self.url.clone());
        request.headers_mut().insert(AUTHORIZATION, self.authorization.clone());
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        *request.body_mut() = Some(body.into());
        Ok(request)
    }
}

#[async_trait]
impl Provider for Client {
    async fn submit(&self, call: &Call<'_>) -> Submission {
        match self.send(self.refresh_request(call.items)).await {
            Ok(answer) => submit::read(call.items, &answer, self.clock.now()),
            Err(error) => Submission::all(call.items.len(), &error.outcome()),
        }
    }

    async fn poll(&self, open: &[OpenBatch]) -> PollReport {
        let mut report = PollReport::default();
        for (at, batch) in open.iter().enumerate() {
            let listing = match poll::question(batch, self.clock.now()) {
                Ok(question) => self.list(question).await,
                Err(cause) => Listing::lost(cause),
            };
            poll::settle(at, batch, listing, &mut report);
        }
        report
    }
}

/// The part after the access key, which is no secret.
fn signature(authorization: &SecretString) -> SecretString {
    let text = authorization.expose_secret();
    text.rsplit_once(':').map_or(text, |(_, signature)| signature).into()
}
