//! Tokens of an issuer: which ones count, whose data they open, and what becomes of them when the issuer's keys change or it is
//! away.

mod callers;
mod counting;
mod issuer;
mod keys;
mod options;
mod refused;
mod signer;
mod taken;

pub(crate) use issuer::{Issuer, served};
