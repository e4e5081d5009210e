//! What orders do, as steps of a random life: each is a message, and model and Inventory must agree on what becomes of it.

use comanda_contracts::events::{
    ConsumeReservationRequested, Disposition, GoodsReturned, ReleaseReservationRequested, ReserveLineRequested,
    ReserveStockRequested,
};
use comanda_inventory::domain::ids::ReservationId;
use comanda_inventory::domain::reservation::{Reservation, ReservationState};
use cqrs::{Received, Timestamp};
use proptest::prelude::*;

use super::model::{Asked, Model};
use super::{ORDERS, PLACES, SKUS, number_of, place_no, sku_no};
use crate::house::{House, reservation};
use crate::messages::{Sender, consume, release, returned};

/// One message; orders, skus, places and lines by number.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// The place of a line is one it must not come from.
    Reserve {
        order: usize,
        lines: Vec<Asked>,
        partial: bool,
    },
    /// All, or some units of a line.
    GiveBack(usize, Option<(usize, i64)>),
    Ship {
        order: usize,
        line: usize,
        units: i64,
        place: usize,
        reference: usize,
    },
    Return(usize, i64, usize, Disposition),
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    let (order, sku, place) = (0..ORDERS, 0..SKUS, 0..PLACES);
    let part = prop_oneof![1 => Just(None), 2 => (0..3_usize, 1..5_i64).prop_map(Some)];
    let lines = prop::collection::vec(super::steps::asked(), 1..4);
    let disposition = prop_oneof![Just(Disposition::Restock), Just(Disposition::Damaged), Just(Disposition::Scrap)];
    let ship = (order.clone(), 0..3_usize, 1..4_i64, place.clone(), 0..3_usize);
    prop_oneof![
        4 => (order.clone(), lines, any::<bool>())
            .prop_map(|(order, lines, partial)| Step::Reserve { order, lines, partial }),
        1 => (order, part).prop_map(|(order, part)| Step::GiveBack(order, part)),
        4 => ship.prop_map(|(order, line, units, place, reference)| Step::Ship { order, line, units, place, reference }),
        1 => (sku, 1..5_i64, place, disposition)
            .prop_map(|(sku, units, place, disposition)| Step::Return(sku, units, place, disposition)),
    ]
}

pub(super) fn id_no(no: usize) -> ReservationId {
    reservation(&format!("o{no}~1"))
}

/// Sends the message; both worlds must agree on whether it has its effect or is parked.
pub(super) async fn take(house: &House, model: &mut Model, sender: &mut Sender, step: &Step) {
    // Each message has a key of its own: one that is parked holds up no other.
    let key = format!("key-{}", sender.count());
    match step {
        Step::Reserve { order, lines, partial } => {
            let request = request(*order, lines, *partial);
            let message = sender.send(ReserveStockRequested::TYPE, &key, &request);
            assert_eq!(house.send(message).await.unwrap(), Received::Done);
            model.order(*order, lines, *partial, committed(house, *order).await);
        }
        Step::GiveBack(order, part) => {
            let line = part.map(|(line, units)| ((line + 1).to_string(), units));
            let lines: Vec<_> = line.iter().map(|(line, units)| (line.as_str(), *units, None)).collect();
            let request = release(&format!("o{order}"), &lines);
            let message = sender.send(ReleaseReservationRequested::TYPE, &key, &request);
            model.order_gives_back(*order, *part, house.send(message).await.unwrap() == Received::Done);
        }
        Step::Ship { order, line, units, place, reference } => {
            let (line_id, location) = ((line + 1).to_string(), place_no(*place));
            let lines = [(line_id.as_str(), *units, location.as_str())];
            let request = consume(&format!("o{order}"), &format!("s{reference}"), &lines);
            let message = sender.send(ConsumeReservationRequested::TYPE, &key, &request);
            let done = house.send(message).await.unwrap() == Received::Done;
            model.order_ships(*order, (*line, *units, *place), *reference, done);
        }
        Step::Return(sku, units, place, disposition) => {
            let (sku_id, location) = (sku_no(*sku), place_no(*place));
            let goods = returned("o0", &[(sku_id.as_str(), *units, location.as_str(), *disposition)]);
            let message = sender.send(GoodsReturned::TYPE, &key, &goods);
            assert_eq!(house.send(message).await.unwrap(), Received::Done);
            let stays = *disposition != Disposition::Scrap;
            model.goods_come_back(*sku, *place, *units, stays, *disposition == Disposition::Damaged);
        }
    }
}

fn request(order: usize, lines: &[Asked], allow_partial: bool) -> ReserveStockRequested {
    let line = |(place, asked): (usize, &Asked)| ReserveLineRequested {
        line_id: (place + 1).to_string(),
        sku: sku_no(asked.sku).to_string(),
        quantity: asked.requested,
        exclude_locations: asked.place.map(|place| place_no(place).to_string()).into_iter().collect(),
    };
    ReserveStockRequested {
        reservation_id: format!("o{order}~1"),
        order_id: format!("o{order}"),
        attempt: 1,
        allow_partial,
        lines: lines.iter().enumerate().map(line).collect(),
    }
}

/// Where each line's units are, by place number; none if the order was refused.
async fn committed(house: &House, order: usize) -> Option<Vec<Vec<(usize, i64)>>> {
    let found = house.state(&Reservation::stream(&id_no(order))).await;
    let refused = matches!(found.state(Timestamp::EPOCH), ReservationState::Rejected | ReservationState::Released);
    let units = |line: &comanda_inventory::domain::reservation::Line| {
        line.allocations.iter().map(|units| (number_of(&units.location), units.quantity)).collect()
    };
    (!refused).then(|| found.lines().iter().map(units).collect())
}
