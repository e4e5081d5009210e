//! The OpenAPI document is whole: every operation it describes is there, and every code it names has its status.

use axum::http::Method;
use comanda_fulfillment::api::{openapi, problems};
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

#[tokio::test]
async fn every_operation_it_describes_is_there() {
    let shop = Shop::open().await;
    let api = described();
    assert!(operations(&api).len() > 28);
    for (path, method, _) in operations(&api) {
        let method: Method = method.to_uppercase().parse().unwrap();
        let ids = [
            ("{orderId}", "none"),
            ("{pickListId}", "none~1~main"),
            ("{taskId}", "none"),
            ("{waveId}", "none"),
            ("{shipmentId}", "none"),
            ("{returnId}", "none"),
        ];
        let filled = ids.iter().fold(path.to_owned(), |path, (name, id)| path.replace(name, id));
        let answer = shop.request(method.clone(), &filled, None, &[]).await;
        let missing = answer.status == 405
            || (answer.status == 404 && String::from_utf8_lossy(&answer.body).contains("\"NOT_FOUND\""));
        assert!(!missing, "{method} {path}: {}", answer.status);
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
    assert!(named > 50);
}
