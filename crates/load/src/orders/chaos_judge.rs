//! The judge of orders: compares, over HTTP alone, orders, stock and ledgers with what was acknowledged.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::net::SocketAddr;

use comanda_contracts::{Movement, Order, PlaceOrderRequest, Stock};

use super::feed::Feed;
use crate::books::{LEDGER_PAGES_MAX, Wrong};
use crate::judge::Verdict;
use crate::shop::{Shop, ShopError};

/// What the judge is told; everything else it finds out by asking. Nobody may be writing meanwhile.
#[derive(Clone, Debug, Default)]
pub struct OrdersCase {
    /// Every order whose placing was acknowledged, as it was placed.
    pub orders: BTreeMap<String, PlaceOrderRequest>,
    /// Those whose cancellation was acknowledged.
    pub cancelled: BTreeSet<String>,
    /// Units put on the shelves of each SKU in all: the opening stock and every receipt.
    pub received: BTreeMap<String, i64>,
}

/// Whether nothing happens to `order` any more unless somebody acts.
pub(crate) fn is_final(order: &Order) -> bool {
    let waits = |code: &str| matches!(code, "RESERVATION" | "STOCK");
    order.lines.iter().all(|line| line.pending == 0 && line.backordered == 0)
        && !order.waits_for.iter().any(|reason| waits(&reason.code))
        && !matches!(order.status.as_str(), "PLACED" | "RESERVATION_PENDING" | "BACKORDERED" | "ON_HOLD")
}

/// What the orders add up to for one SKU.
#[derive(Default)]
struct Due {
    /// Units reserved for orders that have not left.
    committed: i64,
    /// Units that have left.
    shipped: i64,
}

/// The findings so far.
#[derive(Default)]
struct Findings {
    missing: Wrong,
    unfinished: Wrong,
    lines: Wrong,
    cancelled: Wrong,
    counters: Wrong,
    doubled: Wrong,
    holds: Wrong,
    oversold: i64,
    entries: usize,
    due: HashMap<String, Due>,
    /// Units each reservation holds of each SKU, as the orders have it.
    held: HashMap<(String, String), i64>,
    ended: BTreeMap<String, u64>,
}

impl OrdersCase {
    /// Checks all there is to check; gives back also how many orders ended in which state.
    ///
    /// # Errors
    /// [`ShopError`] when a question cannot be asked; a wrong answer is a failed check, not an error.
    pub async fn judge(&self, addr: SocketAddr) -> Result<(Verdict, BTreeMap<String, u64>), ShopError> {
        let mut found = Findings::default();
        let mut shop = Shop::new(addr);
        shop.see(Feed::of(addr, "fulfillment").skip_to_end().await?);
        for (order_id, placed) in &self.orders {
            match shop.order(order_id).await? {
                Some(order) => found.order(&order, placed, self.cancelled.contains(order_id)),
                None => found.missing.add(order_id.clone()),
            }
        }
        shop.see(Feed::of(addr, "inventory").skip_to_end().await?);
        for (sku, received) in &self.received {
            let stock = shop.stock(sku).await?;
            found.stock(&stock, *received);
            found.ledger(&mut shop, sku).await?;
        }
        let verdict = found.verdict(self.orders.len(), self.received.len());
        Ok((verdict, found.ended))
    }
}

impl Findings {
    fn order(&mut self, order: &Order, placed: &PlaceOrderRequest, cancelled: bool) {
        let id = &order.order_id;
        *self.ended.entry(order.status.clone()).or_default() += 1;
        if !is_final(order) {
            let waits: Vec<&str> = order.waits_for.iter().map(|reason| reason.code.as_str()).collect();
            self.unfinished.add(format!("{id} is {} and waits for {waits:?}", order.status));
        }
        if order.lines.len() != placed.lines.len() {
            self.lines.add(format!("{id} has {} lines, not {}", order.lines.len(), placed.lines.len()));
        }
        let mut kept = 0;
        for (line, wanted) in order.lines.iter().zip(&placed.lines) {
            let answered = line.pending + line.reserved + line.backordered + line.rejected + line.cancelled;
            if line.sku != wanted.sku || line.ordered != wanted.quantity || answered != line.ordered {
                self.lines.add(format!("line {} of {id}: {answered} of {} answered", line.line_id, line.ordered));
            }
            kept += line.reserved;
            let due = self.due.entry(line.sku.clone()).or_default();
            due.committed += line.reserved - line.shipped;
            due.shipped += line.shipped;
            for at in &line.allocations {
                *self.held.entry((at.reservation_id.clone(), line.sku.clone())).or_default() += at.quantity;
            }
        }
        if cancelled && kept > 0 {
            self.cancelled.add(format!("{id} was cancelled and keeps {kept} units"));
        }
    }

    fn stock(&mut self, stock: &Stock, received: i64) {
        let sku = &stock.sku;
        let due = self.due.remove(sku).unwrap_or_default();
        for (what, is, should) in [
            ("on hand", stock.on_hand, received - due.shipped),
            ("reserved", stock.reserved, 0),
            ("committed", stock.committed, due.committed),
        ] {
            if is != should {
                self.counters.add(format!("{what} of {sku} is {is}, not {should}"));
            }
        }
        self.oversold += (stock.committed.max(due.committed) + stock.reserved - stock.on_hand).max(0);
    }

    /// Reads the ledger of `sku`: each line of a reservation is held once, and holds now what its order says.
    async fn ledger(&mut self, shop: &mut Shop, sku: &str) -> Result<(), ShopError> {
        let mut seen = HashSet::new();
        let mut held = HashMap::<String, i64>::new();
        let mut cursor = None;
        for _ in 0..LEDGER_PAGES_MAX {
            let page = shop.ledger(sku, cursor.as_deref()).await?;
            self.entries += page.items.len();
            for entry in page.items {
                let Some(id) = entry.reservation_id else { continue };
                *held.entry(id.clone()).or_default() += entry.reserved_delta + entry.committed_delta;
                if entry.movement == Movement::Held {
                    let (line, location) = (entry.line_id.clone(), entry.location_id.clone());
                    if !seen.insert((id.clone(), line, location)) {
                        self.doubled.add(format!("{sku} is held twice for {id}"));
                    }
                }
            }
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        for (id, units) in held {
            let should = self.held.remove(&(id.clone(), sku.to_owned())).unwrap_or(0);
            if units != should {
                self.holds.add(format!("{id} holds {units} of {sku}, and its order has {should}"));
            }
        }
        Ok(())
    }

    fn verdict(&mut self, orders: usize, skus: usize) -> Verdict {
        for ((id, sku), units) in self.held.drain().filter(|(_, units)| *units != 0) {
            self.holds.add(format!("an order has {units} of {sku} by {id}, which the ledger does not know"));
        }
        let checks = [
            self.missing.check("every acknowledged order is there", orders),
            self.unfinished.check("every order is in a final state", orders),
            self.lines.check("every unit of every line is answered for once", orders),
            self.cancelled.check("what was cancelled was given back", orders),
            self.counters.check("stock is conserved and every counter is the sum of its orders", skus * 3),
            self.doubled.check("nothing is reserved twice", self.entries),
            self.holds.check("no hold without its order line, and none of another size", self.entries),
        ];
        let verdict = Verdict { ok: true, oversold: self.oversold, checks: Vec::new() };
        checks.into_iter().fold(verdict, Verdict::and)
    }
}
