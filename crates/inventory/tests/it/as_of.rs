//! Stock as of an instant: what was told then is what is told now of then, and a long log costs no more than a short one.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use comanda_inventory::application::stock_as_of::{NoStockThen, StockAsOf, StockThen};
use comanda_inventory::application::stock_of_sku::StockOfSku;
use comanda_inventory::domain::ids::LocationId;
use comanda_inventory::domain::reason::Reason;
use comanda_inventory::domain::reservation::confirm::Confirm;
use comanda_inventory::domain::reservation::extend::Extend;
use comanda_inventory::domain::reservation::release::Release;
use comanda_inventory::domain::reservation::reserve::Reserve;
use comanda_inventory::domain::stock_item::expire::ExpireHolds;
use comanda_inventory::domain::stock_item::regrade::Regrade;
use comanda_inventory::domain::stock_item::replenish::Replenish;
use comanda_inventory::domain::stock_item::update::UpdateSku;
use comanda_inventory::domain::stock_item::{Condition, Fate, Level, StockEvent, StockItem};
use cqrs::memory::{MemoryEventStore, MemoryReadStore};
use cqrs::{
    Ask, Clock, Epoch, Head, Inquire, LogReader, PartitionId, Position, Projector, ReadSide, Recorded, Snapshot,
    StoreError, StreamName, Tail, Timestamp, Version, Views, query_bus,
};

use crate::house::{House, place, reservation, reserve, sku, units};

fn brief(id: &str, quantity: i64, ms: u64) -> Reserve {
    Reserve { ttl: Some(Duration::from_millis(ms)), ..reserve(id, &[("TEA", quantity)]) }
}

async fn as_of(house: &mut House, at: Timestamp) -> Result<StockThen, NoStockThen> {
    house.ask(StockAsOf { sku: sku("TEA"), at }).await
}

/// What is told of the stock at one instant: counters per location, and what could be promised.
type Told = (BTreeMap<LocationId, Level>, i64);

async fn told(house: &mut House) -> (Timestamp, Told) {
    let row = house.ask(StockOfSku { sku: sku("TEA") }).await.unwrap().row;
    (house.clock.now(), (row.levels.clone(), row.available))
}

#[tokio::test]
async fn what_was_told_at_an_instant_is_what_is_told_of_it_later() {
    let mut house = House::open().await;
    house.set_time(1_000);
    house.location("berlin").await;
    house.stock("TEA", 20).await;
    let mut notes = vec![told(&mut house).await];
    let berlin = Some(place("berlin"));
    house.wait(100);
    house.send(Replenish { sku: sku("TEA"), location: berlin, quantity: units(5) }).await.unwrap();
    notes.push(told(&mut house).await);
    // Two holds end at 1,300 and 1,400, and nobody decides on the SKU for a while.
    house.wait(100);
    house.send(brief("a", 4, 100)).await.unwrap();
    house.send(brief("b", 3, 200)).await.unwrap();
    for _ in 0..5 {
        notes.push(told(&mut house).await);
        house.wait(50);
    }
    let reserved = |(_, (levels, _)): &(Timestamp, Told)| levels.values().map(|level| level.reserved).sum::<i64>();
    let seen: Vec<i64> = notes.iter().skip(2).map(reserved).collect();
    assert_eq!(seen, [7, 7, 3, 3, 0], "they have ended, and the log is silent");
    house.send(ExpireHolds { sku: sku("TEA") }).await.unwrap();
    house.send(brief("c", 2, 1_000)).await.unwrap();
    house.send(Extend { reservation_id: reservation("c"), ttl: Duration::from_millis(1_500) }).await.unwrap();
    notes.push(told(&mut house).await);
    house.wait(1_200);
    house.send(Confirm { reservation_id: reservation("c") }).await.unwrap();
    notes.push(told(&mut house).await);
    house.wait(100);
    let change = UpdateSku { sku: sku("TEA"), name: None, safety_stock: Some(6), backorder_limit: None };
    house.send(change).await.unwrap();
    house.send(regrade(2)).await.unwrap();
    notes.push(told(&mut house).await);
    house.wait(60);
    notes.push(told(&mut house).await);
    for (at, (levels, available)) in notes {
        let then = as_of(&mut house, at).await.unwrap();
        assert_eq!((then.levels.clone(), then.available()), (levels, available), "as of {at}");
    }
}

fn regrade(quantity: i64) -> Regrade {
    Regrade {
        sku: sku("TEA"),
        location: place("main"),
        quantity: units(quantity),
        from: Condition::Sellable,
        to: Fate::QualityControl,
        reason: Reason::QualityControl,
        reference: None,
    }
}

#[tokio::test]
async fn a_hold_that_nobody_has_looked_at_since_it_ended_does_not_count() {
    let mut house = House::open().await;
    house.stock("TEA", 9).await;
    house.send(brief("a", 4, 100)).await.unwrap();
    house.wait(500);
    let reserved =
        async |house: &mut House, ms| as_of(house, Timestamp::from_millis(ms)).await.unwrap().total().reserved;
    assert_eq!((reserved(&mut house, 99).await, reserved(&mut house, 100).await), (4, 0));
    house.send(ExpireHolds { sku: sku("TEA") }).await.unwrap();
    assert_eq!((reserved(&mut house, 99).await, reserved(&mut house, 100).await), (4, 0));
}

#[tokio::test]
async fn there_is_no_stock_of_the_future_nor_before_the_sku() {
    let mut house = House::open().await;
    house.set_time(1_000);
    assert_eq!(as_of(&mut house, Timestamp::from_millis(5)).await, Err(NoStockThen::UnknownSku));
    house.stock("TEA", 9).await;
    let since = Timestamp::from_millis(1_000);
    assert_eq!(as_of(&mut house, Timestamp::from_millis(999)).await, Err(NoStockThen::NotYet { since }));
    assert_eq!(as_of(&mut house, since).await.unwrap().total().on_hand, 9);
    let future = NoStockThen::Future { now: since };
    assert_eq!(as_of(&mut house, Timestamp::from_millis(1_001)).await, Err(future));
}

/// A log that counts the events it gives away.
struct Counting {
    log: MemoryEventStore,
    events: AtomicUsize,
}

impl Counting {
    fn count(&self, events: &[Recorded]) {
        self.events.fetch_add(events.len(), Ordering::SeqCst);
    }
}

#[async_trait]
impl LogReader for Counting {
    fn epoch(&self) -> Epoch {
        self.log.epoch()
    }

    fn partitions(&self) -> u16 {
        self.log.partitions()
    }

    async fn heads(&self) -> Result<Vec<Head>, StoreError> {
        self.log.heads().await
    }

    async fn read_partition(
        &self,
        id: PartitionId,
        after: Position,
        limit: usize,
    ) -> Result<Vec<Recorded>, StoreError> {
        self.log.read_partition(id, after, limit).await
    }

    async fn read_streams(
        &self,
        streams: &[(StreamName, Version)],
        limit: usize,
    ) -> Result<Vec<Vec<Recorded>>, StoreError> {
        let found = self.log.read_streams(streams, limit).await?;
        found.iter().for_each(|events| self.count(events));
        Ok(found)
    }

    async fn read_stream_back(
        &self,
        stream: &StreamName,
        before: Version,
        limit: usize,
    ) -> Result<Vec<Recorded>, StoreError> {
        let found = self.log.read_stream_back(stream, before, limit).await?;
        self.count(&found);
        Ok(found)
    }

    async fn snapshots(&self, streams: &[StreamName]) -> Result<Vec<Option<Snapshot>>, StoreError> {
        self.log.snapshots(streams).await
    }
}

#[tokio::test]
async fn a_long_log_costs_no_more_than_the_events_since_one_balance() {
    let house = House::open().await;
    house.stock("TEA", 2_000).await;
    let lines: Vec<(&str, i64)> = vec![("TEA", 1); 1_000];
    let mut reserved_at = Vec::new();
    for round in 0..12 {
        house.wait(10);
        let id = format!("r{round}");
        house.send(reserve(&id, &lines)).await.unwrap();
        reserved_at.push(house.clock.now());
        house.wait(10);
        house.send(Release { reservation_id: reservation(&id) }).await.unwrap();
    }
    let events = house.events(&StockItem::stream(&sku("TEA"))).await;
    assert!(events.len() > 24_000);
    let balances = events.iter().filter(|event| matches!(event, StockEvent::BalanceStruck { .. })).count();
    assert!((22..=24).contains(&balances), "{balances}");

    let counting = Arc::new(Counting { log: house.log.clone(), events: AtomicUsize::new(0) });
    let (views, rows) = (Views::new(house.log.partitions(), 1_000), Arc::new(MemoryReadStore::default()));
    let (context, clock) = (Arc::clone(&house.context), Arc::clone(&house.clock));
    let (log, tail) = (Arc::new(house.log.clone()), Tail::default());
    let mut projector = Projector::open(&context, log, Arc::clone(&rows) as _, tail, views.clone()).await.unwrap();
    projector.catch_up().await.unwrap();
    let read = ReadSide::new(context, views, rows, Arc::clone(&counting) as _, clock as _, Duration::from_secs(1));
    let queries = query_bus(read);
    for at in [reserved_at[0], reserved_at[5], reserved_at[11]] {
        counting.events.store(0, Ordering::SeqCst);
        let then = queries.ask(Ask::new(StockAsOf { sku: sku("TEA"), at })).await.unwrap().answer.unwrap();
        assert_eq!(then.total().reserved, 1_000);
        let read = counting.events.load(Ordering::SeqCst);
        assert!(read < 2_100, "{read} events were read for the stock as of {at}");
    }
}
