use super::{ZtgameSettings, auth::Auth, poll, submit, types::PurgeRequest};
use crate::{
    BuildContext, Call, CallItem, OpenBatch, Provider, SettingsError, settings,
    token::Failure,
    transport::{Answer, Transport, TransportError, Version},
};
use async_trait::async_trait;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use purgeline_core::{Clock, PollAnswer, PollReport, Submission};
use reqwest::{
    Method, Request,
    header::{CONTENT_TYPE, HeaderValue},
};
use std::sync::Arc;
use url::Url;

const PURGE: &str = "/cdn_api/purge";
const STATUS: &str = "/cdn_api/req_status/";

/// One account at ztgame.
#[derive(Debug)]
pub(super) struct Client {
    transport: Transport,
    clock: Arc<dyn Clock>,
    auth: Auth,
    base: Url,
}

impl Client {
    pub(super) fn new(context: &BuildContext, settings: &ZtgameSettings) -> Result<Self, SettingsError> {
        let base = settings::base_url("base_url", &settings.base_url)?;
        let auth = Auth::new(settings, &base)?;
        let transport = Transport::new(context, std::slice::from_ref(&base), Version::Any, auth.secrets())?;
        Ok(Self { transport, clock: Arc::clone(&context.clock), auth, base })
    }

    pub(super) fn purge_request(&self, items: &[CallItem]) -> Result<Request, TransportError> {
        let body = serde_json::to_vec(&PurgeRequest::new(items))
            .map_err(|error| TransportError::Unsendable(error.to_string()))?;
        let mut request = Request::new(Method::POST, settings::below(&self.base, PURGE));
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        *request.body_mut() = Some(body.into());
        Ok(request)
    }

    pub(super) fn status_request(&self, request: &str) -> Request {
        // A UUID; anything else that it may be stays one piece of the path.
        const KEPT: &percent_encoding::AsciiSet = &NON_ALPHANUMERIC.remove(b'-');
        let path = format!("{STATUS}{}", utf8_percent_encode(request, KEPT));
        Request::new(Method::GET, settings::below(&self.base, &path))
    }

    async fn send(&self, request: Request) -> Result<Answer, Failure> {
        self.auth.send(&self.transport, request, self.clock.now()).await
    }

    async fn purge(&self, items: &[CallItem]) -> Result<Answer, Failure> {
        self.send(self.purge_request(items)?).await
    }
}

#[async_trait]
impl Provider for Client {
    async fn submit(&self, call: &Call<'_>) -> Submission {
        match self.purge(call.items).await {
            Ok(answer) => submit::read(call.items, &answer, self.clock.now()),
            Err(failure) => failure.submission(call.items.len()),
        }
    }

    async fn poll(&self, open: &[OpenBatch]) -> PollReport {
        let mut report = PollReport::default();
        for (at, batch) in open.iter().enumerate() {
            match self.send(self.status_request(&batch.receipt.0)).await {
                Ok(answer) => poll::read(at, batch, &answer, self.clock.now(), &mut report),
                Err(failure) => {
                    report.signals.extend(failure.signal());
                    let cause = Some(failure.cause());
                    report.answers.push(PollAnswer { batch: at, ended: Vec::new(), cause });
                }
            }
        }
        report
    }
}
