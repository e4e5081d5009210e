//! Shipments: what is planned to leave, whether its carrier takes it, and where it is.

use serde::{Deserialize, Serialize};

/// `POST /v1/shipments`: plans a shipment of units that are ready. Its carrier is asked from then on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlanShipmentRequest {
    /// The client's id for it: the reference its carrier knows it by.
    #[cfg_attr(feature = "openapi", schema(example = "shipment-7", pattern = "^[A-Za-z0-9._:-]{1,128}$"))]
    pub shipment_id: String,
    /// The order.
    #[cfg_attr(feature = "openapi", schema(pattern = "^[A-Za-z0-9._:-]{1,128}$"))]
    pub order_id: String,
    /// Who is asked to take it.
    #[cfg_attr(feature = "openapi", schema(pattern = "^[A-Za-z0-9._:-]{1,128}$"))]
    pub carrier: String,
    /// What is in it, at most 2,000 lines; all that is ready unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(max_items = 2000))]
    pub lines: Option<Vec<PlanShipmentLine>>,
    /// Where it leaves from; needed only if what is ready lies at several locations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(pattern = "^[A-Za-z0-9._:-]{1,128}$"))]
    pub location_id: Option<String>,
    /// Its boxes, 1 to 1,000; 1 unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 1000))]
    pub packages: Option<u32>,
}

/// Units of one line for a shipment, or for a return.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlanShipmentLine {
    /// The line of the order.
    #[cfg_attr(feature = "openapi", schema(pattern = "^[A-Za-z0-9._:-]{1,128}$"))]
    pub line_id: String,
    /// Units, 1 to 1,000,000,000.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 1_000_000_000))]
    pub quantity: i64,
}

/// `POST /v1/shipments/{shipmentId}/tracking`: news from the carrier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TrackShipmentRequest {
    /// The carrier's id for this piece of news, unique in the shipment: told twice, it counts once.
    #[cfg_attr(feature = "openapi", schema(pattern = "^[A-Za-z0-9._:-]{1,128}$"))]
    pub event_id: String,
    /// What it says.
    pub status: ShipmentNews,
    /// When it happened: an RFC 3339 instant.
    #[cfg_attr(feature = "openapi", schema(format = "date-time"))]
    pub happened_at: String,
    /// In the carrier's words, 1 to 500 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 500))]
    pub text: Option<String>,
}

/// What a piece of news says of a shipment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ShipmentNews {
    /// It is on its way.
    InTransit,
    /// It has arrived.
    Delivered,
    /// It could not be handed over.
    DeliveryFailed,
}

/// `POST /v1/shipments/{shipmentId}/void`: it does not leave.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VoidShipmentRequest {
    /// Why, 1 to 500 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 500))]
    pub reason: Option<String>,
}

/// What a command on a shipment answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ShipmentAccepted {
    /// The shipment.
    pub shipment_id: String,
    /// Where it is.
    pub status: String,
}

/// A shipment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Shipment {
    /// Its id: the reference its carrier knows it by.
    pub shipment_id: String,
    /// The order.
    pub order_id: String,
    /// Where it is: PLANNED, BOOKING, BOOKED, BOOKING_UNKNOWN, BOOKING_FAILED, DISPATCHED, IN_TRANSIT, DELIVERED,
    /// DELIVERY_FAILED or VOIDED.
    pub status: String,
    /// Who takes it, or is asked to.
    pub carrier: String,
    /// The carrier's number for it, once it is booked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tracking_number: Option<String>,
    /// Its boxes.
    pub packages: u32,
    /// What is in it.
    pub lines: Vec<ShipmentLine>,
    /// When it was planned.
    pub planned_at: String,
    /// How often its carrier was asked to take it.
    pub attempts: u32,
    /// When its carrier is talked to next, if it has to be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_contact_at: Option<String>,
    /// Why the last thing that went wrong did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What the carrier has told of it, as it was heard.
    pub tracking: Vec<TrackingEntry>,
}

/// Units of one line in a shipment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ShipmentLine {
    /// The line of the order.
    pub line_id: String,
    /// Units.
    pub quantity: i64,
    /// Where they leave from.
    pub location_id: String,
}

/// A piece of news of a shipment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct TrackingEntry {
    /// The carrier's id for it.
    pub event_id: String,
    /// What it says.
    pub status: ShipmentNews,
    /// When it happened, by the carrier's clock.
    pub happened_at: String,
    /// In the carrier's words, if it said more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}
