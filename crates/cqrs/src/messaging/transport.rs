//! The transport port: carries messages quickly. It may lose, repeat and reorder them; the feed makes that good.

use std::sync::Arc;

use async_trait::async_trait;

use crate::messaging::Message;

/// A transport failed; what it did not carry is fetched from the feed.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the transport failed: {0}")]
pub struct TransportError(pub String);

/// Carries messages from relays to consumers.
///
/// # Contract
/// * It MAY lose, repeat, delay and reorder messages; it MUST NOT change one.
/// * [`publish`](Transport::publish) MUST NOT wait for a slow or absent subscriber.
///
/// The suite [`transport_contract!`](crate::transport_contract!) of the test kit holds every transport to it, together with relay, feed and consumer.
///
/// ```
/// use std::sync::Arc;
///
/// use async_trait::async_trait;
/// use cqrs::{Message, Subscription, Transport, TransportError};
///
/// /// Carries nothing: all is left to the feed, and still every message has its effect once.
/// struct Nowhere;
///
/// struct Silence;
///
/// #[async_trait]
/// impl Transport for Nowhere {
///     async fn publish(&self, _: &[Arc<Message>]) -> Result<(), TransportError> {
///         Ok(())
///     }
///
///     async fn subscribe(&self, _: &str) -> Result<Box<dyn Subscription>, TransportError> {
///         Ok(Box::new(Silence))
///     }
/// }
///
/// #[async_trait]
/// impl Subscription for Silence {
///     async fn next(&mut self) -> Option<Vec<Arc<Message>>> {
///         std::future::pending().await
///     }
/// }
/// ```
#[async_trait]
pub trait Transport: Send + Sync + 'static {
    /// Hands messages to whoever has subscribed to their source.
    ///
    /// # Errors
    /// [`TransportError`]; what was not carried is fetched from the feed, so nobody need publish it again.
    async fn publish(&self, messages: &[Arc<Message>]) -> Result<(), TransportError>;

    /// Subscribes to what `source` publishes from now on.
    ///
    /// # Errors
    /// [`TransportError`] if it cannot be reached; a consumer can do without, by the feed alone.
    async fn subscribe(&self, source: &str) -> Result<Box<dyn Subscription>, TransportError>;
}

/// What a subscriber receives.
///
/// ```
/// # use std::sync::Arc;
/// # use cqrs::{Message, Subscription};
/// /// The next message of one key.
/// async fn next_of(subscription: &mut dyn Subscription, key: &str) -> Option<Arc<Message>> {
///     loop {
///         let messages = subscription.next().await?;
///         if let Some(found) = messages.into_iter().find(|message| &*message.key == key) {
///             return Some(found);
///         }
///     }
/// }
/// # let _ = next_of;
/// ```
#[async_trait]
pub trait Subscription: Send + 'static {
    /// The next messages; none when the transport has closed for good. It may be dropped while it waits, and lose nothing.
    async fn next(&mut self) -> Option<Vec<Arc<Message>>>;
}
