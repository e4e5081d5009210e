//! The timeline of an order: what happened, who did it, when, and what it waits for now.

use cqrs::{Invalid, Query, QueryError, ReadSide, Timestamp, Version};

use super::page::check_limit;
use super::sentences::{code, sentence};
use super::waits::{RECENT_MAX, WaitsFor, waits};
use crate::domain::ids::OrderId;
use crate::domain::order::{Order, OrderStatus};

/// Asks for a part of what happened to an order, newest first.
#[derive(Clone, Debug)]
pub struct Timeline {
    /// The order.
    pub order_id: OrderId,
    /// Only what happened before this version.
    pub before: Option<Version>,
    /// At most so many entries, 1 to 200.
    pub limit: usize,
}

/// What happened to an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundTimeline {
    /// Where it is now.
    pub status: OrderStatus,
    /// What it waits for now.
    pub waits: Vec<WaitsFor>,
    /// What happened, newest first.
    pub entries: Vec<Entry>,
    /// Ask for what happened before this version, if there is more.
    pub next: Option<Version>,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When.
    pub at: Timestamp,
    /// What, for programs.
    pub code: &'static str,
    /// What, for people.
    pub text: String,
    /// The command or message that led to it.
    pub command: String,
    /// Who sent it.
    pub actor: Option<String>,
    /// What ties it to the request that caused it.
    pub correlation_id: Option<String>,
    /// Its place in the order's stream.
    pub version: Version,
}

impl Query for Timeline {
    const NAME: &'static str = "order-timeline";
    /// None if there is no such order.
    type Answer = Option<FoundTimeline>;

    fn validate(&self) -> Result<(), Invalid> {
        check_limit(self.limit)
    }

    async fn answer(self, read: &ReadSide) -> Result<Option<FoundTimeline>, QueryError> {
        let stream = Order::stream(&self.order_id);
        let (order, version) = read.state(&stream).await?;
        if order.placed().is_none() {
            return Ok(None);
        }
        let recent = read.history(stream.name(), version + 1, RECENT_MAX).await?;
        let waits = waits(&order, &recent)?;
        let before = self.before.unwrap_or(version + 1);
        let events = read.history(stream.name(), before, self.limit).await?;
        let mut entries = Vec::with_capacity(events.len());
        for event in &events {
            let happened = event.as_event_of::<Order>().map_err(|why| QueryError::Broken(why.to_string()))?;
            let Some(happened) = happened else { continue };
            entries.push(Entry {
                at: event.at,
                code: code(&happened),
                text: sentence(&happened),
                command: event.metadata.command.clone(),
                actor: event.metadata.actor.clone(),
                correlation_id: event.metadata.correlation_id.clone(),
                version: event.version,
            });
        }
        let next = entries.last().map(|entry| entry.version).filter(|version| *version > 1);
        Ok(Some(FoundTimeline { status: order.status(), waits, entries, next }))
    }
}
