//! The read store in memory.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::Mutex;

use crate::event::{Epoch, PartitionId, Position};
use crate::event_store::StoreError;
use crate::read_store::{Compare, Condition, IndexValue, Model, ModelChange, ReadStore, Select, StoredRow, ViewReader};

/// Read models that live as long as their process. Cloning it gives another handle to the same rows.
#[derive(Clone, Default)]
pub struct MemoryReadStore(Arc<Mutex<HashMap<Model, Table>>>);

#[derive(Default)]
struct Table {
    epoch: Option<Epoch>,
    rows: BTreeMap<String, StoredRow>,
    checkpoints: BTreeMap<PartitionId, Position>,
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
        let tables = self.0.lock().await;
        let table = tables.get(&model);
        Ok(keys.iter().map(|key| table.and_then(|table| table.rows.get(key).cloned())).collect())
    }

    async fn select(&self, model: Model, select: &Select) -> Result<Vec<StoredRow>, StoreError> {
        let tables = self.0.lock().await;
        let mut rows: Vec<&StoredRow> = tables.get(&model).into_iter().flat_map(|table| table.rows.values()).collect();
        rows.retain(|row| select.conditions.iter().all(|condition| meets(row, condition)));
        rows.retain(|row| select.key_prefix.as_ref().is_none_or(|prefix| row.key.starts_with(prefix.as_str())));
        rows.retain(|row| select.after.as_ref().is_none_or(|after| place(row, select) > *after));
        rows.sort_by_cached_key(|row| place(row, select));
        Ok(rows.into_iter().take(select.limit).cloned().collect())
    }

    async fn checkpoints(&self, model: Model) -> Result<Vec<(PartitionId, Position)>, StoreError> {
        let tables = self.0.lock().await;
        Ok(tables.get(&model).into_iter().flat_map(|table| table.checkpoints.clone()).collect())
    }
}

#[async_trait]
impl ReadStore for MemoryReadStore {
    async fn prepare(&self, model: Model, epoch: Epoch) -> Result<(), StoreError> {
        let mut tables = self.0.lock().await;
        let table = tables.entry(model).or_default();
        if table.epoch != Some(epoch) {
            *table = Table { epoch: Some(epoch), ..Table::default() };
        }
        Ok(())
    }

    async fn commit(&self, changes: &[ModelChange]) -> Result<(), StoreError> {
        let mut tables = self.0.lock().await;
        if let Some(change) =
            changes.iter().find(|change| tables.get(&change.model).and_then(|t| t.epoch) != Some(change.epoch))
        {
            return Err(StoreError::Broken(format!("{} was not prepared for this log", change.model)));
        }
        for change in changes {
            let table = tables.entry(change.model).or_default();
            for row in &change.upserts {
                table.rows.insert(row.key.clone(), row.clone());
            }
            for key in &change.deletes {
                table.rows.remove(key);
            }
            table.checkpoints.extend(change.checkpoints.iter().copied());
        }
        Ok(())
    }

    async fn clear(&self, model: Model) -> Result<(), StoreError> {
        if let Some(table) = self.0.lock().await.get_mut(&model) {
            *table = Table { epoch: table.epoch, ..Table::default() };
        }
        Ok(())
    }
}
