//! A day in the warehouse: orders from the pick queue to the customer's door, and one back, over HTTP alone.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::feed::Feed;
use super::warehouse_day::Day;
use crate::judge::Check;
use crate::shop::{Shop, ShopError};

/// A wave has at most so many lists, and the queue is read in pages of at most so many.
pub(super) const LISTS_MAX: usize = 200;

/// What to send out.
///
/// ```no_run
/// # async fn example() -> Result<(), comanda_load::ShopError> {
/// let warehouse = comanda_load::Warehouse::new(([127, 0, 0, 1], 8080).into(), "monday");
/// let report = warehouse.run().await?;
/// assert!(report.ok(), "{:?}", report.checks);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Warehouse {
    /// The server, which serves both contexts and books shipments.
    pub addr: SocketAddr,
    /// Stands before the id of every wave, shipment and return.
    pub name: String,
    /// From whose queue the lists are taken. What their orders have elsewhere is picked there.
    pub location: String,
    /// Who is asked to take the shipments.
    pub carrier: String,
    /// Lists taken from the queue, 1 to 200.
    pub lists: usize,
    /// How long the bookings may take, and then Inventory to follow.
    pub patience: Duration,
}

/// What came of a day in the warehouse.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WarehouseReport {
    /// Orders picked.
    pub orders: u64,
    /// Waves released, one or more for each location.
    pub waves: u64,
    /// Stops of their routes.
    pub stops: u64,
    /// Of these, how many have a bin.
    pub stops_with_bin: u64,
    /// Units picked.
    pub picked: i64,
    /// Tasks of which units were not there.
    pub short_picks: u64,
    /// Packages packed.
    pub packages: u64,
    /// Shipments planned.
    pub planned: u64,
    /// Shipments that their carrier has taken, each with a number of its own.
    pub booked: u64,
    /// Shipments that have left.
    pub shipped: u64,
    /// Shipments that have arrived.
    pub delivered: u64,
    /// Returns taken in.
    pub returned: u64,
    /// From the first shipment planned until all were booked, in seconds.
    pub booking_s: f64,
    /// How long the day took, in seconds.
    pub elapsed_s: f64,
    /// What was checked at the end of it.
    pub checks: Vec<Check>,
}

impl Warehouse {
    /// Forty lists of `main`, taken by the carrier `fast`, with half a minute of patience.
    #[must_use]
    pub fn new(addr: SocketAddr, name: impl Into<String>) -> Self {
        let (location, carrier) = ("main".to_owned(), "fast".to_owned());
        Self { addr, name: name.into(), location, carrier, lists: 40, patience: Duration::from_secs(30) }
    }

    /// Takes lists from the queue, picks, packs and ships their orders, delivers every second shipment and takes one return
    /// in. Nobody else may work on these orders meanwhile.
    ///
    /// # Errors
    /// [`ShopError`] when the server cannot be asked, or refuses what must not be refused. What it fails to do in time is
    /// a check that does not hold.
    pub async fn run(&self) -> Result<WarehouseReport, ShopError> {
        let started = Instant::now();
        let mut shop = Shop::new(self.addr);
        // What the orders have become by now is in the queue.
        shop.see(Feed::of(self.addr, "fulfillment").skip_to_end().await?);
        let mut inventory = Feed::of(self.addr, "inventory");
        inventory.skip_to_end().await?;
        let mut day = Day::new(self, shop, inventory);
        let orders = day.take_from_queue().await?;
        day.pick(&orders).await?;
        let planned = day.plan(&orders).await?;
        let booked = day.until_booked(planned).await?;
        let shipped = day.ship(booked).await?;
        day.deliver(&shipped).await?;
        day.take_back(&shipped).await?;
        day.check(&orders, &shipped).await?;
        Ok(WarehouseReport { elapsed_s: started.elapsed().as_secs_f64(), ..day.report })
    }
}

impl WarehouseReport {
    /// Whether every check held.
    #[must_use]
    pub fn ok(&self) -> bool {
        self.checks.iter().all(|check| check.ok)
    }
}
