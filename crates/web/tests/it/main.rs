//! The edge and the server, seen from outside.
#![allow(clippy::unwrap_used, clippy::panic)]

mod dead_letters;
mod edge;
mod feed;
mod serve;
