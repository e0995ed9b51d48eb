//! What producers do.

use super::{Asked, Verdict, World};
use crate::{
    bed::{RETENTION, host_lane, lane},
    model::{
        queue_model::{AskedChunk, Taken},
        step::{At, Times},
    },
};
use purgeline_core::Priority;
use purgeline_queue::{Chunk, Enqueued, NewJob, QueueError, Quiet, Timing};
use std::collections::BTreeSet;

impl World<'_> {
    /// Sends a job's chunks, at most so many to each target, as a producer does that begins anew.
    pub(super) async fn submit(&mut self, job: usize, chunks: usize, room: u64) -> Verdict {
        let asked = self.jobs[job].clone();
        if asked.gone {
            return Ok(());
        }
        let new = NewJob {
            id: asked.id,
            digest: format!("{job}"),
            targets: asked
                .to
                .iter()
                .map(|at| (self.targets[*at].name.clone(), asked.items.len() as u64))
                .collect(),
            items: asked.items.len() as u64,
            first_items: String::new(),
            priority: asked.priority,
            source: None,
            timing: Timing::default(),
        };
        match self.queue.produce().create_job(&new).await {
            Err(QueueError::Abandoned(_)) => {
                let part = |at: &At| self.models[*at].parts.get(&asked.id);
                let abandoned = asked.to.iter().filter_map(part).any(|part| part.abandoned);
                ensure!(abandoned, "job {} is refused, but nothing of it was abandoned", asked.id);
                return Ok(());
            }
            created => drop(created.unwrap()),
        }
        for (place, at) in asked.to.iter().enumerate() {
            // Nobody looks again at a target that was full, but one may have been refused there.
            let full = asked.cancelled.contains(at) && !self.models[*at].parts.contains_key(&asked.id);
            if full || self.send_chunks(&asked, *at, chunks, room).await? {
                continue;
            }
            if self.models[*at].parts.get(&asked.id).is_some_and(|part| part.cancelled) {
                return Ok(());
            }
            // Full: nobody takes it, or those take their part who came before.
            if place == 0 {
                self.jobs[job].gone = true;
                self.queue.produce().discard_job(asked.id).await.unwrap();
                return Ok(());
            }
            let (name, items) = (&self.targets[*at].name, asked.items.len() as u64);
            self.jobs[job].cancelled.insert(*at);
            let ended = self.queue.produce().cancel_part(asked.id, name, items, &RETENTION).await.unwrap();
            if let Some(state) = ended {
                self.job_ended(asked.id, state)?;
            }
        }
        Ok(())
    }

    /// False: the target is full, or the job has been cancelled there.
    pub(super) async fn send_chunks(
        &mut self,
        asked: &Asked,
        at: At,
        chunks: usize,
        room: u64,
    ) -> Verdict<bool> {
        let count = asked.items.len().div_ceil(asked.chunk);
        for (index, names) in asked.items.chunks(asked.chunk).enumerate().take(chunks) {
            let items: Vec<_> = names.iter().map(|name| self.with_lane(name, asked.priority)).collect();
            let chunk = Chunk {
                job: asked.id,
                index,
                chunks: count,
                job_items: asked.items.len(),
                priority: asked.priority,
                source: "model",
                timing: timing(asked.times),
                items: &items,
            };
            let answer = self.queue.produce().enqueue(&self.targets[at], &chunk, room).await;
            let model_chunk = AskedChunk {
                job: asked.id,
                index,
                chunks: count,
                job_items: asked.items.len(),
                priority: asked.priority,
                times: asked.times,
                items: names,
                first: index * asked.chunk,
            };
            self.step += 1;
            let now = self.now();
            let taken = self.models[at].enqueue(&model_chunk, room, now, self.step);
            let expected = match answer {
                Ok(Enqueued::Added { new, joined, covered }) => Taken::Added { new, joined, covered },
                Ok(Enqueued::Repeated) => Taken::Repeated,
                Ok(Enqueued::Gap(taken)) => Taken::Gap(taken),
                Err(QueueError::Full { .. }) => Taken::Full,
                Err(QueueError::Abandoned(_)) => Taken::Abandoned,
                Err(QueueError::Cancelled(_)) => Taken::Cancelled,
                Err(error) => return Err(error.to_string()),
            };
            ensure!(expected == taken, "chunk {index} of {}: {expected:?}, expected {taken:?}", asked.id);
            match taken {
                Taken::Full | Taken::Cancelled => return Ok(false),
                Taken::Abandoned => return Ok(true),
                _ => {}
            }
        }
        Ok(true)
    }

    pub(super) fn with_lane(&self, name: &str, priority: Priority) -> (String, String) {
        // Those of h2 were made before their host had a quota.
        let of_host = self.rules.by_host || (self.rules.lanes_by_host && name.starts_with("dir:https://h1/"));
        let lane = if of_host { host_lane(priority, name) } else { lane(priority, name) };
        (name.to_owned(), lane.to_string())
    }

    pub(super) async fn abandon(&mut self, at: At) -> Verdict {
        let now = self.now();
        let mut expected = BTreeSet::new();
        for (job, part) in &mut self.models[at].parts {
            let open = part.taken < part.chunks && !part.abandoned && !part.cancelled;
            if open && now - part.since >= 86_400_000 {
                expected.insert((*job, part.enqueued as u64, part.items as u64));
                part.abandoned = true;
                part.items = part.enqueued;
            }
        }
        let closed = self.queue.work().abandon(&self.targets[at], &RETENTION).await.unwrap();
        let closed: BTreeSet<_> =
            closed.iter().map(|part| (part.job, part.enqueued, part.announced)).collect();
        ensure!(closed == expected, "abandoned {closed:?}, expected {expected:?}");
        Ok(())
    }
}

fn timing(times: Times) -> Timing {
    let ms = |ms: i64| u64::try_from(ms).unwrap();
    Timing {
        quiet: times.quiet.map(|(quiet, max)| Quiet { quiet_ms: ms(quiet), max_wait_ms: ms(max) }),
        not_before_ms: times.not_before,
        expires_at_ms: times.expires,
    }
}
