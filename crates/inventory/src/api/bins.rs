//! Bins: where inside a location a SKU lies.

use axum::extract::State;
use axum::http::StatusCode;
use comanda_contracts as contract;
use comanda_web::openapi::CommandHeaders;
use comanda_web::{Call, Fields, Json, PathParam, Problem, Reply, etag};
use cqrs::{Answered, Dispatch};

use super::Api;
use super::parse::{path_location, path_sku};
use crate::domain::ids::Bin;
use crate::domain::stock_item::assign_bin::{AssignBin, BinAnswer};

/// Says in which bin of a location a SKU lies
///
/// Pick lists lead from bin to bin. The same request again gives the same answer, marked `Idempotent-Replayed: true`.
#[utoipa::path(put, path = "/v1/stock/{sku}/locations/{locationId}/bin", operation_id = "assignBin", tag = "Stock",
    params(("sku" = String, Path), ("locationId" = String, Path), CommandHeaders), request_body = contract::AssignBin,
    responses(
        (status = 200, description = "It lies there now", body = contract::BinAssignment, headers(
            ("ETag" = String, description = "The version of the SKU's stock"),
            ("Idempotent-Replayed" = bool, description = "`true` if it lay there before"))),
        (status = 404, description = "UNKNOWN_SKU, UNKNOWN_LOCATION"),
    ))]
pub(super) async fn assign(
    State(api): Api,
    PathParam((sku, location)): PathParam<(String, String)>,
    call: Call,
    request: Json<contract::AssignBin>,
) -> Result<Reply, Problem> {
    let (sku, location) = (path_sku(&sku)?, path_location(&location)?);
    let mut fields = Fields::default();
    let bin = Bin::parse(&request.value.bin);
    let bin = fields.take("/bin", bin.map_err(|_| "one to four parts, zone-aisle-bay-level, such as A-01-03-2"));
    let command = fields.finish(bin.map(|bin| AssignBin { sku, location, bin }))?;
    let answered = api.commands.dispatch(call.envelope(command, &request.raw)).await?;
    let Answered { answer: BinAnswer { sku, location, bin, repeated }, token, version, replayed } = answered;
    let body = contract::BinAssignment {
        sku: sku.as_str().to_owned(),
        location_id: location.as_str().to_owned(),
        bin: bin.as_str().to_owned(),
        version,
    };
    Ok(Reply::json(StatusCode::OK, &body).etag(etag(version, 0)).token(&token).replayed(replayed || repeated))
}
