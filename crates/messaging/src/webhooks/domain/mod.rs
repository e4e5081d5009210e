//! The rules of webhooks: endpoints, who may have one, and what a failed delivery means.

pub mod breaker;
pub mod delete;
pub mod directory;
pub mod disable;
pub mod endpoint;
pub mod follow_restored;
pub mod ids;
pub mod record_delivered;
pub mod record_failed;
pub mod record_redelivered;
pub mod redeliver;
pub mod register;
pub mod rotate_secret;
pub mod update;

#[cfg(test)]
mod fixtures;
