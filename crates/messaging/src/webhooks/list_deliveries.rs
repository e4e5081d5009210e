//! The delivery log of a webhook: every try, newest first, read from the webhook's own stream.

use cqrs::{Invalid, Query, QueryError, ReadSide, Version};

use super::domain::endpoint::{Attempt, Endpoint, EndpointEvent};
use super::domain::ids::WebhookId;
use super::list::PAGE_MAX;

/// Events read at once; each records up to a hundred deliveries, or none.
const EVENTS: usize = 100;

/// How often events are read for one page; it then ends early.
const READS_MAX: usize = 10;

/// The place after every event.
const END: Version = i64::MAX as Version;

/// Asks for a part of a webhook's deliveries.
#[derive(Clone, Debug)]
pub struct ListDeliveries {
    /// The webhook.
    pub webhook: WebhookId,
    /// Only what comes after this one.
    pub after: Option<DeliveryCursor>,
    /// At most so many, 1 to 200.
    pub limit: usize,
}

/// The place of a delivery in the log of its webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeliveryCursor {
    /// The version of the webhook that recorded it.
    pub version: Version,
    /// Its place, newest first, among those that this version recorded.
    pub place: usize,
}

/// One try, and whether somebody asked for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedDelivery {
    /// How it went.
    pub attempt: Attempt,
    /// Whether somebody asked for it.
    pub redelivery: bool,
}

impl Query for ListDeliveries {
    const NAME: &'static str = "list-webhook-deliveries";
    /// None if there is no such webhook.
    type Answer = Option<(Vec<LoggedDelivery>, Option<DeliveryCursor>)>;

    fn validate(&self) -> Result<(), Invalid> {
        if (1..=PAGE_MAX).contains(&self.limit) { Ok(()) } else { Err(Invalid::field("?limit", "1 to 200")) }
    }

    fn partition_key(&self) -> Option<&str> {
        Some(self.webhook.as_str())
    }

    async fn answer(self, read: &ReadSide) -> Result<Self::Answer, QueryError> {
        let stream = Endpoint::stream(&self.webhook);
        let mut before = self.after.map_or(END, |after| after.version.saturating_add(1)).min(END);
        let mut page = Vec::new();
        for _ in 0..READS_MAX {
            let events = read.history(stream.name(), before, EVENTS).await?;
            if events.is_empty() && before == END {
                return Ok(None);
            }
            for event in &events {
                before = event.version;
                let happened = event.as_event_of::<Endpoint>().map_err(|why| QueryError::Broken(why.to_string()))?;
                let Some(happened) = happened else { continue };
                if let Some(full) = self.add(event.version, &happened, &mut page) {
                    return Ok(Some((page, Some(full))));
                }
            }
            if events.len() < EVENTS {
                return Ok(Some((page, None)));
            }
        }
        Ok(Some((page, Some(DeliveryCursor { version: before, place: usize::MAX }))))
    }
}

impl ListDeliveries {
    /// Adds the deliveries of an event; once the page is full, returns the place of its last one.
    fn add(
        &self,
        version: Version,
        happened: &EndpointEvent,
        page: &mut Vec<LoggedDelivery>,
    ) -> Option<DeliveryCursor> {
        for (place, delivery) in deliveries(happened).into_iter().enumerate() {
            if self.after.is_some_and(|after| after.version == version && place <= after.place) {
                continue;
            }
            page.push(delivery);
            if page.len() >= self.limit {
                return Some(DeliveryCursor { version, place });
            }
        }
        None
    }
}

/// The deliveries that an event records, newest first.
fn deliveries(happened: &EndpointEvent) -> Vec<LoggedDelivery> {
    let logged = |attempt: &Attempt, redelivery| LoggedDelivery { attempt: attempt.clone(), redelivery };
    match happened {
        EndpointEvent::Delivered { attempts, .. } => {
            attempts.iter().rev().map(|attempt| logged(attempt, false)).collect()
        }
        EndpointEvent::Failed { attempt, .. } => vec![logged(attempt, false)],
        EndpointEvent::Redelivered { attempt } => vec![logged(attempt, true)],
        _ => Vec::new(),
    }
}
