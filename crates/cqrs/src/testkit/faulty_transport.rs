//! A transport that repeats, reorders and loses messages on purpose, the same way for the same seed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;

use crate::messaging::{Message, Subscription, Transport, TransportError};

/// How long a message is held back at most when nothing comes after it.
const HELD_FOR: Duration = Duration::from_millis(20);

/// Messages held back at most, whatever the plan says.
const WINDOW_MAX: usize = 4_096;

/// What a [`FaultyTransport`] does to the messages that a subscriber receives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FaultPlan {
    /// How many times more than once each message comes.
    pub duplicates: u32,
    /// Messages held back at once, from which the next is drawn by lot; 0 or 1 keeps their order. Above 4,096 counts
    /// as 4,096.
    pub window: usize,
    /// Of a hundred messages, how many are lost. From 100 on, all.
    pub drop_percent: u8,
}

/// Wraps a transport and harms what its subscribers receive; what a message says is never changed.
///
/// Each subscription draws lots of its own: the first one of the same seed is harmed in the same way each time.
///
/// ```
/// use std::sync::Arc;
///
/// use cqrs::{Channel, Transport};
/// use cqrs::testkit::{FaultPlan, FaultyTransport};
///
/// let plan = FaultPlan { duplicates: 2, window: 64, drop_percent: 5 };
/// let transport: Arc<dyn Transport> = Arc::new(FaultyTransport::new(Arc::new(Channel::default()), 7, plan));
/// # let _ = transport;
/// ```
pub struct FaultyTransport {
    inner: Arc<dyn Transport>,
    seed: u64,
    plan: FaultPlan,
    subscriptions: AtomicU64,
}

impl FaultyTransport {
    /// Harms what `inner` carries as `plan` says, drawing lots from `seed`.
    #[must_use]
    pub fn new(inner: Arc<dyn Transport>, seed: u64, plan: FaultPlan) -> Self {
        Self { inner, seed, plan, subscriptions: AtomicU64::new(0) }
    }
}

#[async_trait]
impl Transport for FaultyTransport {
    async fn publish(&self, messages: &[Arc<Message>]) -> Result<(), TransportError> {
        self.inner.publish(messages).await
    }

    async fn subscribe(&self, source: &str) -> Result<Box<dyn Subscription>, TransportError> {
        let inner = self.inner.subscribe(source).await?;
        let number = self.subscriptions.fetch_add(1, Ordering::Relaxed);
        let lots = Lots(self.seed.wrapping_add(number.wrapping_mul(0x9E37_79B9_7F4A_7C15)));
        let plan = FaultPlan { window: self.plan.window.min(WINDOW_MAX), ..self.plan };
        Ok(Box::new(Harmed { inner, plan, lots, held: Vec::new(), flush_at: None, closed: false }))
    }
}

/// Numbers that look random and depend on the seed alone (SplitMix64).
struct Lots(u64);

impl Lots {
    fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, which is at least 1.
    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.draw() % bound.max(1) as u64).unwrap_or(0)
    }
}

struct Harmed {
    inner: Box<dyn Subscription>,
    plan: FaultPlan,
    lots: Lots,
    held: Vec<Arc<Message>>,
    flush_at: Option<Instant>,
    closed: bool,
}

impl Harmed {
    /// Loses, repeats and holds back; returns what the window has no room for, in whatever order.
    fn harm(&mut self, messages: &[Arc<Message>]) -> Vec<Arc<Message>> {
        let mut passed = Vec::new();
        for message in messages {
            for _ in 0..=self.plan.duplicates {
                if self.lots.below(100) < usize::from(self.plan.drop_percent) {
                    continue;
                }
                if self.plan.window <= 1 {
                    passed.push(Arc::clone(message));
                    continue;
                }
                self.held.push(Arc::clone(message));
                if self.held.len() > self.plan.window {
                    passed.extend(self.drawn());
                }
            }
        }
        self.flush_at = (!self.held.is_empty()).then(|| self.flush_at.unwrap_or_else(|| Instant::now() + HELD_FOR));
        passed
    }

    /// One of those held back, by lot.
    fn drawn(&mut self) -> Option<Arc<Message>> {
        let at = self.lots.below(self.held.len());
        (!self.held.is_empty()).then(|| self.held.swap_remove(at))
    }

    fn flush(&mut self) -> Vec<Arc<Message>> {
        self.flush_at = None;
        std::iter::from_fn(|| self.drawn()).collect()
    }
}

#[async_trait]
impl Subscription for Harmed {
    /// May be dropped at any await without losing what is held back.
    async fn next(&mut self) -> Option<Vec<Arc<Message>>> {
        while !self.closed {
            let came = match self.flush_at {
                Some(at) => match tokio::time::timeout_at(at, self.inner.next()).await {
                    Ok(came) => came,
                    Err(_elapsed) => return Some(self.flush()),
                },
                None => self.inner.next().await,
            };
            match came {
                Some(messages) => {
                    let passed = self.harm(&messages);
                    if !passed.is_empty() {
                        return Some(passed);
                    }
                }
                None => self.closed = true,
            }
        }
        (!self.held.is_empty()).then(|| self.flush())
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::event::{BatchId, Epoch, PartitionId, Position};
    use crate::messaging::{Channel, EventId};
    use crate::time::Timestamp;

    fn message(position: Position) -> Arc<Message> {
        Arc::new(Message {
            id: EventId { batch: BatchId(Uuid::nil()), partition: PartitionId(0), position },
            source: "till".into(),
            epoch: Epoch(Uuid::nil()),
            after: position - 1,
            predecessor: None,
            kind: "till.sold.v1".into(),
            subject: "s".into(),
            key: "k".into(),
            at: Timestamp::EPOCH,
            correlation_id: None,
            causation_id: None,
            traceparent: None,
            data: "{}".into(),
        })
    }

    /// The positions that arrive of `sent` messages, until nothing has come for a second (of paused time).
    async fn arrivals(plan: FaultPlan, sent: Position) -> Vec<Position> {
        let transport = FaultyTransport::new(Arc::new(Channel::default()), 7, plan);
        let mut subscription = transport.subscribe("till").await.unwrap();
        for position in 1..=sent {
            transport.publish(&[message(position)]).await.unwrap();
        }
        let mut arrived = Vec::new();
        while let Ok(Some(next)) = tokio::time::timeout(Duration::from_secs(1), subscription.next()).await {
            arrived.extend(next.iter().map(|message| message.position()));
        }
        arrived
    }

    #[tokio::test(start_paused = true)]
    async fn without_faults_all_arrive_in_order() {
        assert_eq!(arrivals(FaultPlan::default(), 100).await, (1..=100).collect::<Vec<_>>());
    }

    #[tokio::test(start_paused = true)]
    async fn repeated_and_reordered_each_arrives_as_often_as_planned_and_the_last_ones_too() {
        let plan = FaultPlan { duplicates: 2, window: 64, drop_percent: 0 };
        let mut arrived = arrivals(plan, 100).await;
        assert!(arrived.windows(2).any(|pair| pair[0] > pair[1]), "their order has changed");
        arrived.sort_unstable();
        assert_eq!(arrived, (1..=100).flat_map(|position| [position; 3]).collect::<Vec<_>>());
    }

    #[tokio::test(start_paused = true)]
    async fn some_are_lost_the_same_ones_for_the_same_seed() {
        let plan = FaultPlan { duplicates: 0, window: 8, drop_percent: 20 };
        let arrived = arrivals(plan, 200).await;
        assert!((120..190).contains(&arrived.len()), "{} of 200 arrived", arrived.len());
        assert_eq!(arrived, arrivals(plan, 200).await);
        assert!(arrivals(FaultPlan { drop_percent: 100, ..plan }, 50).await.is_empty());
    }
}
