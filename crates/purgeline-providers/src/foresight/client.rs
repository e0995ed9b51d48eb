use super::{
    ForesightSettings, codes, listing,
    listing::Marks,
    poll::{self, Known},
    signing, submit,
};
use crate::{
    BuildContext, CacheEntry, Call, CallItem, OpenBatch, Provider, SettingsError, settings,
    transport::{Answer, Transport, TransportError, Version},
};
use async_trait::async_trait;
use purgeline_core::{Cause, Class, Clock, PollReport, Submission, Verdict};
use reqwest::{
    Method, Request,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue},
};
use std::sync::Arc;
use url::Url;

// Each with its final slash: without it Django redirects, and a POST loses its body.
const LISTING: &str = "/api/v1/cache/";
const REFRESH: &str = "/api/v1/cache/refresh/";
const STATE: &str = "/api/v1/cache/state/";

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// One server of the Foresight Mobile Platform.
#[derive(Debug)]
pub(super) struct Client {
    transport: Transport,
    clock: Arc<dyn Clock>,
    base: Url,
    /// Marked sensitive, so that it is not printed.
    authorization: HeaderValue,
    verify_listing: bool,
    /// How long the caches have to move, in ms.
    patience_ms: u64,
}

/// Why there is no listing.
#[derive(Debug)]
enum NoListing {
    /// This came instead.
    Answer(Answer),
    /// Nothing came.
    Transport(TransportError),
}

impl Client {
    pub(super) fn new(context: &BuildContext, settings: &ForesightSettings) -> Result<Self, SettingsError> {
        let token = settings::required("token", settings.token.as_ref())?;
        let base = settings::base_url("base_url", &settings.base_url)?;
        Ok(Self {
            transport: Transport::new(
                context,
                std::slice::from_ref(&base),
                Version::Any,
                vec![token.clone()],
            )?,
            clock: Arc::clone(&context.clock),
            base,
            authorization: signing::authorization(&settings.token_prefix, token)?,
            verify_listing: settings.verify_listing,
            patience_ms: settings.polls.over(super::POLLS).deadline_ms / 2,
        })
    }

    /// An item's text is the body: its canonical JSON.
    pub(super) fn refresh_request(&self, item: &CallItem) -> Request {
        let mut request = self.request(Method::POST, REFRESH);
        request.headers_mut().insert(CONTENT_TYPE, JSON);
        *request.body_mut() = Some(item.item.text().to_owned().into());
        request
    }

    pub(super) fn state_request(&self, task: &str) -> Request {
        let mut request = self.request(Method::GET, STATE);
        request.url_mut().query_pairs_mut().append_pair("task_id", task);
        request
    }

    pub(super) fn listing_request(&self) -> Request {
        self.request(Method::GET, LISTING)
    }

    fn request(&self, method: Method, path: &str) -> Request {
        let mut request = Request::new(method, settings::below(&self.base, path));
        request.headers_mut().insert(AUTHORIZATION, self.authorization.clone());
        request.headers_mut().insert(ACCEPT, JSON);
        request
    }

    async fn listing(&self) -> Result<Vec<CacheEntry>, NoListing> {
        let answer = self.transport.send(self.listing_request()).await.map_err(NoListing::Transport)?;
        let listed = (200..300).contains(&answer.status).then(|| listing::read(&answer.body)).flatten();
        listed.ok_or(NoListing::Answer(answer))
    }

    /// How the caches stand before a refresh, where their movement is asked for.
    async fn before(&self) -> Result<Option<Marks>, Submission> {
        if !self.verify_listing {
            return Ok(None);
        }
        match self.listing().await {
            Ok(entries) => Ok(Some(Marks::of(&entries))),
            Err(NoListing::Transport(error)) => Err(submit::without_listing(error.cause(), None)),
            Err(NoListing::Answer(answer)) => {
                let rest_ms = codes::rest_ms(&answer, self.clock.now());
                Err(submit::without_listing(codes::cause(&answer), rest_ms))
            }
        }
    }

    async fn refresh(&self, item: &CallItem) -> Submission {
        let before = match self.before().await {
            Ok(before) => before,
            Err(submission) => return submission,
        };
        match self.transport.send(self.refresh_request(item)).await {
            Ok(answer) => submit::read(&answer, before, self.clock.now()),
            Err(error) => Submission::all(1, &error.outcome()),
        }
    }

    async fn known(&self, batch: &OpenBatch, report: &mut PollReport) -> Known {
        let ticket = match poll::ticket(batch) {
            Ok(ticket) => ticket,
            Err(known) => return known,
        };
        let known = match &ticket.task {
            None => Known::Succeeded,
            Some(task) => match self.transport.send(self.state_request(task)).await {
                Ok(answer) => poll::read(&answer, self.clock.now(), report),
                Err(error) => Known::Nothing(error.cause()),
            },
        };
        match (&known, &ticket.before) {
            (Known::Succeeded, Some(before)) => self.proof(batch, before, report).await,
            _ => known,
        }
    }

    async fn proof(&self, batch: &OpenBatch, before: &Marks, report: &mut PollReport) -> Known {
        let now = self.clock.now();
        match self.listing().await {
            Ok(entries) => {
                let age_ms = now.as_millisecond().saturating_sub(batch.submitted_at_ms);
                poll::proof(before, &Marks::of(&entries), age_ms, self.patience_ms)
            }
            Err(NoListing::Transport(error)) => Known::Nothing(error.cause()),
            Err(NoListing::Answer(answer)) => Known::Nothing(poll::refused(&answer, now, report)),
        }
    }
}

#[async_trait]
impl Provider for Client {
    async fn submit(&self, call: &Call<'_>) -> Submission {
        match call.items {
            [item] => self.refresh(item).await,
            // A request has room for one (seed 000), and so has a call by the limits.
            items => {
                let cause = Cause::new(
                    Class::ClientBug,
                    "one-resource-a-call",
                    format!("a call of {} resources was asked for", items.len()),
                );
                Submission { verdict: Verdict::Bisect(cause), receipt: None, signals: Vec::new() }
            }
        }
    }

    async fn poll(&self, open: &[OpenBatch]) -> PollReport {
        let mut report = PollReport::default();
        for (at, batch) in open.iter().enumerate() {
            let known = self.known(batch, &mut report).await;
            poll::settle(at, batch, known, &mut report);
        }
        report
    }

    async fn cache_listing(&self) -> Result<Vec<CacheEntry>, Cause> {
        self.listing().await.map_err(|problem| match problem {
            NoListing::Transport(error) => error.cause(),
            NoListing::Answer(answer) => codes::cause(&answer),
        })
    }
}
