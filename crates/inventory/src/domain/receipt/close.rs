//! Close a receipt: some of it has come, and nobody waits for the rest any more.

use cqrs::{Command, Decision, States, Streams};

use super::cancel::{EndReceiptRejection, end};
use super::{Receipt, ReceiptAnswer, ReceiptEvent, ReceiptState};
use crate::domain::ids::ReceiptId;

/// Stops waiting for what has not come. Again, it changes nothing.
#[derive(Clone, Debug)]
pub struct CloseReceipt {
    /// The receipt.
    pub receipt_id: ReceiptId,
}

impl Command for CloseReceipt {
    const NAME: &'static str = "close-receipt";
    type Answer = ReceiptAnswer;
    type Rejection = EndReceiptRejection;

    fn streams(&self) -> Streams {
        Streams::one(&Receipt::stream(&self.receipt_id))
    }

    fn decide(&self, states: &States<'_>) -> Result<Decision<ReceiptAnswer>, EndReceiptRejection> {
        let (from, to) = (ReceiptState::PartiallyReceived, ReceiptState::Closed);
        end(states, &self.receipt_id, from, to, &ReceiptEvent::Closed)
    }
}
