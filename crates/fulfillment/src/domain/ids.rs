//! Ids and quantities: values that are right by construction.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The largest quantity of one line, in units.
pub const QUANTITY_MAX: i64 = 1_000_000_000;

cqrs::text_id!(
    /// An order, named by the shop.
    OrderId
);
cqrs::text_id!(
    /// A line of an order, unique within it.
    LineId
);
cqrs::text_id!(
    /// A thing that was ordered.
    Sku
);
cqrs::text_id!(
    /// A place goods are picked from.
    LocationId
);
cqrs::text_id!(
    /// A bin inside a location: `zone-aisle-bay-level`.
    Bin
);
cqrs::text_id!(
    /// A group of orders that are picked together.
    WaveId
);
cqrs::text_id!(
    /// A box that goods are packed into, unique within its order.
    PackageId
);
cqrs::text_id!(
    /// A consignment that a carrier takes.
    ShipmentId
);
cqrs::text_id!(
    /// Goods that come back.
    ReturnId
);
cqrs::text_id!(
    /// Whoever delivers shipments.
    CarrierId
);

/// The number is no quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a quantity is a whole number from 1 to 1,000,000,000")]
pub struct InvalidQuantity;

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
