//! Real orders replayed end to end: with just enough stock nobody is short, with less exactly those who must be.

use std::path::{Path, PathBuf};

use comanda_load::{
    Entries, Entry, MadeUpHistory, Product, Replay, ReplayReport, RetailProfile, Shortages, read_products,
};

use crate::server::Server;

/// The folder with the real orders, or `None` with a word about it.
fn data() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let folder = std::env::var_os("COMANDA_DATA").map_or(beside, PathBuf::from);
    if folder.join("fixture_order_lines.csv.gz").is_file() {
        return Some(folder);
    }
    println!("skipped: no real orders at {}; set COMANDA_DATA to their folder to replay them", folder.display());
    None
}

fn fixture(folder: &Path) -> (Vec<Product>, Vec<Entry>) {
    let (orders, changes) =
        (folder.join("fixture_order_lines.csv.gz"), folder.join("fixture_stock_adjustments.csv.gz"));
    let entries = Entries::open(&orders, Some(&changes)).unwrap().collect::<Result<_, _>>().unwrap();
    (read_products(&folder.join("fixture_products.csv.gz")).unwrap(), entries)
}

/// Replays on a server of its own, counts independently, compares line by line, and verifies what is left.
async fn replayed(products: Vec<Product>, entries: Vec<Entry>) -> ReplayReport {
    let mut count = Shortages::opening(&products);
    entries.iter().for_each(|entry| count.count(entry));
    let mut expected = count.lines().to_vec();
    expected.sort_unstable();

    let server = Server::start();
    let replay = Replay { connections: 32, ..Replay::new(server.addr, "fixture") };
    let skus: Vec<String> = products.iter().map(|product| product.sku.clone()).collect();
    let report = replay.run(products, entries.into_iter().map(Ok), None, |_| {}).await.unwrap();
    assert_eq!(report.short_lines, expected);
    assert_eq!(report.short_orders, count.orders());
    for sku in skus.iter().step_by(40) {
        assert_eq!(server.stock(sku).available, count.available(sku), "what is left of {sku}");
    }
    server.stop().verifies();
    report
}

fn four_fifths(products: Vec<Product>) -> Vec<Product> {
    products.into_iter().map(|product| product.opening_with(80)).collect()
}

#[tokio::test]
async fn with_its_peak_of_stock_no_line_of_the_fixture_is_short() {
    let Some(folder) = data() else { return };
    let (products, entries) = fixture(&folder);
    let report = replayed(products, entries).await;
    assert_eq!((report.orders, report.cancels, report.changes), (2_995, 932, 764));
    assert_eq!(report.short_lines, []);
    assert_eq!(report.rejected, 0);
}

#[tokio::test]
async fn with_four_fifths_of_it_the_short_lines_are_those_of_an_independent_count() {
    let Some(folder) = data() else { return };
    let (products, entries) = fixture(&folder);
    let report = replayed(four_fifths(products), entries).await;
    assert!(!report.short_lines.is_empty());
}

#[tokio::test]
async fn a_made_up_history_is_replayed_as_an_independent_count_says() {
    let profile = RetailProfile { skus: 80, lines_max: 12, cancels: 0.2 };
    let plenty = MadeUpHistory::new(7, profile, 300, 100);
    assert_eq!(replayed(plenty.products, plenty.entries).await.short_lines, []);
    let scarce = MadeUpHistory::new(7, profile, 300, 80);
    assert!(!replayed(scarce.products, scarce.entries).await.short_lines.is_empty());
}
