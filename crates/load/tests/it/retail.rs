//! The made-up shop has the skew of the real one.

use std::collections::{BTreeSet, HashMap};

use comanda_load::{Order, OrderKind, Retail, RetailProfile};

struct Figures {
    top_1: f64,
    top_10: f64,
    units_top_1: f64,
    cancels: f64,
    repeats: f64,
    /// Lines per order, sorted.
    lines: Vec<usize>,
}

fn figures(documents: &[Order], skus: usize) -> Figures {
    let orders: Vec<&Order> = documents.iter().filter(|order| order.kind == OrderKind::Order).collect();
    let mut per_sku: HashMap<&str, (usize, i64)> = HashMap::new();
    for line in orders.iter().flat_map(|order| &order.lines) {
        let (lines, units) = per_sku.entry(&line.sku).or_default();
        *lines += 1;
        *units += line.quantity;
    }
    let share = |mut values: Vec<i64>, percent: usize| {
        values.sort_unstable_by(|a, b| b.cmp(a));
        values.iter().take(skus * percent / 100).sum::<i64>() as f64 / values.iter().sum::<i64>() as f64
    };
    let line_counts: Vec<i64> = per_sku.values().map(|(lines, _)| *lines as i64).collect();
    let unit_counts: Vec<i64> = per_sku.values().map(|(_, units)| *units).collect();
    let mut lines: Vec<usize> = orders.iter().map(|order| order.lines.len()).collect();
    lines.sort_unstable();
    let repeated =
        |order: &&&Order| order.lines.iter().map(|line| &line.sku).collect::<BTreeSet<_>>().len() < order.lines.len();
    Figures {
        top_1: share(line_counts.clone(), 1),
        top_10: share(line_counts, 10),
        units_top_1: share(unit_counts, 1),
        cancels: 1.0 - orders.len() as f64 / documents.len() as f64,
        repeats: orders.iter().filter(repeated).count() as f64 / orders.len() as f64,
        lines,
    }
}

#[track_caller]
fn close(what: &str, is: f64, should: f64, by: f64) {
    assert!((is - should).abs() <= by, "{what} is {is:.3}, not {should} ± {by}");
}

#[test]
fn large_profile_has_the_skew_of_two_real_years() {
    let profile = RetailProfile::large();
    let documents: Vec<Order> = Retail::new(11, profile).take(20_000).collect();
    let figures = figures(&documents, profile.skus);
    close("the top 1 % of SKUs' share of lines", figures.top_1, 0.107, 0.007);
    close("the top 10 %'s", figures.top_10, 0.47, 0.012);
    close("the top 1 %'s share of units", figures.units_top_1, 0.19, 0.02);
    close("the share of cancellations", figures.cancels, 0.16, 0.01);
    close("the share of orders with a repeated SKU", figures.repeats, 0.157, 0.02);
    let (lines, count) = (&figures.lines, figures.lines.len());
    close("lines per order, mean", lines.iter().sum::<usize>() as f64 / count as f64, 26.5, 1.5);
    close("lines per order, median", lines[count / 2] as f64, 15.0, 1.0);
    close("lines per order, p99", lines[count * 99 / 100] as f64, 199.0, 20.0);
    assert!(lines[count - 1] <= 1_112);
}

#[test]
fn small_profile_has_the_skew_of_the_fixture() {
    let profile = RetailProfile::small();
    let documents: Vec<Order> = Retail::new(5, profile).take(20_000).collect();
    let figures = figures(&documents, profile.skus);
    close("the top 1 % of SKUs' share of lines", figures.top_1, 0.107, 0.012);
    close("the top 10 %'s", figures.top_10, 0.465, 0.015);
    close("the share of cancellations", figures.cancels, 0.24, 0.01);
    close("lines per order, mean", figures.lines.iter().sum::<usize>() as f64 / figures.lines.len() as f64, 9.1, 0.5);
    assert_eq!(figures.lines.last(), Some(&20));
}

#[test]
fn every_cancellation_undoes_lines_of_an_earlier_order_once() {
    let mut open: HashMap<String, Order> = HashMap::new();
    let (mut whole, mut part) = (0, 0);
    for document in Retail::new(3, RetailProfile::small()).take(5_000) {
        assert!(document.lines.iter().all(|line| line.quantity > 0));
        match document.kind {
            OrderKind::Order => assert!(open.insert(document.id.clone(), document).is_none(), "ids are unique"),
            OrderKind::Cancel => {
                let undone = open.remove(document.lines[0].undoes.as_ref().unwrap()).expect("it was placed before");
                assert!(document.lines.iter().all(|line| line.undoes.as_ref() == Some(&undone.id)));
                for (cancelled, ordered) in document.lines.iter().zip(&undone.lines) {
                    assert_eq!((&cancelled.sku, cancelled.quantity), (&ordered.sku, ordered.quantity));
                }
                *if document.lines.len() == undone.lines.len() { &mut whole } else { &mut part } += 1;
            }
        }
    }
    assert!(whole > 200 && part > 200, "{whole} whole, {part} in part");
}

#[test]
fn the_seed_decides_everything_and_the_catalogue_covers_every_line() {
    let profile = RetailProfile { skus: 50, lines_max: 60, cancels: 0.2 };
    let shop = Retail::new(9, profile);
    let names: HashMap<String, String> = shop.catalogue().collect();
    assert_eq!(names.len(), 50);
    let orders: Vec<Order> = shop.take(500).collect();
    assert!(orders.iter().flat_map(|order| &order.lines).all(|line| names.contains_key(&line.sku)));
    assert_eq!(orders, Retail::new(9, profile).take(500).collect::<Vec<_>>());
    assert_ne!(orders, Retail::new(10, profile).take(500).collect::<Vec<_>>());
}

#[test]
fn a_shop_of_one_sku_and_one_line_works() {
    let profile = RetailProfile { skus: 0, lines_max: 0, cancels: 0.0 };
    assert!(Retail::new(1, profile).take(10).all(|order| order.lines.len() == 1));
}
