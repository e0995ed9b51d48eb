use super::{
    template::Template,
    types::{BanSettings, HttpSettings},
};
use crate::{SettingsError, transport::TransportError};
use purgeline_core::Item;
use reqwest::{
    Method, Request,
    header::{HOST, HeaderName, HeaderValue},
};
use secrecy::{ExposeSecret, SecretString};
use std::collections::{BTreeMap, BTreeSet};
use url::Url;

/// How items of one kind are purged at a node.
#[derive(Debug)]
pub(super) struct Form {
    method: Method,
    path: Template,
    headers: Vec<(HeaderName, Template)>,
    success: BTreeSet<u16>,
}

impl Form {
    /// For urls.
    pub(super) fn purge(settings: &HttpSettings) -> Result<Self, SettingsError> {
        Self::new("", &settings.method, &settings.path, &settings.success, &settings.headers)
    }

    /// For dirs.
    pub(super) fn ban(settings: &BanSettings) -> Result<Self, SettingsError> {
        Self::new("ban.", &settings.method, &settings.path, &settings.success, &settings.headers)
    }

    /// `place` stands before the settings' names in errors.
    fn new(
        place: &str,
        method: &str,
        path: &str,
        success: &BTreeSet<u16>,
        headers: &BTreeMap<String, SecretString>,
    ) -> Result<Self, SettingsError> {
        let error = |name: &str, problem: &str| SettingsError::new(format!("{place}{name}"), problem);
        let form = Self {
            method: Method::from_bytes(method.as_bytes())
                .map_err(|_| error("method", "not an HTTP method; expected a word such as PURGE"))?,
            path: Template::parse(path).map_err(|problem| error("path", &problem))?,
            headers: headers
                .iter()
                .map(|(name, value)| {
                    let at = format!("headers.{name}");
                    let value =
                        Template::parse(value.expose_secret()).map_err(|problem| error(&at, &problem))?;
                    let name = HeaderName::from_bytes(name.as_bytes())
                        .map_err(|_| error(&at, "not a header's name; expected letters, digits and -"))?;
                    Ok((name, value))
                })
                .collect::<Result<_, _>>()?,
            success: success.clone(),
        };
        if let Some(status) = success.iter().find(|status| !(200..500).contains(*status)) {
            let problem = format!("{status} says no success; expected statuses from 200 to 499");
            return Err(error("success", &problem));
        }
        if success.is_empty() {
            return Err(error("success", "empty: no answer would ever do; expected statuses such as 200"));
        }
        let texts = std::iter::once(&form.path).chain(form.headers.iter().map(|(_, value)| value));
        if !texts.into_iter().any(Template::tells_paths_apart) {
            let problem = "neither it nor a header holds {path_and_query}, {path}, {url} or {path_regex}: \
                           every item would send the same request";
            return Err(error("path", problem));
        }
        form.try_out().map_err(|problem| error("path", &problem))?;
        Ok(form)
    }

    /// Builds a request for an item like any other, so that what cannot be sent shows at start.
    fn try_out(&self) -> Result<(), String> {
        let item = Item::from_normalized(purgeline_core::Kind::Dir, "https://www.example.com/a/");
        if !self.path.render(&item).starts_with('/') {
            return Err("gives a path that does not begin with \"/\"".to_owned());
        }
        let node = Url::parse("http://127.0.0.1").map_err(|error| error.to_string())?;
        self.request(&node, &item).map(|_| ()).map_err(|error| error.to_string())
    }

    /// The request that purges an item at a node.
    pub(super) fn request(&self, node: &Url, item: &Item) -> Result<Request, TransportError> {
        let unsendable = |problem: &str| TransportError::Unsendable(problem.to_owned());
        let address = format!("{}{}", node.as_str().trim_end_matches('/'), self.path.render(item));
        let url = Url::parse(&address).map_err(|error| unsendable(&format!("its address: {error}")))?;
        let mut request = Request::new(self.method.clone(), url);
        let headers = request.headers_mut();
        let host = item.authority().unwrap_or_default();
        headers.insert(HOST, HeaderValue::from_str(host).map_err(|_| unsendable("its host"))?);
        for (name, value) in &self.headers {
            let mut value = HeaderValue::from_str(&value.render(item)).map_err(|_| {
                unsendable(&format!("the header {name} would hold a character that none can"))
            })?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        Ok(request)
    }

    /// What must not be quoted from an answer.
    pub(super) fn secrets(&self) -> impl Iterator<Item = SecretString> {
        self.headers.iter().flat_map(|(_, value)| value.texts()).map(SecretString::from)
    }

    /// Whether a status says that the item is not cached any more.
    pub(super) fn is_success(&self, status: u16) -> bool {
        self.success.contains(&status)
    }
}
