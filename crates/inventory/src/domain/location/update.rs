//! Update a location: changes its name, its priority or where it is.

use std::sync::Arc;

use cqrs::{Command, Decision, Invalid, States, Streams};

use super::register::LocationAnswer;
use super::{Coordinates, Location, LocationDetails, LocationEvent};
use crate::domain::ids::LocationId;

/// Changes what is given and leaves the rest. What stock is held where stays as it is.
#[derive(Clone, Debug)]
pub struct UpdateLocation {
    /// The location; `main` need not be registered.
    pub location: LocationId,
    /// Its new name, 1 to 200 characters.
    pub name: Option<Arc<str>>,
    /// Its new priority, 1 to 1,000,000.
    pub priority: Option<u32>,
    /// Where it is.
    pub coordinates: Option<Coordinates>,
}

/// Why a location is not updated.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum UpdateLocationRejection {
    /// No such location.
    #[error("location {location} is not registered")]
    UnknownLocation {
        /// The location.
        location: LocationId,
    },
}

impl Command for UpdateLocation {
    const NAME: &'static str = "update-location";
    type Answer = LocationAnswer;
    type Rejection = UpdateLocationRejection;

    fn validate(&self) -> Result<(), Invalid> {
        self.on(&LocationDetails::default()).check()
    }

    fn streams(&self) -> Streams {
        Streams::one(&Location::stream(&self.location))
    }

    fn decide(&self, states: &States<'_>) -> Result<Decision<LocationAnswer>, UpdateLocationRejection> {
        let stream = Location::stream(&self.location);
        let found = states.of(&stream);
        let location = self.location.clone();
        if !Location::is_known(states, &location) {
            return Err(UpdateLocationRejection::UnknownLocation { location });
        }
        let details = self.on(&found.details);
        let repeated = details == found.details;
        let decision = Decision::answer(LocationAnswer { location, details: details.clone(), repeated });
        Ok(if repeated { decision } else { decision.record(&stream, LocationEvent::Changed(details)) })
    }
}

impl UpdateLocation {
    fn on(&self, details: &LocationDetails) -> LocationDetails {
        LocationDetails {
            name: self.name.clone().or_else(|| details.name.clone()),
            priority: self.priority.or(details.priority),
            coordinates: self.coordinates.or(details.coordinates),
        }
    }
}

#[cfg(test)]
mod tests {
    use cqrs::testkit::Given;

    use super::super::register::RegisterLocation;
    use super::*;
    use crate::domain::fixtures::place;

    fn update(location: &str) -> UpdateLocation {
        UpdateLocation { location: place(location), name: None, priority: Some(2), coordinates: None }
    }

    #[test]
    fn what_is_not_given_stays_and_the_first_registration_stays_valid() {
        let details = LocationDetails { name: Some("Berlin".into()), ..LocationDetails::default() };
        let register = RegisterLocation { location: place("berlin"), details: details.clone() };
        let changed = LocationDetails { priority: Some(2), ..details };
        let again = Given::nothing()
            .when(register.clone())
            .and_when(update("berlin"))
            .then_events(&Location::stream(&place("berlin")), [LocationEvent::Changed(changed.clone())])
            .and_when(update("berlin"))
            .then_nothing()
            .and_when(register)
            .then_nothing();
        assert_eq!(again.answer().details, changed, "as it is now");
    }

    #[test]
    fn main_is_known_and_others_are_not_until_they_are_registered() {
        assert_eq!(Given::nothing().when(update("main")).answer().details.priority, Some(2));
        let unknown = UpdateLocationRejection::UnknownLocation { location: place("berlin") };
        let _ = Given::nothing().when(update("berlin")).then_rejected(&unknown);
        let wrong = UpdateLocation { priority: Some(0), ..update("main") };
        let _ = Given::nothing().when(wrong).then_invalid("/priority");
    }
}
