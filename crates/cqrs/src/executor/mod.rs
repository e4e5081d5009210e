//! The executor: takes every command that waits, decides each in memory, appends all their events at once, answers.
//!
//! # Why it cannot oversell
//!
//! 1. A decision sees a *working set*: states that are exact folds of the log up to the heads this loop knows, and on
//!    top of them what the earlier commands of the same batch decided.
//! 2. The append names, for every partition that any decision of the batch *read*, the head it was decided on. The
//!    store compares all of them inside the transaction that writes the events. If one has moved, another process
//!    wrote something a decision did not see: nothing is appended, the loop reads what it missed and decides again.
//! 3. So whatever is acknowledged was decided on precisely the log it was appended to, as if commands had come one by
//!    one. No lock, lease or clock takes part in that argument, and a crash at any point leaves either the whole batch
//!    in the log or nothing.
//!
//! Answers go out only after the append returned, which is when the events would survive a power cut. A rejection is
//! answered then too, and its heads were compared as well: a "no" is as fresh as a "yes". A batch of nothing but
//! rejections writes nothing, unless the time for something had come.
//!
//! # What you run
//!
//! [`Executor::new`] gives the handle that commands are sent to and an [`ExecutorLoop`], which has to run for it to answer; its
//! [`SnapshotLoop`] beside it spares restarts the folding. Several processes may run an executor on one log: each decides,
//! and who comes second decides again.
//!
//! Everything is bounded by [`ExecutorSettings`]: a command that finds the queue full is told so at once
//! ([`CommandError::Overloaded`]), one that nobody waits for any more is dropped undecided. After a fault of the store that
//! leaves open what is on disk the loop ends, and so should the process.
//!
//! Next: [`projector`](crate::projector), which reads what was appended.

// `run` is the loop, `batch` decides one batch, `load` folds states from the log, `cache` keeps states from batch to batch.
mod batch;
mod cache;
mod job;
mod load;
mod run;
mod snapshots;

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use futures::future::{Either, FutureExt, Map, Ready, ready};
use tokio::sync::{mpsc, oneshot};
use tower::Service;

use crate::command::{Answered, Command, CommandError, Envelope};
use crate::context::Context;
use crate::event_store::{EventStore, Tail};
use crate::time::Clock;

#[cfg(any(doc, feature = "testkit"))]
pub(crate) use batch::ROUNDS_MAX;
use job::{Job, Pending, Reply};
pub(crate) use load::load_long;
pub use run::ExecutorLoop;
pub use snapshots::SnapshotLoop;

/// The executor's bounds.
#[derive(Clone, Copy, Debug)]
pub struct ExecutorSettings {
    /// Commands that may wait; one more is refused as overloaded.
    pub queue_max: usize,
    /// Commands decided and appended together.
    pub batch_commands_max: usize,
    /// Events after which a batch takes no further command.
    pub batch_events_max: usize,
    /// States kept in memory of streams that were used after the batch that made them. Beside them up to 4,096 are kept that no
    /// other batch has used yet, for a short while.
    pub cached_streams_max: NonZeroUsize,
    /// Events a stream grows by between two of its snapshots; a long one grows by a tenth, or ten times as many.
    pub snapshot_every_events: u64,
}

impl Default for ExecutorSettings {
    fn default() -> Self {
        Self {
            queue_max: 4_096,
            batch_commands_max: 1_024,
            batch_events_max: 8_192,
            cached_streams_max: NonZeroUsize::new(100_000).unwrap_or(NonZeroUsize::MIN),
            snapshot_every_events: 20_000,
        }
    }
}

/// The handle to a running executor: a tower service for every command its context lists.
///
/// When the last handle is dropped the loop finishes what is queued and returns.
#[derive(Clone)]
pub struct Executor {
    context: Arc<Context>,
    queue: mpsc::Sender<Box<dyn Job>>,
}

impl Executor {
    /// An executor for the commands of `context` on `store`, and the loop that must run for it to answer.
    ///
    /// Durable events are published to `tail`. The loop may block in the store: give it a thread of its own.
    #[must_use]
    pub fn new(
        context: Arc<Context>,
        store: Arc<dyn EventStore>,
        clock: Arc<dyn Clock>,
        tail: Tail,
        settings: ExecutorSettings,
    ) -> (Self, ExecutorLoop) {
        let (queue, jobs) = mpsc::channel(settings.queue_max.max(1));
        (Self { context, queue }, ExecutorLoop::new(jobs, store, clock, tail, settings))
    }

    /// Commands that wait right now.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.queue.max_capacity() - self.queue.capacity()
    }
}

impl<C: Command> Service<Envelope<C>> for Executor {
    type Response = Answered<C::Answer>;
    type Error = CommandError<C::Rejection>;
    type Future = Either<Ready<Reply<C>>, Map<oneshot::Receiver<Reply<C>>, Arrived<C>>>;

    fn poll_ready(&mut self, _: &mut TaskContext<'_>) -> Poll<Result<(), Self::Error>> {
        // Always ready: a full queue is told to the caller at once rather than made to wait.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, envelope: Envelope<C>) -> Self::Future {
        if !self.context.lists_command::<C>() {
            let why = format!("{} is not listed by context {}", C::NAME, self.context.name());
            return Either::Left(ready(Err(CommandError::Broken(why))));
        }
        let (reply, answer) = oneshot::channel();
        match self.queue.try_send(Box::new(Pending::new(envelope, reply))) {
            Ok(()) => Either::Right(answer.map(|arrived| arrived.unwrap_or_else(|_| Err(stopped())))),
            Err(mpsc::error::TrySendError::Full(_)) => Either::Left(ready(Err(CommandError::Overloaded))),
            Err(mpsc::error::TrySendError::Closed(_)) => Either::Left(ready(Err(stopped()))),
        }
    }
}

/// Makes a reply of what arrives, or of the loop having stopped.
type Arrived<C> = fn(Result<Reply<C>, oneshot::error::RecvError>) -> Reply<C>;

fn stopped<R>() -> CommandError<R> {
    CommandError::Unavailable("the executor has stopped".into())
}
