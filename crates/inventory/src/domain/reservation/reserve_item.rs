//! Reserve one item: the short path, which opens a reservation SKU by SKU, each on a line of its own and without end.

use cqrs::{Command, Decision, States, Streams};

use super::shelves::{Shelves, Shortfall};
use super::view::{ReservationAnswer, ReservationState, WrongTransition};
use super::{LINES_MAX, Line, Reservation, ReservationEvent, Stage};
use crate::domain::ids::{LineId, Quantity, ReservationId, Sku};
use crate::domain::stock_item::StockItem;

/// Holds units of one SKU until they are released. The same again changes nothing.
#[derive(Clone, Debug)]
pub struct ReserveItem {
    /// The reservation; it may hold several SKUs.
    pub reservation_id: ReservationId,
    /// The SKU; its line has the SKU's id.
    pub sku: Sku,
    /// How many units.
    pub quantity: Quantity,
}

/// Why an item is not reserved.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReserveItemRejection {
    /// No such SKU.
    #[error("SKU {sku} is not registered")]
    UnknownSku {
        /// The SKU.
        sku: Sku,
    },
    /// There is not enough.
    #[error("{} of {} wanted, {} available", .0.sku, .0.requested, .0.available)]
    InsufficientStock(Shortfall),
    /// The reservation holds another quantity of the SKU, or was made with other content: use a new id.
    #[error("reservation {reservation_id} exists with other content")]
    IdConflict {
        /// The id.
        reservation_id: ReservationId,
    },
    /// The item, or all of the reservation, was given back: use a new id.
    #[error("reservation {reservation_id} is {state}")]
    Ended {
        /// The id.
        reservation_id: ReservationId,
        /// RELEASED or EXPIRED.
        state: ReservationState,
    },
    /// The reservation takes no further items.
    #[error(transparent)]
    WrongTransition(#[from] WrongTransition),
    /// The reservation has 2,000 lines: use a second one.
    #[error("reservation {reservation_id} has 2,000 lines and takes no more")]
    TooManyLines {
        /// The id.
        reservation_id: ReservationId,
    },
}

impl Command for ReserveItem {
    const NAME: &'static str = "reserve-item";
    type Answer = ReservationAnswer;
    type Rejection = ReserveItemRejection;

    fn streams(&self) -> Streams {
        let reservation = Reservation::stream_beside(&self.reservation_id, &self.sku);
        Streams::one(&reservation).and(&StockItem::stream(&self.sku))
    }

    fn decide(&self, states: &States<'_>) -> Result<Decision<ReservationAnswer>, ReserveItemRejection> {
        let stream = Reservation::stream_beside(&self.reservation_id, &self.sku);
        let reservation = states.of(&stream);
        let mut shelves = Shelves::new(states);
        if self.is_held(&reservation, states)? {
            return Ok(shelves.decide(&self.reservation_id, &stream, &reservation, Vec::new()));
        }
        if !shelves.item(&self.sku).is_registered() {
            return Err(ReserveItemRejection::UnknownSku { sku: self.sku.clone() });
        }
        let requested = self.quantity.units();
        let available = shelves.item(&self.sku).promisable(None);
        if available < requested {
            let sku = self.sku.clone();
            let shortfall = Shortfall { sku, location: None, requested, available };
            return Err(ReserveItemRejection::InsufficientStock(shortfall));
        }
        let mut line = Line {
            line_id: LineId::of(&self.sku),
            sku: self.sku.clone(),
            requested,
            location: None,
            allocations: Vec::new(),
            beyond: 0,
            consumed: 0,
            released: false,
        };
        shelves.hold(&self.reservation_id, &mut line, requested, None);
        let reserved = ReservationEvent::ItemReserved(line);
        Ok(shelves.decide(&self.reservation_id, &stream, &reservation, vec![reserved]))
    }
}

impl ReserveItem {
    /// Whether the reservation holds just this item already; an error if it cannot take it.
    fn is_held(&self, found: &Reservation, states: &States<'_>) -> Result<bool, ReserveItemRejection> {
        let reservation_id = self.reservation_id.clone();
        let state = found.state(states.at());
        let given_back = found.given_back.contains(&self.sku) || found.stage == Stage::Released;
        if given_back || state == ReservationState::Expired {
            let state = if given_back { ReservationState::Released } else { state };
            return Err(ReserveItemRejection::Ended { reservation_id, state });
        }
        if found.terms.is_some() || found.order.is_some() {
            return Err(ReserveItemRejection::IdConflict { reservation_id });
        }
        match found.line(&LineId::of(&self.sku)) {
            Some(line) if line.requested == self.quantity.units() => Ok(true),
            Some(_) => Err(ReserveItemRejection::IdConflict { reservation_id }),
            None if found.stage == Stage::Committed => Err(WrongTransition::new(state, ReservationState::Held).into()),
            None if found.lines.len() >= LINES_MAX => Err(ReserveItemRejection::TooManyLines { reservation_id }),
            None => Ok(false),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::release_item::ReleaseItem;
    use super::*;
    use crate::domain::fixtures::{at, counters, missing, reservation, reserve, sku, stocked, units};

    fn item(id: &str, quantity: i64) -> ReserveItem {
        ReserveItem { reservation_id: reservation("r"), sku: sku(id), quantity: units(quantity) }
    }

    #[test]
    fn a_reservation_opens_item_by_item_and_has_no_end() {
        let both = stocked(&[("TEA", "main", 5), ("MUG", "main", 5)]).when(item("TEA", 2)).and_when(item("MUG", 1));
        let view = &both.answer().reservation;
        assert_eq!(view.lines.iter().map(|line| line.line_id.as_str()).collect::<Vec<_>>(), ["TEA", "MUG"]);
        assert_eq!((view.state, view.expires_at), (ReservationState::Held, None));
        let again = both.and_when(item("TEA", 2)).then_nothing();
        assert!(again.answer().repeated);
        let conflict = ReserveItemRejection::IdConflict { reservation_id: reservation("r") };
        let given = again.and_when(item("TEA", 3)).then_rejected(&conflict).given();
        assert_eq!(counters(&given.at(at(i64::MAX / 2)), "TEA"), (5, 0, 2));
    }

    #[test]
    fn shortage_unknown_skus_and_other_reservations_are_refused() {
        let stock = stocked(&[("TEA", "main", 5)]);
        let short = ReserveItemRejection::InsufficientStock(missing("TEA", None, 6, 5));
        let _ = stock.clone().when(item("TEA", 6)).then_nothing().then_rejected(&short);
        let unknown = ReserveItemRejection::UnknownSku { sku: sku("MUG") };
        let _ = stock.clone().when(item("MUG", 1)).then_rejected(&unknown);
        let conflict = ReserveItemRejection::IdConflict { reservation_id: reservation("r") };
        let _ = stock.when(reserve("r", &[("TEA", 1)])).and_when(item("TEA", 1)).then_rejected(&conflict);
    }

    #[test]
    fn an_item_given_back_cannot_be_taken_again_under_the_id() {
        let back = ReleaseItem { reservation_id: reservation("r"), sku: sku("TEA") };
        let state = ReservationState::Released;
        let ended = ReserveItemRejection::Ended { reservation_id: reservation("r"), state };
        let stock = stocked(&[("TEA", "main", 5)]);
        let _ = stock.when(item("TEA", 2)).and_when(back).and_when(item("TEA", 2)).then_rejected(&ended);
    }
}
