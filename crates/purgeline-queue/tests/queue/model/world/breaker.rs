//! What workers say of calls and questions, and what follows for the breaker.

use super::{Verdict, World};
use crate::{
    bed::cause,
    model::{
        breaker_model::{Says, Went},
        rules::BREAKER,
        step::{At, By},
    },
};
use purgeline_queue::{Asked, Change, Fate, Heard};

impl World<'_> {
    pub(super) async fn answered(&mut self, at: At, id: &str, by: By, went: Went) -> Verdict {
        let (now, (worker, owned)) = (self.now(), self.speaker(at, id, by));
        let asked = Asked::Call { batch: id, worker: &worker };
        let said = self.queue.work().answered(&self.targets[at], asked, &fate(went), &BREAKER).await.unwrap();
        let model = &mut self.models[at];
        let wait_ms = model.breaker.wait(now);
        let known = model.batches.get_mut(id).filter(|_| owned);
        let expected = match known {
            None => Heard { counts: false, wait_ms, change: Change::None },
            Some(batch) => match batch.heard {
                Some(counts) => Heard { counts, wait_ms, change: Change::None },
                None => {
                    let says = Says::Call { batch: id, is_half: batch.is_half };
                    let heard = model.breaker.hear(says, went, now);
                    batch.heard = Some(heard.counts);
                    heard
                }
            },
        };
        ensure!(said == expected, "{id} went {went:?}: {said:?}, expected {expected:?}");
        Ok(())
    }

    pub(super) async fn asked(&mut self, at: At, went: Went) -> Verdict {
        let now = self.now();
        let said =
            self.queue.work().answered(&self.targets[at], Asked::Question, &fate(went), &BREAKER).await;
        let expected = self.models[at].breaker.hear(Says::Question, went, now);
        let said = said.unwrap();
        ensure!(said == expected, "a question went {went:?}: {said:?}, expected {expected:?}");
        Ok(())
    }

    pub(super) async fn probe(&mut self, at: At) -> Verdict {
        let now = self.now();
        let said = self.queue.operate().probe(&self.targets[at]).await.unwrap();
        let expected = self.models[at].breaker.open.as_mut().map(|open| {
            open.until = now;
            if open.refused { "unauthorised" } else { "broken" }
        });
        ensure!(said.as_deref() == expected, "{said:?} is probed, expected {expected:?}");
        Ok(())
    }
}

fn fate(went: Went) -> Fate {
    match went {
        Went::Well => Fate::Well,
        Went::Down => Fate::Down(cause("http-500")),
        Went::Unauthorised => Fate::Unauthorised(cause("401")),
    }
}
