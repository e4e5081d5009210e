//! `GET /v1/orders/{id}`: the order, its pick lists and the stock of its SKUs in one answer. A part that is down is named.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use comanda_web::{CONSISTENCY_TOKEN, Problem, TRACEPARENT, X_CORRELATION_ID, composed_etag, if_match, is_none_match};
use cqrs::{Clock, SystemClock};
use serde_json::{Map, Value, json};

use super::peer::{Answer, Peer};
use super::{Gateway, unavailable};

/// SKUs of one order whose stock is shown; a longer order says that it shows no more.
const SKUS_MAX: usize = 200;

/// The most units that one line of a question about stock may name.
const UNITS_MAX: i64 = 1_000_000_000;

/// Reads one order
///
/// The order's own fields; `pickLists`; `stock`, one entry per SKU: how many units the order still waits for, and whether they
/// could be held now; and `parts`, which says of each of the three how fresh it is, or why it is missing.
pub(super) async fn read(
    State(gateway): State<Arc<Gateway>>,
    Path(order_id): Path<String>,
    asked: Uri,
    headers: HeaderMap,
) -> Response {
    let path = format!("/v1/orders/{}", escaped(&order_id));
    // As it was asked for: the short path has a shape of its own.
    let order = match gateway.fulfillment.ask(get(asked.path(), &headers)).await {
        Err(why) => return unavailable(&format!("fulfillment: {why}")).into_response(),
        Ok(answer) if answer.status != StatusCode::OK => return as_it_is(answer),
        Ok(answer) => answer,
    };
    let Ok(Value::Object(mut composed)) = serde_json::from_slice(&order.body) else {
        return Problem::internal("fulfillment's order is no JSON object").into_response();
    };
    let skus = waited_for(&composed);
    let pick_lists = gateway.fulfillment.ask(get(&format!("{path}/pick-list"), &headers));
    let stock = stock(&gateway.inventory, &skus, &headers);
    let (pick_lists, stock) = tokio::join!(pick_lists, stock);

    let mut tokens = vec![order.headers.get(CONSISTENCY_TOKEN).cloned()];
    let mut parts = Map::new();
    parts.insert("order".to_owned(), fresh(&order));
    for (name, part) in [("pickLists", pick_lists), ("stock", stock)] {
        let (state, content) = match part {
            Ok(answer) if answer.status == StatusCode::OK => {
                tokens.push(answer.headers.get(CONSISTENCY_TOKEN).cloned());
                (fresh(&answer), content(name, &answer, &skus))
            }
            // Before anything is reserved there is nothing to pick.
            Ok(answer) if name == "pickLists" && answer.status.is_client_error() => (fresh(&answer), json!([])),
            Ok(answer) => (down(&format!("it answered {}", answer.status)), Value::Null),
            Err(why) => (down(&why), Value::Null),
        };
        parts.insert(name.to_owned(), state);
        composed.insert(name.to_owned(), content);
    }
    answer(composed, parts, &tokens, order.headers.get(ETAG), &headers)
}

/// The answer, or 304 if the client has it already.
fn answer(
    mut composed: Map<String, Value>,
    parts: Map<String, Value>,
    tokens: &[Option<HeaderValue>],
    of_order: Option<&HeaderValue>,
    asked: &HeaderMap,
) -> Response {
    let tag = tag(of_order, &composed, &parts);
    let known = asked.get(IF_NONE_MATCH).is_some_and(|header| is_none_match(header, &tag));
    let mut response = if known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        composed.insert("parts".to_owned(), Value::Object(parts));
        let mut response = Response::new(Body::from(Value::Object(composed).to_string()));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
    };
    response.headers_mut().insert(ETAG, tag);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    let mut tokens: Vec<&str> = tokens.iter().flatten().filter_map(|token| token.to_str().ok()).collect();
    // Two parts of one context may give the same one.
    tokens.dedup();
    if let Ok(all) = HeaderValue::from_str(&tokens.join("; ")) {
        response.headers_mut().insert(CONSISTENCY_TOKEN, all);
    }
    response
}

/// The order's own version, which `If-Match` may name, and a digest of all that is shown but of when it was asked for.
fn tag(of_order: Option<&HeaderValue>, composed: &Map<String, Value>, parts: &Map<String, Value>) -> HeaderValue {
    let there: Vec<_> = parts.values().map(|part| part.get("status")).collect();
    let content = json!({ "composed": composed, "parts": there }).to_string();
    let version = of_order.and_then(|tag| if_match(tag).ok().flatten()).unwrap_or_default();
    composed_etag(version, content.as_bytes())
}

/// The part of an answer that is shown: pick lists may come as a page, stock as a line for each of `skus`.
fn content(name: &str, answer: &Answer, skus: &[(String, i64)]) -> Value {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    match (name, body) {
        ("stock", Value::Object(mut body)) => {
            let mut lines = body.remove("lines").unwrap_or_default();
            for (line, (_, units)) in lines.as_array_mut().into_iter().flatten().zip(skus) {
                if let (0, Some(line)) = (*units, line.as_object_mut()) {
                    line.insert("requested".to_owned(), json!(0));
                    line.insert("sufficient".to_owned(), json!(true));
                }
            }
            lines
        }
        (_, Value::Object(mut body)) => body.remove("items").or_else(|| body.remove("pickLists")).unwrap_or_default(),
        (_, body) => body,
    }
}

async fn stock(inventory: &Peer, skus: &[(String, i64)], headers: &HeaderMap) -> Result<Answer, String> {
    // No question may be for nothing: where the order waits for nothing, one unit is asked for, for what is available.
    let quantity = |units: i64| units.clamp(1, UNITS_MAX);
    let lines: Vec<Value> =
        skus.iter().map(|(sku, units)| json!({ "sku": sku, "quantity": quantity(*units) })).collect();
    let mut request = get("/v1/availability:query", headers);
    *request.method_mut() = Method::POST;
    request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    *request.body_mut() = Body::from(json!({ "lines": lines }).to_string());
    inventory.ask(request).await
}

/// The SKUs of an order in the order of its lines, each once and with the units of it that all its lines still wait for: what
/// they hold already, and what they will never be given, needs no more stock.
fn waited_for(order: &Map<String, Value>) -> Vec<(String, i64)> {
    let mut skus: Vec<(String, i64)> = Vec::new();
    for line in order.get("lines").and_then(Value::as_array).into_iter().flatten() {
        let Some(sku) = line.get("sku").and_then(Value::as_str) else { continue };
        let units =
            ["pending", "backordered"].iter().filter_map(|name| line.get(name)?.as_i64()).fold(0, i64::saturating_add);
        if let Some((_, sum)) = skus.iter_mut().find(|(known, _)| known == sku) {
            *sum = sum.saturating_add(units);
        } else if skus.len() < SKUS_MAX {
            skus.push((sku.to_owned(), units));
        }
    }
    skus
}

/// A request for a part, with what of the headers belongs to the whole.
fn get(path: &str, headers: &HeaderMap) -> Request {
    let mut request = Request::new(Body::empty());
    // A path made of an escaped id is one; if not, the part answers 404 for "/".
    *request.uri_mut() = path.parse().unwrap_or_default();
    // The part may be another process: it looks at the credential itself.
    for name in [AUTHORIZATION, CONSISTENCY_TOKEN, TRACEPARENT, X_CORRELATION_ID] {
        if let Some(value) = headers.get(&name) {
            request.headers_mut().insert(name, value.clone());
        }
    }
    request
}

/// An id as a path writes it.
fn escaped(id: &str) -> String {
    let mut text = String::with_capacity(id.len());
    for byte in id.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b':' | b'-' | b'~' => text.push(char::from(byte)),
            other => text.push_str(&format!("%{other:02X}")),
        }
    }
    text
}

fn as_it_is(answer: Answer) -> Response {
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.headers;
    response
}

fn fresh(answer: &Answer) -> Value {
    let token = answer.headers.get(CONSISTENCY_TOKEN).and_then(|token| token.to_str().ok());
    json!({ "status": "ok", "asOf": SystemClock.now().to_rfc3339(), "upTo": token })
}

fn down(why: &str) -> Value {
    json!({ "status": "unavailable", "detail": why })
}
