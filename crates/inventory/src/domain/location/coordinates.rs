//! Coordinates: where on earth a place is, and how far it is from another.

use serde::{Deserialize, Serialize};

/// The mean radius of the earth, in metres.
const EARTH_RADIUS_M: f64 = 6_371_008.8;

/// Coordinates are kept in millionths of a degree, about a tenth of a metre: whole numbers compare exactly.
const PER_DEGREE: f64 = 1e6;

/// A place on earth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Coordinates {
    /// Millionths of a degree north of the equator.
    latitude_e6: i32,
    /// Millionths of a degree east of Greenwich.
    longitude_e6: i32,
}

/// The numbers are no place on earth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a latitude is -90 to 90, a longitude -180 to 180 degrees")]
pub struct InvalidCoordinates;

impl Coordinates {
    /// The place so many degrees north and east.
    ///
    /// # Errors
    /// [`InvalidCoordinates`] unless -90 to 90 north and -180 to 180 east.
    pub fn parse(latitude: f64, longitude: f64) -> Result<Self, InvalidCoordinates> {
        if (-90.0..=90.0).contains(&latitude) && (-180.0..=180.0).contains(&longitude) {
            let millionths = |degrees: f64| (degrees * PER_DEGREE).round() as i32;
            return Ok(Self { latitude_e6: millionths(latitude), longitude_e6: millionths(longitude) });
        }
        Err(InvalidCoordinates)
    }

    /// Degrees north.
    #[must_use]
    pub fn latitude(self) -> f64 {
        f64::from(self.latitude_e6) / PER_DEGREE
    }

    /// Degrees east.
    #[must_use]
    pub fn longitude(self) -> f64 {
        f64::from(self.longitude_e6) / PER_DEGREE
    }

    /// Metres to `other` along the great circle, rounded: what is as far by a metre is as far.
    #[must_use]
    pub fn metres_to(self, other: Self) -> i64 {
        let (here, there) = (self.latitude().to_radians(), other.latitude().to_radians());
        let half_chord = |between: f64| (between / 2.0).sin().powi(2);
        let east = half_chord((other.longitude() - self.longitude()).to_radians());
        let square = (here.cos() * there.cos()).mul_add(east, half_chord(there - here));
        (2.0 * EARTH_RADIUS_M * square.sqrt().min(1.0).asin()).round() as i64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(latitude: f64, longitude: f64) -> Coordinates {
        Coordinates::parse(latitude, longitude).unwrap()
    }

    #[test]
    fn distances_are_those_of_the_globe() {
        let (berlin, paris, sydney) = (place(52.52, 13.405), place(48.8566, 2.3522), place(-33.8688, 151.2093));
        for (from, to, km) in [(berlin, paris, 877), (berlin, sydney, 16_095), (berlin, berlin, 0)] {
            assert_eq!((from.metres_to(to) + 500) / 1_000, km);
            assert_eq!(from.metres_to(to), to.metres_to(from));
        }
        assert_eq!(place(0.0, 179.999).metres_to(place(0.0, -179.999)), 222, "over the date line");
        assert_eq!(place(90.0, 0.0).metres_to(place(-90.0, 0.0)), 20_015_114, "half the way round");
    }

    #[test]
    fn what_is_not_on_earth_is_refused() {
        for (latitude, longitude) in [(90.1, 0.0), (0.0, -180.5), (f64::NAN, 0.0), (0.0, f64::INFINITY)] {
            assert_eq!(Coordinates::parse(latitude, longitude), Err(InvalidCoordinates));
        }
    }
}
