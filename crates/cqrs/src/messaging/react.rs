//! Reacting: what a context does when a contract event of another reaches it. The anti-corruption layer's one trait.

use crate::command::{Decision, States, Streams};
use crate::messaging::Message;

/// A context's reaction to contract events.
///
/// Like a command it is pure: a message and the states it names in, events out. Its events and the consumer's new place
/// in the source's log are appended together, so each message has its effect once, however often it comes.
///
/// A refusal by the rules is no failure: it is an answer, recorded as an event so that a repeated message repeats it.
///
/// ```
/// use cqrs::{Aggregate, CannotReact, Context, Decision, Message, React, Reaction, States, Stream, Streams};
/// use serde::{Deserialize, Serialize};
/// # #[derive(Clone, Default, Serialize, Deserialize)]
/// # struct Lamp { on: bool }
/// # #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
/// # enum LampEvent { SwitchedOn }
/// # impl Aggregate for Lamp {
/// #     const KIND: &'static str = "lamp";
/// #     type Event = LampEvent;
/// #     fn apply(&mut self, _: &LampEvent) { self.on = true; }
/// # }
///
/// #[derive(Deserialize)]
/// struct DoorOpened { door: String }
///
/// /// The lamp at a door goes on when it is opened.
/// struct LightTheWay;
///
/// impl React for LightTheWay {
///     const NAME: &'static str = "light-the-way";
///     type Input = Stream<Lamp>;
///
///     fn read(message: &Message) -> Result<Option<Stream<Lamp>>, CannotReact> {
///         if &*message.kind != "house.door-opened.v1" {
///             return Ok(None);
///         }
///         let opened: DoorOpened = message.data_as().map_err(|why| CannotReact::Ever(why.to_string()))?;
///         Ok(Some(Stream::new(&opened.door)))
///     }
///
///     fn streams(lamp: &Stream<Lamp>) -> Streams {
///         Streams::one(lamp)
///     }
///
///     fn react(lamp: &Stream<Lamp>, _: &Message, states: &States<'_>) -> Result<Reaction, CannotReact> {
///         let nothing = Decision::answer(());
///         Ok(if states.of(lamp).on { nothing } else { nothing.record(lamp, LampEvent::SwitchedOn) })
///     }
/// }
///
/// let lights = Context::named("lights").aggregate::<Lamp>().reacts::<LightTheWay>();
/// # let _ = lights;
/// ```
pub trait React: Send + Sync + 'static {
    /// Its name in stored inboxes. Never change it.
    const NAME: &'static str;

    /// What the consumer leaves out for this reaction: for negative controls, which show that a guard is needed.
    #[cfg(any(doc, feature = "testkit"))]
    #[doc(hidden)]
    const WITHOUT: Option<Guard> = None;

    /// A message, read and translated into the words of this context.
    type Input: Send + Sync + 'static;

    /// Reads a message; `None` if it is none of this context's business.
    ///
    /// # Errors
    /// [`CannotReact`] if it should be of this context's business and cannot be read: it becomes a dead letter.
    fn read(message: &Message) -> Result<Option<Self::Input>, CannotReact>;

    /// The streams the reaction knows it needs.
    fn streams(input: &Self::Input) -> Streams;

    /// What the message changes here.
    ///
    /// # Errors
    /// [`CannotReact`]; the message is then parked, later ones of its key wait behind it, and others go on.
    fn react(input: &Self::Input, message: &Message, states: &States<'_>) -> Result<Reaction, CannotReact>;
}

/// What a reaction records. It answers nobody.
pub type Reaction = Decision<()>;

/// Why a message has no effect yet.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CannotReact {
    /// It may pass when tried again: it is retried with growing pauses, then kept as a dead letter.
    #[error("{0}")]
    Yet(String),
    /// It cannot pass without a change of the program: a dead letter at once.
    #[error("{0}")]
    Ever(String),
}

/// What makes each message have its effect once: named by negative controls, which leave one out.
#[doc(hidden)]
#[cfg_attr(not(any(doc, feature = "testkit")), allow(dead_code, unreachable_pub, reason = "only tests leave one out"))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// A message that was received before changes nothing.
    Dedupe,
    /// A message is received only after the one before it.
    GapCheck,
}

/// Whether `R` goes without `guard`; never outside tests.
#[cfg(any(doc, feature = "testkit"))]
pub(super) fn leaves_out<R: React>(guard: Guard) -> bool {
    R::WITHOUT == Some(guard)
}

/// Whether `R` goes without `guard`; never outside tests.
#[cfg(not(any(doc, feature = "testkit")))]
#[expect(clippy::extra_unused_type_parameters, reason = "named for the sake of the other one")]
pub(super) fn leaves_out<R: React>(_: Guard) -> bool {
    false
}
