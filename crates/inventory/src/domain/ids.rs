//! Ids and quantities: values that are right by construction.

use std::fmt;
use std::sync::{Arc, LazyLock};

pub use cqrs::{ID_LENGTH_MAX, InvalidId};
use serde::{Deserialize, Serialize};

/// The largest quantity of one line, in units.
pub const QUANTITY_MAX: i64 = 1_000_000_000;

/// The number is no quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a quantity is a whole number from 1 to 1,000,000,000")]
pub struct InvalidQuantity;

cqrs::text_id!(
    /// A thing that is sold.
    Sku
);
cqrs::text_id!(
    /// A place that holds stock.
    LocationId
);
cqrs::text_id!(
    /// A reservation, named by its owner.
    ReservationId
);
cqrs::text_id!(
    /// A line of a reservation, unique within it.
    LineId
);

static MAIN: LazyLock<LocationId> = LazyLock::new(|| LocationId("main".into()));

impl LocationId {
    /// `main`: the location that always exists.
    #[must_use]
    pub fn main() -> Self {
        MAIN.clone()
    }

    /// Whether it is `main`.
    #[must_use]
    pub fn is_main(&self) -> bool {
        self.as_str() == "main"
    }
}

impl LineId {
    /// The line that the short paths open for `sku`: it has the SKU's own id.
    #[must_use]
    pub fn of(sku: &Sku) -> Self {
        Self(Arc::clone(&sku.0))
    }
}

/// Units, 1 to 1,000,000,000.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "i64")]
pub struct Quantity(i64);

impl Quantity {
    /// So many units.
    ///
    /// # Errors
    /// [`InvalidQuantity`] unless 1 to 1,000,000,000.
    pub fn parse(units: i64) -> Result<Self, InvalidQuantity> {
        (1..=QUANTITY_MAX).contains(&units).then_some(Self(units)).ok_or(InvalidQuantity)
    }

    /// The units.
    #[must_use]
    pub fn units(self) -> i64 {
        self.0
    }
}

impl TryFrom<i64> for Quantity {
    type Error = InvalidQuantity;

    fn try_from(units: i64) -> Result<Self, InvalidQuantity> {
        Self::parse(units)
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_1_to_128_plain_characters() {
        assert!(Sku::parse("TEA-01_a.b:C").is_ok());
        assert!(Sku::parse(&"x".repeat(128)).is_ok());
        for wrong in ["", "a b", "a/b", "é", "a\n", &"x".repeat(129)] {
            assert_eq!(Sku::parse(wrong), Err(InvalidId), "{wrong:?}");
        }
    }

    #[test]
    fn a_stored_id_is_checked_too() {
        assert!(serde_json::from_str::<Sku>(r#""TEA-01""#).is_ok());
        assert!(serde_json::from_str::<Sku>(r#""TEA/01""#).is_err());
    }

    #[test]
    fn a_quantity_is_1_to_a_milliard() {
        assert!(Quantity::parse(1).is_ok() && Quantity::parse(QUANTITY_MAX).is_ok());
        for wrong in [0, -1, i64::MIN, QUANTITY_MAX + 1, i64::MAX] {
            assert_eq!(Quantity::parse(wrong), Err(InvalidQuantity), "{wrong}");
        }
    }
}
