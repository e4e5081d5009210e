//! Replays: the server's shortages are those of the independent count, over many connections.

use comanda_load::{Entry, MadeUpHistory, Order, Product, Replay, ReplayError, ReplayReport, Retail, RetailProfile};

use crate::fake_shop::{Fault, start};
use crate::fixtures::{count, data, fixture};

/// A made-up shop that opens with `percent` % of what it needs.
fn shop(documents: usize, percent: u32) -> (Vec<Product>, Vec<Entry>) {
    let history = MadeUpHistory::new(21, RetailProfile { skus: 60, lines_max: 12, cancels: 0.2 }, documents, percent);
    (history.products, history.entries)
}

async fn replay(fault: Fault, locations: &[&str], products: &[Product], entries: &[Entry]) -> ReplayReport {
    let server = start(fault).await;
    let mut replay = Replay::new(server.addr, "test");
    replay.locations = locations.iter().map(|location| (*location).to_owned()).collect();
    let mut last = None;
    let total = entries.len() as u64;
    let report = replay
        .run(products.to_vec(), entries.iter().cloned().map(Ok), Some(total), |progress| last = Some(progress))
        .await
        .unwrap();
    let last = last.unwrap();
    assert_eq!((last.done, last.total), (total + products.len() as u64, Some(total + products.len() as u64)));
    report
}

async fn is_short_where_the_count_says(fault: Fault, locations: &[&str], documents: u64) {
    let (products, entries) = shop(documents as usize, 60);
    let counted = count(&products, &entries);
    let mut expected = counted.lines().to_vec();
    expected.sort();
    assert!(expected.len() > 50, "{}", expected.len());
    let report = replay(fault, locations, &products, &entries).await;
    assert_eq!(report.short_lines, expected, "{fault:?} {locations:?}");
    assert_eq!(report.short_orders, counted.orders());
    assert_eq!(report.accepted + report.rejected, report.orders);
    assert_eq!(report.orders + report.cancels, documents);
    assert!(report.rejected > 0 && report.released > 0 && report.released < report.cancels, "{report:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scarce_stock_is_short_exactly_where_the_independent_count_says() {
    is_short_where_the_count_says(Fault::Nothing, &["main"], 1_500).await;
    is_short_where_the_count_says(Fault::Nothing, &["main", "north", "south"], 1_500).await;
}

#[tokio::test]
async fn lost_answers_change_nothing() {
    is_short_where_the_count_says(Fault::LosesAnswers, &["main"], 300).await;
}

#[tokio::test]
async fn enough_stock_is_never_short() {
    let (products, entries) = shop(500, 100);
    let report = replay(Fault::Nothing, &["main"], &products, &entries).await;
    assert_eq!((report.short_lines, report.rejected, report.skus), (vec![], 0, 60));
    assert_eq!(report.latency.count, report.orders);
}

#[tokio::test]
async fn the_fixture_is_short_where_the_independent_count_says() {
    let Some(folder) = data() else { return };
    let (products, entries) = fixture(&folder);
    for percent in [100, 80] {
        let products: Vec<Product> = products.iter().cloned().map(|product| product.opening_with(percent)).collect();
        let mut expected = count(&products, &entries).lines().to_vec();
        expected.sort();
        let report = replay(Fault::Nothing, &["main", "north"], &products, &entries).await;
        assert_eq!((report.orders, report.lines, report.cancels, report.changes), (2_995, 27_349, 932, 764));
        assert!(report.short_lines == expected, "{} of {} short", report.short_lines.len(), expected.len());
    }
}

#[tokio::test]
async fn a_refusal_that_must_not_be_stops_the_replay_and_names_the_step() {
    let server = start(Fault::Nothing).await;
    let order: Order = Retail::new(1, RetailProfile::small()).next().unwrap();
    let replay = Replay::new(server.addr, "test");
    let error = replay.run(Vec::new(), [Ok(Entry::Order(order))].into_iter(), None, |_| {}).await.unwrap_err();
    assert!(matches!(error, ReplayError::Shop { .. }));
    let error = error.to_string();
    assert!(error.contains("order 1") && error.contains("404 UNKNOWN_SKU"), "{error}");
}
