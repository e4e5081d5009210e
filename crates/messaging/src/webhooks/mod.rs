//! Webhooks: addresses that are told of a context's contract events, in order, signed, until they have heard.
//!
//! ```text
//! the context's Feed ─► worker (one per endpoint) ─► HTTP POST ─► somebody else
//!                          │  ▲
//!                          ▼  └─ how far it has come, and what has failed: an event in the endpoint's own stream
//!                     command bus
//! ```
//!
//! [`list_in`] adds what they consist of to any context, [`Webhooks`] runs the workers, [`router`] serves `/v1/webhooks`.
//! Each event reaches each endpoint at least once; one that is not heard holds back the later ones of its endpoint.

mod api;
mod by_id;
pub mod domain;
mod guard;
mod list;
mod list_deliveries;
mod list_ids;
mod problems;
mod row;
mod sender;
mod settings;
mod signature;
mod worker;
mod workers;

pub use api::{openapi, router};
pub use by_id::WebhookById;
pub use guard::{Guard, NotPublic};
pub use list::ListWebhooks;
pub use list_deliveries::{DeliveryCursor, ListDeliveries, LoggedDelivery};
pub use list_ids::ListWebhookIds;
pub use problems::ALL as PROBLEM_KINDS;
pub use row::{WebhookProjection, WebhookRow};
pub use settings::WebhookSettings;
pub use signature::{KEY_BYTES, Secret, SigningKey, delivery_id};
pub use workers::{NoClient, Webhooks};

use cqrs::Context;
use domain::{
    delete::Delete, directory::Directory, disable::Disable, endpoint::Endpoint, follow_restored::FollowRestored,
    record_delivered::RecordDelivered, record_failed::RecordFailed, record_redelivered::RecordRedelivered,
    redeliver::Redeliver, register::Register, rotate_secret::RotateSecret, update::Update,
};

/// Adds all that webhooks consist of to a context.
///
/// ```
/// let shop = comanda_messaging::webhooks::list_in(cqrs::Context::named("shop"));
/// assert!(shop.commands().contains(&"register-webhook"));
/// ```
#[must_use]
pub fn list_in(context: Context) -> Context {
    context
        .aggregate::<Endpoint>()
        .aggregate::<Directory>()
        .command::<Register>()
        .command::<Update>()
        .command::<Disable>()
        .command::<Delete>()
        .command::<RotateSecret>()
        .command::<Redeliver>()
        .command::<RecordDelivered>()
        .command::<RecordFailed>()
        .command::<RecordRedelivered>()
        .command::<FollowRestored>()
        .query::<WebhookById>()
        .query::<ListWebhooks>()
        .query::<ListWebhookIds>()
        .query::<ListDeliveries>()
        .view(WebhookProjection)
}
