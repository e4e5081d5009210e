//! Cancel a transfer: nothing of it has left, and nothing will.

use cqrs::{Aggregate, Command, Decision, States, Streams};

use super::{Transfer, TransferAnswer, TransferEvent, TransferState, WrongTransition};
use crate::domain::ids::TransferId;

/// Gives a transfer up that has not left. Again, it changes nothing.
#[derive(Clone, Debug)]
pub struct CancelTransfer {
    /// The transfer.
    pub transfer_id: TransferId,
}

/// Why a transfer is not cancelled.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum CancelTransferRejection {
    /// No such transfer.
    #[error("transfer {transfer_id} does not exist")]
    UnknownTransfer {
        /// The id.
        transfer_id: TransferId,
    },
    /// It has left: receive it, or send it back by a transfer of its own.
    #[error(transparent)]
    WrongTransition(#[from] WrongTransition),
}

impl Command for CancelTransfer {
    const NAME: &'static str = "cancel-transfer";
    type Answer = TransferAnswer;
    type Rejection = CancelTransferRejection;

    fn streams(&self) -> Streams {
        Streams::one(&Transfer::stream(&self.transfer_id))
    }

    fn decide(&self, states: &States<'_>) -> Result<Decision<TransferAnswer>, CancelTransferRejection> {
        let stream = Transfer::stream(&self.transfer_id);
        let transfer = states.of(&stream);
        if !transfer.exists() {
            return Err(CancelTransferRejection::UnknownTransfer { transfer_id: self.transfer_id.clone() });
        }
        let event = match transfer.state() {
            TransferState::Requested => Some(TransferEvent::Cancelled),
            TransferState::Cancelled => None,
            from => return Err(WrongTransition { from, to: TransferState::Cancelled }.into()),
        };
        let mut after = (*transfer).clone();
        event.iter().for_each(|event| after.apply(event));
        let answer = TransferAnswer { transfer: after.view(&self.transfer_id), repeated: event.is_none() };
        Ok(Decision::answer(answer).record_all(&stream, event))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixtures::{ship, stocked, transfer, transfer_id};

    fn cancel() -> CancelTransfer {
        CancelTransfer { transfer_id: transfer_id("t") }
    }

    #[test]
    fn one_that_has_not_left_is_given_up_once() {
        let stock = stocked(&[("TEA", "main", 5), ("TEA", "berlin", 0)]).when(transfer("t", &[("TEA", 4)]));
        let cancelled = stock.and_when(cancel());
        assert_eq!(cancelled.answer().transfer.state, TransferState::Cancelled);
        assert!(cancelled.and_when(cancel()).then_nothing().answer().repeated);
    }

    #[test]
    fn one_that_has_left_or_is_unknown_is_not() {
        let unknown = CancelTransferRejection::UnknownTransfer { transfer_id: transfer_id("t") };
        let _ = stocked(&[]).when(cancel()).then_rejected(&unknown);
        let stock = stocked(&[("TEA", "main", 5), ("TEA", "berlin", 0)]).when(transfer("t", &[("TEA", 4)]));
        let wrong = WrongTransition { from: TransferState::Shipped, to: TransferState::Cancelled };
        let _ = stock.and_when(ship("t", 100)).and_when(cancel()).then_nothing().then_rejected(&wrong.into());
    }
}
