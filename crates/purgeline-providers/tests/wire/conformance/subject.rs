use crate::support::{PATIENCE, Reply, client, open, resource, settings, submit, url};
use futures::future::BoxFuture;
use purgeline_core::{Code, Descriptor, Kind, PollReport, Submission};
use purgeline_providers::{CallItem, Provider, provider};
use purgeline_sim::{Ending, Selector, Sim};
use serde_json::{Value, json};
use std::time::Duration;

/// What the suite must know of a provider to try it.
pub(super) struct Subject {
    pub(super) name: &'static str,
    /// Settings of a client that calls a server at this address.
    pub(super) settings: fn(&str) -> Value,
    /// The settings without which nothing can be sent.
    pub(super) needed: &'static [&'static str],
    /// What must never be read anywhere.
    pub(super) secret: &'static str,
    /// A server that does what the provider does.
    pub(super) behaving: fn() -> BoxFuture<'static, Behaving>,
    /// The ways in which the provider can give one of its codes.
    pub(super) refusals: fn(&Code) -> Vec<Reply>,
    /// Answers that say neither yes nor no.
    pub(super) nonsense: fn() -> Vec<Reply>,
    /// A receipt that looks like one of the provider's.
    pub(super) receipt: &'static str,
}

/// A server that does what the provider does.
pub(super) struct Behaving {
    pub(super) url: String,
    /// Ends well what was accepted and has not ended.
    pub(super) end_well: Box<dyn Fn() + Send + Sync>,
}

impl Behaving {
    /// A simulator, whose tasks end when they are told to.
    pub(super) fn of(sim: Sim) -> Self {
        let url = sim.base_url().to_owned();
        let end_well = move || assert!(sim.settle(&Selector::All, &Ending::Success) > 0);
        Self { url, end_well: Box::new(end_well) }
    }
}

/// Answers without a word of the provider's: nothing, or somebody else's page.
pub(super) fn silence() -> [Reply; 3] {
    let page = "<html><title>Log in</title></html>";
    [
        Reply::status(200),
        Reply::status(204),
        Reply::status(200).with("content-type", "text/html").saying(page),
    ]
}

impl Subject {
    pub(super) fn descriptor(&self) -> Descriptor {
        (provider(self.name).unwrap().descriptor)(&settings((self.settings)("http://127.0.0.1:1"))).unwrap()
    }

    /// A call of few items, of the kind that the provider takes.
    pub(super) fn few(&self) -> Vec<CallItem> {
        if self.descriptor().limits.call.max_of_kind.contains_key(&Kind::Resource) {
            return vec![resource("Sales", &json!({"year": 2026}))];
        }
        ["a", "b", "c"].map(|path| url(&format!("http://www.example.com/{path}"))).to_vec()
    }

    pub(super) fn client(&self, address: &str, timeout: Duration) -> std::sync::Arc<dyn Provider> {
        client(self.name, (self.settings)(address), timeout)
    }

    pub(super) async fn polls(&self, client: &dyn Provider, items: &[CallItem]) -> Option<PollReport> {
        self.descriptor().polls?;
        Some(client.poll(&[open(self.receipt, items)]).await)
    }

    pub(super) async fn submits(&self, address: &str) -> Submission {
        submit(&*self.client(address, PATIENCE), &self.few()).await
    }
}
