//! The descriptions of the interface: OpenAPI of what can be asked, AsyncAPI of what is told.

use std::process::ExitCode;

use axum::routing::MethodFilter;
use comanda_contracts::catalogue;
use comanda_fulfillment::api as fulfillment;
use comanda_inventory::api as inventory;
use comanda_web::{Kind, dead_letters, feed, projections};
use miette::{IntoDiagnostic, Result};
use utoipa::openapi::{ObjectBuilder, OpenApi, PathItem, RefOr, Required, Type};

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

/// The paths that each context answers for its own (events, webhooks, dead letters and projections), and their methods.
pub(crate) fn shared_paths() -> Vec<(String, MethodFilter)> {
    shared()
        .into_iter()
        .flat_map(|api| api.paths.paths)
        .filter_map(|(path, item)| Some((path, methods(&item)?)))
        .collect()
}

fn shared() -> [OpenApi; 4] {
    [feed::openapi(), webhooks::openapi(), dead_letters::openapi(), projections::openapi()]
}

fn methods(item: &PathItem) -> Option<MethodFilter> {
    let all = [
        (&item.get, MethodFilter::GET),
        (&item.post, MethodFilter::POST),
        (&item.put, MethodFilter::PUT),
        (&item.patch, MethodFilter::PATCH),
        (&item.delete, MethodFilter::DELETE),
    ];
    all.into_iter().filter_map(|(operation, method)| operation.as_ref().map(|_| method)).reduce(MethodFilter::or)
}

/// The paths of a description, as routes write them.
pub(crate) fn paths(api: OpenApi) -> Vec<String> {
    api.paths.paths.into_keys().collect()
}

/// The description of every route, of all contexts.
pub(crate) fn openapi() -> Result<String> {
    let mut api = inventory::openapi();
    for mut other in shared() {
        name_contexts(&mut other);
        api.merge(other);
    }
    api.merge(fulfillment::openapi());
    comanda_web::openapi::complete(&mut api, &kinds());
    api.to_pretty_json().into_diagnostic()
}

/// Where one address serves both contexts, it must be said whose events, webhooks, dead letters and projections are meant.
fn name_contexts(api: &mut OpenApi) {
    let items = api.paths.paths.values_mut();
    let operations =
        items.flat_map(|item| [&mut item.get, &mut item.post, &mut item.put, &mut item.patch, &mut item.delete]);
    for parameter in operations.flatten().filter_map(|operation| operation.parameters.as_mut()).flatten() {
        if let RefOr::T(parameter) = parameter
            && parameter.name == "context"
        {
            parameter.required = Required::True;
            let names = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(["inventory", "fulfillment"]));
            parameter.schema = Some(names.into());
        }
    }
}

/// The description of every contract event, of all contexts.
pub(crate) fn asyncapi() -> Result<String> {
    serde_json::to_string_pretty(&catalogue::asyncapi()).into_diagnostic()
}

/// Prints one of them.
pub(crate) fn print(document: Result<String>) -> Result<ExitCode> {
    say!("{}", document?)?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_has_one_owner() {
        let mut all = paths(inventory::openapi());
        all.extend(paths(fulfillment::openapi()));
        all.extend(shared_paths().into_iter().map(|(path, _)| path));
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count, "{all:?}");
    }
}
