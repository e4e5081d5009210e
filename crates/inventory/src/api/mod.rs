//! The HTTP interface of Inventory: one file per resource, each route with its handler and its description.

mod availability;
mod backorders;
mod batch;
mod bins;
mod count_problems;
mod count_shapes;
mod counts;
mod expiring;
mod history;
mod hoarding;
mod import;
mod inbound_problems;
mod ledger;
mod locations;
mod movements;
mod parse;
pub mod problems;
mod reason;
mod receipts;
mod receipts_parse;
mod regrade;
mod reservations;
mod short_paths;
mod skus;
mod sourcing;
mod stock;
mod transfers;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::{get, patch, post, put};
use cqrs::{CommandBus, QueryBus};
use utoipa::OpenApi;

use crate::application::hold_book::HoldBook;

/// What the handlers work with.
#[derive(Clone)]
pub struct ApiState {
    /// The one way in for commands.
    pub commands: CommandBus,
    /// The one way in for queries.
    pub queries: QueryBus,
}

/// The same, and what the handlers keep between requests.
struct Served {
    commands: CommandBus,
    queries: QueryBus,
    holds: HoldBook,
}

type Api = State<Arc<Served>>;

/// Every route of Inventory. Put [`comanda_web::edge`] around what is served.
pub fn router(state: ApiState) -> Router {
    let ApiState { commands, queries } = state;
    let served = Served { commands, queries, holds: HoldBook::default() };
    Router::new()
        .route("/v1/skus", post(skus::register).get(skus::list))
        .route("/v1/skus/{sku}", get(skus::read).merge(patch(skus::update)))
        .route("/v1/locations", post(locations::register).get(locations::list))
        .route("/v1/locations/{locationId}/stock", get(locations::list_stock))
        .route("/v1/capacity", get(locations::list_capacity))
        .route("/v1/stock", get(stock::list))
        .route("/v1/stock:import", post(import::import))
        .route("/v1/stock/adjustments", post(stock::adjust))
        .route("/v1/low-stock", get(stock::list_low))
        .route("/v1/stock/{sku}", get(stock::read))
        .route("/v1/stock/{sku}/ledger", get(ledger::read))
        .route("/v1/stock/{sku}/locations/{locationId}/bin", put(bins::assign))
        .route("/v1/availability:query", post(availability::query))
        .route("/v1/reservations", post(reservations::reserve).get(expiring::list))
        .route("/v1/reservations:batch", post(batch::reserve_many))
        .route("/v1/reservations/{reservationId}", get(reservations::read))
        .route("/v1/reservations/{reservationId}/confirm", post(reservations::confirm))
        .route("/v1/reservations/{reservationId}/release", post(reservations::release))
        .route("/v1/reservations/{reservationId}/extend", post(reservations::extend))
        .route("/v1/reservations/{reservationId}/consume", post(reservations::consume))
        .route("/v1/receipts", post(receipts::create).get(receipts::list))
        .route("/v1/receipts/{receiptId}", get(receipts::read))
        .route("/v1/receipts/{receiptId}/receive", post(receipts::receive))
        .route("/v1/receipts/{receiptId}/reschedule", post(receipts::reschedule))
        .route("/v1/receipts/{receiptId}/cancel", post(receipts::cancel))
        .route("/v1/receipts/{receiptId}/close", post(receipts::close))
        .route("/v1/incoming", get(receipts::list_incoming))
        .route("/v1/skus/{sku}/backorders", put(backorders::set).merge(get(backorders::read)))
        .route("/v1/stock/movements", get(movements::list))
        .route("/v1/stock/movements/sums", get(movements::sum))
        .route("/v1/transfers", post(transfers::request).get(transfers::list))
        .route("/v1/transfers/{transferId}", get(transfers::read))
        .route("/v1/transfers/{transferId}/ship", post(transfers::ship))
        .route("/v1/transfers/{transferId}/receive", post(transfers::receive))
        .route("/v1/transfers/{transferId}/cancel", post(transfers::cancel))
        .route("/inventory", get(short_paths::list))
        .route("/inventory/{sku}", get(short_paths::read))
        .route("/inventory/{sku}/reserve", post(short_paths::reserve))
        .route("/inventory/{sku}/replenish", post(short_paths::replenish))
        .route("/inventory/{sku}/release", post(short_paths::release))
        .route("/inventory/reservations/{reservationId}", get(short_paths::read_reservation))
        .route("/v1/stock/{sku}/regrade", post(regrade::regrade))
        .route("/v1/stock/history", get(history::read))
        .route("/v1/reservations/{reservationId}/transfer", post(reservations::transfer))
        .route("/v1/locations/{locationId}", get(locations::read).merge(patch(locations::update)))
        .route("/v1/sourcing:plan", post(sourcing::plan))
        .route("/v1/counts", post(counts::request).get(counts::list))
        .route("/v1/counts/{countId}", get(counts::read))
        .route("/v1/counts/{countId}/differences", get(counts::differences))
        .route("/v1/counts/{countId}/record", post(counts::record))
        .route("/v1/counts/{countId}/recount", post(counts::recount))
        .route("/v1/counts/{countId}/review", post(counts::review))
        .route("/v1/counts/{countId}/apply", post(counts::apply))
        .route("/v1/counts/{countId}/cancel", post(counts::cancel))
        .with_state(Arc::new(served))
}

/// The description of every route, made from the code.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    let mut api = Description::openapi();
    let kinds: Vec<_> = comanda_web::kinds::ALL.iter().chain(problems::ALL).copied().collect();
    comanda_web::openapi::complete(&mut api, &kinds);
    api
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Comanda",
        version = "1",
        description = "Inventory reservations that cannot oversell. Every answer to a command is durable when it is given. \
            Whole numbers are written without a fraction: `5`, not `5.0`."
    ),
    paths(
        skus::register, skus::list, skus::read, skus::update,
        locations::register, locations::list, locations::read, locations::list_stock, locations::list_capacity,
        stock::list, stock::adjust, stock::list_low, stock::read, ledger::read, bins::assign,
        availability::query, import::import,
        reservations::reserve, batch::reserve_many, reservations::read, reservations::confirm, reservations::release,
        reservations::extend, reservations::consume,
        receipts::create, receipts::list, receipts::read, receipts::receive, receipts::reschedule, receipts::cancel,
        receipts::close, receipts::list_incoming,
        backorders::set, backorders::read, movements::list, movements::sum,
        transfers::request, transfers::list, transfers::read, transfers::ship, transfers::receive, transfers::cancel,
        short_paths::list, short_paths::read, short_paths::reserve, short_paths::replenish, short_paths::release,
        short_paths::read_reservation,
        regrade::regrade, history::read, reservations::transfer, expiring::list, locations::update,
        sourcing::plan,
        counts::request, counts::list, counts::read, counts::differences, counts::record, counts::recount,
        counts::review, counts::apply, counts::cancel,
    ),
    tags(
        (name = "SKUs", description = "The things that are sold."),
        (name = "Locations", description = "The places that hold stock."),
        (name = "Stock", description = "How much there is, and why."),
        (name = "Availability", description = "Can all of this be promised now?"),
        (name = "Reservations", description = "Stock held for one owner, line by line."),
        (name = "Receipts", description = "Goods of suppliers that are to come, or have come."),
        (name = "Transfers", description = "Goods that go from one location to another."),
        (name = "Counts", description = "Units are counted, differences reviewed, and the books follow."),
        (name = "Short paths", description = "The interface of the system this one replaces, still valid."),
    )
)]
struct Description;
