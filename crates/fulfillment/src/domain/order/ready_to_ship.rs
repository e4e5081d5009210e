//! Ready to ship: an order can leave. From here on it is not cancelled any more.

use cqrs::{Command, Decision, States, Streams};

use super::place::OrderAnswer;
use super::{Order, OrderEvent, OrderLine, OrderStatus, WrongTransition};
use crate::domain::ids::OrderId;

/// Says that an order can leave. One that can already stays as it is.
///
/// An order of which nobody has recorded a pick counts as picked and packed: all that is reserved leaves. Where picking
/// was begun it has to be finished first, and so has everything that Inventory was asked for. What waits for stock stays
/// behind, and is made ready on its own when it has come.
#[derive(Clone, Debug)]
pub struct MakeReadyToShip {
    /// The order.
    pub order_id: OrderId,
}

/// Why an order cannot leave.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadyRejection {
    /// No such order.
    #[error("order {order_id} does not exist")]
    UnknownOrder {
        /// The id.
        order_id: OrderId,
    },
    /// Something of it is still under way, or nothing is left of it.
    #[error(transparent)]
    WrongTransition(WrongTransition),
}

impl Command for MakeReadyToShip {
    const NAME: &'static str = "make-order-ready-to-ship";
    type Answer = OrderAnswer;
    type Rejection = ReadyRejection;

    fn streams(&self) -> Streams {
        Streams::one(&Order::stream(&self.order_id))
    }

    fn decide(&self, states: &States<'_>) -> Result<Decision<OrderAnswer>, ReadyRejection> {
        let stream = Order::stream(&self.order_id);
        let mut order = states.of(&stream).as_ref().clone();
        if order.placed().is_none() {
            return Err(ReadyRejection::UnknownOrder { order_id: self.order_id.clone() });
        }
        let answer = |status, repeated| OrderAnswer { order_id: self.order_id.clone(), status, repeated };
        if order.is_ready() {
            return Ok(Decision::answer(answer(order.status(), true)));
        }
        if !can_leave(&order) {
            return Err(ReadyRejection::WrongTransition(wrong(order.status())));
        }
        let packed = order.lines().iter().all(|line| line.packed() == line.reserved());
        let event = OrderEvent::ReadyToShip { implicit: !packed };
        cqrs::Aggregate::apply(&mut order, &event);
        Ok(Decision::answer(answer(order.status(), false)).record(&stream, event))
    }
}

/// Whether there is something to leave, and nothing of it under way.
fn can_leave(order: &Order) -> bool {
    let sum = |count: fn(&OrderLine) -> i64| order.lines().iter().map(count).sum::<i64>();
    let (reserved, picked, ready) = (sum(OrderLine::reserved), sum(OrderLine::picked), sum(OrderLine::ready));
    // Units that left before do not say how the rest is picked.
    let begun = order.is_picking() || picked > ready;
    reserved > ready
        && order.on_hold().is_none()
        && order.lines().iter().all(|line| line.untouched() == 0)
        && (picked == reserved || !begun)
}

/// The refusal, which says what the order can become instead.
fn wrong(from: OrderStatus) -> WrongTransition {
    use OrderStatus as S;
    // These lead there once nothing is under way.
    let allowed: &[S] = match from {
        S::PartiallyReserved => &[S::Reserved, S::Picking, S::OnHold, S::Cancelled],
        S::Picked => &[S::Packed, S::Cancelled],
        S::Packed => &[S::Cancelled],
        other => other.next(),
    };
    WrongTransition { from, to: S::ReadyToShip, allowed }
}

#[cfg(test)]
mod tests {
    use super::super::Policy;
    use super::super::cancel::{CancelOrder, CancelRejection};
    use super::super::fixtures::*;
    use super::super::hold::PutOnHold;
    use super::*;
    use crate::domain::pick_list::fixtures::{miss, pick, released, reserved_at};

    fn ready() -> MakeReadyToShip {
        MakeReadyToShip { order_id: id("o") }
    }

    fn refused_as(from: OrderStatus) -> ReadyRejection {
        ReadyRejection::WrongTransition(wrong(from))
    }

    #[test]
    fn d12_it_is_idempotent_and_nothing_is_cancelled_after_it() {
        let given = reserved_at(&[("TEA", 3, None)]);
        let answer = OrderAnswer { order_id: id("o"), status: OrderStatus::ReadyToShip, repeated: false };
        let cancel = CancelOrder { order_id: id("o"), lines: Vec::new(), reason: None };
        let wrong = WrongTransition::new(OrderStatus::ReadyToShip, OrderStatus::Cancelled);
        given
            .when(ready())
            .then_events(&stream("o"), [OrderEvent::ReadyToShip { implicit: true }])
            .then_answer(&answer)
            .and_when(ready())
            .then_nothing()
            .then_answer(&OrderAnswer { repeated: true, ..answer })
            .and_when(cancel)
            .then_rejected(&CancelRejection::WrongTransition(wrong));
    }

    #[test]
    fn an_implicit_pick_makes_all_that_is_reserved_ready() {
        let given = reserved_at(&[("TEA", 3, None), ("MUG", 1, None)]).when(ready()).given();
        let order = found(&given, "o");
        let lines: Vec<_> = order.lines().iter().map(|line| (line.picked(), line.packed(), line.ready())).collect();
        assert_eq!(lines, [(3, 3, 3), (1, 1, 1)]);
    }

    #[test]
    fn nothing_leaves_while_something_is_under_way() {
        let asked = nothing().when(order("o", &[("TEA", 3)])).given();
        asked.when(ready()).then_rejected(&refused_as(OrderStatus::ReservationPending));
        let picking = released(&[("TEA", 3, None)]).when(pick("o~1~main", "1", Some(1))).given();
        picking.clone().when(ready()).then_rejected(&refused_as(OrderStatus::Picking));
        // One unit is missing and asked for elsewhere.
        let short =
            picking.clone().when(miss("o~1~main", "1", Some(1))).and_when(pick("o~1~main", "1", Some(2))).given();
        let refusal = ReadyRejection::WrongTransition(WrongTransition {
            from: OrderStatus::Picked,
            to: OrderStatus::ReadyToShip,
            allowed: &[OrderStatus::Packed, OrderStatus::Cancelled],
        });
        short.when(ready()).then_rejected(&refusal);
        let _ = picking.when(pick("o~1~main", "1", None)).and_when(ready()).answer();
        let rests = reserved_at(&[("TEA", 3, None)]).when(PutOnHold { order_id: id("o"), reason: "x".into() }).given();
        rests.when(ready()).then_rejected(&refused_as(OrderStatus::OnHold));
        nothing().when(ready()).then_rejected(&ReadyRejection::UnknownOrder { order_id: id("o") });
    }

    #[test]
    fn what_is_there_leaves_while_the_rest_waits_for_stock_and_the_rest_follows() {
        let given = nothing().when(with(Policy::Backorder, "o", &[("TEA", 3)])).given();
        let given = told(given, "o", reserved(1, &[("1", "main", 2)]));
        let given = given.when(ready()).given();
        assert_eq!(found(&given, "o").status(), OrderStatus::ReadyToShip);
        let came = super::super::OrderInput::StockCame {
            lines: vec![super::super::LineUnits { line_id: line("1"), quantity: 1 }],
        };
        let given = told(given, "o", came);
        let given = told(given, "o", reserved(2, &[("1", "main", 1)]));
        assert_eq!(found(&given, "o").lines()[0].ready(), 2);
        given.when(ready()).then_events(&stream("o"), [OrderEvent::ReadyToShip { implicit: true }]);
    }
}
