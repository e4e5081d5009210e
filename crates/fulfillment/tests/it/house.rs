//! A whole Fulfillment in memory, beside an Inventory of a few lines that answers what it is asked.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use comanda_fulfillment::domain::backlog::Backlog;
use comanda_fulfillment::domain::ids::{LineId, OrderId, Quantity, Sku};
use comanda_fulfillment::domain::order::place::{PlaceLine, PlaceOrder};
use comanda_fulfillment::domain::order::release_hold::ReleaseHold;
use comanda_fulfillment::domain::order::{Order, OrderEvent, Policy, Priority};
use comanda_fulfillment::domain::pick_list::PickList;
use comanda_fulfillment::publish::publish;
use comanda_fulfillment::react::Stock;
use cqrs::memory::{MemoryEventStore, MemoryReadStore};
use cqrs::{
    Aggregate, BatchId, Command, CommandBus, CommandError, Context, Dispatch, Envelope, Epoch, EventId, Executor,
    ExecutorSettings, LogReader, ManualClock, Message, PartitionId, Position, Projector, QueryBus, React, ReadSide,
    Receive, Received, Recorded, Tail, Timestamp, Token, Views, command_bus, query_bus,
};
use uuid::Uuid;

use crate::inventory::{Inventory, Mail};

/// The most rounds in which two contexts must have said all they have to say.
const ROUNDS_MAX: usize = 200;

pub(crate) struct House {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) commands: CommandBus,
    pub(crate) queries: QueryBus,
    pub(crate) inventory: Inventory,
    /// Every order as the log has it.
    pub(crate) orders: BTreeMap<String, Order>,
    pub(crate) backlogs: BTreeMap<String, Backlog>,
    pub(crate) events: Vec<(String, OrderEvent)>,
    /// Every pick list that was released, by its id.
    pub(crate) pick_lists: BTreeMap<String, PickList>,
    /// How far a view must have read to see the latest command.
    pub(crate) seen: Option<Token>,
    log: MemoryEventStore,
    read: Position,
    received: Position,
}

impl House {
    pub(crate) async fn open() -> Self {
        Self::of(comanda_fulfillment::context()).await
    }

    pub(crate) async fn of(context: Context) -> Self {
        let context = Arc::new(context);
        let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1_772_357_400_000)));
        let (log, rows) = (MemoryEventStore::new(1), MemoryReadStore::default());
        let (tail, views) = (Tail::default(), Views::new(1, 1_000));
        let store = Arc::new(log.clone());
        let settings = ExecutorSettings::default();
        let (executor, running) =
            Executor::new(Arc::clone(&context), store.clone(), Arc::clone(&clock) as _, tail.clone(), settings);
        tokio::spawn(running.run());
        let projector = Projector::open(&context, store.clone(), Arc::new(rows.clone()), tail, views.clone());
        tokio::spawn(projector.await.unwrap().run(std::future::pending()));
        let wait = Duration::from_secs(10);
        let read = ReadSide::new(context, views, Arc::new(rows), store, Arc::clone(&clock) as _, wait);
        Self {
            clock,
            commands: command_bus(executor, wait),
            queries: query_bus(read),
            inventory: Inventory::default(),
            orders: BTreeMap::new(),
            backlogs: BTreeMap::new(),
            events: Vec::new(),
            pick_lists: BTreeMap::new(),
            seen: None,
            log,
            read: 0,
            received: 0,
        }
    }

    /// Sends a command that only the rules may refuse, and reads what it has recorded.
    pub(crate) async fn send<C: Command>(&mut self, command: C) -> Result<C::Answer, C::Rejection> {
        let sent = self.commands.dispatch(Envelope::new(command)).await;
        self.look().await;
        match sent {
            Ok(answered) => {
                self.seen = Some(answered.token);
                Ok(answered.answer)
            }
            Err(CommandError::Rejected(rejection)) => Err(rejection),
            Err(other) => panic!("{}: {other}", C::NAME),
        }
    }

    /// Reads what is new in the log: orders follow, and Inventory hears what is published.
    pub(crate) async fn look(&mut self) {
        let events = self.log.read_partition(PartitionId(0), self.read, 100_000).await.unwrap();
        for event in events {
            self.read = event.position;
            self.follow(&event);
            if let Some(told) = publish(&event).unwrap() {
                self.inventory.hear(told);
            }
        }
    }

    fn follow(&mut self, event: &Recorded) {
        let id = event.stream.id().to_owned();
        if let Some(happened) = event.as_event_of::<Order>().unwrap() {
            self.orders.entry(id.clone()).or_default().apply(&happened);
            self.events.push((id, happened.as_ref().clone()));
        } else if let Some(happened) = event.as_event_of::<Backlog>().unwrap() {
            self.backlogs.entry(id).or_default().apply(&happened);
        } else if let Some(happened) = event.as_event_of::<PickList>().unwrap() {
            self.pick_lists.entry(id).or_default().apply(&happened);
        }
    }

    /// A message from Inventory arrives.
    pub(crate) async fn receive(&mut self, mail: &Mail) {
        let follows = self.received;
        self.received += 1;
        let id = EventId { batch: BatchId(Uuid::from_u128(1)), partition: PartitionId(0), position: self.received };
        let message = Message {
            id,
            source: "inventory".into(),
            epoch: Epoch(Uuid::from_u128(7)),
            after: follows,
            predecessor: None,
            kind: mail.kind.into(),
            subject: "stock".into(),
            key: "stock".into(),
            at: Timestamp::EPOCH,
            correlation_id: None,
            causation_id: None,
            traceparent: None,
            data: Bytes::from(mail.data.clone()),
        };
        let what = Ok(Stock::read(&message).unwrap().unwrap());
        let command = Receive::<Stock> { message: Arc::new(message), what, follows };
        assert_eq!(self.send(command).await.unwrap(), Received::Done);
    }

    /// Both contexts say all they have to say at this instant.
    pub(crate) async fn settle(&mut self) {
        for _ in 0..ROUNDS_MAX {
            self.inventory.work(usize::MAX);
            let mail = std::mem::take(&mut self.inventory.mail);
            if mail.is_empty() {
                return;
            }
            for one in mail {
                self.receive(&one).await;
            }
        }
        panic!("they never stop talking");
    }

    /// Time passes: whatever has become due is recorded.
    pub(crate) async fn pass(&mut self, by: Duration) {
        self.clock.advance(by);
        let ids: Vec<String> = self.orders.keys().cloned().collect();
        for id in ids {
            self.wake(&id).await;
        }
    }

    /// A command that changes nothing looks at the order.
    pub(crate) async fn wake(&mut self, id: &str) {
        let _ = self.send(ReleaseHold { order_id: order_id(id) }).await;
    }

    pub(crate) async fn place(&mut self, id: &str, policy: Policy, lines: &[(&str, i64)]) {
        self.send(place(id, policy, lines)).await.unwrap();
    }

    pub(crate) fn order(&self, id: &str) -> &Order {
        &self.orders[id]
    }

    pub(crate) fn status(&self, id: &str) -> &'static str {
        self.order(id).status().as_str()
    }

    /// Who waits for a SKU, whose turn it is first.
    pub(crate) fn waiters(&self, sku: &str) -> Vec<String> {
        let backlog = self.backlogs.get(sku);
        backlog.map(|b| b.waiters().map(|w| w.order_id.to_string()).collect()).unwrap_or_default()
    }
}

pub(crate) fn order_id(text: &str) -> OrderId {
    OrderId::parse(text).unwrap()
}

pub(crate) fn line_id(text: &str) -> LineId {
    LineId::parse(text).unwrap()
}

pub(crate) fn place(id: &str, policy: Policy, lines: &[(&str, i64)]) -> PlaceOrder {
    let lines = lines.iter().enumerate().map(|(place, (sku, quantity))| PlaceLine {
        line_id: line_id(&(place + 1).to_string()),
        sku: Sku::parse(sku).unwrap(),
        quantity: Quantity::parse(*quantity).unwrap(),
    });
    PlaceOrder {
        order_id: order_id(id),
        lines: lines.collect(),
        policy,
        priority: Priority::Standard,
        promised_at: None,
        customer: None,
    }
}
