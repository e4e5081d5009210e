//! What the HTTP edges of all contexts share: problems, bodies, headers, pages, limits and the server itself.
//!
//! A context's handler takes a [`Call`] (what came along in the headers) and a [`Json`] body, collects what is wrong
//! with its fields in [`Fields`], sends a command or query, and answers with [`Reply`] or a [`Problem`]. [`edge`] puts
//! around a router what applies to every request, and [`serve`] runs it on a socket.
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod access;
mod body;
mod call;
mod caller;
mod context_param;
mod context_tokens;
mod correlation;
pub mod dead_letters;
mod edge;
pub mod feed;
mod fields;
mod gate;
mod json;
pub mod kinds;
mod metrics;
pub mod openapi;
mod page;
mod path;
mod preconditions;
mod problem;
pub mod projections;
mod reply;
mod serve;
mod tls;

pub use body::{BODY_BYTES_MAX, BULK_BODY_BYTES_MAX};
pub use call::{CONSISTENCY_TOKEN, Call, IDEMPOTENCY_KEY, IDEMPOTENT_REPLAYED, Inquiry};
pub use caller::{Caller, HoldLimits, Scope, Scopes};
pub use context_param::{ContextPageParams, ContextParam, is_meant};
pub use context_tokens::in_context;
pub use correlation::{TRACEPARENT, X_CORRELATION_ID};
pub use edge::{EdgeLimits, edge, refusing};
pub use fields::Fields;
pub use gate::{Admission, Gate, Guest, Keeper, Refusal, bearer};
pub use json::{Json, Nothing, OptionalJson};
pub use kinds::{Kind, problem_pages};
pub use page::{List, PAGE_ITEMS_DEFAULT, PAGE_ITEMS_MAX, Params, page_limit};
pub use path::PathParam;
pub use preconditions::{composed_etag, content_etag, etag, if_match, is_none_match};
pub use problem::Problem;
pub use reply::Reply;
pub use serve::{ServeLimits, Serves, serve, serve_over};
pub use tls::{NoTls, Tls};
