//! The demo's table, for people and as JSON.

use comanda_load::{FlashSaleReport, OrderReplayReport, Verdict};
use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{CellAlignment, Table};
use serde_json::{Value, json};

use crate::{load, verify};

/// All that the demo found out.
pub(super) struct Report {
    pub(super) orders: OrderReplayReport,
    pub(super) short_lines_expected: usize,
    pub(super) sale: FlashSaleReport,
    pub(super) verdict: Verdict,
    pub(super) verified: verify::Report,
    pub(super) fsyncs_per_s: f64,
    /// From an event's commit until the views had it: p50 and p99, in seconds.
    pub(super) lag: Option<(f64, f64)>,
}

impl Report {
    /// Whether every promise was kept.
    pub(super) fn ok(&self) -> bool {
        self.verdict.ok && self.verified.ok && self.orders.short_lines.len() == self.short_lines_expected
    }

    pub(super) fn print(&self) {
        let (orders, sale) = (&self.orders, &self.sale);
        let mut table = Table::new();
        table.load_style(UTF8_FULL_CONDENSED).set_header(["", "orders through both contexts", "flash sale"]);
        let rows = [
            ["stock", &format!("{} SKUs at three locations", orders.skus), &format!("{} units of one SKU", sale.stock)],
            [
                "asked for",
                &format!("{} orders, {} lines", orders.placed, orders.lines),
                &format!("{} buyers at once", sale.buyers),
            ],
            ["reserved", &orders.reserved.to_string(), &sale.accepted.to_string()],
            ["reserved in part", &orders.partially_reserved.to_string(), ""],
            ["rejected", &orders.rejected.to_string(), &sale.rejected.to_string()],
            ["backordered", &orders.backordered.to_string(), ""],
            ["cancelled or given back", &orders.cancels.to_string(), ""],
            [
                "lines short",
                &format!("{} (independent count {})", orders.short_lines.len(), self.short_lines_expected),
                "",
            ],
            ["duplicates answered again", "", &sale.duplicates_answered_again.to_string()],
            ["oversold", "", &self.verdict.oversold.to_string()],
            ["placed to reserved, p50 / p99", &latency(&orders.latency), ""],
            ["p50 / p99", "", &latency(&sale.latency)],
            ["took", &format!("{:.1} s", orders.elapsed_s), &format!("{:.2} s", sale.elapsed_s)],
            [
                "per second",
                &format!("{:.0} orders", orders.orders_per_s),
                &format!("{:.0} reservations", sale.reservations_per_s),
            ],
        ];
        for row in rows {
            table.add_row(row);
        }
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        println!("{table}");
        if let Some((p50, p99)) = self.lag {
            println!("views behind the log: p50 {:.1} ms, p99 {:.1} ms", p50 * 1e3, p99 * 1e3);
        }
        println!("disk: {:.0} fdatasync/s", self.fsyncs_per_s);
        verify::print(&self.verified);
        if !self.verdict.ok {
            load::print_checks(&self.verdict);
        }
    }

    pub(super) fn json(&self) -> Value {
        let (orders, sale, verified) = (&self.orders, &self.sale, &self.verified);
        json!({
            "flashSale": {
                "stock": sale.stock,
                "buyers": sale.buyers,
                "accepted": sale.accepted,
                "rejected": sale.rejected,
                "oversold": self.verdict.oversold,
                "duplicatesAnsweredAgain": sale.duplicates_answered_again,
                "unanswered": sale.unanswered,
                "reservationsPerS": sale.reservations_per_s,
                "p50Ms": millis(sale.latency.p50_us),
                "p99Ms": millis(sale.latency.p99_us),
                "checks": self.verdict.checks,
            },
            "orders": {
                "skus": orders.skus,
                "placed": orders.placed,
                "lines": orders.lines,
                "reserved": orders.reserved,
                "partiallyReserved": orders.partially_reserved,
                "rejected": orders.rejected,
                "backordered": orders.backordered,
                "cancels": orders.cancels,
                "shortLines": orders.short_lines.len(),
                "shortLinesExpected": self.short_lines_expected,
                "ordersPerS": orders.orders_per_s,
                "placedToReservedP50Ms": millis(orders.latency.p50_us),
                "placedToReservedP99Ms": millis(orders.latency.p99_us),
            },
            "verify": verified,
            "fsyncsPerS": self.fsyncs_per_s,
            "viewLagP50Ms": self.lag.map(|(p50, _)| p50 * 1e3),
            "viewLagP99Ms": self.lag.map(|(_, p99)| p99 * 1e3),
            "ok": self.ok(),
        })
    }
}

fn millis(us: u64) -> f64 {
    us as f64 / 1e3
}

fn latency(latency: &comanda_load::Latency) -> String {
    format!("{:.1} / {:.1} ms", millis(latency.p50_us), millis(latency.p99_us))
}
