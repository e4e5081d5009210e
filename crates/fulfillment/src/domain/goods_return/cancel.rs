//! Cancel: a return that was announced will not come.

use cqrs::{Command, Decision, States, Streams};

use super::{GoodsReturn, ReturnAnswer, ReturnEvent, ReturnRejection, ReturnStatus};
use crate::domain::ids::ReturnId;
use crate::domain::order::{Order, OrderEvent};

/// Cancels a return that has not come. One that is cancelled stays so.
#[derive(Clone, Debug)]
pub struct CancelReturn {
    /// The return.
    pub return_id: ReturnId,
}

impl Command for CancelReturn {
    const NAME: &'static str = "cancel-return";
    type Answer = ReturnAnswer;
    type Rejection = ReturnRejection;

    fn streams(&self) -> Streams {
        Streams::one(&GoodsReturn::stream(&self.return_id))
    }

    fn decide(&self, states: &States<'_>) -> Result<Decision<ReturnAnswer>, ReturnRejection> {
        let stream = GoodsReturn::stream(&self.return_id);
        let goods = states.of(&stream);
        let Some(requested) = goods.requested() else {
            return Err(ReturnRejection::UnknownReturn { return_id: self.return_id.clone() });
        };
        let status = ReturnStatus::Cancelled;
        let answer = |repeated| ReturnAnswer { return_id: self.return_id.clone(), status, repeated };
        match goods.status() {
            ReturnStatus::Cancelled => Ok(Decision::answer(answer(true))),
            from @ ReturnStatus::Received => Err(ReturnRejection::WrongTransition { from, to: status }),
            ReturnStatus::Requested => {
                let told = OrderEvent::ReturnCancelled { return_id: self.return_id.clone() };
                Ok(Decision::answer(answer(false))
                    .record(&stream, ReturnEvent::Cancelled)
                    .record(&Order::stream(&requested.order_id), told))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::request::tests::{id, left, request};
    use super::*;
    use crate::domain::order::fixtures as orders;

    #[test]
    fn its_units_can_be_announced_again() {
        let cancel = || CancelReturn { return_id: id("r") };
        let when = left().when(request("r", 5)).and_when(cancel());
        let when = when.then_events(&orders::stream("o"), [OrderEvent::ReturnCancelled { return_id: id("r") }]);
        let _ = when.and_when(cancel()).then_nothing().and_when(request("t", 5)).answer();
    }
}
