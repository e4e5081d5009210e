//! Reserve: holds stock for all lines of a reservation, all or nothing unless its owner takes what is there.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use cqrs::{Command, Decision, Invalid, States, Streams, Timestamp};

use super::shelves::{Shelves, Shortfall};
use super::sourcing::{LineSourcing, Sourcing, Strategy};
use super::view::{ReservationAnswer, ReservationState};
use super::{LINES_MAX, Line, Reservation, ReservationEvent, TTL_MAX, Terms};
use crate::domain::ids::{LineId, LocationId, OwnerId, Quantity, ReservationId, Sku};
use crate::domain::location::Location;
use crate::domain::stock_item::{StockItem, expiry};

/// Holds stock. The same id with the same content changes nothing and succeeds again.
#[derive(Clone, Debug)]
pub struct Reserve {
    /// The owner's id for it.
    pub reservation_id: ReservationId,
    /// What to hold: 1 to 2,000 lines.
    pub lines: Vec<ReserveLine>,
    /// How long, more than nothing and at most a week; without end unless given.
    pub ttl: Option<Duration>,
    /// Whether to hold what is there when a line is short.
    pub allow_partial: bool,
    /// Whom it is for, if that matters.
    pub owner: Option<OwnerId>,
    /// How locations are chosen for lines that name none; by [`StockItem::source`] unless given.
    pub strategy: Option<Strategy>,
    /// Whether the answer says why each location was chosen or passed over.
    pub explain: bool,
}

/// One line, as asked for.
#[derive(Clone, Debug)]
pub struct ReserveLine {
    /// Its id, unique in the reservation.
    pub line_id: LineId,
    /// What to hold. Several lines may name the same SKU.
    pub sku: Sku,
    /// How much of it.
    pub quantity: Quantity,
    /// Where it must come from; chosen by [`StockItem::source`] unless given.
    pub location: Option<LocationId>,
}

/// Why nothing is reserved.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReserveRejection {
    /// No such SKU.
    #[error("line {line}: SKU {sku} is not registered")]
    UnknownSku {
        /// The line's place, from 0.
        line: usize,
        /// The SKU.
        sku: Sku,
    },
    /// No such location.
    #[error("line {line}: location {location} is not registered")]
    UnknownLocation {
        /// The line's place, from 0.
        line: usize,
        /// The location.
        location: LocationId,
    },
    /// There is not enough.
    #[error("not enough stock for {} of the SKUs asked for", shortfalls.len())]
    InsufficientStock {
        /// All that is missing.
        shortfalls: Vec<Shortfall>,
    },
    /// The id is taken by a reservation of other content: use a new one.
    #[error("reservation {reservation_id} exists with other content")]
    IdConflict {
        /// The id.
        reservation_id: ReservationId,
    },
    /// It was reserved and has ended, or was released before it was reserved: use a new id.
    #[error("reservation {reservation_id} is {state}")]
    Ended {
        /// The id.
        reservation_id: ReservationId,
        /// RELEASED or EXPIRED.
        state: ReservationState,
    },
}

impl Command for Reserve {
    const NAME: &'static str = "reserve";
    type Answer = ReservationAnswer;
    type Rejection = ReserveRejection;

    fn validate(&self) -> Result<(), Invalid> {
        if !(1..=LINES_MAX).contains(&self.lines.len()) {
            return Err(Invalid::field("/lines", "1 to 2,000 lines"));
        }
        if self.ttl.is_some_and(|ttl| ttl.is_zero() || ttl > TTL_MAX) {
            return Err(Invalid::field("/ttlSeconds", "1 to 604,800"));
        }
        unique(self.lines.iter().map(|line| &line.line_id))
    }

    fn streams(&self) -> Streams {
        Streams::none()
            .and_all(self.lines.first().map(|first| Reservation::stream_beside(&self.reservation_id, &first.sku)))
            .and_those_of(self.streams_of_lines())
    }

    fn decide(&self, states: &States<'_>) -> Result<Decision<ReservationAnswer>, ReserveRejection> {
        let stream = match self.lines.first() {
            Some(first) => Reservation::stream_beside(&self.reservation_id, &first.sku),
            None => Reservation::stream(&self.reservation_id),
        };
        let reservation = states.of(&stream);
        let mut shelves = Shelves::new(states).for_owner(self.owner.clone());
        if reservation.exists() {
            self.check_repeated(&reservation, states)?;
            return Ok(shelves.decide(&self.reservation_id, &stream, &reservation, Vec::new()));
        }
        self.check_known(states, &mut shelves)?;
        let expires_at = self.ttl.map(|ttl| expiry(states.at(), ttl));
        let (lines, sourcing) = self.source(states, expires_at, &mut shelves);
        let short = lines.iter().any(|line| line.held() < line.requested);
        let nothing = lines.iter().all(|line| line.allocations.is_empty());
        if nothing || (short && !self.allow_partial) {
            let shortfalls = shelves.shortfalls(lines.iter().map(|line| (line, line.requested)));
            return Err(ReserveRejection::InsufficientStock { shortfalls });
        }
        let Terms { ttl_ms, allow_partial, owner, strategy } = self.terms();
        let reserved =
            ReservationEvent::Reserved { lines: Arc::new(lines), ttl_ms, expires_at, allow_partial, owner, strategy };
        let decision = shelves.decide(&self.reservation_id, &stream, &reservation, vec![reserved]);
        Ok(decision.map(|answer| ReservationAnswer { sourcing, ..answer }))
    }
}

impl Reserve {
    /// What lines and their locations are decided on.
    pub(super) fn streams_of_lines(&self) -> Streams {
        let locations = self.lines.iter().filter_map(|line| line.location.as_ref());
        Streams::none()
            .and_all(self.lines.iter().map(|line| StockItem::stream(&line.sku)))
            .and_all(locations.filter_map(Location::stream_unless_main))
    }

    fn terms(&self) -> Terms {
        let ttl_ms = self.ttl.map(|ttl| i64::try_from(ttl.as_millis()).unwrap_or(i64::MAX));
        let (owner, strategy) = (self.owner.clone(), self.strategy.clone());
        Terms { ttl_ms, allow_partial: self.allow_partial, owner, strategy }
    }

    /// Holds what can be had for every line; says why it is there, if that is asked.
    pub(super) fn source(
        &self,
        states: &States<'_>,
        expires_at: Option<Timestamp>,
        shelves: &mut Shelves<'_>,
    ) -> (Vec<Line>, Vec<LineSourcing>) {
        let mut lines: Vec<Line> = self.lines.iter().map(ReserveLine::unheld).collect();
        let mut sourcing = Sourcing::new(self.strategy.as_ref(), states, self.explain);
        let told = sourcing.hold(&self.reservation_id, &mut lines, expires_at, shelves);
        (lines, told)
    }

    /// Whether a reservation that exists is this very one, and still stands.
    fn check_repeated(&self, found: &Reservation, states: &States<'_>) -> Result<(), ReserveRejection> {
        let reservation_id = self.reservation_id.clone();
        let same_line = |(wish, line): (&ReserveLine, &Line)| {
            wish.line_id == line.line_id
                && wish.sku == line.sku
                && wish.quantity.units() == line.requested
                && wish.location == line.location
        };
        let same = found.terms.as_ref() == Some(&self.terms())
            && found.lines.len() == self.lines.len()
            && self.lines.iter().zip(found.lines.iter()).all(same_line);
        match found.state(states.at()) {
            state @ ReservationState::Released if same || found.lines.is_empty() => {
                Err(ReserveRejection::Ended { reservation_id, state })
            }
            _ if !same => Err(ReserveRejection::IdConflict { reservation_id }),
            state @ ReservationState::Expired => Err(ReserveRejection::Ended { reservation_id, state }),
            _ => Ok(()),
        }
    }

    /// Refuses SKUs and locations that nobody registered.
    pub(super) fn check_known(&self, states: &States<'_>, shelves: &mut Shelves<'_>) -> Result<(), ReserveRejection> {
        for (place, line) in self.lines.iter().enumerate() {
            if !shelves.item(&line.sku).is_registered() {
                return Err(ReserveRejection::UnknownSku { line: place, sku: line.sku.clone() });
            }
            match &line.location {
                Some(location) if !Location::is_known(states, location) => {
                    return Err(ReserveRejection::UnknownLocation { line: place, location: location.clone() });
                }
                _ => {}
            }
        }
        Ok(())
    }
}

impl ReserveLine {
    fn unheld(&self) -> Line {
        Line {
            line_id: self.line_id.clone(),
            sku: self.sku.clone(),
            requested: self.quantity.units(),
            location: self.location.clone(),
            allocations: Vec::new(),
            beyond: 0,
            consumed: 0,
            released: false,
        }
    }
}

/// Refuses a line id that occurs twice.
pub(in crate::domain) fn unique<'l>(line_ids: impl ExactSizeIterator<Item = &'l LineId>) -> Result<(), Invalid> {
    if line_ids.len() < 2 {
        return Ok(());
    }
    let mut seen = BTreeSet::new();
    for (place, line_id) in line_ids.enumerate() {
        if !seen.insert(line_id) {
            return Err(Invalid::field(format!("/lines/{place}/lineId"), format!("{line_id} is the id of two lines")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::release::Release;
    use super::*;
    use crate::domain::fixtures::{
        at, counters, found, line, missing, place, reservation, reserve, sku, stocked, units,
    };
    use crate::domain::stock_item::{Allocation, Hold, StockEvent};

    fn short(shortfalls: Vec<Shortfall>) -> ReserveRejection {
        ReserveRejection::InsufficientStock { shortfalls }
    }

    #[test]
    fn a_line_is_held_until_its_time_is_over() {
        let hold = Hold {
            reservation: reservation("r"),
            line: line("1"),
            location: place("main"),
            quantity: 2,
            expires_at: Some(at(1_010)),
            owner: None,
        };
        let when = stocked(&[("TEA", "main", 3)])
            .at(at(5))
            .when(reserve("r", &[("TEA", 2)]))
            .then_events(&StockItem::stream(&sku("TEA")), [StockEvent::Held(hold)]);
        let view = &when.answer().reservation;
        assert_eq!((view.state, view.expires_at), (ReservationState::Held, Some(at(1_010))));
        assert_eq!(view.lines[0].allocations, [Allocation { location: place("main"), quantity: 2 }]);
        let given = when.given();
        assert_eq!(found(&given, "r").state(at(1_009)), ReservationState::Held);
        assert_eq!(found(&given, "r").state(at(1_010)), ReservationState::Expired);
    }

    #[test]
    fn one_missing_line_holds_nothing_and_every_shortfall_is_told() {
        let when = stocked(&[("TEA", "main", 3), ("MUG", "main", 1), ("TIN", "main", 0)])
            .when(reserve("r", &[("TEA", 2), ("MUG", 2), ("TIN", 1)]))
            .then_nothing()
            .then_rejected(&short(vec![missing("MUG", None, 2, 1), missing("TIN", None, 1, 0)]));
        assert_eq!(counters(&when.given(), "TEA"), (3, 0, 0));
    }

    #[test]
    fn two_lines_of_one_sku_share_its_stock() {
        let stock = stocked(&[("TEA", "main", 3)]);
        let both = reserve("r", &[("TEA", 2), ("TEA", 2)]);
        let _ = stock.clone().when(both).then_rejected(&short(vec![missing("TEA", None, 4, 3)]));
        assert_eq!(counters(&stock.when(reserve("r", &[("TEA", 2), ("TEA", 1)])).given(), "TEA"), (3, 0, 3));
    }

    #[test]
    fn partial_holds_what_is_there_and_nothing_is_a_refusal() {
        let partial = |id, lines| Reserve { allow_partial: true, ..reserve(id, lines) };
        let when = stocked(&[("TEA", "main", 3)]).when(partial("r", &[("TEA", 2), ("TEA", 2)]));
        let view = &when.answer().reservation;
        assert_eq!(view.state, ReservationState::PartiallyHeld);
        assert_eq!(view.lines.iter().map(|line| line.held).collect::<Vec<_>>(), [2, 1]);
        let _ = when.and_when(partial("s", &[("TEA", 1)])).then_rejected(&short(vec![missing("TEA", None, 1, 0)]));
    }

    #[test]
    fn a_line_that_insists_on_a_location_goes_first_and_its_lack_is_told() {
        let stock = stocked(&[("TEA", "main", 2), ("TEA", "berlin", 2)]);
        let mut both = reserve("r", &[("TEA", 2), ("TEA", 2)]);
        both.lines[1].location = Some(place("main"));
        let view = stock.clone().when(both.clone()).answer().reservation.clone();
        assert_eq!(view.lines[0].allocations[0].location, place("berlin"));
        assert_eq!(view.lines[1].allocations[0].location, place("main"));
        both.lines[1].quantity = units(3);
        let both_lack = vec![missing("TEA", None, 5, 4), missing("TEA", Some("main"), 3, 2)];
        let mut refused = match stock.when(both).result() {
            Err(ReserveRejection::InsufficientStock { shortfalls }) => shortfalls.clone(),
            other => panic!("{other:?}"),
        };
        refused.sort_by(|a, b| a.location.cmp(&b.location));
        assert_eq!(refused, both_lack);
    }

    #[test]
    fn unknown_skus_and_locations_are_told_with_their_line() {
        let stock = stocked(&[("TEA", "main", 3)]);
        let unknown = ReserveRejection::UnknownSku { line: 1, sku: sku("MUG") };
        let _ = stock.clone().when(reserve("r", &[("TEA", 1), ("MUG", 1)])).then_rejected(&unknown);
        let mut nowhere = reserve("r", &[("TEA", 1)]);
        nowhere.lines[0].location = Some(place("nowhere"));
        let unknown = ReserveRejection::UnknownLocation { line: 0, location: place("nowhere") };
        let _ = stock.when(nowhere).then_rejected(&unknown);
    }

    #[test]
    fn the_same_again_is_the_same_success_and_other_content_a_conflict() {
        let first = stocked(&[("TEA", "main", 3)]).when(reserve("r", &[("TEA", 2)]));
        let answer = first.answer().reservation.clone();
        let again = first.and_when(reserve("r", &[("TEA", 2)])).then_nothing();
        assert_eq!(again.answer(), &ReservationAnswer { reservation: answer, repeated: true, sourcing: Vec::new() });
        let given = again.given();
        let conflict = ReserveRejection::IdConflict { reservation_id: reservation("r") };
        let mut elsewhere = reserve("r", &[("TEA", 2)]);
        elsewhere.lines[0].location = Some(place("main"));
        let others = [
            reserve("r", &[("TEA", 1)]),
            reserve("r", &[("TEA", 2), ("TEA", 1)]),
            reserve("r", &[("MUG", 2)]),
            Reserve { ttl: None, ..reserve("r", &[("TEA", 2)]) },
            Reserve { allow_partial: true, ..reserve("r", &[("TEA", 2)]) },
            elsewhere,
        ];
        for other in others {
            let _ = given.clone().when(other).then_nothing().then_rejected(&conflict);
        }
    }

    #[test]
    fn one_that_has_ended_is_refused_with_its_state() {
        let ended = |state| ReserveRejection::Ended { reservation_id: reservation("r"), state };
        let held = stocked(&[("TEA", "main", 3)]).when(reserve("r", &[("TEA", 2)])).given();
        let expired = held.clone().at(at(1_000)).when(reserve("r", &[("TEA", 2)]));
        let _ = expired.then_rejected(&ended(ReservationState::Expired));
        let released = held.when(Release { reservation_id: reservation("r") });
        let _ = released.and_when(reserve("r", &[("TEA", 2)])).then_rejected(&ended(ReservationState::Released));
    }

    #[test]
    fn shapes_are_checked_first() {
        let stock = stocked(&[("TEA", "main", 3)]);
        let none: &[(&str, i64)] = &[];
        let _ = stock.clone().when(reserve("r", none)).then_invalid("/lines");
        let _ = stock.clone().when(reserve("r", &[("TEA", 1); LINES_MAX + 1])).then_invalid("/lines");
        let mut twice = reserve("r", &[("TEA", 1), ("TEA", 1)]);
        twice.lines[1].line_id = line("1");
        let _ = stock.clone().when(twice).then_invalid("/lines/1/lineId");
        for ttl in [Duration::ZERO, TTL_MAX + Duration::from_millis(1)] {
            let wrong = Reserve { ttl: Some(ttl), ..reserve("r", &[("TEA", 1)]) };
            let _ = stock.clone().when(wrong).then_invalid("/ttlSeconds");
        }
    }
}
