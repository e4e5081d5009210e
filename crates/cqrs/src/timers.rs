//! Durable timers: which instants a stream waits for, kept in a view, and the command that records what is due.
//!
//! Time makes things happen too: a hold ends, an answer stays out. What an instant makes true is said by
//! [`Aggregate::due`] and is recorded before any command sees the stream, so it is exact and needs no timer at all. [`Timed`] and an
//! [`Alarm`] are there for the stream that nobody asks about.
//!
//! Next: [`event`](crate::event), the first of the pages on how all this is stored.

mod alarm;

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::aggregate::{Aggregate, Stream};
use crate::command::{Command, Decision, Invalid, States, Streams};
use crate::event::Recorded;
use crate::projection::{Projection, Rows, Unreadable};
use crate::query::{Query, QueryError, ReadSide, Rowset};
use crate::read_store::{Compare, IndexValue, ReadModel, Select};
use crate::time::Timestamp;

pub use alarm::Alarm;

/// The most streams woken by one command.
pub const WAKE_STREAMS_MAX: usize = 256;

/// The most timers of one page.
pub const TIMERS_PAGE_MAX: usize = 1_000;

/// An aggregate whose events set and clear timers.
///
/// A timer does nothing by itself. What happens at its instant is said by [`Aggregate::due`], and the executor records
/// that before any command sees the stream: the effect is exact, however late the wake-up. The timer is there so that
/// somebody ([`Alarm`]) looks at a stream that no command would meet. So the two MUST agree: while a
/// timer is set, `due` gives an event from its instant on, and that event (or one that follows) clears or moves it.
///
/// [`Context::timed`](crate::Context::timed) lists all that is needed.
///
/// ```
/// use cqrs::{Aggregate, Timed, TimerChange, Timestamp};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Clone, Default, Serialize, Deserialize)]
/// struct Egg { ready_at: Option<Timestamp> }
///
/// #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
/// enum EggEvent { Boiling { ready_at: Timestamp }, Ready { at: Timestamp }, TakenOut }
///
/// impl Aggregate for Egg {
///     const KIND: &'static str = "egg";
///     type Event = EggEvent;
///
///     fn apply(&mut self, event: &EggEvent) {
///         self.ready_at = match event {
///             EggEvent::Boiling { ready_at } => Some(*ready_at),
///             EggEvent::Ready { .. } | EggEvent::TakenOut => None,
///         };
///     }
///
///     fn due(&self, at: Timestamp) -> Option<EggEvent> {
///         self.ready_at.filter(|ready| *ready <= at).map(|at| EggEvent::Ready { at })
///     }
/// }
///
/// impl Timed for Egg {
///     const TIMERS: &'static str = "egg_timers";
///
///     fn timers(event: &EggEvent) -> Vec<TimerChange> {
///         match event {
///             EggEvent::Boiling { ready_at } => vec![TimerChange::set("ready", *ready_at)],
///             EggEvent::Ready { .. } | EggEvent::TakenOut => vec![TimerChange::clear("ready")],
///         }
///     }
/// }
///
/// let kitchen = cqrs::Context::named("kitchen").timed::<Egg>();
/// assert_eq!(kitchen.queries(), ["due-timers", "next-timer"]);
/// ```
pub trait Timed: Aggregate {
    /// The name of the read model with its timers, `[a-z_]+`.
    const TIMERS: &'static str;

    /// Raise it when [`Timed::timers`] changes: the rows are then built anew from the log.
    const TIMERS_VERSION: u32 = 1;

    /// What `event` sets and clears.
    fn timers(event: &Self::Event) -> Vec<TimerChange>;
}

/// What an event does to one timer of its stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TimerChange {
    /// The stream waits for `at`, and no longer for what this timer was set to before.
    Set {
        /// The timer's name, unique in its stream, without a space.
        name: Cow<'static, str>,
        /// When something becomes due.
        at: Timestamp,
    },
    /// The stream no longer waits.
    Clear {
        /// The timer's name.
        name: Cow<'static, str>,
    },
}

impl TimerChange {
    /// Sets timer `name` to `at`.
    #[must_use]
    pub fn set(name: impl Into<Cow<'static, str>>, at: Timestamp) -> Self {
        Self::Set { name: name.into(), at }
    }

    /// Clears timer `name`; no matter whether it is set.
    #[must_use]
    pub fn clear(name: impl Into<Cow<'static, str>>) -> Self {
        Self::Clear { name: name.into() }
    }
}

/// One timer that is set. The key is the stream's id, a space, and the timer's name.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", bound = "")]
pub struct TimerRow<A> {
    /// The id of the stream that waits.
    pub stream: Arc<str>,
    /// The timer's name.
    pub name: Arc<str>,
    /// When something becomes due.
    pub at: Timestamp,
    #[serde(skip)]
    aggregate: PhantomData<fn() -> A>,
}

impl<A> TimerRow<A> {
    /// The index of [`TimerRow::at`].
    pub const BY_INSTANT: usize = 0;
}

impl<A: Timed> ReadModel for TimerRow<A> {
    const NAME: &'static str = A::TIMERS;
    const VERSION: u32 = A::TIMERS_VERSION;
    const KEYED_BY_STREAM: bool = true;
    const INDEXES: &'static [&'static str] = &["at"];

    fn indexes(&self) -> Vec<IndexValue> {
        vec![self.at.as_millis().into()]
    }
}

/// Folds the events of `A` into [`TimerRow`]s.
pub struct TimersOf<A>(PhantomData<fn() -> A>);

impl<A> Default for TimersOf<A> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<A: Timed> Projection for TimersOf<A> {
    type Row = TimerRow<A>;

    fn fold(&self, event: &Recorded, rows: &mut Rows<TimerRow<A>>) -> Result<(), Unreadable> {
        let Some(happened) = event.as_event_of::<A>()? else { return Ok(()) };
        let stream = event.stream.id();
        for change in A::timers(&happened) {
            match change {
                TimerChange::Set { name, at } => {
                    let row = TimerRow { stream: stream.into(), name: (*name).into(), at, aggregate: PhantomData };
                    rows.put(&key(stream, &name), row);
                }
                TimerChange::Clear { name } => rows.remove(&key(stream, &name)),
            }
        }
        Ok(())
    }
}

fn key(stream: &str, name: &str) -> String {
    format!("{stream} {name}")
}

/// Asks which timers have run out, the longest due first.
#[derive(Clone)]
pub struct DueTimers<A> {
    /// Those set to this instant or an earlier one.
    pub until: Timestamp,
    /// Only those after this place, to go on from an earlier page.
    pub after: Option<(IndexValue, String)>,
    /// At most so many, 1 to [`TIMERS_PAGE_MAX`].
    pub limit: usize,
    aggregate: PhantomData<fn() -> A>,
}

impl<A: Timed> DueTimers<A> {
    /// The first `limit` timers that have run out by `until`.
    #[must_use]
    pub fn first(until: Timestamp, limit: usize) -> Self {
        Self { until, after: None, limit, aggregate: PhantomData }
    }
}

impl<A: Timed> Query for DueTimers<A> {
    const NAME: &'static str = "due-timers";
    type Answer = Rowset<TimerRow<A>>;

    fn validate(&self) -> Result<(), Invalid> {
        let right = (1..=TIMERS_PAGE_MAX).contains(&self.limit);
        if right { Ok(()) } else { Err(Invalid::field("/limit", "1 to 1,000")) }
    }

    async fn answer(self, read: &ReadSide) -> Result<Self::Answer, QueryError> {
        let by_instant = TimerRow::<A>::BY_INSTANT;
        let select = Select { order: Some(by_instant), after: self.after, ..Select::first(self.limit) };
        read.select(&select.with(by_instant, Compare::AtMost, self.until.as_millis())).await
    }
}

/// Asks for the instant at which the next timer runs out, or the first one has; none if no timer is set.
#[derive(Clone)]
pub struct NextTimer<A>(PhantomData<fn() -> A>);

impl<A> Default for NextTimer<A> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<A: Timed> Query for NextTimer<A> {
    const NAME: &'static str = "next-timer";
    type Answer = Option<Timestamp>;

    async fn answer(self, read: &ReadSide) -> Result<Self::Answer, QueryError> {
        let first = Select { order: Some(TimerRow::<A>::BY_INSTANT), ..Select::first(1) };
        Ok(read.select::<TimerRow<A>>(&first).await?.rows.first().map(|(_, timer)| timer.at))
    }
}

/// Records what is due in some streams. It decides nothing itself: the executor records what is due in whatever a
/// command names.
#[derive(Clone)]
pub struct Wake<A> {
    /// The streams' ids: 1 to [`WAKE_STREAMS_MAX`].
    pub ids: Vec<Arc<str>>,
    aggregate: PhantomData<fn() -> A>,
}

impl<A: Timed> Wake<A> {
    /// Wakes the streams `ids`.
    #[must_use]
    pub fn streams(ids: Vec<Arc<str>>) -> Self {
        Self { ids, aggregate: PhantomData }
    }
}

impl<A: Timed> Command for Wake<A> {
    const NAME: &'static str = "wake";
    type Answer = ();
    type Rejection = std::convert::Infallible;

    fn validate(&self) -> Result<(), Invalid> {
        let right = (1..=WAKE_STREAMS_MAX).contains(&self.ids.len());
        if right { Ok(()) } else { Err(Invalid::field("/ids", "1 to 256 streams")) }
    }

    fn streams(&self) -> Streams {
        Streams::none().and_all(self.ids.iter().map(|id| Stream::<A>::new(id)))
    }

    fn decide(&self, _: &States<'_>) -> Result<Decision<()>, Self::Rejection> {
        Ok(Decision::answer(()))
    }
}

impl<A> fmt::Debug for TimerRow<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} at {}", self.name, self.stream, self.at)
    }
}

impl<A: Timed> fmt::Debug for Wake<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "wake {} {:?}", A::KIND, self.ids)
    }
}
