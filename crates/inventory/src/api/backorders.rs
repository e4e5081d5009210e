//! Backorders and preorders: how a SKU may be promised beyond what is on hand.

use axum::extract::State;
use axum::http::StatusCode;
use comanda_contracts as contract;
use comanda_web::openapi::{CommandHeaders, ReadHeaders};
use comanda_web::{Call, Fields, Inquiry, Json, PathParam, Problem, Reply, etag};
use cqrs::{Answered, Dispatch, Inquire, Version};

use super::parse::{self, path_sku};
use super::{Api, problems};
use crate::application::stock_of_sku::StockOfSku;
use crate::domain::stock_item::BackorderTerms;
use crate::domain::stock_item::set_backorders::{BackordersAnswer, SetBackorders};

/// Says how far, from when on and against what a SKU may be promised beyond what is on hand
///
/// It replaces what was said before. What is promised already stands: the limit cannot be less. The same request again
/// gives the same answer, marked `Idempotent-Replayed: true`.
#[utoipa::path(put, path = "/v1/skus/{sku}/backorders", operation_id = "setBackorders", tag = "SKUs",
    params(("sku" = String, Path), CommandHeaders), request_body = contract::SetBackorders,
    responses(
        (status = 200, description = "It is so now", body = contract::Backorders, headers(
            ("ETag" = String, description = "The version of the SKU's stock"),
            ("Idempotent-Replayed" = bool, description = "`true` if it was so before"))),
        (status = 404, description = "UNKNOWN_SKU"),
        (status = 409, description = "STOCK_PROMISED: `actual` units are promised beyond what is on hand"),
    ))]
pub(super) async fn set(
    State(api): Api,
    PathParam(sku): PathParam<String>,
    call: Call,
    request: Json<contract::SetBackorders>,
) -> Result<Reply, Problem> {
    let sku = path_sku(&sku)?;
    let contract::SetBackorders { limit, from, incoming_only } = request.value;
    let mut fields = Fields::default();
    let from = fields.take_optional("/from", from.as_deref().map(parse::any_instant));
    let command = SetBackorders { sku, limit, terms: BackorderTerms { from, incoming_only } };
    let command = fields.finish(Some(command))?;
    let answered = api.commands.dispatch(call.envelope(command, &request.raw)).await?;
    let Answered { answer: BackordersAnswer { sku, limit, terms, repeated }, token, version, replayed } = answered;
    let body = written(sku.as_str(), limit, terms, version);
    Ok(Reply::json(StatusCode::OK, &body).etag(etag(version, 0)).token(&token).replayed(replayed || repeated))
}

/// Reads how a SKU may be promised beyond what is on hand
#[utoipa::path(get, path = "/v1/skus/{sku}/backorders", operation_id = "getBackorders", tag = "SKUs",
    params(("sku" = String, Path), ReadHeaders),
    responses(
        (status = 200, description = "Limit and terms", body = contract::Backorders,
            headers(("ETag" = String, description = "The version of the SKU's stock"))),
        (status = 304, description = "It is still as `If-None-Match` says"),
        (status = 404, description = "UNKNOWN_SKU"),
    ))]
pub(super) async fn read(
    State(api): Api,
    PathParam(sku): PathParam<String>,
    inquiry: Inquiry,
) -> Result<Reply, Problem> {
    let sku = path_sku(&sku)?;
    let told = api.queries.ask(inquiry.ask(StockOfSku { sku: sku.clone() })).await?;
    let Some(found) = told.answer else { return Err(problems::unknown_sku(&sku)) };
    let tag = etag(found.row.version, 0);
    if inquiry.has(&tag) {
        return Ok(Reply::empty(StatusCode::NOT_MODIFIED).etag(tag).token(&told.token));
    }
    let body = written(sku.as_str(), found.row.details.backorder_limit, found.row.backorders, found.row.version);
    Ok(Reply::json(StatusCode::OK, &body).etag(tag).token(&told.token))
}

fn written(sku: &str, limit: i64, terms: BackorderTerms, version: Version) -> contract::Backorders {
    contract::Backorders {
        sku: sku.to_owned(),
        limit,
        from: terms.from.map(cqrs::Timestamp::to_rfc3339),
        incoming_only: terms.incoming_only,
        version,
    }
}
