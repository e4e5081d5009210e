//! Pick: units of a task are taken from their bin.

use cqrs::{Aggregate, Command, Decision, States, Streams};

use super::release::{PickListAnswer, after};
use super::step::{Found, streams};
use super::{PickList, PickListEvent, PickListId, PickListStatus, PickTask, Work, WrongPickTransition};
use crate::domain::ids::{LineId, Quantity};
use crate::domain::order::{Order, OrderEvent, OrderStatus, UnitsAt, WrongTransition};

/// Says how many units of a task have been picked by now, all in all. What is picked already stays so.
#[derive(Clone, Debug)]
pub struct PickUnits {
    /// The list.
    pub id: PickListId,
    /// The task: the order's line.
    pub task: LineId,
    /// Units picked in all; all that is to be picked unless given.
    pub quantity: Option<Quantity>,
}

/// Why nothing is picked, or found missing.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum PickRejection {
    /// No such list: the order holds no units there.
    #[error("pick list {id} does not exist")]
    UnknownPickList {
        /// The id.
        id: PickListId,
    },
    /// The list has no such task.
    #[error("pick list {id} has no task {task}")]
    UnknownTask {
        /// The list.
        id: PickListId,
        /// The task.
        task: LineId,
    },
    /// The task has fewer units left.
    #[error("task {task} has {open} units left")]
    TaskHasLess {
        /// The task.
        task: LineId,
        /// Units still to be picked.
        open: i64,
    },
    /// It was not released, or nothing is left to pick.
    #[error(transparent)]
    WrongTransition(WrongPickTransition),
    /// The order is on hold.
    #[error(transparent)]
    OrderRests(WrongTransition),
}

impl Command for PickUnits {
    const NAME: &'static str = "pick-units";
    type Answer = PickListAnswer;
    type Rejection = PickRejection;

    fn streams(&self) -> Streams {
        streams(&self.id)
    }

    fn decide(&self, states: &States<'_>) -> Result<Decision<PickListAnswer>, PickRejection> {
        let at_hand = AtHand::new(states, &self.id, &self.task)?;
        let task = &at_hand.task;
        // What was picked and is to be put back counts: a repeated message does not pick it again.
        let before = task.picked + task.put_back;
        let quantity = match self.quantity.map(Quantity::units) {
            Some(total) if total <= before => 0,
            Some(total) => total - task.picked,
            None => task.open(),
        };
        if quantity == 0 {
            return Ok(Decision::answer(at_hand.unchanged()));
        }
        at_hand.may_go_on(quantity)?;
        let event = PickListEvent::Picked { task: self.task.clone(), quantity };
        let mut order = at_hand.found.order.as_ref().clone();
        let mut events = Vec::with_capacity(2);
        if !order.is_picking() {
            events.push(OrderEvent::PickingStarted);
        }
        events.push(OrderEvent::Picked { units: at_hand.units(quantity) });
        events.iter().for_each(|event| order.apply(event));
        let answer = at_hand.changed(&event, &order);
        let decision = Decision::answer(answer).record_all(&Order::stream(&self.id.order_id), events);
        Ok(decision.record(&PickList::stream(&self.id), event))
    }
}

/// A task that somebody stands before.
pub(super) struct AtHand<'c> {
    pub(super) id: &'c PickListId,
    pub(super) found: Found,
    pub(super) work: Work,
    pub(super) task: PickTask,
}

impl<'c> AtHand<'c> {
    pub(super) fn new(states: &States<'_>, id: &'c PickListId, task: &LineId) -> Result<Self, PickRejection> {
        let found = Found::new(states, id);
        let Some(work) = found.work(id) else {
            return Err(PickRejection::UnknownPickList { id: id.clone() });
        };
        let Some(release) = found.list.release() else {
            let wrong = WrongPickTransition { from: work.status, to: PickListStatus::InProgress };
            return Err(PickRejection::WrongTransition(wrong));
        };
        if !release.tasks.iter().any(|released| released.line_id == *task) {
            return Err(PickRejection::UnknownTask { id: id.clone(), task: task.clone() });
        }
        let Some(task) = work.task(task).cloned() else {
            // The order does not want any of it any more.
            return Err(PickRejection::TaskHasLess { task: task.clone(), open: 0 });
        };
        Ok(Self { id, found, work, task })
    }

    /// Refuses to do something about `quantity` units that are not there, or while the order rests.
    pub(super) fn may_go_on(&self, quantity: i64) -> Result<(), PickRejection> {
        let open = self.task.open();
        if quantity > open {
            return Err(PickRejection::TaskHasLess { task: self.task.line_id.clone(), open });
        }
        if self.found.order.on_hold().is_some() {
            let wrong = WrongTransition::new(OrderStatus::OnHold, OrderStatus::Picking);
            return Err(PickRejection::OrderRests(wrong));
        }
        Ok(())
    }

    pub(super) fn units(&self, quantity: i64) -> UnitsAt {
        UnitsAt {
            line_id: self.task.line_id.clone(),
            attempt: self.id.attempt,
            location: self.id.location.clone(),
            quantity,
        }
    }

    pub(super) fn unchanged(&self) -> PickListAnswer {
        PickListAnswer { id: self.id.clone(), status: self.work.status, open: self.work.open(), repeated: true }
    }

    /// The answer once `event` has happened, and `order` is as it leaves it.
    pub(super) fn changed(&self, event: &PickListEvent, order: &Order) -> PickListAnswer {
        let work = after(&self.found, self.id, event, order);
        let (status, open) = work.map_or((PickListStatus::Completed, 0), |work| (work.status, work.open()));
        PickListAnswer { id: self.id.clone(), status, open, repeated: false }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::super::release::ReleasePickList;
    use super::*;
    use crate::domain::order::cancel::{CancelLine, CancelOrder};
    use crate::domain::order::fixtures::{id, line, stream as order_stream, units_at};
    use crate::domain::order::hold::PutOnHold;

    fn picked(task: &str, quantity: i64) -> PickListEvent {
        PickListEvent::Picked { task: line(task), quantity }
    }

    #[test]
    fn picking_is_recorded_on_the_list_and_on_the_order_and_the_first_pick_begins_it() {
        let answer = |status, open| PickListAnswer { id: list("o~1~main"), status, open, repeated: false };
        released(&[("TEA", 3, None)])
            .when(pick("o~1~main", "1", Some(2)))
            .then_events(&stream("o~1~main"), [picked("1", 2)])
            .then_events(
                &order_stream("o"),
                [OrderEvent::PickingStarted, OrderEvent::Picked { units: units_at("1", 1, "main", 2) }],
            )
            .then_answer(&answer(PickListStatus::InProgress, 1))
            .and_when(pick("o~1~main", "1", None))
            .then_events(&order_stream("o"), [OrderEvent::Picked { units: units_at("1", 1, "main", 1) }])
            .then_answer(&answer(PickListStatus::Completed, 0));
    }

    #[test]
    fn saying_it_again_or_late_picks_nothing_twice() {
        let given = released(&[("TEA", 5, None)]).when(pick("o~1~main", "1", Some(2))).given();
        given
            .when(pick("o~1~main", "1", Some(2)))
            .then_nothing()
            .and_when(pick("o~1~main", "1", Some(5)))
            .then_events(&stream("o~1~main"), [picked("1", 3)])
            .and_when(pick("o~1~main", "1", Some(2)))
            .then_nothing()
            .and_when(pick("o~1~main", "1", None))
            .then_nothing();
    }

    #[test]
    fn nothing_is_picked_that_is_not_there_not_released_or_on_hold() {
        let draft = reserved_at(&[("TEA", 3, None)]);
        let wrong = WrongPickTransition { from: PickListStatus::Draft, to: PickListStatus::InProgress };
        draft.when(pick("o~1~main", "1", None)).then_rejected(&PickRejection::WrongTransition(wrong));
        let given = released(&[("TEA", 3, None)]);
        let less = PickRejection::TaskHasLess { task: line("1"), open: 3 };
        given.clone().when(pick("o~1~main", "1", Some(4))).then_rejected(&less);
        let unknown = PickRejection::UnknownTask { id: list("o~1~main"), task: line("9") };
        given.clone().when(pick("o~1~main", "9", None)).then_rejected(&unknown);
        let no_list = PickRejection::UnknownPickList { id: list("o~7~main") };
        given.clone().when(pick("o~7~main", "1", None)).then_rejected(&no_list);
        let hold = PutOnHold { order_id: id("o"), reason: "fraud check".into() };
        let rests = WrongTransition::new(OrderStatus::OnHold, OrderStatus::Picking);
        given.when(hold).and_when(pick("o~1~main", "1", None)).then_rejected(&PickRejection::OrderRests(rests));
    }

    #[test]
    fn what_the_order_cancels_leaves_the_list_and_what_was_picked_of_it_goes_back() {
        let given = released(&[("TEA", 3, None), ("MUG", 1, None)]).when(pick("o~1~main", "1", Some(2))).given();
        let part = CancelLine { line_id: line("1"), quantity: Some(Quantity::parse(2).unwrap()) };
        let all = CancelLine { line_id: line("2"), quantity: None };
        let cancel = CancelOrder { order_id: id("o"), lines: vec![part, all], reason: None };
        let given = given.when(cancel).given();
        let work = work(&given, "o~1~main").unwrap();
        assert_eq!((work.status, work.tasks.len(), work.open()), (PickListStatus::Completed, 1, 0));
        assert_eq!((work.tasks[0].quantity, work.tasks[0].picked, work.tasks[0].put_back), (1, 1, 1));
        given.clone().when(pick("o~1~main", "1", Some(2))).then_nothing();
        let gone = PickRejection::TaskHasLess { task: line("2"), open: 0 };
        given.when(pick("o~1~main", "2", None)).then_rejected(&gone);
    }

    #[test]
    fn a_list_that_nobody_began_is_cancelled_with_its_order() {
        let given = released(&[("TEA", 3, None)]);
        let given = given.when(CancelOrder { order_id: id("o"), lines: Vec::new(), reason: None }).given();
        assert_eq!(work(&given, "o~1~main").unwrap().status, PickListStatus::Cancelled);
        given
            .when(ReleasePickList { id: list("o~1~main") })
            .then_nothing()
            .and_when(pick("o~1~main", "1", None))
            .then_rejected(&PickRejection::TaskHasLess { task: line("1"), open: 0 });
    }
}
