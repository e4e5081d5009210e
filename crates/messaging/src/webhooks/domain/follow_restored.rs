//! Follow a restored log: every webhook goes on where it stood, under the log's new epoch.

use cqrs::{Command, Cursor, Decision, Epoch, States, Streams};

use super::directory::Directory;
use super::endpoint::{Endpoint, EndpointEvent};

/// Has every webhook go on in the log that was restored. What it was told after the copy was made it may be told again.
#[derive(Clone, Copy, Debug)]
pub struct FollowRestored {
    /// The epoch that the log had.
    pub from: Epoch,
    /// The epoch that it has.
    pub to: Epoch,
}

impl FollowRestored {
    /// The same place in the restored log, if `cursor` is one of the log before.
    fn moved(self, cursor: &str) -> Option<Cursor> {
        let stands: Cursor = cursor.parse().ok().filter(|stands: &Cursor| stands.epoch() == self.from)?;
        let mut moved = Cursor::new(self.to);
        stands.positions().iter().for_each(|&(partition, position)| moved.require(partition, position));
        Some(moved)
    }
}

impl Command for FollowRestored {
    const NAME: &'static str = "have-webhooks-follow-restored-log";
    type Answer = ();
    type Rejection = std::convert::Infallible;

    fn streams(&self) -> Streams {
        Streams::one(&Directory::stream())
    }

    fn decide(&self, states: &States<'_>) -> Result<Decision<()>, Self::Rejection> {
        let mut decision = Decision::answer(());
        for id in states.of(&Directory::stream()).ids() {
            let stream = Endpoint::stream(id);
            let endpoint = states.of(&stream);
            if let Some(moved) = endpoint.cursor.as_deref().and_then(|cursor| self.moved(cursor)) {
                let told = EndpointEvent::Delivered { cursor: moved.to_string().into(), attempts: Vec::new() };
                decision = decision.record(&stream, told);
            }
        }
        Ok(decision)
    }
}

#[cfg(test)]
mod tests {
    use cqrs::PartitionId;
    use cqrs::testkit::Given;
    use uuid::Uuid;

    use super::super::directory::DirectoryEvent;
    use super::super::endpoint::DisabledReason;
    use super::super::fixtures::{id, kinds, secret, url};
    use super::*;

    fn registered_at(cursor: Option<&Cursor>) -> EndpointEvent {
        let cursor = cursor.map(|cursor| cursor.to_string().into());
        EndpointEvent::Registered { url: url(), kinds: kinds(&[]), secret: secret("s"), cursor }
    }

    #[test]
    fn a_place_in_the_log_before_is_the_same_place_in_the_restored_one() {
        let (from, to, third) = (Epoch(Uuid::from_u128(1)), Epoch(Uuid::from_u128(2)), Epoch(Uuid::from_u128(3)));
        let at = |epoch| Cursor::new(epoch).with(PartitionId(3), 41);
        let stream = Endpoint::stream(&id());
        let moved = EndpointEvent::Delivered { cursor: at(to).to_string().into(), attempts: Vec::new() };
        let follow = FollowRestored { from, to };
        let known = || Given::nothing().events(&Directory::stream(), [DirectoryEvent::Added(id())]);
        let told = known().events(&stream, [registered_at(Some(&at(from)))]);
        let _ = told.when(follow).then_events(&stream, [moved.clone()]);
        // One that is told nothing now goes on there once it is enabled.
        let disabled = EndpointEvent::Disabled { reason: DisabledReason::Requested };
        let resting = known().events(&stream, [registered_at(Some(&at(from))), disabled]);
        let _ = resting.when(follow).then_events(&stream, [moved]);
        for elsewhere in [None, Some(&at(third))] {
            let _ = known().events(&stream, [registered_at(elsewhere)]).when(follow).then_events(&stream, []);
        }
    }
}
