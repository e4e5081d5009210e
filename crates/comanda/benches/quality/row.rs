//! A row of the table, and the table.

use std::fmt;

use comanda_load::Latency;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{CellAlignment, Table};
use serde::Serialize;

/// What became of a bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Verdict {
    Met,
    Missed,
    /// No bar: shown to be compared.
    Shown,
    /// Could not be measured.
    Failed,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Met => "met",
            Self::Missed => "MISSED",
            Self::Shown => "",
            Self::Failed => "FAILED",
        })
    }
}

impl From<bool> for Verdict {
    fn from(met: bool) -> Self {
        if met { Self::Met } else { Self::Missed }
    }
}

/// One measured figure beside its comparator.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Row {
    number: u8,
    measure: String,
    comparator: String,
    ours: String,
    ratio: Option<f64>,
    bar: String,
    verdict: Verdict,
    notes: Vec<String>,
}

impl Row {
    /// A row of `number` that says what was measured; the rest is added by the methods below.
    pub(crate) fn new(number: u8, measure: impl Into<String>) -> Self {
        let empty = String::new;
        let (measure, notes) = (measure.into(), Vec::new());
        Self {
            number,
            measure,
            comparator: empty(),
            ours: empty(),
            ratio: None,
            bar: empty(),
            verdict: Verdict::Shown,
            notes,
        }
    }

    /// A row that could not be measured, and why.
    pub(crate) fn failed(number: u8, why: &miette::Report) -> Self {
        let causes: Vec<String> = why.chain().map(ToString::to_string).collect();
        Self { verdict: Verdict::Failed, ..Self::new(number, "could not be measured") }.note(causes.join(": "))
    }

    pub(crate) fn number(&self) -> u8 {
        self.number
    }

    pub(crate) fn comparator(mut self, figure: impl Into<String>) -> Self {
        self.comparator = figure.into();
        self
    }

    pub(crate) fn ours(mut self, figure: impl Into<String>) -> Self {
        self.ours = figure.into();
        self
    }

    pub(crate) fn ratio(mut self, ratio: f64) -> Self {
        self.ratio = Some(ratio);
        self
    }

    pub(crate) fn bar(mut self, bar: impl Into<String>, met: bool) -> Self {
        self.bar = bar.into();
        self.verdict = met.into();
        self
    }

    pub(crate) fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }
}

/// The table, with the notes below it.
pub(crate) fn render(rows: &[Row]) -> String {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_header(["", "measure", "comparator", "ours", "ratio", "bar", "verdict"]);
    for row in rows {
        table.add_row([
            row.number.to_string(),
            row.measure.clone(),
            row.comparator.clone(),
            row.ours.clone(),
            row.ratio.map(|ratio| format!("{ratio:.2}")).unwrap_or_default(),
            row.bar.clone(),
            row.verdict.to_string(),
        ]);
    }
    for column in table.column_iter_mut().skip(2).take(3) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let mut text = table.to_string();
    for (row, note) in rows.iter().flat_map(|row| row.notes.iter().map(move |note| (row, note))) {
        text.push_str(&format!("\n{:>4}  {note}", row.number));
    }
    text
}

/// `12,345/s`.
pub(crate) fn per_s(rate: f64) -> String {
    format!("{}/s", grouped(rate.round() as u64))
}

/// `12,345`.
pub(crate) fn grouped(number: u64) -> String {
    if number < 1_000 { number.to_string() } else { format!("{},{:03}", grouped(number / 1_000), number % 1_000) }
}

/// `p50 1.2 ms, p99 3.4 ms`.
pub(crate) fn latency(latency: &Latency) -> String {
    format!("p50 {}, p99 {}", ms(latency.p50_us), ms(latency.p99_us))
}

/// Microseconds as milliseconds, with as many digits as make sense.
pub(crate) fn ms(us: u64) -> String {
    let ms = us as f64 / 1e3;
    if ms < 1.0 { format!("{ms:.3} ms") } else { format!("{ms:.1} ms") }
}
