//! A command in the queue, its type erased: what the loop asks of it, and how its caller gets the answer.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use crate::command::{Answered, Command, CommandError, Decided, Decision, Envelope, IdempotencyKey, States, Wanted};
use crate::event::{Metadata, Version};
use crate::query::Token;

/// What a caller waits for.
pub(super) type Reply<C> = Result<Answered<<C as Command>::Answer>, CommandError<<C as Command>::Rejection>>;

/// A first answer as it is kept under an idempotency key.
#[derive(Serialize, Deserialize)]
struct Kept<T> {
    token: String,
    version: Version,
    answer: T,
}

/// What was decided: the answer and whether it is an earlier one given again, or why not.
type Outcome<C> = Result<(<C as Command>::Answer, bool), CommandError<<C as Command>::Rejection>>;

/// A failure that is no command's own rejection.
#[derive(Clone, Debug)]
pub(super) enum Failure {
    VersionMismatch { expected: Version, actual: Version },
    KeyReused,
    DeadlineExceeded,
    Unavailable(String),
    Broken(String),
}

impl<R> From<Failure> for CommandError<R> {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::VersionMismatch { expected, actual } => Self::VersionMismatch { expected, actual },
            Failure::KeyReused => Self::KeyReused,
            Failure::DeadlineExceeded => Self::DeadlineExceeded,
            Failure::Unavailable(why) => Self::Unavailable(why),
            Failure::Broken(why) => Self::Broken(why),
        }
    }
}

/// What came along with a command.
pub(super) struct About {
    pub(super) metadata: Arc<Metadata>,
    pub(super) idempotency: Option<IdempotencyKey>,
    pub(super) if_match: Option<Version>,
    pub(super) deadline: Option<Instant>,
}

/// A queued command. It keeps its own latest decision until the batch is durable.
pub(super) trait Job: Send {
    fn about(&self) -> &About;
    fn streams(&self) -> Vec<Wanted>;
    /// Decides anew; returns the events to record, none for a rejection.
    fn decide(&mut self, states: &States<'_>) -> Vec<Decided>;
    /// The accepted answer with its token and version, to be kept under an idempotency key; `None` for a rejection.
    fn first_answer(&self, token: &Token, version: Version) -> Option<Result<Bytes, serde_json::Error>>;
    /// Takes the first answer that was kept under its idempotency key instead of deciding; returns what it came with.
    fn replay(&mut self, kept: &Bytes) -> Option<(Option<Token>, Version)>;
    fn fail(&mut self, failure: Failure);
    /// Tells the caller; without a decision, that the loop has stopped.
    fn answer(self: Box<Self>, token: Token, version: Version);
}

/// A command of type `C` and the caller who waits for it.
pub(super) struct Pending<C: Command> {
    command: C,
    about: About,
    decided: Option<Outcome<C>>,
    reply: oneshot::Sender<Reply<C>>,
}

impl<C: Command> Pending<C> {
    pub(super) fn new(envelope: Envelope<C>, reply: oneshot::Sender<Reply<C>>) -> Self {
        let Envelope { command, mut metadata, idempotency, if_match, deadline } = envelope;
        // The commands of a batch share theirs: it says their name already.
        if metadata.command != C::NAME {
            C::NAME.clone_into(&mut Arc::make_mut(&mut metadata).command);
        }
        let about = About { metadata, idempotency, if_match, deadline };
        Self { command, about, decided: None, reply }
    }
}

impl<C: Command> Job for Pending<C> {
    fn about(&self) -> &About {
        &self.about
    }

    fn streams(&self) -> Vec<Wanted> {
        self.command.streams().0
    }

    fn decide(&mut self, states: &States<'_>) -> Vec<Decided> {
        // A rule that panics is a bug of its own command; the others of the batch go on.
        let decided = catch_unwind(AssertUnwindSafe(|| self.command.decide(states)));
        let (decided, events) = match decided {
            Ok(Ok(Decision { answer, events })) => (Ok((answer, false)), events),
            Ok(Err(rejection)) => (Err(CommandError::Rejected(rejection)), Vec::new()),
            Err(_) => (Err(CommandError::Broken(format!("{} panicked", C::NAME))), Vec::new()),
        };
        self.decided = Some(decided);
        events
    }

    fn first_answer(&self, token: &Token, version: Version) -> Option<Result<Bytes, serde_json::Error>> {
        let Some(Ok((answer, false))) = &self.decided else { return None };
        let kept = Kept { token: token.to_string(), version, answer };
        Some(serde_json::to_vec(&kept).map(Bytes::from))
    }

    fn replay(&mut self, kept: &Bytes) -> Option<(Option<Token>, Version)> {
        match serde_json::from_slice::<Kept<C::Answer>>(kept) {
            Ok(Kept { token, version, answer }) => {
                self.decided = Some(Ok((answer, true)));
                Some((token.parse().ok(), version))
            }
            Err(cause) => {
                self.decided = Some(Err(CommandError::Broken(format!("first answer unreadable: {cause}"))));
                None
            }
        }
    }

    fn fail(&mut self, failure: Failure) {
        self.decided = Some(Err(failure.into()));
    }

    fn answer(self: Box<Self>, token: Token, version: Version) {
        let reply = match self.decided {
            Some(Ok((answer, replayed))) => Ok(Answered { answer, token, version, replayed }),
            Some(Err(error)) => Err(error),
            None => Err(CommandError::Unavailable("the executor has stopped".into())),
        };
        // A caller who has gone away does not need the answer; what was decided stands.
        let _gone = self.reply.send(reply);
    }
}
