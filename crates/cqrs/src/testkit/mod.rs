//! For tests: given/when/then for decisions, and the contract suites that every store must pass.

mod given;

pub use given::{Given, When};
