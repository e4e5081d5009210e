//! The calls that are measured, and the shop they are sent to.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use comanda_contracts::{AdjustmentRequest, ReasonCode, RegisterSku, Stock};
use comanda_load::{Call, Client, Shop};
use miette::{IntoDiagnostic, Result};

use crate::process::Process;

/// The SKU that everybody wants.
pub(crate) const HOT: &str = "HOT-1";

/// Units of each SKU: more than any run can sell.
const PLENTY: i64 = 1_000_000_000;

/// Seconds that holds last which must outlive the run: a week.
const WEEK_S: u32 = 604_800;

/// Reservation ids as clients make them, never one twice in a run of the table: random like a UUID v4, unless they begin
/// with their time like a UUID v7.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ids {
    given: Arc<AtomicU64>,
    begin_with_time: bool,
}

impl Ids {
    /// Further ids, that begin with their time.
    pub(crate) fn that_begin_with_time(&self) -> Self {
        Self { given: Arc::clone(&self.given), begin_with_time: true }
    }

    pub(crate) fn next(&self) -> String {
        let number = self.given.fetch_add(1, Ordering::Relaxed);
        if self.begin_with_time {
            // At 64,000 a second so many have the same millisecond.
            return format!("{:012x}{:016x}{:04x}", number / 64, scatter(number), number % 64);
        }
        format!("{:016x}{number:016x}", scatter(number))
    }

    /// Calls that each reserve one unit of `sku`.
    pub(crate) fn reserving(&self, sku: &str) -> impl Fn(u64) -> Call + Send + Sync + 'static {
        let (ids, sku) = (self.clone(), sku.to_owned());
        move |_| Call::post("/v1/reservations", ids.reservation(&sku))
    }

    /// Calls that each reserve one unit of the SKU that `pick` finds for their number.
    pub(crate) fn reserving_one_of(
        &self,
        pick: impl Fn(u64) -> String + Send + Sync + 'static,
    ) -> impl Fn(u64) -> Call + Send + Sync + 'static {
        let ids = self.clone();
        move |number| Call::post("/v1/reservations", ids.reservation(&pick(number)))
    }

    /// Calls that each reserve one unit of `sku` for a week, `items` times.
    pub(crate) fn reserving_batches(&self, sku: &str, items: usize) -> impl Fn(u64) -> Call + Send + Sync + 'static {
        let (ids, sku) = (self.clone(), sku.to_owned());
        move |_| {
            let items: Vec<String> = (0..items).map(|_| ids.long_reservation(&sku)).collect();
            Call::post("/v1/reservations:batch", format!(r#"{{"reservations":[{}]}}"#, items.join(",")))
        }
    }

    /// Calls that each place an order of two lines.
    pub(crate) fn ordering(&self) -> impl Fn(u64) -> Call + Send + Sync + 'static {
        let ids = self.clone();
        move |number| {
            let (id, other) = (ids.next(), number % 1_000);
            let lines = format!(r#"{{"sku":"{HOT}","quantity":1}},{{"sku":"SKU-{other}","quantity":1}}"#);
            Call::post("/v1/orders", format!(r#"{{"orderId":"{id}","lines":[{lines}]}}"#))
        }
    }

    fn reservation(&self, sku: &str) -> String {
        format!(r#"{{"reservationId":"{}","lines":[{{"sku":"{sku}","quantity":1}}]}}"#, self.next())
    }

    fn long_reservation(&self, sku: &str) -> String {
        let id = self.next();
        format!(r#"{{"reservationId":"{id}","lines":[{{"sku":"{sku}","quantity":1}}],"ttlSeconds":{WEEK_S}}}"#)
    }
}

/// A number that looks random, the same for the same `number` (SplitMix64).
pub(crate) fn scatter(number: u64) -> u64 {
    let mut z = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Makes `skus` known and gives each plenty of stock.
pub(crate) async fn stock_up(server: &Process, skus: &[&str]) -> Result<()> {
    let mut shop = Shop::new(server.addr());
    for sku in skus {
        let register = RegisterSku { sku: (*sku).to_owned(), ..RegisterSku::default() };
        shop.register_sku(&register).await.into_diagnostic()?;
        let opening = AdjustmentRequest {
            sku: (*sku).to_owned(),
            location_id: None,
            delta: Some(PLENTY),
            set: None,
            expected: None,
            reason_code: ReasonCode::Received,
            reference_uri: None,
        };
        shop.adjust(&opening, &format!("open-{sku}")).await.into_diagnostic()?;
    }
    shop.stock(skus.last().copied().unwrap_or(HOT)).await.into_diagnostic()?;
    Ok(())
}

/// The stock of `sku` as its view has it now.
pub(crate) async fn stock(client: &mut Client, sku: &str) -> Result<Stock> {
    let answer = client.call(&Call::get(format!("/v1/stock/{sku}"))).await.into_diagnostic()?;
    answer.json().into_diagnostic()
}

/// The value of the metric that a line of `/metrics` starts with, if there is such a line.
pub(crate) async fn metric(server: &Process, name: &str) -> Result<Option<f64>> {
    let answer = Client::new(server.addr()).call(&Call::get("/metrics")).await.into_diagnostic()?;
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.trim().parse().ok());
    Ok(value)
}
