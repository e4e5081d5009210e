//! Pick lists as the floor sees them: the most urgent first, by location, status and wave.

use std::collections::{BTreeMap, BTreeSet};

use cqrs::{Aggregate, IndexValue, Projection, ReadModel, Recorded, Rows, Timestamp, Unreadable};
use serde::{Deserialize, Serialize};

use crate::domain::ids::{LineId, Sku};
use crate::domain::order::{Order, OrderEvent, Placed, Priority, ReservedUnits, UnitsAt};
use crate::domain::pick_list::{Held, PickList, PickListId, PickListStatus, Work};

/// A pick list, or what its order says of all its lists. The key is the id of the list, or of the order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PickListRow {
    /// What is the same for all lists of an order. No list shows it.
    Order(OrderHead),
    /// One list.
    List(PickListEntry),
}

/// What an order says of its pick lists.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderHead {
    urgency: Urgency,
    skus: BTreeMap<LineId, Sku>,
    lists: BTreeSet<PickListId>,
}

/// How urgent an order is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Urgency {
    /// Its service level.
    pub priority: Priority,
    /// When it is promised, if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promised_at: Option<Timestamp>,
    /// When it was placed.
    pub placed_at: Timestamp,
    /// Whether it rests: nobody may pick it.
    pub on_hold: bool,
}

/// One pick list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PickListEntry {
    /// Its id.
    pub id: PickListId,
    /// How urgent its order is.
    pub urgency: Urgency,
    /// What the order holds there.
    pub held: Vec<Held>,
    /// What has happened to it.
    pub list: PickList,
}

impl PickListEntry {
    /// What is to be done; none if there is no such list any more.
    #[must_use]
    pub fn work(&self) -> Option<Work> {
        Work::of(&self.list, &self.held)
    }

    /// Its turn: service level, promise, age. What rests comes last, whatever it is.
    fn turn(&self) -> String {
        let level = match (self.urgency.on_hold, self.urgency.priority) {
            (true, _) => 9,
            (_, Priority::Express) => 1,
            (_, Priority::Standard) => 2,
            (_, Priority::Economy) => 3,
        };
        let promised = self.urgency.promised_at.unwrap_or(Timestamp::MAX).as_millis().max(0);
        format!("{level}/{promised:019}/{:019}", self.urgency.placed_at.as_millis().max(0))
    }
}

impl PickListRow {
    /// The index of its location.
    pub const BY_LOCATION: usize = 0;
    /// The index of its status.
    pub const BY_STATUS: usize = 1;
    /// The index of its turn, a text; nothing for what is no list.
    pub const BY_TURN: usize = 2;
    /// The index of its wave.
    pub const BY_WAVE: usize = 3;
}

impl ReadModel for PickListRow {
    const NAME: &'static str = "pick_lists";
    const VERSION: u32 = 1;
    const INDEXES: &'static [&'static str] = &["location", "status", "turn", "wave"];

    fn indexes(&self) -> Vec<IndexValue> {
        let Self::List(entry) = self else { return vec![IndexValue::Null; Self::INDEXES.len()] };
        let wave = entry.list.release().and_then(|release| release.wave.as_ref());
        let status = entry.work().map_or(PickListStatus::Cancelled, |work| work.status);
        vec![
            entry.id.location.as_str().into(),
            status.as_str().into(),
            entry.turn().as_str().into(),
            wave.map_or(IndexValue::Null, |wave| wave.as_str().into()),
        ]
    }
}

/// Folds events of orders and of pick lists into [`PickListRow`]s: a list's stream is in its order's partition.
#[derive(Clone, Copy, Debug, Default)]
pub struct PickListProjection;

impl Projection for PickListProjection {
    type Row = PickListRow;

    fn fold(&self, event: &Recorded, rows: &mut Rows<PickListRow>) -> Result<(), Unreadable> {
        if let Some(happened) = event.as_event_of::<PickList>()? {
            on_entry(rows, event.stream.id(), |entry| entry.list.apply(&happened));
        } else if let Some(happened) = event.as_event_of::<Order>()? {
            fold_order(event.stream.id(), &happened, rows);
        }
        Ok(())
    }
}

fn fold_order(order_id: &str, event: &OrderEvent, rows: &mut Rows<PickListRow>) {
    match event {
        OrderEvent::Placed(placed) => rows.put(order_id, PickListRow::Order(head(placed))),
        OrderEvent::Reserved { attempt, lines, .. } => reserved(order_id, *attempt, lines, rows),
        OrderEvent::ReleaseRequested { attempt, lines } if lines.is_empty() => {
            on_lists(rows, order_id, |entry| {
                if entry.id.attempt == *attempt {
                    entry.held.clear();
                }
            });
            sweep(rows, order_id);
        }
        OrderEvent::ReleaseRequested { attempt, lines } => {
            for at in lines {
                on_held(rows, order_id, &UnitsAt { attempt: *attempt, ..at.clone() }, |held| {
                    held.reserved -= at.quantity;
                    held.picked = held.picked.min(held.reserved);
                });
            }
            sweep(rows, order_id);
        }
        OrderEvent::Picked { units } => on_held(rows, order_id, units, |held| held.picked += units.quantity),
        OrderEvent::ReadyToShip { implicit: true } => on_lists(rows, order_id, |entry| {
            entry.held.iter_mut().for_each(|held| held.picked = held.reserved);
        }),
        OrderEvent::PutOnHold { .. } => rest(rows, order_id, true),
        OrderEvent::HoldReleased => rest(rows, order_id, false),
        _ => {}
    }
}

fn head(placed: &Placed) -> OrderHead {
    OrderHead {
        urgency: Urgency {
            priority: placed.priority,
            promised_at: placed.promised_at,
            placed_at: placed.placed_at,
            on_hold: false,
        },
        skus: placed.lines.iter().map(|line| (line.line_id.clone(), line.sku.clone())).collect(),
        lists: BTreeSet::new(),
    }
}

fn reserved(order_id: &str, attempt: u32, lines: &[ReservedUnits], rows: &mut Rows<PickListRow>) {
    let Some(mut head) = head_of(rows, order_id) else { return };
    let mut entries: BTreeMap<String, PickListEntry> = BTreeMap::new();
    for line in lines {
        let Some(sku) = head.skus.get(&line.line_id) else { continue };
        for place in &line.from {
            let Ok(id) = PickListId::parse(&format!("{order_id}~{attempt}~{}", place.location)) else { continue };
            head.lists.insert(id.clone());
            let urgency = head.urgency.clone();
            let entry = entries.entry(id.to_string()).or_insert_with(|| PickListEntry {
                id,
                urgency,
                held: Vec::new(),
                list: PickList::default(),
            });
            match entry.held.iter_mut().find(|held| held.line_id == line.line_id) {
                Some(held) => held.reserved += place.quantity,
                None => entry.held.push(Held {
                    line_id: line.line_id.clone(),
                    sku: sku.clone(),
                    bin: place.bin.clone(),
                    reserved: place.quantity,
                    picked: 0,
                }),
            }
        }
    }
    for (key, entry) in entries {
        rows.put(&key, PickListRow::List(entry));
    }
    rows.put(order_id, PickListRow::Order(head));
}

/// Forgets lists that nobody released and that have nothing left.
fn sweep(rows: &mut Rows<PickListRow>, order_id: &str) {
    let Some(mut head) = head_of(rows, order_id) else { return };
    let before = head.lists.len();
    head.lists.retain(|id| {
        let key = id.to_string();
        let row = rows.get(&key);
        let gone = matches!(row.as_deref(), Some(PickListRow::List(entry)) if entry.work().is_none());
        if gone {
            rows.remove(&key);
        }
        !gone
    });
    if head.lists.len() < before {
        rows.put(order_id, PickListRow::Order(head));
    }
}

fn rest(rows: &mut Rows<PickListRow>, order_id: &str, on_hold: bool) {
    rows.update(order_id, |row| {
        if let PickListRow::Order(head) = row {
            head.urgency.on_hold = on_hold;
        }
    });
    on_lists(rows, order_id, |entry| entry.urgency.on_hold = on_hold);
}

fn head_of(rows: &mut Rows<PickListRow>, order_id: &str) -> Option<OrderHead> {
    match rows.get(order_id).as_deref() {
        Some(PickListRow::Order(head)) => Some(head.clone()),
        _ => None,
    }
}

fn on_lists(rows: &mut Rows<PickListRow>, order_id: &str, change: impl Fn(&mut PickListEntry)) {
    for id in head_of(rows, order_id).map(|head| head.lists).unwrap_or_default() {
        on_entry(rows, &id.to_string(), &change);
    }
}

fn on_entry(rows: &mut Rows<PickListRow>, key: &str, change: impl FnOnce(&mut PickListEntry)) {
    rows.update(key, |row| {
        if let PickListRow::List(entry) = row {
            change(entry);
        }
    });
}

fn on_held(rows: &mut Rows<PickListRow>, order_id: &str, at: &UnitsAt, change: impl FnOnce(&mut Held)) {
    let key = format!("{order_id}~{}~{}", at.attempt, at.location);
    on_entry(rows, &key, |entry| {
        if let Some(held) = entry.held.iter_mut().find(|held| held.line_id == at.line_id) {
            change(held);
        }
        entry.held.retain(|held| held.reserved > 0);
    });
}
