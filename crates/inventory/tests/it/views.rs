//! What can be asked: every query over views and streams that real commands have filled.

use std::collections::BTreeSet;
use std::time::Duration;

use comanda_inventory::application::availability::Availability;
use comanda_inventory::application::ledger::{Ledger, LedgerEntry};
use comanda_inventory::application::list_capacity::ListCapacity;
use comanda_inventory::application::list_expiring_holds::ListExpiringHolds;
use comanda_inventory::application::list_locations::ListLocations;
use comanda_inventory::application::list_low_stock::ListLowStock;
use comanda_inventory::application::list_stock::ListStock;
use comanda_inventory::application::list_stock_at_location::ListStockAtLocation;
use comanda_inventory::application::page::PageRequest;
use comanda_inventory::application::stock_of_sku::StockOfSku;
use comanda_inventory::application::sweep::DueSkus;
use comanda_inventory::domain::ids::{Bin, OwnerId};
use comanda_inventory::domain::reservation::confirm::Confirm;
use comanda_inventory::domain::reservation::consume::Consume;
use comanda_inventory::domain::reservation::extend::Extend;
use comanda_inventory::domain::reservation::release::Release;
use comanda_inventory::domain::reservation::reserve::Reserve;
use comanda_inventory::domain::stock_item::assign_bin::AssignBin;
use comanda_inventory::domain::stock_item::expire::ExpireHolds;
use comanda_inventory::domain::stock_item::replenish::Replenish;
use comanda_inventory::domain::stock_item::update::UpdateSku;
use comanda_inventory::domain::stock_item::{Level, StockItem};
use comanda_inventory::read_models::expiring_holds::NAMED_HOLDS_MAX;
use comanda_inventory::read_models::movements::MovementKind;
use cqrs::{LogReader, PartitionId};

use crate::house::{House, place, reservation, reserve, sku, units};

fn brief(id: &str, lines: &[(&str, i64)]) -> Reserve {
    Reserve { ttl: Some(Duration::from_secs(1)), ..reserve(id, lines) }
}

#[tokio::test]
async fn lists_come_in_pages_by_id_and_filtered() {
    let mut house = House::open().await;
    for (id, quantity) in [("TEA-3", 0), ("TEA-1", 4), ("MUG", 2), ("TEA-2", 1)] {
        house.stock(id, quantity).await;
    }
    let page = PageRequest::first(2);
    let list = ListStock { prefix: Some("TEA".into()), only_available: false, page };
    let first = house.ask(list.clone()).await;
    assert_eq!(first.items.iter().map(|row| &*row.sku).collect::<Vec<_>>(), ["TEA-1", "TEA-2"]);
    let rest = house.ask(ListStock { page: PageRequest { after: first.next, limit: 2 }, ..list.clone() }).await;
    assert_eq!(rest.items.iter().map(|row| &*row.sku).collect::<Vec<_>>(), ["TEA-3"]);
    let available = house.ask(ListStock { only_available: true, page: PageRequest::first(9), ..list }).await;
    assert_eq!(available.items.iter().map(|row| &*row.sku).collect::<Vec<_>>(), ["TEA-1", "TEA-2"]);
    house.send(reserve("r", &[("MUG", 2)])).await.unwrap();
    let low = house.ask(ListLowStock { prefix: None, page: PageRequest::first(9) }).await;
    assert_eq!(low.items.iter().map(|row| &*row.sku).collect::<Vec<_>>(), ["MUG", "TEA-3"]);
}

#[tokio::test]
async fn a_location_shows_what_it_holds() {
    let mut house = House::open().await;
    house.location("berlin").await;
    house.stock("TEA", 3).await;
    house.stock("MUG", 1).await;
    let there = Some(place("berlin"));
    house.send(Replenish { sku: sku("TEA"), location: there, quantity: units(5) }).await.unwrap();
    house.send(reserve("r", &[("TEA", 4)])).await.unwrap();
    let page = PageRequest::first(9);
    let berlin = ListStockAtLocation { location: place("berlin"), prefix: None, page: page.clone() };
    let held = house.ask(berlin).await.items;
    assert_eq!(
        held.iter().map(|row| (&*row.sku, row.level)).collect::<Vec<_>>(),
        [("TEA", Level { on_hand: 5, reserved: 4, ..Level::default() })]
    );
    let main = ListStockAtLocation { location: place("main"), prefix: Some("T".into()), page };
    assert_eq!(house.ask(main).await.items.len(), 1);
}

#[tokio::test]
async fn the_capacity_of_a_location_is_put_together_from_every_partition() {
    let mut house = House::open().await;
    house.location("berlin").await;
    house.location("berlin-2").await;
    let mut partitions = BTreeSet::new();
    for n in 0..12 {
        let id = format!("SKU-{n}");
        partitions.insert(PartitionId::of(&id, house.log.partitions()));
        house.stock(&id, 10).await;
        for location in ["berlin", "berlin-2"] {
            let there = Some(place(location));
            house.send(Replenish { sku: sku(&id), location: there, quantity: units(2) }).await.unwrap();
        }
    }
    assert!(partitions.len() > 1, "or there is nothing to combine");
    house.send(reserve("r", &[("SKU-1", 11), ("SKU-2", 10)])).await.unwrap();
    house.send(Confirm { reservation_id: reservation("r") }).await.unwrap();
    house.send(reserve("s", &[("SKU-3", 4)])).await.unwrap();

    let mut list = ListCapacity { location: None, page: PageRequest::first(1) };
    let mut found = Vec::new();
    loop {
        let page = house.ask(list.clone()).await;
        found.extend(page.items.iter().map(|row| (row.location.to_string(), row.level)));
        list.page.after = page.next;
        if list.page.after.is_none() {
            break;
        }
        assert!(found.len() <= 3, "the cursor does not move on: {found:?}");
    }
    let names: Vec<&str> = found.iter().map(|(location, _)| location.as_str()).collect();
    assert_eq!(names, ["berlin", "berlin-2", "main"], "each once");
    let sum = found.iter().fold(Level::default(), |sum, (_, level)| sum.plus(*level));
    assert_eq!(sum, Level { on_hand: 12 * 14, committed: 21, reserved: 4, ..Level::default() });
    assert_eq!(found[0].1.on_hand, 24, "two of each SKU");
}

#[tokio::test]
async fn a_bin_is_shown_per_location_even_before_anything_lies_in_it() {
    let mut house = House::open().await;
    house.location("berlin").await;
    house.stock("TEA", 3).await;
    for (location, bin) in [("berlin", "A-01-03-2"), ("main", "B-7")] {
        let bin = Bin::parse(bin).unwrap();
        house.send(AssignBin { sku: sku("TEA"), location: place(location), bin }).await.unwrap();
    }
    let row = house.ask(StockOfSku { sku: sku("TEA") }).await.unwrap().row;
    let bins: Vec<_> = row.bins.iter().map(|(location, bin)| (location.as_str(), bin.as_str())).collect();
    assert_eq!(bins, [("berlin", "A-01-03-2"), ("main", "B-7")]);
    assert_eq!((row.levels.len(), row.available), (2, 3));
    let page = PageRequest::first(9);
    let berlin = house.ask(ListStockAtLocation { location: place("berlin"), prefix: None, page }).await.items;
    assert_eq!((berlin[0].level, berlin[0].bin.as_ref().map(Bin::as_str)), (Level::default(), Some("A-01-03-2")));
}

#[tokio::test]
async fn main_is_always_among_the_locations_once() {
    let mut house = House::open().await;
    let all = |after, limit| ListLocations { prefix: None, page: PageRequest { after, limit } };
    assert_eq!(&*house.ask(all(None, 1)).await.items[0].location, "main");
    for id in ["berlin", "paris", "rome"] {
        house.location(id).await;
    }
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = house.ask(all(after, 2)).await;
        assert!(page.items.len() <= 2);
        seen.extend(page.items.into_iter().map(|row| row.location.to_string()));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, ["berlin", "main", "paris", "rome"]);
    house.location("main").await;
    assert_eq!(house.ask(all(None, 9)).await.items.len(), 4);
}

#[tokio::test]
async fn availability_shares_a_sku_between_its_lines_and_counts_backorders() {
    let mut house = House::open().await;
    house.stock("TEA", 3).await;
    let limit = UpdateSku { sku: sku("TEA"), name: None, safety_stock: Some(1), backorder_limit: Some(2) };
    house.send(limit).await.unwrap();
    let lines = vec![(sku("TEA"), units(3)), (sku("TEA"), units(2)), (sku("TEA"), units(1)), (sku("MUG"), units(1))];
    let told = house.ask(Availability { lines, by: None }).await;
    let told: Vec<_> = told.iter().map(|line| (line.available, line.sufficient, line.known)).collect();
    assert_eq!(told, [(2, true, true), (2, false, true), (2, true, true), (0, false, false)]);
}

#[tokio::test]
async fn every_counter_is_the_sum_of_its_ledger_read_in_pages() {
    let mut house = House::open().await;
    house.location("berlin").await;
    house.stock("TEA", 9).await;
    house.send(Replenish { sku: sku("TEA"), location: Some(place("berlin")), quantity: units(5) }).await.unwrap();
    for id in ["a", "b", "c", "d"] {
        house.send(brief(id, &[("TEA", 2), ("TEA", 1)])).await.unwrap();
        house.wait(10);
    }
    house.send(Confirm { reservation_id: reservation("a") }).await.unwrap();
    house.send(Consume { reservation_id: reservation("a"), lines: None }).await.unwrap();
    house.send(Release { reservation_id: reservation("b") }).await.unwrap();
    house.send(Extend { reservation_id: reservation("c"), ttl: Duration::from_secs(9) }).await.unwrap();
    house.wait(2_000);
    house.send(ExpireHolds { sku: sku("TEA") }).await.unwrap();
    let mut entries: Vec<LedgerEntry> = Vec::new();
    let mut after = None;
    loop {
        let page = house.ask(Ledger { sku: sku("TEA"), after, limit: 3 }).await.unwrap();
        entries.extend(page.items);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert!(entries.windows(2).all(|pair| pair[0].version >= pair[1].version), "newest first");
    assert_eq!(entries.first().unwrap().kind, MovementKind::Expired);
    assert_eq!(entries.len(), 2 + 8 + 2 + 2 + 2 + 1);
    let mut sum = Level::default();
    for LedgerEntry { delta, .. } in &entries {
        sum.on_hand += delta.on_hand;
        sum.committed += delta.committed;
        sum.reserved += delta.reserved;
        sum.damaged += delta.damaged;
        sum.quality_control += delta.quality_control;
    }
    assert_eq!(sum, house.total("TEA").await);
    assert_eq!(sum, Level { on_hand: 11, reserved: 3, ..Level::default() });
    assert_eq!(house.ask(Ledger { sku: sku("MUG"), after: None, limit: 3 }).await, None);
}

#[tokio::test]
async fn more_holds_at_one_instant_than_are_named_are_counted() {
    let mut house = House::open().await;
    house.stock("TEA", 2_000).await;
    let lines: Vec<(&str, i64)> = vec![("TEA", 1); NAMED_HOLDS_MAX + 5];
    house.send(brief("many", &lines)).await.unwrap();
    house.send(brief("last", &[("TEA", 3)])).await.unwrap();
    let list = |after, owner| ListExpiringHolds { before: None, sku: None, owner, after, limit: 200 };
    let (mut holds, mut after) = (Vec::new(), None);
    loop {
        let page = house.ask(list(after, None)).await;
        holds.extend(page.items);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let named = holds.iter().filter(|hold| hold.of.is_some()).count();
    assert_eq!((named, holds.len()), (NAMED_HOLDS_MAX, NAMED_HOLDS_MAX + 1));
    assert_eq!(holds.last().map(|rest| (rest.of.clone(), rest.quantity)), Some((None, 8)));
    let nobodys = list(None, Some(OwnerId::parse("ann").unwrap()));
    assert_eq!(house.ask(nobodys).await.items, []);
    house.send(Release { reservation_id: reservation("many") }).await.unwrap();
    let left = house.ask(list(None, None)).await.items;
    assert_eq!(left.iter().map(|hold| hold.quantity).sum::<i64>(), 3, "what was only counted is counted out as well");
}

#[tokio::test]
async fn the_sweep_finds_what_is_due_until_it_is_recorded() {
    let mut house = House::open().await;
    for id in ["TEA", "MUG", "TIN"] {
        house.stock(id, 5).await;
    }
    house.send(brief("r", &[("TEA", 1), ("MUG", 1)])).await.unwrap();
    house.send(reserve("endless", &[("TIN", 1)])).await.unwrap();
    assert_eq!(house.ask(DueSkus { limit: 10 }).await, []);
    house.wait(1_000);
    let due = house.ask(DueSkus { limit: 10 }).await;
    assert_eq!(due, [sku("MUG"), sku("TEA")]);
    for sku in due {
        house.send(ExpireHolds { sku }).await.unwrap();
    }
    assert_eq!(house.ask(DueSkus { limit: 10 }).await, []);
    assert_eq!(house.ask(StockOfSku { sku: sku("TEA") }).await.unwrap().row.available, 5);
}

#[tokio::test]
async fn a_bound_left_behind_by_a_confirmed_hold_is_swept_once() {
    let mut house = House::open().await;
    house.stock("TEA", 5).await;
    house.send(brief("r", &[("TEA", 1)])).await.unwrap();
    house.send(Confirm { reservation_id: reservation("r") }).await.unwrap();
    house.wait(1_000);
    assert_eq!(house.ask(DueSkus { limit: 10 }).await, [sku("TEA")]);
    house.send(ExpireHolds { sku: sku("TEA") }).await.unwrap();
    let events = house.events(&StockItem::stream(&sku("TEA"))).await.len();
    assert_eq!(house.ask(DueSkus { limit: 10 }).await, []);
    house.send(ExpireHolds { sku: sku("TEA") }).await.unwrap();
    assert_eq!(house.events(&StockItem::stream(&sku("TEA"))).await.len(), events);
}
