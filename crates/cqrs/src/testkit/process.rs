//! Given this much of a process, when it is told something or time passes, then these events and these messages.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::event::{BatchId, Metadata, PartitionId, Payload, Recorded, StreamName};
use crate::messaging::{ContractEvent, Publish};
use crate::process::Process;
use crate::time::Timestamp;
use crate::timers::{Timed, TimerChange};

/// How often something may be due at one instant.
const DUE_MAX: usize = 1_000;

/// A process as it stands: nothing has happened to it, or these events.
///
/// ```
/// # use std::time::Duration;
/// # use cqrs::{Aggregate, ContractEvent, Process, Recorded, Timed, TimerChange, Timestamp, Unreadable};
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Clone, Default, Serialize, Deserialize)]
/// # struct Delivery { answer_by: Option<Timestamp>, asked: bool }
/// # #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
/// # enum DeliveryEvent { CourierRequested { answer_by: Timestamp }, Accepted, GivenUp { at: Timestamp } }
/// # enum DeliveryInput { Ordered, Accepted }
/// # impl Aggregate for Delivery {
/// #     const KIND: &'static str = "delivery";
/// #     type Event = DeliveryEvent;
/// #     fn apply(&mut self, event: &DeliveryEvent) {
/// #         self.asked = true;
/// #         self.answer_by = match event {
/// #             DeliveryEvent::CourierRequested { answer_by } => Some(*answer_by),
/// #             _ => None,
/// #         };
/// #     }
/// #     fn due(&self, at: Timestamp) -> Option<DeliveryEvent> {
/// #         self.answer_by.filter(|by| *by <= at).map(|at| DeliveryEvent::GivenUp { at })
/// #     }
/// # }
/// # impl Process for Delivery {
/// #     type Input = DeliveryInput;
/// #     fn decide(&self, input: &DeliveryInput, at: Timestamp) -> Vec<DeliveryEvent> {
/// #         let answer_by = at.saturating_add(Duration::from_secs(60));
/// #         match input {
/// #             DeliveryInput::Ordered if !self.asked => vec![DeliveryEvent::CourierRequested { answer_by }],
/// #             DeliveryInput::Accepted if self.answer_by.is_some() => vec![DeliveryEvent::Accepted],
/// #             _ => Vec::new(),
/// #         }
/// #     }
/// # }
/// # impl Timed for Delivery {
/// #     const TIMERS: &'static str = "delivery_timers";
/// #     fn timers(event: &DeliveryEvent) -> Vec<TimerChange> {
/// #         match event {
/// #             DeliveryEvent::CourierRequested { answer_by } => vec![TimerChange::set("answer", *answer_by)],
/// #             _ => vec![TimerChange::clear("answer")],
/// #         }
/// #     }
/// # }
/// # #[derive(Debug, PartialEq, Serialize, Deserialize)]
/// # struct SendCourier { delivery: String }
/// # fn publish(event: &Recorded) -> Result<Option<ContractEvent>, Unreadable> {
/// #     let Some(happened) = event.as_event_of::<Delivery>()? else { return Ok(None) };
/// #     let DeliveryEvent::CourierRequested { .. } = &*happened else { return Ok(None) };
/// #     let id = event.stream.id();
/// #     let data = SendCourier { delivery: id.into() };
/// #     ContractEvent::new(event, "deliveries.send-courier.v1", id, id, &data).map(Some)
/// # }
/// use cqrs::testkit::GivenProcess;
///
/// let minute = Timestamp::from_millis(60_000);
/// GivenProcess::<Delivery>::nothing()
///     .told(DeliveryInput::Ordered)
///     .then_events([DeliveryEvent::CourierRequested { answer_by: minute }])
///     .then_sends(publish, "deliveries.send-courier.v1", [SendCourier { delivery: "1".into() }])
///     .then_next_timer(Some(minute))
///     .and_passes(Duration::from_secs(60))
///     .then_due([DeliveryEvent::GivenUp { at: minute }])
///     .and_told(DeliveryInput::Accepted)
///     .then_nothing();
/// ```
#[derive(Clone)]
pub struct GivenProcess<P: Process> {
    id: String,
    at: Timestamp,
    state: P,
    history: Vec<P::Event>,
}

impl<P: Process> GivenProcess<P> {
    /// Process `1`, to which nothing has happened, at the Unix epoch.
    #[must_use]
    pub fn nothing() -> Self {
        Self { id: "1".into(), at: Timestamp::EPOCH, state: P::default(), history: Vec::new() }
    }

    /// Its id is `id`.
    #[must_use]
    pub fn named(mut self, id: &str) -> Self {
        id.clone_into(&mut self.id);
        self
    }

    /// It is now `at`.
    #[must_use]
    pub fn at(mut self, at: Timestamp) -> Self {
        self.at = at;
        self
    }

    /// These events have happened to it.
    #[must_use]
    pub fn events(mut self, events: impl IntoIterator<Item = P::Event>) -> Self {
        for event in events {
            self.append(event);
        }
        self
    }

    /// Its state.
    #[must_use]
    pub fn state(&self) -> &P {
        &self.state
    }

    /// All that has happened to it.
    #[must_use]
    pub fn history(&self) -> &[P::Event] {
        &self.history
    }

    /// Tells it something, as the executor would: what is due by now happens first.
    #[must_use]
    #[track_caller]
    pub fn told(mut self, input: P::Input) -> Told<P> {
        let due = self.record_due();
        let decided = self.state.decide(&input, self.at);
        decided.iter().for_each(|event| self.append(event.clone()));
        Told { given: self, due, decided }
    }

    /// Lets time pass, and the alarm ring.
    #[must_use]
    #[track_caller]
    pub fn passes(mut self, duration: Duration) -> Told<P> {
        self.at = self.at.saturating_add(duration);
        let due = self.record_due();
        Told { given: self, due, decided: Vec::new() }
    }

    /// When its next timer runs out, from what its events set and cleared.
    ///
    /// # Panics
    /// If [`Aggregate::due`](crate::Aggregate::due) says another instant: one of the two is wrong then.
    #[must_use]
    #[track_caller]
    pub fn next_timer(&self) -> Option<Timestamp>
    where
        P: Timed,
    {
        let mut set: Vec<(String, Timestamp)> = Vec::new();
        for change in self.history.iter().flat_map(P::timers) {
            let (TimerChange::Set { name, .. } | TimerChange::Clear { name }) = &change;
            assert!(!name.contains(' '), "a timer's name has no space: {name:?}");
            set.retain(|(known, _)| known != name);
            if let TimerChange::Set { name, at } = change {
                set.push((name.into_owned(), at));
            }
        }
        let next = set.iter().map(|(_, at)| *at).min();
        match next {
            Some(next) => {
                let before = Timestamp::from_millis(next.as_millis().saturating_sub(1));
                assert!(self.state.due(next).is_some(), "nothing is due at {next}, though a timer is set: {set:?}");
                assert!(self.state.due(before).is_none(), "something is due before {next}: {set:?}");
            }
            None => {
                let due = self.state.due(Timestamp::MAX);
                assert!(due.is_none(), "{due:?} becomes due, but no timer is set");
            }
        }
        next
    }

    #[track_caller]
    fn record_due(&mut self) -> Vec<P::Event> {
        let mut recorded = Vec::new();
        while let Some(due) = self.state.due(self.at) {
            recorded.push(due.clone());
            self.append(due);
            assert!(recorded.len() <= DUE_MAX, "what is due stays due after it was recorded: {:?}", recorded.last());
        }
        recorded
    }

    fn append(&mut self, event: P::Event) {
        self.state.apply(&event);
        self.history.push(event);
    }
}

/// What being told something, or the passing of time, led to.
pub struct Told<P: Process> {
    given: GivenProcess<P>,
    due: Vec<P::Event>,
    decided: Vec<P::Event>,
}

impl<P: Process> Told<P> {
    /// Exactly these events were recorded: what was due, then what was decided.
    #[track_caller]
    pub fn then_events(self, expected: impl IntoIterator<Item = P::Event>) -> Self {
        assert_eq!(self.recorded(), expected.into_iter().collect::<Vec<_>>(), "recorded");
        self
    }

    /// Exactly these events were recorded because time had passed.
    #[track_caller]
    pub fn then_due(self, expected: impl IntoIterator<Item = P::Event>) -> Self {
        assert_eq!(self.due, expected.into_iter().collect::<Vec<_>>(), "due");
        self
    }

    /// Nothing at all was recorded.
    #[track_caller]
    pub fn then_nothing(self) -> Self {
        self.then_events([])
    }

    /// Of contract event type `kind`, exactly messages with these contents are sent for what was recorded.
    #[track_caller]
    pub fn then_sends<T>(self, publish: Publish, kind: &str, expected: impl IntoIterator<Item = T>) -> Self
    where
        T: Serialize + DeserializeOwned + PartialEq + fmt::Debug,
    {
        let sent: Vec<T> = self
            .sent(publish)
            .iter()
            .filter(|sent| sent.kind == kind)
            .map(|sent| serde_json::from_slice(&sent.data).expect("a message of this type has this shape"))
            .collect();
        assert_eq!(sent, expected.into_iter().collect::<Vec<_>>(), "messages of type {kind}");
        self
    }

    /// No message at all is sent for what was recorded.
    #[track_caller]
    pub fn then_sends_nothing(self, publish: Publish) -> Self {
        assert_eq!(self.sent(publish), [], "messages");
        self
    }

    /// This is when the next timer runs out; none if none is set. See [`GivenProcess::next_timer`].
    #[track_caller]
    pub fn then_next_timer(self, expected: Option<Timestamp>) -> Self
    where
        P: Timed,
    {
        assert_eq!(self.given.next_timer(), expected, "the next timer");
        self
    }

    /// The messages sent for what was recorded.
    #[must_use]
    #[track_caller]
    pub fn sent(&self, publish: Publish) -> Vec<ContractEvent> {
        let before = self.given.history.len() - self.due.len() - self.decided.len();
        let published = self.recorded().into_iter().zip(before as u64 + 1..).map(|(event, version)| {
            let recorded = Recorded {
                partition: PartitionId(0),
                position: version,
                stream: StreamName::new(P::KIND, &self.given.id),
                version,
                at: self.given.at,
                batch: BatchId(uuid::Uuid::nil()),
                metadata: Arc::new(Metadata::default()),
                payload: Payload::new(Arc::new(event)).expect("an event is JSON"),
            };
            publish(&recorded).expect("a new event can be read")
        });
        published.flatten().collect()
    }

    /// Its state now.
    #[must_use]
    pub fn state(&self) -> &P {
        &self.given.state
    }

    /// The process as it stands now.
    #[must_use]
    pub fn given(self) -> GivenProcess<P> {
        self.given
    }

    /// Then it is told something else.
    #[must_use]
    #[track_caller]
    pub fn and_told(self, input: P::Input) -> Self {
        self.given.told(input)
    }

    /// Then time passes.
    #[must_use]
    #[track_caller]
    pub fn and_passes(self, duration: Duration) -> Self {
        self.given.passes(duration)
    }

    fn recorded(&self) -> Vec<P::Event> {
        self.due.iter().chain(&self.decided).cloned().collect()
    }
}
