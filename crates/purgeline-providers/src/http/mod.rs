//! Caches of your own that take a PURGE request: Varnish, nginx, Traffic Server, Souin.
//!
//! One request purges one item at one node. A call carries up to 50 items, and its requests go
//! out a few at a time; an item is done when every node has confirmed it.

mod client;
mod form;
mod template;
#[cfg(test)]
mod tests;
mod types;

pub use types::{BanSettings, HttpSettings};

use crate::{BuildContext, Entry, Provider, SettingsError, settings};
use form::Form;
use purgeline_core::{
    Action, CallLimits, Class, Code, Descriptor, ItemRules, Kind, Limits, config::Settings,
};
use std::{num::NonZeroU32, sync::Arc};
use url::Url;

pub(crate) const ENTRY: Entry = Entry { name: "http", descriptor, build };

/// A VCL that takes what this provider sends: PURGE for URLs, BAN for dirs. As the documentation
/// gives it, with a backend at 127.0.0.1:8080.
pub const VARNISH_VCL: &str = include_str!("../../vcl/purgeline.vcl");

/// Items of one call. Not a limit of any cache: it bounds how long a worker is busy with a call,
/// and what is sent again if the worker dies.
const MAX_ITEMS: NonZeroU32 = match NonZeroU32::new(50) {
    Some(number) => number,
    None => NonZeroU32::MIN,
};

/// What statuses mean that are no success. Caches have no codes but these.
const CODES: &[Code] = &[
    code("http-400", "the cache cannot read the request", Class::ClientBug),
    code("http-401", "credentials are missing or wrong", Class::Unauthorised),
    code("http-403", "refused, as by an ACL", Class::Unauthorised),
    code("http-404", "not cached, where that is not a success", Class::ItemDead),
    // What VCL examples answer to those that are not in their ACL (observed, Varnish 7.1.1).
    code("http-405", "the method is refused, as by an ACL", Class::Unauthorised),
    code("http-412", "not cached, where that is not a success", Class::ItemDead),
    code("http-429", "too many requests", Class::Delay),
    code("http-500", "the cache failed", Class::Soon),
    code("http-501", "the method is not known: this is no cache, or passes it on", Class::Unauthorised),
    code("http-502", "what is behind the cache failed", Class::Unknown),
    code("http-503", "unavailable", Class::Delay),
    code("http-504", "what is behind the cache did not answer", Class::Unknown),
];

const fn code(code: &'static str, meaning: &'static str, class: Class) -> Code {
    Code { code, meaning, class }
}

fn descriptor(settings: &Settings) -> Result<Descriptor, SettingsError> {
    let settings: HttpSettings = settings::read(settings)?;
    let mut max_of_kind = std::collections::BTreeMap::from([(Kind::Url, MAX_ITEMS)]);
    if settings.ban.is_some() {
        max_of_kind.insert(Kind::Dir, MAX_ITEMS);
    }
    nodes(&settings)?;
    Forms::new(&settings)?;
    Ok(Descriptor {
        name: ENTRY.name,
        title: "HTTP cache",
        limits: Limits {
            call: CallLimits {
                max_items: MAX_ITEMS,
                max_of_kind,
                mix_kinds: true,
                max_hosts: None,
                max_bytes: None,
            },
            // A cache of your own takes what its machine can; a target's limits may say less.
            rates: Vec::new(),
            max_in_flight: settings.max_in_flight,
            max_tasks: None,
            quotas: Vec::new(),
        },
        rules: ItemRules::default(),
        actions: &[Action::Default],
        dir_actions: None,
        polls: None,
        timeout_ms: Descriptor::TIMEOUT_MS,
        auth: "an ACL at the cache, or headers",
        per_item_result: true,
        codes: CODES,
        outages: &[],
    })
}

fn build(context: &BuildContext) -> Result<Arc<dyn Provider>, SettingsError> {
    let settings: HttpSettings = settings::read(&context.settings)?;
    Ok(Arc::new(client::Client::new(context, &settings)?))
}

/// The caches' addresses.
fn nodes(settings: &HttpSettings) -> Result<Vec<Url>, SettingsError> {
    if settings.nodes.is_empty() {
        return Err(SettingsError::new("nodes", "empty; expected addresses such as http://10.0.0.1:6081"));
    }
    let nodes = settings.nodes.iter().enumerate();
    nodes.map(|(at, node)| settings::base_url(&format!("nodes[{at}]"), node)).collect()
}

/// How each kind is purged.
#[derive(Debug)]
struct Forms {
    url: Form,
    dir: Option<Form>,
}

impl Forms {
    fn new(settings: &HttpSettings) -> Result<Self, SettingsError> {
        Ok(Self { url: Form::purge(settings)?, dir: settings.ban.as_ref().map(Form::ban).transpose()? })
    }

    fn all(&self) -> impl Iterator<Item = &Form> {
        std::iter::once(&self.url).chain(&self.dir)
    }

    fn of(&self, kind: Kind) -> Option<&Form> {
        match kind {
            Kind::Url => Some(&self.url),
            Kind::Dir => self.dir.as_ref(),
            Kind::Resource => None,
        }
    }
}
