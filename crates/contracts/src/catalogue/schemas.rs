//! JSON Schemas of the contract events' `data`, made from the types.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use utoipa::openapi::{RefOr, Schema};

use super::{EVENTS, EventType};

/// Where schemas of one OpenAPI or AsyncAPI document stand.
const COMPONENTS: &str = "#/components/schemas/";

/// The JSON Schema (2020-12) of each event's `data`, by the event's type. Each stands for itself.
///
/// A field that is not known is allowed: readers ignore it.
#[must_use]
pub fn schemas() -> BTreeMap<&'static str, Value> {
    EVENTS.iter().map(|event| (event.kind, alone(event))).collect()
}

/// The schema of `event`, and those it names, as they stand in a document beside others.
pub(super) fn with_named(event: &EventType) -> BTreeMap<String, Value> {
    let mut named = Vec::new();
    let own = (event.schema)(&mut named);
    named.push((event.name.to_owned(), own));
    named.into_iter().map(|(name, schema)| (name, written(&schema))).collect()
}

/// A schema cannot fail to be written: `null`, which allows nothing, would fail the test of every example.
pub(super) fn written(schema: &RefOr<Schema>) -> Value {
    serde_json::to_value(schema).unwrap_or_default()
}

fn alone(event: &EventType) -> Value {
    let mut named = with_named(event);
    let mut own = named.remove(event.name).unwrap_or_default();
    if let Some(own) = own.as_object_mut() {
        own.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
        own.insert("$id".to_owned(), json!(format!("urn:{}", event.kind.replace('.', ":"))));
        own.insert("title".to_owned(), json!(event.name));
        if !named.is_empty() {
            own.insert("$defs".to_owned(), json!(named));
        }
    }
    point_to_defs(&mut own);
    own
}

/// Turns references into a document's components into references into the schema's own definitions.
fn point_to_defs(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                match field {
                    Value::String(target) if name == "$ref" => *target = target.replace(COMPONENTS, "#/$defs/"),
                    field => point_to_defs(field),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(point_to_defs),
        _ => {}
    }
}
