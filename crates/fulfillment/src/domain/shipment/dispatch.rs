//! Dispatch: a booked shipment leaves the house, and Inventory is told which units went.

use std::collections::BTreeMap;

use cqrs::{Command, Decision, States, Streams};

use super::plan::ShipmentAnswer;
use super::{Planned, Shipment, ShipmentEvent, ShipmentRejection, ShipmentStatus};
use crate::domain::ids::ShipmentId;
use crate::domain::order::{Order, OrderEvent, UnitsAt};

/// Lets a booked shipment leave. One that has left stays gone.
#[derive(Clone, Debug)]
pub struct Dispatch {
    /// The shipment.
    pub shipment_id: ShipmentId,
}

impl Command for Dispatch {
    const NAME: &'static str = "dispatch-shipment";
    type Answer = ShipmentAnswer;
    type Rejection = ShipmentRejection;

    fn streams(&self) -> Streams {
        Streams::one(&Shipment::stream(&self.shipment_id))
    }

    fn decide(&self, states: &States<'_>) -> Result<Decision<ShipmentAnswer>, ShipmentRejection> {
        let (shipment, planned) = Shipment::known(&self.shipment_id, states)?;
        let answer = |status, repeated| ShipmentAnswer { shipment_id: self.shipment_id.clone(), status, repeated };
        match shipment.status {
            ShipmentStatus::Booked => {
                let (order_id, lines) = (planned.order_id.clone(), planned.lines.clone());
                Ok(Decision::answer(answer(ShipmentStatus::Dispatched, false))
                    .record(&Shipment::stream(&self.shipment_id), ShipmentEvent::Dispatched { order_id, lines })
                    .record_all(&Order::stream(&planned.order_id), self.told(&planned)))
            }
            status @ (ShipmentStatus::Dispatched
            | ShipmentStatus::InTransit
            | ShipmentStatus::Delivered
            | ShipmentStatus::DeliveryFailed) => Ok(Decision::answer(answer(status, true))),
            _ => Err(ShipmentRejection::wrong(&shipment, ShipmentStatus::Dispatched)),
        }
    }
}

impl Dispatch {
    /// What the order hears: the units have left, and whose reservations they were.
    fn told(&self, planned: &Planned) -> Vec<OrderEvent> {
        let shipment = &self.shipment_id;
        let mut attempts: BTreeMap<u32, Vec<UnitsAt>> = BTreeMap::new();
        for at in &planned.lines {
            attempts.entry(at.attempt).or_default().push(at.clone());
        }
        let mut events = vec![OrderEvent::Shipped { shipment: shipment.clone(), lines: planned.lines.clone() }];
        let consume = |(attempt, lines)| OrderEvent::ConsumeRequested { attempt, shipment: shipment.clone(), lines };
        events.extend(attempts.into_iter().map(consume));
        events
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::*;
    use crate::domain::order::fixtures as orders;
    use crate::domain::order::{OrderStatus, Policy};

    fn dispatch() -> Dispatch {
        Dispatch { shipment_id: id("s") }
    }

    #[test]
    fn a_booked_shipment_leaves_once() {
        let lines = vec![orders::units_at("1", 1, "main", 5)];
        let events = [
            OrderEvent::Shipped { shipment: id("s"), lines: lines.clone() },
            OrderEvent::ConsumeRequested { attempt: 1, shipment: id("s"), lines: lines.clone() },
        ];
        let when = booked().when(dispatch()).then_events(&orders::stream("o"), events);
        let when = when.then_events(&stream("s"), [ShipmentEvent::Dispatched { order_id: orders::id("o"), lines }]);
        let when = when.and_when(dispatch()).then_nothing();
        assert!(when.answer().repeated);
        assert_eq!(orders::found(&when.given(), "o").status(), OrderStatus::Shipped);
    }

    #[test]
    fn nothing_leaves_before_its_carrier_takes_it() {
        for (given, from) in [
            (planned(), ShipmentStatus::Planned),
            (asking(), ShipmentStatus::Booking),
            (asking().when(record(1, lost())).given(), ShipmentStatus::BookingUnknown),
        ] {
            let wrong = super::super::WrongShipmentTransition::new(from, ShipmentStatus::Dispatched);
            let wrong = ShipmentRejection::WrongTransition(wrong);
            let _ = given.when(dispatch()).then_nothing().then_rejected(&wrong);
        }
    }

    #[test]
    fn units_of_several_attempts_are_told_one_by_one() {
        let given = orders::nothing().when(orders::with(Policy::Backorder, "o", &[("TEA", 5)])).given();
        let given = orders::told(given, "o", orders::reserved(1, &[("1", "main", 2)])).at(at(10_000));
        let given = given.when(crate::domain::order::release_hold::ReleaseHold { order_id: orders::id("o") }).given();
        let given = orders::told(given, "o", orders::reserved(2, &[("1", "main", 3)]));
        let given = given.events(&orders::stream("o"), [OrderEvent::ReadyToShip { implicit: true }]);
        let given = given.when(plan("s")).and_when(start()).and_when(record(1, yes())).and_when(dispatch());
        let consume = |attempt, quantity| OrderEvent::ConsumeRequested {
            attempt,
            shipment: id("s"),
            lines: vec![orders::units_at("1", attempt, "main", quantity)],
        };
        let lines = vec![orders::units_at("1", 1, "main", 2), orders::units_at("1", 2, "main", 3)];
        let shipped = OrderEvent::Shipped { shipment: id("s"), lines };
        let _ = given.then_events(&orders::stream("o"), [shipped, consume(1, 2), consume(2, 3)]);
    }
}
