//! Reason codes: the contract's and the domain's, one to one.

use comanda_contracts::ReasonCode;

use crate::domain::reason::Reason;

/// The reason that `code` names.
pub(super) fn read(code: ReasonCode) -> Reason {
    match code {
        ReasonCode::Correction => Reason::Correction,
        ReasonCode::CycleCount => Reason::CycleCount,
        ReasonCode::Damaged => Reason::Damaged,
        ReasonCode::Expired => Reason::Expired,
        ReasonCode::Found => Reason::Found,
        ReasonCode::Lost => Reason::Lost,
        ReasonCode::Stolen => Reason::Stolen,
        ReasonCode::Scrapped => Reason::Scrapped,
        ReasonCode::Received => Reason::Received,
        ReasonCode::Restock => Reason::Restock,
        ReasonCode::Shrinkage => Reason::Shrinkage,
        ReasonCode::Promotion => Reason::Promotion,
        ReasonCode::QualityControl => Reason::QualityControl,
        ReasonCode::Movement => Reason::Movement,
        ReasonCode::Other => Reason::Other,
    }
}

/// The code that names `reason`.
pub(super) fn written(reason: Reason) -> ReasonCode {
    match reason {
        Reason::Correction => ReasonCode::Correction,
        Reason::CycleCount => ReasonCode::CycleCount,
        Reason::Damaged => ReasonCode::Damaged,
        Reason::Expired => ReasonCode::Expired,
        Reason::Found => ReasonCode::Found,
        Reason::Lost => ReasonCode::Lost,
        Reason::Stolen => ReasonCode::Stolen,
        Reason::Scrapped => ReasonCode::Scrapped,
        Reason::Received => ReasonCode::Received,
        Reason::Restock => ReasonCode::Restock,
        Reason::Shrinkage => ReasonCode::Shrinkage,
        Reason::Promotion => ReasonCode::Promotion,
        Reason::QualityControl => ReasonCode::QualityControl,
        Reason::Movement => ReasonCode::Movement,
        Reason::Other => ReasonCode::Other,
    }
}
