use crate::input::{Given, GivenResource, Input, Origin};
use purgeline_core::{Item, Resource};
use purgeline_producer::Refusal;
use serde::Serialize;
use std::fmt;

/// An item that was refused, and where it was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct RefusedItem {
    /// `url`, `dir`, `resource`, or `line` for one that is no text.
    kind: &'static str,
    /// The item as it was given, cut to 200 characters.
    item: String,
    /// The file that it stands in (`-` for standard input); absent for an argument.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    /// Its line there, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
    /// The rule that it breaks, and what to do.
    problem: String,
}

/// Refused items that a message names; the rest are counted.
const LISTED: usize = 20;

/// The lines that could not be read.
pub(crate) fn unreadable(input: &Input) -> impl Iterator<Item = RefusedItem> {
    input
        .unreadable
        .iter()
        .map(|bad| RefusedItem::new("line", bad.text.clone(), Some(&bad.origin), bad.reason.clone()))
}

/// The producer's refusals, each with where its item was written.
pub(crate) fn located(refusals: &[Refusal], input: &Input) -> Vec<RefusedItem> {
    refusals
        .iter()
        .map(|refusal| {
            let origin = match refusal.kind {
                "dir" => find(&input.dirs, &refusal.item, |text| Item::dir(text).ok()),
                "resource" => find_resource(&input.resources, &refusal.item),
                _ => find(&input.urls, &refusal.item, |text| Item::url(text).ok()),
            };
            RefusedItem::new(refusal.kind, refusal.item.clone(), origin, refusal.problem.clone())
        })
        .collect()
}

/// The first of those given that a refusal means. It names an item as it was given, or, if it was
/// refused later, as it was normalised.
fn find<'a>(
    given: &'a [Given],
    refused: &str,
    normalize: impl Fn(&str) -> Option<Item>,
) -> Option<&'a Origin> {
    let is_meant = |text: &str| is_meant(refused, text);
    let given = given.iter().find(|given| is_meant(&given.text)).or_else(|| {
        given.iter().find(|given| normalize(&given.text).is_some_and(|item| is_meant(item.text())))
    })?;
    Some(&given.origin)
}

/// The same among resources, which a refusal names by their title, or their JSON.
fn find_resource<'a>(given: &'a [GivenResource], refused: &str) -> Option<&'a Origin> {
    let is_meant = |resource: &Resource| match Item::resource(resource) {
        Ok(item) => is_meant(refused, item.text()),
        Err(_) => is_meant(refused, &resource.title),
    };
    given.iter().find(|given| is_meant(&given.resource)).map(|given| &given.origin)
}

/// Whether a refusal, which may be cut, is of this text.
fn is_meant(refused: &str, text: &str) -> bool {
    match refused.strip_suffix('…') {
        Some(front) => text.starts_with(front),
        None => text == refused,
    }
}

/// What to say when nothing was enqueued because of them.
pub(crate) fn message(items: &[RefusedItem]) -> String {
    let count = match items.len() {
        1 => "1 item is refused".to_owned(),
        many => format!("{many} items are refused"),
    };
    format!("{count}, nothing was enqueued (--partial enqueues the good ones):{}", Listed(items))
}

/// Refused items, each on a line of its own.
pub(crate) struct Listed<'a>(pub(crate) &'a [RefusedItem]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for item in self.0.iter().take(LISTED) {
            write!(f, "\n  {item}")?;
        }
        match self.0.len().saturating_sub(LISTED) {
            0 => Ok(()),
            more => write!(f, "\n  and {more} more; --output json lists them all"),
        }
    }
}

impl RefusedItem {
    fn new(kind: &'static str, item: String, origin: Option<&Origin>, problem: String) -> Self {
        let (file, line) = match origin {
            Some(Origin::Line { file, line }) => (Some(file.to_string()), Some(*line)),
            Some(Origin::Argument) | None => (None, None),
        };
        Self { kind, item, file, line, problem }
    }
}

impl fmt::Display for RefusedItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.file, self.line) {
            (Some(file), Some(line)) if file == "-" => write!(f, "standard input, line {line}: ")?,
            (Some(file), Some(line)) => write!(f, "{file}, line {line}: ")?,
            _ => {}
        }
        write!(f, "{} {}: {}", self.kind, self.item, self.problem)
    }
}
