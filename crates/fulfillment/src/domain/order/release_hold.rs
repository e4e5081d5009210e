//! Release a hold: an order that rests goes on.

use cqrs::{Command, Decision, States, Streams};

use super::hold::HoldRejection;
use super::place::OrderAnswer;
use super::{Order, OrderEvent};
use crate::domain::ids::OrderId;

/// Lets an order go on. One that does not rest stays as it is.
#[derive(Clone, Debug)]
pub struct ReleaseHold {
    /// The order.
    pub order_id: OrderId,
}

impl Command for ReleaseHold {
    const NAME: &'static str = "release-order-hold";
    type Answer = OrderAnswer;
    type Rejection = HoldRejection;

    fn streams(&self) -> Streams {
        Streams::one(&Order::stream(&self.order_id))
    }

    fn decide(&self, states: &States<'_>) -> Result<Decision<OrderAnswer>, HoldRejection> {
        let stream = Order::stream(&self.order_id);
        let mut order = states.of(&stream).as_ref().clone();
        if order.placed().is_none() {
            return Err(HoldRejection::UnknownOrder { order_id: self.order_id.clone() });
        }
        let rests = order.on_hold().is_some();
        cqrs::Aggregate::apply(&mut order, &OrderEvent::HoldReleased);
        let answer = OrderAnswer { order_id: self.order_id.clone(), status: order.status(), repeated: !rests };
        let decision = Decision::answer(answer);
        Ok(if rests { decision.record(&stream, OrderEvent::HoldReleased) } else { decision })
    }
}
