//! The real orders, where they are at hand: `COMANDA_DATA`, or `../shared/data` beside the workspace.

use std::path::{Path, PathBuf};

use comanda_load::{Entries, Entry, OrderKind, Product, Shortages, peak_net_out, read_products};

/// The folder, or `None` with a word about it.
pub(crate) fn data() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let folder = std::env::var_os("COMANDA_DATA").map_or(beside, PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    println!("no real orders at {}: set COMANDA_DATA to their folder to test with them", folder.display());
    None
}

pub(crate) fn fixture(folder: &Path) -> (Vec<Product>, Vec<Entry>) {
    let orders = folder.join("fixture_order_lines.csv.gz");
    let changes = folder.join("fixture_stock_adjustments.csv.gz");
    let entries = Entries::open(&orders, Some(&changes)).unwrap().collect::<Result<_, _>>().unwrap();
    (read_products(&folder.join("fixture_products.csv.gz")).unwrap(), entries)
}

pub(crate) fn count(products: &[Product], entries: &[Entry]) -> Shortages {
    let mut shortages = Shortages::opening(products);
    entries.iter().for_each(|entry| shortages.count(entry));
    shortages
}

#[test]
fn the_fixture_is_read_whole_and_its_opening_stock_is_just_enough() {
    let Some(folder) = data() else { return };
    let (products, entries) = fixture(&folder);
    let (mut orders, mut cancels, mut lines, mut changes) = (0, 0, 0, 0);
    for entry in &entries {
        match entry {
            Entry::Change(_) => changes += 1,
            Entry::Order(order) => {
                lines += order.lines.len();
                *if order.kind == OrderKind::Order { &mut orders } else { &mut cancels } += 1;
            }
        }
    }
    assert_eq!((orders, cancels, lines, changes, products.len()), (2_995, 932, 29_427, 764, 2_566));

    let peaks = peak_net_out(&entries);
    for product in &products {
        assert_eq!(product.opening, peaks.get(&product.sku).copied().unwrap_or(0), "opening stock of {}", product.sku);
    }
    assert_eq!(count(&products, &entries).lines(), []);

    let four_fifths: Vec<Product> = products.iter().cloned().map(|product| product.opening_with(80)).collect();
    let scarce = count(&four_fifths, &entries);
    println!("with 80 % of the opening stock {} lines of {} orders are short", scarce.lines().len(), scarce.orders());
    assert!(!scarce.lines().is_empty());

    let orders_alone: Vec<Entry> = entries.into_iter().filter(|entry| matches!(entry, Entry::Order(_))).collect();
    assert!(!count(&products, &orders_alone).lines().is_empty(), "the changes of stock are part of the sum");
}
