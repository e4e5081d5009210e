//! Receive unannounced: goods of a supplier have come that nobody had told of.

use std::sync::Arc;

use cqrs::{Aggregate, Command, Decision, Invalid, States, Stream, Streams};

use super::opening::{OpenRejection, again, check_known, check_shape, streams};
use super::receive::check_damaged;
use super::{Line, Receipt, ReceiptAnswer, ReceiptEvent, UnannouncedLine};
use crate::domain::ids::{DeliveryId, LineId, LocationId, Quantity, ReceiptId, Sku};
use crate::domain::reservation::Shelves;
use crate::domain::stock_item::{Delivery, Inbound, ON_HAND_MAX, StockEvent, StockItem};

/// Books goods in. The same id with the same content changes nothing and succeeds again.
#[derive(Clone, Debug)]
pub struct ReceiveUnannounced {
    /// The client's id for it.
    pub receipt_id: ReceiptId,
    /// Where they came.
    pub location: LocationId,
    /// What the supplier calls it, at most 500 characters.
    pub supplier_reference: Option<Arc<str>>,
    /// What came: 1 to 2,000 lines.
    pub lines: Vec<CameLine>,
}

/// One line that came.
#[derive(Clone, Debug)]
pub struct CameLine {
    /// Its id, unique in the receipt.
    pub line_id: LineId,
    /// What came. Several lines may name the same SKU.
    pub sku: Sku,
    /// How many units.
    pub quantity: Quantity,
    /// How many of them are damaged.
    pub damaged: i64,
}

impl Command for ReceiveUnannounced {
    const NAME: &'static str = "receive-unannounced";
    type Answer = ReceiptAnswer;
    type Rejection = OpenRejection;

    fn validate(&self) -> Result<(), Invalid> {
        check_shape(self.supplier_reference.as_deref(), self.lines.iter().map(|line| &line.line_id))?;
        check_damaged(self.lines.iter().map(|line| (line.quantity, line.damaged)))
    }

    fn streams(&self) -> Streams {
        streams(&self.stream(), &self.location, self.lines.iter().map(|line| &line.sku))
    }

    fn decide(&self, states: &States<'_>) -> Result<Decision<ReceiptAnswer>, OpenRejection> {
        let stream = self.stream();
        let receipt = states.of(&stream);
        if receipt.exists() {
            return again(&receipt, &self.receipt_id, self.is_same(&receipt));
        }
        let mut shelves = Shelves::new(states);
        check_known(states, &mut shelves, &self.location, self.lines.iter().map(|line| &line.sku))?;
        for line in &self.lines {
            let delivery = self.book(line, shelves.item(&line.sku))?;
            shelves.record(&line.sku, StockEvent::Delivered(delivery));
        }
        let (location, supplier_reference) = (self.location.clone(), self.supplier_reference.clone());
        let lines = self.lines.iter().map(CameLine::stored).collect();
        let came = ReceiptEvent::Unannounced { location, supplier_reference, lines };
        let mut after = Receipt::default();
        after.apply(&came);
        let answer = ReceiptAnswer { receipt: after.view(&self.receipt_id), repeated: false };
        Ok(shelves.record_in(Decision::answer(answer).record(&stream, came)))
    }
}

impl ReceiveUnannounced {
    fn stream(&self) -> Stream<Receipt> {
        Receipt::stream_beside(&self.receipt_id, self.lines.first().map(|line| &line.sku))
    }

    fn is_same(&self, found: &Receipt) -> bool {
        let same_line = |(came, line): (&CameLine, &Line)| {
            came.line_id == line.line_id
                && came.sku == line.sku
                && came.quantity.units() == line.received
                && came.damaged == line.damaged
                && line.announced_for.is_none()
        };
        found.was_opened_as(&self.location, self.supplier_reference.as_ref())
            && found.lines.len() == self.lines.len()
            && self.lines.iter().zip(&found.lines).all(same_line)
    }

    fn book(&self, line: &CameLine, item: &StockItem) -> Result<Delivery, OpenRejection> {
        let (location, quantity) = (self.location.clone(), line.quantity.units());
        let on_hand = item.level(&location).on_hand;
        if on_hand + quantity > ON_HAND_MAX {
            return Err(OpenRejection::TooMuch { sku: line.sku.clone(), location, on_hand, quantity });
        }
        Ok(Delivery {
            by: Inbound::Receipt(self.receipt_id.clone()),
            line: line.line_id.clone(),
            // It comes once, as a whole.
            delivery: DeliveryId::of(&self.receipt_id),
            location,
            quantity,
            damaged: line.damaged,
            expected: 0,
            expected_at: None,
        })
    }
}

impl CameLine {
    fn stored(&self) -> UnannouncedLine {
        UnannouncedLine {
            line_id: self.line_id.clone(),
            sku: self.sku.clone(),
            quantity: self.quantity.units(),
            damaged: self.damaged,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixtures::{expect, line, place, receipt, sku, stocked, units};
    use crate::domain::receipt::ReceiptState;
    use crate::domain::stock_item::Level;

    fn came(lines: &[(&str, i64, i64)]) -> ReceiveUnannounced {
        let line = |(place, &(id, quantity, damaged)): (usize, &(&str, i64, i64))| CameLine {
            line_id: line(&(place + 1).to_string()),
            sku: sku(id),
            quantity: units(quantity),
            damaged,
        };
        let lines = lines.iter().enumerate().map(line).collect();
        ReceiveUnannounced { receipt_id: receipt("r"), location: place("main"), supplier_reference: None, lines }
    }

    #[test]
    fn goods_that_nobody_announced_are_booked_once() {
        let stock = stocked(&[("TEA", "main", 5), ("MUG", "main", 0)]);
        let first = stock.when(came(&[("TEA", 4, 1), ("MUG", 2, 0), ("TEA", 1, 0)]));
        assert_eq!(first.answer().receipt.state, ReceiptState::Received);
        let given = first.and_when(came(&[("TEA", 4, 1), ("MUG", 2, 0), ("TEA", 1, 0)])).then_nothing().given();
        let level = given.state(&StockItem::stream(&sku("TEA"))).total();
        assert_eq!(level, Level { on_hand: 10, damaged: 1, ..Level::default() });
        let conflict = OpenRejection::IdConflict { receipt_id: receipt("r") };
        let _ = given.clone().when(came(&[("TEA", 4, 1)])).then_nothing().then_rejected(&conflict);
        let _ = given.when(expect("r", &[("TEA", 4, 1)])).then_rejected(&conflict);
    }

    #[test]
    fn a_line_that_cannot_be_booked_books_none() {
        let stock = stocked(&[("TEA", "main", 5)]);
        let unknown = OpenRejection::UnknownSku { line: 1, sku: sku("MUG") };
        let _ = stock.clone().when(came(&[("TEA", 4, 0), ("MUG", 2, 0)])).then_nothing().then_rejected(&unknown);
        let _ = stock.when(came(&[("TEA", 4, 5)])).then_invalid("/lines/0/damaged");
    }

    #[test]
    fn no_level_goes_beyond_its_bound() {
        let full = stocked(&[("TEA", "main", ON_HAND_MAX - 5)]);
        let (sku, location) = (sku("TEA"), place("main"));
        let beyond = OpenRejection::TooMuch { sku, location, on_hand: ON_HAND_MAX - 1, quantity: 2 };
        let _ = full.when(came(&[("TEA", 4, 0), ("TEA", 2, 0)])).then_nothing().then_rejected(&beyond);
    }
}
