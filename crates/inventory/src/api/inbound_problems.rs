//! The problems of what comes in: what each rejection of a command on a receipt becomes over HTTP.

use comanda_contracts as contract;
use comanda_web::Problem;

use super::problems::{
    ID_CONFLICT, MORE_THAN_EXPECTED, STOCK_OUT_OF_RANGE, TOO_MANY_DATES, TOO_MANY_DELIVERIES, UNKNOWN_LINE,
    UNKNOWN_RECEIPT, WRONG_TRANSITION, location_of, unknown_location, unknown_sku,
};
use crate::domain::ids::ReceiptId;
use crate::domain::receipt::WrongTransition;
use crate::domain::receipt::cancel::EndReceiptRejection;
use crate::domain::receipt::expect::OpenRejection;
use crate::domain::receipt::receive::ReceiveRejection;
use crate::domain::receipt::reschedule::RescheduleRejection;

/// The problem of a receipt that nobody has named.
pub(super) fn unknown_receipt(id: &ReceiptId) -> Problem {
    Problem::new(UNKNOWN_RECEIPT, format!("Receipt {id} does not exist."))
}

fn at_receipt(id: &ReceiptId, problem: Problem) -> Problem {
    problem.with(|problem| problem.instance = Some(format!("/v1/receipts/{id}")))
}

impl From<WrongTransition> for Problem {
    fn from(wrong: WrongTransition) -> Self {
        let allowed = wrong.from.allowed().iter().map(|state| state.as_str().to_owned()).collect();
        let detail = format!("A receipt that is {} cannot become {}.", wrong.from, wrong.to);
        transition(detail, wrong.from.as_str(), wrong.to.as_str(), allowed)
    }
}

/// The problem of a step that a state does not allow.
fn transition(detail: String, from: &str, to: &str, allowed: Vec<String>) -> Problem {
    Problem::new(WRONG_TRANSITION, detail).with(|problem| {
        problem.from = Some(from.to_owned());
        problem.to = Some(to.to_owned());
        problem.allowed = Some(allowed);
        problem.state = Some(from.to_owned());
    })
}

/// `problem` of what was counted: what may be at most, and what would have been.
fn counted(problem: Problem, expected: i64, actual: i64) -> Problem {
    problem.with(|problem: &mut contract::Problem| {
        problem.expected = Some(expected);
        problem.actual = Some(actual);
    })
}

impl From<OpenRejection> for Problem {
    fn from(rejection: OpenRejection) -> Self {
        let detail = rejection.to_string();
        match rejection {
            OpenRejection::UnknownSku { line, sku } => location_of(format!("/lines/{line}/sku"), unknown_sku(&sku)),
            OpenRejection::UnknownLocation { location } => unknown_location(&location),
            OpenRejection::IdConflict { receipt_id } => at_receipt(&receipt_id, Self::new(ID_CONFLICT, detail)),
            OpenRejection::TooManyDates { .. } => Self::new(TOO_MANY_DATES, detail),
            OpenRejection::TooMuch { on_hand, .. } => {
                Self::new(STOCK_OUT_OF_RANGE, detail).with(|problem| problem.actual = Some(on_hand))
            }
        }
    }
}

impl From<ReceiveRejection> for Problem {
    fn from(rejection: ReceiveRejection) -> Self {
        let detail = rejection.to_string();
        match rejection {
            ReceiveRejection::UnknownReceipt { receipt_id } => unknown_receipt(&receipt_id),
            ReceiveRejection::UnknownLine { .. } => Self::new(UNKNOWN_LINE, detail),
            ReceiveRejection::WrongTransition(wrong) => wrong.into(),
            ReceiveRejection::DeliveryConflict { receipt_id, .. } => {
                at_receipt(&receipt_id, Self::new(ID_CONFLICT, detail))
            }
            ReceiveRejection::MoreThanExpected { received, wanted, receivable, .. } => {
                counted(Self::new(MORE_THAN_EXPECTED, detail), receivable, received + wanted)
            }
            ReceiveRejection::TooMuch { on_hand, .. } => {
                Self::new(STOCK_OUT_OF_RANGE, detail).with(|problem| problem.actual = Some(on_hand))
            }
            ReceiveRejection::TooManyDeliveries { .. } => Self::new(TOO_MANY_DELIVERIES, detail),
        }
    }
}

impl From<RescheduleRejection> for Problem {
    fn from(rejection: RescheduleRejection) -> Self {
        let detail = rejection.to_string();
        match rejection {
            RescheduleRejection::UnknownReceipt { receipt_id } => unknown_receipt(&receipt_id),
            RescheduleRejection::UnknownLine { .. } => Self::new(UNKNOWN_LINE, detail),
            RescheduleRejection::WrongTransition(wrong) => wrong.into(),
            RescheduleRejection::TooManyDates { .. } => Self::new(TOO_MANY_DATES, detail),
        }
    }
}

impl From<EndReceiptRejection> for Problem {
    fn from(rejection: EndReceiptRejection) -> Self {
        match rejection {
            EndReceiptRejection::UnknownReceipt { receipt_id } => unknown_receipt(&receipt_id),
            EndReceiptRejection::WrongTransition(wrong) => wrong.into(),
        }
    }
}
