//! The problems of cycle counts: what each rejection becomes over HTTP.

use comanda_contracts as contract;
use comanda_web::Problem;

use super::problems;
use crate::domain::cycle_count::apply::ApplyCountRejection;
use crate::domain::cycle_count::cancel::CancelCountRejection;
use crate::domain::cycle_count::record::RecordCountRejection;
use crate::domain::cycle_count::recount::RecountRejection;
use crate::domain::cycle_count::request::RequestCountRejection;
use crate::domain::cycle_count::review::ReviewCountRejection;
use crate::domain::cycle_count::{UnknownCount, WrongCountTransition};
use crate::domain::stock_item::adjust::AdjustRejection;

impl From<UnknownCount> for Problem {
    fn from(unknown: UnknownCount) -> Self {
        problems::unknown_count(&unknown.count_id)
    }
}

impl From<WrongCountTransition> for Problem {
    fn from(wrong: WrongCountTransition) -> Self {
        let detail = format!("A count that is {} cannot become {}.", wrong.from, wrong.to);
        Self::new(problems::WRONG_TRANSITION, detail).with(|problem| {
            problem.from = Some(wrong.from.as_str().to_owned());
            problem.to = Some(wrong.to.as_str().to_owned());
            problem.allowed = Some(wrong.allowed.iter().map(|state| state.as_str().to_owned()).collect());
            problem.state = Some(wrong.from.as_str().to_owned());
        })
    }
}

impl From<RequestCountRejection> for Problem {
    fn from(rejection: RequestCountRejection) -> Self {
        let detail = rejection.to_string();
        match rejection {
            RequestCountRejection::UnknownSku { sku } => problems::unknown_sku(&sku),
            RequestCountRejection::UnknownLocation { .. } => Self::new(problems::UNKNOWN_LOCATION, detail),
            RequestCountRejection::IdConflict { count_id } => Self::new(problems::ID_CONFLICT, detail)
                .with(|problem| problem.instance = Some(format!("/v1/counts/{count_id}"))),
        }
    }
}

impl From<RecordCountRejection> for Problem {
    fn from(rejection: RecordCountRejection) -> Self {
        let detail = rejection.to_string();
        match rejection {
            RecordCountRejection::Unknown(unknown) => unknown.into(),
            RecordCountRejection::WrongTransition(wrong) => wrong.into(),
            RecordCountRejection::NotInCount { place, .. } => {
                let error = contract::FieldError { pointer: format!("/lines/{place}/sku"), detail: detail.clone() };
                Self::new(problems::NOT_IN_COUNT, detail).with(|problem| problem.errors.push(error))
            }
            RecordCountRejection::CountedAlready { .. } => Self::new(problems::COUNTED_ALREADY, detail),
        }
    }
}

impl From<RecountRejection> for Problem {
    fn from(rejection: RecountRejection) -> Self {
        let detail = rejection.to_string();
        match rejection {
            RecountRejection::Unknown(unknown) => unknown.into(),
            RecountRejection::WrongTransition(wrong) => wrong.into(),
            RecountRejection::NotInCount { .. } => Self::new(problems::NOT_IN_COUNT, detail),
        }
    }
}

impl From<ReviewCountRejection> for Problem {
    fn from(rejection: ReviewCountRejection) -> Self {
        let detail = rejection.to_string();
        match rejection {
            ReviewCountRejection::Unknown(unknown) => unknown.into(),
            ReviewCountRejection::WrongTransition(wrong) => wrong.into(),
            ReviewCountRejection::NeedsAnother { difference, tolerance, .. } => {
                Self::new(problems::NEEDS_ANOTHER_REVIEWER, detail).with(|problem| {
                    problem.expected = Some(tolerance);
                    problem.actual = Some(difference);
                })
            }
        }
    }
}

impl From<ApplyCountRejection> for Problem {
    fn from(rejection: ApplyCountRejection) -> Self {
        let detail = rejection.to_string();
        match rejection {
            ApplyCountRejection::Unknown(unknown) => unknown.into(),
            ApplyCountRejection::WrongTransition(wrong) => wrong.into(),
            ApplyCountRejection::CorrectedSince { booked, on_hand, .. } => Self::new(problems::CORRECTED_SINCE, detail)
                .with(|problem| {
                    problem.expected = Some(booked);
                    problem.actual = Some(on_hand);
                }),
            ApplyCountRejection::NotAllowed { why, .. } => not_allowed(why, &detail),
        }
    }
}

/// The problem of the adjustment, said of the SKU it is about and with what to do.
fn not_allowed(why: AdjustRejection, detail: &str) -> Problem {
    let promised = matches!(why, AdjustRejection::Promised { .. });
    let todo = if promised { " Release reservations of it, or count it again." } else { " Count it again." };
    Problem::from(why).with(|problem| problem.detail = format!("{detail}.{todo}"))
}

impl From<CancelCountRejection> for Problem {
    fn from(rejection: CancelCountRejection) -> Self {
        match rejection {
            CancelCountRejection::Unknown(unknown) => unknown.into(),
            CancelCountRejection::WrongTransition(wrong) => wrong.into(),
        }
    }
}
