use rand::{RngExt, SeedableRng, rngs::StdRng};
use std::collections::BTreeSet;

/// Of the URLs drawn, this share was never drawn before; the others repeat one.
const NEW_SHARE: f64 = 0.3;

/// The jobs of a day of publishing, drawn from a seed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Workload {
    /// Each job's URLs, by number, no number twice in a job.
    pub(super) jobs: Vec<Vec<u32>>,
    /// URLs that are in at least one job: the numbers below this.
    pub(super) distinct: u32,
}

/// Draws jobs of so many URLs each. A URL is new with a chance of 30 %, else it is that of an
/// earlier draw, any of them with the same chance: so what was asked for often is asked for more
/// often (Simon's model), which gives frequencies like Zipf's law.
pub(super) fn draw(jobs: u32, urls_per_job: u32, seed: u64) -> Workload {
    let mut random = StdRng::seed_from_u64(seed);
    let mut draws: Vec<u32> = Vec::new();
    let mut distinct = 0;
    let jobs = (0..jobs)
        .map(|_| {
            let mut urls = BTreeSet::new();
            // A job names a URL once; what it draws again it leaves out and draws anew.
            while urls.len() < urls_per_job as usize {
                let new = draws.is_empty() || random.random_bool(NEW_SHARE);
                let url = if new { distinct } else { draws[random.random_range(..draws.len())] };
                if urls.insert(url) {
                    draws.push(url);
                    distinct += u32::from(new);
                }
            }
            urls.into_iter().collect()
        })
        .collect();
    Workload { jobs, distinct }
}

impl Workload {
    pub(super) fn items_asked(&self) -> usize {
        self.jobs.iter().map(Vec::len).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_draws_the_same_and_seventy_percent_repeat() {
        let load = draw(2_000, 20, 7);
        assert_eq!(load, draw(2_000, 20, 7));
        assert_ne!(load, draw(2_000, 20, 8));
        assert_eq!(load.items_asked(), 40_000);
        let repeated = 1.0 - f64::from(load.distinct) / 40_000.0;
        assert!((0.65..0.75).contains(&repeated), "{repeated}");
        let named: BTreeSet<u32> = load.jobs.iter().flatten().copied().collect();
        assert_eq!(named, (0..load.distinct).collect());
    }

    #[test]
    fn a_few_urls_are_asked_for_very_often() {
        let load = draw(2_000, 20, 7);
        let mut counts = vec![0_u32; load.distinct as usize];
        load.jobs.iter().flatten().for_each(|&url| counts[url as usize] += 1);
        counts.sort_unstable_by(|a, b| b.cmp(a));
        let hottest: u32 = counts.iter().take(counts.len() / 100).sum();
        assert!(hottest > 40_000 / 10, "the hottest 1 % of the URLs have {hottest} of 40,000 draws");
    }
}
