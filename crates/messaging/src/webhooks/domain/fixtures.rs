//! What the tests of these rules have in common.

use cqrs::{BatchId, EventId, PartitionId, Timestamp};
use uuid::Uuid;

use super::endpoint::{Attempt, EndpointEvent};
use super::ids::{Kinds, SecretId, TargetUrl, WebhookId};

pub(super) fn id() -> WebhookId {
    WebhookId::parse("erp").unwrap()
}

pub(super) fn url() -> TargetUrl {
    TargetUrl::parse("https://erp.example/").unwrap()
}

pub(super) fn kinds(named: &[&str]) -> Kinds {
    Kinds::parse(&named.iter().map(|&kind| kind.to_owned()).collect::<Vec<_>>()).unwrap()
}

pub(super) fn secret(id: &str) -> SecretId {
    SecretId::parse(id).unwrap()
}

pub(super) fn event() -> EventId {
    EventId { batch: BatchId(Uuid::from_u128(7)), partition: PartitionId(1), position: 4 }
}

pub(super) fn attempt(number: u32, error: Option<&str>) -> Attempt {
    let status = Some(if error.is_some() { 500 } else { 200 });
    let at = Timestamp::from_millis(3);
    Attempt { event: event(), kind: "a".into(), number, at, status, ms: 2, error: error.map(Into::into) }
}

pub(super) fn registered() -> EndpointEvent {
    EndpointEvent::Registered { url: url(), kinds: Kinds::default(), secret: secret("s"), cursor: Some("c0".into()) }
}
