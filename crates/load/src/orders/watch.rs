//! Who waits for what becomes of which order, told by the feeds of both contexts.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use comanda_contracts::events::{
    OrderBackordered, OrderCancelled, OrderRejected, OrderReserved, QuantityOfLine, RejectedLine, ReservationReleased,
};
use tokio::sync::oneshot;

use super::feed::{Feed, FeedEvent};
use crate::call::CallError;
use crate::shop::ShopError;

/// How long a follower's poll waits for news.
const POLL_WAIT: Duration = Duration::from_secs(5);

/// What became of an order once every unit of it was answered for.
#[derive(Clone, Debug)]
pub(crate) struct OrderOutcome {
    /// Units reserved.
    pub(crate) reserved: i64,
    /// Units that wait for stock.
    pub(crate) backordered: i64,
    /// Units cancelled.
    pub(crate) cancelled: i64,
    /// The lines that will not be served, with their units.
    pub(crate) rejected: Vec<RejectedLine>,
    /// When the feed had shown all of it.
    pub(crate) seen: Instant,
}

impl OrderOutcome {
    fn units(&self) -> i64 {
        let rejected: i64 = self.rejected.iter().map(|line| line.quantity).sum();
        self.reserved + self.backordered + self.cancelled + rejected
    }
}

/// What a waiting sender is told: the outcome, or why the feed cannot tell it.
pub(crate) type Told<T> = oneshot::Receiver<Result<T, ShopError>>;

struct Waiting {
    ordered: i64,
    outcome: OrderOutcome,
    tell: oneshot::Sender<Result<OrderOutcome, ShopError>>,
}

#[derive(Default)]
struct State {
    outcomes: HashMap<String, Waiting>,
    releases: HashMap<String, oneshot::Sender<Result<Instant, ShopError>>>,
    /// Where the follower of each context is.
    cursors: HashMap<&'static str, String>,
    broken: Option<ShopError>,
}

/// Everybody who waits. It remembers an order only while somebody waits for it.
#[derive(Clone, Default)]
pub(crate) struct Watch(Arc<Mutex<State>>);

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watch").field("waiting", &self.lock().outcomes.len()).finish_non_exhaustive()
    }
}

impl Watch {
    /// Waits for what becomes of an order of `units` units. Call it before the order is sent.
    pub(crate) fn outcome(&self, order_id: String, units: i64) -> Told<OrderOutcome> {
        let (tell, told) = oneshot::channel();
        let mut state = self.lock();
        if let Some(error) = &state.broken {
            // Whoever dropped the receiver does not wait any more.
            let _ = tell.send(Err(error.clone()));
            return told;
        }
        let seen = Instant::now();
        let outcome = OrderOutcome { reserved: 0, backordered: 0, cancelled: 0, rejected: Vec::new(), seen };
        state.outcomes.insert(order_id, Waiting { ordered: units, outcome, tell });
        told
    }

    /// Waits until Inventory has taken back all that a reservation of the order held.
    pub(crate) fn release(&self, order_id: String) -> Told<Instant> {
        let (tell, told) = oneshot::channel();
        let mut state = self.lock();
        if let Some(error) = &state.broken {
            let _ = tell.send(Err(error.clone()));
        } else {
            state.releases.insert(order_id, tell);
        }
        told
    }

    /// Where the follower of `context` is.
    pub(crate) fn cursor(&self, context: &str) -> Option<String> {
        self.lock().cursors.get(context).cloned()
    }

    /// Follows the feed of `context` for ever; when it cannot be read, everybody who waits is told.
    pub(crate) async fn follow(self, mut feed: Feed, context: &'static str) {
        loop {
            let page = match feed.next(POLL_WAIT).await {
                Ok(page) => page,
                Err(error) => return self.fail(&error),
            };
            for event in &page.events {
                if let Err(error) = self.note(event, page.seen) {
                    return self.fail(&error.into());
                }
            }
            if let Some(cursor) = feed.cursor() {
                self.lock().cursors.insert(context, cursor.to_owned());
            }
        }
    }

    /// Takes note of an event that was seen at `seen`, and tells whom it concerns.
    ///
    /// # Errors
    /// [`CallError::Unreadable`] when its content is not that of its type.
    fn note(&self, event: &FeedEvent, seen: Instant) -> Result<(), CallError> {
        match event.event_type.as_str() {
            OrderReserved::TYPE => {
                let told: OrderReserved = event.data()?;
                self.add(&told.order_id, seen, |outcome| outcome.reserved += units(&told.lines));
            }
            OrderBackordered::TYPE => {
                let told: OrderBackordered = event.data()?;
                self.add(&told.order_id, seen, |outcome| outcome.backordered += units(&told.lines));
            }
            OrderCancelled::TYPE => {
                let told: OrderCancelled = event.data()?;
                self.add(&told.order_id, seen, |outcome| outcome.cancelled += units(&told.lines));
            }
            OrderRejected::TYPE => {
                let told: OrderRejected = event.data()?;
                self.add(&told.order_id, seen, |outcome| outcome.rejected.extend(told.lines));
            }
            ReservationReleased::TYPE => {
                let told: ReservationReleased = event.data()?;
                let order_id = told.order_id.filter(|_| told.ended);
                if let Some(tell) = order_id.and_then(|order_id| self.lock().releases.remove(&order_id)) {
                    let _ = tell.send(Ok(seen));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn add(&self, order_id: &str, seen: Instant, change: impl FnOnce(&mut OrderOutcome)) {
        let mut state = self.lock();
        let Some(waiting) = state.outcomes.get_mut(order_id) else { return };
        change(&mut waiting.outcome);
        waiting.outcome.seen = seen;
        if waiting.outcome.units() >= waiting.ordered
            && let Some(Waiting { outcome, tell, .. }) = state.outcomes.remove(order_id)
        {
            let _ = tell.send(Ok(outcome));
        }
    }

    fn fail(&self, error: &ShopError) {
        let mut state = self.lock();
        state.broken = Some(error.clone());
        for (_, waiting) in state.outcomes.drain() {
            let _ = waiting.tell.send(Err(error.clone()));
        }
        for (_, tell) in state.releases.drain() {
            let _ = tell.send(Err(error.clone()));
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn units(lines: &[QuantityOfLine]) -> i64 {
    lines.iter().map(|line| line.quantity).sum()
}
