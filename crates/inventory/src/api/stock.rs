//! Stock: read, list, adjust.

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode};
use comanda_contracts as contract;
use comanda_web::openapi::{CommandHeaders, QueryHeaders, ReadHeaders};
use comanda_web::{Call, Fields, Inquiry, Json, List, Params, PathParam, Problem, Reply, etag};
use cqrs::{Dispatch, Inquire};
use serde::Deserialize;

use super::parse::{self, SkuPageParams, path_sku};
use super::{Api, problems, reason};
use crate::application::list_low_stock::ListLowStock;
use crate::application::list_stock::ListStock;
use crate::application::stock_of_sku::{StockOfSku, StockView};
use crate::domain::ids::{Bin, LocationId};
use crate::domain::stock_item::adjust::{Adjust, Change};
use crate::domain::stock_item::{Due, Level};
use crate::read_models::stock::StockRow;

/// Changes what is on hand, for a reason
///
/// By `delta`, or to `set` if what is on hand still is `expected`.
#[utoipa::path(post, path = "/v1/stock/adjustments", operation_id = "adjustStock", tag = "Stock",
    params(CommandHeaders), request_body = contract::AdjustmentRequest,
    responses(
        (status = 201, description = "It is booked", body = contract::Adjustment, headers(
            ("ETag" = String, description = "The version of the SKU's stock"),
            ("Location" = String, description = "The SKU's ledger"))),
        (status = 404, description = "UNKNOWN_SKU, UNKNOWN_LOCATION"),
        (status = 409, description = "STOCK_CHANGED with `expected` and `actual`; STOCK_OUT_OF_RANGE; STOCK_PROMISED; \
            UNITS_KEPT_UNSOLD"),
    ))]
pub(super) async fn adjust(
    State(api): Api,
    call: Call,
    request: Json<contract::AdjustmentRequest>,
) -> Result<Reply, Problem> {
    let (reason_code, reference_uri) = (request.value.reason_code, request.value.reference_uri.clone());
    let command = parse_adjustment(request.value)?;
    let answered = api.commands.dispatch(call.envelope(command, &request.raw)).await?;
    let done = answered.answer;
    let body = contract::Adjustment {
        sku: done.sku.as_str().to_owned(),
        location_id: done.location.as_str().to_owned(),
        delta: done.delta,
        on_hand: done.on_hand,
        available: done.available,
        reason_code,
        reference_uri,
        version: answered.version,
    };
    let reply = Reply::json(StatusCode::CREATED, &body).location("/v1/stock/", &format!("{}/ledger", done.sku));
    Ok(reply.etag(etag(answered.version, 0)).token(&answered.token).replayed(answered.replayed))
}

/// Reads the stock of one SKU, without the holds that are over by now
#[utoipa::path(get, path = "/v1/stock/{sku}", operation_id = "getStock", tag = "Stock",
    params(("sku" = String, Path), ReadHeaders),
    responses(
        (status = 200, description = "Its stock", body = contract::Stock, headers(
            ("ETag" = String, description = "Its version; another one once a hold has ended by itself"))),
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
    let tag = found.etag();
    if inquiry.has(&tag) {
        return Ok(Reply::empty(StatusCode::NOT_MODIFIED).etag(tag).token(&told.token));
    }
    Ok(Reply::json(StatusCode::OK, &written(&found.row)).etag(tag).token(&told.token))
}

impl StockView {
    /// The version, and the last hold that has ended by itself since: it changes what is read, and no version.
    pub(super) fn etag(&self) -> HeaderValue {
        let ended_at = self.ended_at.and_then(|at| u64::try_from(at.as_millis()).ok());
        etag(self.row.version, ended_at.unwrap_or(0))
    }
}

/// Which SKUs' stock.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListParams {
    /// Only SKUs whose ids start so.
    sku_prefix: Option<String>,
    /// Only SKUs of which something is available.
    only_available: Option<bool>,
    /// At most so many items, 1 to 200; 50 unless given.
    limit: Option<i64>,
    /// The `nextCursor` of the page before.
    cursor: Option<String>,
}

/// Lists stock in the order of SKUs
///
/// Right within a second: a hold that has just ended may still count.
#[utoipa::path(get, path = "/v1/stock", operation_id = "listStock", tag = "Stock", params(ListParams, QueryHeaders),
    responses((status = 200, description = "A part of all stock", body = contract::Page<contract::Stock>)))]
pub(super) async fn list(
    State(api): Api,
    Params(params): Params<ListParams>,
    list: List,
    inquiry: Inquiry,
) -> Result<Reply, Problem> {
    let query = ListStock {
        prefix: parse::prefix(params.sku_prefix)?,
        only_available: params.only_available.unwrap_or(false),
        page: parse::page(list, params.limit, params.cursor.as_deref())?,
    };
    let told = api.queries.ask(inquiry.ask(query)).await?;
    Ok(Reply::json(StatusCode::OK, &parse::written(list, told.answer, |row| written(&row))?).token(&told.token))
}

/// Lists SKUs of which nothing is available
///
/// Sold out, or down to their safety stock. Right within a second.
#[utoipa::path(get, path = "/v1/low-stock", operation_id = "listLowStock", tag = "Stock",
    params(SkuPageParams, QueryHeaders),
    responses((status = 200, description = "A part of them", body = contract::Page<contract::LowStock>)))]
pub(super) async fn list_low(
    State(api): Api,
    Params(params): Params<SkuPageParams>,
    list: List,
    inquiry: Inquiry,
) -> Result<Reply, Problem> {
    let page = params.request(list)?;
    let query = ListLowStock { prefix: parse::prefix(params.sku_prefix)?, page };
    let told = api.queries.ask(inquiry.ask(query)).await?;
    let page = parse::written(list, told.answer, |row| contract::LowStock {
        sku: row.sku.as_str().to_owned(),
        name: row.details.name.as_deref().map(ToOwned::to_owned),
        on_hand: row.total().on_hand,
        safety_stock: row.details.safety_stock,
        available: row.available,
    })?;
    Ok(Reply::json(StatusCode::OK, &page).token(&told.token))
}

fn written(row: &StockRow) -> contract::Stock {
    let total = row.total();
    let locations = row.levels.iter().map(|(place, level)| {
        let incoming = row.incoming.at(place);
        location(place, level, incoming, row.bins.get(place))
    });
    contract::Stock {
        sku: row.sku.as_str().to_owned(),
        name: row.details.name.as_deref().map(ToOwned::to_owned),
        on_hand: total.on_hand,
        reserved: total.reserved,
        committed: total.committed,
        damaged: total.damaged,
        quality_control: total.quality_control,
        safety_stock: row.details.safety_stock,
        backorder_limit: row.details.backorder_limit,
        backorders_from: row.backorders.from.map(cqrs::Timestamp::to_rfc3339),
        backorders_incoming_only: row.backorders.incoming_only,
        available: row.available,
        incoming: row.incoming.total(),
        in_transit: row.incoming.in_transit(),
        expected: row.incoming.dates().map(expected).collect(),
        version: row.version,
        updated_at: row.updated_at.to_rfc3339(),
        locations: locations.collect(),
    }
}

fn expected(due: Due) -> contract::ExpectedUnits {
    contract::ExpectedUnits {
        expected_at: due.expected_at.to_rfc3339(),
        location_id: due.location.as_str().to_owned(),
        quantity: due.quantity,
    }
}

/// The counters at one location as the contract writes them.
pub(super) fn location(
    location: &LocationId,
    level: &Level,
    incoming: i64,
    bin: Option<&Bin>,
) -> contract::LocationStock {
    contract::LocationStock {
        location_id: location.as_str().to_owned(),
        on_hand: level.on_hand,
        reserved: level.reserved,
        committed: level.committed,
        damaged: level.damaged,
        quality_control: level.quality_control,
        available: level.free(),
        incoming,
        bin: bin.map(|bin| bin.as_str().to_owned()),
    }
}

fn parse_adjustment(request: contract::AdjustmentRequest) -> Result<Adjust, Problem> {
    let mut fields = Fields::default();
    let sku = parse::sku(&mut fields, &request.sku);
    let location = parse::location(&mut fields, "/locationId", request.location_id.as_deref());
    let change = match (request.delta, request.set, request.expected) {
        (Some(delta), None, None) => Ok(Change::Delta(delta)),
        (None, Some(to), Some(expected)) => Ok(Change::Set { to, expected }),
        (None, Some(_), None) => Err(("/expected", "is missing: `set` says from which number it starts")),
        (None, None, Some(_)) => Err(("/expected", "belongs to `set`: give `set` as well")),
        (None, None, None) => Err(("/delta", "is missing: give `delta`, or `set` with `expected`")),
        (Some(_), _, _) => Err(("/delta", "excludes `set` and `expected`: give one or the other")),
    };
    let change = change.map_err(|(pointer, detail)| fields.wrong(pointer, detail)).ok();
    let command = sku.zip(change).map(|(sku, change)| Adjust {
        sku,
        location: location.unwrap_or_else(LocationId::main),
        change,
        reason: reason::read(request.reason_code),
        reference: request.reference_uri.map(Into::into),
    });
    fields.finish(command)
}
