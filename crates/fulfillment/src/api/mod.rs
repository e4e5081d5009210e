//! The HTTP interface of Fulfillment: one file per resource, each route with its handler and its description.

mod actions;
mod backorders;
mod leaving;
mod leaving_problems;
mod orders;
mod packages;
mod parse;
mod pick_lists;
pub mod problems;
mod returns;
mod shipments;
mod short_paths;
mod timeline;
mod warehouse;
mod warehouse_problems;
mod waves;
mod written;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};
use cqrs::{CommandBus, QueryBus};
use utoipa::OpenApi;

/// What the handlers work with.
#[derive(Clone)]
pub struct ApiState {
    /// The one way in for commands.
    pub commands: CommandBus,
    /// The one way in for queries.
    pub queries: QueryBus,
}

type Api = State<Arc<ApiState>>;

/// Every route of Fulfillment. Put [`comanda_web::edge`] around what is served.
pub fn router(state: ApiState) -> Router {
    let read = Router::new()
        .route("/v1/orders/{orderId}", get(orders::read))
        .route("/orders/{orderId}", get(short_paths::read))
        .with_state(Arc::new(state.clone()));
    router_behind_gateway(state).merge(read)
}

/// Every route but the two that read one order: a gateway puts that answer together from more than this context.
pub fn router_behind_gateway(state: ApiState) -> Router {
    Router::new()
        .route("/v1/orders", post(orders::place).get(orders::list))
        .route("/v1/orders/{orderId}/status", get(orders::read_status))
        .route("/v1/orders/{orderId}/timeline", get(timeline::read))
        .route("/v1/orders/{orderId}/cancel", post(actions::cancel))
        .route("/v1/orders/{orderId}/hold", post(actions::hold))
        .route("/v1/orders/{orderId}/release-hold", post(actions::release_hold))
        .route("/v1/late-orders", get(orders::list_late))
        .route("/v1/backorders", get(backorders::list))
        .route("/v1/demand", get(backorders::list_demand))
        .route("/orders", post(short_paths::place).get(short_paths::list))
        .route("/orders/{orderId}/status", get(short_paths::read_status))
        .route("/orders/{orderId}/cancel", post(short_paths::cancel))
        .merge(warehouse::warehouse_router())
        .merge(leaving::leaving_router())
        .with_state(Arc::new(state))
}

/// The description of every route, made from the code.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    let mut api = Description::openapi();
    api.merge(leaving::description());
    api.merge(warehouse::description());
    let kinds: Vec<_> = comanda_web::kinds::ALL.iter().chain(problems::ALL).copied().collect();
    comanda_web::openapi::complete(&mut api, &kinds);
    api
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Comanda",
        version = "1",
        description = "Orders from placed to delivered and returned. Every answer to a command is durable when it is given. \
            Whole numbers are written without a fraction: `5`, not `5.0`."
    ),
    paths(
        orders::place, orders::list, orders::read, orders::read_status, orders::list_late, timeline::read,
        actions::cancel, actions::hold, actions::release_hold,
        backorders::list, backorders::list_demand,
        short_paths::place, short_paths::list, short_paths::read, short_paths::read_status, short_paths::cancel,
    ),
    tags(
        (name = "Orders", description = "What is sold, where it stands, and why it waits."),
        (name = "Backorders", description = "What waits for stock."),
        (name = "Short paths", description = "The interface of the system this one replaces, still valid."),
    )
)]
struct Description;
