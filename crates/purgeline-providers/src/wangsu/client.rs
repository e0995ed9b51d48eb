use super::{
    WangsuSettings, poll,
    signing::{Credentials, Signer},
    submit::{self, Made, Reading},
    types::{LimitAnswer, PurgeRequest, QueryRequest},
};
use crate::{
    BuildContext, Call, CallItem, OpenBatch, Provider, SettingsError, settings,
    transport::{Answer, Transport, TransportError, Version},
};
use async_trait::async_trait;
use jiff::Timestamp;
use purgeline_core::{Clock, PollReport, Signal, Submission};
use reqwest::{
    Method, Request,
    header::{ACCEPT, CONTENT_TYPE, HeaderName, HeaderValue},
};
use serde::Serialize;
use std::sync::{Arc, Mutex, PoisonError};
use url::Url;

const PURGE: &str = "/ccm/purge/ItemIdReceiver";
const QUERY: &str = "/ccm/purge/ItemIdQuery";
const LIMIT: &str = "/ccm/purge/limit";

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const X_TIME_ZONE: HeaderName = HeaderName::from_static("x-time-zone");

/// One account at Wangsu.
#[derive(Debug)]
pub(super) struct Client {
    transport: Transport,
    clock: Arc<dyn Clock>,
    base: Url,
    signer: Signer,
    page_size: u64,
    /// What the last question left to ask.
    next: Mutex<poll::Next>,
}

impl Client {
    pub(super) fn new(context: &BuildContext, settings: &WangsuSettings) -> Result<Self, SettingsError> {
        let base = settings::base_url("base_url", &settings.base_url)?;
        let credentials = settings.credentials()?;
        let secret = match &credentials {
            Credentials::ApiKey { api_key, .. } => api_key.clone(),
            Credentials::AkSk { secret_key, .. } => secret_key.clone(),
        };
        Ok(Self {
            transport: Transport::new(context, std::slice::from_ref(&base), Version::Any, vec![secret])?,
            clock: Arc::clone(&context.clock),
            base,
            signer: Signer::new(credentials)?,
            page_size: u64::from(settings.page_size.get()),
            next: Mutex::default(),
        })
    }

    pub(super) fn purge_request(&self, items: &[CallItem]) -> Result<Request, TransportError> {
        self.post(PURGE, &PurgeRequest::new(items))
    }

    pub(super) fn query_request(&self, question: &QueryRequest) -> Result<Request, TransportError> {
        let mut request = self.post(QUERY, question)?;
        if question.start_time.is_some() {
            request.headers_mut().insert(X_TIME_ZONE, HeaderValue::from_static(poll::TIME_ZONE));
        }
        Ok(request)
    }

    pub(super) fn limit_request(&self) -> Result<Request, TransportError> {
        self.post(LIMIT, &serde_json::Map::new())
    }

    /// A request that is signed for this moment: it is good for one attempt.
    fn post(&self, path: &str, body: &impl Serialize) -> Result<Request, TransportError> {
        let body = serde_json::to_vec(body).map_err(|error| TransportError::Unsendable(error.to_string()))?;
        let mut request = Request::new(Method::POST, settings::below(&self.base, path));
        request.headers_mut().insert(CONTENT_TYPE, JSON);
        request.headers_mut().insert(ACCEPT, JSON);
        *request.body_mut() = Some(body.into());
        self.signer.sign(&mut request, self.clock.now())?;
        Ok(request)
    }

    async fn send(&self, request: Result<Request, TransportError>) -> Result<Answer, TransportError> {
        self.transport.send(request?).await
    }

    /// What is left of the day; `None` if it cannot be learned.
    async fn limits(&self) -> Option<LimitAnswer> {
        let answer = self.send(self.limit_request()).await.ok()?;
        LimitAnswer::read(&answer.body)
    }

    async fn understood(&self, items: &[CallItem], answer: &Answer, began: Timestamp) -> Submission {
        let now = self.clock.now();
        match submit::read(items, answer, Made::new(began, now, answer.date()), now) {
            Reading::Plain(submission) => submission,
            Reading::OutOfLimit(cause) => submit::out_of_limit(items, &cause, self.limits().await, now),
        }
    }
}

#[cfg(test)]
impl Client {
    pub(super) const fn signer(&self) -> &Signer {
        &self.signer
    }
}

#[async_trait]
impl Provider for Client {
    async fn submit(&self, call: &Call<'_>) -> Submission {
        let began = self.clock.now();
        match self.send(self.purge_request(call.items)).await {
            Ok(answer) => self.understood(call.items, &answer, began).await,
            Err(error) => Submission::all(call.items.len(), &error.outcome()),
        }
    }

    async fn poll(&self, open: &[OpenBatch]) -> PollReport {
        let mut report = PollReport::default();
        // Nothing that panics is done under the lock.
        let next = self.next.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let question = poll::Question::new(open, &next, self.page_size, self.clock.now(), &mut report);
        let Some(question) = question else { return report };
        let next = match self.send(self.query_request(&question.request)).await {
            Ok(answer) => question.read(&answer, &mut report),
            Err(error) => question.failed(&error, &mut report),
        };
        *self.next.lock().unwrap_or_else(PoisonError::into_inner) = next;
        report
    }

    async fn quota(&self) -> Vec<Signal> {
        let left = self.limits().await;
        left.map(|left| submit::quotas_left(&left, self.clock.now())).unwrap_or_default()
    }
}
