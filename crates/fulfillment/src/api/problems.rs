//! The problems of Fulfillment: what each rejection of a command becomes over HTTP.

use comanda_contracts as contract;
use comanda_web::{Problem, kinds};

use crate::domain::ids::OrderId;
use crate::domain::order::WrongTransition;
use crate::domain::order::cancel::CancelRejection;
use crate::domain::order::hold::HoldRejection;
use crate::domain::order::place::PlaceRejection;
use crate::domain::order::ready_to_ship::ReadyToShipRejection;

kinds! {
    UNKNOWN_ORDER = 404, "unknown-order", "The order is not known",
        "No order has this id.";
    UNKNOWN_ORDER_LINE = 422, "unknown-order-line", "The order has no such line",
        "The line id is none of this order's: read it for its lines.";
    ORDER_LINE_HAS_LESS = 409, "order-line-has-less", "The line has fewer units",
        "More units were named than the line has left for this. The detail says how many it has.";
    ID_CONFLICT = 409, "id-conflict", "The id is taken",
        "Something else was created under this id before. Repeat the first request unchanged, or take a new id.";
    UNKNOWN_PICK_LIST = 404, "unknown-pick-list", "The pick list is not known",
        "No order holds units for a pick list of this id. It is there as soon as units are reserved at its location.";
    UNKNOWN_PICK_TASK = 404, "unknown-pick-task", "The pick list has no such task",
        "The task is none of this list's: read it for its tasks. A task's id is that of the order's line.";
    PICK_TASK_HAS_LESS = 409, "pick-task-has-less", "The task has fewer units",
        "More units were named than the task has left. The detail says how many it has; read the list again.";
    NOTHING_TO_PICK = 409, "nothing-to-pick", "There is nothing to pick",
        "Nothing is reserved for the order yet, or nothing is left of it; or none of a wave's lists can be released. The detail says which.";
    UNKNOWN_WAVE = 404, "unknown-wave", "The wave is not known",
        "No wave has this id.";
    TOO_MANY_PACKAGES = 409, "too-many-packages", "The order has too many packages",
        "An order has at most 1,000 packages.";
    WRONG_TRANSITION = 409, "wrong-transition", "It cannot become that any more",
        "It is in state `from`, which cannot lead to `to`; `allowed` lists the states it can lead to.";
    UNKNOWN_SHIPMENT = 404, "unknown-shipment", "The shipment is not known",
        "No shipment has this id.";
    UNKNOWN_RETURN = 404, "unknown-return", "The return is not known",
        "No return has this id.";
    NOTHING_READY = 409, "nothing-ready", "Nothing is ready to leave",
        "A shipment takes units that are reserved, picked, packed and said to be ready, and that are in no other shipment.";
    SEVERAL_LOCATIONS = 409, "several-locations", "It lies at several locations",
        "A shipment leaves from one location: name it as `locationId`.";
    TOO_MANY_SHIPMENTS = 409, "too-many-shipments", "The order has too many shipments",
        "An order has at most 1,000 shipments.";
    TOO_MUCH_NEWS = 409, "too-much-news", "There is too much news of the shipment",
        "A shipment keeps at most 500 pieces of news, and always the one that it has arrived.";
    TOO_MANY_RETURNS = 409, "too-many-returns", "The order has too many open returns",
        "An order has at most 100 returns that have not come. Receive or cancel some first.";
}

/// The problem of an order that was never placed.
pub(super) fn unknown_order(id: &OrderId) -> Problem {
    Problem::new(UNKNOWN_ORDER, format!("Order {id} does not exist."))
}

pub(super) fn at(pointer: String, problem: Problem) -> Problem {
    problem.with(|problem| {
        let detail = problem.detail.clone();
        problem.errors.push(contract::FieldError { pointer, detail });
    })
}

impl From<WrongTransition> for Problem {
    fn from(wrong: WrongTransition) -> Self {
        let allowed = wrong.allowed.iter().map(|status| status.as_str().to_owned()).collect();
        Self::new(WRONG_TRANSITION, format!("An order that is {} cannot become {}.", wrong.from, wrong.to)).with(
            |problem| {
                problem.from = Some(wrong.from.as_str().to_owned());
                problem.to = Some(wrong.to.as_str().to_owned());
                problem.allowed = Some(allowed);
                problem.state = Some(wrong.from.as_str().to_owned());
            },
        )
    }
}

impl From<PlaceRejection> for Problem {
    fn from(rejection: PlaceRejection) -> Self {
        let PlaceRejection::IdConflict { order_id } = rejection;
        let detail = format!("Order {order_id} exists with other content. Repeat it unchanged, or take a new id.");
        Self::new(ID_CONFLICT, detail).with(|problem| problem.instance = Some(format!("/v1/orders/{order_id}")))
    }
}

impl From<CancelRejection> for Problem {
    fn from(rejection: CancelRejection) -> Self {
        match rejection {
            CancelRejection::UnknownOrder { order_id } => unknown_order(&order_id),
            CancelRejection::UnknownLine { order_id, line_id, place } => {
                let detail = format!("Order {order_id} has no line {line_id}.");
                at(format!("/lines/{place}/lineId"), Self::new(UNKNOWN_ORDER_LINE, detail))
            }
            CancelRejection::LineHasLess { line_id, place, cancellable } => {
                let detail = format!("Line {line_id} has {cancellable} units that can be cancelled.");
                at(format!("/lines/{place}/quantity"), Self::new(ORDER_LINE_HAS_LESS, detail))
            }
            CancelRejection::WrongTransition(wrong) => wrong.into(),
        }
    }
}

impl From<ReadyToShipRejection> for Problem {
    fn from(rejection: ReadyToShipRejection) -> Self {
        match rejection {
            ReadyToShipRejection::UnknownOrder { order_id } => unknown_order(&order_id),
            ReadyToShipRejection::WrongTransition(wrong) => wrong.into(),
        }
    }
}

impl From<HoldRejection> for Problem {
    fn from(rejection: HoldRejection) -> Self {
        match rejection {
            HoldRejection::UnknownOrder { order_id } => unknown_order(&order_id),
            HoldRejection::WrongTransition(wrong) => wrong.into(),
        }
    }
}
