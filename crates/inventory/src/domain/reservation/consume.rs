//! Consume: committed units have left the house, all of them or some.

use cqrs::{Command, Decision, Invalid, States, Streams};

use super::reserve::unique;
use super::shelves::Shelves;
use super::view::{ReservationAnswer, ReservationState, WrongTransition};
use super::{LINES_MAX, Line, LineUnits, Reservation, ReservationEvent};
use crate::domain::ids::{LineId, Quantity, ReservationId, Sku};
use crate::domain::stock_item::{Allocation, StockEvent};

/// Takes committed units off the books. Of one that is consumed already, it changes nothing.
#[derive(Clone, Debug)]
pub struct Consume {
    /// The reservation.
    pub reservation_id: ReservationId,
    /// What has left: 1 to 2,000 lines; all that is left unless given.
    pub lines: Option<Vec<(LineId, Quantity)>>,
}

/// Why nothing is consumed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConsumeRejection {
    /// No such reservation.
    #[error("reservation {reservation_id} does not exist")]
    UnknownReservation {
        /// The id.
        reservation_id: ReservationId,
    },
    /// The reservation has no such line.
    #[error("the reservation has no line {line_id}")]
    UnknownLine {
        /// The line.
        line_id: LineId,
    },
    /// It is not committed.
    #[error(transparent)]
    WrongTransition(#[from] WrongTransition),
    /// The line holds less.
    #[error("line {line_id} holds {held} units: cannot consume {wanted}")]
    TooMuch {
        /// The line.
        line_id: LineId,
        /// Units that have left, as the command says.
        wanted: i64,
        /// Units the line holds.
        held: i64,
    },
    /// The units were promised as a backorder and have not come in: book the receipt first.
    #[error("line {line_id} of SKU {sku}: {wanted} units cannot have left, {on_hand} are on hand where it holds them")]
    NotOnHand {
        /// The line.
        line_id: LineId,
        /// Its SKU.
        sku: Sku,
        /// Units that have left, as the command says.
        wanted: i64,
        /// Units on hand for it.
        on_hand: i64,
    },
}

impl Command for Consume {
    const NAME: &'static str = "consume";
    type Answer = ReservationAnswer;
    type Rejection = ConsumeRejection;

    fn validate(&self) -> Result<(), Invalid> {
        match &self.lines {
            Some(lines) if !(1..=LINES_MAX).contains(&lines.len()) => Err(Invalid::field("/lines", "1 to 2,000 lines")),
            Some(lines) => unique(lines.iter().map(|(line_id, _)| line_id)),
            None => Ok(()),
        }
    }

    fn streams(&self) -> Streams {
        Streams::one(&Reservation::stream(&self.reservation_id))
    }

    fn decide(&self, states: &States<'_>) -> Result<Decision<ReservationAnswer>, ConsumeRejection> {
        let stream = Reservation::stream(&self.reservation_id);
        let reservation = states.of(&stream);
        if !reservation.exists() {
            return Err(ConsumeRejection::UnknownReservation { reservation_id: self.reservation_id.clone() });
        }
        let mut shelves = Shelves::of(states, &reservation);
        let events = match reservation.state(states.at()) {
            ReservationState::Confirmed | ReservationState::PartiallyConsumed => {
                let wanted = self.wanted(&reservation)?;
                let gone = wanted.into_iter().map(|(line, units)| self.take(line, units, &mut shelves));
                vec![ReservationEvent::Consumed { lines: gone.collect::<Result<_, _>>()? }]
            }
            ReservationState::Consumed => {
                self.check_gone(&reservation)?;
                Vec::new()
            }
            from => return Err(WrongTransition::new(from, ReservationState::Consumed).into()),
        };
        Ok(shelves.decide(&self.reservation_id, &stream, &reservation, events))
    }
}

impl Consume {
    /// The lines that are meant, each with its units.
    fn wanted<'r>(&self, reservation: &'r Reservation) -> Result<Vec<(&'r Line, i64)>, ConsumeRejection> {
        let Some(lines) = &self.lines else {
            return Ok(reservation
                .lines
                .iter()
                .map(|line| (line, line.held()))
                .filter(|(_, held)| *held > 0)
                .collect());
        };
        let find = |(line_id, quantity): &(LineId, Quantity)| {
            let line = reservation.line(line_id);
            let line = line.ok_or_else(|| ConsumeRejection::UnknownLine { line_id: line_id.clone() })?;
            let (wanted, held) = (quantity.units(), line.held());
            if wanted > held {
                return Err(ConsumeRejection::TooMuch { line_id: line_id.clone(), wanted, held });
            }
            Ok((line, wanted))
        };
        lines.iter().map(find).collect()
    }

    /// Takes `wanted` units of `line` from where they are, as far as they are there.
    fn take(&self, line: &Line, wanted: i64, shelves: &mut Shelves<'_>) -> Result<LineUnits, ConsumeRejection> {
        let mut left = wanted;
        let mut gone = Vec::with_capacity(1);
        for held in &line.allocations {
            let on_hand = shelves.item(&line.sku).level(&held.location).sound();
            let quantity = left.min(held.quantity).min(on_hand);
            if quantity > 0 {
                let taken = Allocation { location: held.location.clone(), quantity };
                let hold = line.hold(&self.reservation_id, &taken, None);
                shelves.record(&line.sku, StockEvent::Consumed(hold));
                gone.push(taken);
                left -= quantity;
            }
        }
        if left > 0 {
            let (line_id, sku, on_hand) = (line.line_id.clone(), line.sku.clone(), wanted - left);
            return Err(ConsumeRejection::NotOnHand { line_id, sku, wanted, on_hand });
        }
        Ok(LineUnits { line_id: line.line_id.clone(), allocations: gone })
    }

    /// Of a consumed reservation only what has left can be said to have left.
    fn check_gone(&self, reservation: &Reservation) -> Result<(), ConsumeRejection> {
        for (line_id, quantity) in self.lines.iter().flatten() {
            let line = reservation.line(line_id);
            let line = line.ok_or_else(|| ConsumeRejection::UnknownLine { line_id: line_id.clone() })?;
            if quantity.units() > line.consumed {
                return Err(ConsumeRejection::TooMuch { line_id: line_id.clone(), wanted: quantity.units(), held: 0 });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use cqrs::testkit::Given;

    use super::super::confirm::Confirm;
    use super::*;
    use crate::domain::fixtures::{counters, line, reservation, reserve, sku, stocked, units};
    use crate::domain::stock_item::update::UpdateSku;

    fn consume(lines: Option<&[(&str, i64)]>) -> Consume {
        let lines = lines.map(|lines| lines.iter().map(|&(id, quantity)| (line(id), units(quantity))).collect());
        Consume { reservation_id: reservation("r"), lines }
    }

    fn confirmed() -> Given {
        let held = stocked(&[("TEA", "main", 5), ("MUG", "main", 5)]).when(reserve("r", &[("TEA", 2), ("MUG", 1)]));
        held.and_when(Confirm { reservation_id: reservation("r") }).given()
    }

    #[test]
    fn a_cart_of_many_skus_is_consumed_at_once() {
        let names: Vec<String> = (0..20).map(|n| format!("SKU-{n}")).collect();
        let levels: Vec<(&str, &str, i64)> = names.iter().map(|name| (name.as_str(), "main", 5)).collect();
        let lines: Vec<(&str, i64)> = names.iter().map(|name| (name.as_str(), 1)).collect();
        let confirm = Confirm { reservation_id: reservation("r") };
        let all = Consume { reservation_id: reservation("r"), lines: None };
        let gone = stocked(&levels).when(reserve("r", &lines)).and_when(confirm).and_when(all);
        assert_eq!(gone.answer().reservation.state, ReservationState::Consumed);
    }

    #[test]
    fn units_leave_in_parts_until_all_have_left() {
        let part = confirmed().when(consume(Some(&[("1", 1)])));
        assert_eq!(part.answer().reservation.state, ReservationState::PartiallyConsumed);
        assert_eq!(part.answer().reservation.lines[0].held, 1);
        let rest = part.and_when(consume(None));
        assert_eq!(rest.answer().reservation.state, ReservationState::Consumed);
        let given = rest.given();
        assert_eq!((counters(&given, "TEA"), counters(&given, "MUG")), ((3, 0, 0), (4, 0, 0)));
        let _ = given.clone().when(consume(None)).then_nothing();
        let _ = given.when(consume(Some(&[("1", 2)]))).then_nothing();
    }

    #[test]
    fn no_line_gives_more_than_it_holds() {
        let too_much = ConsumeRejection::TooMuch { line_id: line("1"), wanted: 3, held: 2 };
        let _ = confirmed().when(consume(Some(&[("2", 1), ("1", 3)]))).then_nothing().then_rejected(&too_much);
        let unknown = ConsumeRejection::UnknownLine { line_id: line("9") };
        let _ = confirmed().when(consume(Some(&[("9", 1)]))).then_rejected(&unknown);
        let all = confirmed().when(consume(None));
        let too_much = ConsumeRejection::TooMuch { line_id: line("1"), wanted: 3, held: 0 };
        let _ = all.and_when(consume(Some(&[("1", 3)]))).then_rejected(&too_much);
        let _ = confirmed().when(consume(Some(&[("1", 1), ("1", 1)]))).then_invalid("/lines/1/lineId");
    }

    #[test]
    fn only_what_is_committed_can_leave() {
        let unknown = ConsumeRejection::UnknownReservation { reservation_id: reservation("r") };
        let _ = stocked(&[]).when(consume(None)).then_rejected(&unknown);
        let wrong = WrongTransition::new(ReservationState::Held, ReservationState::Consumed);
        let held = stocked(&[("TEA", "main", 5)]).when(reserve("r", &[("TEA", 2)]));
        let _ = held.and_when(consume(None)).then_rejected(&wrong.into());
    }

    #[test]
    fn a_backorder_cannot_leave_before_it_has_come() {
        let limit = UpdateSku { sku: sku("TEA"), name: None, safety_stock: None, backorder_limit: Some(5) };
        let held = stocked(&[("TEA", "main", 1)]).when(limit).and_when(reserve("r", &[("TEA", 3)]));
        let given = held.and_when(Confirm { reservation_id: reservation("r") }).given();
        let missing = ConsumeRejection::NotOnHand { line_id: line("1"), sku: sku("TEA"), wanted: 3, on_hand: 1 };
        let _ = given.when(consume(None)).then_nothing().then_rejected(&missing);
    }
}
