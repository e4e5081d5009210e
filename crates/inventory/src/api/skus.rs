//! SKUs: register, read, change, list.

use axum::extract::State;
use axum::http::StatusCode;
use comanda_contracts as contract;
use comanda_web::openapi::{CommandHeaders, QueryHeaders, ReadHeaders};
use comanda_web::{Call, Fields, Inquiry, Json, List, Params, PathParam, Problem, Reply, etag};
use cqrs::{Answered, Dispatch, Inquire};

use super::parse::{self, SkuPageParams, path_sku};
use super::{Api, problems};
use crate::application::list_stock::ListStock;
use crate::application::stock_of_sku::StockOfSku;
use crate::domain::stock_item::register::{RegisterSku, SkuAnswer};
use crate::domain::stock_item::update::UpdateSku;
use crate::read_models::stock::StockRow;

const PATH: &str = "/v1/skus/";

/// Makes a SKU known
///
/// The same request again gives the same answer, marked `Idempotent-Replayed: true`.
#[utoipa::path(post, path = "/v1/skus", operation_id = "registerSku", tag = "SKUs",
    params(CommandHeaders), request_body = contract::RegisterSku,
    responses(
        (status = 201, description = "It is known", body = contract::Sku, headers(
            ("ETag" = String, description = "Its version"), ("Location" = String, description = "Where it is found"),
            ("Idempotent-Replayed" = bool, description = "`true` if it was known before"))),
        (status = 409, description = "ID_CONFLICT: it is registered with other details"),
    ))]
pub(super) async fn register(
    State(api): Api,
    call: Call,
    request: Json<contract::RegisterSku>,
) -> Result<Reply, Problem> {
    let contract::RegisterSku { sku, name, safety_stock, backorder_limit } = request.value;
    let mut fields = Fields::default();
    let command = parse::sku(&mut fields, &sku).map(|sku| RegisterSku {
        sku,
        name: name.map(Into::into),
        safety_stock: safety_stock.unwrap_or(0),
        backorder_limit: backorder_limit.unwrap_or(0),
    });
    let answered = api.commands.dispatch(call.envelope(fields.finish(command)?, &request.raw)).await?;
    Ok(written(StatusCode::CREATED, answered).location(PATH, &sku))
}

/// Changes a SKU's name, safety stock or backorder limit
#[utoipa::path(patch, path = "/v1/skus/{sku}", operation_id = "updateSku", tag = "SKUs",
    params(("sku" = String, Path), CommandHeaders), request_body = contract::UpdateSku,
    responses(
        (status = 200, description = "It is so now", body = contract::Sku,
            headers(("ETag" = String, description = "Its version"))),
        (status = 404, description = "UNKNOWN_SKU"),
        (status = 409, description = "STOCK_PROMISED: the backorder limit would be less than is promised already"),
    ))]
pub(super) async fn update(
    State(api): Api,
    PathParam(sku): PathParam<String>,
    call: Call,
    request: Json<contract::UpdateSku>,
) -> Result<Reply, Problem> {
    let contract::UpdateSku { name, safety_stock, backorder_limit } = request.value;
    let command = UpdateSku { sku: path_sku(&sku)?, name: name.map(Into::into), safety_stock, backorder_limit };
    Ok(written(StatusCode::OK, api.commands.dispatch(call.envelope(command, &request.raw)).await?))
}

/// Reads a SKU as it is registered
#[utoipa::path(get, path = "/v1/skus/{sku}", operation_id = "getSku", tag = "SKUs",
    params(("sku" = String, Path), ReadHeaders),
    responses(
        (status = 200, description = "The SKU", body = contract::Sku,
            headers(("ETag" = String, description = "Its version"))),
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
    Ok(Reply::json(StatusCode::OK, &registered(&found.row)).etag(tag).token(&told.token))
}

/// Lists SKUs in the order of their ids
#[utoipa::path(get, path = "/v1/skus", operation_id = "listSkus", tag = "SKUs", params(SkuPageParams, QueryHeaders),
    responses((status = 200, description = "A part of all SKUs", body = contract::Page<contract::Sku>)))]
pub(super) async fn list(
    State(api): Api,
    Params(params): Params<SkuPageParams>,
    list: List,
    inquiry: Inquiry,
) -> Result<Reply, Problem> {
    let page = params.request(list)?;
    let query = ListStock { prefix: parse::prefix(params.sku_prefix)?, only_available: false, page };
    let told = api.queries.ask(inquiry.ask(query)).await?;
    let page = parse::written(list, told.answer, |row| registered(&row))?;
    Ok(Reply::json(StatusCode::OK, &page).token(&told.token))
}

fn registered(row: &StockRow) -> contract::Sku {
    contract::Sku {
        sku: row.sku.as_str().to_owned(),
        name: row.details.name.as_deref().map(ToOwned::to_owned),
        safety_stock: row.details.safety_stock,
        backorder_limit: row.details.backorder_limit,
        version: row.version,
    }
}

fn written(status: StatusCode, answered: Answered<SkuAnswer>) -> Reply {
    let Answered { answer: SkuAnswer { sku, details, repeated }, token, version, replayed } = answered;
    let body = contract::Sku {
        sku: sku.as_str().to_owned(),
        name: details.name.map(|name| name.as_ref().to_owned()),
        safety_stock: details.safety_stock,
        backorder_limit: details.backorder_limit,
        version,
    };
    Reply::json(status, &body).etag(etag(version, 0)).token(&token).replayed(replayed || repeated)
}
