//! The OpenAPI document is whole: every route is in it, and every operation says what can happen.

use std::collections::BTreeSet;

use axum::http::Method;
use comanda_inventory::api::{openapi, problems};
use comanda_web::kinds;
use serde_json::Value;

use super::shop::Shop;

fn described() -> Value {
    serde_json::to_value(openapi()).unwrap()
}

/// Every operation as (path, method, description).
fn operations(api: &Value) -> Vec<(&str, &str, &Value)> {
    let paths = api["paths"].as_object().unwrap().iter();
    paths
        .flat_map(|(path, item)| {
            let methods = item.as_object().unwrap().iter();
            methods.map(move |(method, operation)| (path.as_str(), method.as_str(), operation))
        })
        .collect()
}

#[test]
fn it_is_openapi_3_1_with_an_id_for_every_operation() {
    let api = described();
    assert!(api["openapi"].as_str().unwrap().starts_with("3.1"));
    let operations = operations(&api);
    let ids: BTreeSet<_> =
        operations.iter().map(|(_, _, operation)| operation["operationId"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), operations.len());
    assert_eq!(operations.len(), 63);
}

#[tokio::test]
async fn every_operation_it_describes_is_there() {
    let shop = Shop::open().await;
    let api = described();
    for (path, method, _) in operations(&api) {
        let path = path.replace("{sku}", "NONE").replace("{reservationId}", "none").replace("{locationId}", "none");
        let path = path.replace("{receiptId}", "none").replace("{transferId}", "none");
        let path = path
            .replace("{sku}", "NONE")
            .replace("{reservationId}", "none")
            .replace("{locationId}", "none")
            .replace("{countId}", "none");
        let method: Method = method.to_uppercase().parse().unwrap();
        let answer = shop.request(method.clone(), &path, None, &[]).await;
        let missing = answer.status == 405
            || (answer.status == 404 && String::from_utf8_lossy(&answer.body).contains("\"NOT_FOUND\""));
        assert!(!missing, "{method} {path}: {}", answer.status);
    }
}

#[test]
fn every_reference_leads_somewhere() {
    let api = described();
    let mut references = Vec::new();
    collect_references(&api, &mut references);
    assert!(references.len() > 50);
    for reference in references {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(api.pointer(pointer).is_some(), "{reference}");
    }
}

fn collect_references<'a>(value: &'a Value, into: &mut Vec<&'a str>) {
    match value {
        Value::Object(fields) => {
            into.extend(fields.get("$ref").and_then(Value::as_str));
            fields.values().for_each(|field| collect_references(field, into));
        }
        Value::Array(items) => items.iter().for_each(|item| collect_references(item, into)),
        _ => {}
    }
}

#[test]
fn every_code_that_an_operation_names_has_its_status() {
    let api = described();
    let mut named = 0;
    for (path, _, operation) in operations(&api) {
        for (status, response) in operation["responses"].as_object().unwrap() {
            let text = response["description"].as_str().unwrap();
            for word in text.split(|c: char| !c.is_ascii_uppercase() && c != '_').filter(|word| word.contains('_')) {
                let kind = problems::ALL.iter().chain(kinds::ALL).find(|kind| kind.code == word);
                let kind = kind.unwrap_or_else(|| panic!("{path} names {word}"));
                assert_eq!(kind.status.to_string(), *status, "{path} {word}");
                named += 1;
            }
        }
    }
    assert!(named > 30);
}
