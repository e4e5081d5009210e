//! A context's table of contents: every aggregate, command, query and read model it has, each registered once.
//!
//! A bounded context is one language and one log. Its [`Context`] is the only thing that the moving parts are told about your
//! domain: what is not listed is not decided, not asked and not kept current.
//!
//! Next: [`testkit`](crate::testkit), which tests it without a store.

use std::any::TypeId;
use std::sync::Arc;

use rustc_hash::FxHashSet;

use crate::aggregate::Aggregate;
use crate::command::Command;
use crate::messaging::{
    Advance, DeadLetterById, DeadLetters, DeadLettersOfInboxes, Discard, Inbox, Publish, React, Receive, Reopen, Retry,
    RetryOne, retry_one,
};
use crate::projection::Projection;
use crate::projector::{AnyProjection, Fold};
use crate::query::Query;
use crate::state::Kind;
use crate::timers::{DueTimers, NextTimer, Timed, TimersOf, Wake};

/// What a bounded context consists of.
///
/// An executor decides only the commands listed here, a query bus answers only the queries, a projector keeps the views
/// current, and an audit knows how to fold every stream.
///
/// ```
/// # use cqrs::{Aggregate, Command, Context, Decision, States, Stream, Streams};
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Clone, Default, Serialize, Deserialize)]
/// # struct Door { open: bool }
/// # #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
/// # enum DoorEvent { Opened }
/// # impl Aggregate for Door {
/// #     const KIND: &'static str = "door";
/// #     type Event = DoorEvent;
/// #     fn apply(&mut self, _: &DoorEvent) { self.open = true; }
/// # }
/// # struct Open;
/// # impl Command for Open {
/// #     const NAME: &'static str = "open";
/// #     type Answer = ();
/// #     type Rejection = std::convert::Infallible;
/// #     fn streams(&self) -> Streams { Streams::none() }
/// #     fn decide(&self, _: &States<'_>) -> Result<Decision<()>, Self::Rejection> { Ok(Decision::answer(())) }
/// # }
/// let house = Context::named("house").aggregate::<Door>().command::<Open>();
/// assert_eq!(house.commands(), ["open"]);
/// ```
pub struct Context {
    name: &'static str,
    kinds: Vec<Kind>,
    commands: Vec<&'static str>,
    command_types: FxHashSet<TypeId>,
    queries: Vec<&'static str>,
    query_types: FxHashSet<TypeId>,
    projections: Vec<Arc<dyn AnyProjection>>,
    publish: Option<Publish>,
    retries: Vec<(&'static str, RetryOne)>,
}

impl Context {
    /// An empty context.
    #[must_use]
    pub fn named(name: &'static str) -> Self {
        Self {
            name,
            kinds: Vec::new(),
            commands: Vec::new(),
            command_types: FxHashSet::default(),
            queries: Vec::new(),
            query_types: FxHashSet::default(),
            projections: Vec::new(),
            publish: None,
            retries: Vec::new(),
        }
    }

    /// Lists an aggregate.
    #[must_use]
    pub fn aggregate<A: Aggregate>(mut self) -> Self {
        self.kinds.push(Kind::of::<A>());
        self
    }

    /// Lists a command.
    #[must_use]
    pub fn command<C: Command>(mut self) -> Self {
        self.commands.push(C::NAME);
        self.command_types.insert(TypeId::of::<C>());
        self
    }

    /// Lists a query.
    #[must_use]
    pub fn query<Q: Query>(mut self) -> Self {
        self.queries.push(Q::NAME);
        self.query_types.insert(TypeId::of::<Q>());
        self
    }

    /// Lists a read model with the projection that fills it.
    #[must_use]
    pub fn view<P: Projection>(mut self, projection: P) -> Self {
        self.projections.push(Arc::new(Fold::new(projection)));
        self
    }

    /// Lists an aggregate with its timers: their view, the queries for what is due and what comes next, and the command
    /// that records it. An [`Alarm`](crate::Alarm) must run for it.
    #[must_use]
    pub fn timed<A: Timed>(mut self) -> Self {
        if self.kind(A::KIND).is_none() {
            self = self.aggregate::<A>();
        }
        self.view(TimersOf::<A>::default()).query::<DueTimers<A>>().query::<NextTimer<A>>().command::<Wake<A>>()
    }

    /// Says which of its events are contract events.
    #[must_use]
    pub fn publishes(mut self, publish: Publish) -> Self {
        self.publish = Some(publish);
        self
    }

    /// Lists a reaction to the contract events of other contexts; with the first one, the list of dead letters as well.
    #[must_use]
    pub fn reacts<R: React>(mut self) -> Self {
        if self.kind(Inbox::KIND).is_none() {
            self = self.aggregate::<Inbox>().command::<Advance>().command::<Discard>().command::<Reopen>();
            self = self.view(DeadLettersOfInboxes).query::<DeadLetters>().query::<DeadLetterById>();
        }
        self.retries.push((R::NAME, retry_one::<R>));
        self.command::<Receive<R>>().command::<Retry<R>>()
    }

    /// The context's name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The names of its commands, as listed.
    #[must_use]
    pub fn commands(&self) -> &[&'static str] {
        &self.commands
    }

    /// The names of its queries, as listed.
    #[must_use]
    pub fn queries(&self) -> &[&'static str] {
        &self.queries
    }

    pub(crate) fn lists_command<C: Command>(&self) -> bool {
        self.command_types.contains(&TypeId::of::<C>())
    }

    pub(crate) fn lists_query<Q: Query>(&self) -> bool {
        self.query_types.contains(&TypeId::of::<Q>())
    }

    pub(crate) fn kind(&self, name: &str) -> Option<Kind> {
        self.kinds.iter().copied().find(|kind| kind.name == name)
    }

    /// How a parked message of the reaction `name` is tried again.
    pub(crate) fn retry_of(&self, name: &str) -> Option<RetryOne> {
        self.retries.iter().find(|(known, _)| *known == name).map(|(_, retry)| *retry)
    }

    pub(crate) fn publisher(&self) -> Option<Publish> {
        self.publish
    }

    pub(crate) fn projections(&self) -> &[Arc<dyn AnyProjection>] {
        &self.projections
    }
}
