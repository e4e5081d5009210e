//! Register a location: makes a place known that can hold stock.

use cqrs::{Command, Decision, Invalid, States, Streams};
use serde::{Deserialize, Serialize};

use super::{Location, LocationDetails, LocationEvent};
use crate::domain::ids::LocationId;

/// Makes a location known. The same again changes nothing.
#[derive(Clone, Debug)]
pub struct RegisterLocation {
    /// The location.
    pub location: LocationId,
    /// What it is called, and how it is chosen.
    pub details: LocationDetails,
}

/// A location with its details as they are now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LocationAnswer {
    /// The location.
    pub location: LocationId,
    /// Its details.
    pub details: LocationDetails,
    /// Whether nothing had to be changed.
    pub repeated: bool,
}

/// Why a location is not registered.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegisterLocationRejection {
    /// It is registered with other details: update it instead.
    #[error("location {location} is registered with other details: change those by updating it, or choose another id")]
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
        self.details.check()
    }

    fn streams(&self) -> Streams {
        Streams::one(&Location::stream(&self.location))
    }

    fn decide(&self, states: &States<'_>) -> Result<Decision<LocationAnswer>, RegisterLocationRejection> {
        let stream = Location::stream(&self.location);
        let found = states.of(&stream);
        let answer = |details, repeated| LocationAnswer { location: self.location.clone(), details, repeated };
        match &found.registered {
            Some(registered) if *registered == self.details => {
                Ok(Decision::answer(answer(found.details.clone(), true)))
            }
            Some(_) => Err(RegisterLocationRejection::Conflict { location: self.location.clone() }),
            None => {
                let registered = LocationEvent::Registered(self.details.clone());
                Ok(Decision::answer(answer(self.details.clone(), false)).record(&stream, registered))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use cqrs::testkit::Given;

    use super::*;

    fn berlin(name: Option<&str>) -> RegisterLocation {
        let details = LocationDetails { name: name.map(Into::into), ..LocationDetails::default() };
        RegisterLocation { location: LocationId::parse("berlin").unwrap(), details }
    }

    #[test]
    fn the_same_again_changes_nothing_and_another_name_is_a_conflict() {
        let RegisterLocation { location, details } = berlin(Some("Berlin"));
        let _ = Given::nothing()
            .when(berlin(Some("Berlin")))
            .then_events(&Location::stream(&location), [LocationEvent::Registered(details)])
            .and_when(berlin(Some("Berlin")))
            .then_nothing()
            .and_when(berlin(None))
            .then_rejected(&RegisterLocationRejection::Conflict { location });
    }

    #[test]
    fn a_name_is_not_empty_and_a_priority_is_bounded() {
        let _ = Given::nothing().when(berlin(Some(""))).then_invalid("/name");
        for wrong in [0, 1_000_001] {
            let details = LocationDetails { priority: Some(wrong), ..LocationDetails::default() };
            let _ = Given::nothing().when(RegisterLocation { details, ..berlin(None) }).then_invalid("/priority");
        }
    }
}
