//! What is left to do on a pick list: what the order still holds there, beside what was done.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{PickList, PickListId, ReleasedTask, RoutePlace};
use crate::domain::ids::{Bin, LineId, OrderId, Sku};
use crate::domain::order::Order;

/// Where a pick list is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PickListStatus {
    /// The order holds units there; nobody was told to pick them.
    Draft,
    /// Given to the floor.
    Released,
    /// Somebody has begun.
    InProgress,
    /// Nothing is left to do.
    Completed,
    /// Nothing is left to do, and nothing was done: the order did not want it any more.
    Cancelled,
}

impl PickListStatus {
    /// Every status.
    pub const ALL: [Self; 5] = [Self::Draft, Self::Released, Self::InProgress, Self::Completed, Self::Cancelled];

    /// Its name, as written everywhere.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "DRAFT",
            Self::Released => "RELEASED",
            Self::InProgress => "IN_PROGRESS",
            Self::Completed => "COMPLETED",
            Self::Cancelled => "CANCELLED",
        }
    }

    /// What it can become.
    #[must_use]
    pub fn next(self) -> &'static [Self] {
        match self {
            Self::Draft => &[Self::Released, Self::Cancelled],
            Self::Released => &[Self::InProgress, Self::Cancelled],
            Self::InProgress => &[Self::Completed],
            Self::Completed | Self::Cancelled => &[],
        }
    }
}

impl fmt::Display for PickListStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The pick list cannot become that.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a pick list that is {from} cannot become {to}")]
pub struct WrongPickTransition {
    /// What it is.
    pub from: PickListStatus,
    /// What it should have become.
    pub to: PickListStatus,
}

/// Where a task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TaskState {
    /// Units are to be picked.
    Open,
    /// All of them were.
    Picked,
    /// Some of them were not there.
    Short,
}

impl TaskState {
    /// Its name, as written everywhere.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "OPEN",
            Self::Picked => "PICKED",
            Self::Short => "SHORT",
        }
    }
}

/// Units of one line that the order holds where the list is picked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Held {
    /// The line.
    pub line_id: LineId,
    /// Its SKU.
    pub sku: Sku,
    /// The bin, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bin: Option<Bin>,
    /// Reserved, and not given back since.
    pub reserved: i64,
    /// Of those: picked.
    pub picked: i64,
}

/// One task: units of one line in one bin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PickTask {
    /// The order's line, and the task's id.
    pub line_id: LineId,
    /// What to pick.
    pub sku: Sku,
    /// The bin, if it has one.
    pub bin: Option<Bin>,
    /// Units in all: picked, missing and still to be picked. What the order has cancelled is not among them.
    pub quantity: i64,
    /// Units picked.
    pub picked: i64,
    /// Units that were not there.
    pub short: i64,
    /// Units that were picked and are not wanted any more: they go back to the bin.
    pub put_back: i64,
}

impl PickTask {
    /// Units still to be picked.
    #[must_use]
    pub fn open(&self) -> i64 {
        self.quantity - self.picked - self.short
    }

    /// Where it is.
    #[must_use]
    pub fn state(&self) -> TaskState {
        match self {
            task if task.open() > 0 => TaskState::Open,
            task if task.short > 0 => TaskState::Short,
            _ => TaskState::Picked,
        }
    }
}

/// A pick list with its tasks, in the order of the route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Work {
    /// Where it is.
    pub status: PickListStatus,
    /// Its tasks.
    pub tasks: Vec<PickTask>,
}

impl Work {
    /// What `list` comes to when the order holds `held` there; none if there is no such list.
    #[must_use]
    pub fn of(list: &PickList, held: &[Held]) -> Option<Self> {
        let mut tasks: Vec<PickTask> = match list.release() {
            Some(release) => {
                let held: BTreeMap<_, _> = held.iter().map(|held| (&held.line_id, held)).collect();
                release.tasks.iter().map(|task| released(list, task, held.get(&task.line_id).copied())).collect()
            }
            None => {
                let mut tasks: Vec<_> = held.iter().map(drafted).collect();
                let place =
                    |task: &PickTask| (RoutePlace::of(task.bin.as_ref()), task.sku.clone(), task.line_id.clone());
                tasks.sort_by_cached_key(place);
                tasks
            }
        };
        tasks.retain(|task| task.quantity > 0 || task.put_back > 0);
        let status = status(list, &tasks)?;
        Some(Self { status, tasks })
    }

    /// The task of the line `id`.
    #[must_use]
    pub fn task(&self, id: &LineId) -> Option<&PickTask> {
        self.tasks.iter().find(|task| task.line_id == *id)
    }

    /// Units still to be picked.
    #[must_use]
    pub fn open(&self) -> i64 {
        self.tasks.iter().map(PickTask::open).sum()
    }
}

fn status(list: &PickList, tasks: &[PickTask]) -> Option<PickListStatus> {
    let open = tasks.iter().any(|task| task.open() > 0);
    let begun = !list.done.is_empty();
    let picked = tasks.iter().any(|task| task.picked > 0);
    match (list.release().is_some(), open) {
        (false, true) => Some(PickListStatus::Draft),
        // The order left without anybody recording its picks.
        (false, false) => picked.then_some(PickListStatus::Completed),
        (true, true) if begun => Some(PickListStatus::InProgress),
        (true, true) => Some(PickListStatus::Released),
        (true, false) if begun || picked => Some(PickListStatus::Completed),
        (true, false) => Some(PickListStatus::Cancelled),
    }
}

fn released(list: &PickList, task: &ReleasedTask, held: Option<&Held>) -> PickTask {
    let (reserved, picked) = held.map_or((0, 0), |held| (held.reserved, held.picked));
    let short = list.short(&task.line_id);
    PickTask {
        line_id: task.line_id.clone(),
        sku: task.sku.clone(),
        bin: task.bin.clone(),
        quantity: reserved + short,
        picked,
        short,
        put_back: (list.picked(&task.line_id) - picked).max(0),
    }
}

fn drafted(held: &Held) -> PickTask {
    PickTask {
        line_id: held.line_id.clone(),
        sku: held.sku.clone(),
        bin: held.bin.clone(),
        quantity: held.reserved,
        picked: held.picked,
        short: 0,
        put_back: 0,
    }
}

/// What `order` holds where the list `id` is picked.
#[must_use]
pub fn held(order: &Order, id: &PickListId) -> Vec<Held> {
    let at = |line: &crate::domain::order::OrderLine| {
        let units = line.units.iter().find(|units| units.attempt == id.attempt && units.location == id.location)?;
        Some(Held {
            line_id: line.line_id.clone(),
            sku: line.sku.clone(),
            bin: units.bin.clone(),
            reserved: units.reserved,
            picked: units.picked,
        })
    };
    order.lines().iter().filter_map(at).collect()
}

/// The lists that `order` has units for, by attempt and location.
#[must_use]
pub fn lists_of(order_id: &OrderId, order: &Order) -> Vec<PickListId> {
    let units = order.lines().iter().flat_map(|line| &line.units);
    let lists: BTreeSet<_> = units.map(|units| (units.attempt, &units.location)).collect();
    let id = |(attempt, location): (u32, &crate::domain::ids::LocationId)| PickListId {
        order_id: order_id.clone(),
        attempt,
        location: location.clone(),
    };
    lists.into_iter().map(id).collect()
}
