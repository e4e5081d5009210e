//! The file in pages of as many rows as one request may carry, each row with the line it stands in.

use std::collections::HashMap;
use std::io::Read;

use comanda_contracts::ImportRow;
use csv::{Reader, ReaderBuilder, StringRecord};
use serde::Serialize;

use super::columns::Columns;

/// Rows of one request: the most that it may have.
const ROWS_MAX: usize = 1_000;

/// Bytes of the rows of one request: below what a body may have, with room for what JSON adds.
const BYTES_MAX: usize = 128 * 1024;

/// What JSON adds to a row: the names of its fields.
const BYTES_OF_NAMES: usize = 110;

/// A row that cannot be imported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct BadRow {
    /// The line it begins in, from 1; the header's line is the first.
    pub(super) line: u64,
    /// What is wrong.
    #[serde(rename = "reason")]
    pub(super) why: String,
}

/// Rows that are imported together or not at all.
#[derive(Debug, Default)]
pub(super) struct Page {
    /// Each with its line.
    pub(super) rows: Vec<(u64, ImportRow)>,
    /// Those that say nothing that could be imported.
    pub(super) bad: Vec<BadRow>,
    /// How many bytes of the file have been read.
    pub(super) read: u64,
}

impl Page {
    fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.bad.is_empty()
    }

    /// The lines of its rows: the first and the last.
    pub(super) fn lines(&self) -> (u64, u64) {
        let good = self.rows.iter().map(|(line, _)| *line);
        let lines: Vec<u64> = good.chain(self.bad.iter().map(|bad| bad.line)).collect();
        (lines.iter().min().copied().unwrap_or_default(), lines.iter().max().copied().unwrap_or_default())
    }
}

/// Reads pages. A file that is no CSV any more ends with the row that says so.
pub(super) struct Pages<R> {
    reader: Reader<R>,
    columns: Columns,
    /// The line of each SKU at each location.
    seen: HashMap<(String, String), u64>,
    ended: bool,
}

impl<R: Read> Pages<R> {
    /// The pages of `file`, which begins with a header.
    ///
    /// # Errors
    /// What is wrong with the header.
    pub(super) fn of(file: R) -> Result<Self, String> {
        let mut reader = ReaderBuilder::new().from_reader(file);
        let columns = Columns::of(reader.headers().map_err(|why| why.to_string())?)?;
        Ok(Self { reader, columns, seen: HashMap::new(), ended: false })
    }

    fn page(&mut self) -> Page {
        let (mut page, mut bytes, mut record) = (Page::default(), 0, StringRecord::new());
        while page.rows.len() + page.bad.len() < ROWS_MAX && bytes < BYTES_MAX {
            let line = self.reader.position().line();
            match self.reader.read_record(&mut record) {
                Ok(false) => {
                    self.ended = true;
                    break;
                }
                Ok(true) => {
                    let line = record.position().map_or(line, csv::Position::line);
                    bytes += record.as_slice().len() + BYTES_OF_NAMES;
                    match self.columns.row(&record).and_then(|row| self.once(line, row)) {
                        Ok(row) => page.rows.push((line, row)),
                        Err(why) => page.bad.push(BadRow { line, why }),
                    }
                }
                Err(why) => {
                    let line = why.position().map_or(line, csv::Position::line);
                    page.bad.push(BadRow { line, why: unreadable(&why) });
                    self.ended = matches!(why.kind(), csv::ErrorKind::Io(_));
                    if self.ended {
                        break;
                    }
                }
            }
        }
        page.read = self.reader.position().byte();
        page
    }

    /// The row, unless another one says something of the same stock.
    fn once(&mut self, line: u64, row: ImportRow) -> Result<ImportRow, String> {
        let location = row.location_id.clone().unwrap_or_else(|| "main".to_owned());
        match self.seen.insert((row.sku.clone(), location.clone()), line) {
            None => Ok(row),
            Some(before) => Err(format!("{} at {location} stands in line {before} already", row.sku)),
        }
    }
}

impl<R: Read> Iterator for Pages<R> {
    type Item = Page;

    fn next(&mut self) -> Option<Page> {
        let page = if self.ended { Page::default() } else { self.page() };
        (!page.is_empty()).then_some(page)
    }
}

fn unreadable(why: &csv::Error) -> String {
    match why.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("it has {len} fields, the header has {expected_len}")
        }
        csv::ErrorKind::Utf8 { .. } => "it is not UTF-8".to_owned(),
        _ => why.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pages(file: &str) -> Vec<Page> {
        Pages::of(file.as_bytes()).unwrap().collect()
    }

    #[test]
    fn a_file_falls_into_pages_of_a_thousand_rows_with_their_lines() {
        let rows: String = (0..2_500).map(|n| format!("SKU-{n},\"a name\nover two lines\",{n}\n")).collect();
        let pages = pages(&format!("sku,name,onHand\n{rows}"));
        assert_eq!(pages.iter().map(|page| page.rows.len()).sum::<usize>(), 2_500);
        assert!(pages.iter().all(|page| page.bad.is_empty() && page.rows.len() <= ROWS_MAX));
        assert_eq!((pages[0].rows[0].0, pages[0].rows[1].0), (2, 4), "a name may break the line");
    }

    #[test]
    fn a_page_fits_into_a_request_however_long_its_names() {
        let rows: String = (0..1_000).map(|n| format!("SKU-{n},{}\n", "é".repeat(200))).collect();
        let pages = pages(&format!("sku,name\n{rows}"));
        assert!(pages.len() > 1);
        for page in pages {
            let rows: Vec<_> = page.rows.iter().map(|(_, row)| row).collect();
            assert!(serde_json::to_vec(&rows).unwrap().len() < 200 * 1024);
        }
    }

    #[test]
    fn bad_rows_are_named_by_their_line_and_the_others_go_on() {
        let pages = pages("sku,onHand\nTEA,1\nMUG,x\nPOT\nTEA,2\nJAR,3\n");
        let [page] = &pages[..] else { panic!("{pages:?}") };
        assert_eq!(page.rows.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [2, 6]);
        let bad: Vec<_> = page.bad.iter().map(|bad| (bad.line, bad.why.as_str())).collect();
        let expected = [
            (3, "onHand: `x` is no whole number from 0 on"),
            (4, "it has 1 fields, the header has 2"),
            (5, "TEA at main stands in line 2 already"),
        ];
        assert_eq!((bad, page.lines()), (expected.to_vec(), (2, 6)));
    }

    #[test]
    fn an_empty_file_has_no_columns_and_a_header_alone_no_pages() {
        assert!(Pages::of("".as_bytes()).err().unwrap().contains("`sku` is missing"));
        assert!(pages("sku,name\n").is_empty());
    }
}
