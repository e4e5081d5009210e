//! How the contexts meet: what one has recorded becomes messages, and what comes is decided on by the other.

use comanda_contracts::events::ReserveStockRequested;
use comanda_fulfillment::domain::order::{Order, OrderEvent};
use comanda_fulfillment::react::Stock;
use comanda_inventory::domain::reservation::Reservation;
use comanda_inventory::react::Orders;
use cqrs::testkit::Given;
use cqrs::{
    Aggregate, BatchId, CannotReact, Command, ContractEvent, Decision, Inbox, PartitionId, Payload, React, Receive,
    Received, Recorded, States, StreamName, Streams, Timed, TimerChange, Timestamp,
};
use uuid::Uuid;

use crate::lane::Letter;
use crate::scenario::{Fault, SKUS, Scenario, Transport};
use crate::world::{ASKS, NEWS, World};

/// Events as they were recorded, in order.
type Events = Vec<(StreamName, Payload)>;

/// Lets a context decide; returns what it recorded, and its answer if it accepted.
pub(crate) fn decide<C: Command>(given: &mut Given, command: C) -> (Events, Option<C::Answer>) {
    let decided = std::mem::take(given).when(command);
    let result = (decided.recorded().to_vec(), decided.result().ok().cloned());
    *given = decided.given();
    result
}

/// Takes a message without an inbox.
struct Direct<R: React> {
    message: Letter,
    input: R::Input,
}

impl<R: React> Command for Direct<R> {
    const NAME: &'static str = "direct";
    type Answer = Received;
    type Rejection = CannotReact;

    fn streams(&self) -> Streams {
        R::streams(&self.input)
    }

    fn decide(&self, states: &States<'_>) -> Result<Decision<Received>, CannotReact> {
        R::react(&self.input, &self.message.message, states).map(|reaction| reaction.map(|()| Received::Done))
    }
}

/// Hands a message to a context: through its inbox, or without.
fn receive<R: React>(given: &mut Given, letter: &Letter, transport: Transport) -> (Events, Option<Received>) {
    let message = letter.message.clone();
    let input =
        R::read(&message).expect("it was read when it was sent").expect("it was sent because it is of interest");
    match transport {
        Transport::Inbox => decide(given, Receive::<R> { message, what: Ok(input), follows: letter.follows }),
        Transport::AnyOrder => decide(given, Direct::<R> { message: letter.clone(), input }),
    }
}

/// Whether anything but an inbox has changed.
fn has_effect(events: &Events) -> bool {
    events.iter().any(|(stream, _)| stream.kind() != Inbox::KIND)
}

impl Scenario {
    /// Message `place` of a lane comes. One that comes too early must change nothing, and stays on its way.
    pub(crate) fn deliver(&self, next: &mut World, lane: usize, place: usize) -> bool {
        let Some(letter) = next.lanes[lane].waiting.get(place).cloned() else { return false };
        let (events, received) = self.hand_over(next, lane, &letter);
        if !self.takes(place) {
            if received.is_some() || !events.is_empty() {
                next.wrong = Some("a message was taken before its turn");
            }
            return false;
        }
        if received != Some(Received::Done) {
            next.wrong = Some("a message had no effect: it was parked, refused or taken for a repeated one");
        }
        next.lanes[lane].take(place);
        next.last = Some(lane);
        self.tell(next, lane, Some(&letter), &events);
        true
    }

    /// A message that has had its effect comes again: it must change nothing.
    pub(crate) fn repeat(&self, next: &mut World, lane: usize, place: usize) -> bool {
        let Some(letter) = next.lanes[lane].recent.get(place).cloned() else { return false };
        let (events, received) = self.hand_over(next, lane, &letter);
        if self.transport == Transport::Inbox {
            if received != Some(Received::Repeated) || !events.is_empty() {
                next.wrong = Some("a message had its effect twice");
            }
            return false;
        }
        next.left.repeats -= 1;
        self.tell(next, lane, Some(&letter), &events);
        has_effect(&events)
    }

    fn hand_over(&self, next: &mut World, lane: usize, letter: &Letter) -> (Events, Option<Received>) {
        match lane {
            ASKS => receive::<Orders>(&mut next.inventory, letter, self.transport),
            _ => receive::<Stock>(&mut next.fulfillment, letter, self.transport),
        }
    }

    /// Sends what the receiver of `lane` has recorded about `letter`.
    fn tell(&self, next: &mut World, lane: usize, letter: Option<&Letter>, events: &Events) {
        match lane {
            ASKS => next.inventory_recorded(letter, events),
            _ => next.fulfillment_recorded(self, events),
        }
    }
}

impl World {
    /// It is now `at`.
    pub(crate) fn pass(&mut self, at: Timestamp) {
        self.now = at;
        for given in [&mut self.fulfillment, &mut self.inventory] {
            *given = std::mem::take(given).at(at);
        }
    }

    /// Fulfillment decides on a command of its own. Returns whether anything changed.
    pub(crate) fn in_fulfillment<C: Command>(&mut self, scenario: &Scenario, command: C) -> bool {
        let (events, _) = decide(&mut self.fulfillment, command);
        self.fulfillment_recorded(scenario, &events);
        !events.is_empty()
    }

    /// Inventory decides on a command of its own. Returns whether anything changed.
    pub(crate) fn in_inventory<C: Command>(&mut self, command: C) -> bool {
        let (events, _) = decide(&mut self.inventory, command);
        self.inventory_recorded(None, &events);
        !events.is_empty()
    }

    fn fulfillment_recorded(&mut self, scenario: &Scenario, events: &Events) {
        if has_effect(events) {
            self.look_at_ours();
        }
        for (stream, payload) in events {
            if stream.kind() != Order::KIND {
                continue;
            }
            let event = payload.decode::<Order>().expect("an order's event");
            if scenario.fault != Some(Fault::NoAlarm) {
                self.set_timers(&event);
            }
            let forgets = scenario.fault == Some(Fault::NoGiveBack);
            if forgets && matches!(&*event, OrderEvent::ReservationTimedOut { .. }) {
                continue;
            }
            let told = comanda_fulfillment::publish::publish(&recorded(stream, payload, self.now));
            self.send::<Orders>(ASKS, told.expect("a new event can be read"));
        }
    }

    fn set_timers(&mut self, event: &OrderEvent) {
        for change in Order::timers(event) {
            match change {
                TimerChange::Set { name, at } => self.timers.insert(name.into_owned(), at),
                TimerChange::Clear { name } => self.timers.remove(&*name),
            };
        }
    }

    fn inventory_recorded(&mut self, letter: Option<&Letter>, events: &Events) {
        if has_effect(events) {
            self.look_at_theirs();
        }
        for (stream, payload) in events {
            let lane = self.lane_of(stream, letter);
            let told = comanda_inventory::publish::publish(&recorded(stream, payload, self.now));
            self.send::<Stock>(lane, told.expect("a new event can be read"));
        }
    }

    /// The partition of a stream of Inventory. A reservation stays where its first event was.
    fn lane_of(&mut self, stream: &StreamName, letter: Option<&Letter>) -> usize {
        let of_sku = |sku: &str| NEWS[SKUS.iter().position(|name| *name == sku).unwrap_or(SKUS.len())];
        if stream.kind() != Reservation::KIND {
            return of_sku(stream.id());
        }
        let request = letter.filter(|letter| &*letter.message.kind == ReserveStockRequested::TYPE);
        let first = request.map(|letter| {
            let asked: ReserveStockRequested = letter.message.data_as().expect("it was written so");
            of_sku(&asked.lines[0].sku)
        });
        *self.homes.entry(stream.id().to_owned()).or_insert(first.unwrap_or(NEWS[SKUS.len()]))
    }

    /// Sends what was told, if it is of the receiver's business.
    fn send<R: React>(&mut self, lane: usize, told: Option<ContractEvent>) {
        let Some(told) = told else { return };
        let lane = &mut self.lanes[lane];
        let letter = lane.letter(&told, self.now);
        match R::read(&letter.message) {
            Ok(Some(_)) => lane.send(letter),
            Ok(None) => {}
            Err(_) => self.wrong = Some("a message cannot be read"),
        }
    }
}

fn recorded(stream: &StreamName, payload: &Payload, at: Timestamp) -> Recorded {
    Recorded {
        partition: PartitionId(0),
        position: 1,
        stream: stream.clone(),
        version: 1,
        at,
        batch: BatchId(Uuid::nil()),
        metadata: std::sync::Arc::default(),
        payload: payload.clone(),
    }
}
