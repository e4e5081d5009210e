//! API keys: made, listed, rotated and revoked on the command line; looked up by a running server, which watches their file.

mod commands;
mod file;
mod lifetime;
mod rate;
mod record;
mod secret;
mod table;

pub(crate) use commands::{Command, run};
pub(crate) use rate::{Rates, per_second};
pub(crate) use record::{DEFAULT_TENANT, tenant_name};
pub(crate) use table::{Keys, Known, Place};
