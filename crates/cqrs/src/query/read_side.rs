//! The read side: what queries read from, not before it has read what their token asks for.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::time::Instant;
use tower::Service;

use super::{Ask, Query, QueryError, Rowset, Token, Told, View, Views};
use crate::aggregate::{Aggregate, Stream};
use crate::context::Context;
use crate::event::{PartitionId, Position, Recorded, StreamName, Version};
use crate::event_store::LogReader;
use crate::executor::load_long;
use crate::read_store::{IndexValue, Model, ParkedStream, ReadModel, Select, StoredRow, ViewReader};
use crate::state::Slot;
use crate::time::{Clock, Timestamp};

/// What queries read from: views, streams and a clock. A tower service for every query its context lists.
pub struct ReadSide {
    shared: Arc<Shared>,
    /// What the session of the query at hand has seen: no view is read before it has read that far.
    token: Option<Token>,
    /// Until when the views are waited for.
    until: Option<Instant>,
    seen: Mutex<Seen>,
}

/// What the query at hand has read.
#[derive(Default)]
struct Seen {
    views: Vec<&'static str>,
    /// Of the log itself, beyond where the views may stand.
    positions: Vec<(PartitionId, Position)>,
}

struct Shared {
    context: Arc<Context>,
    views: Views,
    reader: Arc<dyn ViewReader>,
    log: Arc<dyn LogReader>,
    clock: Arc<dyn Clock>,
    wait_max: Duration,
}

impl Clone for ReadSide {
    /// Another handle, which has seen nothing yet.
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), token: None, until: None, seen: Mutex::default() }
    }
}

impl ReadSide {
    /// A read side over `views` and `log`; a query with a token waits at most `wait_max` for the views.
    #[must_use]
    pub fn new(
        context: Arc<Context>,
        views: Views,
        reader: Arc<dyn ViewReader>,
        log: Arc<dyn LogReader>,
        clock: Arc<dyn Clock>,
        wait_max: Duration,
    ) -> Self {
        let shared = Shared { context, views, reader, log, clock, wait_max };
        Self { shared: Arc::new(shared), token: None, until: None, seen: Mutex::default() }
    }

    /// The current instant.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }

    /// How far the views have read, and how the projector fares.
    #[must_use]
    pub fn views(&self) -> &Views {
        &self.shared.views
    }

    /// The log itself, for reading.
    #[must_use]
    pub fn log(&self) -> &Arc<dyn LogReader> {
        &self.shared.log
    }

    /// One row: from memory if it is hot.
    ///
    /// # Errors
    /// [`QueryError::ViewBuilding`] before the view has its first build; with a token [`QueryError::ViewLagging`] and
    /// [`QueryError::ViewParked`]; [`QueryError::Unavailable`] and [`QueryError::Broken`] if the store fails.
    pub async fn row<R: ReadModel>(&self, key: &str) -> Result<Option<Arc<R>>, QueryError> {
        self.await_view::<R>(self.token.as_ref(), |parked| parked.may_touch(R::KEYED_BY_STREAM, key)).await?;
        if let Some(row) = self.shared.views.cached::<R>(key) {
            return Ok(row);
        }
        let generation = self.shared.views.generation();
        let stored = self.shared.reader.get(Model::of::<R>(), &[key.to_owned()]).await?.into_iter().next().flatten();
        let row = stored.map(|row| decode::<R>(&row).map(Arc::new)).transpose()?;
        self.shared.views.remember(key, row.clone(), generation);
        Ok(row)
    }

    /// Several rows, in the order asked for; `None` where there is no such row. One round trip for those that are not in memory, so
    /// keep `keys` to a page.
    ///
    /// # Errors
    /// As [`row`](Self::row).
    pub async fn rows<R: ReadModel>(&self, keys: &[String]) -> Result<Vec<Option<Arc<R>>>, QueryError> {
        let touches = |parked: &ParkedStream| keys.iter().any(|key| parked.may_touch(R::KEYED_BY_STREAM, key));
        self.await_view::<R>(self.token.as_ref(), touches).await?;
        let mut rows: Vec<Option<Arc<R>>> = Vec::with_capacity(keys.len());
        let mut missing = Vec::new();
        for (place, key) in keys.iter().enumerate() {
            let cached = self.shared.views.cached::<R>(key);
            if cached.is_none() {
                missing.push(place);
            }
            rows.push(cached.flatten());
        }
        if missing.is_empty() {
            return Ok(rows);
        }
        let asked: Vec<String> = missing.iter().filter_map(|&place| keys.get(place)).cloned().collect();
        let stored = self.shared.reader.get(Model::of::<R>(), &asked).await?;
        for (place, stored) in missing.into_iter().zip(stored) {
            let row = stored.map(|row| decode::<R>(&row).map(Arc::new)).transpose()?;
            if let Some(slot) = rows.get_mut(place) {
                *slot = row;
            }
        }
        Ok(rows)
    }

    /// The rows that `select` asks for, at most [`Select::limit`] of them.
    ///
    /// # Errors
    /// As [`row`](Self::row).
    pub async fn select<R: ReadModel>(&self, select: &Select) -> Result<Rowset<R>, QueryError> {
        self.select_with(self.token.as_ref(), select).await
    }

    /// The same once the view has read `event`, whatever the session has seen: for an answer that rests on both.
    ///
    /// # Errors
    /// As [`row`](Self::row) with a token.
    pub async fn select_after<R: ReadModel>(&self, event: &Recorded, select: &Select) -> Result<Rowset<R>, QueryError> {
        let mut token = self.token.clone().unwrap_or_else(|| Token::new(self.shared.log.epoch()));
        token.require(event.partition, event.position);
        self.select_with(Some(&token), select).await
    }

    async fn select_with<R: ReadModel>(&self, seen: Option<&Token>, select: &Select) -> Result<Rowset<R>, QueryError> {
        let prefix = select.key_prefix.as_deref().unwrap_or_default();
        self.await_view::<R>(seen, |parked| parked.may_touch_below(R::KEYED_BY_STREAM, prefix)).await?;
        let stored = self.shared.reader.select(Model::of::<R>(), select).await?;
        let full = stored.len() >= select.limit;
        let next = stored.last().filter(|_| full).map(|last| {
            let value = select.order.and_then(|index| last.indexes.get(index).cloned());
            (value.unwrap_or(IndexValue::Null), last.key.clone())
        });
        let rows = stored.into_iter().map(|row| Ok((row.key.clone(), decode::<R>(&row)?)));
        Ok(Rowset { rows: rows.collect::<Result<_, QueryError>>()?, next })
    }

    /// The state of a stream as the log has it now, and its version (0 if there is no such stream). It folds what has come since
    /// the last snapshot of it, so it costs more than a row.
    ///
    /// # Errors
    /// [`QueryError::Unavailable`] and [`QueryError::Broken`] if the log cannot be read.
    pub async fn state<A: Aggregate>(&self, stream: &Stream<A>) -> Result<(Arc<A>, Version), QueryError> {
        let wanted = stream.wanted();
        let home = wanted.home(self.shared.log.partitions());
        let (slot, position) = load_long(self.shared.log.as_ref(), &wanted, home).await?.map_err(QueryError::Broken)?;
        self.saw(slot.partition, position);
        Ok((Slot::typed::<A>(&slot).unwrap_or_default(), slot.version))
    }

    /// At most `limit` events of `stream` before version `before`, newest first; `Version::MAX` begins at the newest.
    ///
    /// # Errors
    /// [`QueryError::Unavailable`] and [`QueryError::Broken`] if the log cannot be read.
    pub async fn history(
        &self,
        stream: &StreamName,
        before: Version,
        limit: usize,
    ) -> Result<Vec<Recorded>, QueryError> {
        let events = self.shared.log.read_stream_back(stream, before, limit).await?;
        if let Some(newest) = events.first() {
            self.saw(newest.partition, newest.position);
        }
        Ok(events)
    }

    /// Notes that the answer may rest on the log up to `position`.
    fn saw(&self, partition: PartitionId, position: Position) {
        self.seen().positions.push((partition, position));
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn ask<Q: Query>(mut self, ask: Ask<Q>) -> Result<Told<Q::Answer>, QueryError> {
        ask.query.validate().map_err(QueryError::Invalid)?;
        let log = self.shared.log.as_ref();
        if ask.token.as_ref().is_some_and(|token| token.epoch() != log.epoch()) {
            return Err(QueryError::ForeignToken);
        }
        let key = ask.query.partition_key().map(|key| PartitionId::of(key, log.partitions()));
        (self.token, self.until) = (ask.token, Some(Instant::now() + self.shared.wait_max));
        let answer = ask.query.answer(&self).await?;
        // Read after the answer was made, so that it covers all the answer may have seen.
        let Seen { views, positions } = std::mem::take(&mut *self.seen());
        let mut token = self.shared.views.token(self.shared.log.epoch(), &views, key);
        for (partition, position) in positions {
            token.require(partition, position);
        }
        if let Some(before) = &self.token {
            token.merge(before);
        }
        Ok(Told { answer, token })
    }

    /// Returns once the view of `R` has read what was `seen`, and lacks nothing of it that `touches` says.
    async fn await_view<R: ReadModel>(
        &self,
        seen: Option<&Token>,
        touches: impl Fn(&ParkedStream) -> bool,
    ) -> Result<(), QueryError> {
        {
            let mut answer = self.seen();
            if !answer.views.contains(&R::NAME) {
                answer.views.push(R::NAME);
            }
        }
        let views = &self.shared.views;
        // A view that no projector has opened in this process is read as it is.
        if let Some(Some(building)) = views.of(R::NAME, building) {
            return Err(building);
        }
        let Some(token) = seen else { return Ok(()) };
        self.await_token::<R>(token).await?;
        let waits = views.of(R::NAME, |view| view.waits(token, touches).cloned()).flatten();
        match waits {
            Some(parked) => Err(QueryError::ViewParked { view: R::NAME, parked: Box::new(parked) }),
            None => Ok(()),
        }
    }

    async fn await_token<R: ReadModel>(&self, token: &Token) -> Result<(), QueryError> {
        let has_read = |view: &View| view.name == R::NAME && view.has_read(token);
        let asks_for_nothing = token.positions().iter().all(|(_, position)| *position == 0);
        if asks_for_nothing || self.shared.views.of(R::NAME, has_read) == Some(true) {
            return Ok(());
        }
        let until = self.until.unwrap_or_else(Instant::now);
        let mut moved = self.shared.views.moved();
        let reached = tokio::time::timeout_at(until, moved.wait_for(|views| views.iter().any(has_read))).await;
        let waited_ms = u64::try_from(self.shared.wait_max.as_millis()).unwrap_or(u64::MAX);
        reached.map(drop).map_err(|_| QueryError::ViewLagging { waited_ms })
    }
}

/// What is to be said of a view that has no build of this version yet.
fn building(view: &View) -> Option<QueryError> {
    if view.live.is_some() {
        return None;
    }
    let status = view.rebuild.as_ref()?.status();
    let (events, events_total, ask_again_s) = (status.events, status.events_total, status.ask_again_s());
    Some(QueryError::ViewBuilding { view: view.name, events, events_total, ask_again_s })
}

fn decode<R: ReadModel>(row: &StoredRow) -> Result<R, QueryError> {
    let unreadable =
        |cause| QueryError::Broken(format!("{} row {} cannot be read: {cause}", Model::of::<R>(), row.key));
    serde_json::from_slice(&row.document).map_err(unreadable)
}

impl<Q: Query> Service<Ask<Q>> for ReadSide {
    type Response = Told<Q::Answer>;
    type Error = QueryError;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), QueryError>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, ask: Ask<Q>) -> Self::Future {
        if !self.shared.context.lists_query::<Q>() {
            let why = format!("{} is not listed by context {}", Q::NAME, self.shared.context.name());
            return Box::pin(async { Err(QueryError::Broken(why)) });
        }
        let read = self.clone();
        Box::pin(async move { read.ask(ask).await })
    }
}
