//! What an order makes of Inventory's answers. An attempt is answered once; later words about it change nothing, because
//! whoever closed it has already asked Inventory to take back all that it may still bring.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::event::{OrderEvent, RejectedUnits, ReservedUnits};
use super::next::{INSUFFICIENT_STOCK, Next, SHORT_PICK};
use super::{Order, OrderLine, Policy};
use crate::domain::ids::LineId;

impl Next {
    /// Something of what attempt `number` asked for is reserved.
    pub(super) fn reserved(&mut self, number: u32, lines: &[ReservedUnits]) {
        if !self.is_open(number) {
            return;
        }
        let lines = self.asked_for(number, lines);
        let short: Vec<LineId> = self.short(number, &lines);
        let code = self.short_code(number);
        if lines.iter().all(|line| line.from.is_empty()) {
            self.record(OrderEvent::ReservationRefused { attempt: number, code: INSUFFICIENT_STOCK.into() });
        } else {
            let reserved = |complete| OrderEvent::Reserved { attempt: number, lines: lines.clone(), complete };
            let complete = is_complete(&self.order, &reserved(false));
            self.record(reserved(complete));
            if self.order.policy() == Policy::ShipComplete && !short.is_empty() {
                // It was not asked for in part. What came is not wanted without the rest.
                self.record(OrderEvent::ReleaseRequested { attempt: number, lines: Vec::new() });
            }
            self.give_surplus_back();
        }
        self.reject_hopeless(&lines);
        self.settle(code, &short);
    }

    /// Rejects units of lines that are short for another reason than a lack of stock: waiting would not help them.
    fn reject_hopeless(&mut self, lines: &[ReservedUnits]) {
        let hopeless: BTreeMap<&LineId, &Arc<str>> = lines
            .iter()
            .filter_map(|line| Some((&line.line_id, line.code.as_ref()?)))
            .filter(|(_, code)| &***code != INSUFFICIENT_STOCK)
            .collect();
        if hopeless.is_empty() {
            return;
        }
        let rejected = self.order.unserved().into_iter().filter_map(|units| {
            let code = Arc::clone(hopeless.get(&units.line_id)?);
            Some(RejectedUnits { line_id: units.line_id, quantity: units.quantity, code })
        });
        let rejected: Vec<_> = rejected.collect();
        if !rejected.is_empty() {
            self.record(self.order.rejection(rejected));
        }
    }

    /// Nothing of what attempt `number` asked for is reserved. `refused` are the lines that are at fault, all if none.
    pub(super) fn refused(&mut self, number: u32, code: &Arc<str>, refused: &[LineId]) {
        if !self.is_open(number) {
            return;
        }
        let short_code = self.short_code(number);
        let exclusive = self.order.policy() != Policy::ShipComplete && &**code != INSUFFICIENT_STOCK;
        self.record(OrderEvent::ReservationRefused { attempt: number, code: Arc::clone(code) });
        if exclusive && !refused.is_empty() {
            // A line that can never be served does not cost the customer the others: they are asked for once more.
            let (at_fault, _) =
                self.order.unserved().into_iter().partition::<Vec<_>, _>(|l| refused.contains(&l.line_id));
            if !at_fault.is_empty() {
                self.record(self.order.reject(at_fault, code));
                return self.ask_for_the_rest();
            }
        }
        let code = if &**code == INSUFFICIENT_STOCK { short_code } else { code };
        self.settle(code, refused);
    }

    /// Of `lines` what attempt `number` asked for, with real units only.
    fn asked_for(&self, number: u32, lines: &[ReservedUnits]) -> Vec<ReservedUnits> {
        let wanted = self.order.attempt(number).map(|attempt| &*attempt.wanted).unwrap_or_default();
        let known = lines.iter().filter(|line| wanted.iter().any(|wanted| wanted.line_id == line.line_id));
        let real = known.map(|line| {
            let from = line.from.iter().filter(|place| place.quantity > 0).cloned();
            ReservedUnits { line_id: line.line_id.clone(), from: from.collect(), code: line.code.clone() }
        });
        real.collect()
    }

    /// The lines that got less than attempt `number` asked for and is still wanted.
    fn short(&self, number: u32, lines: &[ReservedUnits]) -> Vec<LineId> {
        let mut came: BTreeMap<&LineId, i64> = BTreeMap::new();
        for line in lines {
            *came.entry(&line.line_id).or_default() += line.from.iter().map(|place| place.quantity).sum::<i64>();
        }
        let wanted = self.order.attempt(number).map(|attempt| &*attempt.wanted).unwrap_or_default();
        let still = |line: &LineId| self.order.line(line).map_or(0, OrderLine::untouched);
        let short = wanted.iter().filter(|wanted| {
            let came = came.get(&wanted.line_id).copied().unwrap_or_default();
            came < wanted.quantity.min(still(&wanted.line_id))
        });
        short.map(|wanted| wanted.line_id.clone()).collect()
    }

    /// What it means for attempt `number` that there is not enough: it may have asked for what a picker did not find.
    fn short_code(&self, number: u32) -> &'static str {
        let repairs = |attempt: &super::Attempt| attempt.wanted.iter().any(|wanted| !wanted.exclude.is_empty());
        if self.order.attempt(number).is_some_and(repairs) { SHORT_PICK } else { INSUFFICIENT_STOCK }
    }
}

/// Whether nothing of the order waits or is missing after `event`.
fn is_complete(order: &Order, event: &OrderEvent) -> bool {
    let mut after = order.clone();
    cqrs::Aggregate::apply(&mut after, event);
    after.lines.iter().all(|line| line.backordered == 0 && line.rejected == 0 && line.untouched() <= 0)
}
