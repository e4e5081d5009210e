//! The desk where somebody looks after dead letters: tries them again once the cause is mended, or gives them up.

use std::collections::HashSet;
use std::marker::PhantomData;
use std::sync::Arc;

use futures::future::BoxFuture;

use crate::bus::{CommandBus, Dispatch, Inquire, QueryBus};
use crate::command::{Answered, CommandError, Envelope};
use crate::context::Context;
use crate::event::Metadata;
use crate::messaging::dead_letters::DEAD_LETTERS_PAGE_MAX;
use crate::messaging::{
    CannotReact, DeadLetterId, DeadLetters, Discard, EventId, InboxId, InboxRejection, React, Retried, Retry,
};
use crate::query::{Ask, QueryError};

/// Dead letters tried again by one call at most.
pub const RETRY_ALL_MAX: usize = 1_000;

/// A parked message that is to be tried again, whatever reaction it is for.
#[derive(Clone)]
pub(crate) struct Again {
    inbox: InboxId,
    id: EventId,
    failed: Option<CannotReact>,
}

type RetryAnswer = Result<Answered<Retried>, CommandError<InboxRejection>>;

/// Tries a message of one reaction again.
pub(crate) type RetryOne = fn(CommandBus, Envelope<Again>) -> BoxFuture<'static, RetryAnswer>;

/// Tries a message of `R` again.
pub(crate) fn retry_one<R: React>(commands: CommandBus, again: Envelope<Again>) -> BoxFuture<'static, RetryAnswer> {
    let Envelope { command: Again { inbox, id, failed }, metadata, idempotency, if_match, deadline } = again;
    let command = Retry::<R> { inbox, id, failed, reaction: PhantomData };
    Box::pin(async move { commands.dispatch(Envelope { command, metadata, idempotency, if_match, deadline }).await })
}

/// Why a dead letter was left as it was.
#[derive(Debug, thiserror::Error)]
pub enum DeskError {
    /// The context has no such reaction any more: what it has parked can only be discarded.
    #[error("nothing here reacts as {consumer}: what waits for it can only be discarded")]
    NoReaction {
        /// The reaction.
        consumer: Arc<str>,
    },
    /// The list could not be read.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// It was refused, or not answered.
    #[error(transparent)]
    Command(#[from] CommandError<InboxRejection>),
}

/// What became of many dead letters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RetriedAll {
    /// Those that had their effect.
    pub passed: usize,
    /// Those that failed again.
    pub failed: usize,
    /// Those that wait behind one of their key that failed: not tried.
    pub behind: usize,
    /// Whether there are more that were not looked at.
    pub more: bool,
}

/// Looks after the dead letters of one context, whichever of its reactions they are for.
///
/// What is tried here passes or fails just as if its consumer had tried it: both may do it side by side.
#[derive(Clone)]
pub struct DeadLetterDesk {
    context: Arc<Context>,
    commands: CommandBus,
    queries: QueryBus,
}

impl DeadLetterDesk {
    /// The desk of `context`, reached by its buses.
    #[must_use]
    pub fn new(context: Arc<Context>, commands: CommandBus, queries: QueryBus) -> Self {
        Self { context, commands, queries }
    }

    /// The context's name.
    #[must_use]
    pub fn context(&self) -> &'static str {
        self.context.name()
    }

    /// The questions to its dead letters: [`DeadLetters`] and [`DeadLetterById`](super::DeadLetterById).
    #[must_use]
    pub fn queries(&self) -> &QueryBus {
        &self.queries
    }

    /// Tries a dead letter again. The envelope says what comes along with it.
    ///
    /// # Errors
    /// [`DeskError`]; [`InboxRejection::NotFirst`] if another of its key waits before it.
    pub async fn retry(&self, asked: Envelope<DeadLetterId>) -> Result<Answered<Retried>, DeskError> {
        let Envelope { command: id, metadata, idempotency, if_match, deadline } = asked;
        self.try_again(&id, |command| Envelope { command, metadata, idempotency, if_match, deadline }).await
    }

    /// Tries at most `limit` dead letters again, and never more than [`RETRY_ALL_MAX`] (of this type only, if one is given): those
    /// of one key in order until one fails.
    ///
    /// # Errors
    /// [`DeskError`]; what was tried before it stays so.
    pub async fn retry_all(
        &self,
        kind: Option<&str>,
        limit: usize,
        about: &Arc<Metadata>,
    ) -> Result<RetriedAll, DeskError> {
        let (mut left, mut after, mut done) = (limit.min(RETRY_ALL_MAX), None, RetriedAll::default());
        let mut stuck: HashSet<(InboxId, Arc<str>)> = HashSet::new();
        while left > 0 {
            let limit = left.min(DEAD_LETTERS_PAGE_MAX);
            let page = DeadLetters { consumer: None, kind: kind.map(ToOwned::to_owned), after, limit };
            let page = self.queries.ask(Ask::new(page)).await?.answer;
            left = left.saturating_sub(page.letters.len());
            for letter in &page.letters {
                let id = letter.id();
                let key = (id.inbox(), Arc::clone(&letter.parked.message.key));
                if stuck.contains(&key) {
                    done.behind += 1;
                    continue;
                }
                let metadata = Arc::clone(about);
                let tried = self.try_again(&id, |command| Envelope { metadata, ..Envelope::new(command) }).await;
                match tried.map(|answered| answered.answer) {
                    Ok(Retried::Passed) => done.passed += 1,
                    Ok(Retried::Failed { .. }) => {
                        done.failed += 1;
                        stuck.insert(key);
                    }
                    // The list is a moment old: it passed meanwhile, by itself or by somebody else.
                    Err(DeskError::Command(CommandError::Rejected(InboxRejection::NotParked { .. }))) => {}
                    Err(DeskError::Command(CommandError::Rejected(InboxRejection::NotFirst { .. }))) => {
                        done.behind += 1;
                        stuck.insert(key);
                    }
                    Err(DeskError::NoReaction { .. }) => done.failed += 1,
                    Err(why) => return Err(why),
                }
            }
            after = page.next;
            if after.is_none() {
                return Ok(done);
            }
        }
        done.more = true;
        Ok(done)
    }

    /// Gives a dead letter up for `reason`. The envelope says what comes along.
    ///
    /// # Errors
    /// [`DeskError`]; the reason is 1 to 500 characters.
    pub async fn discard(&self, asked: Envelope<(DeadLetterId, Arc<str>)>) -> Result<Answered<()>, DeskError> {
        let Envelope { command: (id, reason), metadata, idempotency, if_match, deadline } = asked;
        let command = Discard { inbox: id.inbox(), id: id.message, reason };
        Ok(self.commands.dispatch(Envelope { command, metadata, idempotency, if_match, deadline }).await?)
    }

    async fn try_again(
        &self,
        letter: &DeadLetterId,
        along: impl FnOnce(Again) -> Envelope<Again>,
    ) -> Result<Answered<Retried>, DeskError> {
        let Some(retry) = self.context.retry_of(&letter.consumer) else {
            return Err(DeskError::NoReaction { consumer: Arc::clone(&letter.consumer) });
        };
        let id = letter.message;
        let mut again = along(Again { inbox: letter.inbox(), id, failed: None });
        Arc::make_mut(&mut again.metadata).causation_id.get_or_insert_with(|| id.to_string());
        match retry(self.commands.clone(), again.clone()).await {
            // The reaction panicked: that counts as a failure like another, and must not be forgotten.
            Err(CommandError::Broken(why)) => {
                let command = Again { failed: Some(CannotReact::Yet(why)), ..again.command };
                Ok(retry(self.commands.clone(), Envelope { command, ..again }).await?)
            }
            answered => Ok(answered?),
        }
    }
}
