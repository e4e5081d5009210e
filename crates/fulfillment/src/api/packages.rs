//! Packages, and what can leave.

use axum::extract::State;
use axum::http::StatusCode;
use comanda_contracts as contract;
use comanda_web::openapi::{CommandHeaders, ReadHeaders};
use comanda_web::{
    BULK_BODY_BYTES_MAX, Call, Fields, Inquiry, Json, Nothing, OptionalJson, PathParam, Problem, Reply, etag,
};
use cqrs::{Dispatch, Inquire};

use super::orders::changed;
use super::parse::{self, path_order};
use super::{Api, problems};
use crate::application::pick_list_by_id::PackagesOfOrder;
use crate::domain::ids::{LineId, OrderId, PackageId};
use crate::domain::order::Package;
use crate::domain::order::pack::{PackLine, PackUnits};
use crate::domain::order::ready_to_ship::MakeReadyToShip;

/// Packs picked units
///
/// Never more than were picked. The same package with the same content gives the same success again.
#[utoipa::path(post, path = "/v1/orders/{orderId}/packages", operation_id = "packOrder", tag = "Packing",
    params(("orderId" = String, Path), CommandHeaders), request_body = contract::PackRequest,
    responses(
        (status = 200, description = "They are packed", body = contract::OrderAccepted, headers(
            ("ETag" = String, description = "The order's version"),
            ("Idempotent-Replayed" = bool, description = "`true` if they were packed before"))),
        (status = 404, description = "UNKNOWN_ORDER"),
        (status = 422, description = "UNKNOWN_ORDER_LINE"),
        (status = 409, description = "ORDER_LINE_HAS_LESS; ID_CONFLICT: the package has other content; TOO_MANY_PACKAGES; \
            WRONG_TRANSITION with `from`, `to`, `allowed`: nothing is picked and not packed"),
    ))]
pub(super) async fn pack(
    State(api): Api,
    PathParam(id): PathParam<String>,
    call: Call,
    request: Json<contract::PackRequest, BULK_BODY_BYTES_MAX>,
) -> Result<Reply, Problem> {
    let command = parse_pack(path_order(&id)?, request.value)?;
    Ok(changed(StatusCode::OK, api.commands.dispatch(call.envelope(command, &request.raw)).await?))
}

/// Lists the packages of an order
#[utoipa::path(get, path = "/v1/orders/{orderId}/packages", operation_id = "listPackages", tag = "Packing",
    params(("orderId" = String, Path), ReadHeaders),
    responses(
        (status = 200, description = "Its packages", body = contract::OrderPackages,
            headers(("ETag" = String, description = "The order's version"))),
        (status = 304, description = "It is still as `If-None-Match` says"),
        (status = 404, description = "UNKNOWN_ORDER"),
    ))]
pub(super) async fn list(
    State(api): Api,
    PathParam(id): PathParam<String>,
    inquiry: Inquiry,
) -> Result<Reply, Problem> {
    let order_id = path_order(&id)?;
    let told = api.queries.ask(inquiry.ask(PackagesOfOrder { order_id: order_id.clone() })).await?;
    let Some((packages, version)) = told.answer else { return Err(problems::unknown_order(&order_id)) };
    let tag = etag(version, 0);
    if inquiry.has(&tag) {
        return Ok(Reply::empty(StatusCode::NOT_MODIFIED).etag(tag).token(&told.token));
    }
    let packages = packages.iter().map(package).collect();
    let body = contract::OrderPackages { order_id: order_id.as_str().to_owned(), packages };
    Ok(Reply::json(StatusCode::OK, &body).etag(tag).token(&told.token))
}

/// Says that an order can leave
///
/// It cannot be cancelled any more. An order of which nobody has recorded a pick counts as picked and packed; where picking
/// was begun it has to be finished first, and so has all that Inventory was asked for.
#[utoipa::path(post, path = "/v1/orders/{orderId}/ready-to-ship", operation_id = "makeOrderReadyToShip", tag = "Packing",
    params(("orderId" = String, Path), CommandHeaders),
    responses(
        (status = 200, description = "It can leave", body = contract::OrderAccepted, headers(
            ("ETag" = String, description = "Its version"),
            ("Idempotent-Replayed" = bool, description = "`true` if it could before"))),
        (status = 404, description = "UNKNOWN_ORDER"),
        (status = 409, description = "WRONG_TRANSITION with `from`, `to`, `allowed`"),
    ))]
pub(super) async fn make_ready(
    State(api): Api,
    PathParam(id): PathParam<String>,
    call: Call,
    body: OptionalJson<Nothing>,
) -> Result<Reply, Problem> {
    let command = MakeReadyToShip { order_id: path_order(&id)? };
    Ok(changed(StatusCode::OK, api.commands.dispatch(call.envelope(command, &body.raw)).await?))
}

/// Says that an order can leave
#[utoipa::path(post, path = "/orders/{orderId}/ready-to-ship", operation_id = "shortMakeOrderReadyToShip",
    tag = "Short paths", params(("orderId" = String, Path), CommandHeaders),
    responses(
        (status = 200, description = "It can leave", body = contract::OrderAccepted),
        (status = 404, description = "UNKNOWN_ORDER"),
        (status = 409, description = "WRONG_TRANSITION with `from`, `to`, `allowed`"),
    ))]
pub(super) async fn short_make_ready(
    api: Api,
    id: PathParam<String>,
    call: Call,
    body: OptionalJson<Nothing>,
) -> Result<Reply, Problem> {
    make_ready(api, id, call, body).await
}

fn parse_pack(order_id: OrderId, request: contract::PackRequest) -> Result<PackUnits, Problem> {
    let mut fields = Fields::default();
    let package = fields.take("/packageId", PackageId::parse(&request.package_id));
    let named = request.lines.unwrap_or_default();
    let mut lines = Vec::with_capacity(named.len());
    for (place, line) in named.iter().enumerate() {
        let line_id = fields.take(format_args!("/lines/{place}/lineId"), LineId::parse(&line.line_id));
        let quantity = parse::quantity(&mut fields, format_args!("/lines/{place}/quantity"), line.quantity);
        lines.extend(line_id.zip(quantity).map(|(line_id, quantity)| PackLine { line_id, quantity }));
    }
    fields.finish(package.map(|package| PackUnits { order_id, package, lines }))
}

fn package(package: &Package) -> contract::Package {
    let lines = package.lines.iter().map(|at| contract::PackedUnits {
        line_id: at.line_id.as_str().to_owned(),
        location_id: at.location.as_str().to_owned(),
        quantity: at.quantity,
    });
    contract::Package { package_id: package.id.as_str().to_owned(), lines: lines.collect() }
}
