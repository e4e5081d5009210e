//! A whole Inventory in memory: executor, projector and read side, on a clock that moves only when told to.

use std::sync::Arc;
use std::time::Duration;

use cqrs::memory::{MemoryEventStore, MemoryReadStore};
use cqrs::{
    Aggregate, Ask, Command, CommandBus, CommandError, Context, Dispatch, Envelope, Executor, ExecutorSettings,
    Inquire, LogReader, ManualClock, Projector, Query, QueryBus, ReadSide, Stream, Tail, Timestamp, Views, command_bus,
    query_bus,
};

use comanda_inventory::domain::ids::{LineId, LocationId, Quantity, ReservationId, Sku};
use comanda_inventory::domain::location::LocationDetails;
use comanda_inventory::domain::location::register::RegisterLocation;
use comanda_inventory::domain::reservation::reserve::{Reserve, ReserveLine};
use comanda_inventory::domain::stock_item::register::RegisterSku;
use comanda_inventory::domain::stock_item::replenish::Replenish;
use comanda_inventory::domain::stock_item::{Level, StockItem};

/// Inventory in memory.
pub(crate) struct House {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) log: MemoryEventStore,
    pub(crate) rows: MemoryReadStore,
    pub(crate) context: Arc<Context>,
    pub(crate) commands: CommandBus,
    queries: QueryBus,
    projector: Projector,
}

impl House {
    pub(crate) async fn open() -> Self {
        Self::on(MemoryEventStore::new(4)).await
    }

    /// A process of its own on `log`, which others may write too.
    pub(crate) async fn on(log: MemoryEventStore) -> Self {
        let (context, clock) = (Arc::new(comanda_inventory::context()), Arc::new(ManualClock::default()));
        let (rows, tail, views) = (MemoryReadStore::default(), Tail::default(), Views::new(log.partitions(), 1_000));
        let store = Arc::new(log.clone());
        let settings = ExecutorSettings::default();
        let (executor, running) =
            Executor::new(Arc::clone(&context), store.clone(), Arc::clone(&clock) as _, tail.clone(), settings);
        tokio::spawn(running.run());
        let projector =
            Projector::open(&context, store.clone(), Arc::new(rows.clone()), tail, views.clone()).await.unwrap();
        let wait = Duration::from_secs(10);
        let read =
            ReadSide::new(Arc::clone(&context), views, Arc::new(rows.clone()), store, Arc::clone(&clock) as _, wait);
        let (commands, queries) = (command_bus(executor, wait), query_bus(read));
        Self { clock, log, rows, context, commands, queries, projector }
    }

    /// Sends a command that only the rules may refuse.
    pub(crate) async fn send<C: Command>(&self, command: C) -> Result<C::Answer, C::Rejection> {
        match self.commands.dispatch(Envelope::new(command)).await {
            Ok(answered) => Ok(answered.answer),
            Err(CommandError::Rejected(rejection)) => Err(rejection),
            Err(other) => panic!("{}: {other}", C::NAME),
        }
    }

    /// Asks a query once the views have read all there is.
    pub(crate) async fn ask<Q: Query>(&mut self, query: Q) -> Q::Answer {
        self.catch_up().await;
        self.queries.ask(Ask::new(query)).await.unwrap().answer
    }

    pub(crate) async fn catch_up(&mut self) {
        self.projector.catch_up().await.unwrap();
    }

    pub(crate) fn wait(&self, ms: u64) {
        self.clock.advance(Duration::from_millis(ms));
    }

    pub(crate) fn set_time(&self, ms: i64) {
        self.clock.set(Timestamp::from_millis(ms));
    }

    /// A registered SKU with so many units at `main`.
    pub(crate) async fn stock(&self, id: &str, quantity: i64) {
        let register = RegisterSku { sku: sku(id), name: None, safety_stock: 0, backorder_limit: 0 };
        self.send(register).await.unwrap();
        if quantity > 0 {
            self.send(Replenish { sku: sku(id), location: None, quantity: units(quantity) }).await.unwrap();
        }
    }

    pub(crate) async fn location(&self, id: &str) {
        self.send(RegisterLocation { location: place(id), details: LocationDetails::default() }).await.unwrap();
    }

    /// The events of a stream, from its first.
    pub(crate) async fn events<A: Aggregate>(&self, stream: &Stream<A>) -> Vec<A::Event> {
        let recorded = self.log.read_streams(&[(stream.name().clone(), 0)], 100_000).await.unwrap().remove(0);
        recorded.iter().map(|event| (*event.payload.decode::<A>().unwrap()).clone()).collect()
    }

    /// The fold of a stream.
    pub(crate) async fn state<A: Aggregate>(&self, stream: &Stream<A>) -> A {
        let mut state = A::default();
        for event in self.events(stream).await {
            state.apply(&event);
        }
        state
    }

    /// A SKU's counters over all locations, as the log has them.
    pub(crate) async fn total(&self, id: &str) -> Level {
        self.state(&StockItem::stream(&sku(id))).await.total()
    }
}

pub(crate) fn sku(id: &str) -> Sku {
    Sku::parse(id).unwrap()
}

pub(crate) fn place(id: &str) -> LocationId {
    LocationId::parse(id).unwrap()
}

pub(crate) fn reservation(id: &str) -> ReservationId {
    ReservationId::parse(id).unwrap()
}

pub(crate) fn line(id: &str) -> LineId {
    LineId::parse(id).unwrap()
}

pub(crate) fn units(units: i64) -> Quantity {
    Quantity::parse(units).unwrap()
}

/// A reservation without end of `(sku, units)` lines with the ids `1`, `2`, …
pub(crate) fn reserve(id: &str, lines: &[(&str, i64)]) -> Reserve {
    let line = |(place, &(id, quantity)): (usize, &(&str, i64))| ReserveLine {
        line_id: line(&(place + 1).to_string()),
        sku: sku(id),
        quantity: units(quantity),
        location: None,
    };
    let lines = lines.iter().enumerate().map(line).collect();
    Reserve {
        reservation_id: reservation(id),
        lines,
        ttl: None,
        allow_partial: false,
        owner: None,
        strategy: None,
        explain: false,
    }
}
