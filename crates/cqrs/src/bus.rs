//! The buses: a command or query goes through the same few tower layers, whatever its type.
//!
//! ```text
//! command -> Measure -> Validate -> Deadline -> Executor        query -> Measure -> ReadSide
//! ```
//!
//! Each is a [`tower::Service`] for every command (or query) its context lists, so any tower layer can be put around: what cuts
//! across commands is a layer, never a line in each of them. Send with [`Dispatch`], ask with [`Inquire`].
//!
//! # The smallest bus at work
//!
//! One aggregate and one command, decided and stored in memory:
//!
//! ```
#![doc = include_str!("../examples/light_switch.rs")]
//! ```
//!
//! Next: [`executor`](crate::executor), which stands behind the command bus.

use std::pin::Pin;
use std::sync::{Arc, PoisonError, RwLock};
use std::task::{Context as TaskContext, Poll};
use std::time::{Duration, Instant};

use futures::future::{Either, Ready, ready};
use metrics::{Counter, Histogram};
use pin_project_lite::pin_project;
use rustc_hash::FxHashMap;
use tower::{Layer, Service, ServiceExt};

use crate::command::{Answered, Command, CommandError, Envelope};
use crate::executor::Executor;
use crate::query::{Ask, Query, QueryError, ReadSide, Told};

/// The one way in for commands.
pub type CommandBus = Measure<Validate<Deadline<Executor>>>;

/// The one way in for queries.
pub type QueryBus = Measure<ReadSide>;

/// A command bus in front of `executor`; a command nobody waits for longer than `wait_max` is dropped undecided.
#[must_use]
pub fn command_bus(executor: Executor, wait_max: Duration) -> CommandBus {
    tower::ServiceBuilder::new()
        .layer(MeasureLayer::COMMANDS)
        .layer(ValidateLayer)
        .layer(DeadlineLayer { wait_max })
        .service(executor)
}

/// A query bus in front of `read`.
#[must_use]
pub fn query_bus(read: ReadSide) -> QueryBus {
    MeasureLayer::QUERIES.layer(read)
}

/// Sends a command through a bus.
///
/// ```
/// use cqrs::{Answered, Command, CommandBus, CommandError, Dispatch, Envelope, IdempotencyKey};
///
/// /// Sends `command` under `key`: sent again under the same key, it has no second effect and gets the first answer.
/// async fn once<C: Command>(
///     bus: &CommandBus,
///     command: C,
///     key: IdempotencyKey,
/// ) -> Result<Answered<C::Answer>, CommandError<C::Rejection>> {
///     bus.dispatch(Envelope { idempotency: Some(key), ..Envelope::new(command) }).await
/// }
/// # let _ = once::<cqrs::Advance>;
/// ```
pub trait Dispatch {
    /// Sends `envelope` at once; what it returns waits for the durable answer.
    ///
    /// Commands sent one after the other are decided in that order: to send many, send all before the first is waited for.
    ///
    /// # Errors
    /// [`CommandError`]; each variant says who must act. After [`CommandError::Unavailable`] it may have been decided all the same.
    fn dispatch<C: Command>(
        &self,
        envelope: Envelope<C>,
    ) -> impl Future<Output = Result<Answered<C::Answer>, CommandError<C::Rejection>>> + Send + use<Self, C>;
}

impl Dispatch for CommandBus {
    fn dispatch<C: Command>(
        &self,
        envelope: Envelope<C>,
    ) -> impl Future<Output = Result<Answered<C::Answer>, CommandError<C::Rejection>>> + Send + use<C> {
        // Every layer of the bus is always ready, so nothing is lost by not asking.
        self.clone().call(envelope)
    }
}

/// Sends a query through a bus.
///
/// ```
/// use cqrs::{Ask, Inquire, Query, QueryBus, QueryError, Token};
///
/// /// Asks for what is no older than `seen`, and moves `seen` on: a session.
/// async fn next<Q: Query>(bus: &QueryBus, query: Q, seen: &mut Option<Token>) -> Result<Q::Answer, QueryError> {
///     let told = bus.ask(Ask { query, token: seen.clone() }).await?;
///     *seen = Some(told.token);
///     Ok(told.answer)
/// }
/// # let _ = next::<cqrs::DeadLetters>;
/// ```
pub trait Inquire {
    /// Sends `ask` and waits for the answer.
    ///
    /// # Errors
    /// [`QueryError`]; each variant says who must act.
    fn ask<Q: Query>(&self, ask: Ask<Q>) -> impl Future<Output = Result<Told<Q::Answer>, QueryError>> + Send;
}

impl Inquire for QueryBus {
    fn ask<Q: Query>(&self, ask: Ask<Q>) -> impl Future<Output = Result<Told<Q::Answer>, QueryError>> + Send {
        self.clone().oneshot(ask)
    }
}

/// Checks a command's shape before it is queued.
#[derive(Clone, Copy, Debug)]
pub struct ValidateLayer;

/// The service of [`ValidateLayer`].
#[derive(Clone, Debug)]
pub struct Validate<S>(S);

impl<S> Layer<S> for ValidateLayer {
    type Service = Validate<S>;

    fn layer(&self, inner: S) -> Validate<S> {
        Validate(inner)
    }
}

impl<C, S> Service<Envelope<C>> for Validate<S>
where
    C: Command,
    S: Service<Envelope<C>, Error = CommandError<C::Rejection>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Either<Ready<Result<S::Response, S::Error>>, S::Future>;

    fn poll_ready(&mut self, cx: &mut TaskContext<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, envelope: Envelope<C>) -> Self::Future {
        match envelope.command.validate() {
            Ok(()) => Either::Right(self.0.call(envelope)),
            Err(invalid) => Either::Left(ready(Err(CommandError::Invalid(invalid)))),
        }
    }
}

/// Gives every command an instant after which nobody waits for it.
#[derive(Clone, Copy, Debug)]
pub struct DeadlineLayer {
    /// How long a caller waits.
    pub wait_max: Duration,
}

/// The service of [`DeadlineLayer`].
#[derive(Clone, Debug)]
pub struct Deadline<S> {
    inner: S,
    wait_max: Duration,
}

impl<S> Layer<S> for DeadlineLayer {
    type Service = Deadline<S>;

    fn layer(&self, inner: S) -> Deadline<S> {
        Deadline { inner, wait_max: self.wait_max }
    }
}

impl<C, S: Service<Envelope<C>>> Service<Envelope<C>> for Deadline<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut TaskContext<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut envelope: Envelope<C>) -> Self::Future {
        let deadline = Instant::now().checked_add(self.wait_max);
        envelope.deadline = [envelope.deadline, deadline].into_iter().flatten().min();
        self.inner.call(envelope)
    }
}

/// Counts what passes by name and outcome, and how long it takes.
#[derive(Clone, Copy, Debug)]
pub struct MeasureLayer {
    /// The counter's name; its labels are `name` and `outcome`.
    pub total: &'static str,
    /// The histogram's name, in seconds; the same labels.
    pub seconds: &'static str,
}

impl MeasureLayer {
    /// For a command bus: `commands_total` and `command_seconds`.
    pub const COMMANDS: Self = Self { total: "commands_total", seconds: "command_seconds" };
    /// For a query bus: `queries_total` and `query_seconds`.
    pub const QUERIES: Self = Self { total: "queries_total", seconds: "query_seconds" };
}

/// The service of [`MeasureLayer`].
#[derive(Clone)]
pub struct Measure<S> {
    inner: S,
    meter: Arc<Meter>,
}

impl<S> Layer<S> for MeasureLayer {
    type Service = Measure<S>;

    fn layer(&self, inner: S) -> Measure<S> {
        Measure { inner, meter: Arc::new(Meter::new(self.total, self.seconds)) }
    }
}

impl<C, S> Service<Envelope<C>> for Measure<S>
where
    C: Command,
    S: Service<Envelope<C>, Response = Answered<C::Answer>, Error = CommandError<C::Rejection>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Measured<S::Future>;

    fn poll_ready(&mut self, cx: &mut TaskContext<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, envelope: Envelope<C>) -> Self::Future {
        let (started, meter) = (Instant::now(), Arc::clone(&self.meter));
        Measured { answer: self.inner.call(envelope), name: C::NAME, outcome: outcome_of_command::<C>, started, meter }
    }
}

impl<Q, S> Service<Ask<Q>> for Measure<S>
where
    Q: Query,
    S: Service<Ask<Q>, Response = Told<Q::Answer>, Error = QueryError>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Measured<S::Future>;

    fn poll_ready(&mut self, cx: &mut TaskContext<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, ask: Ask<Q>) -> Self::Future {
        let (started, meter) = (Instant::now(), Arc::clone(&self.meter));
        Measured { answer: self.inner.call(ask), name: Q::NAME, outcome: outcome_of_query::<Q>, started, meter }
    }
}

pin_project! {
    /// The answer of a [`Measure`], counted and timed when it is taken: it waits as long as nobody polls for it.
    pub struct Measured<F: Future> {
        #[pin]
        answer: F,
        name: &'static str,
        outcome: fn(&F::Output) -> &'static str,
        started: Instant,
        meter: Arc<Meter>,
    }
}

impl<F: Future> Future for Measured<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<F::Output> {
        let this = self.project();
        let answer = std::task::ready!(this.answer.poll(cx));
        this.meter.count(this.name, (this.outcome)(&answer), *this.started);
        Poll::Ready(answer)
    }
}

fn outcome_of_command<C: Command>(answer: &Result<Answered<C::Answer>, CommandError<C::Rejection>>) -> &'static str {
    match answer {
        Ok(Answered { replayed: false, .. }) => "accepted",
        Ok(_) => "replayed",
        Err(CommandError::Rejected(_)) => "rejected",
        Err(CommandError::Invalid(_)) => "invalid",
        Err(CommandError::VersionMismatch { .. } | CommandError::KeyReused) => "conflict",
        Err(CommandError::Overloaded | CommandError::DeadlineExceeded) => "shed",
        Err(CommandError::Unavailable(_)) => "unavailable",
        Err(CommandError::Broken(why)) => {
            tracing::error!(command = C::NAME, why, "command broken");
            "broken"
        }
    }
}

fn outcome_of_query<Q: Query>(answer: &Result<Told<Q::Answer>, QueryError>) -> &'static str {
    match answer {
        Ok(_) => "answered",
        Err(QueryError::Invalid(_) | QueryError::ForeignToken) => "invalid",
        Err(QueryError::ViewLagging { .. }) => "lagging",
        Err(QueryError::ViewBuilding { .. }) => "building",
        Err(QueryError::ViewParked { .. }) => "parked",
        Err(QueryError::Unavailable(_)) => "unavailable",
        Err(QueryError::Broken(why)) => {
            tracing::error!(query = Q::NAME, why, "query broken");
            "broken"
        }
    }
}

/// A name and an outcome, counted and timed.
type Handles = FxHashMap<(&'static str, &'static str), (Counter, Histogram)>;

/// The counters and histograms of one bus, each looked up by name once.
struct Meter {
    total: &'static str,
    seconds: &'static str,
    handles: RwLock<Handles>,
}

impl Meter {
    fn new(total: &'static str, seconds: &'static str) -> Self {
        Self { total, seconds, handles: RwLock::default() }
    }

    fn count(&self, name: &'static str, outcome: &'static str, started: Instant) {
        let seconds = started.elapsed().as_secs_f64();
        if let Some((total, histogram)) =
            self.handles.read().unwrap_or_else(PoisonError::into_inner).get(&(name, outcome))
        {
            total.increment(1);
            return histogram.record(seconds);
        }
        let total = metrics::counter!(self.total, "name" => name, "outcome" => outcome);
        let histogram = metrics::histogram!(self.seconds, "name" => name, "outcome" => outcome);
        total.increment(1);
        histogram.record(seconds);
        let mut handles = self.handles.write().unwrap_or_else(PoisonError::into_inner);
        handles.insert((name, outcome), (total, histogram));
    }
}
