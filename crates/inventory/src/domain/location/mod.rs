//! A location: a place that holds stock. `main` exists from the start.

pub mod register;

use std::sync::Arc;

use cqrs::{Aggregate, States, Stream};
use serde::{Deserialize, Serialize};

use super::ids::LocationId;

/// What happens to a location.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum LocationEvent {
    /// It was made known.
    Registered {
        /// Its name for people.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<Arc<str>>,
    },
}

/// One location.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Location {
    registered: bool,
    name: Option<Arc<str>>,
}

impl Location {
    /// The stream of `location`.
    #[must_use]
    pub fn stream(location: &LocationId) -> Stream<Self> {
        Stream::new(location.as_str())
    }

    /// The stream a command must read to know whether `location` exists; none for `main`, which always does.
    #[must_use]
    pub fn stream_unless_main(location: &LocationId) -> Option<Stream<Self>> {
        (!location.is_main()).then(|| Self::stream(location))
    }

    /// Whether `location` exists.
    #[must_use]
    pub fn is_known(states: &States<'_>, location: &LocationId) -> bool {
        Self::stream_unless_main(location).is_none_or(|stream| states.of(&stream).registered)
    }
}

impl Aggregate for Location {
    const KIND: &'static str = "location";
    type Event = LocationEvent;

    fn apply(&mut self, event: &LocationEvent) {
        let LocationEvent::Registered { name } = event;
        self.registered = true;
        self.name.clone_from(name);
    }
}
