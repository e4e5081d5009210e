//! What the projector does beside following the log: takes a build over, compares, swaps, and replays what is parked.

use std::sync::Arc;

use super::builder::Builder;
use super::control::{Control, ReplayAnswer};
use super::desk::{self, ProjectionDeskError};
use super::following::{Folded, Following, Replayed};
use super::rebuild::{Phase, Purpose, Rebuild, RebuildStatus};
use super::{COMPARED_KEYS_MAX, Projector, ProjectorError, Shadow, opening};
use crate::event::{Recorded, StreamName};
use crate::event_store::StoreError;
use crate::query::View;
use crate::read_store::{Compared, Model, ModelChange, ReadStore};

impl Projector {
    /// Makes a new build of the view `name` itself and swaps it in, or swaps back: where no builder and no server runs. What
    /// becomes of it is told as it goes on, to whoever asks the desk.
    ///
    /// # Errors
    /// [`ProjectionDeskError`]
    pub async fn rebuild_now(&mut self, name: &str, purpose: Purpose) -> Result<RebuildStatus, ProjectionDeskError> {
        self.catch_up().await?;
        let desk = self.desk();
        let name = desk.read(name).await?.name;
        let rebuild = Rebuild::new(purpose, Phase::Waiting);
        let mark = |view: &mut View| desk::may_begin(view, purpose).map(|()| view.rebuild = Some(rebuild.clone()));
        self.views.change(name, mark).unwrap_or(Err(ProjectionDeskError::NobodyThere))?;
        let builder = self.builder.take().ok_or(ProjectionDeskError::NobodyThere)?;
        let made = self.make(&builder, name, &rebuild).await;
        self.builder = Some(builder);
        made?;
        Ok(rebuild.status())
    }

    async fn make(&mut self, builder: &Builder, name: &str, rebuild: &Rebuild) -> Result<(), ProjectorError> {
        let Some(model) = self.live.iter().find(|live| live.model.name == name).map(|live| live.model) else {
            return Ok(());
        };
        let mut following = builder.start(model, rebuild).await?;
        let shadow = following.model;
        match builder.fold(&mut following, rebuild).await {
            Ok(_) => {}
            Err(ProjectorError::Store(why)) => return Err(why.into()),
            Err(why) => return Ok(give_up(self.store.as_ref(), shadow, rebuild, &why).await?),
        }
        self.shadows.push(Shadow { following, rebuild: rebuild.clone(), done: None });
        self.follow().await?;
        if !rebuild.is_under_way() {
            return Ok(());
        }
        rebuild.compares();
        let compared = self.store.compare(model, shadow, COMPARED_KEYS_MAX).await?;
        self.decide(model.name, compared).await
    }

    /// Does what it was told.
    pub(super) async fn obey(&mut self, told: Control) -> Result<(), ProjectorError> {
        match told {
            Control::Adopt { following, rebuild, done } if rebuild.purpose() == Purpose::First => {
                self.adopt_first(following, &rebuild).await?;
                let _whoever_asked_may_be_gone = done.send(());
            }
            Control::Adopt { following, rebuild, done } => {
                self.shadows.push(Shadow { following, rebuild, done: Some(done) });
                self.greet_level();
            }
            Control::Decide { name, compared, done } => {
                self.decide(name, compared).await?;
                let _whoever_asked_may_be_gone = done.send(());
            }
            // Whoever asked may have gone; the replay stands.
            Control::Replay { name, stream, done } => drop(done.send(self.replay(name, &stream).await?)),
        }
        Ok(())
    }

    /// The first build of a view is whole: queries read it from now on.
    pub(super) async fn adopt_first(&mut self, following: Following, rebuild: &Rebuild) -> Result<(), ProjectorError> {
        let parked = following.parked.len();
        self.put_live(following).await?;
        rebuild.ends(Phase::Done { compared: None, swapped: true, parked });
        Ok(())
    }

    /// Swaps the adopted build of the view `name` in, or drops it.
    async fn decide(&mut self, name: &str, compared: Option<Compared>) -> Result<(), ProjectorError> {
        let Some(place) = self.shadows.iter().position(|shadow| shadow.following.model.name == name) else {
            return Ok(());
        };
        let Shadow { following, rebuild, .. } = self.shadows.remove(place);
        let swapped = rebuild.purpose() != Purpose::Rebuild { compare_only: true };
        let parked = following.parked.len();
        if swapped {
            self.put_live(following).await?;
        } else {
            self.store.discard(following.model).await?;
        }
        let differences = compared.as_ref().map(Compared::differences);
        tracing::info!(view = name, swapped, differences, "a build was compared with the live one");
        rebuild.ends(Phase::Done { compared, swapped, parked });
        Ok(())
    }

    /// Makes `following` what queries read of its view.
    async fn put_live(&mut self, following: Following) -> Result<(), ProjectorError> {
        let model = following.model;
        self.views.begin_commit(&[(model.name, following.read.clone())]);
        let swapped = self.store.swap(model).await;
        if swapped.is_ok() {
            self.views.forget_rows();
            match self.live.iter_mut().find(|live| live.model.name == model.name) {
                Some(live) => *live = following,
                None => self.live.push(following),
            }
        }
        self.end_commit();
        swapped?;
        self.tell(model.name).await?;
        Ok(())
    }

    /// Tells queries and operators which build of `name` is live now, and what is parked in it.
    async fn tell(&self, name: &str) -> Result<(), StoreError> {
        let Some(live) = self.live.iter().find(|live| live.model.name == name) else { return Ok(()) };
        opening::tell(&self.views, live, self.store.as_ref()).await
    }

    async fn replay(&mut self, name: &str, stream: &StreamName) -> Result<ReplayAnswer, ProjectorError> {
        let Some(place) = self.live.iter().position(|live| live.model.name == name) else { return Ok(Ok(None)) };
        let mut events = 0;
        loop {
            let Some(live) = self.live.get_mut(place) else { return Ok(Ok(None)) };
            let part = live.replay(stream, self.store.as_ref(), self.log.as_ref()).await;
            let (change, replay) = match part {
                Ok(Some(part)) => part,
                Ok(None) => return Ok(Ok(None)),
                Err(why @ ProjectorError::Restless { .. }) => return Ok(Err(why)),
                Err(why) => return Err(why),
            };
            self.views.begin_commit(&[]);
            let committed = self.store.commit(&[change]).await;
            if committed.is_ok() {
                live.fold.committed(Some(&self.views));
                live.replayed(&replay);
            }
            let parked = Arc::new(live.parked.values().cloned().collect());
            self.views.change(live.model.name, |view| view.parked = parked);
            self.end_commit();
            committed?;
            events += replay.applied;
            match replay.left {
                None => return Ok(Ok(Some(Replayed::Whole { events }))),
                Some(parked) if replay.stuck => return Ok(Ok(Some(Replayed::Stuck { events, parked }))),
                Some(_) => {}
            }
        }
    }

    /// Tells whoever waits for it that a build stands where the live one does.
    pub(super) fn greet_level(&mut self) {
        for shadow in &mut self.shadows {
            let level =
                |live: &Following| live.model.name == shadow.following.model.name && live.read == shadow.following.read;
            if self.live.iter().any(level)
                && let Some(done) = shadow.done.take()
            {
                let _whoever_asked_may_be_gone = done.send(());
            }
        }
    }

    /// Folds `events` into the builds that are not live. One that cannot go on is given up, and the live ones do.
    pub(super) async fn fold_shadows(
        &mut self,
        events: &[&Recorded],
        batches: &mut Vec<Folded>,
        changes: &mut Vec<ModelChange>,
    ) -> Result<(), ProjectorError> {
        for mut shadow in std::mem::take(&mut self.shadows) {
            match shadow.following.fold(events, self.store.as_ref()).await {
                Ok(folded) => {
                    changes.push(shadow.following.change(&folded, self.log.epoch())?);
                    batches.push(folded);
                    self.shadows.push(shadow);
                }
                Err(ProjectorError::Store(why)) => return Err(why.into()),
                Err(why) => give_up(self.store.as_ref(), shadow.following.model, &shadow.rebuild, &why).await?,
            }
        }
        Ok(())
    }
}

/// Drops a build that cannot be made, unless it was live before, and tells why.
pub(super) async fn give_up(
    store: &dyn ReadStore,
    model: Model,
    rebuild: &Rebuild,
    why: &ProjectorError,
) -> Result<(), StoreError> {
    tracing::error!(view = %model, %why, "a build was given up; the live one goes on");
    if rebuild.purpose() != Purpose::SwapBack {
        store.discard(model).await?;
    }
    rebuild.ends(Phase::Failed { cause: why.to_string() });
    Ok(())
}
