//! Waves: one with its stops, and the board of all of them with how far each has come.

use cqrs::{Compare, Invalid, Query, QueryError, ReadSide};

use super::page::{Page, PageRequest, page};
use crate::domain::ids::{LocationId, WaveId};
use crate::domain::pick_list::{PickListStatus, PickTask};
use crate::domain::wave::batch::{Stop, stops};
use crate::domain::wave::{ReleasedWave, Wave};
use crate::read_models::pick_lists::{PickListEntry, PickListRow};
use crate::read_models::waves::WaveRow;

/// The most waves of one page of the board: each is put together from up to 200 pick lists.
pub const BOARD_MAX: usize = 20;

/// How far a wave has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Lists of which nothing was picked yet.
    pub released: i64,
    /// Lists that are being picked.
    pub in_progress: i64,
    /// Lists of which nothing is left to do.
    pub completed: i64,
    /// Lists that their orders did not want any more.
    pub cancelled: i64,
    /// Units in all.
    pub quantity: i64,
    /// Units picked.
    pub picked: i64,
    /// Units that were not there.
    pub short: i64,
}

impl Progress {
    fn add(&mut self, entry: &PickListEntry) {
        let Some(work) = entry.work() else { return };
        match work.status {
            PickListStatus::Draft | PickListStatus::Released => self.released += 1,
            PickListStatus::InProgress => self.in_progress += 1,
            PickListStatus::Completed => self.completed += 1,
            PickListStatus::Cancelled => self.cancelled += 1,
        }
        let sum = |count: fn(&PickTask) -> i64| work.tasks.iter().map(count).sum::<i64>();
        self.quantity += sum(|task| task.quantity);
        self.picked += sum(|task| task.picked);
        self.short += sum(|task| task.short);
    }

    /// Where the wave is: RELEASED, IN_PROGRESS, COMPLETED or CANCELLED.
    #[must_use]
    pub fn status(&self) -> PickListStatus {
        match self {
            Self { in_progress: 1.., .. } => PickListStatus::InProgress,
            Self { released: 1.., completed: 1.., .. } => PickListStatus::InProgress,
            Self { released: 1.., .. } => PickListStatus::Released,
            Self { completed: 1.., .. } => PickListStatus::Completed,
            _ => PickListStatus::Cancelled,
        }
    }
}

/// Asks for one wave.
#[derive(Clone, Debug)]
pub struct WaveById {
    /// Its id.
    pub wave_id: WaveId,
}

/// A wave, and what is to be picked.
#[derive(Clone, Debug)]
pub struct FoundWave {
    /// Its id.
    pub wave_id: WaveId,
    /// How it was given to the floor.
    pub released: ReleasedWave,
    /// How far it has come.
    pub progress: Progress,
    /// What is to be picked, in the order of the route.
    pub stops: Vec<Stop>,
}

impl Query for WaveById {
    const NAME: &'static str = "wave-by-id";
    /// None if there is no such wave.
    type Answer = Option<FoundWave>;

    async fn answer(self, read: &ReadSide) -> Result<Option<FoundWave>, QueryError> {
        let (wave, _) = read.state(&Wave::stream(&self.wave_id)).await?;
        let Some(released) = wave.released() else { return Ok(None) };
        let entries = entries(read, released).await?;
        let mut progress = Progress::default();
        entries.iter().for_each(|entry| progress.add(entry));
        let tasks = entries.iter().filter_map(|entry| Some((entry.id.clone(), entry.work()?.tasks)));
        Ok(Some(FoundWave { wave_id: self.wave_id, released: released.clone(), progress, stops: stops(tasks) }))
    }
}

/// Asks for a part of the wave board: the latest wave first.
#[derive(Clone, Debug)]
pub struct ListWaves {
    /// Only those of this location.
    pub location: Option<LocationId>,
    /// Which part: at most 20 waves.
    pub page: PageRequest,
}

impl Query for ListWaves {
    const NAME: &'static str = "list-waves";
    type Answer = Page<(WaveRow, Progress)>;

    fn validate(&self) -> Result<(), Invalid> {
        if self.page.limit > BOARD_MAX { Err(Invalid::field("?limit", "1 to 20")) } else { self.page.check() }
    }

    async fn answer(self, read: &ReadSide) -> Result<Page<(WaveRow, Progress)>, QueryError> {
        let mut select = self.page.select(Some(WaveRow::BY_AGE));
        if let Some(location) = &self.location {
            select = select.with(WaveRow::BY_LOCATION, Compare::Equal, location.as_str());
        }
        let found: Page<WaveRow> = page(read, &select).await?;
        let mut items = Vec::with_capacity(found.items.len());
        for row in found.items {
            let mut progress = Progress::default();
            entries(read, &row.released).await?.iter().for_each(|entry| progress.add(entry));
            items.push((row, progress));
        }
        Ok(Page { items, next: found.next })
    }
}

/// The lists of a wave, at most 200, as the view has them.
async fn entries(read: &ReadSide, released: &ReleasedWave) -> Result<Vec<PickListEntry>, QueryError> {
    let keys: Vec<String> = released.lists.iter().map(ToString::to_string).collect();
    let rows = read.rows::<PickListRow>(&keys).await?;
    let entries = rows.into_iter().flatten().filter_map(|row| match row.as_ref() {
        PickListRow::List(entry) => Some(entry.clone()),
        PickListRow::Order(_) => None,
    });
    Ok(entries.collect())
}
