//! A location: a place that holds stock. `main` exists from the start.

pub mod coordinates;
pub mod register;
pub mod update;

use std::sync::Arc;

use cqrs::{Aggregate, Invalid, InvalidField, States, Stream};
use serde::{Deserialize, Serialize};

use super::ids::LocationId;
use super::stock_item::NAME_LENGTH_MAX;
pub use coordinates::{Coordinates, InvalidCoordinates};

/// The largest priority, which comes last of all that have one.
pub const PRIORITY_MAX: u32 = 1_000_000;

/// What a location is called, and how it is chosen among others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LocationDetails {
    /// Its name for people, 1 to 200 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Arc<str>>,
    /// Which comes first where priority decides: 1 before 2, and those without one last; at most 1,000,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<u32>,
    /// Where on earth it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coordinates: Option<Coordinates>,
}

impl LocationDetails {
    /// Checks the bounds of each field.
    fn check(&self) -> Result<(), Invalid> {
        let mut wrong = Vec::new();
        let mut bad = |pointer: &str, detail: &str| {
            wrong.push(InvalidField { pointer: pointer.to_owned(), detail: detail.to_owned() });
        };
        if self.name.as_ref().is_some_and(|name| !(1..=NAME_LENGTH_MAX).contains(&name.chars().count())) {
            bad("/name", "a name has 1 to 200 characters");
        }
        if self.priority.is_some_and(|priority| !(1..=PRIORITY_MAX).contains(&priority)) {
            bad("/priority", "a whole number from 1 to 1,000,000");
        }
        if wrong.is_empty() { Ok(()) } else { Err(Invalid(wrong)) }
    }
}

/// What happens to a location.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum LocationEvent {
    /// It was made known.
    Registered(LocationDetails),
    /// Its details are these from now on.
    Changed(LocationDetails),
}

/// One location.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Location {
    /// The details it was registered with; none if it was not.
    registered: Option<LocationDetails>,
    details: LocationDetails,
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
        Self::stream_unless_main(location).is_none_or(|stream| states.of(&stream).registered.is_some())
    }

    /// Whether somebody has registered or changed it.
    #[must_use]
    pub fn is_registered(&self) -> bool {
        self.registered.is_some()
    }

    /// Its details as they are now.
    #[must_use]
    pub fn details(&self) -> &LocationDetails {
        &self.details
    }
}

impl Aggregate for Location {
    const KIND: &'static str = "location";
    const FOLD_VERSION: u32 = 2;
    type Event = LocationEvent;

    fn apply(&mut self, event: &LocationEvent) {
        match event {
            LocationEvent::Registered(details) => {
                self.registered = Some(details.clone());
                self.details = details.clone();
            }
            LocationEvent::Changed(details) => self.details = details.clone(),
        }
    }
}
