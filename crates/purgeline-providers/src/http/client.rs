use super::{CODES, Forms, nodes, types::HttpSettings};
use crate::{
    BuildContext, Call, Provider, SettingsError, status,
    transport::{Answer, Transport, TransportError, Version},
};
use async_trait::async_trait;
use futures::{StreamExt, stream};
use purgeline_core::{Cause, Class, Clock, Item, Kind, Outcome, Signal, Submission, Verdict};
use std::sync::{Arc, OnceLock};
use url::Url;

/// The nodes of one cache.
#[derive(Debug)]
pub(super) struct Client {
    transport: Transport,
    clock: Arc<dyn Clock>,
    nodes: Vec<Url>,
    forms: Forms,
    concurrency: usize,
}

/// Why a node has not confirmed an item.
#[derive(Clone, Debug)]
struct Miss {
    cause: Cause,
    signal: Option<Signal>,
    reach: Reach,
}

/// What else a miss holds for, within one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    /// Nothing else.
    Item,
    /// What is of the same kind: an ACL that refuses one refuses all.
    Kind,
    /// Everything at that node: one that did not answer in time would keep every item of the call
    /// waiting as long.
    Node,
}

/// What one call need not ask one node any more, by kind.
#[derive(Debug, Default)]
struct GivenUp([OnceLock<Miss>; 2]);

impl Client {
    pub(super) fn new(context: &BuildContext, settings: &HttpSettings) -> Result<Self, SettingsError> {
        let nodes = nodes(settings)?;
        let forms = Forms::new(settings)?;
        let secrets = forms.all().flat_map(super::form::Form::secrets).collect();
        Ok(Self {
            transport: Transport::new(context, &nodes, Version::Http1, secrets)?,
            clock: Arc::clone(&context.clock),
            nodes,
            forms,
            concurrency: settings.concurrency.get(),
        })
    }

    /// Asks one node for one item, unless this call has given up on that.
    async fn ask(&self, node: &Url, item: &Item, given_up: &GivenUp) -> Result<(), Miss> {
        if let Some(miss) = given_up.on(item.kind()) {
            return Err(miss.clone());
        }
        let result = self.purge(node, item).await;
        if let Err(miss) = &result {
            given_up.learn(item.kind(), miss);
        }
        result
    }

    async fn purge(&self, node: &Url, item: &Item) -> Result<(), Miss> {
        let Some(form) = self.forms.of(item.kind()) else {
            let words = format!("no way to purge a {} is configured", item.kind());
            let cause = Cause::new(Class::ItemDead, "no-ban", words);
            return Err(Miss { cause, signal: None, reach: Reach::Item });
        };
        let sent = match form.request(node, item) {
            Ok(request) => self.transport.send(request).await,
            Err(error) => Err(error),
        };
        match sent {
            Ok(answer) if form.is_success(answer.status) => Ok(()),
            Ok(answer) => Err(self.miss(node, item.kind(), &answer)),
            Err(error) => {
                let silent = matches!(error, TransportError::Connect(_) | TransportError::Timeout(_));
                let reach = if silent { Reach::Node } else { Reach::Item };
                Err(Miss { cause: at_node(node, &error.cause()), signal: None, reach })
            }
        }
    }

    fn miss(&self, node: &Url, kind: Kind, answer: &Answer) -> Miss {
        let mut cause = at_node(node, &status::cause(answer));
        if let Some(known) = CODES.iter().find(|known| known.code == cause.code) {
            cause.class = known.class;
        }
        let mut signal = status::signal(&cause, answer.retry_after_ms(self.clock.now()));
        // An ACL may let through the one method and not the other.
        if let (Some(Signal::Unauthorised { kind: held, .. }), true) = (&mut signal, self.forms.dir.is_some())
        {
            *held = Some(kind);
        }
        let reach = match cause.class {
            Class::Unauthorised => Reach::Kind,
            Class::Delay => Reach::Node,
            _ => Reach::Item,
        };
        Miss { cause, signal, reach }
    }
}

#[async_trait]
impl Provider for Client {
    async fn submit(&self, call: &Call<'_>) -> Submission {
        let given_up: Vec<GivenUp> = self.nodes.iter().map(|_| GivenUp::default()).collect();
        let mut asks = Vec::with_capacity(call.items.len() * self.nodes.len());
        for (at, item) in call.items.iter().enumerate() {
            for (node, given_up) in self.nodes.iter().zip(&given_up) {
                asks.push(async move { (at, self.ask(node, &item.item, given_up).await) });
            }
        }
        let mut answers = stream::iter(asks).buffer_unordered(self.concurrency);
        let mut misses: Vec<Vec<Miss>> = vec![Vec::new(); call.items.len()];
        while let Some((at, answer)) = answers.next().await {
            if let (Err(miss), Some(misses)) = (answer, misses.get_mut(at)) {
                misses.push(miss);
            }
        }
        let outcomes = misses.iter().map(|misses| outcome(misses, self.nodes.len())).collect();
        let signals = signals(misses.into_iter().flatten());
        Submission { verdict: Verdict::Items(outcomes), receipt: None, signals }
    }
}

impl GivenUp {
    fn on(&self, kind: Kind) -> Option<&Miss> {
        self.0.get(index(kind))?.get()
    }

    fn learn(&self, kind: Kind, miss: &Miss) {
        let kinds = match miss.reach {
            Reach::Item => return,
            Reach::Kind => index(kind)..=index(kind),
            Reach::Node => 0..=1,
        };
        for given_up in self.0.get(kinds).unwrap_or_default() {
            // The first word stands.
            let _ = given_up.set(miss.clone());
        }
    }
}

const fn index(kind: Kind) -> usize {
    match kind {
        Kind::Url | Kind::Resource => 0,
        Kind::Dir => 1,
    }
}

/// An item is done when every node has confirmed it, and sent to all of them again otherwise.
fn outcome(misses: &[Miss], nodes: usize) -> Outcome {
    let Some(worst) = misses.iter().max_by_key(|miss| gravity(miss.cause.class)) else {
        return Outcome::Done;
    };
    let mut cause = worst.cause.clone();
    if nodes > 1 {
        let words: Vec<_> = misses.iter().map(|miss| miss.cause.message.as_str()).collect();
        let message = format!("{} of {nodes} nodes did not confirm: {}", misses.len(), words.join("; "));
        cause = Cause::new(cause.class, cause.code, message);
    }
    match (cause.class, &worst.signal) {
        (Class::ItemDead | Class::ClientBug, _) => Outcome::Failed(cause),
        (_, Some(Signal::Throttled { for_ms, .. })) => Outcome::Retry { after_ms: Some(*for_ms), cause },
        // They wait in their lanes while the target is held.
        (_, Some(_)) => Outcome::Retry { after_ms: Some(0), cause },
        (_, None) => Outcome::Retry { after_ms: None, cause },
    }
}

/// Which of several nodes' words decides: what cannot end well first, then what somebody has to
/// mend, then what needs patience.
const fn gravity(class: Class) -> u8 {
    match class {
        Class::ItemDead | Class::ClientBug => 4,
        Class::Unauthorised => 3,
        Class::Delay | Class::QuotaDay => 2,
        Class::Unknown => 1,
        Class::Soon => 0,
    }
}

/// Each thing once: that a kind is refused, and the longest rest.
fn signals(misses: impl Iterator<Item = Miss>) -> Vec<Signal> {
    let mut signals: Vec<Signal> = Vec::new();
    for signal in misses.filter_map(|miss| miss.signal) {
        let known = signals.iter_mut().find(|known| match (known, &signal) {
            (Signal::Throttled { .. }, Signal::Throttled { .. }) => true,
            (Signal::Unauthorised { kind, .. }, Signal::Unauthorised { kind: other, .. }) => kind == other,
            _ => false,
        });
        match (known, &signal) {
            (None, _) => signals.push(signal),
            (Some(Signal::Throttled { for_ms, .. }), Signal::Throttled { for_ms: other, .. }) => {
                *for_ms = (*for_ms).max(*other);
            }
            (Some(_), _) => {}
        }
    }
    signals
}

fn at_node(node: &Url, cause: &Cause) -> Cause {
    let address = node.as_str().trim_end_matches('/');
    Cause::new(cause.class, cause.code.clone(), format!("node {address}: {}", cause.message))
}
