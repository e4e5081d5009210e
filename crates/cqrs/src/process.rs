//! Process managers: aggregates that are told what happened elsewhere, and decide what to ask for next.
//!
//! Something takes time and needs others: ask, wait, and if it fails give back what was promised. Each step is an event in the
//! process's own stream; what it asks for goes out through [`Publish`](crate::messaging::Publish), and what it is told comes in through
//! [`React`](crate::messaging::React). `cargo run -p cqrs --example table_booking` tells the story of a whole one, and
//! `docs/guides/process-manager.md` how to add yours.
//!
//! Next: [`timers`](crate::timers), for what nobody answers.

use crate::aggregate::{Aggregate, Stream};
use crate::command::{Decision, States};
use crate::time::Timestamp;

/// A process that spans contexts: told of contract events, it decides what happens next.
///
/// Its stream is all there is to it. What it remembers, what it asks of others and what it waits for are events in it,
/// recorded by one append: a request is an event that [`Publish`](crate::Publish) turns into a message, a timer is an
/// instant in the state that [`Aggregate::due`] turns into an event. So state, requests and timers cannot disagree, and
/// a replay folds requests without sending them again.
///
/// A process that waits is also [`Timed`](crate::Timed), so that somebody looks at it in time.
///
/// ```
/// use cqrs::{Aggregate, Process, Timestamp};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Clone, Default, Serialize, Deserialize)]
/// struct Delivery { asked: bool, arrived: bool }
///
/// #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
/// enum DeliveryEvent { CourierRequested, Arrived }
///
/// impl Aggregate for Delivery {
///     const KIND: &'static str = "delivery";
///     type Event = DeliveryEvent;
///
///     fn apply(&mut self, event: &DeliveryEvent) {
///         match event {
///             DeliveryEvent::CourierRequested => self.asked = true,
///             DeliveryEvent::Arrived => self.arrived = true,
///         }
///     }
/// }
///
/// enum DeliveryInput { Ordered, CourierArrived }
///
/// impl Process for Delivery {
///     type Input = DeliveryInput;
///
///     fn decide(&self, input: &DeliveryInput, _: Timestamp) -> Vec<DeliveryEvent> {
///         match input {
///             DeliveryInput::Ordered if !self.asked => vec![DeliveryEvent::CourierRequested],
///             DeliveryInput::CourierArrived if self.asked && !self.arrived => vec![DeliveryEvent::Arrived],
///             DeliveryInput::Ordered | DeliveryInput::CourierArrived => Vec::new(),
///         }
///     }
/// }
///
/// let asked = Delivery { asked: true, arrived: false };
/// assert_eq!(asked.decide(&DeliveryInput::CourierArrived, Timestamp::EPOCH), [DeliveryEvent::Arrived]);
/// assert!(asked.decide(&DeliveryInput::Ordered, Timestamp::EPOCH).is_empty(), "asked once");
/// ```
pub trait Process: Aggregate {
    /// What it can be told.
    type Input;

    /// What follows from `input`, told at `at`. What it was told before changes nothing; what comes too late is no error
    /// but something to compensate.
    fn decide(&self, input: &Self::Input, at: Timestamp) -> Vec<Self::Event>;

    /// Tells the process in `stream`, from inside a reaction or a command that names the stream.
    #[must_use]
    fn told(stream: &Stream<Self>, input: &Self::Input, states: &States<'_>) -> Decision<()> {
        let events = states.of(stream).decide(input, states.at());
        Decision::answer(()).record_all(stream, events)
    }
}
