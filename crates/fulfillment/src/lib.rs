//! The Fulfillment context: orders from placed to delivered and returned, and why any of them waits.
//!
//! [`context`] is its table of contents. `domain` has the rules, one command per file; `read_models` the views;
//! `application` the questions, one query per file; `api` their shapes over HTTP. `publish.rs` says what others are told,
//! `react.rs` what others' contract events mean here: only these two know both languages.
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod application;
pub mod domain;
pub mod publish;
pub mod react;

use domain::backlog::Backlog;
use domain::order::{Order, cancel::CancelOrder, hold::PutOnHold, place::PlaceOrder, release_hold::ReleaseHold};

/// All that Fulfillment consists of.
#[must_use]
pub fn context() -> cqrs::Context {
    cqrs::Context::named("fulfillment")
        // What it remembers.
        .aggregate::<Order>()
        .aggregate::<Backlog>()
        // What can be asked of it.
        .command::<PlaceOrder>()
        .command::<CancelOrder>()
        .command::<PutOnHold>()
        .command::<ReleaseHold>()
        // What it hears from others, and what it tells them.
        .reacts::<react::Stock>()
        .publishes(publish::publish)
}
