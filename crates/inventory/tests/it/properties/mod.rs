//! Random command sequences against a small model of its own: same outcomes, same counters, no leak, at every step.

mod inbound;
mod model;
mod orders;
mod steps;

use std::time::Duration;

use comanda_inventory::application::audit::Audit;
use comanda_inventory::application::reservation_by_id::ReservationById;
use comanda_inventory::application::stock_of_sku::StockOfSku;
use comanda_inventory::domain::cycle_count::Scope;
use comanda_inventory::domain::cycle_count::apply::ApplyCount;
use comanda_inventory::domain::cycle_count::record::RecordCount;
use comanda_inventory::domain::cycle_count::request::RequestCount;
use comanda_inventory::domain::cycle_count::review::ReviewCount;
use comanda_inventory::domain::ids::{ActorId, CountId, LocationId, OwnerId, ReservationId, Sku};
use comanda_inventory::domain::location::register::RegisterLocation;
use comanda_inventory::domain::location::{Coordinates, LocationDetails};
use comanda_inventory::domain::reason::Reason;
use comanda_inventory::domain::reservation::ReservationView;
use comanda_inventory::domain::reservation::confirm::Confirm;
use comanda_inventory::domain::reservation::consume::Consume;
use comanda_inventory::domain::reservation::extend::Extend;
use comanda_inventory::domain::reservation::release::Release;
use comanda_inventory::domain::reservation::release_item::ReleaseItem;
use comanda_inventory::domain::reservation::reserve::{Reserve, ReserveLine};
use comanda_inventory::domain::reservation::reserve_item::ReserveItem;
use comanda_inventory::domain::reservation::transfer::TransferReservation;
use comanda_inventory::domain::stock_item::adjust::{Adjust, Change};
use comanda_inventory::domain::stock_item::expire::ExpireHolds;
use comanda_inventory::domain::stock_item::regrade::Regrade;
use comanda_inventory::domain::stock_item::replenish::Replenish;
use comanda_inventory::domain::stock_item::update::UpdateSku;
use comanda_inventory::domain::stock_item::{Condition, Fate, StockItem};
use cqrs::{Aggregate, LogReader, audit_log, audit_views};
use proptest::prelude::*;

use crate::house::{House, line, place, reservation, sku, units};
use crate::messages::Sender;
use model::{Asked, Model};
use steps::{Step, life, warehouse_life};

pub(crate) const SKUS: usize = 2;
pub(crate) const PLACES: usize = 3;
const RESERVATIONS: usize = 4;
const ORDERS: usize = 3;
const COUNTS: usize = 3;

pub(crate) fn sku_no(no: usize) -> Sku {
    sku(["TEA", "MUG"][no])
}

pub(crate) fn place_no(no: usize) -> LocationId {
    place(["main", "aachen", "berlin"][no])
}

pub(crate) fn number_of(location: &LocationId) -> usize {
    (0..PLACES).find(|no| place_no(*no) == *location).unwrap()
}

fn id_no(no: usize) -> ReservationId {
    reservation(&format!("r{no}"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_nothing_is_sold_twice_and_nothing_leaks(life in life()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(live(life));
    }

    #[test]
    fn whatever_comes_in_and_moves_nothing_is_lost_and_nothing_promised_twice(life in warehouse_life()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(live(life));
    }
}

async fn live(life: Vec<(Step, bool)>) {
    let mut house = House::open().await;
    for no in 0..SKUS {
        house.stock(["TEA", "MUG"][no], 0).await;
    }
    for (id, priority, latitude, longitude) in [("aachen", 2, 50.78, 6.08), ("berlin", 1, 52.52, 13.405)] {
        let coordinates = Coordinates::parse(latitude, longitude).ok();
        let details = LocationDetails { priority: Some(priority), coordinates, ..LocationDetails::default() };
        house.send(RegisterLocation { location: place(id), details }).await.unwrap();
    }
    let (mut model, mut sender) = (Model::default(), Sender::default());
    for (step, repeated) in life {
        for _ in 0..=usize::from(repeated) {
            match &step {
                Step::Message(step) => orders::take(&house, &mut model, &mut sender, step).await,
                Step::Inbound(step) => inbound::take(&house, &mut model, step).await,
                step => take(&house, &mut model, step).await,
            }
            compare(&mut house, &model).await;
            inbound::compare(&mut house, &model).await;
        }
    }
    check_log(&mut house).await;
    end(&house, &mut model, &mut sender).await;
}

/// Does a step in both worlds: they must agree on whether it is allowed.
async fn take(house: &House, model: &mut Model, step: &Step) {
    match step {
        Step::Reserve { id, lines, ttl_ms, partial, strategy } => {
            let command = Reserve {
                reservation_id: id_no(*id),
                lines: lines.iter().enumerate().map(|(place, asked)| wish(place, asked)).collect(),
                ttl: ttl_ms.map(Duration::from_millis),
                allow_partial: *partial,
                owner: None,
                strategy: strategy.clone(),
                explain: *partial,
            };
            let answer = house.send(command).await.ok().map(|answer| answer.reservation);
            model.reserve(*id, (lines, *ttl_ms, *partial, strategy), view(&answer));
        }
        Step::Confirm(id) => {
            let answer = house.send(Confirm { reservation_id: id_no(*id) }).await.ok().map(|answer| answer.reservation);
            model.confirm(*id, view(&answer));
        }
        Step::Extend(id, ms) => {
            let command = Extend { reservation_id: id_no(*id), ttl: Duration::from_millis(*ms) };
            model.extend(*id, *ms, house.send(command).await.is_ok());
        }
        Step::Release(id) => {
            model.release(*id, house.send(Release { reservation_id: id_no(*id) }).await.is_ok());
        }
        Step::Transfer(id, no) => {
            let owner = OwnerId::parse(["ann", "bob"][*no]).unwrap();
            let answer = house.send(TransferReservation { reservation_id: id_no(*id), owner }).await;
            model.transfer(*id, *no, answer.is_ok());
        }
        Step::Consume(id, part) => {
            let line_id = |place: usize| match model.is_by_items(*id) {
                true => line(model.line_sku(*id, place).map_or("none", |no| ["TEA", "MUG"][no])),
                false => line(&(place + 1).to_string()),
            };
            let lines = part.map(|(place, quantity)| vec![(line_id(place), units(quantity))]);
            let done = house.send(Consume { reservation_id: id_no(*id), lines }).await.is_ok();
            model.consume(*id, *part, done);
        }
        Step::ReserveItem(id, no, quantity) => {
            let command = ReserveItem { reservation_id: id_no(*id), sku: sku_no(*no), quantity: units(*quantity) };
            let answer = house.send(command).await.ok().map(|answer| answer.reservation);
            model.reserve_item(*id, *no, *quantity, view(&answer));
        }
        Step::ReleaseItem(id, no) => {
            let done = house.send(ReleaseItem { reservation_id: id_no(*id), sku: sku_no(*no) }).await.is_ok();
            model.release_item(*id, *no, done);
        }
        Step::Adjust(no, place, delta) => {
            let (sku, location, change) = (sku_no(*no), place_no(*place), Change::Delta(*delta));
            // Odd ones are mistakes in the books, even ones goods that were given away.
            let corrects = delta % 2 != 0;
            let reason = if corrects { Reason::Other } else { Reason::Promotion };
            let command = Adjust { sku, location, change, reason, reference: None };
            model.adjust(*no, *place, *delta, corrects, house.send(command).await.is_ok());
        }
        Step::Replenish(no, place, quantity) => {
            let location = Some(place_no(*place));
            let command = Replenish { sku: sku_no(*no), location, quantity: units(*quantity) };
            model.adjust(*no, *place, *quantity, false, house.send(command).await.is_ok());
        }
        Step::Regrade { sku, place, units: quantity, pile: (from, to) } => {
            let command = Regrade {
                sku: sku_no(*sku),
                location: place_no(*place),
                quantity: units(*quantity),
                from: [Condition::Sellable, Condition::Damaged, Condition::QualityControl][*from],
                to: [Fate::Sellable, Fate::Damaged, Fate::QualityControl, Fate::Scrapped][*to],
                reason: Reason::Other,
                reference: None,
            };
            // The same pile twice is wrong in itself, and never decided.
            let done = from != to && house.send(command).await.is_ok();
            model.regrade(*sku, *place, *quantity, (*from, *to), done);
        }
        Step::Count { id, sku, place, units } => {
            if model.count(*id, *sku, *place, *units) {
                count(house, *id, *sku, *place, *units).await;
            }
        }
        Step::ApplyCount(id) => {
            let command = ApplyCount { count_id: count_no(*id), by: actor("eve") };
            model.apply_count(*id, house.send(command).await.is_ok());
        }
        Step::Update(no, safety, limit) => {
            let (safety_stock, backorder_limit) = (Some(*safety), Some(*limit));
            let command = UpdateSku { sku: sku_no(*no), name: None, safety_stock, backorder_limit };
            model.update(*no, *safety, *limit, house.send(command).await.is_ok());
        }
        Step::Expire(no) => drop(house.send(ExpireHolds { sku: sku_no(*no) }).await),
        Step::Wait(ms) => {
            house.wait(*ms);
            model.wait(*ms);
        }
        Step::Message(_) | Step::Inbound(_) => {}
    }
}

fn count_no(no: usize) -> CountId {
    CountId::parse(&format!("c{no}")).unwrap()
}

fn actor(id: &str) -> ActorId {
    ActorId::parse(id).unwrap()
}

/// Mia asks, Tom counts, Eve finds it right.
async fn count(house: &House, id: usize, sku: usize, place: usize, units: i64) {
    let request = RequestCount {
        count_id: count_no(id),
        location: place_no(place),
        scope: Scope { skus: [sku_no(sku)].into(), ..Scope::default() },
        in_bins: std::collections::BTreeSet::new(),
        tolerance: 0,
        by: actor("mia"),
    };
    house.send(request).await.unwrap();
    let record = RecordCount { count_id: count_no(id), by: actor("tom"), counted: vec![(sku_no(sku), units)] };
    house.send(record).await.unwrap();
    house.send(ReviewCount { count_id: count_no(id), by: actor("eve") }).await.unwrap();
}

fn wish(place: usize, asked: &Asked) -> ReserveLine {
    ReserveLine {
        line_id: line(&(place + 1).to_string()),
        sku: sku_no(asked.sku),
        quantity: units(asked.requested),
        location: asked.place.map(place_no),
    }
}

/// Where each line's units are, by place number.
fn view(answer: &Option<ReservationView>) -> Option<Vec<Vec<(usize, i64)>>> {
    let allocations = |view: &ReservationView| {
        let line = |line: &comanda_inventory::domain::reservation::LineView| {
            line.allocations.iter().map(|units| (number_of(&units.location), units.quantity)).collect()
        };
        view.lines.iter().map(line).collect()
    };
    answer.as_ref().map(allocations)
}

/// The log, the views and the model say the same.
async fn compare(house: &mut House, model: &Model) {
    let now = cqrs::Clock::now(&*house.clock);
    for no in 0..SKUS {
        let mut item = house.state(&StockItem::stream(&sku_no(no))).await;
        assert!(item.is_sound(), "{item:?}");
        while let Some(due) = item.due(now) {
            item.apply(&due);
        }
        for place in 0..PLACES {
            let level = item.level(&place_no(place));
            let found = (level.on_hand, level.committed, level.reserved, level.damaged, level.quality_control);
            assert!(level.on_hand >= level.unsold(), "{level:?}");
            assert_eq!(found, model.level(no, place), "{} at {}", sku_no(no), place_no(place));
        }
        let seen = house.ask(StockOfSku { sku: sku_no(no) }).await.unwrap();
        assert_eq!((&seen.row.levels, seen.row.available), (item.levels(), item.available()), "view of {}", sku_no(no));
    }
    for no in 0..RESERVATIONS {
        let seen = house.ask(ReservationById { reservation_id: id_no(no) }).await;
        assert_eq!(seen.map(|found| found.reservation.state.as_str()), model.state(no), "state of r{no}");
    }
    for no in 0..ORDERS {
        let seen = house.ask(ReservationById { reservation_id: orders::id_no(no) }).await;
        assert_eq!(seen.map(|found| found.reservation.state.as_str()), model.order_state(no), "state of order {no}");
    }
}

/// At every prefix of the log the promise holds; log and views pass the audit.
async fn check_log(house: &mut House) {
    for no in 0..SKUS {
        let stream = StockItem::stream(&sku_no(no));
        let mut item = StockItem::default();
        for event in house.events(&stream).await {
            item.apply(&event);
            assert!(item.is_sound(), "after {event:?}: {item:?}");
        }
        house.catch_up().await;
        let row = cqrs::ViewReader::get(&house.rows, cqrs::Model::of::<Stock>(), &[sku_no(no).to_string()]).await;
        let row: Stock = serde_json::from_slice(&row.unwrap().remove(0).unwrap().document).unwrap();
        assert_eq!(row.next_expiry, item.expiring().next(), "the view knows when to look again");
    }
    let mut found = Vec::new();
    let mut books = Audit::default();
    audit_log(&house.context, &house.log, &mut found, |event| books.see(event)).await.unwrap();
    audit_views(&house.context, &house.log, &house.rows, &mut found).await.unwrap();
    assert_eq!(found, []);
    let books = books.finish();
    assert_eq!((books.oversold, books.findings), (0, Vec::new()), "the books kept a second time");
    assert!(house.log.heads().await.unwrap().iter().any(|head| head.position > 0));
}

type Stock = comanda_inventory::read_models::stock::StockRow;

/// When everyone gives back what they have, and a week has gone, nothing is held any more.
async fn end(house: &House, model: &mut Model, sender: &mut Sender) {
    for id in 0..RESERVATIONS {
        let done = house.send(Release { reservation_id: id_no(id) }).await.is_ok();
        model.release(id, done);
    }
    for no in 0..ORDERS {
        orders::take(house, model, sender, &orders::Step::GiveBack(no, None)).await;
    }
    house.wait(604_800_000);
    for no in 0..SKUS {
        house.send(ExpireHolds { sku: sku_no(no) }).await.unwrap();
        let item = house.state(&StockItem::stream(&sku_no(no))).await;
        assert_eq!((item.total().promised(), item.expiring().total()), (0, 0), "{} leaks: {item:?}", sku_no(no));
    }
}
