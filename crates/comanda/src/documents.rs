//! The descriptions of the interface: OpenAPI of what can be asked, AsyncAPI of what is told.

use std::io::{ErrorKind, Write};
use std::process::ExitCode;

use comanda_contracts::catalogue;
use comanda_fulfillment::api as fulfillment;
use comanda_inventory::api as inventory;
use comanda_web::{Kind, dead_letters, feed, projections};
use miette::{IntoDiagnostic, Result};
use utoipa::openapi::OpenApi;

use crate::compose::hooks as webhooks;
use crate::{gateway, tenants, tokens};

/// Every problem that can be answered, each once.
pub(crate) fn kinds() -> Vec<&'static Kind> {
    let mut kinds: Vec<&'static Kind> = Vec::new();
    let own = [comanda_web::kinds::ALL, inventory::problems::ALL, fulfillment::problems::ALL, webhooks::PROBLEM_KINDS];
    let shared = [gateway::ALL, dead_letters::ALL, projections::ALL, tenants::ALL, tokens::ALL];
    for kind in own.into_iter().chain(shared).flatten() {
        if !kinds.iter().any(|known| known.code == kind.code) {
            kinds.push(kind);
        }
    }
    kinds
}

/// The paths that each context answers for its own: events, webhooks, dead letters and projections.
pub(crate) fn shared_paths() -> Vec<String> {
    let own = [feed::openapi(), webhooks::openapi(), dead_letters::openapi(), projections::openapi()];
    own.into_iter().flat_map(paths).collect()
}

/// The paths of a description, as routes write them.
pub(crate) fn paths(api: OpenApi) -> Vec<String> {
    api.paths.paths.into_keys().collect()
}

/// The description of every route, of all contexts.
pub(crate) fn openapi() -> Result<String> {
    let mut api = inventory::openapi();
    let shared = [webhooks::openapi(), feed::openapi(), dead_letters::openapi(), projections::openapi()];
    for other in std::iter::once(fulfillment::openapi()).chain(shared) {
        api.merge(other);
    }
    comanda_web::openapi::complete(&mut api, &kinds());
    api.to_pretty_json().into_diagnostic()
}

/// The description of every contract event, of all contexts.
pub(crate) fn asyncapi() -> Result<String> {
    serde_json::to_string_pretty(&catalogue::asyncapi()).into_diagnostic()
}

/// Prints one of them.
pub(crate) fn print(document: Result<String>) -> Result<ExitCode> {
    match writeln!(std::io::stdout(), "{}", document?) {
        // Whoever reads has seen enough: `comanda openapi | head`.
        Err(cause) if cause.kind() != ErrorKind::BrokenPipe => Err(cause).into_diagnostic(),
        _ => Ok(ExitCode::SUCCESS),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_has_one_owner() {
        let mut all = paths(inventory::openapi());
        all.extend(paths(fulfillment::openapi()));
        all.extend(shared_paths());
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count, "{all:?}");
    }
}
