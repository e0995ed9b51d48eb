use crate::{
    context::TargetContext,
    feed::Feed,
    work::{Work, WorkTask},
};
use apalis_core::{
    backend::{Backend, BackendConfig, finalize::Ephemeral},
    task::{Task, task_id::TaskId},
    worker::context::WorkerContext,
};
use futures::{FutureExt, future::BoxFuture};
use std::{
    convert::Infallible,
    sync::Arc,
    task::{Context, Poll, ready},
};
use tower_layer::Identity;
use tracing::warn;

/// A target of the queue as an apalis backend: it yields leased batches and due polls.
///
/// It asks for work only when the worker has room for it, so nothing is leased before it can be
/// sent. It never yields an error and never ends by itself: a worker must outlive Redis.
pub(crate) struct TargetBackend {
    context: Arc<TargetContext>,
    state: State,
}

enum State {
    /// Nobody has asked for work since the last was handed out.
    Resting(Box<Feed>),
    /// Work is being looked for.
    Looking(BoxFuture<'static, (Box<Feed>, Option<Work>)>),
    /// Work that nobody will take is being given back.
    GivingBack(BoxFuture<'static, ()>),
    /// There will be no more.
    Closed,
}

impl TargetBackend {
    pub(crate) fn new(context: Arc<TargetContext>) -> Self {
        let feed = Box::new(Feed::new(Arc::clone(&context)));
        Self { context, state: State::Resting(feed) }
    }

    fn poll_work(&mut self, cx: &mut Context<'_>) -> Poll<Option<Work>> {
        loop {
            match std::mem::replace(&mut self.state, State::Closed) {
                State::Resting(mut feed) => {
                    let looking = async move {
                        let work = feed.next().await;
                        (feed, work)
                    };
                    self.state = State::Looking(looking.boxed());
                }
                State::Looking(mut looking) => match looking.poll_unpin(cx) {
                    Poll::Pending => {
                        self.state = State::Looking(looking);
                        return Poll::Pending;
                    }
                    Poll::Ready((feed, work)) => {
                        self.state = State::Resting(feed);
                        return Poll::Ready(work);
                    }
                },
                giving_back @ State::GivingBack(_) => {
                    self.state = giving_back;
                    return Poll::Ready(None);
                }
                State::Closed => return Poll::Ready(None),
            }
        }
    }
}

impl Backend for TargetBackend {
    type Task = Task<Work>;
    type Error = Infallible;

    fn poll_ready(&mut self, _cx: &mut Context<'_>, _worker: &WorkerContext) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        _worker: &WorkerContext,
    ) -> Poll<Option<Result<Task<Work>, Infallible>>> {
        let work = ready!(self.poll_work(cx));
        Poll::Ready(work.map(|work| {
            let id = match &work.task {
                WorkTask::Submit(batch, _) => batch.id.clone(),
                WorkTask::Confirm(due, _) => due.first().map(|poll| poll.batch.clone()).unwrap_or_default(),
            };
            let task = Task::new(work);
            Ok(task.into_builder().task_id(TaskId::from_string(id)).build())
        }))
    }

    fn poll_close(&mut self, cx: &mut Context<'_>, _worker: &WorkerContext) -> Poll<Result<(), Infallible>> {
        self.context.stopping.cancel();
        loop {
            if let State::GivingBack(giving_back) = &mut self.state {
                ready!(giving_back.poll_unpin(cx));
                self.state = State::Closed;
            }
            match &self.state {
                // A lease may have been granted while the worker was told to stop.
                State::Looking(_) => {
                    let Some(work) = ready!(self.poll_work(cx)) else {
                        self.state = State::Closed;
                        continue;
                    };
                    self.state = State::GivingBack(give_back(Arc::clone(&self.context), work).boxed());
                }
                State::GivingBack(_) => {}
                State::Resting(_) | State::Closed => return Poll::Ready(Ok(())),
            }
        }
    }
}

/// Puts leased items back; polls are due again by themselves.
async fn give_back(context: Arc<TargetContext>, work: Work) {
    let target = context.target();
    let result = match &work.task {
        WorkTask::Submit(batch, _) => {
            context.queue.give_back(target, &batch.id, &context.name).await.map(|_| ())
        }
        WorkTask::Confirm(due, _) => {
            let batches: Vec<_> = due.iter().map(|poll| poll.batch.clone()).collect();
            context.queue.put_off(target, &batches, 0).await
        }
    };
    if let Err(error) = result {
        warn!(%error, target = %target.name, "work could not be given back: it goes out again when its lease has run out");
    }
}

impl BackendConfig for TargetBackend {
    type Args = Work;
    type Id = String;
    type Kind = Ephemeral;
    type Config = ();
    type Layer = Identity;

    fn config(&self) -> &() {
        &()
    }

    fn middleware(&mut self, _worker: &mut WorkerContext) -> Identity {
        Identity::new()
    }
}
