//! Expect: goods of a supplier are announced, and count as incoming until they come.

use std::sync::Arc;

use cqrs::{Aggregate, Command, Decision, Invalid, States, Stream, Streams, Timestamp};

use super::opening::{OpenRejection, again, check_known, check_shape, streams};
use super::{ExpectedLine, Receipt, ReceiptAnswer, ReceiptEvent};
use crate::domain::ids::{LineId, LocationId, Quantity, ReceiptId, Sku};
use crate::domain::reservation::Shelves;
use crate::domain::stock_item::StockEvent;

/// Announces goods. The same id with the same content changes nothing and succeeds again, whatever has come since.
#[derive(Clone, Debug)]
pub struct Expect {
    /// The client's id for it.
    pub receipt_id: ReceiptId,
    /// Where they are to come.
    pub location: LocationId,
    /// What the supplier calls it, at most 500 characters.
    pub supplier_reference: Option<Arc<str>>,
    /// What is to come: 1 to 2,000 lines.
    pub lines: Vec<ExpectLine>,
}

/// One line that is to come.
#[derive(Clone, Debug)]
pub struct ExpectLine {
    /// Its id, unique in the receipt.
    pub line_id: LineId,
    /// What is to come. Several lines may name the same SKU.
    pub sku: Sku,
    /// How many units.
    pub quantity: Quantity,
    /// When.
    pub expected_at: Timestamp,
}

impl Command for Expect {
    const NAME: &'static str = "expect";
    type Answer = ReceiptAnswer;
    type Rejection = OpenRejection;

    fn validate(&self) -> Result<(), Invalid> {
        check_shape(self.supplier_reference.as_deref(), self.lines.iter().map(|line| &line.line_id))
    }

    fn streams(&self) -> Streams {
        streams(&self.stream(), &self.location, self.lines.iter().map(|line| &line.sku))
    }

    fn decide(&self, states: &States<'_>) -> Result<Decision<ReceiptAnswer>, OpenRejection> {
        let stream = self.stream();
        let receipt = states.of(&stream);
        let lines: Vec<ExpectedLine> = self.lines.iter().map(ExpectLine::expected).collect();
        if receipt.exists() {
            return again(&receipt, &self.receipt_id, self.is_same(&receipt));
        }
        let mut shelves = Shelves::new(states);
        check_known(states, &mut shelves, &self.location, self.lines.iter().map(|line| &line.sku))?;
        let (location, supplier_reference) = (self.location.clone(), self.supplier_reference.clone());
        let expected = ReceiptEvent::Expected { location, supplier_reference, lines };
        let mut after = Receipt::default();
        after.apply(&expected);
        for (sku, arrival) in after.arrivals(&self.receipt_id) {
            if !shelves.item(sku).incoming().has_room_for(arrival.expected_at, &arrival.location) {
                return Err(OpenRejection::TooManyDates { sku: sku.clone() });
            }
            shelves.record(sku, StockEvent::Expected(arrival));
        }
        let answer = ReceiptAnswer { receipt: after.view(&self.receipt_id), repeated: false };
        Ok(shelves.record_in(Decision::answer(answer).record(&stream, expected)))
    }
}

impl Expect {
    fn stream(&self) -> Stream<Receipt> {
        Receipt::stream_beside(&self.receipt_id, self.lines.first().map(|line| &line.sku))
    }

    /// Whether a receipt that exists is this very one, as it was announced.
    fn is_same(&self, found: &Receipt) -> bool {
        let same_line = |(wish, line): (&ExpectLine, &super::Line)| {
            wish.line_id == line.line_id
                && wish.sku == line.sku
                && wish.quantity.units() == line.expected
                && Some(wish.expected_at) == line.announced_for
        };
        found.was_opened_as(&self.location, self.supplier_reference.as_ref())
            && found.lines.len() == self.lines.len()
            && self.lines.iter().zip(&found.lines).all(same_line)
    }
}

impl ExpectLine {
    fn expected(&self) -> ExpectedLine {
        ExpectedLine {
            line_id: self.line_id.clone(),
            sku: self.sku.clone(),
            quantity: self.quantity.units(),
            expected_at: self.expected_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use cqrs::testkit::Given;

    use super::*;
    use crate::domain::fixtures::{arrival, at, expect, line, place, receipt, sku, stocked};
    use crate::domain::receipt::ReceiptState;
    use crate::domain::stock_item::{DATES_MAX, StockItem};

    fn stock() -> Given {
        stocked(&[("TEA", "main", 5), ("MUG", "main", 0)])
    }

    #[test]
    fn what_is_announced_is_incoming_and_nothing_of_it_is_on_hand() {
        let stream = StockItem::stream(&sku("TEA"));
        let expected =
            [StockEvent::Expected(arrival("r", "1", 4, 100)), StockEvent::Expected(arrival("r", "3", 6, 300))];
        let when = stock()
            .when(expect("r", &[("TEA", 4, 100), ("MUG", 1, 200), ("TEA", 6, 300)]))
            .then_events(&stream, expected);
        assert_eq!(when.answer().receipt.state, ReceiptState::Expected);
        let item = when.given().state(&stream);
        assert_eq!((item.total().on_hand, item.incoming().total(), item.incoming().until(at(299))), (5, 10, 4));
        assert_eq!(item.available(), 5);
    }

    #[test]
    fn the_same_again_is_the_same_success_and_other_content_a_conflict() {
        let first = expect("r", &[("TEA", 4, 100)]);
        let again = stock().when(first.clone()).and_when(first.clone()).then_nothing();
        assert!(again.answer().repeated);
        let given = again.given();
        let conflict = OpenRejection::IdConflict { receipt_id: receipt("r") };
        let others = [
            expect("r", &[("TEA", 5, 100)]),
            expect("r", &[("TEA", 4, 101)]),
            expect("r", &[("MUG", 4, 100)]),
            expect("r", &[("TEA", 4, 100), ("TEA", 1, 100)]),
            Expect { supplier_reference: Some("po-1".into()), ..first },
        ];
        for other in others {
            let _ = given.clone().when(other).then_nothing().then_rejected(&conflict);
        }
    }

    #[test]
    fn unknown_skus_and_locations_and_wrong_shapes_are_refused() {
        let unknown = OpenRejection::UnknownSku { line: 1, sku: sku("NONE") };
        let _ = stock().when(expect("r", &[("TEA", 4, 100), ("NONE", 1, 100)])).then_nothing().then_rejected(&unknown);
        let nowhere = Expect { location: place("nowhere"), ..expect("r", &[("TEA", 4, 100)]) };
        let unknown = OpenRejection::UnknownLocation { location: place("nowhere") };
        let _ = stock().when(nowhere).then_rejected(&unknown);
        let _ = stock().when(expect("r", &[])).then_invalid("/lines");
        let mut twice = expect("r", &[("TEA", 4, 100), ("MUG", 1, 100)]);
        twice.lines[1].line_id = line("1");
        let _ = stock().when(twice).then_invalid("/lines/1/lineId");
        let long = Expect { supplier_reference: Some("x".repeat(501).into()), ..expect("r", &[("TEA", 4, 100)]) };
        let _ = stock().when(long).then_invalid("/supplierReference");
    }

    #[test]
    fn a_sku_is_expected_on_a_bounded_number_of_dates() {
        let many: Vec<(&str, i64, i64)> = (0..=DATES_MAX).map(|day| ("TEA", 1, day as i64)).collect();
        let most = stock().when(expect("r", &many[1..]));
        assert!(most.result().is_ok());
        let refused = OpenRejection::TooManyDates { sku: sku("TEA") };
        let _ = stock().when(expect("r", &many)).then_nothing().then_rejected(&refused);
        let _ = most.and_when(expect("s", &[("TEA", 1, 0)])).then_rejected(&refused);
    }
}
