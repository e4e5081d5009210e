//! Faults to order: what the fault tests and their negative controls switch on, and no ordinary build can.

#[cfg(feature = "faults")]
mod early;
#[cfg(feature = "faults")]
mod messages;

use std::sync::Arc;

use clap::Args;
use cqrs::{Consumer, ConsumerError, Context, EventStore, Feed, React, Subscription, Transport};
use futures::future::BoxFuture;

use crate::compose::Running;

/// Which faults to run with. Without the feature `faults` there is nothing to choose.
#[derive(Clone, Debug, Default, Args)]
#[group(id = "fault")]
pub(crate) struct Options {
    /// Answer a while before committing: loses acknowledged reservations when killed.
    #[cfg(feature = "faults")]
    #[arg(long, hide = true)]
    fault_answer_before_commit: bool,
    #[cfg(feature = "faults")]
    #[command(flatten)]
    messages: messages::Options,
}

/// What runs a consumer until it is stopped.
type Receiving = BoxFuture<'static, Result<(), ConsumerError>>;

#[cfg(not(feature = "faults"))]
#[expect(clippy::unused_self, reason = "without the feature there is no fault to look at")]
impl Options {
    /// The store with the fault in front of it, or as it was.
    pub(crate) fn around(&self, store: Arc<dyn EventStore>) -> Arc<dyn EventStore> {
        store
    }

    /// The transport with faults on the way, or as it was.
    pub(crate) fn on_the_way(&self, transport: Arc<dyn Transport>) -> Arc<dyn Transport> {
        transport
    }

    /// A consumer at work, with the faults ordered for it.
    pub(crate) fn receive<R: React>(
        &self,
        own: &Running,
        feed: Arc<dyn Feed>,
        pushed: Option<Box<dyn Subscription>>,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> Receiving {
        receive::<R>(own, feed, pushed, stop)
    }
}

#[cfg(feature = "faults")]
impl Options {
    /// The store with the fault in front of it, or as it was.
    pub(crate) fn around(&self, store: Arc<dyn EventStore>) -> Arc<dyn EventStore> {
        if self.fault_answer_before_commit { early::AnswersEarly::before(store) } else { store }
    }

    /// The transport with faults on the way, or as it was.
    pub(crate) fn on_the_way(&self, transport: Arc<dyn Transport>) -> Arc<dyn Transport> {
        self.messages.on_the_way(transport)
    }

    /// A consumer at work, with the faults ordered for it.
    pub(crate) fn receive<R: React>(
        &self,
        own: &Running,
        feed: Arc<dyn Feed>,
        pushed: Option<Box<dyn Subscription>>,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> Receiving {
        self.messages.receive::<R>(own, feed, pushed, stop)
    }
}

fn receive<R: React>(
    own: &Running,
    feed: Arc<dyn Feed>,
    pushed: Option<Box<dyn Subscription>>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Receiving {
    Box::pin(Consumer::<R>::new(own.commands.clone(), Arc::clone(&own.log), feed, pushed).run(stop))
}

/// A context that also lists the faulty forms of its reaction, if there are any.
#[cfg(feature = "faults")]
pub(crate) fn list_in<R: React>(context: Context) -> Context {
    messages::list_in::<R>(context)
}

/// A context as it was: without the feature its reaction has no faulty forms.
#[cfg(not(feature = "faults"))]
#[expect(clippy::extra_unused_type_parameters, reason = "named for the sake of the other one")]
pub(crate) fn list_in<R: React>(context: Context) -> Context {
    context
}
