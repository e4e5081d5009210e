//! The load generator and judge of Comanda: it knows only HTTP and the contracts, so it cannot cheat.
//!
//! * Calls: [`Client`] sends one at a time over a kept-alive connection; [`Shop`] gives the inventory interface types and
//!   patience.
//! * Load: [`OpenModel`] sends on a schedule and measures latency; [`ClosedLoop`] measures capacity.
//! * Histories: [`Entries`] reads orders from files, [`Retail`] makes them up; [`Replay`] plays them against a server and
//!   [`Shortages`] counts without one.
//! * Orders through both contexts: [`Feed`] follows what becomes of them; [`OrderReplay`], [`OpenOrderLoad`],
//!   [`OrderSaturation`] and [`Chaos`] place them; [`Warehouse`] picks, packs and ships them.
//! * Scenarios: [`FlashSale`], and [`CrashLoad`] for a server that is being killed. The [`Judge`] asks afterwards whether
//!   every promise was kept.

mod books;
mod buyers;
mod call;
mod client;
mod closed_loop;
mod crash;
mod flash_sale;
mod judge;
mod open_model;
mod order;
mod orders;
mod orders_file;
mod pipeline;
mod replay;
mod replay_step;
mod retail;
mod shop;
mod shortages;
mod tally;
mod tls;

pub use call::{Answer, Call, CallError};
pub use client::{CALL_TIMEOUT, Client, come_with};
pub use closed_loop::{ClosedLoop, ClosedReport};
pub use crash::{CrashCounts, CrashLoad, CrashLog, CrashRun};
pub use flash_sale::{FlashSale, FlashSaleReport};
pub use judge::{Case, Check, Expected, Judge, Verdict};
pub use open_model::{CALLS_MAX, OpenModel, OpenReport};
pub use order::{Entry, LINES_MAX, OpenOrders, Order, OrderKind, OrderLine, Product, StockChange};
pub use orders::{
    Chaos, ChaosCounts, ChaosReport, FEED_EVENTS_MAX, Feed, FeedEvent, FeedPage, OpenOrderLoad, OrderLoadReport,
    OrderReplay, OrderReplayReport, OrderSaturation, OrdersCase, SaturationReport, Warehouse, WarehouseReport,
};
pub use orders_file::{Entries, OrdersFileError, read_products};
pub use replay::{Progress, Replay, ReplayError, ReplayReport};
pub use retail::{MadeUpHistory, Retail, RetailProfile};
pub use shop::{Shop, ShopError};
pub use shortages::{ShortLine, Shortages, peak_net_out};
pub use tally::{Latencies, Latency, Outcomes, Tally, problem_code};
pub use tls::speak_tls;
