//! Plan: units of an order that are ready become a shipment, for a carrier that is asked from then on.

use std::collections::BTreeSet;

use cqrs::{Command, Decision, Invalid, States, Streams};
use serde::{Deserialize, Serialize};

use super::{PACKAGES_MAX, Planned, SHIPMENTS_MAX, Shipment, ShipmentEvent, ShipmentStatus};
use crate::domain::ids::{CarrierId, LineId, LocationId, OrderId, Quantity, ShipmentId};
use crate::domain::order::{LINES_MAX, LineUnits, Order, OrderEvent, OrderStatus, UnitsAt};

/// Plans a shipment of units that are ready to leave and in no other one. Repeating it changes nothing.
#[derive(Clone, Debug)]
pub struct PlanShipment {
    /// The shipment.
    pub shipment_id: ShipmentId,
    /// The order.
    pub order_id: OrderId,
    /// Who is asked to take it.
    pub carrier: CarrierId,
    /// Which units: at most 2,000 lines; all that are ready if empty.
    pub lines: Vec<PlanLine>,
    /// Where they leave from; needed only if what is ready lies at several locations.
    pub from: Option<LocationId>,
    /// Its boxes, 1 to 1,000.
    pub packages: u32,
}

/// Units of one line for a shipment.
#[derive(Clone, Debug)]
pub struct PlanLine {
    /// The line.
    pub line_id: LineId,
    /// How many.
    pub quantity: Quantity,
}

/// The answer to a command on a shipment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ShipmentAnswer {
    /// The shipment.
    pub shipment_id: ShipmentId,
    /// Where it is.
    pub status: ShipmentStatus,
    /// Whether it was so before.
    pub repeated: bool,
}

/// Why no shipment is planned.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanRejection {
    /// No such order.
    #[error("order {order_id} does not exist")]
    UnknownOrder {
        /// The id.
        order_id: OrderId,
    },
    /// The order has no such line.
    #[error("order {order_id} has no line {line_id}")]
    UnknownLine {
        /// The order.
        order_id: OrderId,
        /// The line.
        line_id: LineId,
        /// Its place in the command, from 0.
        place: usize,
    },
    /// Fewer units of the line are ready and in no shipment.
    #[error("line {line_id} has only {ready} units that are ready to leave")]
    LineHasLess {
        /// The line.
        line_id: LineId,
        /// Its place in the command, from 0.
        place: usize,
        /// The units that could be planned.
        ready: i64,
    },
    /// Nothing of the order is ready to leave, or all that is has its shipment.
    #[error("nothing of an order that is {status} is ready to leave")]
    NothingReady {
        /// Where the order is.
        status: OrderStatus,
    },
    /// What is ready lies at several locations, and none was named.
    #[error("what is ready lies at {} locations", .locations.len())]
    SeveralLocations {
        /// Which.
        locations: Vec<LocationId>,
    },
    /// The order has too many shipments.
    #[error("an order has at most {SHIPMENTS_MAX} shipments")]
    TooMany,
    /// Another shipment has this id.
    #[error("shipment {shipment_id} exists with other content")]
    IdConflict {
        /// The id.
        shipment_id: ShipmentId,
    },
}

impl Command for PlanShipment {
    const NAME: &'static str = "plan-shipment";
    type Answer = ShipmentAnswer;
    type Rejection = PlanRejection;

    fn validate(&self) -> Result<(), Invalid> {
        if self.lines.len() > LINES_MAX {
            return Err(Invalid::field("/lines", "at most 2,000 lines"));
        }
        let mut seen = BTreeSet::new();
        for (place, line) in self.lines.iter().enumerate() {
            if !seen.insert(&line.line_id) {
                return Err(Invalid::field(format!("/lines/{place}/lineId"), "is named twice"));
            }
        }
        let right = (1..=PACKAGES_MAX).contains(&self.packages);
        if right { Ok(()) } else { Err(Invalid::field("/packages", "1 to 1,000")) }
    }

    fn streams(&self) -> Streams {
        Streams::one(&self.stream()).and(&Order::stream(&self.order_id))
    }

    fn decide(&self, states: &States<'_>) -> Result<Decision<ShipmentAnswer>, PlanRejection> {
        let (shipment, order) = (states.of(&self.stream()), states.of(&Order::stream(&self.order_id)));
        let answer = |status, repeated| ShipmentAnswer { shipment_id: self.shipment_id.clone(), status, repeated };
        if let Some(planned) = shipment.planned() {
            return if self.is(planned) {
                Ok(Decision::answer(answer(shipment.status(), true)))
            } else {
                Err(PlanRejection::IdConflict { shipment_id: self.shipment_id.clone() })
            };
        }
        if order.placed().is_none() {
            return Err(PlanRejection::UnknownOrder { order_id: self.order_id.clone() });
        }
        if order.shipments().len() + order.planned_shipments().count() >= SHIPMENTS_MAX {
            return Err(PlanRejection::TooMany);
        }
        let lines = self.units(&order)?;
        let event = OrderEvent::ShipmentPlanned {
            shipment: self.shipment_id.clone(),
            carrier: self.carrier.clone(),
            lines: lines.clone(),
        };
        let planned = Planned {
            order_id: self.order_id.clone(),
            carrier: self.carrier.clone(),
            wanted: self.wanted(),
            wanted_from: self.from.clone(),
            lines,
            packages: self.packages,
            planned_at: states.at(),
        };
        Ok(Decision::answer(answer(ShipmentStatus::Planned, false))
            .record(&self.stream(), ShipmentEvent::Planned(planned))
            .record(&Order::stream(&self.order_id), event))
    }
}

impl PlanShipment {
    fn stream(&self) -> cqrs::Stream<Shipment> {
        Shipment::stream_of(&self.shipment_id, &self.order_id)
    }

    fn wanted(&self) -> Vec<LineUnits> {
        let lines = self.lines.iter();
        lines.map(|line| LineUnits { line_id: line.line_id.clone(), quantity: line.quantity.units() }).collect()
    }

    /// Whether `planned` is what this asks for.
    fn is(&self, planned: &Planned) -> bool {
        planned.order_id == self.order_id
            && planned.carrier == self.carrier
            && planned.packages == self.packages
            && planned.wanted_from == self.from
            && planned.wanted == self.wanted()
    }

    /// The units that become the shipment, all of one location.
    fn units(&self, order: &Order) -> Result<Vec<UnitsAt>, PlanRejection> {
        let nothing = PlanRejection::NothingReady { status: order.status() };
        if order.on_hold().is_some() {
            return Err(nothing);
        }
        let mut units = Vec::new();
        if self.lines.is_empty() {
            for line in order.lines() {
                self.take(&mut units, line, i64::MAX);
            }
        }
        for (place, named) in self.lines.iter().enumerate() {
            let line_id = named.line_id.clone();
            let Some(line) = order.line(&line_id) else {
                return Err(PlanRejection::UnknownLine { order_id: self.order_id.clone(), line_id, place });
            };
            let missing = self.take(&mut units, line, named.quantity.units());
            if missing > 0 {
                let ready = named.quantity.units() - missing;
                return Err(PlanRejection::LineHasLess { line_id, place, ready });
            }
        }
        let locations: BTreeSet<_> = units.iter().map(|at| at.location.clone()).collect();
        match locations.len() {
            0 => Err(nothing),
            1 => Ok(units),
            _ => Err(PlanRejection::SeveralLocations { locations: locations.into_iter().collect() }),
        }
    }

    /// Takes up to `left` units of `line` that can be planned; returns how many were not there.
    fn take(&self, units: &mut Vec<UnitsAt>, line: &crate::domain::order::OrderLine, mut left: i64) -> i64 {
        let here = |at: &&crate::domain::order::Units| self.from.as_ref().is_none_or(|from| at.location == *from);
        for at in line.units.iter().filter(here) {
            let quantity = at.plannable().min(left);
            if quantity > 0 {
                left -= quantity;
                let (line_id, location) = (line.line_id.clone(), at.location.clone());
                units.push(UnitsAt { line_id, attempt: at.attempt, location, quantity });
            }
        }
        left
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::*;
    use crate::domain::order::fixtures as orders;

    fn lines(lines: &[(&str, i64)]) -> Vec<PlanLine> {
        let lines = lines.iter().map(|(line, quantity)| PlanLine {
            line_id: orders::line(line),
            quantity: Quantity::parse(*quantity).unwrap(),
        });
        lines.collect()
    }

    #[test]
    fn all_that_is_ready_becomes_a_shipment_once() {
        let when = ready().when(plan("s"));
        let stream = orders::stream("o");
        let planned = OrderEvent::ShipmentPlanned {
            shipment: id("s"),
            carrier: carrier(),
            lines: vec![orders::units_at("1", 1, "main", 5)],
        };
        let when = when.then_events(&stream, [planned]);
        assert_eq!(when.answer().status, ShipmentStatus::Planned);
        let again = when.and_when(plan("s")).then_nothing();
        assert!(again.answer().repeated);
        let other = PlanShipment { packages: 2, ..plan("s") };
        let _ = again.and_when(other).then_rejected(&PlanRejection::IdConflict { shipment_id: id("s") });
    }

    #[test]
    fn no_unit_is_in_two_shipments() {
        let first = PlanShipment { lines: lines(&[("1", 3)]), ..plan("s") };
        let given = ready().when(first).given();
        let more = PlanShipment { lines: lines(&[("1", 3)]), ..plan("t") };
        let less = PlanRejection::LineHasLess { line_id: orders::line("1"), place: 0, ready: 2 };
        let when = given.when(more).then_nothing().then_rejected(&less);
        let given = when.and_when(plan("t")).given();
        assert_eq!(found(&given, "t").planned().unwrap().lines, [orders::units_at("1", 1, "main", 2)]);
        let nothing = PlanRejection::NothingReady { status: OrderStatus::ReadyToShip };
        let _ = given.when(plan("u")).then_rejected(&nothing);
    }

    #[test]
    fn nothing_is_planned_before_it_is_ready() {
        let given = orders::nothing().when(orders::order("o", &[("TEA", 5)])).given();
        let pending = PlanRejection::NothingReady { status: OrderStatus::ReservationPending };
        let given = given.when(plan("s")).then_nothing().then_rejected(&pending).given();
        let given = orders::told(given, "o", orders::reserved(1, &[("1", "main", 5)]));
        let reserved = PlanRejection::NothingReady { status: OrderStatus::Reserved };
        let _ = given.when(plan("s")).then_nothing().then_rejected(&reserved);
    }

    #[test]
    fn what_lies_at_several_locations_leaves_from_one() {
        let given = orders::nothing().when(orders::order("o", &[("TEA", 2), ("MUG", 1)])).given();
        let given = orders::told(given, "o", orders::reserved(1, &[("1", "main", 2), ("2", "north", 1)]));
        let given = given.events(&orders::stream("o"), [OrderEvent::ReadyToShip { implicit: true }]);
        let several =
            PlanRejection::SeveralLocations { locations: vec![orders::place("main"), orders::place("north")] };
        let when = given.when(plan("s")).then_nothing().then_rejected(&several);
        let north = PlanShipment { from: Some(orders::place("north")), ..plan("s") };
        let given = when.and_when(north).given();
        assert_eq!(found(&given, "s").planned().unwrap().lines, [orders::units_at("2", 1, "north", 1)]);
        let given = given.when(plan("t")).given();
        assert_eq!(found(&given, "t").planned().unwrap().lines, [orders::units_at("1", 1, "main", 2)]);
    }

    #[test]
    fn what_is_wrong_in_itself_is_refused() {
        let _ = ready().when(PlanShipment { packages: 0, ..plan("s") }).then_invalid("/packages");
        let twice = PlanShipment { lines: lines(&[("1", 1), ("1", 1)]), ..plan("s") };
        let _ = ready().when(twice).then_invalid("/lines/1/lineId");
        let unknown = PlanShipment { lines: lines(&[("9", 1)]), ..plan("s") };
        let rejection = PlanRejection::UnknownLine { order_id: orders::id("o"), line_id: orders::line("9"), place: 0 };
        let _ = ready().when(unknown).then_rejected(&rejection);
        let no_order = PlanRejection::UnknownOrder { order_id: orders::id("o") };
        let _ = orders::nothing().when(plan("s")).then_rejected(&no_order);
    }
}
