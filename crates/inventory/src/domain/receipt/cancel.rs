//! Cancel a receipt: nothing of it has come, and nothing will.

use cqrs::{Aggregate, Command, Decision, States, Streams};

use super::{Receipt, ReceiptAnswer, ReceiptEvent, ReceiptState, WrongTransition};
use crate::domain::ids::ReceiptId;
use crate::domain::stock_item::StockEvent;

/// Stops waiting for goods of which none has come. Again, it changes nothing.
#[derive(Clone, Debug)]
pub struct CancelReceipt {
    /// The receipt.
    pub receipt_id: ReceiptId,
}

/// Why a receipt is not ended.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndReceiptRejection {
    /// No such receipt.
    #[error("receipt {receipt_id} does not exist")]
    UnknownReceipt {
        /// The id.
        receipt_id: ReceiptId,
    },
    /// It cannot end so.
    #[error(transparent)]
    WrongTransition(#[from] WrongTransition),
}

impl Command for CancelReceipt {
    const NAME: &'static str = "cancel-receipt";
    type Answer = ReceiptAnswer;
    type Rejection = EndReceiptRejection;

    fn streams(&self) -> Streams {
        Streams::one(&Receipt::stream(&self.receipt_id))
    }

    fn decide(&self, states: &States<'_>) -> Result<Decision<ReceiptAnswer>, EndReceiptRejection> {
        end(states, &self.receipt_id, ReceiptState::Expected, ReceiptState::Cancelled, &ReceiptEvent::Cancelled)
    }
}

/// Ends a receipt that is in state `from` by `event`, which leads to state `to`: what is still to come is incoming no more.
pub(super) fn end(
    states: &States<'_>,
    id: &ReceiptId,
    from: ReceiptState,
    to: ReceiptState,
    event: &ReceiptEvent,
) -> Result<Decision<ReceiptAnswer>, EndReceiptRejection> {
    let stream = Receipt::stream(id);
    let receipt = states.of(&stream);
    let mut shelves = receipt.shelves(states);
    if !receipt.exists() {
        return Err(EndReceiptRejection::UnknownReceipt { receipt_id: id.clone() });
    }
    let found = receipt.state();
    if found == to {
        return Ok(Decision::answer(ReceiptAnswer { receipt: receipt.view(id), repeated: true }));
    }
    if found != from {
        return Err(WrongTransition { from: found, to }.into());
    }
    for (sku, arrival) in receipt.arrivals(id) {
        shelves.record(sku, StockEvent::Withdrawn(arrival));
    }
    let mut after = (*receipt).clone();
    after.apply(event);
    let answer = ReceiptAnswer { receipt: after.view(id), repeated: false };
    Ok(shelves.record_in(Decision::answer(answer).record(&stream, event.clone())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixtures::{delivery, expect, line, receipt, sku, stocked, units};
    use crate::domain::receipt::close::CloseReceipt;
    use crate::domain::receipt::receive::{Receive, ReceiveLine};
    use crate::domain::stock_item::StockItem;

    fn cancel() -> CancelReceipt {
        CancelReceipt { receipt_id: receipt("r") }
    }

    fn close() -> CloseReceipt {
        CloseReceipt { receipt_id: receipt("r") }
    }

    fn part() -> Receive {
        let lines = vec![ReceiveLine { line_id: line("1"), quantity: units(6), damaged: 0 }];
        Receive { receipt_id: receipt("r"), delivery: delivery("d"), lines: Some(lines) }
    }

    #[test]
    fn what_was_expected_is_incoming_no_more() {
        let announced = stocked(&[("TEA", "main", 5)]).when(expect("r", &[("TEA", 10, 100)])).given();
        let given = announced.when(cancel()).given();
        assert_eq!(given.state(&StockItem::stream(&sku("TEA"))).incoming().total(), 0);
        assert!(given.when(cancel()).then_nothing().answer().repeated);
    }

    #[test]
    fn one_that_has_begun_to_come_is_closed_and_one_that_has_not_is_cancelled() {
        let announced = stocked(&[("TEA", "main", 5)]).when(expect("r", &[("TEA", 10, 100)])).given();
        let wrong = WrongTransition { from: ReceiptState::Expected, to: ReceiptState::Closed };
        let _ = announced.clone().when(close()).then_nothing().then_rejected(&wrong.into());
        let begun = announced.when(part()).given();
        let wrong = WrongTransition { from: ReceiptState::PartiallyReceived, to: ReceiptState::Cancelled };
        let _ = begun.clone().when(cancel()).then_nothing().then_rejected(&wrong.into());
        let closed = begun.when(close());
        assert_eq!(closed.answer().receipt.state, ReceiptState::Closed);
        let given = closed.and_when(close()).then_nothing().given();
        let item = given.state(&StockItem::stream(&sku("TEA")));
        assert_eq!((item.total().on_hand, item.incoming().total()), (11, 0));
    }

    #[test]
    fn an_unknown_one_is_refused() {
        let unknown = EndReceiptRejection::UnknownReceipt { receipt_id: receipt("r") };
        let _ = stocked(&[]).when(cancel()).then_rejected(&unknown);
        let _ = stocked(&[]).when(close()).then_rejected(&unknown);
    }
}
