//! A model check of the order process: every state that two contexts, their messages, time and people can bring about.
//!
//! `cargo run -p comanda --example order_model` explores them all, prints how many there are, and fails if a claim does.
#![allow(clippy::expect_used, reason = "a model tells what it found by panicking")]

mod claims;
mod deliver;
mod lane;
mod scenario;
mod step;
mod world;

use std::process::ExitCode;
use std::time::Instant;

use comanda_fulfillment::domain::order::Policy;
use stateright::{Checker, HasDiscoveries, Model, Property};

use crate::claims::{ALARM, NO_LEAK, NOT_SOLD_TWICE, ONCE};
use crate::scenario::{Fault, Scenario};
use crate::step::Step;
use crate::world::World;

/// The most threads that explore at once.
const THREADS_MAX: usize = 4;

impl Model for Scenario {
    type State = World;
    type Action = Step;

    fn init_states(&self) -> Vec<World> {
        vec![self.start()]
    }

    fn actions(&self, world: &World, steps: &mut Vec<Step>) {
        steps.extend(self.steps(world));
    }

    fn next_state(&self, world: &World, step: Step) -> Option<World> {
        self.after(world, step)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        claims::claims(self)
    }
}

fn main() -> ExitCode {
    let only = std::env::args().nth(1).unwrap_or_default();
    let mut sound = true;
    for scenario in Scenario::all().into_iter().filter(|scenario| scenario.to_string().contains(&only)) {
        sound &= check(scenario);
    }
    for (fault, claims) in [
        (Fault::NoDedupe, [NO_LEAK, ONCE].as_slice()),
        (Fault::NoGiveBack, &[NO_LEAK]),
        (Fault::NoAlarm, &[ALARM]),
        (Fault::Overpromises, &[NOT_SOLD_TWICE]),
    ] {
        sound &= control(fault, claims);
    }
    if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).min(THREADS_MAX)
}

/// Explores every state of a scenario; says how many there are, and what is wrong.
fn check(scenario: Scenario) -> bool {
    let started = Instant::now();
    let checker = scenario.checker().threads(threads()).spawn_bfs().join();
    let found = checker.discoveries();
    let mut sound = true;
    for claim in scenario.properties() {
        let discovered = found.get(claim.name);
        let failed = discovered.is_some() == claim.expectation.discovery_is_failure();
        if failed {
            sound = false;
            println!("FAILED: {}", claim.name);
            if let Some(path) = discovered {
                println!("  by {:?}\n  in {:?}", path.clone().into_actions(), path.last_state());
            }
        }
    }
    println!(
        "model {scenario}: {} states, {} steps, depth {}, {:.1} s",
        checker.unique_state_count(),
        checker.state_count(),
        checker.max_depth(),
        started.elapsed().as_secs_f64(),
    );
    sound
}

/// Explores a scenario with a guard taken away: one of `claims` must fail.
fn control(fault: Fault, claims: &[&'static str]) -> bool {
    let scenario = Scenario::two_skus(Policy::ShipAvailable).with(fault);
    let started = Instant::now();
    let any = HasDiscoveries::AnyOf(claims.iter().copied().collect());
    let checker = scenario.checker().threads(threads()).finish_when(any).spawn_bfs().join();
    let found = checker.discoveries();
    let caught: Vec<_> = claims.iter().filter_map(|claim| Some((claim, found.get(claim)?))).collect();
    for (claim, path) in &caught {
        let steps = (*path).clone().into_actions();
        println!("control {fault:?}: caught, `{claim}` fails after {} steps: {steps:?}", steps.len());
    }
    if caught.is_empty() {
        println!("FAILED: control {fault:?} was not caught in {} states", checker.unique_state_count());
    }
    println!("  {} states, {:.1} s", checker.unique_state_count(), started.elapsed().as_secs_f64());
    !caught.is_empty()
}
