//! Ready to ship: all that is reserved for an order can leave. From then on those units can only be shipped.

use cqrs::{Aggregate, Command, Decision, States, Streams};

use super::place::OrderAnswer;
use super::{Order, OrderEvent, OrderLine, OrderStatus, WrongTransition};
use crate::domain::ids::OrderId;

/// Says that an order can leave. One that could leave before stays as it is.
///
/// Where nobody has recorded picking or packing, all that is reserved counts as picked and packed. Units that wait for
/// stock do not hinder the others; once they are reserved, they are made ready by the same command again.
#[derive(Clone, Debug)]
pub struct MakeReadyToShip {
    /// The order.
    pub order_id: OrderId,
}

/// Why an order is not ready to ship.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadyToShipRejection {
    /// No such order.
    #[error("order {order_id} does not exist")]
    UnknownOrder {
        /// The id.
        order_id: OrderId,
    },
    /// An answer about its stock is still out, nothing is reserved, picking has begun and is not done, it rests or has
    /// ended.
    #[error(transparent)]
    WrongTransition(WrongTransition),
}

impl Command for MakeReadyToShip {
    const NAME: &'static str = "make-order-ready-to-ship";
    type Answer = OrderAnswer;
    type Rejection = ReadyToShipRejection;

    fn streams(&self) -> Streams {
        Streams::one(&Order::stream(&self.order_id))
    }

    fn decide(&self, states: &States<'_>) -> Result<Decision<OrderAnswer>, ReadyToShipRejection> {
        let stream = Order::stream(&self.order_id);
        let order = states.of(&stream);
        if order.placed().is_none() {
            return Err(ReadyToShipRejection::UnknownOrder { order_id: self.order_id.clone() });
        }
        let answer = |status, repeated| OrderAnswer { order_id: self.order_id.clone(), status, repeated };
        let sum = |count: fn(&OrderLine) -> i64| order.lines().iter().map(count).sum::<i64>();
        let (reserved, status) = (sum(OrderLine::reserved), order.status());
        if order.is_ready() && sum(OrderLine::ready) == reserved {
            return Ok(Decision::answer(answer(status, true)));
        }
        let pending = sum(OrderLine::untouched) > 0;
        let picking = order.is_picking() && sum(OrderLine::picked) < reserved;
        if reserved == 0 || pending || picking || order.on_hold().is_some() {
            return Err(ReadyToShipRejection::WrongTransition(refusal(status)));
        }
        let event = OrderEvent::ReadyToShip { implicit: sum(OrderLine::packed) < reserved };
        let mut after = (*order).clone();
        after.apply(&event);
        Ok(Decision::answer(answer(after.status(), false)).record(&stream, event))
    }
}

/// The refusal from `from`: what is allowed leaves out what was just refused.
fn refusal(from: OrderStatus) -> WrongTransition {
    use OrderStatus as S;
    let allowed: &'static [S] = match from {
        S::PartiallyReserved => &[S::Reserved, S::Picking, S::OnHold, S::Cancelled],
        S::Reserved => &[S::Picking, S::OnHold, S::Cancelled],
        S::Picked => &[S::Packed, S::Cancelled],
        S::Packed => &[S::Cancelled],
        other => other.next(),
    };
    WrongTransition { from, to: S::ReadyToShip, allowed }
}

#[cfg(test)]
mod tests {
    use cqrs::testkit::Given;

    use super::super::cancel::{CancelOrder, CancelRejection};
    use super::super::fixtures::*;
    use super::super::hold::PutOnHold;
    use super::super::{LineUnits, OrderInput, OrderStatus as S, Policy};
    use super::*;
    use crate::domain::ids::{PackageId, ShipmentId};

    fn ready() -> MakeReadyToShip {
        MakeReadyToShip { order_id: id("o") }
    }

    fn cancel() -> CancelOrder {
        CancelOrder { order_id: id("o"), lines: Vec::new(), reason: None }
    }

    fn wrong(from: OrderStatus, allowed: &'static [OrderStatus]) -> ReadyToShipRejection {
        ReadyToShipRejection::WrongTransition(WrongTransition { from, to: S::ReadyToShip, allowed })
    }

    fn two_reserved() -> Given {
        told(nothing().when(order("o", &[("TEA", 2)])).given(), "o", reserved(1, &[("1", "main", 2)]))
    }

    #[test]
    fn d12_ready_to_ship_is_idempotent_and_not_cancelled_after_it() {
        let first = two_reserved().when(ready());
        let first = first.then_events(&stream("o"), [OrderEvent::ReadyToShip { implicit: true }]);
        assert_eq!((first.answer().status, first.answer().repeated), (OrderStatus::ReadyToShip, false));
        let again = first.and_when(ready()).then_nothing();
        assert_eq!((again.answer().status, again.answer().repeated), (OrderStatus::ReadyToShip, true));
        let given = again.given();
        let line = found(&given, "o").lines()[0].clone();
        assert_eq!((line.picked(), line.packed(), line.ready()), (2, 2, 2));
        let too_late = WrongTransition::new(OrderStatus::ReadyToShip, OrderStatus::Cancelled);
        let _ = given.clone().when(cancel()).then_nothing().then_rejected(&CancelRejection::WrongTransition(too_late));
        let left =
            OrderEvent::Shipped { shipment: ShipmentId::parse("s").unwrap(), lines: vec![units_at("1", 1, "main", 2)] };
        let shipped = given.events(&stream("o"), [left]).when(ready()).then_nothing();
        assert_eq!(shipped.answer().status, OrderStatus::Shipped);
    }

    #[test]
    fn nothing_is_ready_while_an_answer_about_its_stock_is_out() {
        let pending = nothing().when(order("o", &[("TEA", 2)])).given();
        let expected = wrong(
            S::ReservationPending,
            &[S::PartiallyReserved, S::Reserved, S::Rejected, S::Backordered, S::OnHold, S::Cancelled],
        );
        let _ = pending.when(ready()).then_nothing().then_rejected(&expected);
        // Some of a line is reserved, and the rest is asked for again.
        let given = nothing().when(with(Policy::Backorder, "o", &[("TEA", 2)])).given();
        let given = told(given, "o", reserved(1, &[("1", "main", 1)]));
        let rest = LineUnits { line_id: line("1"), quantity: 1 };
        let given = told(given, "o", OrderInput::StockCame { lines: vec![rest] });
        let expected = wrong(S::PartiallyReserved, &[S::Reserved, S::Picking, S::OnHold, S::Cancelled]);
        let _ = given.when(ready()).then_nothing().then_rejected(&expected);
    }

    #[test]
    fn what_waits_for_stock_does_not_hinder_the_rest_and_is_made_ready_later() {
        let given = nothing().when(with(Policy::Backorder, "o", &[("TEA", 2)])).given();
        let given = told(given, "o", reserved(1, &[("1", "main", 1)])).when(ready()).given();
        assert_eq!(found(&given, "o").lines()[0].ready(), 1);
        let rest = LineUnits { line_id: line("1"), quantity: 1 };
        let given = told(given, "o", OrderInput::StockCame { lines: vec![rest] });
        // Nothing new is there yet: the same answer again.
        let given = given.when(ready()).then_nothing().given();
        let given = told(given, "o", reserved(2, &[("1", "main", 1)]));
        let both = given.when(ready()).then_events(&stream("o"), [OrderEvent::ReadyToShip { implicit: true }]);
        assert_eq!(found(&both.given(), "o").lines()[0].ready(), 2);
    }

    #[test]
    fn once_picking_has_begun_all_must_be_picked() {
        let picked = |quantity| OrderEvent::Picked { units: units_at("1", 1, "main", quantity) };
        let given = two_reserved().events(&stream("o"), [OrderEvent::PickingStarted, picked(1)]);
        let expected = wrong(S::Picking, &[S::Picked, S::Cancelled]);
        let _ = given.clone().when(ready()).then_nothing().then_rejected(&expected);
        let given = given.events(&stream("o"), [picked(1)]);
        let event = |implicit| [OrderEvent::ReadyToShip { implicit }];
        let _ = given.clone().when(ready()).then_events(&stream("o"), event(true));
        let packed =
            OrderEvent::Packed { package: PackageId::parse("box").unwrap(), lines: vec![units_at("1", 1, "main", 2)] };
        let _ = given.events(&stream("o"), [packed]).when(ready()).then_events(&stream("o"), event(false));
    }

    #[test]
    fn what_rests_has_ended_or_is_unknown_is_refused() {
        let resting = two_reserved().when(PutOnHold { order_id: id("o"), reason: "address".into() }).given();
        let ended = two_reserved().when(cancel()).given();
        for (given, from) in [(resting, S::OnHold), (ended, S::Cancelled)] {
            let expected = wrong(from, from.next());
            let _ = given.when(ready()).then_nothing().then_rejected(&expected);
        }
        let unknown = ReadyToShipRejection::UnknownOrder { order_id: id("o") };
        let _ = nothing().when(ready()).then_rejected(&unknown);
    }
}
