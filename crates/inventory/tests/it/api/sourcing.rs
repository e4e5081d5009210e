//! Sourcing over HTTP: locations with priorities and coordinates, strategies with their reasons, and the dry run.

use axum::http::Method;
use comanda_contracts::{Coordinates, Location, Page, Reservation, SourcingPlan, SourcingReason};
use serde_json::{Value, json};

use super::shop::Shop;

/// `TEA` at three locations besides `main`, which has none: the nearer to Berlin, the later in priority.
async fn warehouses() -> Shop {
    let shop = Shop::empty().await;
    shop.post("/v1/skus", json!({ "sku": "TEA" })).await.expect(201);
    for (id, priority, latitude, longitude) in
        [("aachen", 1, 50.776, 6.084), ("cologne", 2, 50.938, 6.96), ("potsdam", 3, 52.4, 13.06)]
    {
        let coordinates = json!({ "latitude": latitude, "longitude": longitude });
        let body = json!({ "locationId": id, "priority": priority, "coordinates": coordinates });
        shop.post("/v1/locations", body).await.expect(201);
        shop.receive("TEA", id, 4).await;
    }
    shop
}

fn asked(quantity: i64, strategy: &str) -> Value {
    let mut body = json!({ "lines": [{ "sku": "TEA", "quantity": quantity }], "strategy": strategy });
    if strategy == "NEAREST" {
        body["destination"] = json!({ "latitude": 52.52, "longitude": 13.405 });
    }
    body
}

#[tokio::test]
async fn a_dry_run_says_what_a_reservation_then_does_and_holds_nothing() {
    let shop = warehouses().await;
    for (strategy, first) in [("PRIORITY", "aachen"), ("NEAREST", "potsdam"), ("FEWEST_SPLITS", "aachen")] {
        let plan: SourcingPlan = shop.post("/v1/sourcing:plan", asked(3, strategy)).await.expect(200).json();
        assert!(plan.sufficient);
        let line = &plan.lines[0];
        assert_eq!((line.planned, line.allocations[0].location_id.as_str()), (3, first), "{strategy}");
        assert_eq!(shop.stock("TEA").await.reserved, 0);
        let mut reserve = asked(3, strategy);
        reserve["reservationId"] = strategy.into();
        reserve["explain"] = true.into();
        let held: Reservation = shop.post("/v1/reservations", reserve.clone()).await.expect(201).json();
        assert_eq!(held.lines[0].allocations, line.allocations);
        assert_eq!(held.sourcing[0].locations, line.locations);
        let again: Reservation = shop.post("/v1/reservations", reserve).await.expect(201).json();
        assert_eq!((again.lines, again.sourcing), (held.lines, Vec::new()), "it was not decided again");
        shop.act(&format!("/v1/reservations/{strategy}/release")).await.expect(200);
    }
}

#[tokio::test]
async fn every_location_has_its_reason() {
    let shop = warehouses().await;
    let plan: SourcingPlan = shop.post("/v1/sourcing:plan", asked(6, "NEAREST")).await.expect(200).json();
    let told: Vec<_> = plan.lines[0]
        .locations
        .iter()
        .map(|seen| (seen.location_id.as_str(), seen.chosen, seen.quantity, seen.available, seen.reason))
        .collect();
    let expected = [
        ("potsdam", true, 4, 4, SourcingReason::Nearest),
        ("cologne", true, 2, 4, SourcingReason::Nearest),
        ("aachen", false, 0, 4, SourcingReason::NotNeeded),
    ];
    assert_eq!(told, expected);
    let metres = plan.lines[0].locations.iter().map(|seen| seen.distance_metres.unwrap() / 1_000);
    assert_eq!(metres.collect::<Vec<_>>(), [26, 477, 540]);
    let short: SourcingPlan = shop.post("/v1/sourcing:plan", asked(15, "PRIORITY")).await.expect(200).json();
    assert!(!short.sufficient);
    assert_eq!((short.lines[0].requested, short.lines[0].planned), (15, 12));
}

#[tokio::test]
async fn a_location_is_described_and_changed() {
    let shop = warehouses().await;
    let body = json!({ "priority": 9, "coordinates": { "latitude": -33.8688, "longitude": 151.2093 } });
    let patch = async |path: &str, body: &Value| shop.request(Method::PATCH, path, Some(body.to_string()), &[]).await;
    let seen = patch("/v1/locations/aachen", &body).await.expect(200);
    let changed: Location = seen.json();
    let sydney = Coordinates { latitude: -33.8688, longitude: 151.2093 };
    assert_eq!((changed.priority, changed.coordinates), (Some(9), Some(sydney)));
    let again = patch("/v1/locations/aachen", &body).await.expect(200);
    assert_eq!(again.header("idempotent-replayed"), "true");
    let page: Page<Location> = shop.get_after(&seen, "/v1/locations").await.expect(200).json();
    assert!(page.items.contains(&changed), "{page:?}");
    let plan: SourcingPlan = shop.post("/v1/sourcing:plan", asked(1, "PRIORITY")).await.expect(200).json();
    assert_eq!(plan.lines[0].allocations[0].location_id, "cologne");
    patch("/v1/locations/nowhere", &body).await.problem(404, "UNKNOWN_LOCATION");
    let wrong = json!({ "priority": 0 });
    assert_eq!(
        patch("/v1/locations/aachen", &wrong).await.problem(422, "INVALID_FIELDS").errors[0].pointer,
        "/priority"
    );
    let wrong = json!({ "coordinates": { "latitude": 91, "longitude": 0 } });
    let problem = patch("/v1/locations/aachen", &wrong).await.problem(422, "INVALID_FIELDS");
    assert_eq!(problem.errors[0].pointer, "/coordinates");
}

#[tokio::test]
async fn a_strategy_that_makes_no_sense_is_refused_where_it_is_wrong() {
    let shop = warehouses().await;
    let mut without = asked(1, "NEAREST");
    without.as_object_mut().unwrap().remove("destination");
    let mut in_vain = asked(1, "NEAREST");
    in_vain["strategy"] = "PRIORITY".into();
    let mut nowhere = asked(1, "NEAREST");
    nowhere["destination"]["longitude"] = json!(181);
    for path in ["/v1/sourcing:plan", "/v1/reservations"] {
        for body in [&without, &in_vain, &nowhere] {
            let problem = shop.post(path, body.clone()).await.problem(422, "INVALID_FIELDS");
            assert_eq!(problem.errors[0].pointer, "/destination", "{body}");
        }
        shop.post(path, asked(1, "CHEAPEST")).await.problem(400, "WRONG_SHAPE");
    }
    let mut unknown = asked(1, "PRIORITY");
    unknown["lines"][0]["sku"] = "NONE".into();
    shop.post("/v1/sourcing:plan", unknown).await.problem(404, "UNKNOWN_SKU");
    let none = shop.post("/v1/sourcing:plan", json!({ "lines": [] })).await.problem(422, "INVALID_FIELDS");
    assert_eq!(none.errors[0].pointer, "/lines");
    assert_eq!(shop.stock("TEA").await.reserved, 0);
}

#[tokio::test]
async fn another_strategy_under_the_same_id_is_another_request() {
    let shop = warehouses().await;
    let mut body = asked(2, "PRIORITY");
    body["reservationId"] = "r".into();
    shop.post("/v1/reservations", body.clone()).await.expect(201);
    body["strategy"] = "FEWEST_SPLITS".into();
    shop.post("/v1/reservations", body).await.problem(409, "ID_CONFLICT");
}
