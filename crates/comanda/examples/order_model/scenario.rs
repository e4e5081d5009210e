//! What is checked: one order of two lines under one policy, how messages travel, what may happen, and what is broken.

use std::fmt;

use comanda_fulfillment::domain::order::Policy;
use serde::Serialize;

/// The two SKUs of the model.
pub(crate) const SKUS: [&str; 2] = ["TEA", "MUG"];

/// How messages get from one context to the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    /// Any message at any time and as often as it likes; the real inbox in front takes each once and in order.
    Inbox,
    /// No inbox: each message once, but in any order, also within a partition. The decisions alone must bear that.
    AnyOrder,
}

/// A guard that is taken away, to see that the model notices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// No inbox, and messages may come twice.
    NoDedupe,
    /// What an attempt that has timed out may still bring is not given back.
    NoGiveBack,
    /// The alarm is not told of timers.
    NoAlarm,
    /// Inventory promises more than it has.
    Overpromises,
}

/// How often the world may do something of its own accord.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Moves {
    /// Time passes until something is due.
    pub(crate) ticks: u8,
    /// The customer cancels one unit of the first line, or all.
    pub(crate) cancels: u8,
    /// Somebody puts the order on hold, and lets it go on.
    pub(crate) holds: u8,
    /// A unit of the first SKU comes in.
    pub(crate) receipts: u8,
    /// A cart takes a unit of the first SKU, for a while or until it gives it back.
    pub(crate) carts: u8,
    /// A message comes again although nobody would notice.
    pub(crate) repeats: u8,
}

/// One model to check.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scenario {
    /// What it is about.
    name: &'static str,
    /// What becomes of a short line.
    pub(crate) policy: Policy,
    /// The SKU (its place in [`SKUS`]) and the units of each line.
    pub(crate) lines: [(usize, i64); 2],
    /// Units on hand of each SKU in the beginning.
    pub(crate) on_hand: [i64; 2],
    /// How messages travel.
    pub(crate) transport: Transport,
    /// What may happen.
    pub(crate) moves: Moves,
    /// What is broken, if anything.
    pub(crate) fault: Option<Fault>,
}

impl Scenario {
    /// Every model that is checked.
    pub(crate) fn all() -> Vec<Self> {
        let policies = [Policy::ShipComplete, Policy::ShipAvailable, Policy::Backorder];
        let of = |policy| {
            let in_turn = [Self::two_skus(policy), Self::one_sku(policy), Self::unanswered(policy), Self::held(policy)];
            let in_any_order = [Self::two_skus(policy), Self::one_sku(policy)].map(Self::in_any_order);
            in_turn.into_iter().chain(in_any_order)
        };
        policies.into_iter().flat_map(of).collect()
    }

    /// Two lines of two SKUs, of which a cart can take one away; a receipt can bring one to an order that waits for it.
    pub(crate) fn two_skus(policy: Policy) -> Self {
        let receipts = u8::from(policy == Policy::Backorder);
        let moves = Moves { ticks: 2, cancels: 1, holds: 0, receipts, carts: 1, repeats: 0 };
        let (name, lines, on_hand) = ("two SKUs", [(0, 2), (1, 1)], [2, 1]);
        Self { name, policy, lines, on_hand, transport: Transport::Inbox, moves, fault: None }
    }

    /// Two lines of the same SKU.
    fn one_sku(policy: Policy) -> Self {
        Self { name: "one SKU twice", lines: [(0, 1), (0, 2)], on_hand: [3, 0], ..Self::two_skus(policy) }
    }

    /// Time passes as often as it takes to give up waiting.
    fn unanswered(policy: Policy) -> Self {
        let moves = Moves { ticks: 4, cancels: 1, holds: 0, receipts: 0, carts: 0, repeats: 0 };
        Self { name: "nobody answers", moves, ..Self::two_skus(policy) }
    }

    /// Somebody puts it on hold.
    fn held(policy: Policy) -> Self {
        let moves = Moves { ticks: 1, cancels: 1, holds: 1, receipts: 0, carts: 1, repeats: 0 };
        Self { name: "on hold", moves, ..Self::two_skus(policy) }
    }

    /// Without an inbox. That makes for many more states, so less time passes and nothing comes in.
    fn in_any_order(self) -> Self {
        Self { transport: Transport::AnyOrder, moves: Moves { ticks: 1, receipts: 0, ..self.moves }, ..self }
    }

    /// The same with a guard taken away.
    pub(crate) fn with(self, fault: Fault) -> Self {
        let broken = Self { fault: Some(fault), ..self };
        if fault == Fault::NoDedupe {
            let broken = broken.in_any_order();
            return Self { moves: Moves { repeats: 1, ..broken.moves }, ..broken };
        }
        broken
    }

    /// Whether message `place` of those on their way may be taken next, and have its effect.
    pub(crate) fn takes(&self, place: usize) -> bool {
        place == 0 || self.transport == Transport::AnyOrder
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let transport = match self.transport {
            Transport::Inbox => "behind an inbox",
            Transport::AnyOrder => "in any order",
        };
        write!(f, "{:?}, {}, {transport}", self.policy, self.name)
    }
}
