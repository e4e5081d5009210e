//! Every route of this process: its contexts', those they share, the gateway's and the operators'.

use std::sync::Arc;

use axum::Router;
use comanda_fulfillment::api as fulfillment;
use comanda_inventory::api as inventory;
use comanda_web::{Kind, dead_letters, feed, in_context, problem_pages};
use cqrs::{DeadLetterDesk, Feed};
use miette::{IntoDiagnostic, Result};
use tokio::sync::watch;
use utoipa::openapi::OpenApi;

use crate::by_context;
use crate::compose::hooks as webhooks;
use crate::gateway::{self, Gateway, Peer};
use crate::ops::{self, Ops};
use crate::platform::Platform;

/// The paths of webhooks, which each context has for itself.
const WEBHOOK_PATHS: &[&str] = &["/v1/webhooks", "/v1/webhooks/{*rest}"];

/// The paths of dead letters, which each context has for itself.
const DEAD_LETTER_PATHS: &[&str] = &["/v1/dead-letters", "/v1/dead-letters:retry", "/v1/dead-letters/{*rest}"];

/// Where the contexts are that do not run here.
#[derive(Clone, Default)]
pub(crate) struct Elsewhere {
    pub(crate) inventory: Option<Peer>,
    pub(crate) fulfillment: Option<Peer>,
}

/// All routes of `platform`. Long polls end once `stopping` is dropped.
pub(crate) fn router(platform: &Platform, elsewhere: &Elsewhere, ops: Ops, stopping: watch::Receiver<()>) -> Router {
    let contexts = Contexts::of(platform);
    let feeds: Vec<Arc<dyn Feed>> = platform.running().map(crate::compose::Running::feed).collect();
    let hooks = platform.webhooks.iter().map(|hooks| {
        let name = if hooks.context() == "inventory" { "inventory" } else { "fulfillment" };
        (name, in_context(webhooks::router(Arc::clone(hooks)), name))
    });
    let letters = platform.running().map(|running| {
        let (context, commands, queries) = (running.context.clone(), running.commands.clone(), running.queries.clone());
        let name = context.name();
        (name, in_context(dead_letters::router(DeadLetterDesk::new(context, commands, queries)), name))
    });
    let mut router = ops::router(ops).merge(problem_pages(kinds()));
    if !feeds.is_empty() {
        router = router.merge(feed::router(feeds, stopping));
        router = router.merge(by_context::router(WEBHOOK_PATHS, hooks.collect()));
        router = router.merge(by_context::router(DEAD_LETTER_PATHS, letters.collect()));
    }
    contexts.around(elsewhere, router)
}

/// The routes of the contexts that run here.
struct Contexts {
    inventory: Option<Router>,
    /// Whole, and without what the gateway puts together.
    fulfillment: Option<(Router, Router)>,
}

impl Contexts {
    fn of(platform: &Platform) -> Self {
        let buses = |running: &crate::compose::Running| (running.commands.clone(), running.queries.clone());
        let inventory = platform.inventory.as_ref().map(buses).map(|(commands, queries)| {
            in_context(inventory::router(inventory::ApiState { commands, queries }), "inventory")
        });
        let fulfillment = platform.fulfillment.as_ref().map(buses).map(|(commands, queries)| {
            let state = fulfillment::ApiState { commands, queries };
            let behind = in_context(fulfillment::router_behind_gateway(state.clone()), "fulfillment");
            (in_context(fulfillment::router(state), "fulfillment"), behind)
        });
        Self { inventory, fulfillment }
    }

    /// `shared` and the routes of the contexts; with a gateway where both can be reached.
    fn around(self, elsewhere: &Elsewhere, shared: Router) -> Router {
        let with = |router: Router, context: Option<Router>| router.merge(context.unwrap_or_default());
        let (whole, behind) = self.fulfillment.unzip();
        let peer = |here: &Option<Router>, there: &Option<Peer>| here.clone().map(Peer::Here).or_else(|| there.clone());
        let inventory = peer(&self.inventory, &elsewhere.inventory);
        let fulfillment = peer(&whole, &elsewhere.fulfillment);
        let router = with(shared, self.inventory);
        match (inventory, fulfillment) {
            (Some(inventory), Some(fulfillment)) => {
                gateway::around(Gateway { inventory, fulfillment }, with(router, behind))
            }
            _ => with(router, whole),
        }
    }
}

fn kinds() -> Vec<&'static Kind> {
    let mut kinds: Vec<&'static Kind> = Vec::new();
    let own = [comanda_web::kinds::ALL, inventory::problems::ALL, fulfillment::problems::ALL, webhooks::PROBLEM_KINDS];
    for kind in own.into_iter().chain([gateway::ALL, dead_letters::ALL]).flatten() {
        if !kinds.iter().any(|known| known.code == kind.code) {
            kinds.push(kind);
        }
    }
    kinds
}

/// The description of every route, of all contexts.
pub(crate) fn openapi() -> OpenApi {
    let mut api = inventory::openapi();
    for other in [fulfillment::openapi(), webhooks::openapi(), feed::openapi(), dead_letters::openapi()] {
        api.merge(other);
    }
    comanda_web::openapi::complete(&mut api, &kinds());
    api
}

/// The description as it is served and printed.
pub(crate) fn openapi_text() -> Result<String> {
    openapi().to_pretty_json().into_diagnostic()
}
