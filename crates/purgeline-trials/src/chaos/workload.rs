//! What the producers ask for, drawn from the seed: job `number` of a producer is always the same.

use purgeline_core::{Item, JobOptions, JobRequest, Priority, When};
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};

use super::accounts;

/// A job, and what must come of it whatever purgeline says.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Wish {
    pub(super) request: JobRequest,
    /// The targets that must purge each of its items.
    pub(super) targets: Vec<String>,
    /// How long after its submission no call counts for it yet, ms.
    pub(super) embargo_ms: u64,
    /// Its items, each once.
    pub(super) items: Vec<Item>,
}

/// Hosts, the more often the more jobs. The slow providers get fewer.
const HOSTS: [&str; 12] = [
    "www.example.com",
    "www.example.com",
    "www.example.com",
    "www.example.com",
    "img.example.com",
    "img.example.com",
    "img.example.com",
    "video.example.com",
    "video.example.com",
    "static.example.com",
    "static.example.com",
    "game.example.com",
];
/// URLs that are asked for again and again.
const HOT: u32 = 200;
/// The dirs that URLs stand in.
const DIRS: u32 = 20;

/// Draws a job.
pub(super) fn draw(seed: u64, producer: usize, number: u64) -> Wish {
    let mix = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15)
        ^ (producer as u64).wrapping_mul(0xD1B5_4A32_D192_ED03)
        ^ number;
    let mut random = StdRng::seed_from_u64(mix);
    let host = *HOSTS.choose(&mut random).unwrap_or(&HOSTS[0]);
    let many = if random.random_bool(0.05) { 80 } else { 12 };
    let urls = (0..random.random_range(1..=many))
        .map(|at| {
            let dir = random.random_range(..DIRS);
            if random.random_bool(0.6) {
                // Squared, so that some are asked for much more often than others.
                let share: f64 = random.random();
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "a share of HOT, below it"
                )]
                let hot = (share * share * f64::from(HOT)) as u32;
                format!("https://{host}/{}/hot-{hot}", hot % DIRS)
            } else {
                format!("https://{host}/{dir}/p{producer}-{number}-{at}")
            }
        })
        .collect();
    let dirs = (0..u32::from(random.random_bool(0.06)))
        .map(|_| format!("https://{host}/{}/", random.random_range(..DIRS)))
        .collect();
    let priority = match random.random_range(0..10) {
        0 => Priority::Urgent,
        1 | 2 => Priority::Bulk,
        _ => Priority::Normal,
    };
    let (quiet_ms, embargo_ms) = match random.random_range(0..20) {
        0..3 => (Some(random.random_range(100..2_000)), 0),
        3 | 4 => (None, random.random_range(500..6_000)),
        _ => (None, 0),
    };
    let targets = accounts::serving(host).into_iter().map(str::to_owned).collect();
    let request = JobRequest {
        urls,
        dirs,
        options: JobOptions {
            priority,
            source: Some(format!("producer-{producer}")),
            idempotency_key: Some(format!("{seed}-{producer}-{number}")),
            quiet_ms,
            not_before: (embargo_ms > 0).then_some(When::After(embargo_ms)),
            ..JobOptions::default()
        },
        ..JobRequest::default()
    };
    let items = items(&request);
    Wish { request, targets, embargo_ms, items }
}

/// The request's items, each once. All are well formed.
fn items(request: &JobRequest) -> Vec<Item> {
    let urls = request.urls.iter().flat_map(|url| Item::url(url));
    let mut items: Vec<_> = request.dirs.iter().flat_map(|dir| Item::dir(dir)).chain(urls).collect();
    items.sort();
    items.dedup();
    items
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn a_job_is_always_the_same_and_hardly_two_are_alike() {
        assert_eq!(draw(1, 2, 3), draw(1, 2, 3));
        let keys: HashSet<_> = (0..3).map(|producer| draw(1, producer, 3).request.urls).collect();
        assert_eq!(keys.len(), 3);
    }

    #[test]
    fn a_thousand_jobs_hold_everything() {
        let wishes: Vec<_> = (0..1_000).map(|number| draw(1, 0, number)).collect();
        assert!(wishes.iter().any(|wish| !wish.request.dirs.is_empty()));
        assert!(wishes.iter().any(|wish| wish.targets.len() == 2));
        assert!(wishes.iter().any(|wish| wish.embargo_ms > 0));
        assert!(wishes.iter().any(|wish| wish.request.options.quiet_ms.is_some()));
        for priority in [Priority::Urgent, Priority::Normal, Priority::Bulk] {
            assert!(wishes.iter().any(|wish| wish.request.options.priority == priority));
        }
        let all: Vec<_> = wishes.iter().flat_map(|wish| &wish.items).collect();
        let distinct: HashSet<_> = all.iter().collect();
        assert!(distinct.len() * 10 < all.len() * 8, "{} of {} are distinct", distinct.len(), all.len());
        assert!(wishes.iter().all(|wish| !wish.targets.is_empty() && !wish.items.is_empty()));
    }
}
