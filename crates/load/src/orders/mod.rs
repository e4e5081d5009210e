//! Orders through both contexts: followed in the feed, replayed, offered as load, placed while servers die, and sent out.

mod calls;
mod chaos;
mod chaos_judge;
mod chaos_worker;
mod feed;
mod open;
mod replay;
mod saturate;
mod sent;
mod warehouse;
mod warehouse_calls;
mod warehouse_day;
mod watch;

pub use chaos::{Chaos, ChaosCounts, ChaosReport};
pub use chaos_judge::OrdersCase;
pub use feed::{FEED_EVENTS_MAX, Feed, FeedEvent, FeedPage};
pub use open::{OpenOrderLoad, OrderLoadReport};
pub use replay::{OrderReplay, OrderReplayReport};
pub use saturate::{OrderSaturation, SaturationReport};
pub use warehouse::{Warehouse, WarehouseReport};
