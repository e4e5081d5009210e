//! The process: an evening out needs a table and a taxi, or neither.

use std::collections::BTreeMap;
use std::time::Duration;

use cqrs::{Aggregate, Process, Timed, TimerChange, Timestamp};
use serde::{Deserialize, Serialize};

/// How long an answer may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// What an evening needs; each is asked for elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Part {
    Table,
    Taxi,
}

impl Part {
    pub(crate) const ALL: [Self; 2] = [Self::Table, Self::Taxi];

    /// The name of the timer that waits for its answer.
    fn timer(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Taxi => "taxi",
        }
    }
}

/// What happens to an evening.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub(crate) enum EveningEvent {
    /// A part is asked for.
    Requested { part: Part, answer_by: Timestamp },
    /// It was promised.
    Confirmed { part: Part },
    /// It was refused.
    Refused { part: Part },
    /// Nobody has answered by then.
    TimedOut { part: Part, at: Timestamp },
    /// It is given back, whether it was promised already or may still be.
    CancelRequested { part: Part },
}

/// Where a part stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum PartState {
    Asked { answer_by: Timestamp },
    Confirmed,
    Failed,
    Cancelled,
}

/// An evening out: where each part stands, if it was planned.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Evening {
    parts: BTreeMap<Part, PartState>,
}

impl Evening {
    /// Where `part` stands; none before it was asked for.
    pub(crate) fn part(&self, part: Part) -> Option<PartState> {
        self.parts.get(&part).copied()
    }

    /// Whether all is promised.
    pub(crate) fn is_booked(&self) -> bool {
        !self.parts.is_empty() && self.parts.values().all(|state| *state == PartState::Confirmed)
    }

    /// The parts that are promised or may still be.
    fn standing(&self) -> impl Iterator<Item = Part> {
        let stands = |state: &PartState| matches!(state, PartState::Asked { .. } | PartState::Confirmed);
        self.parts.iter().filter(move |(_, state)| stands(state)).map(|(part, _)| *part)
    }

    /// One part without the other is of no use: what must be given back next.
    fn of_no_use(&self) -> Option<EveningEvent> {
        let lost = self.parts.values().any(|state| matches!(state, PartState::Failed | PartState::Cancelled));
        self.standing().next().filter(|_| lost).map(|part| EveningEvent::CancelRequested { part })
    }
}

impl Aggregate for Evening {
    const KIND: &'static str = "evening";
    type Event = EveningEvent;

    fn apply(&mut self, event: &EveningEvent) {
        let (part, state) = match *event {
            EveningEvent::Requested { part, answer_by } => (part, PartState::Asked { answer_by }),
            EveningEvent::Confirmed { part } => (part, PartState::Confirmed),
            EveningEvent::Refused { part } | EveningEvent::TimedOut { part, .. } => (part, PartState::Failed),
            EveningEvent::CancelRequested { part } => (part, PartState::Cancelled),
        };
        self.parts.insert(part, state);
    }

    fn due(&self, at: Timestamp) -> Option<EveningEvent> {
        let late = self.parts.iter().find_map(|(part, state)| match *state {
            PartState::Asked { answer_by } if answer_by <= at => {
                Some(EveningEvent::TimedOut { part: *part, at: answer_by })
            }
            _ => None,
        });
        late.or_else(|| self.of_no_use())
    }
}

/// What an evening can be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum EveningInput {
    /// Somebody wants to go out.
    Planned,
    /// Somebody would rather stay at home.
    CalledOff,
    /// A part was promised or refused.
    Answered { part: Part, yes: bool },
}

impl Process for Evening {
    type Input = EveningInput;

    fn decide(&self, input: &EveningInput, at: Timestamp) -> Vec<EveningEvent> {
        let answer_by = at.saturating_add(PATIENCE);
        let mut events = match *input {
            EveningInput::Planned if self.parts.is_empty() => {
                Part::ALL.map(|part| EveningEvent::Requested { part, answer_by }).to_vec()
            }
            EveningInput::Planned => Vec::new(),
            EveningInput::CalledOff => self.standing().map(|part| EveningEvent::CancelRequested { part }).collect(),
            EveningInput::Answered { part, yes } => match (self.part(part), yes) {
                (Some(PartState::Asked { .. }), true) => vec![EveningEvent::Confirmed { part }],
                (Some(PartState::Asked { .. }), false) => vec![EveningEvent::Refused { part }],
                // Too late: nobody counts on it any more, so it is given back.
                (Some(PartState::Failed), true) => vec![EveningEvent::CancelRequested { part }],
                _ => Vec::new(),
            },
        };
        let mut after = self.clone();
        events.iter().for_each(|event| after.apply(event));
        while let Some(event) = after.of_no_use() {
            after.apply(&event);
            events.push(event);
        }
        events
    }
}

impl Timed for Evening {
    const TIMERS: &'static str = "evening_timers";

    fn timers(event: &EveningEvent) -> Vec<TimerChange> {
        match *event {
            EveningEvent::Requested { part, answer_by } => vec![TimerChange::set(part.timer(), answer_by)],
            EveningEvent::Confirmed { part }
            | EveningEvent::Refused { part }
            | EveningEvent::TimedOut { part, .. }
            | EveningEvent::CancelRequested { part } => vec![TimerChange::clear(part.timer())],
        }
    }
}
