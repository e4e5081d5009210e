//! Process managers: aggregates that are told what happened elsewhere, and decide what to ask for next.

use crate::aggregate::Aggregate;
use crate::time::Timestamp;

/// A process that spans contexts: told of contract events, it decides what happens next.
///
/// Its stream is all there is to it. What it remembers, what it asks of others and what it waits for are events in it,
/// recorded by one append: a request is an event that [`Publish`](crate::Publish) turns into a message, a timer is an
/// instant in the state that [`Aggregate::due`] turns into an event. So state, requests and timers cannot disagree, and
/// a replay folds requests without sending them again.
pub trait Process: Aggregate {
    /// What it can be told.
    type Input;

    /// What follows from `input`, told at `at`. What it was told before, or too late, changes nothing.
    fn decide(&self, input: &Self::Input, at: Timestamp) -> Vec<Self::Event>;
}
