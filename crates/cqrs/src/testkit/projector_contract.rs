//! What projector and builder promise on every read store: rebuilds beside the live build, and poison that stays local.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::tank::{Draw, Fill, Tank, TankEvent};
use crate::audit::audit_views;
use crate::bus::{CommandBus, Dispatch, command_bus};
use crate::command::Envelope;
use crate::context::Context;
use crate::event::Recorded;
use crate::event_store::{LogReader, Tail};
use crate::executor::{Executor, ExecutorSettings};
use crate::memory::MemoryEventStore;
use crate::projection::{Projection, Rows, Unreadable};
use crate::projector::{Phase, ProjectionDesk, ProjectionDeskError, Projector, Purpose, RebuildStatus, Replayed};
use crate::query::Views;
use crate::read_store::{Build, Model, ModelChange, ReadModel, ReadStore, Role, StoredRow};
use crate::time::SystemClock;

type Store = Arc<dyn ReadStore>;

/// A condition holds by then, or something is wrong.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Clone, Serialize, Deserialize)]
struct Level<const VERSION: u32> {
    litres: i64,
    events: i64,
}

impl<const VERSION: u32> ReadModel for Level<VERSION> {
    const NAME: &'static str = "level";
    const VERSION: u32 = VERSION;
    const INDEXES: &'static [&'static str] = &["litres"];
    const KEYED_BY_STREAM: bool = true;

    fn indexes(&self) -> Vec<crate::read_store::IndexValue> {
        vec![self.litres.into()]
    }
}

/// Cannot apply 13 litres, and panics over 17, while it is picky.
#[derive(Clone, Default)]
struct Levels<const VERSION: u32> {
    picky: Arc<AtomicBool>,
}

impl<const VERSION: u32> Projection for Levels<VERSION> {
    type Row = Level<VERSION>;

    fn fold(&self, event: &Recorded, rows: &mut Rows<Self::Row>) -> Result<(), Unreadable> {
        let Some(happened) = event.as_event_of::<Tank>()? else { return Ok(()) };
        let key = event.stream.id();
        let mut level = rows.get(key).map_or(Level { litres: 0, events: 0 }, |row| (*row).clone());
        level.events += 1;
        let litres = match *happened {
            TankEvent::Filled { litres } | TankEvent::Returned { litres } => litres,
            TankEvent::Drawn { litres } | TankEvent::Lent { litres, .. } => -litres,
        };
        level.litres += litres;
        // Before it refuses: what it has changed by then must not stay.
        rows.put(key, level);
        if self.picky.load(Ordering::SeqCst) {
            assert!(litres != 17, "17 litres");
            if litres == 13 {
                return Err(Unreadable::of(event, &"13 litres"));
            }
        }
        Ok(())
    }
}

fn context<const VERSION: u32>(levels: &Levels<VERSION>) -> Context {
    Context::named("tanks").aggregate::<Tank>().command::<Fill>().command::<Draw>().view(levels.clone())
}

/// A log that commands are decided on, and a tail of it.
struct Site {
    log: MemoryEventStore,
    tail: Tail,
    commands: CommandBus,
}

impl Site {
    fn open() -> Self {
        let (log, tail) = (MemoryEventStore::new(4), Tail::new(8));
        let decided = Arc::new(context(&Levels::<1>::default()));
        let settings = ExecutorSettings::default();
        let (executor, running) =
            Executor::new(decided, Arc::new(log.clone()), Arc::new(SystemClock), tail.clone(), settings);
        tokio::spawn(running.run());
        Self { log, tail, commands: command_bus(executor, PATIENCE) }
    }

    async fn fill(&self, tank: &str, litres: i64) {
        let fill = Fill { tank: tank.into(), litres };
        self.commands.dispatch(Envelope::new(fill)).await.expect("there is room");
    }

    async fn draw(&self, tank: &str, litres: i64) {
        let draw = Draw { tank: tank.into(), litres };
        self.commands.dispatch(Envelope::new(draw)).await.expect("there is enough");
    }

    /// A projector that reads the log alone.
    async fn projector<const VERSION: u32>(&self, store: &Store, levels: &Levels<VERSION>) -> (Projector, Views) {
        self.opened(store, levels, Tail::default()).await
    }

    async fn opened<const VERSION: u32>(
        &self,
        store: &Store,
        levels: &Levels<VERSION>,
        tail: Tail,
    ) -> (Projector, Views) {
        let views = Views::new(4, 100);
        let log: Arc<dyn LogReader> = Arc::new(self.log.clone());
        let opened = Projector::open(&context(levels), log, Arc::clone(store), tail, views.clone()).await;
        (opened.expect("open"), views)
    }

    /// A projector and its builder at work.
    async fn at_work<const VERSION: u32>(&self, store: &Store, levels: &Levels<VERSION>) -> AtWork {
        let (mut projector, views) = self.opened(store, levels, self.tail.clone()).await;
        let (desk, builder) = (projector.desk(), projector.builder().expect("taken once"));
        let (stop_projector, projector_stops) = oneshot::channel::<()>();
        let (stop_builder, builder_stops) = oneshot::channel::<()>();
        let projecting = tokio::spawn(projector.run(async move { drop(projector_stops.await) }));
        let building = tokio::spawn(builder.run(async move { drop(builder_stops.await) }));
        AtWork { desk, views, stops: [stop_builder, stop_projector], works: [building, projecting] }
    }
}

struct AtWork {
    desk: ProjectionDesk,
    views: Views,
    stops: [oneshot::Sender<()>; 2],
    works: [JoinHandle<Result<(), crate::projector::ProjectorError>>; 2],
}

impl AtWork {
    /// The build that was ordered last, once it is over.
    async fn built(&self) -> RebuildStatus {
        let mut last = None;
        let over = tokio::time::timeout(PATIENCE, async {
            loop {
                last = self.desk.read("level").await.expect("it is there").rebuild;
                match &last {
                    Some(RebuildStatus { phase: Phase::Waiting | Phase::Folding | Phase::Comparing, .. }) | None => {}
                    Some(over) => return over.clone(),
                }
                tokio::task::yield_now().await;
            }
        });
        over.await.unwrap_or_else(|_| panic!("the build is not over"))
    }

    async fn rebuilt(&self, compare_only: bool) -> RebuildStatus {
        self.desk.rebuild("level", compare_only).expect("none is under way");
        self.built().await
    }

    /// Returns once the views have read all of `log`.
    async fn caught_up(&self, log: &MemoryEventStore) {
        let heads = log.heads().await.expect("heads");
        let mut token = crate::query::Token::new(log.epoch());
        for (partition, head) in (0..).map(crate::event::PartitionId).zip(heads) {
            token.require(partition, head.position);
        }
        tokio::time::timeout(PATIENCE, self.views.until_read(&token)).await.expect("they read on");
    }

    async fn stop(self) {
        drop(self.stops);
        for work in self.works {
            work.await.expect("no panic").expect("ends well");
        }
    }
}

async fn level(store: &Store, model: Model, tank: &str) -> Option<(i64, i64)> {
    let row = store.get(model, &[tank.into()]).await.expect("get").pop().flatten()?;
    let level: Level<1> = serde_json::from_slice(&row.document).expect("a level");
    Some((level.litres, level.events))
}

fn live<const VERSION: u32>() -> Model {
    Model::of::<Level<VERSION>>()
}

/// A rebuild while events come in: compared at the same place, swapped, and swapped back at will.
pub async fn a_rebuild_is_made_beside_the_live_build_and_swapped_in(store: Store) {
    let (site, levels) = (Site::open(), Levels::<1>::default());
    for _ in 0..40 {
        site.fill("a", 2).await;
        site.fill("b", 1).await;
    }
    let work = site.at_work(&store, &levels).await;
    work.built().await;
    work.caught_up(&site.log).await;
    // A row that the log does not say, as a fold that is mended since may have left it.
    let lie = StoredRow { key: "a".into(), document: br#"{"litres":7,"events":7}"#.to_vec(), indexes: vec![7.into()] };
    let ghost = StoredRow { key: "ghost".into(), ..lie.clone() };
    let change = ModelChange {
        upserts: vec![lie, ghost],
        deletes: vec!["b".into()],
        ..ModelChange::none(live::<1>(), site.log.epoch())
    };
    store.commit(&[change]).await.expect("commit");

    let busy = async {
        for _ in 0..20 {
            site.fill("c", 2).await;
            site.draw("c", 1).await;
        }
    };
    let (compared, ()) = tokio::join!(work.rebuilt(true), busy);
    let Phase::Done { compared: Some(found), swapped: false, .. } = &compared.phase else { panic!("{compared:?}") };
    assert_eq!((found.different, found.only_live, found.only_new), (1, 1, 1), "{found:?}");
    assert_eq!(found.keys, ["a", "b", "ghost"]);
    assert_eq!((compared.purpose, compared.events >= 80), (Purpose::Rebuild { compare_only: true }, true));
    assert_eq!(level(&store, live::<1>(), "a").await, Some((7, 7)), "it was only compared");
    assert_eq!(store.builds(live::<1>()).await.expect("builds").len(), 1, "what was compared is gone");

    let swapped = work.rebuilt(false).await;
    assert!(matches!(swapped.phase, Phase::Done { swapped: true, .. }), "{swapped:?}");
    assert_eq!(level(&store, live::<1>(), "a").await, Some((80, 40)));
    assert_eq!(level(&store, live::<1>(), "ghost").await, None);
    site.fill("c", 9).await;
    site.fill("b", 1).await;
    work.caught_up(&site.log).await;
    assert_eq!(level(&store, live::<1>(), "c").await, Some((29, 41)), "it goes on from the rows that were built");
    assert_eq!(level(&store, live::<1>(), "b").await, Some((41, 41)), "in whichever partition they are");

    work.desk.swap_back("level").expect("the one before is kept");
    assert!(matches!(work.built().await.phase, Phase::Done { swapped: true, .. }));
    assert_eq!(level(&store, live::<1>(), "a").await, Some((7, 7)), "back at the build before");
    assert_eq!(level(&store, live::<1>(), "c").await, Some((29, 41)), "which was brought up to the log first");
    let status = work.desk.read("level").await.expect("it is there");
    assert_eq!((status.live, status.kept, status.behind), (Some(1), Some((1, 2)), 0));
    let unknown = work.desk.rebuild("levels", false);
    assert!(matches!(unknown, Err(ProjectionDeskError::UnknownView { .. })), "{unknown:?}");
    work.stop().await;
}

/// A new version is built in the shadow; the rows of the old one stay as they are, for whoever goes back.
pub async fn a_new_version_is_built_beside_the_old_one(store: Store) {
    let site = Site::open();
    site.fill("a", 2).await;
    let (mut old, _) = site.projector(&store, &Levels::<1>::default()).await;
    old.catch_up().await.expect("catch up");
    site.fill("a", 3).await;

    let (mut new, views) = site.projector(&store, &Levels::<2>::default()).await;
    let desk = new.desk();
    let first = desk.read("level").await.expect("listed");
    assert_eq!((first.version, first.live, first.behind), (2, None, 2));
    assert_eq!(first.rebuild.map(|build| build.purpose), Some(Purpose::First));
    assert_eq!(views.progress(), [0; 4], "nobody reads a build that is not whole");
    assert_eq!(level(&store, live::<2>(), "a").await, None);
    new.catch_up().await.expect("catch up");
    assert_eq!(level(&store, live::<2>(), "a").await, Some((5, 2)));
    assert_eq!(level(&store, live::<1>(), "a").await, Some((2, 1)), "the old version is as it was left");
    let back = desk.read("level").await.expect("listed");
    assert_eq!((back.live, back.kept), (Some(1), Some((1, 1))));
    let refused = new.rebuild_now("level", Purpose::SwapBack).await;
    assert!(matches!(refused, Err(ProjectionDeskError::NothingKept { .. })), "{refused:?}");

    let (mut old, _) = site.projector(&store, &Levels::<1>::default()).await;
    assert_eq!(old.catch_up().await.expect("catch up"), 1, "it goes on where it stopped");
    assert_eq!(level(&store, live::<1>(), "a").await, Some((5, 2)));
}

/// What a stop interrupts: a first build goes on, another one is dropped and told.
pub async fn a_build_that_was_interrupted_goes_on_or_is_dropped(store: Store) {
    let (site, levels) = (Site::open(), Levels::<1>::default());
    site.fill("a", 2).await;
    site.fill("a", 2).await;
    // An earlier process has made a part of the first build: one event of two, and a row that shows it.
    let begun = store.begin(live::<1>(), site.log.epoch()).await.expect("begin");
    let row =
        StoredRow { key: "a".into(), document: br#"{"litres":50,"events":1}"#.to_vec(), indexes: vec![50.into()] };
    let partition = crate::event::PartitionId::of("a", 4);
    let part = ModelChange {
        upserts: vec![row],
        checkpoints: vec![(partition, 1)],
        ..ModelChange::none(begun, site.log.epoch())
    };
    store.commit(&[part]).await.expect("commit");
    let (mut projector, _) = site.projector(&store, &levels).await;
    assert_eq!(projector.catch_up().await.expect("catch up"), 1, "only what was missing");
    assert_eq!(level(&store, live::<1>(), "a").await, Some((52, 2)), "it went on where it stood");

    store.begin(live::<1>(), site.log.epoch()).await.expect("begin");
    let (projector, _) = site.projector(&store, &levels).await;
    let told = projector.desk().read("level").await.expect("listed").rebuild.map(|build| build.phase);
    assert_eq!(told, Some(Phase::Dropped));
    let builds = store.builds(live::<1>()).await.expect("builds");
    assert_eq!(builds.iter().map(|build| build.role).collect::<Vec<_>>(), [Role::Live]);
}

/// An event that cannot be applied parks its stream; the rest flows, and the stream is replayed in order once it can be.
pub async fn a_poisoned_stream_waits_and_the_rest_flows(store: Store) {
    let (site, levels) = (Site::open(), Levels::<1>::default());
    levels.picky.store(true, Ordering::SeqCst);
    let (mut projector, views) = site.projector(&store, &levels).await;
    site.fill("a", 2).await;
    site.fill("b", 1).await;
    projector.catch_up().await.expect("catch up");
    for (tank, litres) in [("b", 13), ("c", 17), ("a", 3), ("b", 2), ("b", 13), ("c", 1)] {
        site.fill(tank, litres).await;
    }
    projector.catch_up().await.expect("poison does not stop it");
    assert_eq!(level(&store, live::<1>(), "a").await, Some((5, 2)), "others flow");
    assert_eq!(level(&store, live::<1>(), "b").await, Some((1, 1)), "as it was before the event");
    assert_eq!(level(&store, live::<1>(), "c").await, None);
    assert!(views.progress().iter().sum::<u64>() == 8, "the view reads on");
    let parked = store.parked(live::<1>()).await.expect("parked");
    let seen: Vec<_> = parked.iter().map(|p| (p.stream.as_str(), p.version, p.waiting, p.cause.as_str())).collect();
    let panicked = "the fold panicked: 17 litres";
    assert_eq!(seen, [("tank/b", 2, 3, "13 litres"), ("tank/c", 1, 2, panicked)]);
    let mut found = Vec::new();
    let audited = audit_views(&context(&levels), &site.log, store.as_ref(), &mut found).await.expect("audit");
    assert_eq!(found, [], "what waits is no lie");
    assert_eq!(audited.parked.iter().map(|(view, _)| *view).collect::<Vec<_>>(), ["level", "level"]);

    // After a restart they still wait, and later events queue behind them.
    drop(projector);
    site.fill("b", 4).await;
    let work = site.at_work(&store, &levels).await;
    work.caught_up(&site.log).await;
    assert_eq!(work.desk.parked("level").expect("listed").iter().map(|p| p.waiting).collect::<Vec<_>>(), [4, 2]);
    let stuck = work.desk.replay("level", "tank/b").await.expect("it is tried");
    assert!(
        matches!(&stuck, Replayed::Stuck { events: 0, parked } if parked.version == 2 && parked.waiting == 4),
        "{stuck:?}"
    );

    levels.picky.store(false, Ordering::SeqCst);
    assert_eq!(work.desk.replay("level", "tank/b").await.expect("it is tried"), Replayed::Whole { events: 4 });
    assert_eq!(level(&store, live::<1>(), "b").await, Some((33, 5)));
    assert_eq!(work.desk.parked("level").expect("listed").len(), 1);
    let again = work.desk.replay("level", "tank/b").await;
    assert!(matches!(again, Err(ProjectionDeskError::NotParked { .. })), "{again:?}");
    // A build of its own has nothing parked once every event can be applied.
    assert!(matches!(work.rebuilt(false).await.phase, Phase::Done { compared: Some(c), .. } if c.keys == ["c"]));
    assert!(work.desk.parked("level").expect("listed").is_empty());
    assert!(store.parked(live::<1>()).await.expect("parked").is_empty());
    assert_eq!(level(&store, live::<1>(), "c").await, Some((18, 2)));
    assert_eq!(live::<1>().build, Build::Live);
    work.stop().await;
}

/// A replay that meets another event it cannot apply keeps what it has applied, and waits from there.
pub async fn a_replay_stops_at_the_next_poison(store: Store) {
    let (site, levels) = (Site::open(), Levels::<1>::default());
    levels.picky.store(true, Ordering::SeqCst);
    for litres in [13, 1, 17, 2] {
        site.fill("b", litres).await;
    }
    let work = site.at_work(&store, &levels).await;
    work.built().await;
    work.caught_up(&site.log).await;
    // The first event is mended: here, in what the store says of where the stream waits.
    let parked = work.desk.parked("level").expect("listed").as_ref().clone();
    work.stop().await;
    let moved = parked.into_iter().map(|p| crate::read_store::ParkedStream {
        version: 2,
        position: p.position + 1,
        waiting: 3,
        ..p
    });
    let change = ModelChange { parked: moved.collect(), ..ModelChange::none(live::<1>(), site.log.epoch()) };
    store.commit(&[change]).await.expect("commit");
    let work = site.at_work(&store, &levels).await;
    let stuck = work.desk.replay("level", "tank/b").await.expect("it is tried");
    let Replayed::Stuck { events: 1, parked } = stuck else { panic!("{stuck:?}") };
    assert_eq!((parked.version, parked.waiting), (3, 2));
    assert_eq!(level(&store, live::<1>(), "b").await, Some((1, 1)));
    work.stop().await;
}
