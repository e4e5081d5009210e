//! What comes in, among all the rest that happens: receipts announced, booked in parts, moved, given up, and transfers between the places.

use comanda_inventory::application::list_incoming::ListIncoming;
use comanda_inventory::application::page::PageRequest;
use comanda_inventory::application::receipts::ReceiptById;
use comanda_inventory::application::transfers::TransferById;
use comanda_inventory::domain::ids::{DeliveryId, ReceiptId, TransferId};
use comanda_inventory::domain::receipt::cancel::CancelReceipt;
use comanda_inventory::domain::receipt::close::CloseReceipt;
use comanda_inventory::domain::receipt::expect::{Expect, ExpectLine};
use comanda_inventory::domain::receipt::receive::{Receive, ReceiveLine};
use comanda_inventory::domain::receipt::receive_unannounced::{CameLine, ReceiveUnannounced};
use comanda_inventory::domain::receipt::reschedule::{Move, Reschedule};
use comanda_inventory::domain::stock_item::set_backorders::SetBackorders;
use comanda_inventory::domain::stock_item::{BackorderTerms, StockItem};
use comanda_inventory::domain::transfer::ArrivedUnits;
use comanda_inventory::domain::transfer::cancel::CancelTransfer;
use comanda_inventory::domain::transfer::receive::ReceiveTransfer;
use comanda_inventory::domain::transfer::request::{RequestTransfer, TransferLine};
use comanda_inventory::domain::transfer::ship::ShipTransfer;
use cqrs::Timestamp;
use proptest::prelude::*;

use super::model::{Model, Wanted};
use super::{PLACES, SKUS, place_no, sku_no};
use crate::house::{House, line, units};

const RECEIPTS: usize = 3;
const DELIVERIES: usize = 3;
const TRANSFERS: usize = 3;

/// One thing that happens to a receipt; receipts, lines, deliveries and dates by number.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Expect { id: usize, place: usize, lines: Vec<Wanted> },
    Receive { id: usize, delivery: usize, part: Option<(usize, i64, i64)> },
    Unannounced { id: usize, place: usize, came: (usize, i64, i64) },
    Reschedule(usize, i64),
    Cancel(usize),
    Close(usize),
    Request { id: usize, from: usize, to: usize, lines: Vec<(usize, i64)> },
    Ship(usize, i64),
    Arrive { id: usize, delivery: usize, part: Option<(usize, i64, i64, i64)> },
    Recall(usize),
    Limit { sku: usize, limit: i64, from: Option<i64>, incoming_only: bool },
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    let (id, place) = (0..RECEIPTS, 0..PLACES);
    let wanted = (0..SKUS, 1..12_i64, 0..4_i64).prop_map(|(sku, units, day)| Wanted { sku, units, day });
    let lines = prop::collection::vec(wanted, 1..3);
    let part = prop_oneof![1 => Just(None), 4 => (0..3_usize, 1..9_i64, 0..3_i64).prop_map(Some)];
    let receive = (id.clone(), 0..DELIVERIES, part);
    let came = (0..SKUS, 1..6_i64, 0..3_i64);
    let from = prop_oneof![1 => Just(None), 2 => (0..60_i64).prop_map(Some)];
    let moved = prop::collection::vec((0..SKUS, 1..6_i64), 1..3);
    let fate = prop_oneof![1 => Just(None), 4 => (0..3_usize, 0..5_i64, 0..2_i64, 0..3_i64).prop_map(Some)];
    prop_oneof![
        4 => (id.clone(), place.clone(), lines).prop_map(|(id, place, lines)| Step::Expect { id, place, lines }),
        6 => receive.prop_map(|(id, delivery, part)| Step::Receive { id, delivery, part }),
        3 => (id.clone(), place, came).prop_map(|(id, place, came)| Step::Unannounced { id, place, came }),
        1 => (id.clone(), 0..4_i64).prop_map(|(id, day)| Step::Reschedule(id, day)),
        1 => id.clone().prop_map(Step::Cancel),
        1 => id.prop_map(Step::Close),
        3 => (0..TRANSFERS, 0..PLACES, 1..PLACES, moved).prop_map(|(id, from, by, lines)| {
            Step::Request { id, from, to: (from + by) % PLACES, lines }
        }),
        6 => (0..TRANSFERS, 0..4_i64).prop_map(|(id, day)| Step::Ship(id, day)),
        8 => (0..TRANSFERS, 0..DELIVERIES, fate).prop_map(|(id, delivery, part)| Step::Arrive { id, delivery, part }),
        1 => (0..TRANSFERS).prop_map(Step::Recall),
        5 => (0..SKUS, 0..6_i64, from, any::<bool>()).prop_map(|(sku, limit, from, incoming_only)| {
            Step::Limit { sku, limit, from, incoming_only }
        }),
    ]
}

fn receipt_no(no: usize) -> ReceiptId {
    ReceiptId::parse(&format!("receipt-{no}")).unwrap()
}

fn transfer_no(no: usize) -> TransferId {
    TransferId::parse(&format!("transfer-{no}")).unwrap()
}

fn day(day: i64) -> Timestamp {
    Timestamp::from_millis(day * 50)
}

/// Does a step in both worlds: they must agree on whether it is allowed.
pub(super) async fn take(house: &House, model: &mut Model, step: &Step) {
    match step {
        Step::Expect { id, place, lines } => {
            let line = |(no, wanted): (usize, &Wanted)| ExpectLine {
                line_id: line(&no.to_string()),
                sku: sku_no(wanted.sku),
                quantity: units(wanted.units),
                expected_at: day(wanted.day),
            };
            let asked = lines.iter().enumerate().map(line).collect();
            let (receipt_id, location) = (receipt_no(*id), place_no(*place));
            let command = Expect { receipt_id, location, supplier_reference: None, lines: asked };
            model.expect(*id, *place, lines, house.send(command).await.is_ok());
        }
        Step::Receive { id, delivery, part } => {
            let came = |&(no, quantity, damaged): &(usize, i64, i64)| ReceiveLine {
                line_id: line(&no.to_string()),
                quantity: units(quantity),
                damaged: damaged.min(quantity),
            };
            let (receipt_id, lines) = (receipt_no(*id), part.as_ref().map(|part| vec![came(part)]));
            let delivery_id = DeliveryId::parse(&delivery.to_string()).unwrap();
            let done = house.send(Receive { receipt_id, delivery: delivery_id, lines }).await.is_ok();
            let part = part.map(|(no, quantity, damaged)| (no, quantity, damaged.min(quantity)));
            model.receive(*id, *delivery, part, done);
        }
        Step::Unannounced { id, place, came: (sku, quantity, damaged) } => {
            let damaged = *damaged.min(quantity);
            let came = CameLine { line_id: line("0"), sku: sku_no(*sku), quantity: units(*quantity), damaged };
            let (receipt_id, location) = (receipt_no(*id), place_no(*place));
            let command = ReceiveUnannounced { receipt_id, location, supplier_reference: None, lines: vec![came] };
            let done = house.send(command).await.is_ok();
            model.unannounced(*id, *place, (*sku, *quantity, damaged), done);
        }
        Step::Reschedule(id, to) => {
            let command = Reschedule { receipt_id: receipt_no(*id), to: Move::All(day(*to)) };
            model.reschedule(*id, *to, house.send(command).await.is_ok());
        }
        Step::Cancel(id) => {
            let done = house.send(CancelReceipt { receipt_id: receipt_no(*id) }).await.is_ok();
            model.cancel_receipt(*id, done);
        }
        Step::Close(id) => {
            let done = house.send(CloseReceipt { receipt_id: receipt_no(*id) }).await.is_ok();
            model.close_receipt(*id, done);
        }
        Step::Limit { sku, limit, from, incoming_only } => {
            let terms = BackorderTerms { from: from.map(day), incoming_only: *incoming_only };
            let command = SetBackorders { sku: sku_no(*sku), limit: *limit, terms };
            let from = from.map(|from| day(from).as_millis());
            model.limit(*sku, *limit, (from, *incoming_only), house.send(command).await.is_ok());
        }
        Step::Request { .. } | Step::Ship(..) | Step::Arrive { .. } | Step::Recall(_) => {
            take_transfer(house, model, step).await;
        }
    }
}

async fn take_transfer(house: &House, model: &mut Model, step: &Step) {
    match step {
        Step::Request { id, from, to, lines } => {
            let line = |(no, (sku, quantity)): (usize, &(usize, i64))| TransferLine {
                line_id: line(&no.to_string()),
                sku: sku_no(*sku),
                quantity: units(*quantity),
            };
            let asked = lines.iter().enumerate().map(line).collect();
            let (transfer_id, from_place, to_place) = (transfer_no(*id), place_no(*from), place_no(*to));
            let command = RequestTransfer { transfer_id, from: from_place, to: to_place, lines: asked };
            model.request(*id, (*from, *to), lines, house.send(command).await.is_ok());
        }
        Step::Ship(id, to) => {
            let command = ShipTransfer { transfer_id: transfer_no(*id), expected_at: day(*to) };
            model.send_off(*id, *to, house.send(command).await.is_ok());
        }
        Step::Arrive { id, delivery, part } => {
            // What is wrong in itself is no matter of the model: at least one unit, no more damaged than came.
            let part =
                part.map(|(no, came, damaged, lost)| (no, came, damaged.min(came), lost.max(i64::from(came == 0))));
            let units = |(no, quantity, damaged, lost): (usize, i64, i64, i64)| ArrivedUnits {
                line_id: line(&no.to_string()),
                quantity,
                damaged,
                lost,
            };
            let (transfer_id, lines) = (transfer_no(*id), part.map(|part| vec![units(part)]));
            let delivery_id = DeliveryId::parse(&delivery.to_string()).unwrap();
            let done = house.send(ReceiveTransfer { transfer_id, delivery: delivery_id, lines }).await.is_ok();
            model.arrive(*id, *delivery, part, done);
        }
        Step::Recall(id) => {
            let done = house.send(CancelTransfer { transfer_id: transfer_no(*id) }).await.is_ok();
            model.recall(*id, done);
        }
        _ => {}
    }
}

/// The log, the view of what is to come and the model say the same.
pub(super) async fn compare(house: &mut House, model: &Model) {
    for no in 0..SKUS {
        let item = house.state(&StockItem::stream(&sku_no(no))).await;
        for by in 0..4 {
            assert_eq!(item.incoming().until(day(by)), model.incoming(no, by), "{} by day {by}", sku_no(no));
        }
        let (on_hand, in_transit) = (item.total().on_hand, item.incoming().in_transit());
        assert_eq!(on_hand + in_transit, model.owned(no), "{} is conserved", sku_no(no));
        let page = PageRequest::first(200);
        let listed = ListIncoming { sku: Some(sku_no(no)), location: None, before: None, page };
        let listed: i64 = house.ask(listed).await.items.iter().map(|row| row.quantity).sum();
        assert_eq!(listed, item.incoming().total(), "list of {}", sku_no(no));
    }
    for no in 0..RECEIPTS {
        let seen = house.ask(ReceiptById { receipt_id: receipt_no(no) }).await;
        assert_eq!(seen.map(|(view, _)| view.state.as_str()), model.receipt_state(no), "state of receipt {no}");
    }
    for no in 0..TRANSFERS {
        let seen = house.ask(TransferById { transfer_id: transfer_no(no) }).await;
        assert_eq!(seen.map(|(view, _)| view.state.as_str()), model.transfer_state(no), "state of transfer {no}");
    }
}
