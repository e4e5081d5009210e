//! What operators and programmers look at: health, metrics, the description of the interface, traces.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::server::{Server, run};

#[test]
fn health_and_readiness_are_told() {
    let server = Server::start();
    assert_eq!(server.get("/health").is(200).json()["status"], "ok");
    assert_eq!(server.get("/ready").is(200).json()["status"], "ready");
}

/// The sum of a counter over all its labels that contain `label`.
fn counter(metrics: &str, name: &str, label: &str) -> f64 {
    let lines = metrics.lines().filter(|line| line.starts_with(name) && line.contains(label));
    lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
}

#[test]
fn metrics_count_what_was_asked() {
    let server = Server::start();
    server.stocked("TEA", 2);
    for n in 0..5 {
        server.reserve(&format!("r{n}"), "TEA", 1);
    }
    server.settle();
    let answer = server.get("/metrics").is(200);
    assert!(answer.header("content-type").unwrap().starts_with("text/plain"));
    let metrics = String::from_utf8(answer.body).unwrap();
    let requests = |status| {
        let lines = metrics.lines().filter(|line| line.contains(&format!("status=\"{status}\""))).collect::<Vec<_>>();
        counter(&lines.join("\n"), "http_requests_total", "route=\"/v1/reservations\"")
    };
    assert_eq!((requests("2xx"), requests("4xx")), (2.0, 3.0), "{metrics}");
    for name in ["executor_queued_commands", "projector_behind_events", "projector_lag_seconds", "http_request_seconds"]
    {
        assert!(metrics.lines().any(|line| line.starts_with(name)), "no {name} in {metrics}");
    }
}

#[test]
fn the_description_is_the_same_from_both_places_and_names_every_path() {
    let server = Server::start();
    let printed = run(&["openapi"]);
    assert!(printed.status.success());
    let printed: Value = serde_json::from_slice(&printed.stdout).unwrap();
    assert_eq!(server.get("/openapi.json").is(200).json(), printed);
    assert!(printed["openapi"].as_str().unwrap().starts_with("3.1"));
    let paths = printed["paths"].as_object().unwrap();
    for path in [
        "/v1/skus",
        "/v1/skus/{sku}",
        "/v1/locations",
        "/v1/stock",
        "/v1/stock/{sku}",
        "/v1/stock/{sku}/ledger",
        "/v1/stock/adjustments",
        "/v1/low-stock",
        "/v1/availability:query",
        "/v1/reservations",
        "/v1/reservations:batch",
        "/v1/reservations/{reservationId}",
        "/v1/reservations/{reservationId}/confirm",
        "/v1/reservations/{reservationId}/extend",
        "/v1/reservations/{reservationId}/release",
        "/v1/reservations/{reservationId}/consume",
        "/inventory",
        "/inventory/{sku}",
        "/inventory/{sku}/reserve",
        "/inventory/{sku}/replenish",
        "/inventory/{sku}/release",
        "/inventory/reservations/{reservationId}",
    ] {
        assert!(paths.contains_key(path), "{path} is not described");
    }
    // Every reference leads somewhere.
    let text = printed.to_string();
    for reference in text.split("\"$ref\":\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(printed.pointer(reference).is_some(), "{reference} leads nowhere");
    }
}

#[test]
fn every_described_path_and_method_is_served() {
    answers_all_it_describes(&Server::start());
}

/// Asks for every path and method of the description: something must be there, whatever it answers.
#[track_caller]
pub(crate) fn answers_all_it_describes(server: &Server) {
    let description = server.get("/openapi.json").is(200).json();
    for (path, operations) in description["paths"].as_object().unwrap() {
        let mut asked = String::new();
        for (n, part) in path.split(['{', '}']).enumerate() {
            asked.push_str(if n % 2 == 0 { part } else { "GONE" });
        }
        // Paths that each context has for itself: the same is there in both.
        let shared = ["/v1/events", "/v1/webhooks", "/v1/dead-letters", "/v1/projections"]
            .iter()
            .any(|own| path.starts_with(own));
        let queries = if shared { &["?context=inventory", "?context=fulfillment"][..] } else { &[""] };
        for (method, query) in operations.as_object().unwrap().keys().flat_map(|m| queries.iter().map(move |q| (m, q)))
        {
            let answer = server.request(&method.to_uppercase(), &format!("{asked}{query}")).send();
            assert_ne!(answer.status, 405, "{method} {path}");
            assert!(answer.status < 500, "{method} {path}: {answer:?}");
            if answer.status >= 400 {
                let code = answer.json()["code"].as_str().unwrap().to_owned();
                assert_ne!(answer.problem(answer.status, &code).code, "NOT_FOUND", "{method} {path}");
            }
        }
    }
}

#[test]
fn the_description_of_events_is_the_same_from_both_places_and_names_what_both_contexts_tell() {
    let server = Server::start();
    let printed = run(&["asyncapi"]);
    assert!(printed.status.success());
    let printed: Value = serde_json::from_slice(&printed.stdout).unwrap();
    assert_eq!(server.get("/asyncapi.json").is(200).json(), printed);
    assert_eq!(printed["asyncapi"], "3.0.0");
    for (context, event) in [("inventory", "StockReserved"), ("fulfillment", "OrderPlaced")] {
        assert!(printed["channels"][context]["messages"][event].is_object(), "{context} tells of {event}");
    }
}

#[test]
fn the_type_of_a_problem_is_where_it_is_described() {
    let server = Server::start();
    server.stocked("TEA", 1);
    let problems = [
        server.reserve("r", "TEA", 2).problem(409, "INSUFFICIENT_STOCK"),
        server.reserve("r", "GONE", 2).problem(404, "UNKNOWN_SKU"),
        server.get("/nowhere").problem(404, "NOT_FOUND"),
    ];
    for problem in problems {
        let page = server.get(&problem.problem_type).is(200).json();
        assert_eq!(
            (page["code"].as_str(), page["status"].as_u64()),
            (Some(problem.code.as_ref()), Some(problem.status.into()))
        );
    }
}

#[test]
fn ids_of_traces_are_kept_or_made_and_told() {
    let server = Server::start();
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let ask = |headers: &[(&str, &str)]| {
        let request = headers
            .iter()
            .fold(server.request("GET", "/v1/stock"), |request, (name, value)| request.header(name, value));
        let answer = request.send().is(200);
        ["traceparent", "x-correlation-id"].map(|name| answer.header(name).expect(name).to_owned())
    };
    assert_eq!(ask(&[("traceparent", trace), ("x-correlation-id", "order-7")]), [trace, "order-7"]);
    let [kept, made] = ask(&[("traceparent", trace)]);
    assert_eq!((kept.as_str(), made.as_str()), (trace, "4bf92f3577b34da6a3ce929d0e0e4736"));
    let made: BTreeMap<_, _> =
        (0..20).map(|_| ask(&[("traceparent", "nonsense")])).map(|[trace, id]| (trace, id)).collect();
    assert_eq!(made.len(), 20, "each request gets its own");
    assert!(made.keys().all(|trace| trace.len() == 55 && trace.starts_with("00-")));
    // A refusal says it too.
    let refused = server.request("POST", "/v1/skus").header("x-correlation-id", "bad-1").json(&json!({})).send();
    assert_eq!(refused.is(400).header("x-correlation-id"), Some("bad-1"));
}
