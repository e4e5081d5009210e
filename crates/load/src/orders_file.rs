//! Reads orders, products and changes of stock from CSV files (plain, .gz or .zst), row by row.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use csv::StringRecord;
use flate2::read::MultiGzDecoder;

use crate::order::{Entry, LINES_MAX, Order, OrderKind, OrderLine, Product, StockChange};

/// What is wrong with a file: where, and what to do.
#[derive(Debug, thiserror::Error)]
#[error("{}{}: {what}", path.display(), place(*line, column.as_deref()))]
pub struct OrdersFileError {
    /// The file.
    pub path: PathBuf,
    /// The line in it, from 1; 0 when the file as a whole is meant.
    pub line: u64,
    /// The column's name, where one is to blame.
    pub column: Option<String>,
    /// What is wrong and what would be right.
    pub what: String,
}

fn place(line: u64, column: Option<&str>) -> String {
    match (line, column) {
        (0, _) => String::new(),
        (line, None) => format!(", line {line}"),
        (line, Some(column)) => format!(", line {line}, column `{column}`"),
    }
}

/// Reads a products file: the columns `sku` and `peak_net_out` (the opening stock), and `description` if it is there.
///
/// # Errors
/// [`OrdersFileError`]
pub fn read_products(path: &Path) -> Result<Vec<Product>, OrdersFileError> {
    let mut table = Table::open(path, &["sku", "peak_net_out"])?;
    let description = table.place_of("description");
    let mut products = Vec::new();
    while table.advance()? {
        let opening = table.number("peak_net_out", 1)?;
        if opening < 0 {
            return Err(table.bad("peak_net_out", format!("{opening} units cannot be on hand: give 0 or more")));
        }
        let name = description.and_then(|at| table.row.get(at)).unwrap_or_default().trim().to_owned();
        products.push(Product { sku: table.id("sku", 0)?, name, opening });
    }
    Ok(products)
}

/// Everything that happens in the files, in the order of their times: orders, cancellations and changes of stock.
///
/// Of one minute's entries, changes of stock come first.
#[derive(Debug)]
pub struct Entries {
    orders: Orders,
    changes: Option<Changes>,
    next_order: Option<(String, Order)>,
    next_change: Option<(String, StockChange)>,
    failed: bool,
}

impl Entries {
    /// Opens a file of order lines and, if given, one of changes of stock; both sorted by time.
    ///
    /// # Errors
    /// [`OrdersFileError`]: a file cannot be read or lacks a column.
    pub fn open(orders: &Path, changes: Option<&Path>) -> Result<Self, OrdersFileError> {
        let orders = Orders::open(orders)?;
        let changes = changes.map(Changes::open).transpose()?;
        Ok(Self { orders, changes, next_order: None, next_change: None, failed: false })
    }

    fn advance(&mut self) -> Result<Option<Entry>, OrdersFileError> {
        if self.next_order.is_none() {
            self.next_order = self.orders.read()?;
        }
        if let (None, Some(changes)) = (&self.next_change, &mut self.changes) {
            self.next_change = changes.read()?;
        }
        let change_first = match (&self.next_order, &self.next_change) {
            (Some((order_at, _)), Some((change_at, _))) => change_at <= order_at,
            (None, _) => true,
            (Some(_), None) => false,
        };
        Ok(if change_first {
            self.next_change.take().map(|(_, change)| Entry::Change(change))
        } else {
            self.next_order.take().map(|(_, order)| Entry::Order(order))
        })
    }
}

impl Iterator for Entries {
    type Item = Result<Entry, OrdersFileError>;

    /// The next entry; nothing follows an error.
    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let next = self.advance();
        self.failed = next.is_err();
        next.transpose()
    }
}

/// A file of order lines: adjacent lines of one `order_id` are one order.
#[derive(Debug)]
struct Orders {
    table: Table,
    /// The row under the cursor belongs to the next order.
    has_row: bool,
}

const ORDER_COLUMNS: [&str; 6] = ["order_id", "ts", "kind", "ref_order_id", "sku", "qty"];

impl Orders {
    fn open(path: &Path) -> Result<Self, OrdersFileError> {
        let mut table = Table::open(path, &ORDER_COLUMNS)?;
        let has_row = table.advance()?;
        Ok(Self { table, has_row })
    }

    /// The next order with its time.
    fn read(&mut self) -> Result<Option<(String, Order)>, OrdersFileError> {
        if !self.has_row {
            return Ok(None);
        }
        let table = &mut self.table;
        let at = table.text(1).to_owned();
        let mut order = Order { id: table.id("order_id", 0)?, kind: kind(table)?, lines: Vec::new() };
        while self.has_row && table.text(0) == order.id {
            if kind(table)? != order.kind {
                let what = "the lines of one order are of both kinds: give the cancellation an id of its own";
                return Err(table.bad("kind", what.to_owned()));
            }
            if order.lines.len() == LINES_MAX {
                let what = format!("order {} has more than {LINES_MAX} lines: split it", order.id);
                return Err(table.bad("order_id", what));
            }
            order.lines.push(line(table)?);
            self.has_row = table.advance()?;
        }
        Ok(Some((at, order)))
    }
}

fn kind(table: &Table) -> Result<OrderKind, OrdersFileError> {
    match table.text(2) {
        "order" => Ok(OrderKind::Order),
        "cancel" => Ok(OrderKind::Cancel),
        other => Err(table.bad("kind", format!("{other:?} is no kind: write `order` or `cancel`"))),
    }
}

fn line(table: &Table) -> Result<OrderLine, OrdersFileError> {
    let quantity = table.number("qty", 5)?;
    if quantity <= 0 {
        let what = format!("{quantity} units cannot be bought: give 1 or more (a cancellation's are positive too)");
        return Err(table.bad("qty", what));
    }
    let undoes = if table.text(3).is_empty() { None } else { Some(table.id("ref_order_id", 3)?) };
    Ok(OrderLine { sku: table.id("sku", 4)?, quantity, undoes })
}

/// A file of changes of stock.
#[derive(Debug)]
struct Changes(Table);

impl Changes {
    fn open(path: &Path) -> Result<Self, OrdersFileError> {
        Table::open(path, &["adj_id", "ts", "sku", "delta", "reason"]).map(Self)
    }

    fn read(&mut self) -> Result<Option<(String, StockChange)>, OrdersFileError> {
        let table = &mut self.0;
        if !table.advance()? {
            return Ok(None);
        }
        // Several rows may carry one number: with its line the id is unique.
        let id = format!("{}:{}", table.id("adj_id", 0)?, table.line());
        let (sku, delta, reason) = (table.id("sku", 2)?, table.number("delta", 3)?, table.text(4).to_owned());
        Ok(Some((table.text(1).to_owned(), StockChange { id, sku, delta, reason })))
    }
}

/// A CSV file with a header, read one row at a time.
struct Table {
    path: PathBuf,
    reader: csv::Reader<Box<dyn Read + Send>>,
    header: StringRecord,
    /// Where in a row each wanted column stands.
    places: Vec<usize>,
    row: StringRecord,
}

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Table").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Table {
    fn open(path: &Path, columns: &[&str]) -> Result<Self, OrdersFileError> {
        let whole = |what: String| OrdersFileError { path: path.to_owned(), line: 0, column: None, what };
        let bytes = decompressed(path).map_err(|error| whole(format!("cannot be read: {error}")))?;
        let mut reader = csv::Reader::from_reader(bytes);
        let header = reader.headers().map_err(|error| whole(format!("has no readable header: {error}")))?.clone();
        let mut places = Vec::new();
        for column in columns {
            let place = header.iter().position(|name| name == *column).ok_or_else(|| {
                let there = header.iter().collect::<Vec<_>>().join(", ");
                whole(format!("the column `{column}` is missing (the header has: {there}); add it"))
            })?;
            places.push(place);
        }
        Ok(Self { path: path.to_owned(), reader, header, places, row: StringRecord::new() })
    }

    fn place_of(&self, column: &str) -> Option<usize> {
        self.header.iter().position(|name| name == column)
    }

    /// Reads the next row; false at the end.
    fn advance(&mut self) -> Result<bool, OrdersFileError> {
        self.reader.read_record(&mut self.row).map_err(|error| OrdersFileError {
            path: self.path.clone(),
            line: error.position().map_or_else(|| self.reader.position().line(), csv::Position::line),
            column: None,
            what: format!("the row cannot be read: {error}; correct or remove it"),
        })
    }

    /// The text in the wanted column number `wanted`.
    fn text(&self, wanted: usize) -> &str {
        self.places.get(wanted).and_then(|place| self.row.get(*place)).unwrap_or_default()
    }

    fn id(&self, column: &str, wanted: usize) -> Result<String, OrdersFileError> {
        let id = self.text(wanted);
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte);
        if (1..=128).contains(&id.len()) && id.bytes().all(allowed) {
            return Ok(id.to_owned());
        }
        Err(self.bad(column, format!("{id:?} is no id: use 1 to 128 letters, digits and . _ : -")))
    }

    fn number(&self, column: &str, wanted: usize) -> Result<i64, OrdersFileError> {
        let text = self.text(wanted);
        text.parse().map_err(|_| self.bad(column, format!("{text:?} is no whole number: write digits only")))
    }

    /// The line of the file that the row stands on.
    fn line(&self) -> u64 {
        self.row.position().map_or(0, csv::Position::line)
    }

    fn bad(&self, column: &str, what: String) -> OrdersFileError {
        OrdersFileError { path: self.path.clone(), line: self.line(), column: Some(column.to_owned()), what }
    }
}

fn decompressed(path: &Path) -> std::io::Result<Box<dyn Read + Send>> {
    let file = BufReader::new(File::open(path)?);
    Ok(match path.extension().and_then(|extension| extension.to_str()) {
        Some("gz") => Box::new(MultiGzDecoder::new(file)),
        Some("zst") => Box::new(zstd::Decoder::with_buffer(file)?),
        _ => Box::new(file),
    })
}
