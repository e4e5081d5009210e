//! The order process: what an order asks Inventory for, and what it makes of the answers.
//!
//! It is told one thing at a time and decides on a copy of the order that follows every event it records. Whatever it is
//! told, it ends by looking at what nobody asks for and nobody waits for, so that no unit is ever forgotten: such units
//! are asked for, wait for stock or are rejected, as the order's policy says.

use std::sync::Arc;

use cqrs::{Process, Timestamp};

use super::Order;
use super::event::{LineUnits, Placed, ReservedUnits, UnitsAt};
use super::next::Next;
use crate::domain::ids::LineId;

/// What an order can be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OrderInput {
    /// Somebody has placed it: ask for its stock.
    Placed(Placed),
    /// Inventory has committed stock to an attempt, all of it or some.
    Reserved {
        /// The attempt.
        attempt: u32,
        /// Where the units are.
        lines: Vec<ReservedUnits>,
    },
    /// Inventory has refused an attempt.
    Refused {
        /// The attempt.
        attempt: u32,
        /// Why.
        code: Arc<str>,
        /// The lines it refused for, if it said which.
        lines: Vec<LineId>,
    },
    /// Units that were backordered can be asked for now.
    StockCame {
        /// Which.
        lines: Vec<LineUnits>,
    },
    /// Somebody has cancelled units; all that is not ready to leave if none are named.
    Cancelled {
        /// Which.
        lines: Vec<LineUnits>,
        /// Why, if it was said.
        reason: Option<Arc<str>>,
    },
    /// A picker found units missing: give them back, and ask for others elsewhere. Whoever tells it records
    /// [`OrderEvent::ShortPicked`](super::OrderEvent::ShortPicked) before what is decided here.
    ShortPicked {
        /// Which.
        units: UnitsAt,
    },
}

impl Process for Order {
    type Input = OrderInput;

    fn decide(&self, input: &OrderInput, at: Timestamp) -> Vec<Self::Event> {
        let mut next = Next::of(self, at);
        match input {
            OrderInput::Placed(placed) => next.placed(placed),
            OrderInput::Reserved { attempt, lines } => next.reserved(*attempt, lines),
            OrderInput::Refused { attempt, code, lines } => next.refused(*attempt, code, lines),
            OrderInput::StockCame { lines } => next.stock_came(lines),
            OrderInput::Cancelled { lines, reason } => next.cancelled(lines, reason.as_ref()),
            OrderInput::ShortPicked { units } => next.short_picked(units),
        }
        next.events()
    }
}

#[cfg(test)]
mod tests {

    use cqrs::{Aggregate, Timed, TimerChange};

    use super::super::fixtures::*;
    use super::super::{ANSWER_WAITS, ASK_AGAIN_WAITS, AttemptState, OrderEvent, OrderStatus, Policy, RejectedUnits};
    use super::*;

    fn rejected(lines: &[(&str, i64, &str)], complete: bool) -> OrderEvent {
        let lines = lines.iter().map(|(name, quantity, code)| RejectedUnits {
            line_id: line(name),
            quantity: *quantity,
            code: (*code).into(),
        });
        OrderEvent::LinesRejected { lines: lines.collect(), complete }
    }

    fn backordered(lines: &[(&str, i64)], again_at: Timestamp) -> OrderEvent {
        let lines = lines.iter().map(|(name, quantity)| LineUnits { line_id: line(name), quantity: *quantity });
        OrderEvent::LinesBackordered { lines: lines.collect(), again_at }
    }

    fn refusal(attempt: u32, code: &str) -> OrderEvent {
        OrderEvent::ReservationRefused { attempt, code: code.into() }
    }

    fn reservation(attempt: u32, lines: &[(&str, &str, i64)], complete: bool) -> OrderEvent {
        OrderEvent::Reserved { attempt, lines: units(lines), complete }
    }

    fn request(attempt: u32, lines: &[(&str, &str, i64)], answer_by: Timestamp) -> OrderEvent {
        let lines = lines.iter().map(|(name, of, quantity)| wanted(name, of, *quantity));
        OrderEvent::ReservationRequested { attempt, lines: lines.collect(), allow_partial: true, answer_by }
    }

    fn passes(order: &mut Order, now: Timestamp) -> Vec<OrderEvent> {
        let mut events = Vec::new();
        while let Some(event) = order.due(now) {
            order.apply(&event);
            events.push(event);
            assert!(events.len() < 10, "it never ends: {events:?}");
        }
        events
    }

    #[test]
    fn d9_what_is_there_is_kept_and_only_the_rest_is_rejected() {
        let given = nothing().when(order("o", &[("TEA", 3), ("MUG", 1)])).given();
        let events = decided(&given, "o", &reserved(1, &[("1", "main", 2), ("2", "main", 0)]), at(1));
        let expected = [
            reservation(1, &[("1", "main", 2), ("2", "main", 0)], false),
            rejected(&[("1", 1, "INSUFFICIENT_STOCK"), ("2", 1, "INSUFFICIENT_STOCK")], false),
        ];
        assert_eq!(events, expected);
    }

    #[test]
    fn all_that_was_asked_for_makes_it_complete() {
        let given = nothing().when(order("o", &[("TEA", 3)])).given();
        let events = decided(&given, "o", &reserved(1, &[("1", "main", 3)]), at(1));
        assert_eq!(events, [reservation(1, &[("1", "main", 3)], true)]);
    }

    #[test]
    fn an_order_that_ships_complete_takes_all_or_nothing() {
        let given = nothing().when(with(Policy::ShipComplete, "o", &[("TEA", 3), ("MUG", 1)])).given();
        let codes = [("1", 3, "INSUFFICIENT_STOCK"), ("2", 1, "ORDER_INCOMPLETE")];
        let refusals = decided(&given, "o", &refused(1, "INSUFFICIENT_STOCK", &["1"]), at(1));
        assert_eq!(refusals, [refusal(1, "INSUFFICIENT_STOCK"), rejected(&codes, true)]);
        let short = decided(&given, "o", &reserved(1, &[("1", "main", 2), ("2", "main", 1)]), at(1));
        let expected = [
            reservation(1, &[("1", "main", 2), ("2", "main", 1)], false),
            OrderEvent::ReleaseRequested { attempt: 1, lines: Vec::new() },
            rejected(&codes, true),
        ];
        assert_eq!(short, expected);
    }

    #[test]
    fn an_unknown_sku_costs_its_line_and_no_other() {
        for policy in [Policy::ShipAvailable, Policy::Backorder] {
            let given = nothing().when(with(policy, "o", &[("TEA", 3), ("NONE", 1)])).given();
            let events = decided(&given, "o", &refused(1, "UNKNOWN_SKU", &["2"]), at(1));
            let expected = [
                refusal(1, "UNKNOWN_SKU"),
                rejected(&[("2", 1, "UNKNOWN_SKU")], false),
                request(2, &[("1", "TEA", 3)], at(1).saturating_add(ANSWER_WAITS[0])),
            ];
            assert_eq!(events, expected);
        }
    }

    #[test]
    fn a_line_that_no_stock_can_help_does_not_wait_for_any() {
        let given = nothing().when(with(Policy::Backorder, "o", &[("TEA", 3), ("NONE", 1)])).given();
        let mut lines = units(&[("1", "main", 2), ("2", "main", 0)]);
        lines[0].code = Some("INSUFFICIENT_STOCK".into());
        lines[1].code = Some("UNKNOWN_SKU".into());
        let events = decided(&given, "o", &OrderInput::Reserved { attempt: 1, lines: lines.clone() }, at(1));
        let expected = [
            OrderEvent::Reserved { attempt: 1, lines, complete: false },
            rejected(&[("2", 1, "UNKNOWN_SKU")], false),
            backordered(&[("1", 1)], at(1).saturating_add(ASK_AGAIN_WAITS[0])),
        ];
        assert_eq!(events, expected);
    }

    #[test]
    fn every_timer_that_is_set_is_cleared_by_what_ends_it() {
        let given = nothing().when(with(Policy::Backorder, "o", &[("TEA", 3)])).given();
        let mut order = found(&given, "o");
        let mut timers = std::collections::BTreeMap::from([("answer-1".to_owned(), at(60_000))]);
        for hours in 1..100 {
            for event in passes(&mut order, at(hours * 3_600_000)) {
                for change in Order::timers(&event) {
                    match change {
                        TimerChange::Set { name, at } => timers.insert(name.into_owned(), at),
                        TimerChange::Clear { name } => timers.remove(&*name),
                    };
                }
            }
            assert_eq!(timers.values().min().copied(), order.next_due());
            assert_eq!(timers.len(), 1);
        }
    }

    #[test]
    fn what_is_backordered_asks_again_when_stock_came_or_time_has_passed() {
        let given = nothing().when(with(Policy::Backorder, "o", &[("TEA", 3)])).given();
        let events = decided(&given, "o", &refused(1, "INSUFFICIENT_STOCK", &[]), at(1));
        let again_at = at(1).saturating_add(ASK_AGAIN_WAITS[0]);
        assert_eq!(events, [refusal(1, "INSUFFICIENT_STOCK"), backordered(&[("1", 3)], again_at)]);
        let given = given.events(&stream("o"), events);
        assert_eq!(found(&given, "o").status(), OrderStatus::Backordered);

        let came = OrderInput::StockCame { lines: vec![LineUnits { line_id: line("1"), quantity: 9 }] };
        let answer_by = at(2).saturating_add(ANSWER_WAITS[0]);
        let asks = [request(2, &[("1", "TEA", 3)], answer_by), OrderEvent::NothingWaits];
        assert_eq!(decided(&given, "o", &came, at(2)), asks);

        let mut order = found(&given, "o");
        assert_eq!(order.next_due(), Some(again_at));
        assert_eq!(passes(&mut order, at(again_at.as_millis() - 1)), []);
        let answer_by = again_at.saturating_add(ANSWER_WAITS[0]);
        assert_eq!(passes(&mut order, again_at), [request(2, &[("1", "TEA", 3)], answer_by), OrderEvent::NothingWaits]);
        // Nothing came: it waits longer.
        let events = order.decide(&reserved(2, &[("1", "main", 0)]), again_at);
        let later = again_at.saturating_add(ASK_AGAIN_WAITS[1]);
        assert_eq!(events, [refusal(2, "INSUFFICIENT_STOCK"), backordered(&[("1", 3)], later)]);
    }

    #[test]
    fn an_answer_that_was_given_is_given_once_and_late_ones_change_nothing() {
        let given = nothing().when(order("o", &[("TEA", 3)])).given();
        let answered = told(given.clone(), "o", reserved(1, &[("1", "main", 3)]));
        assert_eq!(decided(&answered, "o", &reserved(1, &[("1", "main", 3)]), at(1)), []);
        assert_eq!(decided(&answered, "o", &refused(1, "INSUFFICIENT_STOCK", &[]), at(1)), []);
        assert_eq!(decided(&given, "o", &reserved(2, &[("1", "main", 3)]), at(1)), []);
        let mut late = found(&given, "o");
        let _ = passes(&mut late, at(60_000));
        assert_eq!(late.attempt(1).unwrap().state, AttemptState::GivenUp);
        assert_eq!(late.decide(&reserved(1, &[("1", "main", 3)]), at(60_001)), []);
    }

    #[test]
    fn nobody_answers_it_asks_three_times_and_then_gives_up_unless_it_may_wait() {
        for policy in [Policy::ShipAvailable, Policy::ShipComplete, Policy::Backorder] {
            let given = nothing().when(with(policy, "o", &[("TEA", 3)])).given();
            let mut order = found(&given, "o");
            let mut now = at(0);
            for attempt in 1..=10_u32 {
                let wait = ANSWER_WAITS.get(attempt as usize - 1).unwrap_or(&ANSWER_WAITS[2]);
                now = now.saturating_add(*wait);
                assert_eq!(order.next_due(), Some(now));
                let timed_out = OrderEvent::ReservationTimedOut { attempt };
                if attempt == 3 && policy != Policy::Backorder {
                    assert_eq!(
                        passes(&mut order, now),
                        [timed_out, rejected(&[("1", 3, "RESERVATION_TIMEOUT")], true)]
                    );
                    assert_eq!(order.next_due(), None);
                    break;
                }
                let next = ANSWER_WAITS.get(attempt as usize).unwrap_or(&ANSWER_WAITS[2]);
                let asks = OrderEvent::ReservationRequested {
                    attempt: attempt + 1,
                    lines: vec![wanted("1", "TEA", 3)],
                    allow_partial: policy != Policy::ShipComplete,
                    answer_by: now.saturating_add(*next),
                };
                assert_eq!(passes(&mut order, now), [timed_out, asks]);
            }
        }
    }

    #[test]
    fn units_that_a_picker_misses_are_asked_for_elsewhere() {
        let given = nothing().when(order("o", &[("TEA", 3)])).given();
        let given = told(given, "o", reserved(1, &[("1", "main", 3)]));
        let missing = units_at("1", 1, "main", 2);
        let input = OrderInput::ShortPicked { units: missing.clone() };
        let mut asks = wanted("1", "TEA", 2);
        asks.exclude = vec![place("main")];
        let expected = [
            OrderEvent::ReleaseRequested { attempt: 1, lines: vec![missing.clone()] },
            OrderEvent::ReservationRequested {
                attempt: 2,
                lines: vec![asks],
                allow_partial: true,
                answer_by: at(1).saturating_add(ANSWER_WAITS[0]),
            },
        ];
        // Whether it is told before or after the event itself.
        assert_eq!(decided(&given, "o", &input, at(1)), expected);
        let given = given.events(&stream("o"), [OrderEvent::ShortPicked { units: missing }]);
        assert_eq!(decided(&given, "o", &input, at(1)), expected);
        let given = given.events(&stream("o"), expected);
        let events = decided(&given, "o", &refused(2, "INSUFFICIENT_STOCK", &[]), at(2));
        assert_eq!(events, [refusal(2, "INSUFFICIENT_STOCK"), rejected(&[("1", 2, "SHORT_PICK")], false)]);
    }

    #[test]
    fn an_order_that_ships_complete_keeps_what_is_picked_when_the_rest_is_nowhere() {
        let given = nothing().when(with(Policy::ShipComplete, "o", &[("TEA", 3), ("MUG", 1)])).given();
        let given = told(given, "o", reserved(1, &[("1", "main", 3), ("2", "main", 1)]));
        let missing = units_at("1", 1, "main", 2);
        let given = given.events(&stream("o"), [OrderEvent::ShortPicked { units: missing.clone() }]);
        let given = told(given, "o", OrderInput::ShortPicked { units: missing });
        let given = told(given, "o", refused(2, "INSUFFICIENT_STOCK", &["1"]));
        let order = found(&given, "o");
        assert_eq!((order.lines()[0].reserved(), order.lines()[1].reserved()), (1, 1));
        assert_eq!((order.lines()[0].rejected, order.lines()[0].rejected_for.as_deref()), (2, Some("SHORT_PICK")));
    }

    #[test]
    fn units_that_are_missing_are_asked_for_beside_others_that_wait() {
        let given = nothing().when(with(Policy::Backorder, "o", &[("TEA", 3)])).given();
        let given = told(given, "o", reserved(1, &[("1", "main", 2)]));
        assert_eq!(found(&given, "o").lines()[0].backordered, 1);
        let missing = units_at("1", 1, "main", 2);
        let given = given.events(&stream("o"), [OrderEvent::ShortPicked { units: missing.clone() }]);
        let given = told(given, "o", OrderInput::ShortPicked { units: missing });
        let order = found(&given, "o");
        let tea = &order.lines()[0];
        assert_eq!((tea.backordered, tea.untouched(), order.asked(&line("1"))), (1, 2, 2));
    }
}
