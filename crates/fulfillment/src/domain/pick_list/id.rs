//! The id of a pick list: `order~attempt~location`. `~` occurs in no other id, so no two lists share one.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::domain::ids::{LocationId, OrderId};

/// The text is no id of a pick list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the id of a pick list is `orderId~attempt~locationId`, such as `order-7~1~main`")]
pub struct InvalidPickListId;

/// Which pick list: there is one for each order, attempt and location.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PickListId {
    /// Whose units are picked.
    pub order_id: OrderId,
    /// The attempt that reserved them.
    pub attempt: u32,
    /// Where they are.
    pub location: LocationId,
}

impl PickListId {
    /// The id that `text` is.
    ///
    /// # Errors
    /// [`InvalidPickListId`] if it is none.
    pub fn parse(text: &str) -> Result<Self, InvalidPickListId> {
        let mut parts = text.split('~');
        let (Some(order), Some(number), Some(location), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(InvalidPickListId);
        };
        let attempt: u32 = number.parse().map_err(|_| InvalidPickListId)?;
        // `01` and `+1` would be other names of the same list.
        if attempt == 0 || attempt.to_string() != number {
            return Err(InvalidPickListId);
        }
        let order_id = OrderId::parse(order).map_err(|_| InvalidPickListId)?;
        let location = LocationId::parse(location).map_err(|_| InvalidPickListId)?;
        Ok(Self { order_id, attempt, location })
    }
}

impl fmt::Display for PickListId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}~{}~{}", self.order_id, self.attempt, self.location)
    }
}

impl TryFrom<String> for PickListId {
    type Error = InvalidPickListId;

    fn try_from(text: String) -> Result<Self, InvalidPickListId> {
        Self::parse(&text)
    }
}

impl From<PickListId> for String {
    fn from(id: PickListId) -> Self {
        id.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_as_it_is_written_and_has_one_spelling() {
        let id = PickListId::parse("order-7~12~main").unwrap();
        assert_eq!((id.order_id.as_str(), id.attempt, id.location.as_str()), ("order-7", 12, "main"));
        assert_eq!(id.to_string(), "order-7~12~main");
        let wrong = ["", "o", "o~1", "o~0~main", "o~01~main", "o~+1~main", "o~1~main~x", "~1~main", "o~1~", "o~x~main"];
        for text in wrong {
            assert_eq!(PickListId::parse(text), Err(InvalidPickListId), "{text}");
        }
    }
}
