use super::reopen::Promise;
use crate::{OperateQueue, QueueError, Retention, redis::scripts};
use purgeline_core::Target;
use serde::Serialize;
use std::collections::VecDeque;

/// Letters of one script call.
const SLICE: usize = 50;
/// Waiting jobs of one script call, beyond those of one letter.
const JOBS: usize = 500;
/// How often one letter is tried in one call of [`OperateQueue::retry_dead`]. Each try fails only if other
/// workers end a part of one of its jobs, or settle a hot item, between two script calls. Under
/// steady traffic that may happen every time, so the tries are bounded.
const TRIES: u32 = 5;
/// Script calls that count the jobs of hot items, before a letter that waits for them is tried again:
/// 10,000 waiting jobs.
const DRAINS: usize = 20;

/// What came of a retry of dead letters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Retried {
    /// Letters whose items wait again.
    pub retried: u64,
    /// Letters that were there no longer: somebody else has retried or dropped them.
    pub gone: u64,
    /// Letters that stay since the target has no room for their items.
    pub no_room: u64,
    /// Letters that stay since they stand for items whose names are lost: submit their jobs again.
    pub nameless: u64,
    /// Letters that stay since their jobs changed, or were being counted, at each of five tries. The
    /// same call retries them when less is going on.
    pub busy: u64,
}

impl OperateQueue {
    /// Tries the items of dead letters again, under the jobs that waited for them: those are
    /// active again until they end anew. An item joins the same item if that waits. May be
    /// stopped and repeated at any time: each letter is retried once. The target takes at most
    /// `most_pending` distinct items; letters whose items have no room stay, and so do letters whose
    /// jobs keep changing ([`Retried::busy`]).
    ///
    /// # Errors
    /// When Redis cannot be asked; some letters may have been retried.
    pub async fn retry_dead(
        &self,
        target: &Target,
        ids: &[String],
        most_pending: u64,
        retention: &Retention,
    ) -> Result<Retried, QueueError> {
        // Each with how often it has been tried.
        let mut rest: VecDeque<(&str, u32)> = ids.iter().map(|id| (id.as_str(), 0)).collect();
        let mut all = Retried::default();
        while !rest.is_empty() {
            let slice: Vec<_> = rest.iter().take(SLICE).map(|(id, _)| *id).collect();
            let (looked, promises) = self.begin_retry(target, &slice).await?;
            self.reopen_jobs(target, &promises).await?;
            let slice: Vec<_> = rest.drain(..looked.clamp(1, slice.len())).collect();
            let mut script = self.store.script(&scripts::RETRY, target);
            script.arg(most_pending).arg(retention.succeeded_ms).arg(retention.failed_ms).arg(promises.len());
            for (job, round) in &promises {
                script.arg(job.to_string()).arg(round);
            }
            for (id, _) in &slice {
                script.arg(id);
            }
            let answers: Vec<String> = self.store.invoke(&script).await?;
            let mut counting = false;
            for ((id, tries), answer) in slice.into_iter().zip(&answers) {
                match answer.as_str() {
                    "retried" => all.retried += 1,
                    "gone" => all.gone += 1,
                    "full" => all.no_room += 1,
                    "nameless" => all.nameless += 1,
                    "again" | "counting" if tries + 1 >= TRIES => all.busy += 1,
                    "again" => rest.push_back((id, tries + 1)),
                    "counting" => {
                        counting = true;
                        rest.push_back((id, tries + 1));
                    }
                    other => {
                        return Err(QueueError::malformed(
                            "the answer of retry.lua",
                            "retried, gone, full, nameless, again or counting",
                            other,
                        ));
                    }
                }
            }
            for _ in 0..if counting { DRAINS } else { 0 } {
                let (left, _) = self.store.drain_once(target, retention).await?;
                if !left {
                    break;
                }
            }
        }
        Ok(all)
    }

    /// Which of the parts of these letters' jobs have ended, and how many of the letters were
    /// looked at.
    async fn begin_retry(&self, target: &Target, ids: &[&str]) -> Result<(usize, Vec<Promise>), QueueError> {
        let mut script = self.store.script(&scripts::REOPEN, target);
        script.arg(JOBS);
        for id in ids {
            script.arg(id);
        }
        let reply: Vec<String> = self.store.invoke(&script).await?;
        let malformed =
            || QueueError::malformed("the answer of reopen.lua", "a count, then jobs and rounds", &reply);
        let (looked, pairs) = reply.split_first().ok_or_else(malformed)?;
        let promise = |pair: &[String]| match pair {
            [job, round] => Some((job.parse().ok()?, round.parse().ok()?)),
            _ => None,
        };
        let promises = pairs.chunks(2).map(promise).collect::<Option<_>>().ok_or_else(malformed)?;
        Ok((looked.parse().map_err(|_| malformed())?, promises))
    }
}
