//! How units of an order leave and come back: what shipments hold of it, and what is to return.

use super::{LineUnits, Order, OrderEvent, Units, UnitsAt};
use crate::domain::ids::{LineId, ReturnId, ShipmentId};

impl Units {
    /// Units that are ready to leave and in no shipment yet.
    #[must_use]
    pub fn plannable(&self) -> i64 {
        self.ready - self.planned
    }
}

impl Order {
    /// The shipments that were planned and have neither left nor been voided.
    pub fn planned_shipments(&self) -> impl Iterator<Item = &ShipmentId> {
        self.planned.iter()
    }

    /// The returns that have not come yet.
    pub fn open_returns(&self) -> impl Iterator<Item = &ReturnId> {
        self.returns.keys()
    }

    /// Units of a line that have left, and neither came back nor are to come back.
    #[must_use]
    pub fn returnable(&self, line: &LineId) -> i64 {
        let Some(found) = self.line(line) else { return 0 };
        let open = self.returns.values().flatten().filter(|units| units.line_id == *line);
        found.shipped() - found.returned - open.map(|units| units.quantity).sum::<i64>()
    }

    /// Folds an event about what leaves or comes back; no other changes anything.
    pub(super) fn leave(&mut self, event: &OrderEvent) {
        match event {
            OrderEvent::ShipmentPlanned { shipment, lines, .. } => {
                self.planned.insert(shipment.clone());
                self.on_each(lines, |units, quantity| units.planned += quantity);
            }
            OrderEvent::ShipmentVoided { shipment, lines } => {
                self.planned.remove(shipment);
                self.on_each(lines, |units, quantity| units.planned -= quantity);
            }
            OrderEvent::Shipped { shipment, lines } => {
                self.planned.remove(shipment);
                self.shipments.insert(shipment.clone());
                self.on_each(lines, |units, quantity| units.shipped += quantity);
            }
            OrderEvent::Delivered { lines, .. } => self.on_each(lines, |units, quantity| units.delivered += quantity),
            OrderEvent::ReturnRequested { return_id, lines } => {
                self.returns.insert(return_id.clone(), lines.clone());
            }
            OrderEvent::ReturnCancelled { return_id } => {
                self.returns.remove(return_id);
            }
            OrderEvent::Returned { return_id, lines } => {
                self.returns.remove(return_id);
                self.came_back(lines);
            }
            _ => {}
        }
    }

    fn on_each(&mut self, lines: &[UnitsAt], change: impl Fn(&mut Units, i64)) {
        lines.iter().for_each(|at| self.on_units(at, |units| change(units, at.quantity)));
    }

    fn came_back(&mut self, lines: &[LineUnits]) {
        lines.iter().for_each(|units| self.on_line(&units.line_id, |line| line.returned += units.quantity));
    }
}
