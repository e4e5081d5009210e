//! The problems of what comes in: what each rejection of a command on a receipt or a transfer becomes over HTTP.

use comanda_contracts as contract;
use comanda_web::Problem;

use super::problems::{
    ID_CONFLICT, MORE_THAN_EXPECTED, MORE_THAN_SHIPPED, STOCK_OUT_OF_RANGE, TOO_MANY_DATES, TOO_MANY_DELIVERIES,
    UNKNOWN_LINE, UNKNOWN_RECEIPT, UNKNOWN_TRANSFER, WRONG_TRANSITION, insufficient, location_of, unknown_location,
    unknown_sku,
};
use crate::domain::ids::{ReceiptId, TransferId};
use crate::domain::receipt::cancel::EndReceiptRejection;
use crate::domain::receipt::opening::OpenRejection;
use crate::domain::receipt::receive::ReceiveRejection;
use crate::domain::receipt::reschedule::RescheduleRejection;
use crate::domain::transfer::cancel::CancelTransferRejection;
use crate::domain::transfer::receive::ReceiveTransferRejection;
use crate::domain::transfer::request::RequestTransferRejection;
use crate::domain::transfer::ship::ShipTransferRejection;
use crate::domain::{receipt, transfer};

/// The problem of a receipt that nobody has named.
pub(super) fn unknown_receipt(id: &ReceiptId) -> Problem {
    Problem::new(UNKNOWN_RECEIPT, format!("Receipt {id} does not exist."))
}

/// The problem of a transfer that nobody has named.
pub(super) fn unknown_transfer(id: &TransferId) -> Problem {
    Problem::new(UNKNOWN_TRANSFER, format!("Transfer {id} does not exist."))
}

fn at_transfer(id: &TransferId, problem: Problem) -> Problem {
    problem.with(|problem| problem.instance = Some(format!("/v1/transfers/{id}")))
}

fn at_receipt(id: &ReceiptId, problem: Problem) -> Problem {
    problem.with(|problem| problem.instance = Some(format!("/v1/receipts/{id}")))
}

impl From<receipt::WrongTransition> for Problem {
    fn from(wrong: receipt::WrongTransition) -> Self {
        let allowed = wrong.from.allowed().iter().map(|state| state.as_str().to_owned()).collect();
        let detail = format!("A receipt that is {} cannot become {}.", wrong.from, wrong.to);
        transition(detail, wrong.from.as_str(), wrong.to.as_str(), allowed)
    }
}

impl From<transfer::WrongTransition> for Problem {
    fn from(wrong: transfer::WrongTransition) -> Self {
        let allowed = wrong.from.allowed().iter().map(|state| state.as_str().to_owned()).collect();
        let detail = format!("A transfer that is {} cannot become {}.", wrong.from, wrong.to);
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

impl From<RequestTransferRejection> for Problem {
    fn from(rejection: RequestTransferRejection) -> Self {
        let detail = rejection.to_string();
        match rejection {
            RequestTransferRejection::UnknownSku { line, sku } => {
                location_of(format!("/lines/{line}/sku"), unknown_sku(&sku))
            }
            RequestTransferRejection::UnknownLocation { location } => unknown_location(&location),
            RequestTransferRejection::IdConflict { transfer_id } => {
                at_transfer(&transfer_id, Self::new(ID_CONFLICT, detail))
            }
        }
    }
}

impl From<ShipTransferRejection> for Problem {
    fn from(rejection: ShipTransferRejection) -> Self {
        let detail = rejection.to_string();
        match rejection {
            ShipTransferRejection::UnknownTransfer { transfer_id } => unknown_transfer(&transfer_id),
            ShipTransferRejection::WrongTransition(wrong) => wrong.into(),
            ShipTransferRejection::InsufficientStock { shortfalls } => insufficient(shortfalls, "Nothing left: "),
            ShipTransferRejection::TooManyDates { .. } => Self::new(TOO_MANY_DATES, detail),
        }
    }
}

impl From<ReceiveTransferRejection> for Problem {
    fn from(rejection: ReceiveTransferRejection) -> Self {
        let detail = rejection.to_string();
        match rejection {
            ReceiveTransferRejection::UnknownTransfer { transfer_id } => unknown_transfer(&transfer_id),
            ReceiveTransferRejection::UnknownLine { .. } => Self::new(UNKNOWN_LINE, detail),
            ReceiveTransferRejection::WrongTransition(wrong) => wrong.into(),
            ReceiveTransferRejection::DeliveryConflict { transfer_id, .. } => {
                at_transfer(&transfer_id, Self::new(ID_CONFLICT, detail))
            }
            ReceiveTransferRejection::MoreThanShipped { in_transit, wanted, .. } => {
                counted(Self::new(MORE_THAN_SHIPPED, detail), in_transit, wanted)
            }
            ReceiveTransferRejection::TooMuch { on_hand, .. } => {
                Self::new(STOCK_OUT_OF_RANGE, detail).with(|problem| problem.actual = Some(on_hand))
            }
            ReceiveTransferRejection::TooManyDeliveries { .. } => Self::new(TOO_MANY_DELIVERIES, detail),
        }
    }
}

impl From<CancelTransferRejection> for Problem {
    fn from(rejection: CancelTransferRejection) -> Self {
        match rejection {
            CancelTransferRejection::UnknownTransfer { transfer_id } => unknown_transfer(&transfer_id),
            CancelTransferRejection::WrongTransition(wrong) => wrong.into(),
        }
    }
}
