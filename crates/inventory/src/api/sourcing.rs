//! Sourcing: which locations would serve which lines, and why, without holding anything.

use axum::extract::State;
use axum::http::StatusCode;
use comanda_contracts as contract;
use comanda_web::openapi::RepeatHeaders;
use comanda_web::{BULK_BODY_BYTES_MAX, Call, Fields, Json, Problem, Reply};
use cqrs::Dispatch;

use super::Api;
use super::parse::Place;
use super::reservations::{allocation, parse_reserve};
use crate::domain::location::Coordinates;
use crate::domain::reservation::plan::{PlanSourcing, PlannedLine};
use crate::domain::reservation::reserve::Reserve;
use crate::domain::reservation::sourcing::{Considered, LineSourcing, Reason, Strategy};

/// Says where the lines of a reservation would come from, and why, and holds nothing
///
/// It is decided as `POST /v1/reservations` is, on the stock of this moment: what is planned now may be gone a moment later.
#[utoipa::path(post, path = "/v1/sourcing:plan", operation_id = "planSourcing", tag = "Reservations",
    params(RepeatHeaders), request_body = contract::SourcingPlanRequest,
    responses(
        (status = 200, description = "The plan; lines that are short are planned as far as there is stock",
            body = contract::SourcingPlan),
        (status = 404, description = "UNKNOWN_SKU, UNKNOWN_LOCATION"),
    ))]
pub(super) async fn plan(
    State(api): Api,
    call: Call,
    request: Json<contract::SourcingPlanRequest, BULK_BODY_BYTES_MAX>,
) -> Result<Reply, Problem> {
    let contract::SourcingPlanRequest { lines, strategy, destination } = request.value;
    let asked = contract::ReserveRequest { lines, strategy, destination, ..contract::ReserveRequest::default() };
    let reserve = Reserve { explain: true, ..parse_reserve(&asked, Place::Whole)? };
    let answered = api.commands.dispatch(call.envelope(PlanSourcing { reserve }, &request.raw)).await?;
    let lines: Vec<contract::PlannedLine> = answered.answer.lines.into_iter().map(planned).collect();
    let sufficient = lines.iter().all(|line| line.planned >= line.requested);
    let plan = contract::SourcingPlan { sufficient, lines };
    Ok(Reply::json(StatusCode::OK, &plan).token(&answered.token).replayed(answered.replayed))
}

/// The strategy that a request names.
pub(super) fn strategy(
    fields: &mut Fields,
    at: Place,
    strategy: Option<contract::SourcingStrategy>,
    destination: Option<contract::Coordinates>,
) -> Option<Strategy> {
    let place = fields.take_optional(format_args!("{at}/destination"), destination.map(coordinates));
    match (strategy, destination) {
        (Some(contract::SourcingStrategy::Nearest), None) => {
            fields.wrong(format_args!("{at}/destination"), "is missing: `NEAREST` says to which place");
            None
        }
        (Some(contract::SourcingStrategy::Nearest), Some(_)) => {
            place.map(|destination| Strategy::Nearest { destination })
        }
        (_, Some(_)) => {
            let detail = "belongs to the strategy `NEAREST`: name it, or leave the destination out";
            fields.wrong(format_args!("{at}/destination"), detail);
            None
        }
        (Some(contract::SourcingStrategy::Priority), None) => Some(Strategy::Priority),
        (Some(contract::SourcingStrategy::FewestSplits), None) => Some(Strategy::FewestSplits),
        (None, None) => None,
    }
}

/// The place on earth that a request names.
pub(super) fn coordinates(
    asked: contract::Coordinates,
) -> Result<Coordinates, crate::domain::location::InvalidCoordinates> {
    Coordinates::parse(asked.latitude, asked.longitude)
}

fn planned(line: PlannedLine) -> contract::PlannedLine {
    contract::PlannedLine {
        line_id: line.line_id.as_str().to_owned(),
        sku: line.sku.as_str().to_owned(),
        requested: line.requested,
        planned: line.allocations.iter().map(|allocation| allocation.quantity).sum(),
        allocations: line.allocations.into_iter().map(allocation).collect(),
        locations: line.sourcing.into_iter().flat_map(|told| told.locations).map(considered).collect(),
    }
}

/// The reasons of one line as the contract writes them.
pub(super) fn line(line: LineSourcing) -> contract::LineSourcing {
    contract::LineSourcing {
        line_id: line.line_id.as_str().to_owned(),
        sku: line.sku.as_str().to_owned(),
        locations: line.locations.into_iter().map(considered).collect(),
    }
}

fn considered(seen: Considered) -> contract::ConsideredLocation {
    contract::ConsideredLocation {
        location_id: seen.location.as_str().to_owned(),
        chosen: seen.quantity > 0,
        quantity: seen.quantity,
        available: seen.free,
        reason: reason(seen.reason),
        priority: seen.priority,
        distance_metres: seen.metres,
    }
}

fn reason(reason: Reason) -> contract::SourcingReason {
    match reason {
        Reason::Named => contract::SourcingReason::Named,
        Reason::ServesWholeLine => contract::SourcingReason::ServesWholeLine,
        Reason::ServesPart => contract::SourcingReason::ServesPart,
        Reason::FirstByPriority => contract::SourcingReason::FirstByPriority,
        Reason::Nearest => contract::SourcingReason::Nearest,
        Reason::FewestLocations => contract::SourcingReason::FewestLocations,
        Reason::AwaitsGoods => contract::SourcingReason::AwaitsGoods,
        Reason::OtherNamed => contract::SourcingReason::OtherNamed,
        Reason::NothingFree => contract::SourcingReason::NothingFree,
        Reason::HeldBack => contract::SourcingReason::HeldBack,
        Reason::NotNeeded => contract::SourcingReason::NotNeeded,
    }
}
