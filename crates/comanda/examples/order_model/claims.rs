//! What must hold in every state, and what must be reached in some, or the model says nothing.

use comanda_fulfillment::domain::backlog::Backlog;
use comanda_fulfillment::domain::order::{AttemptState, Order, OrderLine, Policy, reservation_id};
use comanda_inventory::domain::stock_item::StockItem;
use stateright::Property;

use crate::scenario::{SKUS, Scenario, Transport};
use crate::world::{ASKS, NEWS, ORDER, World};

pub(crate) const NOT_SOLD_TWICE: &str = "no unit is promised twice";
pub(crate) const NO_LEAK: &str = "Inventory holds what the order counts on";
pub(crate) const ALARM: &str = "the alarm knows when to wake the order";
pub(crate) const ONCE: &str = "every message has its effect, once";

/// All claims about a scenario.
pub(crate) fn claims(scenario: &Scenario) -> Vec<Property<Scenario>> {
    let mut claims = vec![
        Property::always(NOT_SOLD_TWICE, |_, world: &World| world.theirs.items.iter().all(is_covered)),
        Property::always("every commitment has its hold", |_, world: &World| {
            SKUS.iter().zip(&world.theirs.items).all(|(sku, item)| item.total().committed == held(world, sku))
        }),
        Property::always("every unit of a line is somewhere", |_, world: &World| {
            world.ours.order.lines().iter().all(|line| is_accounted(&world.ours.order, line))
        }),
        Property::always(NO_LEAK, |_, world: &World| !world.is_quiet() || same_units(world)),
        Property::always("nothing waits in vain", |_, world: &World| !world.is_quiet() || goes_on(world)),
        Property::always("who waits stands in the backlog", |_, world: &World| !world.is_quiet() || is_listed(world)),
        Property::always(ALARM, |_, world: &World| world.timers.values().min().copied() == world.ours.order.next_due()),
        Property::always(ONCE, |_, world: &World| world.wrong.is_none()),
        Property::sometimes("all is reserved", |_, world: &World| {
            world.is_quiet() && world.ours.order.lines().iter().all(|line| line.reserved() == line.ordered)
        }),
        Property::sometimes("all is cancelled after it was reserved", |_, world: &World| {
            let was = world.attempts().any(|(_, reservation)| !reservation.lines().is_empty());
            world.is_quiet() && was && world.ours.order.lines().iter().all(|line| line.open() == 0)
        }),
        Property::sometimes("a late answer is on its way", |_, world: &World| late(world)),
    ];
    if scenario.moves.carts == 0 {
        return claims;
    }
    claims.push(Property::sometimes("a line is short", |_, world: &World| {
        world.is_quiet() && world.ours.order.lines().iter().any(|line| line.rejected + line.backordered > 0)
    }));
    if scenario.policy == Policy::Backorder {
        claims.push(Property::sometimes("who waited is served", |_, world: &World| {
            let order = &world.ours.order;
            let served = order.lines().iter().flat_map(|line| &line.units).any(|units| units.attempt > 1);
            world.is_quiet() && served && order.attempt(1).is_some_and(|first| first.state == AttemptState::Reserved)
        }));
    }
    if scenario.transport == Transport::AnyOrder {
        claims.push(Property::sometimes("a request comes after it was taken back", |_, world: &World| {
            world.attempts().any(|(attempt, _)| was_barred(world, attempt.number))
        }));
    }
    claims
}

/// No counter is negative, and no more is promised than there is: nobody allows more in this model.
fn is_covered(item: &StockItem) -> bool {
    let total = item.total();
    item.is_sound() && total.promised() <= total.on_hand
}

/// Units of `sku` that reservations of the order hold.
fn held(world: &World, sku: &str) -> i64 {
    let lines = world.theirs.reservations.iter().flat_map(|reservation| reservation.lines());
    let held = lines.filter(|line| line.sku.as_str() == sku).flat_map(|line| &line.allocations);
    held.map(|allocation| allocation.quantity).sum()
}

/// What is neither reserved nor waits is asked for: nobody has forgotten it.
fn is_accounted(order: &Order, line: &OrderLine) -> bool {
    let counts = [line.cancelled, line.rejected, line.backordered, line.reserved(), line.open()];
    let untouched = line.untouched();
    counts.iter().all(|units| *units >= 0) && untouched >= 0 && untouched <= order.asked(&line.line_id)
}

/// For every attempt and line the order and Inventory have the same number.
fn same_units(world: &World) -> bool {
    world.attempts().all(|(attempt, reservation)| {
        world.ours.order.lines().iter().all(|line| {
            let counted = line.units.iter().filter(|units| units.attempt == attempt.number);
            let holds = reservation.lines().iter().filter(|held| held.line_id.as_str() == line.line_id.as_str());
            let held = holds.flat_map(|held| &held.allocations).map(|allocation| allocation.quantity);
            counted.map(|units| units.reserved).sum::<i64>() == held.sum::<i64>()
        })
    })
}

/// Every attempt was answered or given up; and the order is settled, or a timer will move it on.
fn goes_on(world: &World) -> bool {
    let order = &world.ours.order;
    let settled = order.lines().iter().all(|line| line.untouched() == 0 && line.backordered == 0);
    let answered = order.attempts().iter().all(|attempt| !attempt.is_open());
    answered && (settled || !world.timers.is_empty())
}

/// The backlogs say what the lines say.
fn is_listed(world: &World) -> bool {
    let order = &world.ours.order;
    let listed = |line: &OrderLine| -> i64 {
        let waiters = world.ours.backlogs.iter().flat_map(Backlog::waiters);
        waiters.filter(|waiter| waiter.line_id == line.line_id).map(|waiter| waiter.quantity).sum()
    };
    order.lines().iter().all(|line| listed(line) == line.backordered)
}

/// Inventory has committed stock to an attempt that the order has given up, and neither knows of the other yet.
fn late(world: &World) -> bool {
    let mut given_up = world.attempts().filter(|(attempt, _)| attempt.state == AttemptState::GivenUp);
    given_up.any(|(_, late)| late.lines().iter().any(|line| !line.allocations.is_empty()))
}

/// Whether Inventory was told to take an attempt back, and has not been asked for it yet.
fn was_barred(world: &World, attempt: u32) -> bool {
    let id = reservation_id(ORDER, attempt);
    world.homes.get(&id) == NEWS.last() && !world.lanes[ASKS].waiting.is_empty()
}
