//! Reopening inboxes: the source's log was restored together with this one, and goes on under a new epoch.

use std::sync::Arc;

use crate::command::{Command, Decision, States, Streams};
use crate::event::{Epoch, PartitionId};
use crate::messaging::{Inbox, InboxEvent, InboxId, InboxRejection};

/// Has every inbox that reads a source's log go on where it stands, under the log's new epoch.
///
/// Only whoever has restored both logs from copies of one moment may say so: an inbox that has read what the source's log
/// does not hold any more would miss what comes to stand there.
#[derive(Clone, Debug)]
pub struct Reopen {
    /// The consumer: [`React::NAME`](crate::React::NAME).
    pub consumer: Arc<str>,
    /// The context whose log is read.
    pub source: Arc<str>,
    /// The partitions of that log.
    pub partitions: u16,
    /// The epoch it had.
    pub from: Epoch,
    /// The epoch it has.
    pub to: Epoch,
}

impl Reopen {
    fn inboxes(&self) -> impl Iterator<Item = crate::aggregate::Stream<Inbox>> {
        (0..self.partitions).map(|partition| {
            let (consumer, source) = (Arc::clone(&self.consumer), Arc::clone(&self.source));
            InboxId { consumer, source, partition: PartitionId(partition) }.stream()
        })
    }
}

impl Command for Reopen {
    const NAME: &'static str = "reopen-inboxes";
    type Answer = ();
    type Rejection = InboxRejection;

    fn streams(&self) -> Streams {
        Streams::none().and_all(self.inboxes())
    }

    fn decide(&self, states: &States<'_>) -> Result<Decision<()>, InboxRejection> {
        let mut decision = Decision::answer(());
        for stream in self.inboxes() {
            match states.of(&stream).epoch() {
                // It has read nothing yet, or it knows already.
                None => {}
                Some(read) if read == self.to => {}
                Some(read) if read == self.from => {
                    decision = decision.record(&stream, InboxEvent::Opened { epoch: self.to });
                }
                Some(expected) => return Err(InboxRejection::ForeignLog { expected, found: self.from }),
            }
        }
        Ok(decision)
    }
}

#[cfg(all(test, feature = "testkit"))]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::event::BatchId;
    use crate::messaging::EventId;
    use crate::testkit::Given;

    fn reopen() -> Reopen {
        let (from, to) = (Epoch(Uuid::from_u128(1)), Epoch(Uuid::from_u128(2)));
        Reopen { consumer: "lamp".into(), source: "house".into(), partitions: 3, from, to }
    }

    fn inbox(partition: u16) -> crate::aggregate::Stream<Inbox> {
        InboxId { consumer: "lamp".into(), source: "house".into(), partition: PartitionId(partition) }.stream()
    }

    #[test]
    fn inboxes_that_have_read_go_on_where_they_stand_and_the_others_stay_closed() {
        let id = EventId { batch: BatchId(Uuid::from_u128(7)), partition: PartitionId(1), position: 4 };
        let Reopen { from, to, .. } = reopen();
        let given =
            Given::nothing().events(&inbox(1), [InboxEvent::Opened { epoch: from }, InboxEvent::Received { id }]);
        let _ = given.when(reopen()).then_events(&inbox(1), [InboxEvent::Opened { epoch: to }]);
        let mut stands = Inbox::default();
        for event in [InboxEvent::Opened { epoch: from }, InboxEvent::Received { id }, InboxEvent::Opened { epoch: to }]
        {
            crate::aggregate::Aggregate::apply(&mut stands, &event);
        }
        assert_eq!((stands.epoch(), stands.position(), stands.last()), (Some(to), 4, Some(id)));
    }

    #[test]
    fn one_that_reads_a_third_log_is_left_alone() {
        let (found, third) = (reopen().from, Epoch(Uuid::from_u128(3)));
        let _ = Given::nothing()
            .events(&inbox(0), [InboxEvent::Opened { epoch: third }])
            .when(reopen())
            .then_rejected(&InboxRejection::ForeignLog { expected: third, found });
    }
}
