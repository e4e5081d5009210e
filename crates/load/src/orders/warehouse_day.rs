//! The steps of a day in the warehouse, in the order in which they are taken.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use comanda_contracts::events::{Disposition, ReservationConsumed};
use comanda_contracts::{
    Movement, Order, OrderLine, PlanShipmentRequest, ReceiveReturnRequest, ReceivedLine, ReleaseWaveRequest,
    RequestReturnRequest, ReturnLine, Shipment, ShipmentNews, TrackShipmentRequest,
};

use super::feed::Feed;
use super::warehouse::{LISTS_MAX, Warehouse, WarehouseReport};
use crate::judge::Check;
use crate::shop::{Shop, ShopError};

/// What is not there is asked for elsewhere and picked there, at most so often.
const ROUNDS_MAX: usize = 5;
/// Between two looks at what the server does by itself.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// What is wrong is named in a check at most so often.
const NAMED_MAX: usize = 5;

/// A list of one location that is to be picked.
struct OpenList {
    id: String,
    order_id: String,
    tasks: usize,
}

/// A day under way.
pub(super) struct Day<'a> {
    warehouse: &'a Warehouse,
    shop: Shop,
    /// What Inventory has told since the day began.
    inventory: Feed,
    unbooked: Vec<String>,
    lost_units: Vec<String>,
    pub(super) report: WarehouseReport,
}

impl<'a> Day<'a> {
    pub(super) fn new(warehouse: &'a Warehouse, shop: Shop, inventory: Feed) -> Self {
        let report = WarehouseReport::default();
        Self { warehouse, shop, inventory, unbooked: Vec::new(), lost_units: Vec::new(), report }
    }

    /// The orders whose lists are the most urgent.
    pub(super) async fn take_from_queue(&mut self) -> Result<Vec<String>, ShopError> {
        let limit = self.warehouse.lists.clamp(1, LISTS_MAX);
        let queue = self.shop.pick_queue(&self.warehouse.location, limit).await?;
        let mut seen = BTreeSet::new();
        let orders = queue.items.into_iter().filter(|list| !list.on_hold).map(|list| list.order_id);
        Ok(orders.filter(|order_id| seen.insert(order_id.clone())).collect())
    }

    /// Picks and packs all that the orders have, wherever it is; one task is short.
    pub(super) async fn pick(&mut self, orders: &[String]) -> Result<(), ShopError> {
        for round in 1..=ROUNDS_MAX {
            let lists = self.open_lists(orders).await?;
            if lists.is_empty() {
                break;
            }
            for (location, lists) in lists {
                for (part, lists) in lists.chunks(LISTS_MAX).enumerate() {
                    let wave = format!("{location}:{round}:{}", part + 1);
                    self.pick_wave(&location, &wave, lists).await?;
                }
            }
        }
        self.report.orders = orders.len() as u64;
        Ok(())
    }

    /// Lists that nobody has released, by location, once Inventory has answered all that these orders ask it for.
    async fn open_lists(&mut self, orders: &[String]) -> Result<BTreeMap<String, Vec<OpenList>>, ShopError> {
        let mut open: BTreeMap<String, Vec<OpenList>> = BTreeMap::new();
        for order_id in orders {
            let deadline = Instant::now() + self.warehouse.patience;
            while sum(&self.order(order_id).await?, |line| line.pending) > 0 && Instant::now() < deadline {
                tokio::time::sleep(LOOK_EVERY).await;
            }
            let lists = self.shop.pick_lists_of(order_id).await?;
            for list in lists.into_iter().filter(|list| list.status == "DRAFT") {
                let (id, order_id, tasks) = (list.pick_list_id, list.order_id, list.tasks.len());
                open.entry(list.location_id).or_default().push(OpenList { id, order_id, tasks });
            }
        }
        Ok(open)
    }

    /// Picks lists of one location together, in the order of the route, then packs each order's units into one package.
    async fn pick_wave(&mut self, location: &str, name: &str, lists: &[OpenList]) -> Result<(), ShopError> {
        let wave_id = format!("{}:{name}", self.warehouse.name);
        let pick_list_ids = lists.iter().map(|list| list.id.clone()).collect();
        let location_id = location.to_owned();
        self.shop
            .release_wave(&ReleaseWaveRequest { wave_id: Some(wave_id.clone()), location_id, pick_list_ids })
            .await?;
        let wave = self.shop.wave(&wave_id).await?;
        self.report.waves += 1;
        for stop in &wave.stops {
            self.report.stops += 1;
            self.report.stops_with_bin += u64::from(stop.bin.is_some());
            for share in &stop.split {
                // Not an order's only task there, so that there is something left to pack.
                let several = lists.iter().any(|list| list.id == share.pick_list_id && list.tasks > 1);
                if self.report.short_picks == 0 && several {
                    self.shop.miss(&share.pick_list_id, &share.task_id, share.open).await?;
                    self.report.short_picks += 1;
                } else {
                    self.shop.pick(&share.pick_list_id, &share.task_id, share.open).await?;
                    self.report.picked += share.open;
                }
            }
        }
        let package_id = format!("box:{name}");
        let orders: BTreeSet<&String> = lists.iter().map(|list| &list.order_id).collect();
        for order_id in orders {
            self.shop.pack(order_id, &package_id).await?;
            self.report.packages += 1;
        }
        Ok(())
    }

    /// Makes the orders ready and plans a shipment from each location they leave from.
    pub(super) async fn plan(&mut self, orders: &[String]) -> Result<Vec<String>, ShopError> {
        let mut planned = Vec::new();
        for order_id in orders {
            self.shop.make_ready(order_id).await?;
            let mut boxes: BTreeMap<String, u32> = BTreeMap::new();
            for package in self.shop.packages(order_id).await? {
                let locations: BTreeSet<String> = package.lines.into_iter().map(|line| line.location_id).collect();
                locations.into_iter().for_each(|location| *boxes.entry(location).or_default() += 1);
            }
            for (location, packages) in boxes {
                let shipment_id = format!("{}:shipment:{}", self.warehouse.name, planned.len() + 1);
                let request = PlanShipmentRequest {
                    shipment_id: shipment_id.clone(),
                    order_id: order_id.clone(),
                    carrier: self.warehouse.carrier.clone(),
                    lines: None,
                    location_id: Some(location),
                    packages: Some(packages),
                };
                self.shop.plan_shipment(&request).await?;
                planned.push(shipment_id);
            }
        }
        self.report.planned = planned.len() as u64;
        Ok(planned)
    }

    /// Waits until the carrier has said what becomes of each shipment; gives back those that it takes.
    pub(super) async fn until_booked(&mut self, planned: Vec<String>) -> Result<Vec<Shipment>, ShopError> {
        let started = Instant::now();
        let deadline = started + self.warehouse.patience;
        let (mut booked, mut numbers) = (Vec::new(), BTreeSet::new());
        for shipment_id in planned {
            let shipment = loop {
                let shipment = self.shop.shipment(&shipment_id).await?;
                let waits = matches!(shipment.status.as_str(), "PLANNED" | "BOOKING" | "BOOKING_UNKNOWN");
                if !waits || Instant::now() > deadline {
                    break shipment;
                }
                tokio::time::sleep(LOOK_EVERY).await;
            };
            let own = shipment.tracking_number.clone().is_some_and(|number| numbers.insert(number));
            if shipment.status == "BOOKED" && own {
                booked.push(shipment);
            } else {
                self.unbooked.push(format!("{shipment_id} is {}", shipment.status));
            }
        }
        self.report.booking_s = started.elapsed().as_secs_f64();
        self.report.booked = booked.len() as u64;
        Ok(booked)
    }

    /// Lets all booked shipments leave, and waits until Inventory has let their units go.
    pub(super) async fn ship(&mut self, booked: Vec<Shipment>) -> Result<Vec<Shipment>, ShopError> {
        for shipment in &booked {
            self.shop.dispatch(&shipment.shipment_id).await?;
        }
        self.report.shipped = booked.len() as u64;
        let mut left: BTreeSet<String> = booked.iter().map(|shipment| shipment.shipment_id.clone()).collect();
        let deadline = Instant::now() + self.warehouse.patience;
        while !left.is_empty() && Instant::now() < deadline {
            for event in self.inventory.next(Duration::from_secs(1)).await?.events {
                if event.event_type == ReservationConsumed::TYPE {
                    let told: ReservationConsumed = event.data()?;
                    if let Some(shipment_id) = told.reference {
                        left.remove(&shipment_id);
                    }
                }
            }
        }
        self.lost_units.extend(left.into_iter().map(|shipment| format!("Inventory still has {shipment}")));
        Ok(booked)
    }

    /// Every second shipment arrives.
    pub(super) async fn deliver(&mut self, shipped: &[Shipment]) -> Result<(), ShopError> {
        for shipment in shipped.iter().step_by(2) {
            for (event_id, status) in [("1", ShipmentNews::InTransit), ("2", ShipmentNews::Delivered)] {
                let (event_id, happened_at) = (event_id.to_owned(), jiff::Timestamp::now().to_string());
                let news = TrackShipmentRequest { event_id, status, happened_at, text: None };
                self.shop.track(&shipment.shipment_id, &news).await?;
            }
            self.report.delivered += 1;
        }
        Ok(())
    }

    /// One line of what arrived comes back, and goes back on the shelf: waits until Inventory has it.
    pub(super) async fn take_back(&mut self, shipped: &[Shipment]) -> Result<(), ShopError> {
        let Some((shipment, line)) = shipped.first().and_then(|shipment| Some((shipment, shipment.lines.first()?)))
        else {
            return Ok(());
        };
        let order = self.order(&shipment.order_id).await?;
        let Some(sku) = order.lines.iter().find(|at| at.line_id == line.line_id).map(|at| at.sku.clone()) else {
            return Ok(());
        };
        let return_id = format!("{}:return:1", self.warehouse.name);
        let (line_id, quantity) = (line.line_id.clone(), line.quantity);
        let request = RequestReturnRequest {
            return_id: return_id.clone(),
            order_id: shipment.order_id.clone(),
            lines: vec![ReturnLine { line_id: line_id.clone(), quantity }],
            reason: Some("does not fit".to_owned()),
        };
        self.shop.request_return(&request).await?;
        let location_id = line.location_id.clone();
        let received = ReceivedLine { line_id, quantity, location_id, disposition: Disposition::Restock };
        self.shop.receive_return(&return_id, &ReceiveReturnRequest { lines: vec![received] }).await?;
        self.report.returned += 1;
        let deadline = Instant::now() + self.warehouse.patience;
        loop {
            let ledger = self.shop.ledger(&sku, None).await?;
            let back = |movement| movement == Movement::Returned;
            if ledger.items.iter().any(|entry| back(entry.movement) && entry.on_hand_delta == quantity) {
                return Ok(());
            }
            if Instant::now() > deadline {
                self.lost_units.push(format!("{quantity} units of {sku} came back and are on no shelf"));
                return Ok(());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Compares what was done with what the orders say.
    pub(super) async fn check(&mut self, orders: &[String], shipped: &[Shipment]) -> Result<(), ShopError> {
        let mut units: BTreeMap<&str, i64> = BTreeMap::new();
        for shipment in shipped {
            let sent: i64 = shipment.lines.iter().map(|line| line.quantity).sum();
            *units.entry(&shipment.order_id).or_default() += sent;
        }
        let (mut wrong, mut picked, mut returned) = (Vec::new(), 0, 0);
        for order_id in orders {
            let order = self.order(order_id).await?;
            let sent = units.get(order_id.as_str()).copied().unwrap_or_default();
            let says = sum(&order, |line| line.shipped);
            if says != sent || sum(&order, |line| line.reserved) != sent {
                wrong.push(format!("{order_id}: {sent} units were sent, it says {says}"));
            }
            picked += sum(&order, |line| line.picked);
            returned += sum(&order, |line| line.returned);
        }
        if picked != self.report.picked {
            wrong.push(format!("{} units were picked, the orders say {picked}", self.report.picked));
        }
        if (returned > 0) != (self.report.returned > 0) {
            wrong.push(format!("{returned} units came back"));
        }
        self.note(
            "everything planned is booked",
            &format!("{} shipments", self.report.planned),
            &self.unbooked.clone(),
        );
        self.note("each order has sent all it had", &format!("{picked} units"), &wrong);
        self.note("stock follows what left and what came back", "Inventory agrees", &self.lost_units.clone());
        Ok(())
    }

    fn note(&mut self, name: &'static str, figures: &str, wrong: &[String]) {
        let named: Vec<&String> = wrong.iter().take(NAMED_MAX).collect();
        let detail = format!("{figures}, {} wrong {named:?}", wrong.len());
        self.report.checks.push(Check { name, ok: wrong.is_empty(), detail });
    }

    async fn order(&mut self, order_id: &str) -> Result<Order, ShopError> {
        self.shop.known_order(order_id).await
    }
}

fn sum(order: &Order, count: fn(&OrderLine) -> i64) -> i64 {
    order.lines.iter().map(count).sum()
}
