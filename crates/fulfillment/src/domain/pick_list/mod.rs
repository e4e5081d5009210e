//! A pick list: what of one order is picked at one location. It is there as soon as the order holds units there; it gets
//! a stream of its own when it is released to the floor.

#[cfg(test)]
pub(crate) mod fixtures;
mod id;
pub mod pick_task;
pub mod release;
mod route;
pub mod short_task;
mod step;
mod work;

use std::collections::BTreeMap;
use std::sync::Arc;

use cqrs::{Aggregate, Stream, Timestamp};
use serde::{Deserialize, Serialize};

use super::ids::{Bin, LineId, Sku, WaveId};
pub use id::{InvalidPickListId, PickListId};
pub use route::RoutePlace;
pub use work::{Held, PickListStatus, PickTask, TaskState, Work, WrongPickTransition, held, lists_of};

/// What happens to a pick list. Stored for ever: a variant or field is only ever added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum PickListEvent {
    /// It was given to the floor.
    Released(Release),
    /// Units were taken from their bin.
    Picked {
        /// Of which task.
        task: LineId,
        /// Units.
        quantity: i64,
    },
    /// Units were not there.
    Short {
        /// Of which task.
        task: LineId,
        /// Units.
        quantity: i64,
    },
}

/// A pick list as it was given to the floor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Release {
    /// The wave it was released with, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wave: Option<WaveId>,
    /// When.
    pub released_at: Timestamp,
    /// What is to be picked, in the order of the route. At most as many as an order has lines.
    pub tasks: Vec<ReleasedTask>,
}

/// One task of a pick list as it was given to the floor. Its id is that of the order's line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReleasedTask {
    /// The order's line, and the task's id.
    pub line_id: LineId,
    /// What to pick.
    pub sku: Sku,
    /// The bin, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bin: Option<Bin>,
    /// Units.
    pub quantity: i64,
}

/// What was done about one task.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Done {
    picked: i64,
    short: i64,
}

/// What has happened to one pick list; nothing before it is released.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PickList {
    release: Option<Arc<Release>>,
    done: BTreeMap<LineId, Done>,
}

impl PickList {
    /// The stream of the list `id`, beside its order.
    #[must_use]
    pub fn stream(id: &PickListId) -> Stream<Self> {
        Stream::in_partition_of(&id.to_string(), &id.order_id)
    }

    /// How it was given to the floor, if it was.
    #[must_use]
    pub fn release(&self) -> Option<&Release> {
        self.release.as_deref()
    }

    /// Units of a task that pickers have taken, whatever became of them.
    #[must_use]
    pub fn picked(&self, task: &LineId) -> i64 {
        self.done.get(task).map_or(0, |done| done.picked)
    }

    /// Units of a task that pickers have not found.
    #[must_use]
    pub fn short(&self, task: &LineId) -> i64 {
        self.done.get(task).map_or(0, |done| done.short)
    }
}

impl Aggregate for PickList {
    const KIND: &'static str = "pick-list";
    type Event = PickListEvent;

    fn apply(&mut self, event: &PickListEvent) {
        match event {
            PickListEvent::Released(release) => self.release = Some(Arc::new(release.clone())),
            PickListEvent::Picked { task, quantity } => self.done.entry(task.clone()).or_default().picked += quantity,
            PickListEvent::Short { task, quantity } => self.done.entry(task.clone()).or_default().short += quantity,
        }
    }
}
