//! What leaves and comes back, over HTTP: which routes there are, and their description.

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use utoipa::OpenApi;

use super::{ApiState, returns, shipments};

/// Every route of shipments and returns.
pub(super) fn leaving_router() -> Router<Arc<ApiState>> {
    Router::new()
        .route("/v1/shipments", post(shipments::plan).get(shipments::list))
        .route("/v1/shipments/{shipmentId}", get(shipments::read))
        .route("/v1/shipments/{shipmentId}/dispatch", post(shipments::dispatch))
        .route("/v1/shipments/{shipmentId}/tracking", post(shipments::track))
        .route("/v1/shipments/{shipmentId}/void", post(shipments::void))
        .route("/v1/shipments/{shipmentId}/rebook", post(shipments::rebook))
        .route("/v1/returns", post(returns::request).get(returns::list))
        .route("/v1/returns/{returnId}", get(returns::read))
        .route("/v1/returns/{returnId}/receive", post(returns::receive))
        .route("/v1/returns/{returnId}/cancel", post(returns::cancel))
}

/// The description of these routes.
pub(super) fn description() -> utoipa::openapi::OpenApi {
    Description::openapi()
}

#[derive(OpenApi)]
#[openapi(
    paths(
        shipments::plan, shipments::list, shipments::read, shipments::dispatch, shipments::track, shipments::void,
        shipments::rebook,
        returns::request, returns::list, returns::read, returns::receive, returns::cancel,
    ),
    tags(
        (name = "Shipments", description = "What leaves together, and whether its carrier takes it."),
        (name = "Returns", description = "What comes back, and in which state."),
    )
)]
struct Description;
