//! Given these events, when this command, then these events, this answer or this rejection.

use std::fmt;

use rustc_hash::FxHashMap;

use crate::aggregate::{Aggregate, Stream};
use crate::command::{Command, Decided, Decision, Invalid, States, Wanted};
use crate::event::{PartitionId, Payload, StreamName};
use crate::executor::ROUNDS_MAX;
use crate::state::{Kind, Slot};
use crate::time::Timestamp;

/// What has happened before.
///
/// ```
/// # use cqrs::{Aggregate, Command, Decision, States, Stream, Streams};
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
/// # struct Open { door: String }
/// # #[derive(Debug, thiserror::Error, PartialEq)]
/// # #[error("the door is open already")]
/// # struct AlreadyOpen;
/// # impl Command for Open {
/// #     const NAME: &'static str = "open";
/// #     type Answer = ();
/// #     type Rejection = AlreadyOpen;
/// #     fn streams(&self) -> Streams { Streams::one(&Stream::<Door>::new(&self.door)) }
/// #     fn decide(&self, states: &States<'_>) -> Result<Decision<()>, AlreadyOpen> {
/// #         let stream = Stream::<Door>::new(&self.door);
/// #         if states.of(&stream).open { return Err(AlreadyOpen); }
/// #         Ok(Decision::answer(()).record(&stream, DoorEvent::Opened))
/// #     }
/// # }
/// use cqrs::testkit::Given;
///
/// let front = Stream::<Door>::new("front");
/// Given::nothing()
///     .when(Open { door: "front".into() })
///     .then_events(&front, [DoorEvent::Opened])
///     .and_when(Open { door: "front".into() })
///     .then_rejected(&AlreadyOpen);
/// ```
#[derive(Clone, Default)]
pub struct Given {
    at: Timestamp,
    slots: FxHashMap<StreamName, Slot>,
    /// How many commands were decided so far: their numbers tell which streams each has named.
    commands: u64,
}

impl Given {
    /// An empty log at the Unix epoch.
    #[must_use]
    pub fn nothing() -> Self {
        Self::default()
    }

    /// It is now `at`.
    #[must_use]
    pub fn at(mut self, at: Timestamp) -> Self {
        self.at = at;
        self
    }

    /// These events happened in `stream`.
    #[must_use]
    #[track_caller]
    pub fn events<A: Aggregate>(mut self, stream: &Stream<A>, events: impl IntoIterator<Item = A::Event>) -> Self {
        for event in events {
            let payload = Payload::new(std::sync::Arc::new(event)).expect("an event is JSON");
            self.append(stream.name(), Kind::of::<A>(), &payload);
        }
        self
    }

    /// The state of `stream` as it stands.
    #[must_use]
    pub fn state<A: Aggregate>(&self, stream: &Stream<A>) -> A {
        let slot = self.slots.get(stream.name()).and_then(Slot::typed::<A>);
        slot.map(|state| (*state).clone()).unwrap_or_default()
    }

    /// Decides `command` as the executor would: shape first, then what is due, then the rule.
    #[must_use]
    #[track_caller]
    pub fn when<C: Command>(mut self, command: C) -> When<C> {
        let mut events = Vec::new();
        self.commands += 1;
        if let Err(invalid) = command.validate() {
            return When { given: self, events, outcome: Outcome::Invalid(invalid) };
        }
        let mut wanted = command.streams().0;
        for _ in 0..ROUNDS_MAX {
            for missing in wanted {
                self.name(&missing, &mut events);
            }
            let states = States::new(self.at, &self.slots, self.commands);
            let decided = command.decide(&states);
            wanted = states.into_unnamed();
            if let Ok(decision) = &decided {
                let named = |event: &&Decided| {
                    self.slots.get(&event.wanted.name).is_some_and(|slot| slot.named_by == self.commands)
                };
                wanted.extend(decision.events.iter().filter(|event| !named(event)).map(|event| event.wanted.clone()));
            }
            if !wanted.is_empty() {
                continue;
            }
            let outcome = match decided {
                Err(rejection) => Outcome::Rejected(rejection),
                Ok(Decision { answer, events: decided }) => {
                    for event in decided {
                        let payload =
                            event.encode(&mut crate::event::PayloadWriter::default()).expect("an event is JSON");
                        self.append(&event.wanted.name, event.wanted.kind, &payload);
                        events.push((event.wanted.name, payload));
                    }
                    Outcome::Answered(answer)
                }
            };
            return When { given: self, events, outcome };
        }
        panic!("{} still asked for new streams after {ROUNDS_MAX} rounds", C::NAME);
    }

    fn name(&mut self, wanted: &Wanted, events: &mut Vec<(StreamName, Payload)>) {
        let empty = || Slot::empty(wanted.kind, PartitionId(0));
        let slot = self.slots.entry(wanted.name.clone()).or_insert_with(empty);
        slot.named_by = self.commands;
        while let Some(due) = slot.state.due_payload(self.at) {
            let payload = due.expect("an event is JSON");
            slot.apply(slot.version + 1, &payload).expect("a new event applies");
            events.push((wanted.name.clone(), payload));
        }
    }

    fn append(&mut self, name: &StreamName, kind: Kind, payload: &Payload) {
        let slot = self.slots.entry(name.clone()).or_insert_with(|| Slot::empty(kind, PartitionId(0)));
        slot.apply(slot.version + 1, payload).expect("a new event applies");
    }
}

/// What a command led to.
pub struct When<C: Command> {
    given: Given,
    events: Vec<(StreamName, Payload)>,
    outcome: Outcome<C>,
}

enum Outcome<C: Command> {
    Answered(C::Answer),
    Rejected(C::Rejection),
    Invalid(Invalid),
}

impl<C: Command> fmt::Debug for Outcome<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answered(answer) => write!(f, "answered {answer:?}"),
            Self::Rejected(rejection) => write!(f, "rejected: {rejection}"),
            Self::Invalid(invalid) => write!(f, "invalid: {invalid}"),
        }
    }
}

impl<C: Command> When<C> {
    /// Exactly these events were recorded in `stream`, and the command was not refused.
    #[track_caller]
    pub fn then_events<A: Aggregate>(self, stream: &Stream<A>, expected: impl IntoIterator<Item = A::Event>) -> Self {
        assert!(matches!(self.outcome, Outcome::Answered(_)), "the command was {:?}", self.outcome);
        let recorded: Vec<A::Event> = self
            .events
            .iter()
            .filter(|(name, _)| name == stream.name())
            .map(|(_, payload)| (*payload.decode::<A>().expect("an event of this stream")).clone())
            .collect();
        assert_eq!(recorded, expected.into_iter().collect::<Vec<_>>(), "events of {}", stream.name());
        self
    }

    /// Nothing at all was recorded.
    #[track_caller]
    pub fn then_nothing(self) -> Self {
        assert!(self.events.is_empty(), "recorded {:?}", self.events);
        self
    }

    /// This was the answer.
    #[track_caller]
    pub fn then_answer(self, expected: &C::Answer) -> Self
    where
        C::Answer: PartialEq,
    {
        match &self.outcome {
            Outcome::Answered(answer) => assert_eq!(answer, expected),
            other => panic!("the command was {other:?}"),
        }
        self
    }

    /// The command was refused for this reason.
    #[track_caller]
    pub fn then_rejected(self, expected: &C::Rejection) -> Self
    where
        C::Rejection: PartialEq,
    {
        match &self.outcome {
            Outcome::Rejected(rejection) => assert_eq!(rejection, expected),
            other => panic!("the command was {other:?}"),
        }
        self
    }

    /// The command was wrong in itself, at this field.
    #[track_caller]
    pub fn then_invalid(self, pointer: &str) -> Self {
        match &self.outcome {
            Outcome::Invalid(invalid) => {
                assert!(invalid.0.iter().any(|field| field.pointer == pointer), "invalid: {invalid}");
            }
            other => panic!("the command was {other:?}"),
        }
        self
    }

    /// The answer, for whatever else a test wants to know of it.
    #[track_caller]
    pub fn answer(&self) -> &C::Answer {
        match &self.outcome {
            Outcome::Answered(answer) => answer,
            other => panic!("the command was {other:?}"),
        }
    }

    /// The result as a value.
    ///
    /// # Errors
    /// The rejection, if the rules refused the command.
    pub fn result(&self) -> Result<&C::Answer, &C::Rejection> {
        match &self.outcome {
            Outcome::Answered(answer) => Ok(answer),
            Outcome::Rejected(rejection) => Err(rejection),
            Outcome::Invalid(invalid) => panic!("the command was invalid: {invalid}"),
        }
    }

    /// What was recorded, in order: first what was due, then what was decided.
    #[must_use]
    pub fn recorded(&self) -> &[(StreamName, Payload)] {
        &self.events
    }

    /// All that has happened by now.
    #[must_use]
    pub fn given(self) -> Given {
        self.given
    }

    /// The next command.
    #[must_use]
    #[track_caller]
    pub fn and_when<D: Command>(self, command: D) -> When<D> {
        self.given.when(command)
    }
}
