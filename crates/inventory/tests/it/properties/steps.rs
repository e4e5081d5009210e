//! What can happen in a life of the property test: steps drawn by lot, weighted so that much of it is allowed.

use comanda_inventory::domain::location::Coordinates;
use comanda_inventory::domain::reservation::sourcing;
use proptest::prelude::*;

use super::model::Asked;
use super::{COUNTS, PLACES, RESERVATIONS, SKUS, inbound, orders};

/// One thing that someone does; skus, places and reservations by number.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Reserve { id: usize, lines: Vec<Asked>, ttl_ms: Option<u64>, partial: bool, strategy: Option<sourcing::Strategy> },
    Confirm(usize),
    Extend(usize, u64),
    Release(usize),
    Transfer(usize, usize),
    Consume(usize, Option<(usize, i64)>),
    ReserveItem(usize, usize, i64),
    ReleaseItem(usize, usize),
    Adjust(usize, usize, i64),
    Replenish(usize, usize, i64),
    Regrade { sku: usize, place: usize, units: i64, pile: (usize, usize) },
    Count { id: usize, sku: usize, place: usize, units: i64 },
    ApplyCount(usize),
    Update(usize, i64, i64),
    Expire(usize),
    Wait(u64),
    Message(orders::Step),
    Inbound(inbound::Step),
}

pub(super) fn asked() -> impl Strategy<Value = Asked> {
    let place = prop_oneof![3 => Just(None), 1 => (0..PLACES).prop_map(Some)];
    (0..SKUS, 1..6_i64, place).prop_map(|(sku, requested, place)| Asked { sku, requested, place })
}

/// Milliseconds, mostly whole steps of the clock that holds end by: much then happens at the very instant.
pub(super) fn span() -> impl Strategy<Value = u64> {
    prop_oneof![3 => (1..25_u64).prop_map(|steps| steps * 10), 1 => 1..250_u64]
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    let (id, sku, place) = (0..RESERVATIONS, 0..SKUS, 0..PLACES);
    let ttl = prop_oneof![1 => Just(None), 3 => span().prop_map(Some)];
    let lines = prop::collection::vec(asked(), 1..4);
    let part = prop_oneof![1 => Just(None), 2 => (0..3_usize, 1..5_i64).prop_map(Some)];
    let destination = Coordinates::parse(50.78, 6.08).unwrap();
    let strategy = prop_oneof![
        3 => Just(None),
        1 => Just(Some(sourcing::Strategy::Priority)),
        1 => Just(Some(sourcing::Strategy::FewestSplits)),
        1 => Just(Some(sourcing::Strategy::Nearest { destination })),
    ];
    let reserve = (id.clone(), lines, ttl, any::<bool>(), strategy);
    prop_oneof![
        6 => reserve.prop_map(|(id, lines, ttl_ms, partial, strategy)| {
            Step::Reserve { id, lines, ttl_ms, partial, strategy }
        }),
        4 => id.clone().prop_map(Step::Confirm),
        2 => (id.clone(), span()).prop_map(|(id, ms)| Step::Extend(id, ms)),
        2 => id.clone().prop_map(Step::Release),
        1 => (id.clone(), 0..2_usize).prop_map(|(id, owner)| Step::Transfer(id, owner)),
        3 => (id.clone(), part).prop_map(|(id, part)| Step::Consume(id, part)),
        3 => (id.clone(), sku.clone(), 1..6_i64).prop_map(|(id, sku, units)| Step::ReserveItem(id, sku, units)),
        1 => (id, sku.clone()).prop_map(|(id, sku)| Step::ReleaseItem(id, sku)),
        2 => (sku.clone(), place.clone(), (-6..6_i64).prop_filter("not 0", |delta| *delta != 0))
            .prop_map(|(sku, place, delta)| Step::Adjust(sku, place, delta)),
        2 => (sku.clone(), place.clone(), 1..6_i64).prop_map(|(sku, place, units)| Step::Replenish(sku, place, units)),
        3 => (sku.clone(), place.clone(), 1..5_i64, (0..3_usize, 0..4_usize))
            .prop_map(|(sku, place, units, pile)| Step::Regrade { sku, place, units, pile }),
        1 => (0..COUNTS, sku.clone(), 0..PLACES, 0..9_i64)
            .prop_map(|(id, sku, place, units)| Step::Count { id, sku, place, units }),
        2 => (0..COUNTS).prop_map(Step::ApplyCount),
        1 => (sku.clone(), 0..3_i64, 0..4_i64).prop_map(|(sku, safety, limit)| Step::Update(sku, safety, limit)),
        1 => sku.prop_map(Step::Expire),
        5 => span().prop_map(Step::Wait),
        10 => orders::step().prop_map(Step::Message),
        8 => inbound::step().prop_map(Step::Inbound),
    ]
}

/// A life: steps, some of them repeated, for what is sent twice.
pub(super) fn life() -> impl Strategy<Value = Vec<(Step, bool)>> {
    prop::collection::vec((step(), prop::bool::weighted(0.2)), 1..90)
}

/// A life in the warehouse: much comes in and moves, and a cart now and then takes what is there, or is to come.
pub(super) fn warehouse_life() -> impl Strategy<Value = Vec<(Step, bool)>> {
    let (sku, place) = (0..SKUS, 0..PLACES);
    let cart = (0..RESERVATIONS, prop::collection::vec(asked(), 1..2), any::<bool>());
    let step = prop_oneof![
        5 => (sku, place, 3..9_i64).prop_map(|(sku, place, units)| Step::Replenish(sku, place, units)),
        5 => cart.prop_map(|(id, lines, partial)| Step::Reserve { id, lines, ttl_ms: Some(100), partial, strategy: None }),
        2 => (0..RESERVATIONS).prop_map(Step::Release),
        2 => span().prop_map(Step::Wait),
        20 => inbound::step().prop_map(Step::Inbound),
    ];
    prop::collection::vec((step, prop::bool::weighted(0.1)), 1..70)
}
