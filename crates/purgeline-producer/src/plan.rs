use crate::{Refusal, SubmitError, items, timing};
use purgeline_core::{Item, JobOptions, JobRequest, TargetName};
use purgeline_providers::ConfiguredTarget;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;

/// Items that one job may have. A job of this size takes its producer some seconds to enqueue.
pub(crate) const MAX_JOB_ITEMS: usize = 1_000_000;
/// Names of the first items that are written with a job, for those who look.
const FIRST_ITEMS: usize = 100;
/// Bytes of those names, so that no job's record grows with the length of its items. The first item
/// that has room is always written.
const FIRST_ITEMS_BYTES: usize = 8_192;
const MAX_SOURCE_BYTES: usize = 256;
const MAX_KEY_BYTES: usize = 256;

/// Where a job's items go, decided before anything is written.
#[derive(Debug)]
pub(crate) struct Plan<'a> {
    pub(crate) items: usize,
    pub(crate) first_items: String,
    /// What tells the request from another under the same idempotency key.
    pub(crate) digest: String,
    pub(crate) shares: Vec<Share<'a>>,
    pub(crate) refused: Vec<Refusal>,
}

/// The items that one target gets, by name and lane.
#[derive(Debug)]
pub(crate) struct Share<'a> {
    pub(crate) target: &'a ConfiguredTarget,
    pub(crate) items: Vec<(String, String)>,
}

/// Normalises, checks and routes the items of a request. What is refused is in the plan.
pub(crate) fn plan<'a>(
    targets: &'a [ConfiguredTarget],
    request: &JobRequest,
) -> Result<Plan<'a>, SubmitError> {
    let options = &request.options;
    for (what, text, most) in [
        ("source", &options.source, MAX_SOURCE_BYTES),
        ("idempotency_key", &options.idempotency_key, MAX_KEY_BYTES),
    ] {
        let bytes = text.as_ref().map_or(0, String::len);
        if bytes > most {
            return Err(SubmitError::TooLong { what, bytes, most });
        }
    }
    timing::check(options)?;
    let candidates = candidates(targets, options)?;
    let (items, mut refused) = items::read(request);
    if items.is_empty() && refused.is_empty() {
        return Err(SubmitError::Empty);
    }
    if items.len() > MAX_JOB_ITEMS {
        return Err(SubmitError::TooMany { items: items.len(), most: MAX_JOB_ITEMS });
    }
    let digest = digest(&items, options);
    let mut shares: Vec<Share<'_>> =
        candidates.iter().map(|&target| Share { target, items: Vec::new() }).collect();
    let mut taken = 0;
    let mut first_items = FirstItems::default();
    for item in &items {
        match route(&candidates, item, !options.targets.is_empty()) {
            Ok(serving) => {
                taken += 1;
                for at in serving {
                    let share = &mut shares[at];
                    let (action, lane) = share.target.lane(item, options.action, options.priority);
                    share.items.push((item.name(action), lane.to_string()));
                }
                first_items.add(&item.name(options.action));
            }
            Err(problem) => refused.push(Refusal::new(item.kind().as_str(), item.text(), problem)),
        }
    }
    shares.retain(|share| !share.items.is_empty());
    Ok(Plan { items: taken, first_items: first_items.text, digest, shares, refused })
}

/// The names that are written with a job, one a line: the first ones, up to a count and a size.
#[derive(Debug, Default)]
struct FirstItems {
    text: String,
    count: usize,
    is_full: bool,
}

impl FirstItems {
    fn add(&mut self, name: &str) {
        self.is_full |= self.count == FIRST_ITEMS || self.text.len() + name.len() >= FIRST_ITEMS_BYTES;
        if self.is_full {
            return;
        }
        if self.count > 0 {
            self.text.push('\n');
        }
        self.text.push_str(name);
        self.count += 1;
    }
}

/// The targets that the job names, or all.
fn candidates<'a>(
    targets: &'a [ConfiguredTarget],
    options: &JobOptions,
) -> Result<Vec<&'a ConfiguredTarget>, SubmitError> {
    if options.targets.is_empty() {
        return Ok(targets.iter().collect());
    }
    let names: BTreeSet<&TargetName> = options.targets.iter().collect();
    names
        .into_iter()
        .map(|name| {
            targets.iter().find(|target| target.target.name == *name).ok_or_else(|| {
                SubmitError::UnknownTarget {
                    name: name.clone(),
                    configured: targets.iter().map(|target| target.target.name.clone()).collect(),
                }
            })
        })
        .collect()
}

/// Positions of the candidates that the item goes to: all that serve it, and each of them must
/// take it, since the job succeeds only when all have.
fn route(candidates: &[&ConfiguredTarget], item: &Item, named: bool) -> Result<Vec<usize>, String> {
    // A target without hosts serves those jobs that name it.
    let serving: Vec<usize> = candidates
        .iter()
        .enumerate()
        .filter(|(_, target)| target.serves(item) || (named && target.config.hosts.is_empty()))
        .map(|(at, _)| at)
        .collect();
    if serving.is_empty() {
        return Err(match item.host() {
            Some(host) if named => format!("none of the named targets serves the host \"{host}\""),
            Some(host) => {
                format!("no target serves the host \"{host}\": add it to the hosts of one, or name a target")
            }
            None => "no target takes resources".to_owned(),
        });
    }
    for &at in &serving {
        let target = candidates[at];
        target
            .descriptor
            .check(item)
            .map_err(|problem| format!("target {}: {problem}", target.target.name))?;
    }
    Ok(serving)
}

/// A hash of what was asked for: the same items and options in any order and spelling are the
/// same request.
fn digest(items: &[Item], options: &JobOptions) -> String {
    let mut hash = Sha256::new();
    let mut add = |text: &str| {
        // Lengths keep two different lists from running together into one text.
        hash.update(text.len().to_le_bytes());
        hash.update(text);
    };
    add(options.action.as_str());
    add(options.priority.as_str());
    add(options.source.as_deref().unwrap_or(""));
    let targets: BTreeSet<&TargetName> = options.targets.iter().collect();
    add(&targets.len().to_string());
    for target in targets {
        add(target.as_str());
    }
    for (option, value) in [
        ("quiet_ms", options.quiet_ms.map(|ms| ms.to_string())),
        ("max_wait_ms", options.max_wait_ms.map(|ms| ms.to_string())),
        ("not_before", options.not_before.map(|when| when.to_string())),
        ("expires_at", options.expires_at.map(|when| when.to_string())),
    ] {
        if let Some(value) = value {
            add(option);
            add(&value);
        }
    }
    for item in items {
        add(item.kind().as_str());
        add(item.text());
    }
    hex::encode(hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_items_of_a_job_are_bounded_in_count_and_bytes() {
        let written = |bytes: usize, items: usize| {
            let mut first = FirstItems::default();
            (0..items).for_each(|_| first.add(&"x".repeat(bytes)));
            (first.text.lines().count(), first.text.len())
        };
        assert_eq!(written(10, 3), (3, 32));
        assert_eq!(written(10, 200).0, FIRST_ITEMS);
        let (items, bytes) = written(4_000, 100);
        assert_eq!(items, 2);
        assert!(bytes <= FIRST_ITEMS_BYTES, "{bytes}");
    }
}
