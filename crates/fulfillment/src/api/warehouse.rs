//! The warehouse over HTTP: which routes there are, and their description.

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use utoipa::OpenApi;

use super::{ApiState, packages, pick_lists, waves};

/// Every route of picking, waves and packing.
pub(super) fn warehouse_router() -> Router<Arc<ApiState>> {
    Router::new()
        .route("/v1/pick-lists", get(pick_lists::list))
        .route("/v1/pick-lists/{pickListId}", get(pick_lists::read))
        .route("/v1/pick-lists/{pickListId}/release", post(pick_lists::release))
        .route("/v1/pick-lists/{pickListId}/tasks/{taskId}/pick", post(pick_lists::pick))
        .route("/v1/pick-lists/{pickListId}/tasks/{taskId}/short", post(pick_lists::miss))
        .route("/v1/waves", post(waves::release).get(waves::list))
        .route("/v1/waves/{waveId}", get(waves::read))
        .route("/v1/orders/{orderId}/pick-list", get(pick_lists::read_of_order))
        .route("/v1/orders/{orderId}/packages", post(packages::pack).get(packages::list))
        .route("/v1/orders/{orderId}/ready-to-ship", post(packages::make_ready))
        .route("/orders/{orderId}/pick-list", get(pick_lists::short_read_of_order))
        .route("/orders/{orderId}/ready-to-ship", post(packages::short_make_ready))
}

/// The description of these routes.
pub(super) fn description() -> utoipa::openapi::OpenApi {
    Description::openapi()
}

#[derive(OpenApi)]
#[openapi(
    paths(
        pick_lists::list, pick_lists::read, pick_lists::release, pick_lists::pick, pick_lists::miss,
        pick_lists::read_of_order, pick_lists::short_read_of_order,
        waves::release, waves::list, waves::read,
        packages::pack, packages::list, packages::make_ready, packages::short_make_ready,
    ),
    tags(
        (name = "Picking", description = "What is picked where, in which order, and what was not there."),
        (name = "Waves", description = "Pick lists of one location that are picked together."),
        (name = "Packing", description = "What is packed into what, and what can leave."),
    )
)]
struct Description;
