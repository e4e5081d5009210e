//! History: the stock of a SKU as of any instant.

use axum::extract::State;
use comanda_contracts as contract;
use comanda_web::openapi::ReadHeaders;
use comanda_web::{Fields, Inquiry, Params, Problem, Reply, kinds};
use cqrs::{Inquire, Timestamp};
use serde::Deserialize;

use super::{Api, problems, stock};
use crate::application::stock_as_of::{NoStockThen, StockAsOf, StockThen};
use crate::domain::ids::Sku;

/// Whose stock, and when.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct HistoryParams {
    /// The SKU.
    sku: String,
    /// The instant, RFC 3339: not before the SKU was registered, and not in the future.
    #[param(example = "2026-03-01T09:30:00.000Z")]
    as_of: String,
}

/// Reads the stock of one SKU as of any instant
///
/// Folded from the log: holds that had ended by then do not count, whether or not the log said so yet. Commands that are
/// being decided at this very moment may still be recorded under it.
#[utoipa::path(get, path = "/v1/stock/history", operation_id = "getStockAsOf", tag = "Stock",
    params(HistoryParams, ReadHeaders),
    responses(
        (status = 200, description = "Its stock then", body = contract::StockAsOf,
            headers(("ETag" = String, description = "Made of its content"))),
        (status = 304, description = "It is still as `If-None-Match` says"),
        (status = 400, description = "INVALID_PARAMETER: `asOf` is in the future, or no instant"),
        (status = 404, description = "UNKNOWN_SKU; STOCK_NOT_YET_KNOWN: `detail` names the first instant there is"),
        (status = 409, description = "HISTORY_TOO_LONG"),
    ))]
pub(super) async fn read(
    State(api): Api,
    Params(params): Params<HistoryParams>,
    inquiry: Inquiry,
) -> Result<Reply, Problem> {
    let mut fields = Fields::default();
    let sku = fields.take("?sku", Sku::parse(&params.sku));
    let at = Timestamp::parse_rfc3339(&params.as_of).ok_or("is no RFC 3339 instant, such as 2026-03-01T09:30:00.000Z");
    let at = fields.take("?asOf", at);
    let query = fields.finish(sku.zip(at).map(|(sku, at)| StockAsOf { sku, at }))?;
    let (sku, at) = (query.sku.clone(), query.at);
    let told = api.queries.ask(inquiry.ask(query)).await?;
    match told.answer {
        Ok(then) => Ok(inquiry.by_content(&written(&sku, at, &then)).token(&told.token)),
        Err(why) => Err(none(&sku, at, why)),
    }
}

fn none(sku: &Sku, at: Timestamp, why: NoStockThen) -> Problem {
    match why {
        NoStockThen::UnknownSku => problems::unknown_sku(sku),
        NoStockThen::Future { now } => {
            let detail = format!("is in the future: it is {} now", now.to_rfc3339());
            Problem::at(kinds::INVALID_PARAMETER, "?asOf", detail)
        }
        NoStockThen::NotYet { since } => {
            let (at, since) = (at.to_rfc3339(), since.to_rfc3339());
            let detail = format!("SKU {sku} was not known at {at}. Ask for an instant from {since} on.");
            Problem::new(problems::STOCK_NOT_YET_KNOWN, detail)
        }
        NoStockThen::TooLong => {
            let detail = format!("Too much happened to SKU {sku} before {}: ask for a later instant.", at.to_rfc3339());
            Problem::new(problems::HISTORY_TOO_LONG, detail)
        }
    }
}

fn written(sku: &Sku, at: Timestamp, then: &StockThen) -> contract::StockAsOf {
    let total = then.total();
    let locations = then.levels.iter().map(|(location, level)| {
        let incoming = then.to_come.at(location);
        stock::location(location, level, incoming, None)
    });
    contract::StockAsOf {
        sku: sku.as_str().to_owned(),
        as_of: at.to_rfc3339(),
        on_hand: total.on_hand,
        reserved: total.reserved,
        committed: total.committed,
        damaged: total.damaged,
        quality_control: total.quality_control,
        safety_stock: then.details.safety_stock,
        backorder_limit: then.details.backorder_limit,
        available: then.available(),
        incoming: then.to_come.total(),
        in_transit: then.to_come.in_transit,
        version: then.version,
        locations: locations.collect(),
    }
}
