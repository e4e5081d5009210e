//! Cancel: an order, or units of it, is not wanted any more. All that was reserved for it is given back.

use std::sync::Arc;

use cqrs::{Command, Decision, Invalid, States, Streams};

use super::hold::REASON_LENGTH_MAX;
use super::place::OrderAnswer;
use super::{LINES_MAX, LineUnits, Order, OrderInput, OrderStatus, WrongTransition};
use crate::domain::backlog::Service;
use crate::domain::ids::{LineId, OrderId, Quantity};

/// Cancels an order, or units of it. What is cancelled already stays so.
///
/// Once an order is ready to ship it can only leave. Units that still wait for stock then can be cancelled by their lines.
#[derive(Clone, Debug)]
pub struct CancelOrder {
    /// The order.
    pub order_id: OrderId,
    /// Which lines: at most 2,000; the whole order if empty.
    pub lines: Vec<CancelLine>,
    /// Why, if it is said: 1 to 500 characters.
    pub reason: Option<Arc<str>>,
}

/// One line to cancel.
#[derive(Clone, Debug)]
pub struct CancelLine {
    /// The line.
    pub line_id: LineId,
    /// How many units; all that are left of it unless given.
    pub quantity: Option<Quantity>,
}

/// Why nothing is cancelled.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum CancelRejection {
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
    /// The line has fewer units that could be cancelled.
    #[error("line {line_id} has only {cancellable} units to cancel")]
    LineHasLess {
        /// The line.
        line_id: LineId,
        /// Its place in the command, from 0.
        place: usize,
        /// The units that can be cancelled.
        cancellable: i64,
    },
    /// It is ready to ship, or has ended.
    #[error(transparent)]
    WrongTransition(WrongTransition),
}

impl Command for CancelOrder {
    const NAME: &'static str = "cancel-order";
    type Answer = OrderAnswer;
    type Rejection = CancelRejection;

    fn validate(&self) -> Result<(), Invalid> {
        if self.lines.len() > LINES_MAX {
            return Err(Invalid::field("/lines", "at most 2,000 lines"));
        }
        let mut seen = std::collections::BTreeSet::new();
        for (place, line) in self.lines.iter().enumerate() {
            if !seen.insert(&line.line_id) {
                return Err(Invalid::field(format!("/lines/{place}/lineId"), "is named twice"));
            }
        }
        let right = |reason: &Arc<str>| (1..=REASON_LENGTH_MAX).contains(&reason.chars().count());
        if self.reason.as_ref().is_none_or(right) {
            return Ok(());
        }
        Err(Invalid::field("/reason", "1 to 500 characters"))
    }

    fn streams(&self) -> Streams {
        Streams::one(&Order::stream(&self.order_id))
    }

    fn decide(&self, states: &States<'_>) -> Result<Decision<OrderAnswer>, CancelRejection> {
        let order = states.of(&Order::stream(&self.order_id));
        if order.placed().is_none() {
            return Err(CancelRejection::UnknownOrder { order_id: self.order_id.clone() });
        }
        let answer = |status, repeated| OrderAnswer { order_id: self.order_id.clone(), status, repeated };
        let lines = if self.lines.is_empty() { Self::whole(&order)? } else { self.some(&order)? };
        if lines.is_empty() {
            return Ok(Decision::answer(answer(order.status(), true)));
        }
        let mut service = Service::new(states);
        service.tell(&self.order_id, &OrderInput::Cancelled { lines, reason: self.reason.clone() });
        let status = service.order(&self.order_id).status();
        Ok(service.decision().map(|()| answer(status, false)))
    }
}

impl CancelOrder {
    /// All units of the order; none if they are cancelled already.
    fn whole(order: &Order) -> Result<Vec<LineUnits>, CancelRejection> {
        let status = order.status();
        if status == OrderStatus::Cancelled {
            return Ok(Vec::new());
        }
        let ready = order.is_ready() || order.lines().iter().any(|line| line.ready() > 0);
        if ready || status == OrderStatus::Rejected {
            return Err(CancelRejection::WrongTransition(WrongTransition::new(status, OrderStatus::Cancelled)));
        }
        let open = order.lines().iter().filter(|line| line.cancellable() > 0);
        let units = open.map(|line| LineUnits { line_id: line.line_id.clone(), quantity: line.cancellable() });
        Ok(units.collect())
    }

    /// The units of the lines named; none of a line that is cancelled already.
    fn some(&self, order: &Order) -> Result<Vec<LineUnits>, CancelRejection> {
        let mut units = Vec::with_capacity(self.lines.len());
        for (place, named) in self.lines.iter().enumerate() {
            let line_id = named.line_id.clone();
            let Some(line) = order.line(&line_id) else {
                return Err(CancelRejection::UnknownLine { order_id: self.order_id.clone(), line_id, place });
            };
            let cancellable = line.cancellable();
            match named.quantity.map(Quantity::units) {
                Some(quantity) if quantity > cancellable && line.ready() == 0 => {
                    return Err(CancelRejection::LineHasLess { line_id, place, cancellable });
                }
                Some(quantity) if quantity <= cancellable => units.push(LineUnits { line_id, quantity }),
                None if cancellable > 0 => units.push(LineUnits { line_id, quantity: cancellable }),
                None if line.open() == 0 && line.cancelled > 0 => {}
                _ => {
                    let wrong = WrongTransition::new(order.status(), OrderStatus::Cancelled);
                    return Err(CancelRejection::WrongTransition(wrong));
                }
            }
        }
        Ok(units)
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::super::{OrderEvent, Policy};
    use super::*;

    fn cancel(lines: &[(&str, Option<i64>)]) -> CancelOrder {
        let lines = lines.iter().map(|(name, quantity)| CancelLine {
            line_id: line(name),
            quantity: quantity.map(|quantity| Quantity::parse(quantity).unwrap()),
        });
        CancelOrder { order_id: id("o"), lines: lines.collect(), reason: None }
    }

    fn cancelled(lines: &[(&str, i64)], complete: bool) -> OrderEvent {
        let lines = lines.iter().map(|(name, quantity)| LineUnits { line_id: line(name), quantity: *quantity });
        OrderEvent::LinesCancelled { lines: lines.collect(), reason: None, complete }
    }

    fn release(attempt: u32, lines: Vec<super::super::UnitsAt>) -> OrderEvent {
        OrderEvent::ReleaseRequested { attempt, lines }
    }

    #[test]
    fn a_reserved_order_gives_everything_back_once() {
        let given = nothing().when(order("o", &[("TEA", 2), ("MUG", 1)])).given();
        let given = told(given, "o", reserved(1, &[("1", "main", 2), ("2", "main", 1)]));
        let events = [cancelled(&[("1", 2), ("2", 1)], true), release(1, Vec::new())];
        let when = given.when(cancel(&[])).then_events(&stream("o"), events);
        assert_eq!(when.answer().status, OrderStatus::Cancelled);
        let again = when.and_when(cancel(&[])).then_nothing();
        assert!(again.answer().repeated);
    }

    #[test]
    fn an_open_attempt_is_taken_back_and_its_late_answer_changes_nothing() {
        let given = nothing().when(order("o", &[("TEA", 2)])).given();
        let events = [cancelled(&[("1", 2)], true), release(1, Vec::new())];
        let given = given.when(cancel(&[])).then_events(&stream("o"), events).given();
        assert_eq!(decided(&given, "o", &reserved(1, &[("1", "main", 2)]), at(1)), []);
    }

    #[test]
    fn what_comes_too_much_for_a_partly_cancelled_attempt_is_given_back() {
        let given = nothing().when(order("o", &[("TEA", 5)])).given();
        let given =
            given.when(cancel(&[("1", Some(2))])).then_events(&stream("o"), [cancelled(&[("1", 2)], false)]).given();
        let given = told(given, "o", reserved(1, &[("1", "main", 5)]));
        let order = found(&given, "o");
        assert_eq!((order.status(), order.lines()[0].reserved()), (OrderStatus::Reserved, 3));
    }

    #[test]
    fn single_lines_are_cancelled_and_the_others_stay() {
        let given = nothing().when(order("o", &[("TEA", 3), ("TEA", 1)])).given();
        let given = told(given, "o", reserved(1, &[("1", "main", 3), ("2", "main", 1)]));
        let events = [cancelled(&[("1", 2)], false), release(1, vec![units_at("1", 1, "main", 2)])];
        let when = given.when(cancel(&[("1", Some(2))])).then_events(&stream("o"), events);
        assert_eq!(when.answer().status, OrderStatus::Reserved);
        let events = [cancelled(&[("1", 1)], false), release(1, vec![units_at("1", 1, "main", 1)])];
        let when = when.and_when(cancel(&[("1", None)])).then_events(&stream("o"), events);
        let _ = when.and_when(cancel(&[("1", None)])).then_nothing();
    }

    #[test]
    fn d12_what_is_ready_to_ship_is_not_cancelled() {
        let given = nothing().when(with(Policy::Backorder, "o", &[("TEA", 3)])).given();
        let given = told(given, "o", reserved(1, &[("1", "main", 2)]));
        let given = given.events(&stream("o"), [OrderEvent::ReadyToShip { implicit: true }]);
        let wrong = WrongTransition::new(OrderStatus::ReadyToShip, OrderStatus::Cancelled);
        let wrong = CancelRejection::WrongTransition(wrong);
        let _ = given.clone().when(cancel(&[])).then_nothing().then_rejected(&wrong);
        let _ = given.clone().when(cancel(&[("1", Some(2))])).then_nothing().then_rejected(&wrong);
        // The unit that waits for stock is not ready.
        let events = [cancelled(&[("1", 1)], false), OrderEvent::NothingWaits];
        let _ = given.when(cancel(&[("1", None)])).then_events(&stream("o"), events);
    }

    #[test]
    fn wrong_names_and_numbers_are_told() {
        let given = nothing().when(order("o", &[("TEA", 3)])).given();
        let unknown = CancelRejection::UnknownOrder { order_id: id("o") };
        let _ = nothing().when(cancel(&[])).then_rejected(&unknown);
        let unknown = CancelRejection::UnknownLine { order_id: id("o"), line_id: line("7"), place: 0 };
        let _ = given.clone().when(cancel(&[("7", None)])).then_rejected(&unknown);
        let less = CancelRejection::LineHasLess { line_id: line("1"), place: 0, cancellable: 3 };
        let _ = given.clone().when(cancel(&[("1", Some(4))])).then_rejected(&less);
        let _ = given.clone().when(cancel(&[("1", None), ("1", None)])).then_invalid("/lines/1/lineId");
        let _ = given.when(CancelOrder { reason: Some("".into()), ..cancel(&[]) }).then_invalid("/reason");
    }
}
