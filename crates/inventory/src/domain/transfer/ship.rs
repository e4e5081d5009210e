//! Ship a transfer: all of its goods leave, and are in transit until they come.

use cqrs::{Aggregate, Command, Decision, States, Streams, Timestamp};

use super::{Line, Transfer, TransferAnswer, TransferEvent, TransferState, WrongTransition};
use crate::domain::ids::{LocationId, Sku, TransferId};
use crate::domain::reservation::{Shelves, Shortfall};
use crate::domain::stock_item::StockEvent;

/// Sends goods on their way. Again for the same date, it changes nothing.
///
/// Only what is available where it leaves can be sent: what is promised, damaged or held back from sale stays.
#[derive(Clone, Debug)]
pub struct ShipTransfer {
    /// The transfer.
    pub transfer_id: TransferId,
    /// When it is expected where it goes.
    pub expected_at: Timestamp,
}

/// Why nothing is sent.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShipTransferRejection {
    /// No such transfer.
    #[error("transfer {transfer_id} does not exist")]
    UnknownTransfer {
        /// The id.
        transfer_id: TransferId,
    },
    /// It was cancelled, or has left for another date.
    #[error(transparent)]
    WrongTransition(#[from] WrongTransition),
    /// There is not enough where it leaves.
    #[error("not enough stock for {} of the SKUs that are to go", shortfalls.len())]
    InsufficientStock {
        /// All that is missing.
        shortfalls: Vec<Shortfall>,
    },
    /// The SKU is expected on 200 dates already: bring deliveries together under fewer.
    #[error("SKU {sku} is expected on 200 dates already")]
    TooManyDates {
        /// The SKU.
        sku: Sku,
    },
}

impl Command for ShipTransfer {
    const NAME: &'static str = "ship-transfer";
    type Answer = TransferAnswer;
    type Rejection = ShipTransferRejection;

    fn streams(&self) -> Streams {
        Streams::one(&Transfer::stream(&self.transfer_id))
    }

    fn decide(&self, states: &States<'_>) -> Result<Decision<TransferAnswer>, ShipTransferRejection> {
        let stream = Transfer::stream(&self.transfer_id);
        let transfer = states.of(&stream);
        let mut shelves = transfer.shelves(states);
        if !transfer.exists() {
            return Err(ShipTransferRejection::UnknownTransfer { transfer_id: self.transfer_id.clone() });
        }
        match transfer.state() {
            TransferState::Requested => {}
            from if from != TransferState::Cancelled && transfer.expected_at == Some(self.expected_at) => {
                let answer = TransferAnswer { transfer: transfer.view(&self.transfer_id), repeated: true };
                return Ok(shelves.record_in(Decision::answer(answer)));
            }
            from => return Err(WrongTransition { from, to: TransferState::Shipped }.into()),
        }
        let shipped = TransferEvent::Shipped { expected_at: self.expected_at };
        let mut after = (*transfer).clone();
        after.apply(&shipped);
        let from = after.from.clone().unwrap_or_else(LocationId::main);
        let mut shortfalls = Vec::new();
        for line in &after.lines {
            self.send(&after, line, &from, &mut shelves, &mut shortfalls)?;
        }
        if !shortfalls.is_empty() {
            return Err(ShipTransferRejection::InsufficientStock { shortfalls });
        }
        let answer = TransferAnswer { transfer: after.view(&self.transfer_id), repeated: false };
        Ok(shelves.record_in(Decision::answer(answer).record(&stream, shipped)))
    }
}

impl ShipTransfer {
    /// Sends a line on its way, or notes what it lacks after the lines before it.
    fn send(
        &self,
        transfer: &Transfer,
        line: &Line,
        from: &LocationId,
        shelves: &mut Shelves<'_>,
        shortfalls: &mut Vec<Shortfall>,
    ) -> Result<(), ShipTransferRejection> {
        let Some(arrival) = transfer.arrival(&self.transfer_id, line, line.quantity) else { return Ok(()) };
        let item = shelves.item(&line.sku);
        let available = item.available().min(item.level(from).free()).max(0);
        if line.quantity > available {
            let (sku, location) = (line.sku.clone(), Some(from.clone()));
            shortfalls.push(Shortfall { sku, location, requested: line.quantity, available });
            return Ok(());
        }
        if !item.incoming().has_room_for(arrival.expected_at, &arrival.location) {
            return Err(ShipTransferRejection::TooManyDates { sku: line.sku.clone() });
        }
        shelves.record(&line.sku, StockEvent::Transferred { from: from.clone(), arrival });
        Ok(())
    }
}

impl Transfer {
    /// The stock items of all its lines, named before anything is decided: they are loaded together.
    pub(super) fn shelves<'a>(&self, states: &'a States<'a>) -> Shelves<'a> {
        let mut shelves = Shelves::new(states);
        for line in &self.lines {
            shelves.item(&line.sku);
        }
        shelves
    }
}

#[cfg(test)]
mod tests {
    use cqrs::testkit::Given;

    use super::*;
    use crate::domain::fixtures::{at, missing, place, reserve, ship, sku, stocked, transfer, transfer_id};
    use crate::domain::stock_item::update::UpdateSku;
    use crate::domain::stock_item::{Level, StockItem};
    use crate::domain::transfer::cancel::CancelTransfer;

    fn requested(lines: &[(&str, i64)]) -> Given {
        let stock = stocked(&[("TEA", "main", 10), ("TEA", "berlin", 3), ("MUG", "main", 1)]);
        stock.when(transfer("t", lines)).given()
    }

    #[test]
    fn what_leaves_is_in_transit_and_incoming_where_it_goes() {
        let when = requested(&[("TEA", 4)]).when(ship("t", 100));
        assert_eq!(when.answer().transfer.state, TransferState::Shipped);
        assert_eq!(when.answer().transfer.lines[0].in_transit, 4);
        let given = when.given();
        let item = given.state(&StockItem::stream(&sku("TEA")));
        assert_eq!(item.level(&place("main")), Level { on_hand: 6, ..Level::default() });
        assert_eq!((item.incoming().at(&place("berlin")), item.incoming().in_transit()), (4, 4));
        assert_eq!((item.total().on_hand + item.incoming().in_transit(), item.available()), (13, 9));
        let again = given.when(ship("t", 100)).then_nothing();
        assert!(again.answer().repeated);
        let wrong = WrongTransition { from: TransferState::Shipped, to: TransferState::Shipped };
        let _ = again.and_when(ship("t", 101)).then_nothing().then_rejected(&wrong.into());
    }

    #[test]
    fn only_what_is_available_where_it_leaves_can_go() {
        let short = |shortfalls| ShipTransferRejection::InsufficientStock { shortfalls };
        let refusal = short(vec![missing("TEA", Some("main"), 11, 10), missing("MUG", Some("main"), 2, 1)]);
        let _ = requested(&[("TEA", 11), ("MUG", 2)]).when(ship("t", 100)).then_nothing().then_rejected(&refusal);
        let both = requested(&[("TEA", 8), ("TEA", 3)]);
        let refusal = short(vec![missing("TEA", Some("main"), 3, 2)]);
        let _ = both.when(ship("t", 100)).then_nothing().then_rejected(&refusal);
        let held = requested(&[("TEA", 8)]).when(reserve("r", &[("TEA", 3)])).given();
        let refusal = short(vec![missing("TEA", Some("main"), 8, 7)]);
        let _ = held.at(at(1)).when(ship("t", 100)).then_nothing().then_rejected(&refusal);
        let safety = UpdateSku { sku: sku("TEA"), name: None, safety_stock: Some(6), backorder_limit: Some(9) };
        let refusal = short(vec![missing("TEA", Some("main"), 8, 7)]);
        let _ = requested(&[("TEA", 8)]).when(safety).and_when(ship("t", 100)).then_nothing().then_rejected(&refusal);
    }

    #[test]
    fn unknown_and_cancelled_ones_are_refused() {
        let unknown = ShipTransferRejection::UnknownTransfer { transfer_id: transfer_id("t") };
        let _ = stocked(&[]).when(ship("t", 100)).then_rejected(&unknown);
        let cancelled = requested(&[("TEA", 4)]).when(CancelTransfer { transfer_id: transfer_id("t") });
        let wrong = WrongTransition { from: TransferState::Cancelled, to: TransferState::Shipped };
        let _ = cancelled.and_when(ship("t", 100)).then_nothing().then_rejected(&wrong.into());
    }
}
