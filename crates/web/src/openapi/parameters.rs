//! What parameters of one name have in common wherever they stand: the shape of ids and instants, the bounds of a page.

use axum::http::Method;
use serde_json::json;
use utoipa::Number;
use utoipa::openapi::path::Parameter;
use utoipa::openapi::schema::{Object, Schema, Type};
use utoipa::openapi::{KnownFormat, ObjectBuilder, RefOr, SchemaFormat};

use crate::page::{PAGE_ITEMS_DEFAULT, PAGE_ITEMS_MAX};

/// Ids as clients and operators give them.
const ID: &str = "^[A-Za-z0-9._:-]{1,128}$";

/// A reservation's id, of a client or of an order's attempt: `order-7~1`. Only its order changes the latter.
const RESERVATION_ID: &str = "^[A-Za-z0-9._:-]{1,128}(~[1-9][0-9]{0,8})?$";

/// `order-7~1~main`
const PICK_LIST_ID: &str = "^[A-Za-z0-9._:-]{1,128}~[1-9][0-9]{0,8}~[A-Za-z0-9._:-]{1,128}$";

/// `consumer~source~epoch.partition.position`
const DEAD_LETTER_ID: &str = "^[a-z-]{1,64}~[a-z-]{1,64}~[0-9a-f]{32}\\.[0-9]{1,4}\\.[1-9][0-9]{0,17}$";

/// An enumeration of text: for a parameter whose values are known.
pub fn one_of<'a>(values: impl IntoIterator<Item = &'a str>) -> Object {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(values)).build()
}

/// Adds to `parameter` of a `method` what its name says of it, unless its handler has said more.
pub(super) fn complete(method: &Method, parameter: &mut Parameter) {
    let Some(RefOr::T(Schema::Object(schema))) = &mut parameter.schema else { return };
    if schema.enum_values.is_some() {
        return;
    }
    match parameter.name.as_str() {
        "limit" if schema.maximum.is_none() => {
            schema.minimum = Some(Number::UInt(1));
            schema.maximum = Some(Number::UInt(PAGE_ITEMS_MAX));
            schema.default = Some(json!(PAGE_ITEMS_DEFAULT));
        }
        "asOf" | "before" | "expiringBefore" | "from" | "to" if schema.format.is_none() => {
            schema.format = Some(SchemaFormat::KnownFormat(KnownFormat::DateTime));
        }
        name => {
            if let Some(pattern) = pattern_of(method, name) {
                schema.pattern.get_or_insert_with(|| pattern.to_owned());
            }
        }
    }
}

fn pattern_of(method: &Method, name: &str) -> Option<&'static str> {
    match name {
        "reservationId" if *method == Method::GET => Some(RESERVATION_ID),
        "pickListId" => Some(PICK_LIST_ID),
        "deadLetterId" => Some(DEAD_LETTER_ID),
        "sku" | "skuPrefix" | "locationIdPrefix" | "location" | "locationId" | "fromLocationId" | "toLocationId"
        | "orderId" | "taskId" | "receiptId" | "transferId" | "countId" | "returnId" | "shipmentId" | "waveId"
        | "wave" | "webhookId" | "owner" | "reservationId" => Some(ID),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use utoipa::openapi::path::ParameterBuilder;

    use super::*;

    fn completed(name: &str, schema: Object) -> serde_json::Value {
        let mut parameter = ParameterBuilder::new().name(name).schema(Some(schema)).build();
        complete(&Method::GET, &mut parameter);
        serde_json::to_value(&parameter).unwrap()["schema"].clone()
    }

    #[test]
    fn a_name_says_what_a_parameter_may_be() {
        let text = || Object::with_type(Type::String);
        assert_eq!(completed("sku", text())["pattern"], ID);
        assert_eq!(completed("from", text())["format"], "date-time");
        assert_eq!(completed("limit", Object::with_type(Type::Integer))["maximum"], PAGE_ITEMS_MAX);
        assert_eq!(completed("customer", text()), json!({ "type": "string" }));
    }

    #[test]
    fn what_a_handler_has_said_stays() {
        let twenty = ObjectBuilder::new().schema_type(Type::Integer).maximum(Some(20)).build();
        let schema = completed("limit", twenty);
        assert_eq!((&schema["maximum"], &schema["minimum"]), (&json!(20), &json!(null)));
        assert_eq!(completed("sku", one_of(["A"])), json!({ "type": "string", "enum": ["A"] }));
    }
}
