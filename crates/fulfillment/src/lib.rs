//! The Fulfillment context: orders from placed to delivered and returned, and why any of them waits.
//!
//! [`context`] is its table of contents. `domain` has the rules, one command per file; `read_models` the views;
//! `application` the questions, one query per file; `api` their shapes over HTTP. `publish.rs` says what others are told,
//! `react.rs` what others' contract events mean here: only these two know both languages.
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod api;
pub mod application;
pub mod domain;
pub mod publish;
mod publish_leaving;
pub mod react;
pub mod read_models;

use application::list_backorders::{ListBackorders, ListDemand};
use application::list_orders::{ListLateOrders, ListOrders};
use application::list_pick_lists::ListPickLists;
use application::order_by_id::{OrderById, StatusOfOrder};
use application::pick_list_by_id::{PackagesOfOrder, PickListById, PickListsOfOrder};
use application::returns::{ListReturns, ReturnById};
use application::shipments::{DueShipments, ListShipments, ShipmentById};
use application::timeline::Timeline;
use application::waves::{ListWaves, WaveById};
use domain::backlog::Backlog;
use domain::goods_return::{GoodsReturn, cancel::CancelReturn, receive::ReceiveReturn, request::RequestReturn};
use domain::order::{Order, cancel::CancelOrder, hold::PutOnHold, place::PlaceOrder, release_hold::ReleaseHold};
use domain::order::{pack::PackUnits, ready_to_ship::MakeReadyToShip};
use domain::pick_list::{PickList, pick_task::PickUnits, release::ReleasePickList, short_task::MissUnits};
use domain::shipment::{
    Shipment, dispatch::Dispatch, plan::PlanShipment, rebook::Rebook, record_booking::RecordBooking,
    record_cancellation::RecordCancellation, record_lookup::RecordLookup, start_booking::StartBooking, track::Track,
    void::VoidShipment,
};
use domain::wave::{Wave, release::ReleaseWave};
use read_models::{backorders::BackorderProjection, demand::DemandProjection, orders::OrderProjection};
use read_models::{pick_lists::PickListProjection, waves::WaveProjection};
use read_models::{returns::ReturnProjection, shipments::ShipmentProjection};

/// All that Fulfillment consists of.
#[must_use]
pub fn context() -> cqrs::Context {
    cqrs::Context::named("fulfillment")
        // What it remembers.
        .timed::<Order>()
        .aggregate::<Backlog>()
        .aggregate::<Shipment>()
        .aggregate::<GoodsReturn>()
        .aggregate::<PickList>()
        .aggregate::<Wave>()
        // What can be asked of it.
        .command::<PlaceOrder>()
        .command::<CancelOrder>()
        .command::<PutOnHold>()
        .command::<ReleaseHold>()
        .command::<ReleasePickList>()
        .command::<PickUnits>()
        .command::<MissUnits>()
        .command::<ReleaseWave>()
        .command::<PackUnits>()
        .command::<MakeReadyToShip>()
        .command::<PlanShipment>()
        .command::<StartBooking>()
        .command::<RecordBooking>()
        .command::<RecordLookup>()
        .command::<Rebook>()
        .command::<Dispatch>()
        .command::<Track>()
        .command::<VoidShipment>()
        .command::<RecordCancellation>()
        .command::<RequestReturn>()
        .command::<ReceiveReturn>()
        .command::<CancelReturn>()
        // What it can be asked.
        .query::<OrderById>()
        .query::<StatusOfOrder>()
        .query::<Timeline>()
        .query::<ListOrders>()
        .query::<ListLateOrders>()
        .query::<ListBackorders>()
        .query::<ListDemand>()
        .query::<ShipmentById>()
        .query::<ListShipments>()
        .query::<DueShipments>()
        .query::<ReturnById>()
        .query::<ListReturns>()
        .query::<PickListById>()
        .query::<PickListsOfOrder>()
        .query::<PackagesOfOrder>()
        .query::<ListPickLists>()
        .query::<WaveById>()
        .query::<ListWaves>()
        // What it keeps ready to answer.
        .view(OrderProjection)
        .view(BackorderProjection)
        .view(DemandProjection)
        .view(ShipmentProjection)
        .view(ReturnProjection)
        .view(PickListProjection)
        .view(WaveProjection)
        // What it hears from others, and what it tells them.
        .reacts::<react::Stock>()
        .publishes(publish::publish)
}
