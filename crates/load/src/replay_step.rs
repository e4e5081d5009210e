//! The steps of a replay: opening a product, reserving an order, releasing it, giving back, changing stock.

use std::fmt;
use std::time::{Duration, Instant};

use comanda_contracts::{AdjustmentRequest, ReasonCode, RegisterSku, Reservation, ReserveLine, ReserveRequest};

use crate::order::{Order, OrderLine, Product, StockChange};
use crate::shop::{Shop, ShopError};
use crate::shortages::ShortLine;

/// What two steps may have in common: then they run one after the other.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Key {
    /// The stock of a SKU.
    Sku(String),
    /// The reservation of an order.
    Order(String),
}

/// One step of a replay.
#[derive(Debug)]
pub(crate) enum Step {
    /// Registers a product and puts its opening stock on the shelves.
    Open(Product),
    /// Reserves an order, holding what is there.
    Reserve(Order),
    /// Confirms an order. It changes nothing that other orders can see, so they need not wait for it.
    Confirm { order_id: String },
    /// Releases the order that a cancellation undoes whole.
    Release { order_id: String, cancel: Order },
    /// Puts the units of one line of any other cancellation back; `last` for its last line.
    GiveBack { cancel_id: String, place: usize, line: OrderLine, last: bool },
    /// Changes stock.
    Change(StockChange),
}

/// What a step did.
#[derive(Debug)]
pub(crate) enum Done {
    Opened,
    Reserved {
        order_id: String,
        lines: usize,
        latency: Duration,
        short: Vec<ShortLine>,
        accepted: bool,
    },
    Confirmed,
    Released,
    GaveBack {
        last: bool,
    },
    Changed,
    /// There was nothing to confirm or, with `cancel`, to release.
    Nothing {
        cancel: bool,
    },
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open(product) => write!(f, "the opening of SKU {}", product.sku),
            Self::Reserve(order) => write!(f, "order {}", order.id),
            Self::Confirm { order_id } => write!(f, "the confirmation of order {order_id}"),
            Self::Release { cancel, .. } => write!(f, "cancellation {}", cancel.id),
            Self::GiveBack { cancel_id, .. } => write!(f, "cancellation {cancel_id}"),
            Self::Change(change) => write!(f, "stock change {} of SKU {}", change.id, change.sku),
        }
    }
}

impl Step {
    /// What it touches, perhaps with repetitions.
    pub(crate) fn keys(&self) -> Vec<Key> {
        let of = |order: &Order, id: &str| {
            let skus = order.lines.iter().map(|line| Key::Sku(line.sku.clone()));
            skus.chain([Key::Order(id.to_owned())]).collect()
        };
        match self {
            Self::Open(product) => vec![Key::Sku(product.sku.clone())],
            Self::Reserve(order) => of(order, &order.id),
            Self::Confirm { order_id } => vec![Key::Order(order_id.clone())],
            Self::Release { order_id, cancel } => of(cancel, order_id),
            Self::GiveBack { line, .. } => vec![Key::Sku(line.sku.clone())],
            Self::Change(change) => vec![Key::Sku(change.sku.clone())],
        }
    }

    /// The order it settles, if it only makes sense for one that was accepted.
    pub(crate) fn settles(&self) -> Option<&str> {
        match self {
            Self::Confirm { order_id } | Self::Release { order_id, .. } => Some(order_id),
            _ => None,
        }
    }

    /// Does it. `name` stands before every id, so that the same step done again under it changes nothing.
    pub(crate) async fn run(&self, shop: &mut Shop, name: &str, locations: &[String]) -> Result<Done, ShopError> {
        let first = locations.first().map_or("main", String::as_str);
        match self {
            Self::Open(product) => open(shop, product, name, locations).await,
            Self::Reserve(order) => reserve(shop, order, name).await,
            Self::Confirm { order_id } => {
                shop.confirm(&format!("{name}:{order_id}")).await?;
                Ok(Done::Confirmed)
            }
            Self::Release { order_id, .. } => {
                shop.release(&format!("{name}:{order_id}")).await?;
                Ok(Done::Released)
            }
            Self::GiveBack { cancel_id, place, line, last } => {
                let reference = format!("cancellation {cancel_id}");
                let back = adjustment(&line.sku, first, line.quantity, ReasonCode::Restock, &reference);
                shop.adjust(&back, &format!("{name}:{cancel_id}:{place}")).await?;
                Ok(Done::GaveBack { last: *last })
            }
            Self::Change(change) => {
                let key = format!("{name}:change:{}", change.id);
                if change.delta < 0 {
                    take_away(shop, change, &key, first).await
                } else {
                    add(shop, change, &key, first).await
                }
            }
        }
    }
}

async fn open(shop: &mut Shop, product: &Product, name: &str, locations: &[String]) -> Result<Done, ShopError> {
    let title = Some(product.name.clone()).filter(|name| !name.is_empty());
    let registration = RegisterSku { sku: product.sku.clone(), name: title, ..RegisterSku::default() };
    shop.register_sku(&registration).await?;
    let places = i64::try_from(locations.len()).unwrap_or(1).max(1);
    for (place, location) in locations.iter().enumerate() {
        // The first places take one unit more when the stock cannot be divided evenly.
        let more = i64::from((place as i64) < product.opening % places);
        let units = product.opening / places + more;
        if units > 0 {
            let key = format!("{name}:open:{}:{location}", product.sku);
            shop.adjust(&adjustment(&product.sku, location, units, ReasonCode::Received, "opening stock"), &key)
                .await?;
        }
    }
    Ok(Done::Opened)
}

async fn reserve(shop: &mut Shop, order: &Order, name: &str) -> Result<Done, ShopError> {
    let id = format!("{name}:{}", order.id);
    let lines = order.lines.iter().enumerate().map(|(place, line)| ReserveLine {
        line_id: Some((place + 1).to_string()),
        sku: line.sku.clone(),
        quantity: line.quantity,
        location_id: None,
    });
    let request = ReserveRequest {
        reservation_id: Some(id),
        lines: lines.collect(),
        allow_partial: true,
        ..ReserveRequest::default()
    };
    let sent = Instant::now();
    let answer = shop.reserve(&request).await;
    let latency = sent.elapsed();
    let held = match answer {
        Ok(reservation) => Some(reservation),
        Err(ShopError::Refused { status: 409, code, .. }) if code == "INSUFFICIENT_STOCK" => None,
        Err(error) => return Err(error),
    };
    let (order_id, lines, accepted) = (order.id.clone(), order.lines.len(), held.is_some());
    Ok(Done::Reserved { order_id, lines, latency, short: short_lines(order, held.as_ref()), accepted })
}

/// The lines of `order` that `held` (nothing, if it was refused) does not fill.
fn short_lines(order: &Order, held: Option<&Reservation>) -> Vec<ShortLine> {
    let mut short = Vec::new();
    for (place, line) in order.lines.iter().enumerate() {
        let held = held.and_then(|held| held.lines.get(place)).map_or(0, |line| line.held);
        if held < line.quantity {
            let (order_id, sku) = (order.id.clone(), line.sku.clone());
            short.push(ShortLine { order_id, line: place + 1, sku, requested: line.quantity, held });
        }
    }
    short
}

async fn add(shop: &mut Shop, change: &StockChange, key: &str, location: &str) -> Result<Done, ShopError> {
    if change.delta > 0 {
        shop.adjust(&changed(change, location, change.delta), key).await?;
    }
    Ok(Done::Changed)
}

/// Takes away what the change says, or what is available where that is less: promised units cannot be adjusted away.
async fn take_away(shop: &mut Shop, change: &StockChange, key: &str, first: &str) -> Result<Done, ShopError> {
    match shop.adjust(&changed(change, first, change.delta), key).await {
        Ok(()) => return Ok(Done::Changed),
        Err(error) if error.status() == Some(409) => {}
        Err(error) => return Err(error),
    }
    let stock = shop.stock(&change.sku).await?;
    let mut left = change.delta.saturating_neg().min(stock.available);
    for level in &stock.locations {
        let units = left.min(level.available);
        if units > 0 {
            let key = format!("{key}:{}", level.location_id);
            shop.adjust(&changed(change, &level.location_id, -units), &key).await?;
            left -= units;
        }
    }
    Ok(Done::Changed)
}

fn changed(change: &StockChange, location: &str, delta: i64) -> AdjustmentRequest {
    let reference = if change.reason.is_empty() { "stock change" } else { &change.reason };
    adjustment(&change.sku, location, delta, ReasonCode::Correction, reference)
}

fn adjustment(sku: &str, location: &str, delta: i64, reason: ReasonCode, reference: &str) -> AdjustmentRequest {
    AdjustmentRequest {
        sku: sku.to_owned(),
        location_id: Some(location.to_owned()),
        delta: Some(delta),
        set: None,
        expected: None,
        reason_code: reason,
        reference_uri: Some(reference.chars().take(500).collect()),
    }
}
