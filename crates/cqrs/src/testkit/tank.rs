//! The little domain that the executor contract decides on: tanks of one litre units that must not run dry or over.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::aggregate::{Aggregate, Stream};
use crate::command::{Command, Decision, States, Streams};
use crate::time::Timestamp;

/// The most a tank holds.
pub(super) const CAPACITY: i64 = 100;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Tank {
    pub(super) level: i64,
    /// A portion that flows back at an instant if it is not drawn by then.
    pub(super) on_loan: Option<(i64, Timestamp)>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum TankEvent {
    Filled { litres: i64 },
    Drawn { litres: i64 },
    Lent { litres: i64, until: Timestamp },
    Returned { litres: i64 },
}

impl Aggregate for Tank {
    const KIND: &'static str = "tank";
    type Event = TankEvent;

    fn apply(&mut self, event: &TankEvent) {
        match *event {
            TankEvent::Filled { litres } => self.level += litres,
            TankEvent::Drawn { litres } => self.level -= litres,
            TankEvent::Lent { litres, until } => {
                self.level -= litres;
                self.on_loan = Some((litres, until));
            }
            TankEvent::Returned { litres } => {
                self.level += litres;
                self.on_loan = None;
            }
        }
    }

    fn due(&self, at: Timestamp) -> Option<TankEvent> {
        let (litres, until) = self.on_loan?;
        (until <= at).then_some(TankEvent::Returned { litres })
    }
}

pub(super) fn tank(id: &str) -> Stream<Tank> {
    Stream::new(id)
}

#[derive(Debug, PartialEq, thiserror::Error)]
pub(super) enum Refused {
    #[error("only {level} litres are there")]
    TooLittle { level: i64 },
    #[error("only {room} litres have room")]
    TooMuch { room: i64 },
}

/// Fills a tank.
#[derive(Clone)]
pub(super) struct Fill {
    pub(super) tank: String,
    pub(super) litres: i64,
}

impl Command for Fill {
    const NAME: &'static str = "fill";
    type Answer = i64;
    type Rejection = Refused;

    fn streams(&self) -> Streams {
        Streams::one(&tank(&self.tank))
    }

    fn decide(&self, states: &States<'_>) -> Result<Decision<i64>, Refused> {
        let stream = tank(&self.tank);
        let room = CAPACITY - states.of(&stream).level;
        if self.litres > room {
            return Err(Refused::TooMuch { room });
        }
        let level = CAPACITY - room + self.litres;
        Ok(Decision::answer(level).record(&stream, TankEvent::Filled { litres: self.litres }))
    }
}

/// Draws from a tank; answers what is left.
#[derive(Clone)]
pub(super) struct Draw {
    pub(super) tank: String,
    pub(super) litres: i64,
}

impl Command for Draw {
    const NAME: &'static str = "draw";
    type Answer = i64;
    type Rejection = Refused;

    fn streams(&self) -> Streams {
        Streams::one(&tank(&self.tank))
    }

    fn decide(&self, states: &States<'_>) -> Result<Decision<i64>, Refused> {
        let stream = tank(&self.tank);
        let level = states.of(&stream).level;
        if level < self.litres {
            return Err(Refused::TooLittle { level });
        }
        Ok(Decision::answer(level - self.litres).record(&stream, TankEvent::Drawn { litres: self.litres }))
    }
}

/// Lends a portion of a tank for a time.
#[derive(Clone)]
pub(super) struct Lend {
    pub(super) tank: String,
    pub(super) litres: i64,
    pub(super) for_time: Duration,
}

impl Command for Lend {
    const NAME: &'static str = "lend";
    type Answer = Timestamp;
    type Rejection = Refused;

    fn streams(&self) -> Streams {
        Streams::one(&tank(&self.tank))
    }

    fn decide(&self, states: &States<'_>) -> Result<Decision<Timestamp>, Refused> {
        let stream = tank(&self.tank);
        let level = states.of(&stream).level;
        if level < self.litres {
            return Err(Refused::TooLittle { level });
        }
        let until = states.at().saturating_add(self.for_time);
        Ok(Decision::answer(until).record(&stream, TankEvent::Lent { litres: self.litres, until }))
    }
}

/// Pours from one tank into others, evenly. Names only the first: the others are found while deciding.
#[derive(Clone)]
pub(super) struct Pour {
    pub(super) from: String,
    pub(super) into: Vec<String>,
    pub(super) litres_each: i64,
}

impl Command for Pour {
    const NAME: &'static str = "pour";
    type Answer = ();
    type Rejection = Refused;

    fn streams(&self) -> Streams {
        Streams::one(&tank(&self.from))
    }

    fn decide(&self, states: &States<'_>) -> Result<Decision<()>, Refused> {
        let from = tank(&self.from);
        let level = states.of(&from).level;
        let litres = self.litres_each * i64::try_from(self.into.len()).unwrap_or(i64::MAX);
        if level < litres {
            return Err(Refused::TooLittle { level });
        }
        let mut decision = Decision::answer(()).record(&from, TankEvent::Drawn { litres });
        for into in &self.into {
            let room = CAPACITY - states.of(&tank(into)).level;
            if self.litres_each > room {
                return Err(Refused::TooMuch { room });
            }
            decision = decision.record(&tank(into), TankEvent::Filled { litres: self.litres_each });
        }
        Ok(decision)
    }
}
