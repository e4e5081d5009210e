//! Orders through both contexts: followed in the feed, replayed, offered as load, and placed while servers die.

mod calls;
mod chaos;
mod chaos_judge;
mod feed;
mod open;
mod replay;
mod saturate;
mod sent;
mod watch;

pub use chaos::{Chaos, ChaosCounts, ChaosReport};
pub use chaos_judge::OrdersCase;
pub use feed::{FEED_EVENTS_MAX, Feed, FeedEvent, FeedPage};
pub use open::{OpenOrderLoad, OrderLoadReport};
pub use replay::{OrderReplay, OrderReplayReport};
pub use saturate::{OrderSaturation, SaturationReport};
