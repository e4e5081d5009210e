//! Statuses: derived from quantities, never written on their own.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Order, OrderLine};

/// Where a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum LineStatus {
    /// Nothing is known yet of at least some of it.
    Pending,
    /// Reserved.
    Confirmed,
    /// Will not be served.
    Rejected,
    /// Waits for stock.
    Backordered,
    /// Being picked.
    Picking,
    /// Picked.
    Picked,
    /// Some of it was not where it should be.
    ShortPicked,
    /// Packed.
    Packed,
    /// Left the house.
    Shipped,
    /// Arrived.
    Delivered,
    /// Came back.
    Returned,
    /// Cancelled.
    Cancelled,
}

/// Where an order is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OrderStatus {
    /// Placed, and nothing was asked for yet.
    Placed,
    /// Inventory was asked and has not answered.
    ReservationPending,
    /// Some of it is reserved; the rest is rejected, waits for stock, or is not known yet.
    PartiallyReserved,
    /// All that is left of it is reserved.
    Reserved,
    /// Nothing of it will be served.
    Rejected,
    /// Nothing is reserved; it waits for stock.
    Backordered,
    /// Somebody has put it on hold.
    OnHold,
    /// Being picked.
    Picking,
    /// All that is reserved is picked.
    Picked,
    /// All that is reserved is packed.
    Packed,
    /// It can leave.
    ReadyToShip,
    /// Some of it has left.
    PartiallyShipped,
    /// All of it has left.
    Shipped,
    /// All of it has arrived.
    Delivered,
    /// Some of it came back.
    PartiallyReturned,
    /// All of it came back.
    Returned,
    /// Cancelled.
    Cancelled,
}

/// The order cannot become that any more.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an order that is {from} cannot become {to}")]
pub struct WrongTransition {
    /// What it is.
    pub from: OrderStatus,
    /// What it should have become.
    pub to: OrderStatus,
    /// What it can become.
    pub allowed: &'static [OrderStatus],
}

impl WrongTransition {
    /// The refusal to make an order that is `from` become `to`.
    #[must_use]
    pub fn new(from: OrderStatus, to: OrderStatus) -> Self {
        Self { from, to, allowed: from.next() }
    }
}

impl OrderStatus {
    /// Every status.
    pub const ALL: [Self; 17] = [
        Self::Placed,
        Self::ReservationPending,
        Self::PartiallyReserved,
        Self::Reserved,
        Self::Rejected,
        Self::Backordered,
        Self::OnHold,
        Self::Picking,
        Self::Picked,
        Self::Packed,
        Self::ReadyToShip,
        Self::PartiallyShipped,
        Self::Shipped,
        Self::Delivered,
        Self::PartiallyReturned,
        Self::Returned,
        Self::Cancelled,
    ];

    /// Its name, as written everywhere.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Placed => "PLACED",
            Self::ReservationPending => "RESERVATION_PENDING",
            Self::PartiallyReserved => "PARTIALLY_RESERVED",
            Self::Reserved => "RESERVED",
            Self::Rejected => "REJECTED",
            Self::Backordered => "BACKORDERED",
            Self::OnHold => "ON_HOLD",
            Self::Picking => "PICKING",
            Self::Picked => "PICKED",
            Self::Packed => "PACKED",
            Self::ReadyToShip => "READY_TO_SHIP",
            Self::PartiallyShipped => "PARTIALLY_SHIPPED",
            Self::Shipped => "SHIPPED",
            Self::Delivered => "DELIVERED",
            Self::PartiallyReturned => "PARTIALLY_RETURNED",
            Self::Returned => "RETURNED",
            Self::Cancelled => "CANCELLED",
        }
    }

    /// What an order can become from here.
    #[must_use]
    pub fn next(self) -> &'static [Self] {
        use OrderStatus as S;
        match self {
            S::Placed => &[S::ReservationPending, S::OnHold, S::Cancelled],
            S::ReservationPending => {
                &[S::PartiallyReserved, S::Reserved, S::Rejected, S::Backordered, S::OnHold, S::Cancelled]
            }
            S::PartiallyReserved => &[S::Reserved, S::Picking, S::ReadyToShip, S::OnHold, S::Cancelled],
            S::Reserved => &[S::Picking, S::ReadyToShip, S::OnHold, S::Cancelled],
            S::Backordered => &[S::ReservationPending, S::OnHold, S::Cancelled],
            S::OnHold => {
                &[S::ReservationPending, S::PartiallyReserved, S::Reserved, S::Backordered, S::Rejected, S::Cancelled]
            }
            S::Picking => &[S::Picked, S::Cancelled],
            S::Picked => &[S::Packed, S::ReadyToShip, S::Cancelled],
            S::Packed => &[S::ReadyToShip, S::Cancelled],
            S::ReadyToShip => &[S::PartiallyShipped, S::Shipped],
            S::PartiallyShipped => &[S::Shipped, S::PartiallyReturned],
            S::Shipped => &[S::Delivered, S::PartiallyReturned, S::Returned],
            S::Delivered => &[S::PartiallyReturned, S::Returned],
            S::PartiallyReturned => &[S::Returned],
            S::Rejected | S::Returned | S::Cancelled => &[],
        }
    }

    /// Whether nothing happens to an order any more by itself or by others, but for a return.
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(self, Self::Rejected | Self::Cancelled | Self::Delivered | Self::PartiallyReturned | Self::Returned)
    }
}

impl LineStatus {
    /// Its name, as written everywhere.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Confirmed => "CONFIRMED",
            Self::Rejected => "REJECTED",
            Self::Backordered => "BACKORDERED",
            Self::Picking => "PICKING",
            Self::Picked => "PICKED",
            Self::ShortPicked => "SHORT_PICKED",
            Self::Packed => "PACKED",
            Self::Shipped => "SHIPPED",
            Self::Delivered => "DELIVERED",
            Self::Returned => "RETURNED",
            Self::Cancelled => "CANCELLED",
        }
    }
}

impl fmt::Display for OrderStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Order {
    /// Where the line is.
    #[must_use]
    pub fn line_status(&self, line: &OrderLine) -> LineStatus {
        let reserved = line.reserved();
        if line.open() == 0 {
            return if line.cancelled > 0 { LineStatus::Cancelled } else { LineStatus::Rejected };
        }
        if line.untouched() > 0 {
            return LineStatus::Pending;
        }
        match reserved {
            0 => LineStatus::Backordered,
            all if line.returned == all => LineStatus::Returned,
            all if line.delivered() == all => LineStatus::Delivered,
            all if line.shipped() == all => LineStatus::Shipped,
            all if line.packed() == all => LineStatus::Packed,
            all if line.picked() == all && !line.missing_at.is_empty() => LineStatus::ShortPicked,
            all if line.picked() == all => LineStatus::Picked,
            _ if line.short() > 0 => LineStatus::ShortPicked,
            _ if line.picked() > 0 => LineStatus::Picking,
            _ => LineStatus::Confirmed,
        }
    }

    /// Where the order is.
    #[must_use]
    pub fn status(&self) -> OrderStatus {
        let sum = |count: fn(&OrderLine) -> i64| self.lines().iter().map(count).sum::<i64>();
        let (open, reserved, backordered) = (sum(OrderLine::open), sum(OrderLine::reserved), sum(|l| l.backordered));
        let untouched = sum(OrderLine::untouched);
        if open == 0 {
            return if sum(|line| line.cancelled) > 0 { OrderStatus::Cancelled } else { OrderStatus::Rejected };
        }
        if self.on_hold().is_some() {
            return OrderStatus::OnHold;
        }
        if reserved == 0 {
            return match (untouched, self.attempts().is_empty()) {
                (0, _) => OrderStatus::Backordered,
                (_, true) => OrderStatus::Placed,
                (_, false) => OrderStatus::ReservationPending,
            };
        }
        let waits = untouched > 0 || backordered > 0;
        match reserved {
            all if sum(|line| line.returned) == all && !waits => OrderStatus::Returned,
            _ if sum(|line| line.returned) > 0 => OrderStatus::PartiallyReturned,
            all if sum(OrderLine::delivered) == all && !waits => OrderStatus::Delivered,
            all if sum(OrderLine::shipped) == all && !waits => OrderStatus::Shipped,
            _ if sum(OrderLine::shipped) > 0 => OrderStatus::PartiallyShipped,
            _ if self.is_ready() => OrderStatus::ReadyToShip,
            all if sum(OrderLine::packed) == all => OrderStatus::Packed,
            all if sum(OrderLine::picked) == all => OrderStatus::Picked,
            _ if self.is_picking() => OrderStatus::Picking,
            _ if waits || sum(|line| line.rejected) > 0 => OrderStatus::PartiallyReserved,
            _ => OrderStatus::Reserved,
        }
    }
}
