//! Receive a transfer: its goods have come, all of them or some, and what has not is in transit still or lost.

use cqrs::{Aggregate, Command, Decision, Invalid, States, Streams};

use super::{ArrivedUnits, Line, Transfer, TransferAnswer, TransferEvent, TransferState, WrongTransition};
use crate::domain::ids::{DeliveryId, LineId, LocationId, QUANTITY_MAX, Sku, TransferId};
use crate::domain::receipt::DELIVERIES_MAX;
use crate::domain::reservation::LINES_MAX;
use crate::domain::reservation::reserve::unique;
use crate::domain::stock_item::{Delivery, Inbound, ON_HAND_MAX, StockEvent, StockItem};

/// Books goods of a transfer in, and off what is in transit. The same delivery again changes nothing.
#[derive(Clone, Debug)]
pub struct ReceiveTransfer {
    /// The transfer.
    pub transfer_id: TransferId,
    /// Which time that goods of it come: the client's id, unique in the transfer.
    pub delivery: DeliveryId,
    /// What became of which line: 1 to 2,000; all that is in transit has come unless given.
    pub lines: Option<Vec<ArrivedUnits>>,
}

/// Why nothing is booked.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReceiveTransferRejection {
    /// No such transfer.
    #[error("transfer {transfer_id} does not exist")]
    UnknownTransfer {
        /// The id.
        transfer_id: TransferId,
    },
    /// The transfer has no such line.
    #[error("transfer {transfer_id} has no line {line_id}")]
    UnknownLine {
        /// The transfer.
        transfer_id: TransferId,
        /// The line.
        line_id: LineId,
    },
    /// Nothing of it is in transit.
    #[error(transparent)]
    WrongTransition(#[from] WrongTransition),
    /// The delivery's id is taken by one of other content: use a new one.
    #[error("delivery {delivery} of transfer {transfer_id} was booked with other content")]
    DeliveryConflict {
        /// The transfer.
        transfer_id: TransferId,
        /// The delivery.
        delivery: DeliveryId,
    },
    /// More came, or was lost, than is in transit.
    #[error("line {line_id} has {in_transit} units in transit: {wanted} cannot have come or been lost")]
    MoreThanShipped {
        /// The line.
        line_id: LineId,
        /// Units in transit.
        in_transit: i64,
        /// Units that came or were lost, as the command says.
        wanted: i64,
    },
    /// It would exceed 1,000,000,000,000 units at one location.
    #[error("{on_hand} of SKU {sku} on hand at {location}: {quantity} more would exceed 1,000,000,000,000")]
    TooMuch {
        /// The SKU.
        sku: Sku,
        /// The location.
        location: LocationId,
        /// Units on hand there.
        on_hand: i64,
        /// Units that came.
        quantity: i64,
    },
    /// Its goods have come 200 times: book all that is left at once.
    #[error("goods of transfer {transfer_id} have come 200 times: book all that is left at once")]
    TooManyDeliveries {
        /// The transfer.
        transfer_id: TransferId,
    },
}

impl Command for ReceiveTransfer {
    const NAME: &'static str = "receive-transfer";
    type Answer = TransferAnswer;
    type Rejection = ReceiveTransferRejection;

    fn validate(&self) -> Result<(), Invalid> {
        let Some(lines) = &self.lines else { return Ok(()) };
        if !(1..=LINES_MAX).contains(&lines.len()) {
            return Err(Invalid::field("/lines", "1 to 2,000 lines"));
        }
        for (place, ArrivedUnits { quantity, damaged, lost, .. }) in lines.iter().enumerate() {
            let counted = |units: &i64| (0..=QUANTITY_MAX).contains(units);
            if !counted(quantity) {
                return Err(Invalid::field(format!("/lines/{place}/quantity"), "0 to 1,000,000,000"));
            }
            if !counted(lost) || quantity + lost == 0 {
                let detail = "0 to 1,000,000,000; at least one unit has come or is lost";
                return Err(Invalid::field(format!("/lines/{place}/lost"), detail));
            }
            if !(0..=*quantity).contains(damaged) {
                return Err(Invalid::field(format!("/lines/{place}/damaged"), "0 to the quantity that came"));
            }
        }
        unique(lines.iter().map(|line| &line.line_id))
    }

    fn streams(&self) -> Streams {
        Streams::one(&Transfer::stream(&self.transfer_id))
    }

    fn decide(&self, states: &States<'_>) -> Result<Decision<TransferAnswer>, ReceiveTransferRejection> {
        let stream = Transfer::stream(&self.transfer_id);
        let transfer = states.of(&stream);
        let mut shelves = transfer.shelves(states);
        let (transfer_id, delivery) = (self.transfer_id.clone(), self.delivery.clone());
        if !transfer.exists() {
            return Err(ReceiveTransferRejection::UnknownTransfer { transfer_id });
        }
        if let Some(booked) = transfer.deliveries.get(&self.delivery) {
            if self.lines.as_ref().is_some_and(|lines| lines != booked) {
                return Err(ReceiveTransferRejection::DeliveryConflict { transfer_id, delivery });
            }
            let answer = TransferAnswer { transfer: transfer.view(&self.transfer_id), repeated: true };
            return Ok(Decision::answer(answer));
        }
        let from = transfer.state();
        if !from.is_in_transit() {
            return Err(WrongTransition { from, to: TransferState::Received }.into());
        }
        // All that is left may always come: nothing is in transit for ever.
        if transfer.deliveries.len() >= DELIVERIES_MAX && self.lines.is_some() {
            return Err(ReceiveTransferRejection::TooManyDeliveries { transfer_id });
        }
        let lines = self.lines.clone().unwrap_or_else(|| all_that_is_left(&transfer));
        for units in &lines {
            let line = transfer.line(&units.line_id).ok_or_else(|| ReceiveTransferRejection::UnknownLine {
                transfer_id: transfer_id.clone(),
                line_id: units.line_id.clone(),
            })?;
            for event in self.book(&transfer, line, units, shelves.item(&line.sku))? {
                shelves.record(&line.sku, event);
            }
        }
        let received = TransferEvent::Received { delivery, lines };
        let mut after = (*transfer).clone();
        after.apply(&received);
        let answer = TransferAnswer { transfer: after.view(&self.transfer_id), repeated: false };
        Ok(shelves.record_in(Decision::answer(answer).record(&stream, received)))
    }
}

fn all_that_is_left(transfer: &Transfer) -> Vec<ArrivedUnits> {
    let left =
        |line: &Line| ArrivedUnits { line_id: line.line_id.clone(), quantity: line.outstanding(), damaged: 0, lost: 0 };
    transfer.lines.iter().filter(|line| line.outstanding() > 0).map(left).collect()
}

impl ReceiveTransfer {
    /// What `units` of `line` that came, or were lost, mean for the stock.
    fn book(
        &self,
        transfer: &Transfer,
        line: &Line,
        units: &ArrivedUnits,
        item: &StockItem,
    ) -> Result<Vec<StockEvent>, ReceiveTransferRejection> {
        let ArrivedUnits { quantity, damaged, lost, .. } = *units;
        let (in_transit, wanted) = (line.outstanding(), quantity + lost);
        if wanted > in_transit {
            let line_id = line.line_id.clone();
            return Err(ReceiveTransferRejection::MoreThanShipped { line_id, in_transit, wanted });
        }
        let Some(arrival) = transfer.arrival(&self.transfer_id, line, lost) else { return Ok(Vec::new()) };
        let location = arrival.location.clone();
        let on_hand = item.level(&location).on_hand;
        if on_hand + quantity > ON_HAND_MAX {
            return Err(ReceiveTransferRejection::TooMuch { sku: line.sku.clone(), location, on_hand, quantity });
        }
        let came = Delivery {
            by: Inbound::Transfer(self.transfer_id.clone()),
            line: line.line_id.clone(),
            delivery: self.delivery.clone(),
            location,
            quantity,
            damaged,
            expected: quantity,
            expected_at: Some(arrival.expected_at),
        };
        let came = (quantity > 0).then_some(StockEvent::Delivered(came));
        Ok(came.into_iter().chain((lost > 0).then_some(StockEvent::LostInTransit(arrival))).collect())
    }
}

#[cfg(test)]
mod tests {
    use cqrs::testkit::Given;

    use super::*;
    use crate::domain::fixtures::{delivery, line, place, ship, sku, stocked, transfer, transfer_id};
    use crate::domain::stock_item::Level;

    fn in_transit() -> Given {
        let stock = stocked(&[("TEA", "main", 10), ("MUG", "main", 5), ("TEA", "berlin", 1)]);
        stock.when(transfer("t", &[("TEA", 6), ("MUG", 2)])).and_when(ship("t", 100)).given()
    }

    fn receive(id: &str, lines: &[(&str, i64, i64, i64)]) -> ReceiveTransfer {
        let units = |&(id, quantity, damaged, lost): &(&str, i64, i64, i64)| ArrivedUnits {
            line_id: line(id),
            quantity,
            damaged,
            lost,
        };
        let lines = Some(lines.iter().map(units).collect());
        ReceiveTransfer { transfer_id: transfer_id("t"), delivery: delivery(id), lines }
    }

    /// On hand at both places, damaged, in transit.
    fn tea(given: &Given) -> (i64, i64, i64, i64) {
        let item = given.state(&StockItem::stream(&sku("TEA")));
        let there = item.level(&place("berlin"));
        (item.level(&place("main")).on_hand, there.on_hand, there.damaged, item.incoming().in_transit())
    }

    #[test]
    fn what_comes_is_on_hand_and_what_is_lost_is_gone() {
        let part = in_transit().when(receive("d1", &[("1", 3, 1, 1)]));
        assert_eq!(part.answer().transfer.state, TransferState::PartiallyReceived);
        let given = part.given();
        assert_eq!(tea(&given), (4, 4, 1, 2));
        let rest = given.when(ReceiveTransfer { lines: None, ..receive("d2", &[]) });
        assert_eq!(rest.answer().transfer.state, TransferState::Received);
        let given = rest.given();
        assert_eq!(tea(&given), (4, 6, 1, 0));
        let item = given.state(&StockItem::stream(&sku("MUG")));
        assert_eq!(item.level(&place("berlin")), Level { on_hand: 2, ..Level::default() });
        let wrong = WrongTransition { from: TransferState::Received, to: TransferState::Received };
        let _ = given.when(receive("d3", &[("1", 1, 0, 0)])).then_nothing().then_rejected(&wrong.into());
    }

    #[test]
    fn a_line_can_be_lost_as_a_whole() {
        let lost = in_transit().when(receive("d1", &[("1", 0, 0, 6), ("2", 0, 0, 2)]));
        assert_eq!(lost.answer().transfer.state, TransferState::Received);
        assert_eq!(tea(&lost.given()), (4, 1, 0, 0));
    }

    #[test]
    fn a_delivery_is_booked_once_and_no_more_comes_than_left() {
        let first = in_transit().when(receive("d1", &[("1", 3, 0, 1)]));
        let again = first.and_when(receive("d1", &[("1", 3, 0, 1)])).then_nothing();
        assert!(again.answer().repeated);
        let conflict =
            ReceiveTransferRejection::DeliveryConflict { transfer_id: transfer_id("t"), delivery: delivery("d1") };
        let given = again.and_when(receive("d1", &[("1", 3, 0, 0)])).then_nothing().then_rejected(&conflict).given();
        let more = ReceiveTransferRejection::MoreThanShipped { line_id: line("1"), in_transit: 2, wanted: 3 };
        let _ = given.when(receive("d2", &[("1", 2, 0, 1)])).then_nothing().then_rejected(&more);
    }

    #[test]
    fn what_has_not_left_and_what_is_unknown_is_refused() {
        let unknown = ReceiveTransferRejection::UnknownTransfer { transfer_id: transfer_id("t") };
        let _ = stocked(&[]).when(receive("d", &[("1", 1, 0, 0)])).then_rejected(&unknown);
        let stock = stocked(&[("TEA", "main", 10), ("TEA", "berlin", 1)]).when(transfer("t", &[("TEA", 6)]));
        let wrong = WrongTransition { from: TransferState::Requested, to: TransferState::Received };
        let _ = stock.and_when(receive("d", &[("1", 1, 0, 0)])).then_nothing().then_rejected(&wrong.into());
        let unknown = ReceiveTransferRejection::UnknownLine { transfer_id: transfer_id("t"), line_id: line("9") };
        let _ =
            in_transit().when(receive("d", &[("1", 1, 0, 0), ("9", 1, 0, 0)])).then_nothing().then_rejected(&unknown);
        for (wrong, pointer) in [
            (("1", -1, 0, 0), "/lines/0/quantity"),
            (("1", 0, 0, 0), "/lines/0/lost"),
            (("1", 1, 0, -1), "/lines/0/lost"),
            (("1", 1, 2, 0), "/lines/0/damaged"),
            (("1", QUANTITY_MAX + 1, 0, 0), "/lines/0/quantity"),
        ] {
            let _ = in_transit().when(receive("d", &[wrong])).then_invalid(pointer);
        }
        let _ = in_transit().when(receive("d", &[])).then_invalid("/lines");
    }
}
