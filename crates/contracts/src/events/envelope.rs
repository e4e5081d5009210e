//! The envelope of every contract event: CloudEvents 1.0, with our extension attributes.

use serde::{Deserialize, Serialize};

/// A contract event as it travels: CloudEvents 1.0 in JSON.
///
/// ```
/// use comanda_contracts::events::{CloudEvent, StockBecameAvailable};
///
/// let event: CloudEvent = serde_json::from_str(
///     r#"{"specversion":"1.0","id":"0197c0de00007000800000000000002a.3.41","source":"/inventory",
///         "type":"comanda.inventory.stock-became-available.v1","subject":"TEA-01","time":"2026-03-01T09:30:00.000Z",
///         "datacontenttype":"application/json","partitionkey":"TEA-01","epoch":"0197c0de-0000-7000-8000-000000000001",
///         "partition":3,"sequence":"41","after":"38","predecessor":"0197c0de00007000800000000000002a.3.38",
///         "data":{"sku":"TEA-01","locationId":"main","quantity":4}}"#,
/// ).unwrap();
/// assert_eq!(event.event_type, StockBecameAvailable::TYPE);
/// assert_eq!(serde_json::from_value::<StockBecameAvailable>(event.data).unwrap().quantity, 4);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CloudEvent {
    /// `1.0`.
    #[cfg_attr(feature = "openapi", schema(pattern = "^1\\.0$"))]
    pub specversion: String,
    /// The event's name, for ever; an event that comes twice comes under the same one.
    pub id: String,
    /// The context that owns it: `/inventory` or `/fulfillment`.
    #[cfg_attr(feature = "openapi", schema(format = "uri-reference"))]
    pub source: String,
    /// What happened, with its version: says what `data` is.
    #[serde(rename = "type")]
    pub event_type: String,
    /// What it happened to: the id of an order, a reservation, a shipment or a return, or a SKU.
    pub subject: String,
    /// When it was decided.
    #[cfg_attr(feature = "openapi", schema(format = "date-time"))]
    pub time: String,
    /// `application/json`.
    pub datacontenttype: String,
    /// Events of one key reach a consumer in order.
    pub partitionkey: String,
    /// The log it stands in: another one after the owner was restored from a copy.
    #[cfg_attr(feature = "openapi", schema(format = "uuid"))]
    pub epoch: String,
    /// The partition of that log.
    pub partition: u16,
    /// Its place in the partition, as a whole number from 1. Text, because it can exceed a CloudEvents integer.
    #[cfg_attr(feature = "openapi", schema(pattern = "^[1-9][0-9]*$"))]
    pub sequence: String,
    /// The place up to which the partition was told before: between it and `sequence` there is no contract event.
    #[cfg_attr(feature = "openapi", schema(pattern = "^(0|[1-9][0-9]*)$"))]
    pub after: String,
    /// The name of the stored event at `after`; none at the start of the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub predecessor: Option<String>,
    /// What ties it to the request that caused it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlationid: Option<String>,
    /// The event that caused it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub causationid: Option<String>,
    /// The W3C trace context it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
    /// The content, as `type` says.
    pub data: serde_json::Value,
}
