//! Pick lists, waves and packages: what is picked where, in which order, and into what it goes.
//!
//! ```
//! let request: comanda_contracts::PickRequest = serde_json::from_str(r#"{"quantity":2}"#).unwrap();
//! assert_eq!(request.quantity, Some(2));
//! ```

use serde::{Deserialize, Serialize};

use crate::OrderPriority;

/// What one order has to be picked at one location.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct PickList {
    /// Its id: `orderId~attempt~locationId`.
    #[cfg_attr(feature = "openapi", schema(example = "order-7~1~main"))]
    pub pick_list_id: String,
    /// Whose units are picked.
    #[cfg_attr(feature = "openapi", schema(example = "order-7"))]
    pub order_id: String,
    /// Where they are.
    #[cfg_attr(feature = "openapi", schema(example = "main"))]
    pub location_id: String,
    /// Where it is: DRAFT, RELEASED, IN_PROGRESS, COMPLETED or CANCELLED.
    #[cfg_attr(feature = "openapi", schema(example = "RELEASED"))]
    pub status: String,
    /// How urgent its order is.
    pub priority: OrderPriority,
    /// When its order is promised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(format = "date-time", example = "2026-03-03T18:00:00.000Z"))]
    pub promised_at: Option<String>,
    /// When its order was placed.
    #[cfg_attr(feature = "openapi", schema(format = "date-time", example = "2026-03-01T09:30:00.000Z"))]
    pub placed_at: String,
    /// Whether its order is on hold: nobody may pick it.
    pub on_hold: bool,
    /// The wave it was released with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wave_id: Option<String>,
    /// When it was released.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(format = "date-time", example = "2026-03-01T10:00:00.000Z"))]
    pub released_at: Option<String>,
    /// What is to be picked, in the order of the route.
    pub tasks: Vec<PickTask>,
}

/// Units of one order line in one bin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct PickTask {
    /// Its id: that of the order's line.
    #[cfg_attr(feature = "openapi", schema(example = "1"))]
    pub task_id: String,
    /// Where it is: OPEN, PICKED or SHORT.
    #[cfg_attr(feature = "openapi", schema(example = "OPEN"))]
    pub state: String,
    /// What to pick.
    #[cfg_attr(feature = "openapi", schema(example = "TEA-01"))]
    pub sku: String,
    /// The bin, `zone-aisle-bay-level`, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "A-12-3-1"))]
    pub bin: Option<String>,
    /// Units in all. What the order has cancelled is not among them.
    #[cfg_attr(feature = "openapi", schema(example = 3))]
    pub quantity: i64,
    /// Units picked.
    #[cfg_attr(feature = "openapi", schema(example = 1))]
    pub picked: i64,
    /// Units that were not there.
    #[cfg_attr(feature = "openapi", schema(example = 0))]
    pub short: i64,
    /// Units still to be picked.
    #[cfg_attr(feature = "openapi", schema(example = 2))]
    pub open: i64,
    /// Units that were picked and are not wanted any more: they go back to the bin.
    #[cfg_attr(feature = "openapi", schema(example = 0))]
    pub put_back: i64,
}

/// A pick list in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct PickListSummary {
    /// Its id: `orderId~attempt~locationId`.
    #[cfg_attr(feature = "openapi", schema(example = "order-7~1~main"))]
    pub pick_list_id: String,
    /// Whose units are picked.
    #[cfg_attr(feature = "openapi", schema(example = "order-7"))]
    pub order_id: String,
    /// Where they are.
    #[cfg_attr(feature = "openapi", schema(example = "main"))]
    pub location_id: String,
    /// One of those of `PickList`.
    #[cfg_attr(feature = "openapi", schema(example = "DRAFT"))]
    pub status: String,
    /// How urgent its order is.
    pub priority: OrderPriority,
    /// When its order is promised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(format = "date-time", example = "2026-03-03T18:00:00.000Z"))]
    pub promised_at: Option<String>,
    /// When its order was placed.
    #[cfg_attr(feature = "openapi", schema(format = "date-time", example = "2026-03-01T09:30:00.000Z"))]
    pub placed_at: String,
    /// Whether its order is on hold: nobody may pick it.
    pub on_hold: bool,
    /// The wave it was released with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wave_id: Option<String>,
    /// How many tasks it has.
    pub tasks: i64,
    /// Units in all.
    pub quantity: i64,
    /// Units still to be picked.
    pub open: i64,
}

/// `GET /v1/orders/{id}/pick-list`: all that is picked for one order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct OrderPickLists {
    /// The order.
    #[cfg_attr(feature = "openapi", schema(example = "order-7"))]
    pub order_id: String,
    /// Where the order is.
    #[cfg_attr(feature = "openapi", schema(example = "RESERVED"))]
    pub status: String,
    /// One list for each attempt to reserve and each location: at most 100.
    pub pick_lists: Vec<PickList>,
}

/// `POST /v1/pick-lists/{id}/tasks/{taskId}/pick` and `/short`: how many units by now, all in all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PickRequest {
    /// Units, 1 to 1,000,000,000: picked (or missing) in all, not since the last request, so that repeating it is safe.
    /// All that is still to be picked unless given. `qty` is the same field.
    #[serde(default, alias = "qty", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = 2, minimum = 1, maximum = 1_000_000_000))]
    pub quantity: Option<i64>,
}

/// A pick list after a command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct PickListAnswer {
    /// Its id.
    #[cfg_attr(feature = "openapi", schema(example = "order-7~1~main"))]
    pub pick_list_id: String,
    /// Where it is now.
    #[cfg_attr(feature = "openapi", schema(example = "IN_PROGRESS"))]
    pub status: String,
    /// Units still to be picked.
    pub open: i64,
}

/// `POST /v1/orders/{id}/packages`: puts picked units into a package.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PackRequest {
    /// The client's id for the package, unique in the order, which makes a retry safe.
    #[cfg_attr(feature = "openapi", schema(example = "box-1", pattern = "^[A-Za-z0-9._:-]{1,128}$"))]
    pub package_id: String,
    /// What goes into it; all that is picked and not packed unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(min_items = 1, max_items = 2000))]
    pub lines: Option<Vec<PackLine>>,
}

/// Units of one line that go into a package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PackLine {
    /// The line.
    #[cfg_attr(feature = "openapi", schema(example = "1", pattern = "^[A-Za-z0-9._:-]{1,128}$"))]
    pub line_id: String,
    /// Units, 1 to 1,000,000,000. `qty` is the same field.
    #[serde(alias = "qty")]
    #[cfg_attr(feature = "openapi", schema(example = 1, minimum = 1, maximum = 1_000_000_000))]
    pub quantity: i64,
}

/// `GET /v1/orders/{id}/packages`: the packages of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct OrderPackages {
    /// The order.
    #[cfg_attr(feature = "openapi", schema(example = "order-7"))]
    pub order_id: String,
    /// Its packages, as they were packed: at most 1,000.
    pub packages: Vec<Package>,
}

/// One package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Package {
    /// Its id.
    #[cfg_attr(feature = "openapi", schema(example = "box-1"))]
    pub package_id: String,
    /// What is in it.
    pub lines: Vec<PackedUnits>,
}

/// Units of one line in a package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct PackedUnits {
    /// The line.
    #[cfg_attr(feature = "openapi", schema(example = "1"))]
    pub line_id: String,
    /// Where they were picked.
    #[cfg_attr(feature = "openapi", schema(example = "main"))]
    pub location_id: String,
    /// Units.
    #[cfg_attr(feature = "openapi", schema(example = 1))]
    pub quantity: i64,
}
