//! Order files: plain and compressed, merged by time, and errors that say where and what to do.

use std::io::Write;
use std::path::{Path, PathBuf};

use comanda_load::{Entries, Entry, OrderKind, Product, ShortLine, Shortages, peak_net_out, read_products};

const HEADER: &str = "order_id,ts,kind,ref_order_id,customer_id,country,sku,qty,unit_price\n";
const ORDERS: &str = "\
1,2011-01-04T10:00,order,,7,France,TEA,3,1.5
1,2011-01-04T10:00,order,,7,France,MUG,2,2
1,2011-01-04T10:00,order,,7,France,TEA,4,1.5
2,2011-01-04T10:05,order,,8,Spain,TEA,5,1.5
C3,2011-01-04T10:06,cancel,1,7,France,TEA,7,1.5
C3,2011-01-04T10:06,cancel,1,7,France,MUG,2,2
4,2011-01-04T10:09,order,,8,Spain,TEA,6,1.5
";
const CHANGES: &str = "\
adj_id,ts,sku,delta,reason
a,2011-01-04T10:05,TEA,-2,\"damp, thrown away\"
b,2011-01-04T10:30,MUG,4,
";

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.0.path().join(name);
        let file = std::fs::File::create(&path).unwrap();
        match path.extension().unwrap().to_str().unwrap() {
            "gz" => {
                let mut gz = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
                gz.write_all(content.as_bytes()).unwrap();
                gz.finish().unwrap();
            }
            "zst" => zstd::stream::copy_encode(content.as_bytes(), file, 1).unwrap(),
            _ => (&file).write_all(content.as_bytes()).unwrap(),
        }
        path
    }
}

fn all(orders: &Path, changes: Option<&Path>) -> Vec<Entry> {
    Entries::open(orders, changes).unwrap().collect::<Result<_, _>>().unwrap()
}

fn first_error(rows: &str) -> String {
    let folder = Folder::new();
    let path = folder.file("o.csv", &format!("{HEADER}{rows}"));
    let mut entries = match Entries::open(&path, None) {
        Ok(entries) => entries,
        Err(error) => return error.to_string(),
    };
    let error = entries.find_map(Result::err).expect("an error").to_string();
    assert!(entries.next().is_none(), "nothing follows an error");
    error
}

#[test]
fn adjacent_lines_are_one_order_in_every_format() {
    let folder = Folder::new();
    let content = format!("{HEADER}{ORDERS}");
    let plain = all(&folder.file("o.csv", &content), None);
    assert_eq!(plain.len(), 4);
    let Entry::Order(first) = &plain[0] else { panic!("an order") };
    assert_eq!((first.id.as_str(), first.kind, first.lines.len()), ("1", OrderKind::Order, 3));
    let Entry::Order(cancel) = &plain[2] else { panic!("a cancellation") };
    assert_eq!(cancel.kind, OrderKind::Cancel);
    assert_eq!(cancel.lines[0].undoes.as_deref(), Some("1"));
    assert_eq!(plain, all(&folder.file("o.csv.gz", &content), None));
    assert_eq!(plain, all(&folder.file("o.csv.zst", &content), None));
}

#[test]
fn changes_of_stock_come_at_their_time_and_before_orders_of_the_same_minute() {
    let folder = Folder::new();
    let orders = folder.file("o.csv", &format!("{HEADER}{ORDERS}"));
    let entries = all(&orders, Some(&folder.file("c.csv", CHANGES)));
    let ids: Vec<&str> = entries
        .iter()
        .map(|entry| match entry {
            Entry::Order(order) => order.id.as_str(),
            Entry::Change(change) => change.id.as_str(),
        })
        .collect();
    assert_eq!(ids, ["1", "a:2", "2", "C3", "4", "b:3"]);
    let Entry::Change(change) = &entries[1] else { panic!("a change") };
    assert_eq!((change.delta, change.reason.as_str()), (-2, "damp, thrown away"));
}

#[test]
fn the_independent_count_follows_the_sequence() {
    let folder = Folder::new();
    let orders = folder.file("o.csv", &format!("{HEADER}{ORDERS}"));
    let entries = all(&orders, Some(&folder.file("c.csv", CHANGES)));
    let peaks = peak_net_out(&entries);
    assert_eq!(peaks.iter().map(|(sku, peak)| (sku.as_str(), *peak)).collect::<Vec<_>>(), [("MUG", 2), ("TEA", 14)]);

    let product = |sku: &str, opening| Product { sku: sku.into(), name: String::new(), opening };
    let mut enough = Shortages::opening(&[product("TEA", 14), product("MUG", 2)]);
    let mut scarce = Shortages::opening(&[product("TEA", 5), product("MUG", 2)]);
    for entry in &entries {
        enough.count(entry);
        scarce.count(entry);
    }
    assert_eq!(enough.lines(), []);
    // 5 - 3 leaves 2 for the 4 wanted; the change of -2 finds nothing; order 2 gets nothing; the cancellation of order 1
    // gives back the 5 it had; order 4 then gets 5 of 6.
    let short = |order: &str, line, requested, held| ShortLine {
        order_id: order.into(),
        line,
        sku: "TEA".into(),
        requested,
        held,
    };
    assert_eq!(scarce.lines(), [short("1", 3, 4, 2), short("2", 1, 5, 0), short("4", 1, 6, 5)]);
    assert_eq!(scarce.orders(), 3);
    assert_eq!((scarce.available("TEA"), scarce.available("MUG")), (0, 6));
}

#[test]
fn a_bad_row_is_named_by_line_and_column_with_what_to_do() {
    for (rows, place, advice) in [
        ("1,t,order,,,,TEA,x,1\n", "line 2, column `qty`", "write digits only"),
        ("1,t,order,,,,TEA,1,1\n1,t,order,,,,TEA,0,1\n", "line 3, column `qty`", "give 1 or more"),
        ("1,t,order,,,,TEA,-2,1\n", "line 2, column `qty`", "positive"),
        ("1,t,order,,,,TEA,99999999999999999999,1\n", "line 2, column `qty`", "whole number"),
        ("1,t,sale,,,,TEA,1,1\n", "line 2, column `kind`", "write `order` or `cancel`"),
        ("1,t,order,,,,TEA POT,1,1\n", "line 2, column `sku`", "letters, digits"),
        (",t,order,,,,TEA,1,1\n", "line 2, column `order_id`", "letters, digits"),
        ("1,t,order,,,,TEA,1,1\n1,t,cancel,,,,TEA,1,1\n", "line 3, column `kind`", "an id of its own"),
        ("1,t,order\n", "line 2", "correct or remove it"),
    ] {
        let error = first_error(rows);
        assert!(error.contains(place) && error.contains(advice) && error.contains("o.csv"), "{error}");
    }
    let long = "1,t,order,,,,TEA,1,1\n".repeat(2_001);
    assert!(first_error(&long).contains("more than 2000 lines: split it"));
}

#[test]
fn a_file_that_is_not_there_or_lacks_a_column_is_named() {
    let folder = Folder::new();
    let missing = Entries::open(&folder.0.path().join("none.csv"), None).unwrap_err().to_string();
    assert!(missing.contains("none.csv") && missing.contains("cannot be read"), "{missing}");
    let error = Entries::open(&folder.file("o.csv", "order_id,ts\n"), None).unwrap_err().to_string();
    assert!(error.contains("`kind` is missing") && error.contains("order_id, ts"), "{error}");
    let truncated = folder.0.path().join("t.csv.gz");
    let whole = std::fs::read(folder.file("w.csv.gz", &format!("{HEADER}{ORDERS}"))).unwrap();
    std::fs::write(&truncated, &whole[..whole.len() / 2]).unwrap();
    assert!(Entries::open(&truncated, None).is_err() || Entries::open(&truncated, None).unwrap().any(|e| e.is_err()));
}

#[test]
fn products_carry_their_opening_stock() {
    let folder = Folder::new();
    let path = folder.file("p.csv.gz", "sku,description,peak_net_out\nTEA,\"Tea, green\",41\nMUG,,0\n");
    let products = read_products(&path).unwrap();
    assert_eq!((products[0].name.as_str(), products[0].opening, products[1].name.as_str()), ("Tea, green", 41, ""));
    assert_eq!(products[0].clone().opening_with(80).opening, 32);
    let error = read_products(&folder.file("p.csv", "sku,peak_net_out\nTEA,-1\n")).unwrap_err().to_string();
    assert!(error.contains("line 2, column `peak_net_out`") && error.contains("0 or more"), "{error}");
}
