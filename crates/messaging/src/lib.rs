//! How contract events leave the process: the feed of another process over HTTP, and webhooks.
//!
//! [`HttpFeed`] reads what another process publishes, behind the library's port [`cqrs::Feed`]. [`webhooks`] tells
//! addresses outside of what a context publishes. Neither knows which contexts there are.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod http;
mod http_feed;
pub mod webhooks;

pub use http::told;
pub use http_feed::{HttpFeed, HttpFeedWaits, NoFeedThere};
