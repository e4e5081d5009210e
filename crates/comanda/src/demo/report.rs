//! The demo's table, for people and as JSON.

use comanda_load::{FlashSaleReport, OrderReplayReport, Verdict, WarehouseReport};
use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{CellAlignment, Table};
use serde_json::{Value, json};

use crate::carrier::standin::Statistics;
use crate::{load, verify};

/// All that the demo found out.
pub(super) struct Report {
    pub(super) orders: OrderReplayReport,
    pub(super) short_lines_expected: usize,
    pub(super) warehouse: WarehouseReport,
    /// What the carrier has done by the end of the day in the warehouse.
    pub(super) carrier_says: Statistics,
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
        self.verdict.ok
            && self.verified.ok
            && self.orders.short_lines.len() == self.short_lines_expected
            && self.warehouse.ok()
            && self.booked_once()
    }

    /// Whether the carrier has one booking for each shipment.
    fn booked_once(&self) -> bool {
        self.carrier_says.double_bookings == 0 && self.carrier_says.bookings == self.warehouse.planned
    }

    pub(super) fn print(&self) -> miette::Result<()> {
        let mut table = Table::new();
        table.load_style(UTF8_FULL_CONDENSED);
        table.set_header(["", "orders through both contexts", "a day in the warehouse", "flash sale"]);
        for row in self.order_rows() {
            table.add_row(row);
        }
        for [name, figure] in self.warehouse_rows() {
            table.add_row([name, String::new(), figure, String::new()]);
        }
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        say!("{table}")?;
        if let Some((p50, p99)) = self.lag {
            say!("views behind the log: p50 {:.1} ms, p99 {:.1} ms", p50 * 1e3, p99 * 1e3)?;
        }
        say!("disk: {:.0} fdatasync/s", self.fsyncs_per_s)?;
        verify::print(&self.verified)?;
        if !self.verdict.ok {
            load::print_checks(&self.verdict.checks)?;
        }
        if !self.warehouse.ok() {
            load::print_checks(&self.warehouse.checks)?;
        }
        Ok(())
    }

    fn order_rows(&self) -> [[String; 4]; 14] {
        let (orders, sale) = (&self.orders, &self.sale);
        let row = |name: &str, orders: String, day: String, sale: String| [name.to_owned(), orders, day, sale];
        let none = String::new;
        let day_stops = format!("{} stops of {} waves", self.warehouse.stops, self.warehouse.waves);
        [
            row(
                "stock",
                format!("{} SKUs at three locations", orders.skus),
                none(),
                format!("{} units of one SKU", sale.stock),
            ),
            row(
                "asked for",
                format!("{} orders, {} lines", orders.placed, orders.lines),
                format!("{} of these orders, {day_stops}", self.warehouse.orders),
                format!("{} buyers at once", sale.buyers),
            ),
            row("reserved", orders.reserved.to_string(), none(), sale.accepted.to_string()),
            row("reserved in part", orders.partially_reserved.to_string(), none(), none()),
            row("rejected", orders.rejected.to_string(), none(), sale.rejected.to_string()),
            row("backordered", orders.backordered.to_string(), none(), none()),
            row("cancelled or given back", orders.cancels.to_string(), none(), none()),
            row(
                "lines short",
                format!("{} (independent count {})", orders.short_lines.len(), self.short_lines_expected),
                none(),
                none(),
            ),
            row("duplicates answered again", none(), none(), sale.duplicates_answered_again.to_string()),
            row("oversold", none(), none(), self.verdict.oversold.to_string()),
            row("placed to reserved, p50 / p99", latency(&orders.latency), none(), none()),
            row("p50 / p99", none(), none(), latency(&sale.latency)),
            row(
                "took",
                format!("{:.1} s", orders.elapsed_s),
                format!("{:.1} s", self.warehouse.elapsed_s),
                format!("{:.2} s", sale.elapsed_s),
            ),
            row(
                "per second",
                format!("{:.0} orders", orders.orders_per_s),
                none(),
                format!("{:.0} reservations", sale.reservations_per_s),
            ),
        ]
    }

    fn warehouse_rows(&self) -> [[String; 2]; 8] {
        let (day, carrier) = (&self.warehouse, &self.carrier_says);
        let row = |name: &str, figure: String| [name.to_owned(), figure];
        [
            row("orders picked", format!("{}, {} units", day.orders, day.picked)),
            row("short picks", day.short_picks.to_string()),
            row("shipments shipped", format!("{} of {} planned", day.shipped, day.planned)),
            row("delivered", day.delivered.to_string()),
            row("returned", day.returned.to_string()),
            row("bookings at the carrier", carrier.bookings.to_string()),
            row("timed out after yes", format!("{}, {} lookups", carrier.unheard, carrier.lookups)),
            row("double bookings", carrier.double_bookings.to_string()),
        ]
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
            "warehouse": {
                "ordersPicked": self.warehouse.orders,
                "waves": self.warehouse.waves,
                "stops": self.warehouse.stops,
                "stopsWithBin": self.warehouse.stops_with_bin,
                "unitsPicked": self.warehouse.picked,
                "shortPicks": self.warehouse.short_picks,
                "packages": self.warehouse.packages,
                "planned": self.warehouse.planned,
                "booked": self.warehouse.booked,
                "shipped": self.warehouse.shipped,
                "delivered": self.warehouse.delivered,
                "returned": self.warehouse.returned,
                "bookings": self.carrier_says.bookings,
                "timedOutAfterYes": self.carrier_says.unheard,
                "lookups": self.carrier_says.lookups,
                "doubleBookings": self.carrier_says.double_bookings,
                "bookingS": self.warehouse.booking_s,
                "elapsedS": self.warehouse.elapsed_s,
                "checks": self.warehouse.checks,
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
