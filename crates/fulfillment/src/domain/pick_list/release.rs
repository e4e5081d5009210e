//! Release: a pick list is given to the floor.

use cqrs::{Aggregate, Command, Decision, States, Streams};
use serde::{Deserialize, Serialize};

use super::step::{Found, streams};
use super::{
    PickList, PickListEvent, PickListId, PickListStatus, PickTask, Release, ReleasedTask, Work, WrongPickTransition,
};
use crate::domain::ids::WaveId;
use crate::domain::order::{OrderStatus, WrongTransition};

/// Releases a pick list. One that is released already stays as it is.
#[derive(Clone, Debug)]
pub struct ReleasePickList {
    /// The list.
    pub id: PickListId,
}

/// A pick list after a command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PickListAnswer {
    /// The list.
    pub id: PickListId,
    /// Where it is now.
    pub status: PickListStatus,
    /// Units still to be picked.
    pub open: i64,
    /// Whether it was so before: nothing was recorded.
    pub repeated: bool,
}

/// Why a pick list is not released.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReleaseRejection {
    /// No such list: the order holds no units there.
    #[error("pick list {id} does not exist")]
    UnknownPickList {
        /// The id.
        id: PickListId,
    },
    /// Nothing is left to pick.
    #[error(transparent)]
    WrongTransition(WrongPickTransition),
    /// The order is on hold.
    #[error(transparent)]
    OrderRests(WrongTransition),
}

impl Command for ReleasePickList {
    const NAME: &'static str = "release-pick-list";
    type Answer = PickListAnswer;
    type Rejection = ReleaseRejection;

    fn streams(&self) -> Streams {
        streams(&self.id)
    }

    fn decide(&self, states: &States<'_>) -> Result<Decision<PickListAnswer>, ReleaseRejection> {
        let released =
            |open| PickListAnswer { id: self.id.clone(), status: PickListStatus::Released, open, repeated: false };
        match release(states, &self.id, None)? {
            Released::Now(event) => {
                let open = event.tasks.iter().map(|task| task.quantity).sum();
                let stream = PickList::stream(&self.id);
                Ok(Decision::answer(released(open)).record(&stream, PickListEvent::Released(event)))
            }
            Released::Before(work) => {
                let answer = PickListAnswer { status: work.status, repeated: true, ..released(work.open()) };
                Ok(Decision::answer(answer))
            }
        }
    }
}

/// What came of releasing a list.
pub(in crate::domain) enum Released {
    /// It is released by this.
    Now(Release),
    /// It was released before.
    Before(Work),
}

/// Releases the list `id`, with a wave or on its own.
pub(in crate::domain) fn release(
    states: &States<'_>,
    id: &PickListId,
    wave: Option<&WaveId>,
) -> Result<Released, ReleaseRejection> {
    let found = Found::new(states, id);
    let held = found.held(id);
    let Some(work) = Work::of(&found.list, &held) else {
        return Err(ReleaseRejection::UnknownPickList { id: id.clone() });
    };
    if found.list.release().is_some() {
        return Ok(Released::Before(work));
    }
    if work.status != PickListStatus::Draft {
        let wrong = WrongPickTransition { from: work.status, to: PickListStatus::Released };
        return Err(ReleaseRejection::WrongTransition(wrong));
    }
    if found.order.on_hold().is_some() {
        let wrong = WrongTransition::new(OrderStatus::OnHold, OrderStatus::Picking);
        return Err(ReleaseRejection::OrderRests(wrong));
    }
    // A list that waited while others left holds only what is still to be picked.
    let tasks = work.tasks.iter().filter(|task| task.open() > 0).map(task).collect();
    Ok(Released::Now(Release { wave: wave.cloned(), released_at: states.at(), tasks }))
}

fn task(task: &PickTask) -> ReleasedTask {
    ReleasedTask {
        line_id: task.line_id.clone(),
        sku: task.sku.clone(),
        bin: task.bin.clone(),
        quantity: task.quantity,
    }
}

/// The list `id` once `event` has happened to it and the order holds what `order` says.
pub(super) fn after(
    found: &Found,
    id: &PickListId,
    event: &PickListEvent,
    order: &crate::domain::order::Order,
) -> Option<Work> {
    let mut list = found.list.as_ref().clone();
    list.apply(event);
    Work::of(&list, &super::held(order, id))
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::*;
    use crate::domain::order::cancel::CancelOrder;
    use crate::domain::order::fixtures::{at, id, nothing};
    use crate::domain::order::hold::PutOnHold;
    use crate::domain::order::release_hold::ReleaseHold;

    fn task(line: &str, sku: &str, bin: Option<&str>, quantity: i64) -> ReleasedTask {
        ReleasedTask {
            line_id: crate::domain::order::fixtures::line(line),
            sku: crate::domain::order::fixtures::sku(sku),
            bin: bin.map(|text| crate::domain::ids::Bin::parse(text).unwrap()),
            quantity,
        }
    }

    #[test]
    fn it_is_given_to_the_floor_in_the_order_of_the_route_once() {
        let given = reserved_at(&[("TEA", 3, Some("A-1-9-1")), ("MUG", 1, None), ("CUP", 2, Some("A-1-10-1"))]);
        let release = ReleasePickList { id: list("o~1~main") };
        let tasks = vec![
            task("1", "TEA", Some("A-1-9-1"), 3),
            task("3", "CUP", Some("A-1-10-1"), 2),
            task("2", "MUG", None, 1),
        ];
        let event = PickListEvent::Released(Release { wave: None, released_at: at(0), tasks });
        let answer =
            PickListAnswer { id: list("o~1~main"), status: PickListStatus::Released, open: 6, repeated: false };
        given
            .when(release.clone())
            .then_events(&stream("o~1~main"), [event])
            .then_answer(&answer)
            .and_when(release)
            .then_nothing()
            .then_answer(&PickListAnswer { repeated: true, ..answer });
    }

    #[test]
    fn there_is_no_list_where_nothing_is_reserved() {
        let unknown = |text: &str| ReleaseRejection::UnknownPickList { id: list(text) };
        let given = reserved_at(&[("TEA", 3, None)]);
        for text in ["o~2~main", "o~1~elsewhere", "other~1~main"] {
            given.clone().when(ReleasePickList { id: list(text) }).then_rejected(&unknown(text));
        }
        let cancel = CancelOrder { order_id: id("o"), lines: Vec::new(), reason: None };
        let cancelled = given.when(cancel).given();
        cancelled.when(ReleasePickList { id: list("o~1~main") }).then_rejected(&unknown("o~1~main"));
        nothing().when(ReleasePickList { id: list("o~1~main") }).then_rejected(&unknown("o~1~main"));
    }

    #[test]
    fn an_order_on_hold_is_not_released_until_it_goes_on() {
        let hold = PutOnHold { order_id: id("o"), reason: "fraud check".into() };
        let given = reserved_at(&[("TEA", 3, None)]).when(hold).given();
        let wrong = WrongTransition::new(OrderStatus::OnHold, OrderStatus::Picking);
        given
            .when(ReleasePickList { id: list("o~1~main") })
            .then_rejected(&ReleaseRejection::OrderRests(wrong))
            .then_nothing()
            .and_when(ReleaseHold { order_id: id("o") })
            .and_when(ReleasePickList { id: list("o~1~main") })
            .answer();
    }
}
