//! What became of a file that was imported, and how that is told: what is in, what is not, and what nobody knows.

use std::collections::BTreeSet;

use comanda_contracts::ImportAnswer;
use miette::Result;

use super::pages::BadRow;
use super::seen::Seen;
use super::send::{Failed, Sent};
use crate::counted::counted;

/// Bad rows that are printed.
const PRINTED_MAX: usize = 50;

/// The first and the last line of a page.
pub(super) type Lines = (u64, u64);

/// A page's rows and lines, and what became of it.
pub(super) struct Done {
    pub(super) rows: u64,
    pub(super) lines: Lines,
    pub(super) sent: Result<Sent, Failed>,
}

/// What became of a file.
#[derive(Default, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report {
    /// Rows of pages whose outcome is known.
    pub(super) rows: u64,
    registered: u64,
    changed: u64,
    unchanged: u64,
    /// Rows that were not imported: bad ones, and those on the same page.
    left_out: u64,
    /// Rows that are named as bad.
    pub(super) bad_rows: u64,
    /// Whether no other row of the file is bad: a page may be left out before all of it was looked at.
    bad_rows_are_all: bool,
    bad: Vec<BadRow>,
    pub(super) elapsed_s: f64,
    #[serde(skip)]
    pub(super) seen: Seen,
    /// The lines of each page that was left out.
    #[serde(skip)]
    pages_left_out: Vec<Lines>,
    /// The same of each page that failed and has changed nothing.
    #[serde(skip)]
    pages_unchanged: Vec<Lines>,
    /// The same of each page of which that is not known.
    #[serde(skip)]
    pages_unknown: Vec<Lines>,
    /// Why the first of them failed.
    #[serde(skip)]
    why: Option<miette::Report>,
}

impl Report {
    pub(super) fn new() -> Self {
        Self { bad_rows_are_all: true, ..Self::default() }
    }

    pub(super) fn add(&mut self, done: Done) {
        match done.sent {
            Ok(Sent::Imported(ImportAnswer { registered, changed, unchanged }, seen)) => {
                self.seen.merge_with(seen);
                self.rows += done.rows;
                self.registered += registered;
                self.changed += changed;
                self.unchanged += unchanged;
            }
            Ok(Sent::LeftOut { bad, all }) => {
                self.rows += done.rows;
                self.left_out += done.rows;
                // Several fields of a row may be wrong.
                self.bad_rows += bad.iter().map(|bad| bad.line).collect::<BTreeSet<_>>().len() as u64;
                self.bad_rows_are_all &= all;
                self.pages_left_out.push(done.lines);
                self.bad.extend(bad);
            }
            Err(Failed { why, unknown }) => {
                let pages = if unknown { &mut self.pages_unknown } else { &mut self.pages_unchanged };
                pages.push(done.lines);
                self.why.get_or_insert(why);
            }
        }
    }

    /// Why not all of the file was asked for, and what became of the lines in question; none if it was.
    pub(super) fn failure(&mut self) -> Option<miette::Report> {
        let why = self.why.take()?;
        let mut said = Vec::new();
        if !self.pages_unchanged.is_empty() {
            said.push(format!("nothing of {} was changed", lines(&self.pages_unchanged)));
        }
        if !self.pages_unknown.is_empty() {
            said.push(format!("{} may be imported or not", lines(&self.pages_unknown)));
        }
        let said = said.join("; ");
        Some(why.wrap_err(format!(
            "{said}; no page after that was sent. Mend the cause and import the file again: what is in already stays as it is"
        )))
    }

    pub(super) fn print(&self, name: &str) -> Result<()> {
        for BadRow { line, why } in self.bad.iter().take(PRINTED_MAX) {
            note!("{name}, line {line}: {why}");
        }
        if self.bad.len() > PRINTED_MAX {
            note!("… and {} more; --json names them", self.bad.len() - PRINTED_MAX);
        }
        let Self { rows, registered, changed, unchanged, .. } = self;
        let rate = *rows as f64 / self.elapsed_s.max(1e-9);
        say!(
            "{} in {:.1} s ({rate:.0} a second): {} registered, {} changed, {} so already",
            counted(*rows, "row"),
            self.elapsed_s,
            counted(*registered, "SKU"),
            counted(*changed, "row"),
            if *unchanged == 1 { "1 was".to_owned() } else { format!("{unchanged} were") }
        )?;
        if self.bad_rows > 0 {
            let least = if self.bad_rows_are_all { "" } else { "at least " };
            say!(
                "left out, for {least}{}: {}. Mend what is wrong and import the file again: what is in already stays as it is.",
                counted(self.bad_rows, "bad row"),
                lines(&self.pages_left_out)
            )?;
        }
        Ok(())
    }
}

/// `line 2`, `lines 2–1001, 2002–2500`.
fn lines(pages: &[Lines]) -> String {
    let one = |&(from, to): &Lines| if from == to { from.to_string() } else { format!("{from}–{to}") };
    let word = if matches!(pages, [(from, to)] if from == to) { "line" } else { "lines" };
    format!("{word} {}", pages.iter().map(one).collect::<Vec<_>>().join(", "))
}
