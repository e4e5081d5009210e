//! The published language: the JSON that Comanda's HTTP interface takes and gives. Serde only, no behaviour.
//!
//! * Field names are camelCase. A request with a field that is not known is refused.
//! * Quantities are whole numbers of units. Requests carry them signed, so that a negative one is told apart from text
//!   that is no number; the valid range stands at each field.
//! * Times are RFC 3339 texts in UTC with milliseconds: `2026-03-01T09:30:00.000Z`.
//! * Ids match `[A-Za-z0-9._:-]{1,128}`. The reservation of an order is `orderId~attempt`, which no client can choose.
//! * An optional field of an answer that has no value is left out.

mod adjustment;
mod availability;
mod batch;
#[cfg(feature = "openapi")]
pub mod catalogue;
mod cycle_count;
mod dead_letter;
pub mod events;
mod goods_return;
mod import;
mod ledger;
mod location;
mod movement;
mod order;
mod page;
mod pick_list;
mod problem;
mod projection;
mod receipt;
mod regrade;
mod reservation;
mod shipment;
mod short_paths;
mod sku;
mod sourcing;
mod stock;
mod transfer;
mod wave;
mod webhook;

pub use adjustment::{Adjustment, AdjustmentRequest, ReasonCode};
pub use availability::{AvailabilityAnswer, AvailabilityLine, AvailabilityRequest, WantedLine};
pub use batch::{BatchAnswer, BatchOutcome, BatchRequest};
pub use cycle_count::{
    CancelCountRequest, Count, CountActRequest, CountDifference, CountDifferences, CountLine, CountState, CountSummary,
    CountedLine, RecordCountRequest, RecountRequest, RequestCountRequest,
};
pub use dead_letter::{DeadLetter, DiscardDeadLetter, RetriedDeadLetter, RetriedDeadLetters, RetryDeadLetters};
pub use goods_return::{
    GoodsReturn, ReceiveReturnRequest, ReceivedLine, RequestReturnRequest, ReturnAccepted, ReturnLine,
};
pub use import::{ImportAnswer, ImportRequest, ImportRow};
pub use ledger::{LedgerEntry, Movement};
pub use location::{Capacity, Location, RegisterLocation, UpdateLocation};
pub use movement::{MovementSum, MovementSums, StockMovement};
pub use order::{
    Backorder, CancelOrderLine, CancelOrderRequest, Demand, HoldOrderRequest, Order, OrderAccepted, OrderAllocation,
    OrderLine, OrderPolicy, OrderPriority, OrderStatusAnswer, OrderSummary, OrderTimeline, PlaceOrderLine,
    PlaceOrderRequest, TimelineEntry, WaitsFor,
};
pub use page::Page;
pub use pick_list::{
    OrderPackages, OrderPickLists, PackLine, PackRequest, Package, PackedUnits, PickList, PickListAnswer,
    PickListSummary, PickRequest, PickTask,
};
pub use problem::{FieldError, Problem, Shortfall};
pub use projection::{ComparedBuilds, KeptBuild, ParkedKey, Projection, Rebuild, RebuildRequest, ReplayedKey};
pub use receipt::{
    CreateReceipt, CreateReceiptLine, IncomingUnits, Receipt, ReceiptLine, ReceiptOpening, ReceiptState, ReceiveGoods,
    ReceiveGoodsLine, RescheduleLine, RescheduleReceipt,
};
pub use regrade::{Regrade, RegradeRequest, StockCondition, StockFate};
pub use reservation::{
    Allocation, ConsumeLine, ConsumeRequest, ExpiringHold, ExtendRequest, Reservation, ReservationLine,
    ReservationState, ReserveLine, ReserveRequest, TransferRequest,
};
pub use shipment::{
    PlanShipmentLine, PlanShipmentRequest, Shipment, ShipmentAccepted, ShipmentLine, ShipmentNews,
    TrackShipmentRequest, TrackingEntry, VoidShipmentRequest,
};
pub use short_paths::{
    ShortItem, ShortReleaseRequest, ShortReplenishRequest, ShortReservation, ShortReserveRequest, ShortStock,
};
pub use sku::{Backorders, RegisterSku, SetBackorders, Sku, UpdateSku};
pub use sourcing::{
    ConsideredLocation, Coordinates, LineSourcing, PlannedLine, SourcingPlan, SourcingPlanRequest, SourcingReason,
    SourcingStrategy,
};
pub use stock::{AssignBin, BinAssignment, ExpectedUnits, LocationStock, LowStock, Stock, StockAsOf, StockAtLocation};
pub use transfer::{
    ReceiveTransfer, ReceiveTransferLine, RequestTransfer, RequestTransferLine, ShipTransfer, Transfer, TransferLine,
    TransferState,
};
pub use wave::{LeftOutOfWave, ReleaseWaveRequest, Wave, WaveReleased, WaveShare, WaveStop, WaveSummary};
pub use webhook::{
    RedeliverWebhook, RegisterWebhook, RotateWebhookSecret, UpdateWebhook, Webhook, WebhookBreaker, WebhookDelivery,
    WebhookDisabledReason, WebhookSecret, WebhookSecretInfo,
};

/// The id of a pick list in the description of a list of them.
#[cfg(feature = "openapi")]
#[derive(utoipa::ToSchema)]
#[schema(example = "order-7~1~main", pattern = "^[A-Za-z0-9._:-]{1,128}~[1-9][0-9]{0,8}~[A-Za-z0-9._:-]{1,128}$")]
pub struct PickListIdText(pub String);

/// A bin, or the zone, aisle or bay of several, in the description of a list of them.
#[cfg(feature = "openapi")]
#[derive(utoipa::ToSchema)]
#[schema(example = "A-01", pattern = "^[A-Za-z0-9._:]{1,31}(-[A-Za-z0-9._:]{1,31}){0,3}$")]
pub struct BinText(pub String);

/// An id in the description of a list of them; in the code it is a `String`.
#[cfg(feature = "openapi")]
#[derive(utoipa::ToSchema)]
#[schema(example = "TEA-01", pattern = "^[A-Za-z0-9._:-]{1,128}$")]
pub struct Id(pub String);
