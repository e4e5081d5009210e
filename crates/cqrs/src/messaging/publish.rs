//! Publishing: which stored events are contract events, and what they say to others.

use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;

use crate::event::Recorded;
use crate::projection::Unreadable;

/// Says what a stored event tells other contexts, if it is any of their business.
///
/// Pure: the same event always gives the same answer, because the log is read again whenever somebody missed a part.
///
/// ```
/// use cqrs::{Aggregate, Context, ContractEvent, Recorded, Unreadable};
/// use serde::{Deserialize, Serialize};
/// # #[derive(Clone, Default, Serialize, Deserialize)]
/// # struct Door { open: bool }
/// # #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
/// # enum DoorEvent { Opened }
/// # impl Aggregate for Door {
/// #     const KIND: &'static str = "door";
/// #     type Event = DoorEvent;
/// #     fn apply(&mut self, _: &DoorEvent) { self.open = true; }
/// # }
///
/// fn publish(event: &Recorded) -> Result<Option<ContractEvent>, Unreadable> {
///     let door = event.stream.id();
///     match event.as_event_of::<Door>()?.as_deref() {
///         Some(DoorEvent::Opened) => {
///             let data = serde_json::json!({ "door": door });
///             ContractEvent::new(event, "house.door-opened.v1", door, door, &data).map(Some)
///         }
///         None => Ok(None),
///     }
/// }
///
/// let house = Context::named("house").aggregate::<Door>().publishes(publish);
/// # let _ = house;
/// ```
pub type Publish = fn(&Recorded) -> Result<Option<ContractEvent>, Unreadable>;

/// What a stored event tells other contexts: the published language, never a stored shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContractEvent {
    /// Its type, with its version.
    pub kind: &'static str,
    /// What it happened to.
    pub subject: Arc<str>,
    /// Events of one key reach a consumer in order.
    pub key: Arc<str>,
    /// The content as JSON.
    pub data: Bytes,
}

impl ContractEvent {
    /// A contract event about `subject`, in order with others of the same `key`.
    ///
    /// # Errors
    /// [`Unreadable`], naming the stored `event`, if `data` cannot be written as JSON.
    pub fn new<T: Serialize>(
        event: &Recorded,
        kind: &'static str,
        subject: &str,
        key: &str,
        data: &T,
    ) -> Result<Self, Unreadable> {
        let data = serde_json::to_vec(data).map_err(|cause| Unreadable::of(event, &cause))?;
        Ok(Self { kind, subject: subject.into(), key: key.into(), data: data.into() })
    }
}
