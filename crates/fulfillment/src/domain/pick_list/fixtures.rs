//! Pick lists for tests, by their names.

use cqrs::Stream;
use cqrs::testkit::Given;

use super::pick_task::PickUnits;
use super::release::ReleasePickList;
use super::short_task::MissUnits;
use super::{PickList, PickListId, Work, held};
use crate::domain::ids::{Bin, Quantity};
use crate::domain::order::fixtures::{at, found, line, nothing, order, place, told, wanted};
use crate::domain::order::{ANSWER_WAITS, OrderEvent, OrderInput, PickFrom, ReservedUnits};

pub(crate) fn list(text: &str) -> PickListId {
    PickListId::parse(text).unwrap()
}

pub(crate) fn stream(text: &str) -> Stream<PickList> {
    PickList::stream(&list(text))
}

/// Order `o` of these SKUs, on lines 1, 2, …, all reserved at `main` in these bins.
pub(crate) fn reserved_at(lines: &[(&str, i64, Option<&str>)]) -> Given {
    reserved_as(nothing(), "o", lines)
}

/// The same for the order `id`, after what has happened before.
pub(crate) fn reserved_as(given: Given, id: &str, lines: &[(&str, i64, Option<&str>)]) -> Given {
    let placed: Vec<_> = lines.iter().map(|(sku, quantity, _)| (*sku, *quantity)).collect();
    let reserved = lines.iter().enumerate().map(|(number, (_, quantity, bin))| ReservedUnits {
        line_id: line(&(number + 1).to_string()),
        from: vec![PickFrom {
            location: place("main"),
            bin: bin.map(|text| Bin::parse(text).unwrap()),
            quantity: *quantity,
        }],
        code: None,
    });
    let input = OrderInput::Reserved { attempt: 1, lines: reserved.collect() };
    told(given.when(order(id, &placed)).given(), id, input)
}

/// The same, and the list is released.
pub(crate) fn released(lines: &[(&str, i64, Option<&str>)]) -> Given {
    reserved_at(lines).when(ReleasePickList { id: list("o~1~main") }).given()
}

pub(crate) fn pick(id: &str, task: &str, total: Option<i64>) -> PickUnits {
    PickUnits { id: list(id), task: line(task), quantity: total.map(|units| Quantity::parse(units).unwrap()) }
}

pub(crate) fn miss(id: &str, task: &str, total: Option<i64>) -> MissUnits {
    MissUnits { id: list(id), task: line(task), quantity: total.map(|units| Quantity::parse(units).unwrap()) }
}

pub(crate) fn work(given: &Given, id: &str) -> Option<Work> {
    let id = list(id);
    Work::of(&given.state(&PickList::stream(&id)), &held(&found(given, id.order_id.as_str()), &id))
}

/// The second attempt, for units of `TEA` on line 1 that are not at `main`.
pub(crate) fn asks_again(quantity: i64) -> OrderEvent {
    let mut wanted = wanted("1", "TEA", quantity);
    wanted.exclude = vec![place("main")];
    OrderEvent::ReservationRequested {
        attempt: 2,
        lines: vec![wanted],
        allow_partial: true,
        answer_by: at(0).saturating_add(ANSWER_WAITS[0]),
    }
}
