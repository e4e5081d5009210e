//! Short: units of a task are not where they should be. The order gives them back and asks for others elsewhere.

use cqrs::{Command, Decision, States, Streams};

use super::pick_task::{AtHand, PickRejection};
use super::release::PickListAnswer;
use super::step::streams;
use super::{PickList, PickListEvent, PickListId};
use crate::domain::backlog::Service;
use crate::domain::ids::{LineId, Quantity};
use crate::domain::order::{OrderEvent, OrderInput};

/// Says how many units of a task have been found missing by now, all in all. What was said already stays so.
#[derive(Clone, Debug)]
pub struct MissUnits {
    /// The list.
    pub id: PickListId,
    /// The task: the order's line.
    pub task: LineId,
    /// Units missing in all; all that is still to be picked unless given.
    pub quantity: Option<Quantity>,
}

impl Command for MissUnits {
    const NAME: &'static str = "miss-units";
    type Answer = PickListAnswer;
    type Rejection = PickRejection;

    fn streams(&self) -> Streams {
        streams(&self.id)
    }

    fn decide(&self, states: &States<'_>) -> Result<Decision<PickListAnswer>, PickRejection> {
        let at_hand = AtHand::new(states, &self.id, &self.task)?;
        let task = &at_hand.task;
        let quantity = match self.quantity.map(Quantity::units) {
            Some(total) => (total - task.short).max(0),
            None => task.open(),
        };
        if quantity == 0 {
            return Ok(Decision::answer(at_hand.unchanged()));
        }
        at_hand.may_go_on(quantity)?;
        let order_id = &self.id.order_id;
        let mut service = Service::new(states);
        if !at_hand.found.order.is_picking() {
            service.happened(order_id, OrderEvent::PickingStarted);
        }
        let units = at_hand.units(quantity);
        service.happened(order_id, OrderEvent::ShortPicked { units: units.clone() });
        service.tell(order_id, &OrderInput::ShortPicked { units });
        let event = PickListEvent::Short { task: self.task.clone(), quantity };
        let answer = at_hand.changed(&event, &service.order(order_id));
        Ok(service.decision().map(|()| answer).record(&PickList::stream(&self.id), event))
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::super::{PickListStatus, TaskState};
    use super::*;
    use crate::domain::order::fixtures::{found, line, place, refused, stream as order_stream, told, units_at};
    use crate::domain::order::{LineStatus, OrderStatus};

    #[test]
    fn missing_units_are_given_back_and_asked_for_elsewhere() {
        let missing = units_at("1", 1, "main", 1);
        let after = released(&[("TEA", 3, None)]).when(pick("o~1~main", "1", Some(2))).given();
        let short = after.when(miss("o~1~main", "1", None));
        assert_eq!((short.answer().status, short.answer().open), (PickListStatus::Completed, 0));
        let given =
            short.then_events(&stream("o~1~main"), [PickListEvent::Short { task: line("1"), quantity: 1 }]).given();
        let order = found(&given, "o");
        let asked = order.attempt(2).unwrap();
        assert_eq!((asked.wanted[0].quantity, &asked.wanted[0].exclude), (1, &vec![place("main")]));
        assert_eq!((order.lines()[0].reserved(), order.lines()[0].picked()), (2, 2));
        let task = work(&given, "o~1~main").unwrap().tasks.remove(0);
        assert_eq!((task.quantity, task.picked, task.short, task.state()), (3, 2, 1, TaskState::Short));
        // Nobody has it: the line ends short, the order with what was found.
        let given = told(given, "o", refused(2, "INSUFFICIENT_STOCK", &["1"]));
        let order = found(&given, "o");
        assert_eq!(
            (order.line_status(&order.lines()[0]), order.status()),
            (LineStatus::ShortPicked, OrderStatus::Picked)
        );
        assert_eq!(missing.quantity, order.lines()[0].rejected);
    }

    #[test]
    fn saying_it_again_misses_nothing_twice() {
        let given = released(&[("TEA", 5, None)]).when(miss("o~1~main", "1", Some(2))).given();
        given
            .when(miss("o~1~main", "1", Some(2)))
            .then_nothing()
            .and_when(miss("o~1~main", "1", Some(3)))
            .then_events(&stream("o~1~main"), [PickListEvent::Short { task: line("1"), quantity: 1 }])
            .and_when(pick("o~1~main", "1", Some(3)))
            .then_rejected(&PickRejection::TaskHasLess { task: line("1"), open: 2 })
            .and_when(pick("o~1~main", "1", None))
            .and_when(miss("o~1~main", "1", None))
            .then_nothing();
    }

    #[test]
    fn all_of_a_list_can_be_missing() {
        let given = released(&[("TEA", 2, None)]).when(miss("o~1~main", "1", None));
        let events = [
            OrderEvent::PickingStarted,
            OrderEvent::ShortPicked { units: units_at("1", 1, "main", 2) },
            OrderEvent::ReleaseRequested { attempt: 1, lines: vec![units_at("1", 1, "main", 2)] },
            asks_again(2),
        ];
        let given = given.then_events(&order_stream("o"), events).given();
        let work = work(&given, "o~1~main").unwrap();
        assert_eq!((work.status, work.tasks[0].state()), (PickListStatus::Completed, TaskState::Short));
    }
}
