//! Register a location: makes a place known that can hold stock.

use std::sync::Arc;

use cqrs::{Command, Decision, Invalid, States, Streams};
use serde::{Deserialize, Serialize};

use super::{Location, LocationEvent};
use crate::domain::ids::LocationId;
use crate::domain::stock_item::NAME_LENGTH_MAX;

/// Makes a location known. The same again changes nothing.
#[derive(Clone, Debug)]
pub struct RegisterLocation {
    /// The location.
    pub location: LocationId,
    /// Its name for people, 1 to 200 characters.
    pub name: Option<Arc<str>>,
}

/// A location as it is registered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LocationAnswer {
    /// The location.
    pub location: LocationId,
    /// Its name for people.
    pub name: Option<Arc<str>>,
    /// Whether nothing had to be changed.
    pub repeated: bool,
}

/// Why a location is not registered.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegisterLocationRejection {
    /// It is registered under another name.
    #[error("location {location} is registered under another name: choose another id")]
    Conflict {
        /// The location.
        location: LocationId,
    },
}

impl Command for RegisterLocation {
    const NAME: &'static str = "register-location";
    type Answer = LocationAnswer;
    type Rejection = RegisterLocationRejection;

    fn validate(&self) -> Result<(), Invalid> {
        match &self.name {
            Some(name) if !(1..=NAME_LENGTH_MAX).contains(&name.chars().count()) => {
                Err(Invalid::field("/name", "a name has 1 to 200 characters"))
            }
            _ => Ok(()),
        }
    }

    fn streams(&self) -> Streams {
        Streams::one(&Location::stream(&self.location))
    }

    fn decide(&self, states: &States<'_>) -> Result<Decision<LocationAnswer>, RegisterLocationRejection> {
        let stream = Location::stream(&self.location);
        let found = states.of(&stream);
        if found.registered && found.name != self.name {
            return Err(RegisterLocationRejection::Conflict { location: self.location.clone() });
        }
        let name = self.name.clone();
        let answer = LocationAnswer { location: self.location.clone(), name: name.clone(), repeated: found.registered };
        let decision = Decision::answer(answer);
        Ok(if found.registered { decision } else { decision.record(&stream, LocationEvent::Registered { name }) })
    }
}

#[cfg(test)]
mod tests {
    use cqrs::testkit::Given;

    use super::*;

    fn berlin(name: Option<&str>) -> RegisterLocation {
        RegisterLocation { location: LocationId::parse("berlin").unwrap(), name: name.map(Into::into) }
    }

    #[test]
    fn the_same_again_changes_nothing_and_another_name_is_a_conflict() {
        let RegisterLocation { location, name } = berlin(Some("Berlin"));
        let _ = Given::nothing()
            .when(berlin(Some("Berlin")))
            .then_events(&Location::stream(&location), [LocationEvent::Registered { name }])
            .and_when(berlin(Some("Berlin")))
            .then_nothing()
            .and_when(berlin(None))
            .then_rejected(&RegisterLocationRejection::Conflict { location });
    }

    #[test]
    fn a_name_is_not_empty() {
        let _ = Given::nothing().when(berlin(Some(""))).then_invalid("/name");
    }
}
