//! What happens to an order. Stored for ever: a variant or field is only ever added.

use std::sync::Arc;

use cqrs::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Policy, Priority};
use crate::domain::ids::{Bin, CarrierId, LineId, LocationId, PackageId, ReturnId, ShipmentId, Sku};

/// What happens to an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum OrderEvent {
    /// It was placed.
    Placed(Placed),
    /// Inventory is asked to commit stock to it. What it asks for waits until it is answered, or nobody answers in time.
    ReservationRequested {
        /// Which attempt, from 1: each is a reservation of its own.
        attempt: u32,
        /// What is asked for.
        lines: Vec<Wanted>,
        /// Whether fewer units are welcome; otherwise it is all or nothing.
        allow_partial: bool,
        /// When the answer counts as missing.
        answer_by: Timestamp,
    },
    /// Inventory has committed stock to it: per line as much as was asked for or, if that was welcome, less.
    Reserved {
        /// The attempt that was answered.
        attempt: u32,
        /// Where the units are.
        lines: Vec<ReservedUnits>,
        /// Whether nothing of the order waits or is missing now.
        #[serde(default)]
        complete: bool,
    },
    /// Inventory has refused.
    ReservationRefused {
        /// The attempt that was answered.
        attempt: u32,
        /// Why, in Inventory's words: INSUFFICIENT_STOCK, UNKNOWN_SKU …
        code: Arc<str>,
    },
    /// Nobody has answered in time: the attempt is over, and what it may still bring is given back.
    ReservationTimedOut {
        /// The attempt.
        attempt: u32,
    },
    /// Units will not be served.
    LinesRejected {
        /// Which, and why.
        lines: Vec<RejectedUnits>,
        /// Whether nothing is left of the order.
        #[serde(default)]
        complete: bool,
    },
    /// Units wait for stock.
    LinesBackordered {
        /// Which.
        lines: Vec<LineUnits>,
        /// When all that waits is asked for again, though nobody has said that stock came.
        again_at: Timestamp,
    },
    /// Nothing of it waits for stock any more.
    NothingWaits,
    /// Units were cancelled.
    LinesCancelled {
        /// Which: first units that wait for stock, then those asked for, then those that are reserved.
        lines: Vec<LineUnits>,
        /// Why, if it was said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<Arc<str>>,
        /// Whether nothing is left of the order.
        #[serde(default)]
        complete: bool,
    },
    /// Inventory is asked to take reserved units back: they were cancelled, came too late or were not found.
    ReleaseRequested {
        /// The attempt they were reserved by.
        attempt: u32,
        /// Which; all that the attempt holds or may still bring if empty.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        lines: Vec<UnitsAt>,
    },
    /// It rests until somebody lets it go on.
    PutOnHold {
        /// Why.
        reason: Arc<str>,
    },
    /// It goes on.
    HoldReleased,
    /// Somebody is picking it.
    PickingStarted,
    /// Units were picked.
    Picked {
        /// Which.
        units: UnitsAt,
    },
    /// Units were not where they should be.
    ShortPicked {
        /// Which.
        units: UnitsAt,
    },
    /// Units were packed.
    Packed {
        /// Into what.
        package: PackageId,
        /// Which.
        lines: Vec<UnitsAt>,
    },
    /// It can leave.
    ReadyToShip {
        /// Whether nobody recorded picking and packing: all that is reserved counts as picked and packed.
        implicit: bool,
    },
    /// Units have left.
    Shipped {
        /// With what.
        shipment: ShipmentId,
        /// Which.
        lines: Vec<UnitsAt>,
    },
    /// Inventory is told that units of one attempt have left.
    ConsumeRequested {
        /// The attempt they were reserved by.
        attempt: u32,
        /// With what they left.
        shipment: ShipmentId,
        /// Which.
        lines: Vec<UnitsAt>,
    },
    /// A shipment has arrived.
    Delivered {
        /// Which.
        shipment: ShipmentId,
        /// What was in it.
        lines: Vec<UnitsAt>,
    },
    /// Units have come back.
    Returned {
        /// With what.
        return_id: ReturnId,
        /// Which.
        lines: Vec<LineUnits>,
    },
    /// Units are to leave with a shipment.
    ShipmentPlanned {
        /// Which.
        shipment: ShipmentId,
        /// Who is asked to take it.
        carrier: CarrierId,
        /// What is in it.
        lines: Vec<UnitsAt>,
    },
    /// A carrier takes a shipment.
    ShipmentBooked {
        /// Which.
        shipment: ShipmentId,
        /// The carrier's number for it.
        tracking_number: Arc<str>,
    },
    /// A carrier does not take a shipment.
    BookingFailed {
        /// Which.
        shipment: ShipmentId,
        /// Why.
        reason: Arc<str>,
    },
    /// A shipment does not leave: its units can be planned anew.
    ShipmentVoided {
        /// Which.
        shipment: ShipmentId,
        /// What was in it.
        lines: Vec<UnitsAt>,
    },
    /// A shipment could not be handed over.
    DeliveryFailed {
        /// Which.
        shipment: ShipmentId,
        /// Why, if it was said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<Arc<str>>,
    },
    /// Units are to come back.
    ReturnRequested {
        /// With what.
        return_id: ReturnId,
        /// Which.
        lines: Vec<LineUnits>,
    },
    /// A return will not come.
    ReturnCancelled {
        /// Which.
        return_id: ReturnId,
    },
}

/// An order as it was placed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Placed {
    /// Its lines: 1 to 2,000.
    pub lines: Vec<PlacedLine>,
    /// What happens when a line is short.
    pub policy: Policy,
    /// How urgent it is.
    pub priority: Priority,
    /// When it is promised to arrive or to leave, if that was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promised_at: Option<Timestamp>,
    /// Whose it is, if that was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<Arc<str>>,
    /// When it was placed.
    pub placed_at: Timestamp,
}

/// One line of an order as it was placed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlacedLine {
    /// Its id, unique in the order.
    pub line_id: LineId,
    /// What is ordered. Several lines may name the same SKU.
    pub sku: Sku,
    /// Units.
    pub quantity: i64,
}

/// Units of one line that an attempt asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Wanted {
    /// The line.
    pub line_id: LineId,
    /// Its SKU.
    pub sku: Sku,
    /// Units.
    pub quantity: i64,
    /// Locations where a picker found none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<LocationId>,
}

/// What an attempt brought for one line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReservedUnits {
    /// The line.
    pub line_id: LineId,
    /// Where the units are; none if the line is short altogether.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub from: Vec<PickFrom>,
    /// Why there are fewer than were asked for, if Inventory said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<Arc<str>>,
}

/// Units at one place of a warehouse.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PickFrom {
    /// The location.
    pub location: LocationId,
    /// The bin inside it, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bin: Option<Bin>,
    /// Units.
    pub quantity: i64,
}

/// Units of one line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LineUnits {
    /// The line.
    pub line_id: LineId,
    /// Units.
    pub quantity: i64,
}

/// Units of one line that will not be served.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RejectedUnits {
    /// The line.
    pub line_id: LineId,
    /// Units.
    pub quantity: i64,
    /// Why: INSUFFICIENT_STOCK, UNKNOWN_SKU, RESERVATION_TIMEOUT, SHORT_PICK …
    pub code: Arc<str>,
}

/// Reserved units of one line: by which attempt, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UnitsAt {
    /// The line.
    pub line_id: LineId,
    /// The attempt that reserved them.
    pub attempt: u32,
    /// Where they are, or were.
    pub location: LocationId,
    /// Units.
    pub quantity: i64,
}
