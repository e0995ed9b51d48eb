use super::{
    Api, ChineseUrls, HuaweiSettings, Mode, auth,
    auth::Auth,
    poll,
    quota::Quotas,
    signing, submit,
    types::{Creation, ServiceError},
};
use crate::{
    BuildContext, Call, CallItem, OpenBatch, Provider, SettingsError,
    paging::{Listing, Pages},
    settings, status,
    token::Failure,
    transport::{Answer, Transport, TransportError, Version},
};
use async_trait::async_trait;
use purgeline_core::{Clock, PollReport, Signal, Submission};
use reqwest::{Method, Request, header::HeaderMap};
use std::sync::Arc;
use url::Url;

const QUOTA: &str = "/v1.0/cdn/quota";

/// One account at Huawei Cloud.
#[derive(Debug)]
pub(super) struct Client {
    transport: Transport,
    clock: Arc<dyn Clock>,
    pub(super) auth: Auth,
    base: Url,
    headers: HeaderMap,
    api: Api,
    mode: Mode,
    chinese: ChineseUrls,
    project: Option<String>,
}

impl Client {
    pub(super) fn new(context: &BuildContext, settings: &HuaweiSettings) -> Result<Self, SettingsError> {
        let base = settings::base_url("base_url", &settings.base_url)?;
        let auth = Auth::new(settings)?;
        let addresses: Vec<_> = auth.address().into_iter().chain([&base]).cloned().collect();
        // The signature covers `Host`, which HTTP/2 has no header for.
        let transport = Transport::new(context, &addresses, Version::Http1, auth.secrets())?;
        Ok(Self {
            transport,
            clock: Arc::clone(&context.clock),
            auth,
            base,
            headers: auth::common_headers(settings.domain_id.as_deref())?,
            api: settings.api,
            mode: settings.mode,
            chinese: settings.chinese_urls,
            project: settings.enterprise_project_id.clone(),
        })
    }

    pub(super) fn creation_request(&self, items: &[CallItem]) -> Result<Request, TransportError> {
        let body = Creation::new(items, self.api, self.mode, self.chinese);
        let body =
            serde_json::to_vec(&body).map_err(|error| TransportError::Unsendable(error.to_string()))?;
        let mut request = self.request(Method::POST, self.api.path(), &self.of_project());
        *request.body_mut() = Some(body.into());
        Ok(request)
    }

    pub(super) fn detail_request(&self, question: &poll::Question) -> Request {
        let path = format!("/v1.0/cdn/historytasks/{}/detail", signing::encode(&question.task));
        let (size, number) = (question.page_size.to_string(), question.page_number.to_string());
        let created = question.create_time.map(|ms| ms.to_string());
        let mut parameters = self.of_project();
        parameters.extend([("page_size", &*size), ("page_number", &*number)]);
        parameters.extend(created.as_deref().map(|ms| ("create_time", ms)));
        self.request(Method::GET, &path, &parameters)
    }

    pub(super) fn quota_request(&self) -> Request {
        self.request(Method::GET, QUOTA, &[])
    }

    fn request(&self, method: Method, path: &str, parameters: &[(&str, &str)]) -> Request {
        let mut url = settings::below(&self.base, path);
        let query = signing::query(parameters);
        url.set_query(Some(&*query).filter(|query| !query.is_empty()));
        let mut request = Request::new(method, url);
        *request.headers_mut() = self.headers.clone();
        request
    }

    /// IAM users have to name it (seed 001).
    fn of_project(&self) -> Vec<(&'static str, &str)> {
        self.project.as_deref().map(|id| ("enterprise_project_id", id)).into_iter().collect()
    }

    async fn send(&self, request: Request) -> Result<Answer, Failure> {
        self.auth.send(&self.transport, request, self.clock.now()).await
    }

    async fn create(&self, items: &[CallItem]) -> Result<Answer, Failure> {
        self.send(self.creation_request(items)?).await
    }

    async fn quotas(&self) -> Option<Quotas> {
        let answer = self.send(self.quota_request()).await.ok()?;
        Quotas::read(&answer.body)
    }

    /// Asks page by page until all has come.
    async fn list(&self, question: poll::Question) -> poll::TaskListing {
        let mut pages = Pages::new(question);
        while let Some(question) = pages.next() {
            match self.send(self.detail_request(question)).await {
                Ok(answer) => poll::read(&mut pages, &answer, self.clock.now()),
                Err(failure) => pages.interrupt(failure.cause(), failure.signal()),
            }
        }
        pages.into_listing()
    }
}

#[async_trait]
impl Provider for Client {
    async fn submit(&self, call: &Call<'_>) -> Submission {
        let answer = match self.create(call.items).await {
            Ok(answer) => answer,
            Err(failure) => return failure.submission(call.items.len()),
        };
        let quotas = if submit::wants_quotas(&answer) { self.quotas().await } else { None };
        submit::read(call.items, &answer, quotas.as_ref(), self.clock.now())
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

    async fn quota(&self) -> Vec<Signal> {
        let answer = match self.send(self.quota_request()).await {
            Ok(answer) => answer,
            Err(failure) => return failure.signal().into_iter().collect(),
        };
        let now = self.clock.now();
        if let Some(quotas) = Quotas::read(&answer.body) {
            return quotas.signals(now);
        }
        let cause = match ServiceError::read(&answer.body) {
            Some(error) => submit::cause(&error, &answer, now),
            None => status::cause(&answer),
        };
        status::signal(&cause, answer.retry_after_ms(now)).into_iter().collect()
    }
}
