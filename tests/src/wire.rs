//! A provider's client alone: its calls, and short ways to make them.

use purgeline_core::{
    Action, Cause, Item, Outcome, Receipt, Resource, Submission, SystemClock, Verdict, config::Settings,
};
use purgeline_providers::{BuildContext, Call, CallItem, OpenBatch, Provider, provider};
use serde_json::Value;
use std::{sync::Arc, time::Duration};

#[must_use]
pub fn settings(value: Value) -> Settings {
    match value {
        Value::Object(members) => Settings::from(members),
        other => panic!("settings are a table, not {other}"),
    }
}

#[must_use]
pub fn context(value: Value, timeout: Duration) -> BuildContext {
    BuildContext { settings: settings(value), timeout, clock: Arc::new(SystemClock) }
}

#[must_use]
pub fn client(name: &str, value: Value, timeout: Duration) -> Arc<dyn Provider> {
    (provider(name).unwrap().build)(&context(value, timeout)).unwrap()
}

#[must_use]
pub fn url(text: &str) -> CallItem {
    CallItem { item: Item::url(text).unwrap(), action: Action::Default }
}

#[must_use]
pub fn dir(text: &str) -> CallItem {
    CallItem { item: Item::dir(text).unwrap(), action: Action::Default }
}

#[must_use]
pub fn resource(title: &str, params: &Value) -> CallItem {
    let params = params.as_object().unwrap().clone();
    let item = Item::resource(&Resource { title: title.to_owned(), params }).unwrap();
    CallItem { item, action: Action::Default }
}

/// A batch that was accepted just now, none of whose items has settled.
#[must_use]
pub fn open(receipt: &str, items: &[CallItem]) -> OpenBatch {
    OpenBatch {
        batch: "01TESTBATCH".to_owned(),
        receipt: Receipt(receipt.to_owned()),
        items: items.to_vec(),
        open: vec![true; items.len()],
        submitted_at_ms: jiff::Timestamp::now().as_millisecond(),
    }
}

pub async fn submit(client: &dyn Provider, items: &[CallItem]) -> Submission {
    let submission = client.submit(&Call { batch: "01TESTBATCH", items }).await;
    if let Verdict::Items(outcomes) = &submission.verdict {
        assert_eq!(outcomes.len(), items.len(), "one outcome for each item: {submission:?}");
        let accepted = outcomes.contains(&Outcome::Accepted);
        assert_eq!(submission.receipt.is_some(), accepted, "a receipt if any was accepted: {submission:?}");
    }
    submission
}

/// The outcomes of a submission that was not to be bisected.
#[must_use]
pub fn outcomes(submission: &Submission) -> &[Outcome] {
    match &submission.verdict {
        Verdict::Items(outcomes) => outcomes,
        Verdict::Bisect(cause) => panic!("to be bisected: {cause}"),
    }
}

/// Submits as a worker does when a call is refused for an item that is not named: in halves, until
/// each item is accepted or has failed. Gives the calls that were made and who failed of what.
pub async fn bisect(client: &dyn Provider, items: Vec<CallItem>) -> (usize, Vec<(String, Cause)>) {
    let (mut made, mut failed) = (0, Vec::new());
    let mut calls = vec![items];
    while let Some(items) = calls.pop() {
        made += 1;
        match submit(client, &items).await.verdict {
            Verdict::Bisect(_) if items.len() > 1 => {
                let (front, back) = items.split_at(items.len().div_ceil(2));
                calls.extend([back.to_vec(), front.to_vec()]);
            }
            Verdict::Bisect(cause) => failed.push((items[0].item.text().to_owned(), cause)),
            Verdict::Items(outcomes) => {
                for (item, outcome) in items.iter().zip(outcomes) {
                    match outcome {
                        Outcome::Accepted => {}
                        Outcome::Failed(cause) => failed.push((item.item.text().to_owned(), cause)),
                        other => panic!("{item:?}: {other:?}"),
                    }
                }
            }
        }
    }
    (made, failed)
}
