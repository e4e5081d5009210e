//! Changes of condition: damaged, in quality control, fit for sale again, or gone unsold.

use axum::extract::State;
use axum::http::StatusCode;
use comanda_contracts as contract;
use comanda_web::openapi::CommandHeaders;
use comanda_web::{Call, Fields, Json, PathParam, Problem, Reply, etag};
use cqrs::{Answered, Dispatch};

use super::parse::{self, path_sku};
use super::{Api, reason};
use crate::domain::ids::LocationId;
use crate::domain::stock_item::regrade::{Regrade, Regraded};
use crate::domain::stock_item::{Condition, Fate};

/// Changes the condition of units, or takes them off the books unsold
///
/// Between fit for sale, damaged and in quality control; what is thrown away or returned to its supplier leaves. Only
/// units that nobody was promised can be taken off sale. An `Idempotency-Key` makes it safe to repeat.
#[utoipa::path(post, path = "/v1/stock/{sku}/regrade", operation_id = "regradeStock", tag = "Stock",
    params(("sku" = String, Path), CommandHeaders), request_body = contract::RegradeRequest,
    responses(
        (status = 201, description = "It is booked", body = contract::Regrade, headers(
            ("ETag" = String, description = "The version of the SKU's stock"),
            ("Location" = String, description = "The SKU's ledger"))),
        (status = 404, description = "UNKNOWN_SKU, UNKNOWN_LOCATION"),
        (status = 409, description = "UNITS_NOT_THERE with `expected` and `actual`"),
    ))]
pub(super) async fn regrade(
    State(api): Api,
    PathParam(sku): PathParam<String>,
    call: Call,
    request: Json<contract::RegradeRequest>,
) -> Result<Reply, Problem> {
    let asked = &request.value;
    let sku = path_sku(&sku)?;
    let mut fields = Fields::default();
    let location = parse::location(&mut fields, "/locationId", asked.location_id.as_deref());
    let quantity = parse::quantity(&mut fields, asked.quantity);
    let command = fields.finish(quantity.map(|quantity| Regrade {
        sku,
        location: location.unwrap_or_else(LocationId::main),
        quantity,
        from: condition(asked.from),
        to: fate(asked.to),
        reason: reason::read(asked.reason_code),
        reference: asked.reference_uri.as_deref().map(Into::into),
    }))?;
    let answered = api.commands.dispatch(call.envelope(command, &request.raw)).await?;
    let Answered { answer: Regraded { sku, location, level, available }, token, version, replayed } = answered;
    let body = contract::Regrade {
        sku: sku.as_str().to_owned(),
        location_id: location.as_str().to_owned(),
        quantity: asked.quantity,
        from: asked.from,
        to: asked.to,
        on_hand: level.on_hand,
        damaged: level.damaged,
        quality_control: level.quality_control,
        available,
        reason_code: asked.reason_code,
        reference_uri: asked.reference_uri.clone(),
        version,
    };
    let reply = Reply::json(StatusCode::CREATED, &body).location("/v1/stock/", &format!("{sku}/ledger"));
    Ok(reply.etag(etag(version, 0)).token(&token).replayed(replayed))
}

fn condition(asked: contract::StockCondition) -> Condition {
    match asked {
        contract::StockCondition::Sellable => Condition::Sellable,
        contract::StockCondition::Damaged => Condition::Damaged,
        contract::StockCondition::QualityControl => Condition::QualityControl,
    }
}

fn fate(asked: contract::StockFate) -> Fate {
    match asked {
        contract::StockFate::Sellable => Fate::Sellable,
        contract::StockFate::Damaged => Fate::Damaged,
        contract::StockFate::QualityControl => Fate::QualityControl,
        contract::StockFate::Scrapped => Fate::Scrapped,
        contract::StockFate::ReturnedToSupplier => Fate::ReturnedToSupplier,
    }
}
