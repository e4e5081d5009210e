//! The problems of Inventory: what each rejection of a command becomes over HTTP.

use comanda_contracts::{self as contract, FieldError};
use comanda_web::{Problem, kinds};

use crate::domain::ids::{CountId, LocationId, ReservationId, Sku};
use crate::domain::location::register::RegisterLocationRejection;
use crate::domain::location::update::UpdateLocationRejection;
use crate::domain::reservation::confirm::ConfirmRejection;
use crate::domain::reservation::consume::ConsumeRejection;
use crate::domain::reservation::extend::ExtendRejection;
use crate::domain::reservation::release::ReleaseRejection;
use crate::domain::reservation::reserve::ReserveRejection;
use crate::domain::reservation::reserve_item::ReserveItemRejection;
use crate::domain::reservation::transfer::TransferRejection;
use crate::domain::reservation::{ReservationState, Shortfall, WrongTransition};
use crate::domain::stock_item::adjust::AdjustRejection;
use crate::domain::stock_item::assign_bin::AssignBinRejection;
use crate::domain::stock_item::import::{ImportRejection, RowRejection};
use crate::domain::stock_item::register::RegisterSkuRejection;
use crate::domain::stock_item::regrade::RegradeRejection;
use crate::domain::stock_item::update::UpdateSkuRejection;

kinds! {
    UNKNOWN_SKU = 404, "unknown-sku", "The SKU is not known",
        "No SKU has this id. Register it with `POST /v1/skus`, or correct the id.";
    UNKNOWN_LOCATION = 404, "unknown-location", "The location is not known",
        "No location has this id. Register it with `POST /v1/locations`, or correct the id.";
    UNKNOWN_RESERVATION = 404, "unknown-reservation", "The reservation is not known",
        "No reservation has this id.";
    UNKNOWN_LINE = 422, "unknown-line", "There is no such line",
        "The line id is none of this reservation's, receipt's or transfer's: read it for its lines.";
    INSUFFICIENT_STOCK = 409, "insufficient-stock", "There is not enough stock",
        "Nothing was held. `shortfalls` says what was missing, SKU by SKU. Ask for less, or set `allowPartial`.";
    HOLDS_TOO_MUCH = 429, "holds-too-much", "The credential holds as much as it may",
        "Units in holds that are neither confirmed, released nor over are bounded for each credential; nothing was held.";
    ID_CONFLICT = 409, "id-conflict", "The id is taken",
        "Something else was created under this id before. Repeat the first request unchanged, or take a new id.";
    RESERVATION_ENDED = 409, "reservation-ended", "The reservation has ended",
        "It was released or has expired: `state` says which. Take a new id to reserve again.";
    WRONG_TRANSITION = 409, "wrong-transition", "It cannot become that any more",
        "It is in state `from`, which cannot lead to `to`; `allowed` lists the states it can lead to.";
    STOCK_CHANGED = 409, "stock-changed", "The stock has changed since it was counted",
        "What is on hand is `actual`, not `expected`. Count again.";
    STOCK_OUT_OF_RANGE = 409, "stock-out-of-range", "Stock on hand would leave its range",
        "What is on hand at a location is 0 to 1,000,000,000,000 units.";
    STOCK_PROMISED = 409, "stock-promised", "The stock is promised",
        "Less would be left than is reserved and committed. Release reservations or raise the backorder limit first.";
    LINE_HOLDS_LESS = 409, "line-holds-less", "The line holds fewer units",
        "More units were said to have left than the line still holds.";
    NOT_ON_HAND = 409, "not-on-hand", "The units are not on hand",
        "They were promised as a backorder and have not come in. Book the receipt first.";
    IMPORT_REFUSED = 409, "import-refused", "Rows of the import cannot be so",
        "Nothing was imported. `errors` names each such row by its place and says why. Mend those rows and send all again.";
    UNITS_NOT_THERE = 409, "units-not-there", "Fewer units are there",
        "Only `actual` units of those wanted are in that condition and promised to nobody. Release reservations, or ask for less.";
    UNITS_KEPT_UNSOLD = 409, "units-kept-unsold", "The units are damaged or in quality control",
        "Fewer would be left than are kept unsold there. Take those off with `POST /v1/stock/{sku}/regrade` first.";
    STOCK_NOT_YET_KNOWN = 404, "stock-not-yet-known", "The SKU was not known then",
        "The SKU was registered later: `detail` names the first instant that can be asked for.";
    HISTORY_TOO_LONG = 409, "history-too-long", "Too much happened before that instant",
        "Between it and the last balance before it lie more events than are read for one answer. Ask for a later instant.";
    UNKNOWN_COUNT = 404, "unknown-count", "The count is not known",
        "No count has this id. Ask for one with `POST /v1/counts`, or correct the id.";
    NOT_IN_COUNT = 422, "not-in-count", "The SKU is not to be counted",
        "The SKU is none of this count's: read it for its lines.";
    COUNTED_ALREADY = 409, "counted-already", "The SKU was counted already",
        "Another number was recorded. If that one is wrong, ask for a recount with `POST /v1/counts/{countId}/recount`.";
    NEEDS_ANOTHER_REVIEWER = 409, "needs-another-reviewer", "Somebody else must look at the differences",
        "The largest difference is `actual` units, beyond the tolerance of `expected`: who counted cannot review it.";
    CORRECTED_SINCE = 409, "corrected-since", "The books were corrected since the count",
        "`expected` units were booked when it was counted, `actual` are now, corrections among them. Ask for a recount of the SKU.";
    TOO_MANY_LINES = 409, "too-many-lines", "The reservation has too many lines",
        "A reservation has at most 2,000 lines. Use a second one.";
    UNKNOWN_RECEIPT = 404, "unknown-receipt", "The receipt is not known",
        "No receipt has this id. Announce it, or book it in, with `POST /v1/receipts`.";
    MORE_THAN_EXPECTED = 409, "more-than-expected", "More came than was expected",
        "Of each line a tenth more than expected may come, rounded up: `expected` says how many in all, `actual` how many would have come. Book what exceeds it as a receipt of its own.";
    UNKNOWN_TRANSFER = 404, "unknown-transfer", "The transfer is not known",
        "No transfer has this id. Request it with `POST /v1/transfers`.";
    MORE_THAN_SHIPPED = 409, "more-than-shipped", "More came than is in transit",
        "Of each line as much can come or be lost as is in transit: `expected` says how much that is, `actual` how much was named. Book what exceeds it as a receipt of its own.";
    TOO_MANY_DATES = 409, "too-many-dates", "The SKU is expected on too many dates",
        "A SKU is expected on at most 200 dates at once. Bring deliveries together under fewer dates.";
    TOO_MANY_DELIVERIES = 409, "too-many-deliveries", "The goods have come too many times",
        "Goods of a receipt or a transfer come at most 200 times. Close it, and book the rest as a receipt of its own.";
}

/// The problem of a SKU that is not registered.
pub(super) fn unknown_sku(sku: &Sku) -> Problem {
    Problem::new(UNKNOWN_SKU, format!("SKU {sku} is not registered."))
}

pub(super) fn unknown_location(location: &LocationId) -> Problem {
    Problem::new(UNKNOWN_LOCATION, format!("Location {location} is not registered."))
}

/// The problem of a reservation that was never made.
pub(super) fn unknown_reservation(id: &ReservationId) -> Problem {
    Problem::new(UNKNOWN_RESERVATION, format!("Reservation {id} does not exist."))
}

pub(super) fn insufficient(shortfalls: Vec<Shortfall>, why: &str) -> Problem {
    let detail = match shortfalls.as_slice() {
        [one] => format!("{why}SKU {}: {} wanted, {} available.", one.sku, one.requested, one.available),
        all => format!("{why}{} SKUs are short: see `shortfalls`.", all.len()),
    };
    let shortfall = |short: Shortfall| contract::Shortfall {
        sku: short.sku.as_str().to_owned(),
        location_id: short.location.map(|location| location.as_str().to_owned()),
        requested: short.requested,
        available: short.available,
    };
    Problem::new(INSUFFICIENT_STOCK, detail)
        .with(|problem| problem.shortfalls = shortfalls.into_iter().map(shortfall).collect())
}

fn id_conflict(id: &ReservationId) -> Problem {
    let detail = format!("Reservation {id} exists with other content. Repeat it unchanged, or take a new id.");
    Problem::new(ID_CONFLICT, detail).with(|problem| problem.instance = Some(format!("/v1/reservations/{id}")))
}

fn ended(id: &ReservationId, state: ReservationState) -> Problem {
    Problem::new(RESERVATION_ENDED, format!("Reservation {id} is {state}. Take a new id to reserve again."))
        .with(|problem| problem.state = Some(state.as_str().to_owned()))
}

pub(super) fn location_of(pointer: String, problem: Problem) -> Problem {
    problem.with(|problem| {
        let detail = problem.detail.clone();
        problem.errors.push(FieldError { pointer, detail });
    })
}

impl From<WrongTransition> for Problem {
    fn from(wrong: WrongTransition) -> Self {
        let allowed = wrong.allowed.iter().map(|state| state.as_str().to_owned()).collect();
        Self::new(WRONG_TRANSITION, format!("A reservation that is {} cannot become {}.", wrong.from, wrong.to)).with(
            |problem| {
                problem.from = Some(wrong.from.as_str().to_owned());
                problem.to = Some(wrong.to.as_str().to_owned());
                problem.allowed = Some(allowed);
                problem.state = Some(wrong.from.as_str().to_owned());
            },
        )
    }
}

impl From<AssignBinRejection> for Problem {
    fn from(rejection: AssignBinRejection) -> Self {
        match rejection {
            AssignBinRejection::UnknownSku { sku } => unknown_sku(&sku),
            AssignBinRejection::UnknownLocation { location } => unknown_location(&location),
        }
    }
}

impl From<ReserveRejection> for Problem {
    fn from(rejection: ReserveRejection) -> Self {
        match rejection {
            ReserveRejection::UnknownSku { line, sku } => location_of(format!("/lines/{line}/sku"), unknown_sku(&sku)),
            ReserveRejection::UnknownLocation { line, location } => {
                location_of(format!("/lines/{line}/locationId"), unknown_location(&location))
            }
            ReserveRejection::InsufficientStock { shortfalls } => insufficient(shortfalls, ""),
            ReserveRejection::IdConflict { reservation_id } => id_conflict(&reservation_id),
            ReserveRejection::Ended { reservation_id, state } => ended(&reservation_id, state),
        }
    }
}

impl From<ReserveItemRejection> for Problem {
    fn from(rejection: ReserveItemRejection) -> Self {
        match rejection {
            ReserveItemRejection::UnknownSku { sku } => unknown_sku(&sku),
            ReserveItemRejection::InsufficientStock(shortfall) => insufficient(vec![shortfall], ""),
            ReserveItemRejection::IdConflict { reservation_id } => id_conflict(&reservation_id),
            ReserveItemRejection::Ended { reservation_id, state } => ended(&reservation_id, state),
            ReserveItemRejection::WrongTransition(wrong) => wrong.into(),
            rejection @ ReserveItemRejection::TooManyLines { .. } => Self::new(TOO_MANY_LINES, rejection.to_string()),
        }
    }
}

impl From<ConfirmRejection> for Problem {
    fn from(rejection: ConfirmRejection) -> Self {
        match rejection {
            ConfirmRejection::UnknownReservation { reservation_id } => unknown_reservation(&reservation_id),
            ConfirmRejection::WrongTransition(wrong) => wrong.into(),
            ConfirmRejection::InsufficientStock { shortfalls } => {
                insufficient(shortfalls, "It had expired and could not be held again. ")
            }
        }
    }
}

impl From<ExtendRejection> for Problem {
    fn from(rejection: ExtendRejection) -> Self {
        match rejection {
            ExtendRejection::UnknownReservation { reservation_id } => unknown_reservation(&reservation_id),
            ExtendRejection::WrongTransition(wrong) => wrong.into(),
        }
    }
}

impl From<TransferRejection> for Problem {
    fn from(rejection: TransferRejection) -> Self {
        match rejection {
            TransferRejection::UnknownReservation { reservation_id } => unknown_reservation(&reservation_id),
            TransferRejection::WrongTransition(wrong) => wrong.into(),
        }
    }
}

impl From<ReleaseRejection> for Problem {
    fn from(rejection: ReleaseRejection) -> Self {
        let ReleaseRejection::WrongTransition(wrong) = rejection;
        wrong.into()
    }
}

impl From<ConsumeRejection> for Problem {
    fn from(rejection: ConsumeRejection) -> Self {
        let detail = rejection.to_string();
        match rejection {
            ConsumeRejection::UnknownReservation { reservation_id } => unknown_reservation(&reservation_id),
            ConsumeRejection::UnknownLine { .. } => Self::new(UNKNOWN_LINE, detail),
            ConsumeRejection::WrongTransition(wrong) => wrong.into(),
            ConsumeRejection::TooMuch { wanted, held, .. } => Self::new(LINE_HOLDS_LESS, detail).with(|problem| {
                problem.expected = Some(wanted);
                problem.actual = Some(held);
            }),
            ConsumeRejection::NotOnHand { wanted, on_hand, .. } => Self::new(NOT_ON_HAND, detail).with(|problem| {
                problem.expected = Some(wanted);
                problem.actual = Some(on_hand);
            }),
        }
    }
}

impl From<AdjustRejection> for Problem {
    fn from(rejection: AdjustRejection) -> Self {
        let detail = rejection.to_string();
        match rejection {
            AdjustRejection::UnknownSku { sku } => unknown_sku(&sku),
            AdjustRejection::UnknownLocation { location } => unknown_location(&location),
            AdjustRejection::StockChanged { expected, actual } => Self::new(STOCK_CHANGED, detail).with(|problem| {
                problem.expected = Some(expected);
                problem.actual = Some(actual);
            }),
            AdjustRejection::BelowZero { on_hand, .. } | AdjustRejection::TooMuch { on_hand, .. } => {
                Self::new(STOCK_OUT_OF_RANGE, detail).with(|problem| problem.actual = Some(on_hand))
            }
            AdjustRejection::Promised { .. } => Self::new(STOCK_PROMISED, detail),
            AdjustRejection::KeptUnsold { unsold, .. } => {
                Self::new(UNITS_KEPT_UNSOLD, detail).with(|problem| problem.actual = Some(unsold))
            }
        }
    }
}

/// The problem of a count that nobody asked for.
pub(super) fn unknown_count(id: &CountId) -> Problem {
    Problem::new(UNKNOWN_COUNT, format!("Count {id} does not exist."))
}

impl From<RegradeRejection> for Problem {
    fn from(rejection: RegradeRejection) -> Self {
        let detail = rejection.to_string();
        match rejection {
            RegradeRejection::UnknownSku { sku } => unknown_sku(&sku),
            RegradeRejection::UnknownLocation { location } => unknown_location(&location),
            RegradeRejection::NotThere { wanted, found, .. } => Self::new(UNITS_NOT_THERE, detail).with(|problem| {
                problem.expected = Some(wanted);
                problem.actual = Some(found);
            }),
        }
    }
}

impl From<ImportRejection> for Problem {
    fn from(rejection: ImportRejection) -> Self {
        let named = |(place, why): &(usize, RowRejection)| FieldError {
            pointer: format!("/rows/{place}"),
            detail: match why {
                RowRejection::UnknownLocation { .. } => format!("{why}: register it with POST /v1/locations"),
                _ => why.to_string(),
            },
        };
        let errors = rejection.rows.iter().map(named).collect();
        Self::new(IMPORT_REFUSED, rejection.to_string()).with(|problem| problem.errors = errors)
    }
}

impl From<RegisterSkuRejection> for Problem {
    fn from(rejection: RegisterSkuRejection) -> Self {
        let detail = rejection.to_string();
        let RegisterSkuRejection::Conflict { sku } = rejection;
        Self::new(ID_CONFLICT, detail).with(|problem| problem.instance = Some(format!("/v1/skus/{sku}")))
    }
}

impl From<UpdateSkuRejection> for Problem {
    fn from(rejection: UpdateSkuRejection) -> Self {
        let detail = rejection.to_string();
        match rejection {
            UpdateSkuRejection::UnknownSku { sku } => unknown_sku(&sku),
            UpdateSkuRejection::Promised { promised, on_hand, .. } => {
                Self::new(STOCK_PROMISED, detail).with(|problem| problem.actual = Some(promised - on_hand))
            }
        }
    }
}

impl From<UpdateLocationRejection> for Problem {
    fn from(rejection: UpdateLocationRejection) -> Self {
        let UpdateLocationRejection::UnknownLocation { location } = rejection;
        unknown_location(&location)
    }
}

impl From<RegisterLocationRejection> for Problem {
    fn from(rejection: RegisterLocationRejection) -> Self {
        Self::new(ID_CONFLICT, rejection.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_declared_once_over_all_contexts() {
        let mut codes: Vec<_> = ALL.iter().chain(kinds::ALL).map(|kind| kind.code).collect();
        let all = codes.len();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), all);
        for kind in ALL {
            assert_eq!(kind.uri, format!("/problems/{}", kind.code.to_lowercase().replace('_', "-")));
        }
    }
}
