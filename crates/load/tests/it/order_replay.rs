//! Replays of orders: short exactly where the independent count says, learnt from the feed alone.

use comanda_load::{Entry, MadeUpHistory, OrderReplay, OrderReplayReport, Product, RetailProfile};

use crate::fake_orders::{Cheat, start};
use crate::fixtures::{count, data, fixture};

async fn replay(cheat: Cheat, products: &[Product], entries: &[Entry]) -> OrderReplayReport {
    let server = start(cheat).await;
    let replay = OrderReplay::new(server.addr, "test");
    let mut done = 0;
    let entries = entries.to_vec();
    let total = (entries.len() + products.len()) as u64;
    let report = replay
        .run(products.to_vec(), entries.into_iter().map(Ok), None, |progress| done = progress.done)
        .await
        .unwrap();
    assert_eq!(done, total);
    report
}

fn shop(documents: usize, percent: u32) -> (Vec<Product>, Vec<Entry>) {
    let history = MadeUpHistory::new(21, RetailProfile { skus: 60, lines_max: 12, cancels: 0.2 }, documents, percent);
    (history.products, history.entries)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scarce_orders_are_short_exactly_where_the_independent_count_says() {
    for (cheat, documents) in [(Cheat::Nothing, 1_000), (Cheat::LosesAnswers, 300)] {
        let (products, entries) = shop(documents, 60);
        let counted = count(&products, &entries);
        let mut expected = counted.lines().to_vec();
        expected.sort();
        assert!(expected.len() > 50, "{}", expected.len());
        let report = replay(cheat, &products, &entries).await;
        assert_eq!(report.short_lines, expected, "{cheat:?}");
        assert_eq!(report.short_orders, counted.orders());
        assert_eq!(report.reserved + report.partially_reserved + report.rejected, report.placed);
        assert_eq!(report.placed + report.cancels, documents as u64);
        assert!(report.rejected > 0 && report.cancelled > 0 && report.cancelled < report.cancels, "{report:?}");
        assert_eq!(report.latency.count, report.placed);
    }
}

#[tokio::test]
async fn a_server_that_shorts_a_line_disagrees_with_the_count() {
    let (products, entries) = shop(200, 100);
    let orders: Vec<Entry> = entries
        .into_iter()
        .filter(|entry| matches!(entry, Entry::Order(order) if order.lines.iter().all(|line| line.undoes.is_none())))
        .collect();
    let mut expected = count(&products, &orders).lines().to_vec();
    expected.sort();
    assert!(replay(Cheat::Nothing, &products, &orders).await.short_lines == expected);
    assert!(replay(Cheat::SkipsLines, &products, &orders).await.short_lines != expected);
}

#[tokio::test]
async fn the_fixture_is_short_where_the_independent_count_says() {
    let Some(folder) = data() else { return };
    let (products, entries) = fixture(&folder);
    let products: Vec<Product> = products.into_iter().map(|product| product.opening_with(80)).collect();
    let mut expected = count(&products, &entries).lines().to_vec();
    expected.sort();
    let report = replay(Cheat::Nothing, &products, &entries).await;
    assert_eq!((report.placed, report.lines, report.cancels, report.changes), (2_995, 27_349, 932, 764));
    assert!(report.short_lines == expected, "{} of {} short", report.short_lines.len(), expected.len());
}
