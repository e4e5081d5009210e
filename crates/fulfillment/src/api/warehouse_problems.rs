//! What each rejection of picking, waves and packing becomes over HTTP.

use comanda_web::Problem;

use super::problems::{
    ID_CONFLICT, NOTHING_TO_PICK, ORDER_LINE_HAS_LESS, PICK_TASK_HAS_LESS, TOO_MANY_PACKAGES, UNKNOWN_ORDER_LINE,
    UNKNOWN_PICK_LIST, UNKNOWN_PICK_TASK, WRONG_TRANSITION, at, unknown_order,
};
use crate::domain::order::pack::PackRejection;
use crate::domain::pick_list::pick_task::PickRejection;
use crate::domain::pick_list::release::ReleaseRejection;
use crate::domain::pick_list::{PickListId, WrongPickTransition};
use crate::domain::wave::release::WaveRejection;

/// The most lists that a refused wave names with their reasons.
const NAMED_MAX: usize = 10;

/// The problem of a pick list that is not there.
pub(super) fn unknown_pick_list(id: &PickListId) -> Problem {
    Problem::new(UNKNOWN_PICK_LIST, format!("Order {} holds no units for pick list {id}.", id.order_id))
}

impl From<WrongPickTransition> for Problem {
    fn from(wrong: WrongPickTransition) -> Self {
        let allowed = wrong.from.next().iter().map(|status| status.as_str().to_owned()).collect();
        Self::new(WRONG_TRANSITION, format!("A pick list that is {} cannot become {}.", wrong.from, wrong.to)).with(
            |problem| {
                problem.from = Some(wrong.from.as_str().to_owned());
                problem.to = Some(wrong.to.as_str().to_owned());
                problem.allowed = Some(allowed);
                problem.state = Some(wrong.from.as_str().to_owned());
            },
        )
    }
}

impl From<ReleaseRejection> for Problem {
    fn from(rejection: ReleaseRejection) -> Self {
        match rejection {
            ReleaseRejection::UnknownPickList { id } => unknown_pick_list(&id),
            ReleaseRejection::WrongTransition(wrong) => wrong.into(),
            ReleaseRejection::OrderRests(wrong) => wrong.into(),
        }
    }
}

impl From<PickRejection> for Problem {
    fn from(rejection: PickRejection) -> Self {
        match rejection {
            PickRejection::UnknownPickList { id } => unknown_pick_list(&id),
            PickRejection::UnknownTask { id, task } => {
                Self::new(UNKNOWN_PICK_TASK, format!("Pick list {id} has no task {task}."))
            }
            PickRejection::TaskHasLess { task, open } => {
                let detail = format!("Task {task} has {open} units left.");
                at("/quantity".to_owned(), Self::new(PICK_TASK_HAS_LESS, detail))
            }
            PickRejection::WrongTransition(wrong) => wrong.into(),
            PickRejection::OrderRests(wrong) => wrong.into(),
        }
    }
}

impl From<WaveRejection> for Problem {
    fn from(rejection: WaveRejection) -> Self {
        match rejection {
            WaveRejection::IdConflict { wave_id } => {
                let detail = format!("Wave {wave_id} exists with other lists. Repeat it unchanged, or take a new id.");
                Self::new(ID_CONFLICT, detail).with(|problem| problem.instance = Some(format!("/v1/waves/{wave_id}")))
            }
            WaveRejection::NothingToRelease { wave_id, left_out } => {
                let reasons =
                    left_out.iter().take(NAMED_MAX).map(|out| format!("{}: {}", out.list, out.reason.as_str()));
                let reasons: Vec<_> = reasons.collect();
                let detail = format!("None of the lists of wave {wave_id} can be released: {}.", reasons.join("; "));
                Self::new(NOTHING_TO_PICK, detail)
            }
        }
    }
}

impl From<PackRejection> for Problem {
    fn from(rejection: PackRejection) -> Self {
        match rejection {
            PackRejection::UnknownOrder { order_id } => unknown_order(&order_id),
            PackRejection::UnknownLine { order_id, line_id, place } => {
                let detail = format!("Order {order_id} has no line {line_id}.");
                at(format!("/lines/{place}/lineId"), Self::new(UNKNOWN_ORDER_LINE, detail))
            }
            PackRejection::LineHasLess { line_id, place, packable } => {
                let detail = format!("Line {line_id} has {packable} units that are picked and not packed.");
                at(format!("/lines/{place}/quantity"), Self::new(ORDER_LINE_HAS_LESS, detail))
            }
            PackRejection::IdConflict { order_id, package } => {
                let detail = format!("Package {package} of order {order_id} was packed with other content.");
                Self::new(ID_CONFLICT, detail)
            }
            PackRejection::TooManyPackages => Self::new(TOO_MANY_PACKAGES, "An order has at most 1,000 packages."),
            PackRejection::WrongTransition(wrong) => wrong.into(),
        }
    }
}
