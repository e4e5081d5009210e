//! The alarm: wakes the streams whose timers have run out, so that what is due happens though nobody asks.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use crate::bus::{CommandBus, Dispatch, Inquire, QueryBus, query_bus};
use crate::command::{CommandError, Envelope};
use crate::query::{Ask, Query, ReadSide, Token};
use crate::time::Timestamp;
use crate::timers::{DueTimers, NextTimer, Timed, WAKE_STREAMS_MAX, Wake};

/// The longest time between two looks at the timers: another process may have set one.
const LOOK_EVERY_MAX: Duration = Duration::from_millis(250);

/// The shortest time between two looks, however fast the views move.
const LOOK_EVERY_MIN: Duration = Duration::from_millis(10);

/// The longest pause after a failure.
const BACKOFF_MAX: Duration = Duration::from_secs(10);

/// Wakes the streams of `A` whose timers have run out.
///
/// Nothing depends on it being in time, or on there being one only: what is due is recorded once, by whichever command
/// meets the stream first. It bounds how long a stream that nobody asks about stays without what is due.
///
/// ```no_run
/// # use cqrs::{Alarm, CommandBus, ReadSide, Timed};
/// async fn keep_time<A: Timed>(commands: CommandBus, read: ReadSide, stop: tokio::sync::oneshot::Receiver<()>) {
///     Alarm::<A>::new(commands, read).run(async { drop(stop.await) }).await;
/// }
/// ```
pub struct Alarm<A> {
    commands: CommandBus,
    queries: QueryBus,
    read: ReadSide,
    /// What its own commands have recorded: the next look is at views that have read that.
    token: Option<Token>,
    /// The timer that had run out first at the last look. If it still has, waking its stream does not help.
    first: Option<(Timestamp, String)>,
    /// Whether that was so at the last look.
    stuck: bool,
    aggregate: PhantomData<fn() -> A>,
}

impl<A: Timed> Alarm<A> {
    /// An alarm that looks at the timers in `read` and sends commands to `commands`, both of a context that lists
    /// [`timed`](crate::Context::timed) `A`. The clock is `read`'s.
    #[must_use]
    pub fn new(commands: CommandBus, read: ReadSide) -> Self {
        let queries = query_bus(read.clone());
        Self { commands, queries, read, token: None, first: None, stuck: false, aggregate: PhantomData }
    }

    /// Runs until `stop` resolves. A failure is logged, and tried again after a pause that doubles up to ten seconds.
    pub async fn run(mut self, stop: impl Future<Output = ()>) {
        let mut moved = self.read.views().moved();
        let mut backoff = LOOK_EVERY_MAX;
        tokio::pin!(stop);
        loop {
            moved.mark_unchanged();
            let looked = tokio::select! {
                () = &mut stop => return,
                looked = self.look() => looked,
            };
            let (pause, rest) = match looked {
                Ok(wait) => {
                    backoff = LOOK_EVERY_MAX;
                    (wait.min(LOOK_EVERY_MIN), wait.saturating_sub(LOOK_EVERY_MIN))
                }
                Err(why) => {
                    tracing::warn!(aggregate = A::KIND, why, "timers could not be looked after; what is due is late");
                    let pause = backoff;
                    backoff = (backoff * 2).min(BACKOFF_MAX);
                    (pause, Duration::ZERO)
                }
            };
            tokio::select! {
                () = &mut stop => return,
                () = tokio::time::sleep(pause) => {}
            }
            tokio::select! {
                () = &mut stop => return,
                _ = moved.changed() => {}
                () = tokio::time::sleep(rest) => {}
            }
        }
    }

    /// Wakes every stream with a timer that has run out; returns how long the next look can wait.
    async fn look(&mut self) -> Result<Duration, String> {
        let now = self.read.now();
        let token = self.token.take();
        match self.ask(NextTimer::<A>::default(), token).await? {
            Some(next) if next <= now => {}
            next => {
                (self.first, self.stuck) = (None, false);
                return Ok(next.map_or(LOOK_EVERY_MAX, |next| until(now, next)));
            }
        }
        let mut page = DueTimers::<A>::first(now, WAKE_STREAMS_MAX);
        let mut first = None;
        loop {
            let due = self.ask(page.clone(), None).await?;
            first = first.or_else(|| due.rows.first().map(|(key, timer)| (timer.at, key.clone())));
            let mut ids: Vec<Arc<str>> = due.rows.into_iter().map(|(_, timer)| timer.stream).collect();
            ids.sort_unstable();
            ids.dedup();
            self.wake(ids).await?;
            match due.next {
                Some(last) => page.after = Some(last),
                None => break,
            }
        }
        let stuck = first.is_some() && first == self.first;
        if stuck && !self.stuck {
            tracing::warn!(aggregate = A::KIND, ?first, "a timer stays due though its stream was woken");
        }
        (self.first, self.stuck) = (first, stuck);
        Ok(if stuck { LOOK_EVERY_MAX } else { LOOK_EVERY_MIN })
    }

    /// Wakes streams together; if one of them cannot be woken, each by itself, so that the others are.
    async fn wake(&mut self, ids: Vec<Arc<str>>) -> Result<(), String> {
        if ids.is_empty() {
            return Ok(());
        }
        match self.send(ids.clone()).await {
            Err(CommandError::Broken(_)) => {}
            sent => return sent.map_err(|why| why.to_string()),
        }
        for id in ids {
            match self.send(vec![Arc::clone(&id)]).await {
                Err(CommandError::Broken(why)) => {
                    tracing::error!(aggregate = A::KIND, %id, why, "a stream cannot be woken");
                }
                sent => sent.map_err(|why| why.to_string())?,
            }
        }
        Ok(())
    }

    async fn send(&mut self, ids: Vec<Arc<str>>) -> Result<(), CommandError<std::convert::Infallible>> {
        let woken = ids.len() as u64;
        let answered = self.commands.dispatch(Envelope::new(Wake::<A>::streams(ids))).await?;
        metrics::counter!("alarm_woken_total", "aggregate" => A::KIND).increment(woken);
        match &mut self.token {
            Some(token) => token.merge(&answered.token),
            None => self.token = Some(answered.token),
        }
        Ok(())
    }

    async fn ask<Q: Query>(&self, query: Q, token: Option<Token>) -> Result<Q::Answer, String> {
        self.queries.ask(Ask { query, token }).await.map(|told| told.answer).map_err(|why| why.to_string())
    }
}

/// How long it is from `now` until `next`, or until another look is due anyway.
fn until(now: Timestamp, next: Timestamp) -> Duration {
    let ms = next.as_millis().saturating_sub(now.as_millis());
    Duration::from_millis(u64::try_from(ms).unwrap_or(0)).min(LOOK_EVERY_MAX)
}
