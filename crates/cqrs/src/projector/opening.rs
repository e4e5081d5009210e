//! How a projector is opened: which builds of each view there are, which one goes on, and which is to be made first.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::mpsc;

use super::builder::Job;
use super::fold::AnyProjection;
use super::following::Following;
use super::rebuild::{Phase, Purpose, Rebuild};
use super::{Builder, CONTROLS_MAX, Projector};
use crate::context::Context;
use crate::event_store::{Head, LogReader, StoreError, Tail};
use crate::query::Views;
use crate::read_store::{Build, BuildInfo, Model, ReadStore, Role};

use std::time::Duration;

pub(super) async fn open(
    context: &Context,
    log: Arc<dyn LogReader>,
    store: Arc<dyn ReadStore>,
    tail: Tail,
    views: Views,
) -> Result<Projector, StoreError> {
    let heads = log.heads().await?;
    let (mut live, mut first) = (Vec::new(), VecDeque::new());
    for projection in context.projections() {
        let opening =
            Opening { projection: projection.as_ref(), log: log.as_ref(), store: store.as_ref(), heads: &heads };
        match opening.open(&views).await? {
            (following, None) => {
                tell(&views, &following, store.as_ref()).await?;
                live.push(following);
            }
            (following, Some(rebuild)) => first.push_back(Job { following, rebuild }),
        }
    }
    let (orders, ordered) = mpsc::channel(context.projections().len().max(1));
    let (told, control) = mpsc::channel(CONTROLS_MAX);
    let builder = Builder {
        projections: context.projections().to_vec(),
        log: Arc::clone(&log),
        store: Arc::clone(&store),
        first,
        orders: ordered,
        projector: told.clone(),
    };
    let keyed = context.projections().iter().filter(|projection| projection.keyed_by_stream());
    let keyed = keyed.map(|projection| projection.model().name).collect();
    let (builder, last_commit) = (Some(builder), Duration::ZERO);
    let (context, shadows) = (context.name(), Vec::new());
    let projector = Projector {
        context,
        live,
        shadows,
        builder,
        log,
        store,
        tail,
        views,
        orders,
        control,
        told,
        keyed,
        tail_next: 0,
        last_commit,
    };
    projector.end_commit();
    Ok(projector)
}

/// One view that is opened.
struct Opening<'a> {
    projection: &'a dyn AnyProjection,
    log: &'a dyn LogReader,
    store: &'a dyn ReadStore,
    heads: &'a [Head],
}

impl Opening<'_> {
    /// The build to go on with; with what is to be told of it if it is not live yet.
    async fn open(&self, views: &Views) -> Result<(Following, Option<Rebuild>), StoreError> {
        let model = self.projection.model();
        let builds = self.store.builds(model).await?;
        let ours = |build: &&BuildInfo| build.version == model.version;
        let usable = |build: &&BuildInfo| build.epoch == self.log.epoch() && build.indexes == model.indexes;
        let mut live = builds.iter().filter(ours).find(|build| build.role == Role::Live);
        if let Some(stale) = live.filter(|build| !usable(build)) {
            self.store.discard(model.in_build(stale.number)).await?;
            live = None;
        }
        let empty = self.heads.iter().all(|head| head.position == 0);
        if live.is_none() && empty {
            self.store.prepare(model, self.log.epoch()).await?;
        }
        let begun = builds.iter().filter(ours).filter(usable).find(|build| build.role == Role::Shadow);
        let begun = begun.filter(|_| live.is_none() && !empty);
        let mut dropped = false;
        for shadow in builds.iter().filter(|build| build.role == Role::Shadow && Some(*build) != begun) {
            tracing::warn!(view = %model, build = shadow.number, "a build that was not whole at the last stop is dropped");
            self.store.discard(Model { version: shadow.version, ..model.in_build(shadow.number) }).await?;
            dropped |= shadow.version == model.version;
        }
        if live.is_some() || empty {
            let number = match live {
                Some(live) => Some(live.number),
                None => {
                    self.store.builds(model).await?.iter().filter(ours).find(|b| b.role == Role::Live).map(|b| b.number)
                }
            };
            let build = number.map_or(model, |number| model.in_build(number));
            let purpose = Purpose::Rebuild { compare_only: false };
            let told = dropped.then(|| Rebuild::new(purpose, Phase::Dropped));
            views.change(model.name, |view| (view.version, view.rebuild) = (model.version, told));
            return Ok((self.follow(build).await?, None));
        }
        let build = match begun {
            Some(begun) => model.in_build(begun.number),
            None => self.store.begin(model, self.log.epoch()).await?,
        };
        tracing::info!(view = %build, "has no build of this version yet; it is made from the log, and queries wait for it");
        let rebuild = Rebuild::new(Purpose::First, Phase::Waiting);
        rebuild.came(0, self.heads.iter().map(|head| head.position).sum());
        views.change(model.name, |view| (view.version, view.rebuild) = (model.version, Some(rebuild.clone())));
        Ok((self.follow(build).await?, Some(rebuild)))
    }

    async fn follow(&self, model: Model) -> Result<Following, StoreError> {
        Following::open(self.projection, model, self.store, self.log, self.heads).await
    }
}

/// Tells queries and operators which build `live` is, which was there before it, and what is parked in it.
pub(super) async fn tell(views: &Views, live: &Following, store: &dyn ReadStore) -> Result<(), StoreError> {
    let Model { name, version, build, .. } = live.model;
    let builds = store.builds(live.model).await?;
    let kept = builds.iter().find(|build| build.version == version && build.role == Role::Kept);
    let older = || builds.iter().rfind(|build| build.version < version && build.role == Role::Live);
    let kept = kept.or_else(older).map(|build| (build.version, build.number));
    let parked = Arc::new(live.parked.values().cloned().collect());
    let number = match build {
        Build::Number(number) => Some(number),
        Build::Live => None,
    };
    views.change(name, |view| {
        (view.version, view.live, view.kept) = (version, number, kept);
        view.parked = parked;
        view.read.clone_from(&live.read);
    });
    Ok(())
}
