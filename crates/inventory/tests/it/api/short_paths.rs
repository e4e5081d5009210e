//! The short paths, as the system before this one answered them, without its faults.

use std::time::Duration;

use comanda_contracts::{ShortReservation, ShortStock};
use serde_json::json;

use super::shop::Shop;

#[tokio::test]
async fn reserve_read_release() {
    let shop = Shop::open().await;
    let reserve = json!({ "reservationId": "o-1", "quantity": 4 });
    let held = shop.post("/inventory/TEA/reserve", reserve.clone()).await.expect(204);
    assert!(held.body.is_empty());
    let again = shop.post("/inventory/TEA/reserve", reserve).await.expect(204);
    assert_eq!(again.header("idempotent-replayed"), "true");
    let stock: ShortStock = shop.get_after(&held, "/inventory/TEA").await.expect(200).json();
    assert_eq!((stock.sku.as_str(), stock.available), ("TEA", 6));
    let reservation: ShortReservation = shop.get("/inventory/reservations/o-1").await.expect(200).json();
    assert_eq!((reservation.items[0].sku.as_str(), reservation.items[0].quantity), ("TEA", 4));

    let release = json!({ "reservationId": "o-1" });
    let back = shop.post("/inventory/TEA/release", release.clone()).await.expect(204);
    shop.post("/inventory/TEA/release", release).await.expect(204);
    let stock: ShortStock = shop.get_after(&back, "/inventory/TEA").await.expect(200).json();
    assert_eq!(stock.available, 10);
    let reservation: ShortReservation = shop.get("/inventory/reservations/o-1").await.expect(200).json();
    assert!(reservation.items.is_empty());
}

#[tokio::test]
async fn a_hold_has_no_end_of_its_own() {
    let shop = Shop::open().await;
    shop.post("/inventory/TEA/reserve", json!({ "reservationId": "o-1", "quantity": 4 })).await.expect(204);
    shop.clock.advance(Duration::from_hours(24 * 365));
    assert_eq!(shop.stock("TEA").await.available, 6);
}

#[tokio::test]
async fn replenish() {
    let shop = Shop::open().await;
    let seen = shop.post("/inventory/MUG/replenish", json!({ "quantity": 5 })).await.expect(204);
    let stock: ShortStock = shop.get_after(&seen, "/inventory/MUG").await.expect(200).json();
    assert_eq!(stock.available, 5);
    shop.post("/inventory/MUG/replenish", json!({ "quantity": -5 })).await.problem(422, "INVALID_FIELDS");
    shop.post("/inventory/NONE/replenish", json!({ "quantity": 5 })).await.problem(404, "UNKNOWN_SKU");
}

#[tokio::test]
async fn refusals() {
    let shop = Shop::open().await;
    let reserve = |id: &str, quantity: i64| json!({ "reservationId": id, "quantity": quantity });
    shop.post("/inventory/NONE/reserve", reserve("o", 1)).await.problem(404, "UNKNOWN_SKU");
    shop.get("/inventory/NONE").await.problem(404, "UNKNOWN_SKU");
    let problem = shop.post("/inventory/TEA/reserve", reserve("o", 11)).await.problem(409, "INSUFFICIENT_STOCK");
    assert_eq!((problem.shortfalls[0].requested, problem.shortfalls[0].available), (11, 10));
    shop.post("/inventory/TEA/reserve", reserve("o", 4)).await.expect(204);
    shop.post("/inventory/TEA/reserve", reserve("o", 5)).await.problem(409, "ID_CONFLICT");
    shop.post("/inventory/TEA/release", json!({ "reservationId": "early" })).await.expect(204);
    shop.post("/inventory/TEA/reserve", reserve("early", 1)).await.problem(409, "RESERVATION_ENDED");
    shop.get("/inventory/reservations/none").await.problem(404, "UNKNOWN_RESERVATION");
    assert_eq!(shop.stock("TEA").await.reserved, 4);
}
