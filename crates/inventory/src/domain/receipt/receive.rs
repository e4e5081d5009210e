//! Receive: goods that were announced have come, all of them or some, and are on hand.

use cqrs::{Aggregate, Command, Decision, Invalid, States, Streams};

use super::{DELIVERIES_MAX, Line, Receipt, ReceiptAnswer, ReceiptEvent, ReceiptState, ReceivedUnits, WrongTransition};
use crate::domain::ids::{DeliveryId, LineId, LocationId, Quantity, ReceiptId, Sku};
use crate::domain::reservation::reserve::unique;
use crate::domain::reservation::{LINES_MAX, Shelves};
use crate::domain::stock_item::{Delivery, Inbound, ON_HAND_MAX, StockEvent, StockItem};

/// Books goods of a receipt in. The same delivery again changes nothing.
///
/// Of each line a tenth more than announced may come (suppliers round up to boxes); what exceeds that is refused, and can
/// be booked as a receipt of its own, so that nobody's typing error fills the books.
#[derive(Clone, Debug)]
pub struct Receive {
    /// The receipt.
    pub receipt_id: ReceiptId,
    /// Which time that goods of it come: the client's id, unique in the receipt.
    pub delivery: DeliveryId,
    /// What came: 1 to 2,000 lines; all that is still to come unless given.
    pub lines: Option<Vec<ReceiveLine>>,
}

/// Units of one line that came.
#[derive(Clone, Debug)]
pub struct ReceiveLine {
    /// The line.
    pub line_id: LineId,
    /// How many units.
    pub quantity: Quantity,
    /// How many of them are damaged.
    pub damaged: i64,
}

/// Why goods are not booked in.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReceiveRejection {
    /// No such receipt.
    #[error("receipt {receipt_id} does not exist")]
    UnknownReceipt {
        /// The id.
        receipt_id: ReceiptId,
    },
    /// The receipt has no such line.
    #[error("receipt {receipt_id} has no line {line_id}")]
    UnknownLine {
        /// The receipt.
        receipt_id: ReceiptId,
        /// The line.
        line_id: LineId,
    },
    /// Nothing more is to come.
    #[error(transparent)]
    WrongTransition(#[from] WrongTransition),
    /// The delivery's id is taken by one of other content: use a new one.
    #[error("delivery {delivery} of receipt {receipt_id} was booked with other content")]
    DeliveryConflict {
        /// The receipt.
        receipt_id: ReceiptId,
        /// The delivery.
        delivery: DeliveryId,
    },
    /// More came than was announced and a tenth: book the rest as a receipt of its own.
    #[error(
        "{received} units of line {line_id} have come, {wanted} more are too many: {expected} were announced, so at most \
         {receivable} in all can be received"
    )]
    MoreThanExpected {
        /// The line.
        line_id: LineId,
        /// Units that were announced.
        expected: i64,
        /// Units that had come before.
        received: i64,
        /// Units that came now, as the command says.
        wanted: i64,
        /// The most units that may come in all.
        receivable: i64,
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
    /// Its goods have come 200 times: close it, and book the rest as a receipt of its own.
    #[error("goods of receipt {receipt_id} have come 200 times")]
    TooManyDeliveries {
        /// The receipt.
        receipt_id: ReceiptId,
    },
}

impl Command for Receive {
    const NAME: &'static str = "receive";
    type Answer = ReceiptAnswer;
    type Rejection = ReceiveRejection;

    fn validate(&self) -> Result<(), Invalid> {
        let Some(lines) = &self.lines else { return Ok(()) };
        if !(1..=LINES_MAX).contains(&lines.len()) {
            return Err(Invalid::field("/lines", "1 to 2,000 lines"));
        }
        check_damaged(lines.iter().map(|line| (line.quantity, line.damaged)))?;
        unique(lines.iter().map(|line| &line.line_id))
    }

    fn streams(&self) -> Streams {
        Streams::one(&Receipt::stream(&self.receipt_id))
    }

    fn decide(&self, states: &States<'_>) -> Result<Decision<ReceiptAnswer>, ReceiveRejection> {
        let stream = Receipt::stream(&self.receipt_id);
        let receipt = states.of(&stream);
        let mut shelves = receipt.shelves(states);
        if !receipt.exists() {
            return Err(ReceiveRejection::UnknownReceipt { receipt_id: self.receipt_id.clone() });
        }
        if let Some(booked) = receipt.deliveries.get(&self.delivery) {
            return self.repeated(&receipt, booked);
        }
        let from = receipt.state();
        if !from.is_open() {
            return Err(WrongTransition { from, to: ReceiptState::Received }.into());
        }
        if receipt.deliveries.len() >= DELIVERIES_MAX {
            return Err(ReceiveRejection::TooManyDeliveries { receipt_id: self.receipt_id.clone() });
        }
        let lines = self.came(&receipt);
        for units in &lines {
            let line = receipt.line(&units.line_id).ok_or_else(|| self.unknown_line(&units.line_id))?;
            let delivered = self.book(&receipt, line, units, shelves.item(&line.sku))?;
            shelves.record(&line.sku, StockEvent::Delivered(delivered));
        }
        let received = ReceiptEvent::Received { delivery: self.delivery.clone(), lines };
        let mut after = (*receipt).clone();
        after.apply(&received);
        let answer = ReceiptAnswer { receipt: after.view(&self.receipt_id), repeated: false };
        Ok(shelves.record_in(Decision::answer(answer).record(&stream, received)))
    }
}

impl Receive {
    fn repeated(
        &self,
        receipt: &Receipt,
        booked: &[ReceivedUnits],
    ) -> Result<Decision<ReceiptAnswer>, ReceiveRejection> {
        // One that meant all there was is the same again, whatever that was.
        if self.lines.is_some() && self.came(receipt) != booked {
            let (receipt_id, delivery) = (self.receipt_id.clone(), self.delivery.clone());
            return Err(ReceiveRejection::DeliveryConflict { receipt_id, delivery });
        }
        Ok(Decision::answer(ReceiptAnswer { receipt: receipt.view(&self.receipt_id), repeated: true }))
    }

    fn came(&self, receipt: &Receipt) -> Vec<ReceivedUnits> {
        let named = |line: &ReceiveLine| ReceivedUnits {
            line_id: line.line_id.clone(),
            quantity: line.quantity.units(),
            damaged: line.damaged,
        };
        let rest =
            |line: &Line| ReceivedUnits { line_id: line.line_id.clone(), quantity: line.outstanding(), damaged: 0 };
        match &self.lines {
            Some(lines) => lines.iter().map(named).collect(),
            None => receipt.lines.iter().filter(|line| line.outstanding() > 0).map(rest).collect(),
        }
    }

    fn unknown_line(&self, line_id: &LineId) -> ReceiveRejection {
        ReceiveRejection::UnknownLine { receipt_id: self.receipt_id.clone(), line_id: line_id.clone() }
    }

    fn book(
        &self,
        receipt: &Receipt,
        line: &Line,
        units: &ReceivedUnits,
        item: &StockItem,
    ) -> Result<Delivery, ReceiveRejection> {
        let (quantity, receivable) = (units.quantity, line.receivable());
        if line.received + quantity > receivable {
            return Err(ReceiveRejection::MoreThanExpected {
                line_id: line.line_id.clone(),
                expected: line.expected,
                received: line.received,
                wanted: quantity,
                receivable,
            });
        }
        let location = receipt.location.clone().unwrap_or_else(LocationId::main);
        let on_hand = item.level(&location).on_hand;
        if on_hand + quantity > ON_HAND_MAX {
            return Err(ReceiveRejection::TooMuch { sku: line.sku.clone(), location, on_hand, quantity });
        }
        Ok(Delivery {
            by: Inbound::Receipt(self.receipt_id.clone()),
            line: line.line_id.clone(),
            delivery: self.delivery.clone(),
            location,
            quantity,
            damaged: units.damaged,
            expected: quantity.min(line.outstanding()),
            expected_at: line.expected_at,
        })
    }
}

impl Receipt {
    /// The stock items of all its lines, named before anything is decided: they are loaded together.
    pub(super) fn shelves<'a>(&self, states: &'a States<'a>) -> Shelves<'a> {
        let mut shelves = Shelves::new(states);
        for line in &self.lines {
            shelves.item(&line.sku);
        }
        shelves
    }
}

/// Refuses more damaged units than came.
pub(super) fn check_damaged(lines: impl Iterator<Item = (Quantity, i64)>) -> Result<(), Invalid> {
    for (place, (quantity, damaged)) in lines.enumerate() {
        if !(0..=quantity.units()).contains(&damaged) {
            return Err(Invalid::field(format!("/lines/{place}/damaged"), "0 to the quantity that came"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use cqrs::testkit::Given;

    use super::*;
    use crate::domain::fixtures::{at, delivery, expect, line, receipt, sku, stocked, units};
    use crate::domain::receipt::cancel::CancelReceipt;
    use crate::domain::stock_item::Level;

    fn announced() -> Given {
        stocked(&[("TEA", "main", 5), ("MUG", "main", 0)])
            .when(expect("r", &[("TEA", 10, 100), ("MUG", 3, 200), ("TEA", 4, 300)]))
            .given()
    }

    fn receive(id: &str, lines: &[(&str, i64, i64)]) -> Receive {
        let line = |&(id, quantity, damaged): &(&str, i64, i64)| ReceiveLine {
            line_id: line(id),
            quantity: units(quantity),
            damaged,
        };
        Receive { receipt_id: receipt("r"), delivery: delivery(id), lines: Some(lines.iter().map(line).collect()) }
    }

    fn tea(given: &Given) -> (i64, i64, i64) {
        let item = given.state(&StockItem::stream(&sku("TEA")));
        let Level { on_hand, damaged, .. } = item.total();
        (on_hand, damaged, item.incoming().total())
    }

    #[test]
    fn goods_come_in_parts_until_all_have_come() {
        let part = announced().when(receive("d1", &[("1", 6, 0)]));
        assert_eq!(part.answer().receipt.state, ReceiptState::PartiallyReceived);
        assert_eq!(part.answer().receipt.lines[0].outstanding, 4);
        let given = part.given();
        assert_eq!(tea(&given), (11, 0, 8));
        let rest = given.when(Receive { lines: None, ..receive("d2", &[]) });
        assert_eq!(rest.answer().receipt.state, ReceiptState::Received);
        let given = rest.given();
        assert_eq!(tea(&given), (19, 0, 0));
        let _ = given.clone().when(Receive { lines: None, ..receive("d2", &[]) }).then_nothing();
        let wrong = WrongTransition { from: ReceiptState::Received, to: ReceiptState::Received };
        let _ = given.when(receive("d3", &[("1", 1, 0)])).then_rejected(&wrong.into());
    }

    #[test]
    fn a_delivery_is_booked_once_and_its_id_is_not_another_ones() {
        let first = announced().when(receive("d1", &[("1", 6, 1)]));
        let again = first.and_when(receive("d1", &[("1", 6, 1)])).then_nothing();
        assert!(again.answer().repeated);
        let conflict = ReceiveRejection::DeliveryConflict { receipt_id: receipt("r"), delivery: delivery("d1") };
        let given = again.and_when(receive("d1", &[("1", 6, 0)])).then_nothing().then_rejected(&conflict).given();
        assert_eq!(tea(&given), (11, 1, 8));
    }

    #[test]
    fn what_comes_damaged_is_on_hand_and_not_sold() {
        let given = announced().when(receive("d1", &[("1", 6, 2)])).given();
        let item = given.state(&StockItem::stream(&sku("TEA")));
        assert_eq!((item.total().on_hand, item.total().damaged, item.available()), (11, 2, 9));
        let _ = announced().when(receive("d1", &[("2", 1, 0), ("1", 6, 7)])).then_invalid("/lines/1/damaged");
        let _ = announced().when(receive("d1", &[("1", 6, -1)])).then_invalid("/lines/0/damaged");
    }

    #[test]
    fn a_tenth_more_may_come_and_not_a_unit_beyond() {
        let more = |line_id, expected, received, wanted, receivable| ReceiveRejection::MoreThanExpected {
            line_id: line(line_id),
            expected,
            received,
            wanted,
            receivable,
        };
        let _ =
            announced().when(receive("d1", &[("1", 12, 0)])).then_nothing().then_rejected(&more("1", 10, 0, 12, 11));
        let _ = announced().when(receive("d1", &[("2", 5, 0)])).then_rejected(&more("2", 3, 0, 5, 4));
        let given = announced().when(receive("d1", &[("1", 11, 0)])).given();
        assert_eq!(tea(&given), (16, 0, 4), "what came beyond was not incoming");
        let _ = given.when(receive("d2", &[("1", 1, 0)])).then_rejected(&more("1", 10, 11, 1, 11));
    }

    #[test]
    fn unknown_receipts_and_lines_and_ended_ones_are_refused() {
        let unknown = ReceiveRejection::UnknownReceipt { receipt_id: receipt("r") };
        let _ = stocked(&[]).when(receive("d", &[("1", 1, 0)])).then_rejected(&unknown);
        let unknown = ReceiveRejection::UnknownLine { receipt_id: receipt("r"), line_id: line("9") };
        let _ = announced().when(receive("d", &[("1", 1, 0), ("9", 1, 0)])).then_nothing().then_rejected(&unknown);
        let wrong = WrongTransition { from: ReceiptState::Cancelled, to: ReceiptState::Received };
        let cancelled = announced().when(CancelReceipt { receipt_id: receipt("r") });
        let _ = cancelled.and_when(receive("d", &[("1", 1, 0)])).then_nothing().then_rejected(&wrong.into());
        let _ = announced().when(receive("d", &[])).then_invalid("/lines");
        let _ = announced().when(receive("d", &[("1", 1, 0), ("1", 1, 0)])).then_invalid("/lines/1/lineId");
    }

    #[test]
    fn late_goods_count_as_incoming_until_they_come() {
        let item = announced().at(at(1_000)).state(&StockItem::stream(&sku("TEA")));
        assert_eq!(item.incoming().until(at(1_000)), 14);
    }
}
