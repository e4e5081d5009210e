//! Ids and quantities: values that are right by construction.

use std::fmt;
use std::sync::LazyLock;

pub use cqrs::{ID_LENGTH_MAX, InvalidId, check_id};
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
    /// A reservation: named by its owner or, for an attempt to serve an order, `orderId~attempt`.
    ReservationId,
    check_reservation_id
);
cqrs::text_id!(
    /// An order of another context.
    OrderId
);
cqrs::text_id!(
    /// A bin inside a location: `zone-aisle-bay-level`, of which the first is enough.
    Bin,
    check_bin
);
cqrs::text_id!(
    /// A line of a reservation, a receipt or a transfer, unique within it.
    LineId
);
cqrs::text_id!(
    /// Goods of a supplier that are to come, or have come.
    ReceiptId
);
cqrs::text_id!(
    /// Goods on their way from one location to another.
    TransferId
);
cqrs::text_id!(
    /// One time that goods of a receipt or a transfer came, unique within it.
    DeliveryId
);
cqrs::text_id!(
    /// A cycle count.
    CountId
);
cqrs::text_id!(
    /// Somebody who does something: as a credential names it, or as a client does where there is none.
    ActorId,
    check_actor
);
cqrs::text_id!(
    /// Whom a reservation is for: a customer, a session, a colleague.
    OwnerId
);

/// Stands between an order's id and its attempt. No id of a client contains it, so none can be taken for an order's.
const ATTEMPT_MARK: char = '~';

/// The characters of an actor's name: a subject of 255 characters, its issuer, and what says that it is one.
const ACTOR_CHARS_MAX: usize = 512;

/// The most parts of a bin's id: zone, aisle, bay, level.
const BIN_PARTS_MAX: usize = 4;

/// Checks that an actor's name is printable. Credentials name subjects that are more than an id may be: `jwt:auth0|7@issuer`.
fn check_actor(text: &str) -> Result<(), InvalidId> {
    let printable = text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') && text.trim() == text;
    ((1..=ACTOR_CHARS_MAX).contains(&text.len()) && printable).then_some(()).ok_or(InvalidId)
}

/// Checks the id of a reservation: a client's, or an order's with an attempt from 1.
fn check_reservation_id(text: &str) -> Result<(), InvalidId> {
    let Some((order, attempt)) = text.split_once(ATTEMPT_MARK) else { return check_id(text) };
    check_id(order)?;
    let counted = attempt.parse::<u32>().is_ok_and(|number| number > 0 && number.to_string() == attempt);
    counted.then_some(()).ok_or(InvalidId)
}

/// Checks that a bin has one to four parts, none of them empty.
fn check_bin(text: &str) -> Result<(), InvalidId> {
    check_id(text)?;
    let right = text.split('-').all(|part| !part.is_empty()) && text.split('-').count() <= BIN_PARTS_MAX;
    right.then_some(()).ok_or(InvalidId)
}

impl ActorId {
    /// The name that `text` is, if a client may give it to somebody without a credential: an id.
    ///
    /// # Errors
    /// [`InvalidId`] if it is none.
    pub fn parse_of_client(text: &str) -> Result<Self, InvalidId> {
        check_id(text).map(|()| Self(text.into()))
    }
}

impl ReservationId {
    /// The id that `text` is, if a client may give it: none of an order's.
    ///
    /// # Errors
    /// [`InvalidId`] if it is none.
    pub fn parse_of_client(text: &str) -> Result<Self, InvalidId> {
        check_id(text).map(|()| Self(text.into()))
    }

    /// The id of `attempt` to serve `order`; attempts count from 1.
    #[must_use]
    pub fn of_attempt(order: &OrderId, attempt: u32) -> Self {
        Self(format!("{order}{ATTEMPT_MARK}{attempt}").into())
    }

    /// Which attempt to serve `order` it is of, if it is of one.
    #[must_use]
    pub fn attempt_of(&self, order: &OrderId) -> Option<u32> {
        let (id, attempt) = self.0.split_once(ATTEMPT_MARK)?;
        attempt.parse().ok().filter(|_| id == order.as_str())
    }
}

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
        Self(sku.0.clone())
    }
}

impl DeliveryId {
    /// The one delivery of a receipt that comes as a whole: it has the receipt's own id.
    #[must_use]
    pub fn of(receipt: &ReceiptId) -> Self {
        Self(receipt.0.clone())
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
    fn a_reservation_of_an_order_names_its_attempt_and_no_client_can_take_its_id() {
        let order = OrderId::parse(&"o".repeat(128)).unwrap();
        let id = ReservationId::of_attempt(&order, u32::MAX);
        assert_eq!(ReservationId::parse(id.as_str()), Ok(id.clone()));
        assert_eq!(ReservationId::parse_of_client(id.as_str()), Err(InvalidId));
        assert_eq!(id.attempt_of(&order), Some(u32::MAX));
        assert_eq!(id.attempt_of(&OrderId::parse("o").unwrap()), None);
        for wrong in ["~1", "o~", "o~0", "o~01", "o~+1", "o~1~1", "o~x", "o/~1"] {
            assert_eq!(ReservationId::parse(wrong), Err(InvalidId), "{wrong:?}");
        }
        assert_eq!(ReservationId::parse_of_client("cart-7"), ReservationId::parse("cart-7"));
    }

    #[test]
    fn a_bin_has_one_to_four_parts() {
        for right in ["A", "A-01", "A-01-03", "A-01-03-2"] {
            assert!(Bin::parse(right).is_ok(), "{right}");
        }
        for wrong in ["", "-", "A-", "-A", "A--2", "A-01-03-2-9", "A 01"] {
            assert_eq!(Bin::parse(wrong), Err(InvalidId), "{wrong:?}");
        }
    }

    #[test]
    fn a_quantity_is_1_to_a_milliard() {
        assert!(Quantity::parse(1).is_ok() && Quantity::parse(QUANTITY_MAX).is_ok());
        for wrong in [0, -1, i64::MIN, QUANTITY_MAX + 1, i64::MAX] {
            assert_eq!(Quantity::parse(wrong), Err(InvalidQuantity), "{wrong}");
        }
    }
}
