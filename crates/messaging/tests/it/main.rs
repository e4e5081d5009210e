//! Feeds and webhooks over real sockets.
#![allow(clippy::unwrap_used, clippy::panic)]

mod house;
mod http_feed;
mod receiver;
mod shapes;
mod wait;
mod webhooks;
