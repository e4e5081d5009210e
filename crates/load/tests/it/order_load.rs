//! Load of orders: rates and latencies from the intended send to the feed's word, and what makes a run invalid.

use std::time::Duration;

use comanda_load::{OpenOrderLoad, OrderSaturation};

use crate::fake_orders::{Cheat, start};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_at_a_rate_are_all_seen_reserved() {
    let server = start(Cheat::Nothing).await;
    let mut load = OpenOrderLoad::new(server.addr, "open", 200.0, Duration::from_secs(1));
    load.skus = 20;
    load.model.lag_max = Duration::from_secs(1);
    load.prepare().await.unwrap();
    let report = load.run().await.unwrap();
    assert_eq!((report.reserved, report.wrong, report.latency.count), (200, 0, 200), "{report:?}");
    assert!(report.reserved_per_s > 0.0 && report.latency.p50_us > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_that_are_never_reserved_make_the_run_invalid() {
    let server = start(Cheat::Sticks).await;
    let mut load = OpenOrderLoad::new(server.addr, "open", 200.0, Duration::from_millis(500));
    load.skus = 20;
    load.model.lag_max = Duration::from_secs(1);
    load.model.grace = Duration::from_millis(500);
    load.prepare().await.unwrap();
    let report = load.run().await.unwrap();
    assert_eq!(report.reserved, 90);
    assert!(report.invalid.is_some(), "{report:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn short_orders_are_wrong_under_ample_stock() {
    let server = start(Cheat::SkipsLines).await;
    let mut load = OpenOrderLoad::new(server.addr, "open", 100.0, Duration::from_millis(200));
    load.skus = 20;
    load.model.grace = Duration::from_millis(200);
    load.prepare().await.unwrap();
    let report = load.run().await.unwrap();
    assert!(report.wrong > 0 && report.reserved == 0, "{report:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_saturated_server_ends_with_every_acknowledged_order_reserved() {
    let server = start(Cheat::Nothing).await;
    let mut load = OrderSaturation::new(server.addr, "closed", Duration::from_millis(500));
    (load.skus, load.connections, load.backlog_max) = (20, 8, 50);
    load.prepare().await.unwrap();
    let report = load.run().await.unwrap();
    assert!(report.ok && report.acknowledged > 20 && report.reserved == report.acknowledged, "{report:?}");
    assert!(report.backlog_at_half <= 58 && report.backlog_at_end <= 58 && report.sustained_per_s > 0.0, "{report:?}");
}
