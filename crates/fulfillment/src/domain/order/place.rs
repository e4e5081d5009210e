//! Place: takes an order in and asks for its stock, once, however often it is sent.

use std::collections::BTreeSet;
use std::sync::Arc;

use cqrs::{Command, Decision, Invalid, Process, States, Streams, Timestamp};
use serde::{Deserialize, Serialize};

use super::{LINES_MAX, Order, OrderInput, OrderStatus, Placed, PlacedLine, Policy, Priority};
use crate::domain::ids::{LineId, OrderId, Quantity, Sku};

/// The longest name of a customer, in characters.
pub const CUSTOMER_LENGTH_MAX: usize = 128;

/// Places an order. The same id with the same content changes nothing and succeeds again, whatever has happened since.
#[derive(Clone, Debug)]
pub struct PlaceOrder {
    /// The shop's id for it.
    pub order_id: OrderId,
    /// What is ordered: 1 to 2,000 lines.
    pub lines: Vec<PlaceLine>,
    /// What happens when a line is short.
    pub policy: Policy,
    /// How urgent it is.
    pub priority: Priority,
    /// When it is promised, if it is.
    pub promised_at: Option<Timestamp>,
    /// Whose it is, if that is said: 1 to 128 characters.
    pub customer: Option<Arc<str>>,
}

/// One line, as ordered.
#[derive(Clone, Debug)]
pub struct PlaceLine {
    /// Its id, unique in the order.
    pub line_id: LineId,
    /// What is ordered. Several lines may name the same SKU.
    pub sku: Sku,
    /// How much of it.
    pub quantity: Quantity,
}

/// An order after a command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderAnswer {
    /// The order.
    pub order_id: OrderId,
    /// Where it is now.
    pub status: OrderStatus,
    /// Whether it was so before: nothing was recorded.
    pub repeated: bool,
}

/// Why an order is not placed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlaceRejection {
    /// The id is taken by an order of other content: use a new one.
    #[error("order {order_id} exists with other content")]
    IdConflict {
        /// The id.
        order_id: OrderId,
    },
}

impl Command for PlaceOrder {
    const NAME: &'static str = "place-order";
    type Answer = OrderAnswer;
    type Rejection = PlaceRejection;

    fn validate(&self) -> Result<(), Invalid> {
        if !(1..=LINES_MAX).contains(&self.lines.len()) {
            return Err(Invalid::field("/lines", "1 to 2,000 lines"));
        }
        let named = |customer: &Arc<str>| (1..=CUSTOMER_LENGTH_MAX).contains(&customer.chars().count());
        if !self.customer.as_ref().is_none_or(named) {
            return Err(Invalid::field("/customer", "1 to 128 characters"));
        }
        let mut seen = BTreeSet::new();
        for (place, line) in self.lines.iter().enumerate() {
            if !seen.insert(&line.line_id) {
                let detail = format!("{} is the id of two lines", line.line_id);
                return Err(Invalid::field(format!("/lines/{place}/lineId"), detail));
            }
        }
        Ok(())
    }

    fn streams(&self) -> Streams {
        Streams::one(&Order::stream(&self.order_id))
    }

    fn decide(&self, states: &States<'_>) -> Result<Decision<OrderAnswer>, PlaceRejection> {
        let stream = Order::stream(&self.order_id);
        let order = states.of(&stream);
        let placed = self.placed(states.at());
        let answer = |status, repeated| OrderAnswer { order_id: self.order_id.clone(), status, repeated };
        match order.placed() {
            Some(before) if (Placed { placed_at: before.placed_at, ..placed.clone() }) == *before => {
                Ok(Decision::answer(answer(order.status(), true)))
            }
            Some(_) => Err(PlaceRejection::IdConflict { order_id: self.order_id.clone() }),
            None => {
                let events = order.decide(&OrderInput::Placed(placed), states.at());
                Ok(Decision::answer(answer(OrderStatus::ReservationPending, false)).record_all(&stream, events))
            }
        }
    }
}

impl PlaceOrder {
    fn placed(&self, placed_at: Timestamp) -> Placed {
        let lines = self.lines.iter().map(|line| PlacedLine {
            line_id: line.line_id.clone(),
            sku: line.sku.clone(),
            quantity: line.quantity.units(),
        });
        Placed {
            lines: lines.collect(),
            policy: self.policy,
            priority: self.priority,
            promised_at: self.promised_at,
            customer: self.customer.clone(),
            placed_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::super::{ANSWER_WAITS, OrderEvent};
    use super::*;

    #[test]
    fn it_is_placed_and_asks_for_its_stock() {
        let command = order("o", &[("TEA", 2), ("TEA", 1)]);
        let expected = [
            OrderEvent::Placed(command.placed(at(5))),
            OrderEvent::ReservationRequested {
                attempt: 1,
                lines: vec![wanted("1", "TEA", 2), wanted("2", "TEA", 1)],
                allow_partial: true,
                answer_by: at(5).saturating_add(ANSWER_WAITS[0]),
            },
        ];
        let when = nothing().at(at(5)).when(command).then_events(&stream("o"), expected);
        assert_eq!(when.answer().status, OrderStatus::ReservationPending);
        assert!(!when.answer().repeated);
    }

    #[test]
    fn an_order_that_ships_complete_asks_for_all_or_nothing() {
        let command = PlaceOrder { policy: Policy::ShipComplete, ..order("o", &[("TEA", 2)]) };
        let expected = [
            OrderEvent::Placed(command.placed(at(0))),
            OrderEvent::ReservationRequested {
                attempt: 1,
                lines: vec![wanted("1", "TEA", 2)],
                allow_partial: false,
                answer_by: at(0).saturating_add(ANSWER_WAITS[0]),
            },
        ];
        let _ = nothing().when(command).then_events(&stream("o"), expected);
    }

    #[test]
    fn d8_the_same_again_changes_nothing_whatever_has_happened_since() {
        let placed = nothing().when(order("o", &[("TEA", 2)])).given();
        let reserved = told(placed.clone(), "o", reserved(1, &[("1", "main", 2)]));
        assert_eq!(found(&reserved, "o").status(), OrderStatus::Reserved);
        for given in [placed, reserved] {
            let status = found(&given, "o").status();
            let again = given.at(at(9)).when(order("o", &[("TEA", 2)])).then_nothing();
            assert_eq!(again.answer(), &OrderAnswer { order_id: id("o"), status, repeated: true });
        }
    }

    #[test]
    fn other_content_under_the_same_id_is_a_conflict() {
        let given = nothing().when(order("o", &[("TEA", 2)])).given();
        let others = [
            order("o", &[("TEA", 1)]),
            order("o", &[("TEA", 2), ("TEA", 2)]),
            order("o", &[("MUG", 2)]),
            PlaceOrder { policy: Policy::Backorder, ..order("o", &[("TEA", 2)]) },
            PlaceOrder { priority: Priority::Express, ..order("o", &[("TEA", 2)]) },
            PlaceOrder { promised_at: Some(at(7)), ..order("o", &[("TEA", 2)]) },
            PlaceOrder { customer: Some("c".into()), ..order("o", &[("TEA", 2)]) },
        ];
        for other in others {
            let conflict = PlaceRejection::IdConflict { order_id: id("o") };
            let _ = given.clone().when(other).then_nothing().then_rejected(&conflict);
        }
    }

    #[test]
    fn shapes_are_checked_first() {
        let none: &[(&str, i64)] = &[];
        let _ = nothing().when(order("o", none)).then_invalid("/lines");
        let _ = nothing().when(order("o", &[("TEA", 1); LINES_MAX + 1])).then_invalid("/lines");
        let mut twice = order("o", &[("TEA", 1), ("TEA", 1)]);
        twice.lines[1].line_id = line("1");
        let _ = nothing().when(twice).then_invalid("/lines/1/lineId");
        let nobody = PlaceOrder { customer: Some("".into()), ..order("o", &[("TEA", 1)]) };
        let _ = nothing().when(nobody).then_invalid("/customer");
    }
}
