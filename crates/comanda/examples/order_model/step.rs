//! What can happen next in a state, and the state it leads to: every decision is one of the contexts' own.

use std::time::Duration;

use comanda_fulfillment::domain::ids as ours;
use comanda_fulfillment::domain::order::cancel::{CancelLine, CancelOrder};
use comanda_fulfillment::domain::order::hold::PutOnHold;
use comanda_fulfillment::domain::order::place::{PlaceLine, PlaceOrder};
use comanda_fulfillment::domain::order::release_hold::ReleaseHold;
use comanda_fulfillment::domain::order::{Order, Priority};
use comanda_inventory::domain::ids::{LineId, Quantity, ReservationId, Sku};
use comanda_inventory::domain::reservation::release::Release;
use comanda_inventory::domain::reservation::reserve::{Reserve, ReserveLine};
use comanda_inventory::domain::stock_item::expire::ExpireHolds;
use comanda_inventory::domain::stock_item::register::RegisterSku;
use comanda_inventory::domain::stock_item::replenish::Replenish;
use cqrs::Wake;

use crate::deliver::decide;
use crate::scenario::{Fault, SKUS, Scenario, Transport};
use crate::world::{CART, ORDER, World};

/// How long the cart holds its unit: shorter than an order waits for its first answer.
const CART_HOLDS: Duration = Duration::from_secs(30);

/// One thing that can happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Message `place` of those on their way in `lane` comes.
    Deliver { lane: usize, place: usize },
    /// A message that came before comes again.
    Repeat { lane: usize, place: usize },
    /// Time passes until something is due, and what is due happens.
    Tick,
    /// The customer cancels a unit of the first line.
    CancelOne,
    /// The customer cancels all.
    CancelAll,
    /// Somebody puts the order on hold.
    Hold,
    /// Somebody lets it go on.
    GoOn,
    /// A unit of the first SKU comes in.
    Receipt,
    /// A cart takes a unit of the first SKU.
    Cart,
    /// The cart gives it back.
    CartGivesBack,
}

impl Scenario {
    /// The order is placed; its first request is on the way.
    pub(crate) fn start(&self) -> World {
        let mut world = World::new(self.moves);
        let backorder_limit = if self.fault == Some(Fault::Overpromises) { 1 } else { 0 };
        for (name, units) in SKUS.iter().zip(self.on_hand) {
            let sku = Sku::parse(name).expect("a SKU");
            let register = RegisterSku { sku: sku.clone(), name: None, safety_stock: 0, backorder_limit };
            // Nobody listens before there is an order: what is recorded here need not be sent.
            decide(&mut world.inventory, register);
            if let Ok(quantity) = Quantity::parse(units) {
                decide(&mut world.inventory, Replenish { sku, location: None, quantity });
            }
        }
        world.look_at_theirs();
        world.in_fulfillment(self, self.place());
        world.sealed(false)
    }

    fn place(&self) -> PlaceOrder {
        let line = |(place, (sku, units)): (usize, &(usize, i64))| PlaceLine {
            line_id: line(place),
            sku: ours::Sku::parse(SKUS[*sku]).expect("a SKU"),
            quantity: ours::Quantity::parse(*units).expect("a quantity"),
        };
        PlaceOrder {
            order_id: order(),
            lines: self.lines.iter().enumerate().map(line).collect(),
            policy: self.policy,
            priority: Priority::default(),
            promised_at: None,
            customer: None,
        }
    }

    /// All that can happen next.
    pub(crate) fn steps(&self, world: &World) -> Vec<Step> {
        let mut steps = Vec::new();
        for (lane, letters) in world.lanes.iter().enumerate() {
            let count = letters.waiting.len();
            // An inbox takes only the first. That it refuses others is tried with the last, which is furthest from its turn.
            let places = (0..count).filter(|place| self.takes(*place) || place + 1 == count);
            steps.extend(places.map(|place| Step::Deliver { lane, place }));
            // An inbox changes only when something is delivered to it: each place it stands at is tried once.
            let may_repeat = match self.transport {
                Transport::Inbox => world.last == Some(lane),
                Transport::AnyOrder => world.left.repeats > 0,
            };
            if may_repeat {
                steps.extend((0..letters.recent.len()).map(|place| Step::Repeat { lane, place }));
            }
        }
        let left = &world.left;
        let mut may = |often: u8, these: &[Step]| steps.extend(these.iter().filter(|_| often > 0));
        may(left.ticks, &[Step::Tick]);
        may(left.cancels, &[Step::CancelOne, Step::CancelAll]);
        may(left.holds, &[Step::Hold]);
        may(u8::from(left.holds < self.moves.holds), &[Step::GoOn]);
        may(left.receipts, &[Step::Receipt]);
        may(left.carts, &[Step::Cart]);
        may(u8::from(left.carts < self.moves.carts), &[Step::CartGivesBack]);
        steps
    }

    /// What `step` leads to; none if it changes nothing.
    pub(crate) fn after(&self, world: &World, step: Step) -> Option<World> {
        let mut next = world.clone();
        let changed = match step {
            Step::Deliver { lane, place } => self.deliver(&mut next, lane, place),
            Step::Repeat { lane, place } => self.repeat(&mut next, lane, place),
            Step::Tick => self.tick(&mut next),
            Step::CancelOne | Step::CancelAll => {
                next.left.cancels -= 1;
                next.in_fulfillment(self, cancel(step == Step::CancelOne))
            }
            Step::Hold => {
                next.left.holds -= 1;
                next.in_fulfillment(self, PutOnHold { order_id: order(), reason: "fraud?".into() })
            }
            Step::GoOn => next.in_fulfillment(self, ReleaseHold { order_id: order() }),
            Step::Receipt => {
                next.left.receipts -= 1;
                let quantity = Quantity::parse(1).expect("a quantity");
                next.in_inventory(Replenish { sku: first_sku(), location: None, quantity })
            }
            Step::Cart => {
                next.left.carts -= 1;
                next.in_inventory(cart())
            }
            Step::CartGivesBack => next.in_inventory(Release { reservation_id: cart_id() }),
        };
        let repeats = self.moves.repeats > 0;
        (changed || next.wrong != world.wrong).then(|| next.sealed(repeats))
    }

    /// Time passes until the next instant that the alarm or a hold's end names.
    fn tick(&self, next: &mut World) -> bool {
        next.left.ticks -= 1;
        let holds_end = next.theirs.items.iter().filter_map(|item| item.expiring().next()).min();
        let timer = next.timers.values().copied().min();
        let Some(at) = timer.into_iter().chain(holds_end).min() else { return false };
        next.pass(at);
        if timer == Some(at) && !next.in_fulfillment(self, Wake::<Order>::streams(vec![ORDER.into()])) {
            next.wrong = Some("a timer ran out and nothing was due");
        }
        for name in SKUS {
            next.in_inventory(ExpireHolds { sku: Sku::parse(name).expect("a SKU") });
        }
        true
    }
}

fn order() -> ours::OrderId {
    ours::OrderId::parse(ORDER).expect("an id")
}

fn line(place: usize) -> ours::LineId {
    ours::LineId::parse(&(place + 1).to_string()).expect("an id")
}

fn first_sku() -> Sku {
    Sku::parse(SKUS[0]).expect("a SKU")
}

fn cart_id() -> ReservationId {
    ReservationId::parse(CART).expect("an id")
}

fn cancel(one: bool) -> CancelOrder {
    let unit = CancelLine { line_id: line(0), quantity: ours::Quantity::parse(1).ok() };
    CancelOrder { order_id: order(), lines: if one { vec![unit] } else { Vec::new() }, reason: None }
}

fn cart() -> Reserve {
    let line = ReserveLine {
        line_id: LineId::parse("1").expect("an id"),
        sku: first_sku(),
        quantity: Quantity::parse(1).expect("a quantity"),
        location: None,
    };
    Reserve {
        reservation_id: cart_id(),
        lines: vec![line],
        ttl: Some(CART_HOLDS),
        allow_partial: false,
        owner: None,
        strategy: None,
        explain: false,
    }
}
