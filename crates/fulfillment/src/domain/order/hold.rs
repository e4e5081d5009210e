//! Hold: an order rests until somebody lets it go on. It keeps its stock and may still get some; nobody picks it.

use std::sync::Arc;

use cqrs::{Command, Decision, Invalid, States, Streams};

use super::place::OrderAnswer;
use super::{Order, OrderEvent, OrderStatus, WrongTransition};
use crate::domain::ids::OrderId;

/// The longest reason, in characters.
pub const REASON_LENGTH_MAX: usize = 500;

/// Puts an order on hold. One that rests for the same reason already stays as it is.
#[derive(Clone, Debug)]
pub struct PutOnHold {
    /// The order.
    pub order_id: OrderId,
    /// Why: 1 to 500 characters.
    pub reason: Arc<str>,
}

/// Why an order is not put on hold, or does not go on.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum HoldRejection {
    /// No such order.
    #[error("order {order_id} does not exist")]
    UnknownOrder {
        /// The id.
        order_id: OrderId,
    },
    /// It is picked already, or has ended.
    #[error(transparent)]
    WrongTransition(WrongTransition),
}

impl Command for PutOnHold {
    const NAME: &'static str = "put-order-on-hold";
    type Answer = OrderAnswer;
    type Rejection = HoldRejection;

    fn validate(&self) -> Result<(), Invalid> {
        let right = (1..=REASON_LENGTH_MAX).contains(&self.reason.chars().count());
        if right { Ok(()) } else { Err(Invalid::field("/reason", "1 to 500 characters")) }
    }

    fn streams(&self) -> Streams {
        Streams::one(&Order::stream(&self.order_id))
    }

    fn decide(&self, states: &States<'_>) -> Result<Decision<OrderAnswer>, HoldRejection> {
        let stream = Order::stream(&self.order_id);
        let order = states.of(&stream);
        if order.placed().is_none() {
            return Err(HoldRejection::UnknownOrder { order_id: self.order_id.clone() });
        }
        let status = order.status();
        let repeated = order.on_hold() == Some(&*self.reason);
        let answer = OrderAnswer { order_id: self.order_id.clone(), status: OrderStatus::OnHold, repeated };
        if repeated && status == OrderStatus::OnHold {
            return Ok(Decision::answer(answer));
        }
        if !status.next().contains(&OrderStatus::OnHold) && status != OrderStatus::OnHold {
            return Err(HoldRejection::WrongTransition(WrongTransition::new(status, OrderStatus::OnHold)));
        }
        Ok(Decision::answer(answer).record(&stream, OrderEvent::PutOnHold { reason: Arc::clone(&self.reason) }))
    }
}

#[cfg(test)]
mod tests {
    use super::super::cancel::CancelOrder;
    use super::super::fixtures::*;
    use super::super::release_hold::ReleaseHold;
    use super::*;

    fn hold(reason: &str) -> PutOnHold {
        PutOnHold { order_id: id("o"), reason: reason.into() }
    }

    #[test]
    fn it_rests_and_goes_on_and_repeating_changes_nothing() {
        let given = nothing().when(order("o", &[("TEA", 2)])).given();
        let event = OrderEvent::PutOnHold { reason: "fraud check".into() };
        let held = given.when(hold("fraud check")).then_events(&stream("o"), [event]);
        let again = held.and_when(hold("fraud check")).then_nothing();
        assert_eq!(again.answer().status, OrderStatus::OnHold);
        // It still gets its stock.
        let given = told(again.given(), "o", reserved(1, &[("1", "main", 2)]));
        assert_eq!(found(&given, "o").status(), OrderStatus::OnHold);
        let released =
            given.when(ReleaseHold { order_id: id("o") }).then_events(&stream("o"), [OrderEvent::HoldReleased]);
        assert_eq!(released.answer().status, OrderStatus::Reserved);
        let _ = released.and_when(ReleaseHold { order_id: id("o") }).then_nothing();
    }

    #[test]
    fn another_reason_is_recorded() {
        let given = nothing().when(order("o", &[("TEA", 2)])).and_when(hold("fraud check")).given();
        let event = OrderEvent::PutOnHold { reason: "address".into() };
        let _ = given.when(hold("address")).then_events(&stream("o"), [event]);
    }

    #[test]
    fn what_is_picked_or_has_ended_cannot_rest() {
        let given = nothing().when(order("o", &[("TEA", 2)])).given();
        let given = told(given, "o", reserved(1, &[("1", "main", 2)]));
        let picking = given.clone().events(&stream("o"), [OrderEvent::PickingStarted]);
        let wrong = |from| HoldRejection::WrongTransition(WrongTransition::new(from, OrderStatus::OnHold));
        let _ = picking.when(hold("x")).then_rejected(&wrong(OrderStatus::Picking));
        let cancelled = given.when(CancelOrder { order_id: id("o"), lines: Vec::new(), reason: None });
        let _ = cancelled.and_when(hold("x")).then_rejected(&wrong(OrderStatus::Cancelled));
    }

    #[test]
    fn unknown_orders_and_empty_reasons_are_refused() {
        let unknown = HoldRejection::UnknownOrder { order_id: id("o") };
        let _ = nothing().when(hold("x")).then_rejected(&unknown);
        let _ = nothing().when(ReleaseHold { order_id: id("o") }).then_rejected(&unknown);
        let _ = nothing().when(hold("")).then_invalid("/reason");
        let _ = nothing().when(hold(&"x".repeat(REASON_LENGTH_MAX + 1))).then_invalid("/reason");
    }
}
