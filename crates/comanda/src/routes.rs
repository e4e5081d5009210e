//! Every route of this process: its contexts', those they share, the gateway's and the operators'.

use std::sync::Arc;

use axum::Router;
use comanda_fulfillment::api as fulfillment;
use comanda_inventory::api as inventory;
use comanda_web::{dead_letters, feed, in_context, problem_pages, projections, refusing};
use cqrs::DeadLetterDesk;
use tokio::sync::watch;

use crate::by_context;
use crate::compose::{Running, hooks as webhooks};
use crate::documents::{self, kinds, shared_paths};
use crate::gateway::{self, Gateway, Peer, pass_on};
use crate::ops::{self, Ops};
use crate::platform::Platform;
use crate::viewer;

/// Where the contexts are that do not run here, if this process is their gateway.
#[derive(Clone, Default)]
pub(crate) struct Elsewhere {
    pub(crate) inventory: Option<Peer>,
    pub(crate) fulfillment: Option<Peer>,
}

impl Elsewhere {
    /// Each with its name and the paths it answers for.
    fn parts(&self) -> impl Iterator<Item = (&'static str, &Peer, Vec<String>)> {
        let inventory = self.inventory.iter().map(|peer| ("inventory", peer, documents::paths(inventory::openapi())));
        let fulfillment = self.fulfillment.iter();
        inventory.chain(fulfillment.map(|peer| ("fulfillment", peer, documents::paths(fulfillment::openapi()))))
    }
}

/// All routes of `platform`, and the operators' with `ops`. Long polls end once `stopping` is dropped.
pub(crate) fn router(
    platform: &Platform,
    elsewhere: &Elsewhere,
    ops: Option<Ops>,
    stopping: &watch::Receiver<()>,
) -> Router {
    let operators = ops.map(|ops| ops::router(ops).merge(viewer::router())).unwrap_or_default();
    let mut router = operators.merge(problem_pages(kinds()));
    let mut shared: Vec<_> = platform
        .running()
        .zip(&platform.webhooks)
        .map(|(running, hooks)| {
            let name = running.context.name();
            let events = feed::router(vec![running.feed()], stopping.clone());
            let (commands, queries) = (running.commands.clone(), running.queries.clone());
            let desk = DeadLetterDesk::new(Arc::clone(&running.context), commands, queries);
            let asked = webhooks::router(Arc::clone(hooks)).merge(dead_letters::router(desk));
            let asked = asked.merge(projections::router(running.projections.clone()));
            (name, refusing(events.merge(in_context(asked, name))))
        })
        .collect();
    for (name, peer, paths) in elsewhere.parts() {
        router = router.merge(pass_on::these(peer.clone(), &paths, stopping.clone()));
        shared.push((name, pass_on::all(peer.clone(), stopping.clone())));
    }
    // With one context alone its routes are merged as they are, and what they refuse is the whole server's matter.
    Contexts::of(platform).around(elsewhere, router.merge(by_context::router(&shared_paths(), shared)))
}

/// The routes of the contexts that run here.
struct Contexts {
    inventory: Option<Router>,
    /// Whole, and without what the gateway puts together.
    fulfillment: Option<(Router, Router)>,
}

impl Contexts {
    fn of(platform: &Platform) -> Self {
        let buses = |running: &Running| (running.commands.clone(), running.queries.clone());
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
                with(router, behind).merge(gateway::composed(Gateway { inventory, fulfillment }))
            }
            _ => with(router, whole),
        }
    }
}
