//! The Inventory context: stock that cannot be sold twice, reservations of it, and what can still be promised.
//!
//! [`context`] is its table of contents. `domain` has the rules, one command per file; `read_models` the views;
//! `application` the questions, one query per file; `api` their shapes over HTTP. `publish` says what its events tell other
//! contexts, `react` what theirs change here.
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod api;
pub mod application;
pub mod domain;
pub mod publish;
pub mod react;
pub mod read_models;

use application::{
    availability::Availability,
    count_by_id::CountById,
    ledger::Ledger,
    list_capacity::ListCapacity,
    list_counts::ListCounts,
    list_expiring_holds::ListExpiringHolds,
    list_incoming::ListIncoming,
    list_locations::{ListLocations, LocationById},
    list_low_stock::ListLowStock,
    list_movements::ListMovements,
    list_stock::ListStock,
    list_stock_at_location::ListStockAtLocation,
    receipts::{ListReceipts, ReceiptById},
    reservation_by_id::ReservationById,
    skus_in_bins::SkusInBins,
    stock_as_of::StockAsOf,
    stock_of_sku::StockOfSku,
    sum_movements::SumMovements,
    sweep::DueSkus,
    transfers::{ListTransfers, TransferById},
};
use domain::cycle_count::{
    CycleCount, apply::ApplyCount, cancel::CancelCount, record::RecordCount, recount::Recount, request::RequestCount,
    review::ReviewCount,
};
use domain::location::{Location, register::RegisterLocation, update::UpdateLocation};
use domain::receipt::{
    Receipt, cancel::CancelReceipt, close::CloseReceipt, expect::Expect, receive::Receive,
    receive_unannounced::ReceiveUnannounced, reschedule::Reschedule,
};
use domain::reservation::{
    Reservation, confirm::Confirm, consume::Consume, extend::Extend, plan::PlanSourcing, release::Release,
    release_item::ReleaseItem, reserve::Reserve, reserve_item::ReserveItem, transfer::TransferReservation,
};
use domain::stock_item::{
    StockItem, adjust::Adjust, assign_bin::AssignBin, expire::ExpireHolds, import::Import, register::RegisterSku,
    regrade::Regrade, replenish::Replenish, set_backorders::SetBackorders, update::UpdateSku,
};
use domain::transfer::{
    Transfer, cancel::CancelTransfer, receive::ReceiveTransfer, request::RequestTransfer, ship::ShipTransfer,
};
use publish::publish;
use react::Orders;
use read_models::{
    capacity::CapacityProjection, counts::CountProjection, expiring_holds::ExpiringHoldsProjection,
    incoming::IncomingProjection, incoming_then::IncomingThenProjection, locations::LocationProjection,
    movement_log::MovementLogProjection, movement_sums::MovementSumProjection, receipts::ReceiptProjection,
    stock::StockProjection, stock_at_location::StockAtLocationProjection, transfers::TransferProjection,
};

/// All that Inventory consists of.
#[must_use]
pub fn context() -> cqrs::Context {
    cqrs::Context::named("inventory")
        // What it remembers.
        .aggregate::<StockItem>()
        .aggregate::<Location>()
        .aggregate::<Reservation>()
        .aggregate::<Receipt>()
        .aggregate::<Transfer>()
        .aggregate::<CycleCount>()
        // What can be asked of it.
        .command::<RegisterSku>()
        .command::<UpdateSku>()
        .command::<RegisterLocation>()
        .command::<AssignBin>()
        .command::<Adjust>()
        .command::<Replenish>()
        .command::<Import>()
        .command::<ExpireHolds>()
        .command::<Reserve>()
        .command::<Confirm>()
        .command::<Extend>()
        .command::<Release>()
        .command::<Consume>()
        .command::<ReserveItem>()
        .command::<ReleaseItem>()
        .command::<Expect>()
        .command::<Receive>()
        .command::<ReceiveUnannounced>()
        .command::<Reschedule>()
        .command::<CancelReceipt>()
        .command::<CloseReceipt>()
        .command::<RequestTransfer>()
        .command::<ShipTransfer>()
        .command::<ReceiveTransfer>()
        .command::<CancelTransfer>()
        .command::<SetBackorders>()
        .command::<Regrade>()
        .command::<TransferReservation>()
        .command::<UpdateLocation>()
        .command::<PlanSourcing>()
        .command::<RequestCount>()
        .command::<RecordCount>()
        .command::<Recount>()
        .command::<ReviewCount>()
        .command::<ApplyCount>()
        .command::<CancelCount>()
        // What it can be asked.
        .query::<StockOfSku>()
        .query::<ListStock>()
        .query::<ListStockAtLocation>()
        .query::<ListLowStock>()
        .query::<Availability>()
        .query::<ReservationById>()
        .query::<Ledger>()
        .query::<LocationById>()
        .query::<ListLocations>()
        .query::<ListCapacity>()
        .query::<DueSkus>()
        .query::<ReceiptById>()
        .query::<ListReceipts>()
        .query::<ListIncoming>()
        .query::<TransferById>()
        .query::<ListTransfers>()
        .query::<ListMovements>()
        .query::<SumMovements>()
        .query::<StockAsOf>()
        .query::<ListExpiringHolds>()
        .query::<CountById>()
        .query::<ListCounts>()
        .query::<SkusInBins>()
        // What it keeps ready to answer.
        .view(StockProjection)
        .view(StockAtLocationProjection)
        .view(ExpiringHoldsProjection)
        .view(LocationProjection)
        .view(CapacityProjection)
        .view(IncomingProjection)
        .view(IncomingThenProjection)
        .view(ReceiptProjection)
        .view(TransferProjection)
        .view(MovementLogProjection)
        .view(MovementSumProjection)
        .view(CountProjection)
        // What it tells others, and what others may ask of it.
        .publishes(publish)
        .reacts::<Orders>()
}
