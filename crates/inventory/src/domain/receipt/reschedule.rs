//! Reschedule: what has not come yet of a receipt is expected at another time.

use cqrs::{Aggregate, Command, Decision, Invalid, States, Streams, Timestamp};

use super::{Receipt, ReceiptAnswer, ReceiptEvent, ReceiptState, RescheduledLine, WrongTransition};
use crate::domain::ids::{LineId, ReceiptId, Sku};
use crate::domain::reservation::LINES_MAX;
use crate::domain::reservation::reserve::unique;
use crate::domain::stock_item::{Arrival, StockEvent};

/// Moves the date of lines. The same again changes nothing; a line of which all has come has no date any more.
#[derive(Clone, Debug)]
pub struct Reschedule {
    /// The receipt.
    pub receipt_id: ReceiptId,
    /// What moves.
    pub to: Move,
}

/// Which lines are expected at another time.
#[derive(Clone, Debug)]
pub enum Move {
    /// All that have not come yet.
    All(Timestamp),
    /// These: 1 to 2,000.
    Lines(Vec<(LineId, Timestamp)>),
}

/// Why nothing is moved.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum RescheduleRejection {
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
    /// The SKU is expected on 200 dates already: bring deliveries together under fewer.
    #[error("SKU {sku} is expected on 200 dates already")]
    TooManyDates {
        /// The SKU.
        sku: Sku,
    },
}

impl Command for Reschedule {
    const NAME: &'static str = "reschedule";
    type Answer = ReceiptAnswer;
    type Rejection = RescheduleRejection;

    fn validate(&self) -> Result<(), Invalid> {
        let Move::Lines(lines) = &self.to else { return Ok(()) };
        if !(1..=LINES_MAX).contains(&lines.len()) {
            return Err(Invalid::field("/lines", "1 to 2,000 lines"));
        }
        unique(lines.iter().map(|(line_id, _)| line_id))
    }

    fn streams(&self) -> Streams {
        Streams::one(&Receipt::stream(&self.receipt_id))
    }

    fn decide(&self, states: &States<'_>) -> Result<Decision<ReceiptAnswer>, RescheduleRejection> {
        let stream = Receipt::stream(&self.receipt_id);
        let receipt = states.of(&stream);
        let mut shelves = receipt.shelves(states);
        if !receipt.exists() {
            return Err(RescheduleRejection::UnknownReceipt { receipt_id: self.receipt_id.clone() });
        }
        let from = receipt.state();
        if !from.is_open() {
            return Err(WrongTransition { from, to: ReceiptState::Expected }.into());
        }
        let mut moved = Vec::new();
        for (line_id, expected_at) in self.wanted(&receipt) {
            let Some(line) = receipt.line(&line_id) else {
                return Err(RescheduleRejection::UnknownLine { receipt_id: self.receipt_id.clone(), line_id });
            };
            let Some(before) = receipt.arrival(&self.receipt_id, line) else { continue };
            if before.quantity == 0 || before.expected_at == expected_at {
                continue;
            }
            let after = Arrival { expected_at, ..before.clone() };
            shelves.record(&line.sku, StockEvent::Withdrawn(before));
            if !shelves.item(&line.sku).incoming().has_room_for(expected_at, &after.location) {
                return Err(RescheduleRejection::TooManyDates { sku: line.sku.clone() });
            }
            shelves.record(&line.sku, StockEvent::Expected(after));
            moved.push(RescheduledLine { line_id, expected_at });
        }
        let mut after = (*receipt).clone();
        let repeated = moved.is_empty();
        let event = (!repeated).then_some(ReceiptEvent::Rescheduled { lines: moved });
        event.iter().for_each(|event| after.apply(event));
        let answer = ReceiptAnswer { receipt: after.view(&self.receipt_id), repeated };
        Ok(shelves.record_in(Decision::answer(answer).record_all(&stream, event)))
    }
}

impl Reschedule {
    fn wanted(&self, receipt: &Receipt) -> Vec<(LineId, Timestamp)> {
        match &self.to {
            Move::All(at) => receipt.lines.iter().map(|line| (line.line_id.clone(), *at)).collect(),
            Move::Lines(lines) => lines.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use cqrs::testkit::Given;

    use super::*;
    use crate::domain::fixtures::{arrival, at, delivery, expect, line, receipt, sku, stocked, units};
    use crate::domain::receipt::receive::{Receive, ReceiveLine};
    use crate::domain::stock_item::StockItem;

    fn announced() -> Given {
        stocked(&[("TEA", "main", 5)]).when(expect("r", &[("TEA", 10, 100), ("TEA", 4, 300)])).given()
    }

    fn to(ms: i64, line_id: &str) -> Reschedule {
        Reschedule { receipt_id: receipt("r"), to: Move::Lines(vec![(line(line_id), at(ms))]) }
    }

    #[test]
    fn a_date_moves_with_what_is_still_to_come_and_only_that() {
        let lines = Some(vec![ReceiveLine { line_id: line("1"), quantity: units(6), damaged: 0 }]);
        let part = announced().when(Receive { receipt_id: receipt("r"), delivery: delivery("d"), lines });
        let events =
            [StockEvent::Withdrawn(arrival("r", "1", 4, 100)), StockEvent::Expected(arrival("r", "1", 4, 200))];
        let stream = StockItem::stream(&sku("TEA"));
        let moved = part.and_when(to(200, "1")).then_events(&stream, events);
        assert_eq!(moved.answer().receipt.lines[0].expected_at, Some(at(200)));
        let again = moved.and_when(to(200, "1")).then_nothing();
        assert!(again.answer().repeated);
        let item = again.given().state(&stream);
        assert_eq!((item.incoming().until(at(199)), item.incoming().until(at(200))), (0, 4));
    }

    #[test]
    fn all_lines_move_together() {
        let all = Reschedule { receipt_id: receipt("r"), to: Move::All(at(500)) };
        let given = announced().when(all).given();
        let dates: Vec<_> = given.state(&StockItem::stream(&sku("TEA"))).incoming().dates().collect();
        assert_eq!(dates.iter().map(|due| (due.expected_at, due.quantity)).collect::<Vec<_>>(), [(at(500), 14)]);
        let first = expect("r", &[("TEA", 10, 100), ("TEA", 4, 300)]);
        assert!(given.when(first).then_nothing().answer().repeated, "announced again as it was at first");
    }

    #[test]
    fn unknown_and_ended_ones_are_refused() {
        let unknown = RescheduleRejection::UnknownReceipt { receipt_id: receipt("r") };
        let _ = stocked(&[]).when(to(200, "1")).then_rejected(&unknown);
        let unknown = RescheduleRejection::UnknownLine { receipt_id: receipt("r"), line_id: line("9") };
        let _ = announced().when(to(200, "9")).then_nothing().then_rejected(&unknown);
        let all = Receive { receipt_id: receipt("r"), delivery: delivery("d"), lines: None };
        let wrong = WrongTransition { from: ReceiptState::Received, to: ReceiptState::Expected };
        let _ = announced().when(all).and_when(to(200, "1")).then_nothing().then_rejected(&wrong.into());
        let none = Reschedule { receipt_id: receipt("r"), to: Move::Lines(Vec::new()) };
        let _ = announced().when(none).then_invalid("/lines");
    }
}
