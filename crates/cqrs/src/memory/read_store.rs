//! The read store in memory.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::{Mutex, MutexGuard};

use crate::event::{Epoch, PartitionId, Position, StreamName};
use crate::event_store::StoreError;
use crate::read_store::{
    Build, BuildInfo, Compare, Compared, Condition, IndexValue, Model, ModelChange, ParkedStream, ReadStore, Role,
    Select, StoredRow, ViewReader,
};

/// Read models that live as long as their process. Cloning it gives another handle to the same rows.
#[derive(Clone, Default)]
pub struct MemoryReadStore(Arc<Mutex<Tables>>);

/// The builds of every model, by name.
#[derive(Default)]
struct Tables(HashMap<&'static str, Vec<Table>>);

/// One build.
struct Table {
    info: BuildInfo,
    rows: BTreeMap<String, StoredRow>,
    checkpoints: BTreeMap<PartitionId, Position>,
    parked: BTreeMap<StreamName, ParkedStream>,
}

impl Table {
    fn is(&self, model: Model) -> bool {
        self.info.version == model.version
            && match model.build {
                Build::Live => self.info.role == Role::Live,
                Build::Number(number) => self.info.number == number,
            }
    }

    fn clear(&mut self) {
        self.rows.clear();
        self.checkpoints.clear();
        self.parked.clear();
    }
}

impl Tables {
    fn get(&self, model: Model) -> Option<&Table> {
        self.0.get(model.name).into_iter().flatten().find(|table| table.is(model))
    }

    fn find(&self, model: Model) -> Result<&Table, StoreError> {
        self.get(model).ok_or_else(|| not_there(model))
    }

    fn find_mut(&mut self, model: Model) -> Result<&mut Table, StoreError> {
        let found = self.0.get_mut(model.name).into_iter().flatten().find(|table| table.is(model));
        found.ok_or_else(|| not_there(model))
    }

    /// Adds an empty build; returns its number.
    fn add(&mut self, model: Model, epoch: Epoch, role: Role) -> u32 {
        let tables = self.0.entry(model.name).or_default();
        let same_version = tables.iter().filter(|table| table.info.version == model.version);
        let number = same_version.map(|table| table.info.number).max().unwrap_or(0) + 1;
        let indexes = model.indexes.iter().map(ToString::to_string).collect();
        let info = BuildInfo { version: model.version, number, epoch, indexes, role };
        let (rows, checkpoints, parked) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        tables.push(Table { info, rows, checkpoints, parked });
        number
    }

    /// The build that queries read until now: the live one of this version, else of the newest before it.
    fn before(&self, model: Model, number: u32) -> Option<(u32, u32)> {
        let builds = self.0.get(model.name).into_iter().flatten().map(|table| &table.info);
        let live = builds.filter(|build| build.role == Role::Live && build.version <= model.version);
        live.map(|build| (build.version, build.number)).filter(|place| *place != (model.version, number)).max()
    }

    fn discard(&mut self, model: Model) {
        if let Some(tables) = self.0.get_mut(model.name) {
            tables.retain(|table| !table.is(model));
        }
    }
}

impl MemoryReadStore {
    async fn tables(&self) -> MutexGuard<'_, Tables> {
        self.0.lock().await
    }
}

fn not_there(model: Model) -> StoreError {
    StoreError::Broken(format!("{model} is not there: a fault of the caller"))
}

fn meets(row: &StoredRow, condition: &Condition) -> bool {
    row.indexes.get(condition.index).is_some_and(|value| match condition.compare {
        Compare::Equal => *value == condition.value,
        // As in SQL, nothing is neither more nor less than a value.
        Compare::AtMost => *value != IndexValue::Null && *value <= condition.value,
        Compare::AtLeast => *value != IndexValue::Null && *value >= condition.value,
    })
}

/// A row's place in the order of `select`.
fn place(row: &StoredRow, select: &Select) -> (IndexValue, String) {
    let value = select.order.and_then(|index| row.indexes.get(index).cloned());
    (value.unwrap_or(IndexValue::Null), row.key.clone())
}

#[async_trait]
impl ViewReader for MemoryReadStore {
    async fn get(&self, model: Model, keys: &[String]) -> Result<Vec<Option<StoredRow>>, StoreError> {
        let tables = self.tables().await;
        let table = tables.get(model);
        Ok(keys.iter().map(|key| table.and_then(|table| table.rows.get(key).cloned())).collect())
    }

    async fn select(&self, model: Model, select: &Select) -> Result<Vec<StoredRow>, StoreError> {
        let tables = self.tables().await;
        let mut rows: Vec<&StoredRow> = tables.get(model).into_iter().flat_map(|table| table.rows.values()).collect();
        rows.retain(|row| select.conditions.iter().all(|condition| meets(row, condition)));
        rows.retain(|row| select.key_prefix.as_ref().is_none_or(|prefix| row.key.starts_with(prefix.as_str())));
        rows.retain(|row| select.after.as_ref().is_none_or(|after| place(row, select) > *after));
        rows.sort_by_cached_key(|row| place(row, select));
        Ok(rows.into_iter().take(select.limit).cloned().collect())
    }

    async fn checkpoints(&self, model: Model) -> Result<Vec<(PartitionId, Position)>, StoreError> {
        Ok(self.tables().await.get(model).into_iter().flat_map(|table| table.checkpoints.clone()).collect())
    }

    async fn parked(&self, model: Model) -> Result<Vec<ParkedStream>, StoreError> {
        Ok(self.tables().await.get(model).into_iter().flat_map(|table| table.parked.values().cloned()).collect())
    }

    async fn builds(&self, model: Model) -> Result<Vec<BuildInfo>, StoreError> {
        let tables = self.tables().await;
        let mut builds: Vec<_> = tables.0.get(model.name).into_iter().flatten().map(|t| t.info.clone()).collect();
        builds.sort_by_key(|build| (build.version, build.number));
        Ok(builds)
    }
}

#[async_trait]
impl ReadStore for MemoryReadStore {
    async fn prepare(&self, model: Model, epoch: Epoch) -> Result<(), StoreError> {
        let mut tables = self.tables().await;
        let usable = |table: &Table| table.info.epoch == epoch && table.info.indexes == model.indexes;
        if !tables.get(model).is_some_and(usable) {
            tables.discard(model);
            tables.add(model, epoch, Role::Live);
        }
        Ok(())
    }

    async fn commit(&self, changes: &[ModelChange]) -> Result<(), StoreError> {
        let mut tables = self.tables().await;
        let prepared = |change: &ModelChange| tables.get(change.model).is_some_and(|t| t.info.epoch == change.epoch);
        if let Some(change) = changes.iter().find(|change| !prepared(change)) {
            return Err(StoreError::Broken(format!("{} was not prepared for this log", change.model)));
        }
        for change in changes {
            let table = tables.find_mut(change.model)?;
            for row in &change.upserts {
                table.rows.insert(row.key.clone(), row.clone());
            }
            for key in &change.deletes {
                table.rows.remove(key);
            }
            table.checkpoints.extend(change.checkpoints.iter().copied());
            table.parked.extend(change.parked.iter().map(|parked| (parked.stream.clone(), parked.clone())));
            for stream in &change.released {
                table.parked.remove(stream);
            }
        }
        Ok(())
    }

    async fn clear(&self, model: Model) -> Result<(), StoreError> {
        if let Ok(table) = self.tables().await.find_mut(model) {
            table.clear();
        }
        Ok(())
    }

    async fn begin(&self, model: Model, epoch: Epoch) -> Result<Model, StoreError> {
        Ok(model.in_build(self.tables().await.add(model, epoch, Role::Shadow)))
    }

    async fn finish(&self, model: Model) -> Result<(), StoreError> {
        self.tables().await.find(model).map(drop)
    }

    async fn compare(&self, with: Model, other: Model, keys_max: usize) -> Result<Option<Compared>, StoreError> {
        let tables = self.tables().await;
        let (live, new) = (tables.find(with)?, tables.find(other)?);
        if live.checkpoints != new.checkpoints {
            return Ok(None);
        }
        let keys: BTreeSet<&String> = live.rows.keys().chain(new.rows.keys()).collect();
        let mut compared = Compared::default();
        for key in keys {
            compared.see(key, live.rows.get(key), new.rows.get(key), keys_max);
        }
        Ok(Some(compared))
    }

    async fn swap(&self, model: Model) -> Result<(), StoreError> {
        let mut tables = self.tables().await;
        let number = tables.find(model)?.info.number;
        let before = tables.before(model, number);
        let Some(builds) = tables.0.get_mut(model.name) else { return Ok(()) };
        builds.retain_mut(|table| {
            let place = (table.info.version, table.info.number);
            if place == (model.version, number) {
                table.info.role = Role::Live;
            } else if Some(place) == before {
                // What another version reads stays live for a process of that version.
                if table.info.version == model.version {
                    table.info.role = Role::Kept;
                }
            } else {
                return table.info.role == Role::Shadow || table.info.version > model.version;
            }
            true
        });
        Ok(())
    }

    async fn discard(&self, model: Model) -> Result<(), StoreError> {
        self.tables().await.discard(model);
        Ok(())
    }
}
