//! What one provider adds to the framework: how it reads a call, when it refuses, what it answers.

use std::borrow::Cow;
use std::sync::Arc;

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use serde::Serialize;

use crate::clock::Moment;
use crate::record::{CallKind, Item};
use crate::tasks::Tasks;

/// A request, read whole.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// What the provider makes of a request when it arrives.
#[derive(Debug)]
pub(crate) struct Arrival<T> {
    pub(crate) kind: CallKind,
    pub(crate) endpoint: Cow<'static, str>,
    pub(crate) items: Vec<Item>,
    /// What else is asked, for the log.
    pub(crate) options: Vec<(&'static str, String)>,
    pub(crate) verdict: Verdict<T>,
}

/// What is decided at arrival: who it is from, whether it can be read, whether the limits in a
/// window allow it. What depends on tasks and quotas is decided when the call is carried out.
#[derive(Debug)]
pub(crate) enum Verdict<T> {
    /// Carry it out.
    Go(T),
    /// Refuse it.
    Refuse(Answer),
    /// Refuse it because a limit in a window was reached.
    Limited(Answer),
}

/// An answer on its way to the client.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) body: Bytes,
    /// The provider's code, for the log.
    pub(crate) code: Cow<'static, str>,
    pub(crate) receipt: Option<Arc<str>>,
    pub(crate) taken: Taken,
}

/// Which of the call's items an answer takes.
#[derive(Debug)]
pub(crate) enum Taken {
    All,
    None,
    /// By the item's place in the call.
    Some(Vec<bool>),
}

/// A provider's side of the wire.
pub(crate) trait Provider: Send + 'static {
    /// A request that has been read and may be carried out.
    type Parsed: Send;

    /// The provider's name, as in a target's configuration.
    const NAME: &'static str;

    /// The codes that [`refusal`](Self::refusal) knows.
    const CODES: &'static [&'static str];

    /// Reads a request and decides what is decided at arrival. Called in order of arrival.
    fn arrive(&mut self, request: &Request, now: Moment) -> Arrival<Self::Parsed>;

    /// Carries a call out.
    fn process(&mut self, parsed: Self::Parsed, tasks: &mut Tasks, now: Moment) -> Answer;

    /// The provider's own refusal of a call with these items, in its own words, for one of
    /// [`CODES`](Self::CODES).
    fn refusal(&mut self, kind: CallKind, items: &[Item], code: &str) -> Answer;
}

// === impl Answer ===

impl Answer {
    /// A JSON answer that takes nothing.
    pub(crate) fn json(status: u16, code: impl Into<Cow<'static, str>>, body: &impl Serialize) -> Self {
        Self::json_as(status, code, "application/json", body)
    }

    /// A JSON answer under the media type that the provider really gives.
    pub(crate) fn json_as(
        status: u16,
        code: impl Into<Cow<'static, str>>,
        media_type: &'static str,
        body: &impl Serialize,
    ) -> Self {
        // Answers are made of structs with string keys, which always serialise; were one not to,
        // the client would see an empty body and the test fail.
        let body = serde_json::to_vec(body).unwrap_or_default();
        Self::new(status, code, media_type, body)
    }

    /// An answer of any media type that takes nothing.
    pub(crate) fn new(
        status: u16,
        code: impl Into<Cow<'static, str>>,
        media_type: &'static str,
        body: impl Into<Bytes>,
    ) -> Self {
        let content_type = HeaderValue::from_static(media_type);
        Self {
            status,
            headers: vec![(axum::http::header::CONTENT_TYPE, content_type)],
            body: body.into(),
            code: code.into(),
            receipt: None,
            taken: Taken::None,
        }
    }

    /// With a header. A value that HTTP does not allow is left out.
    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((HeaderName::from_static(name), value));
        }
        self
    }

    pub(crate) fn receipt(mut self, receipt: &Arc<str>) -> Self {
        self.receipt = Some(Arc::clone(receipt));
        self
    }

    pub(crate) fn taking(mut self, taken: Taken) -> Self {
        self.taken = taken;
        self
    }
}

// === impl Request ===

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Whether the body is declared to be of this media type, whatever its parameters.
    pub(crate) fn is_media_type(&self, media_type: &str) -> bool {
        let declared = self.header("content-type").unwrap_or_default();
        let declared = declared.split(';').next().unwrap_or_default().trim();
        declared.eq_ignore_ascii_case(media_type)
    }
}
