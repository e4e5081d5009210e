//! What an order waits for, and since when: the answer to "why is this order stuck?".

use std::sync::Arc;

use cqrs::{QueryError, Recorded, Timestamp};

use crate::domain::order::{AttemptState, Order, OrderEvent, OrderLine};

/// How many of an order's latest events are looked at to learn since when it waits.
pub const RECENT_MAX: usize = 200;

/// Something that an order waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitsFor {
    /// What, for programs.
    pub code: &'static str,
    /// What, for people.
    pub text: String,
    /// Since when; none if that is not among its latest events.
    pub since: Option<Timestamp>,
    /// When something happens by itself at the latest.
    pub until: Option<Timestamp>,
}

/// An order's latest events, newest first.
struct Recent(Vec<(Timestamp, Arc<OrderEvent>)>);

impl Recent {
    fn read(events: &[Recorded]) -> Result<Self, QueryError> {
        let mut read = Vec::with_capacity(events.len());
        for event in events {
            let happened = event.as_event_of::<Order>().map_err(|why| QueryError::Broken(why.to_string()))?;
            read.extend(happened.map(|happened| (event.at, happened)));
        }
        Ok(Self(read))
    }

    /// When such an event last happened.
    fn last(&self, matches: impl Fn(&OrderEvent) -> bool) -> Option<Timestamp> {
        self.0.iter().find(|(_, event)| matches(event)).map(|(at, _)| *at)
    }
}

/// What `order` waits for; `recent` are its latest events, newest first.
///
/// # Errors
/// [`QueryError::Broken`] if an event cannot be decoded.
pub fn waits(order: &Order, recent: &[Recorded]) -> Result<Vec<WaitsFor>, QueryError> {
    let recent = Recent::read(recent)?;
    let since = |matches: &dyn Fn(&OrderEvent) -> bool| recent.last(matches);
    let mut waits = Vec::new();
    if let Some(reason) = order.on_hold() {
        let since = since(&|event| matches!(event, OrderEvent::PutOnHold { .. }));
        let text = format!("It is on hold: {reason}. Somebody has to let it go on.");
        waits.push(WaitsFor { code: "RELEASE_OF_HOLD", text, since, until: None });
    }
    for attempt in order.attempts() {
        let AttemptState::Asked { answer_by } = attempt.state else { continue };
        let number = attempt.number;
        let asked = |event: &OrderEvent| matches!(event, OrderEvent::ReservationRequested { attempt, .. } if *attempt == number);
        let units: i64 = attempt.wanted.iter().map(|wanted| wanted.quantity).sum();
        let text = format!("Attempt {number} asks Inventory for {units} units and is not answered yet.");
        waits.push(WaitsFor { code: "RESERVATION", text, since: since(&asked), until: Some(answer_by) });
    }
    for line in order.lines().iter().filter(|line| line.backordered > 0) {
        let waits_since = since(&|event| {
            matches!(event, OrderEvent::LinesBackordered { lines, .. }
                if lines.iter().any(|units| units.line_id == line.line_id))
        });
        let text = format!("{} units of {} (line {}) wait for stock.", line.backordered, line.sku, line.line_id);
        waits.push(WaitsFor { code: "STOCK", text, since: waits_since, until: order.asks_again_at() });
    }
    waits.extend(next_step(order, &recent));
    Ok(waits)
}

/// What somebody has to do next with the units that are reserved.
fn next_step(order: &Order, recent: &Recent) -> Option<WaitsFor> {
    let sum = |count: fn(&OrderLine) -> i64| order.lines().iter().map(count).sum::<i64>();
    let reserved = sum(OrderLine::reserved);
    let status = order.status();
    if reserved == 0 || order.on_hold().is_some() || status.is_final() {
        return None;
    }
    let (picked, packed) = (sum(OrderLine::picked), sum(OrderLine::packed));
    let (ready, shipped, delivered) = (sum(OrderLine::ready), sum(OrderLine::shipped), sum(OrderLine::delivered));
    let last = |matches: fn(&OrderEvent) -> bool| recent.last(matches);
    let step = |code, text, since| Some(WaitsFor { code, text, since, until: None });
    if picked < reserved {
        let since = last(|event| matches!(event, OrderEvent::Reserved { .. } | OrderEvent::HoldReleased));
        return step("PICKING", format!("{} of {reserved} reserved units are to be picked.", reserved - picked), since);
    }
    if packed < picked {
        let since = last(|event| matches!(event, OrderEvent::Picked { .. }));
        return step("PACKING", format!("{} picked units are to be packed.", picked - packed), since);
    }
    if ready < packed {
        let since = last(|event| matches!(event, OrderEvent::Packed { .. }));
        return step("READY_TO_SHIP", "All is packed; somebody has to say that it can leave.".to_owned(), since);
    }
    if shipped < ready {
        let since = last(|event| matches!(event, OrderEvent::ReadyToShip { .. }));
        return step("SHIPMENT", format!("{} units are ready and have not left.", ready - shipped), since);
    }
    if delivered < shipped {
        let since = last(|event| matches!(event, OrderEvent::Shipped { .. }));
        return step("DELIVERY", format!("{} units are on their way.", shipped - delivered), since);
    }
    None
}
