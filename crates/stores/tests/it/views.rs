//! The views on disk: kept over a restart, read off the worker, written only as declared.

use cqrs::{
    Build, Epoch, IndexValue, LogReader, Model, ModelChange, PartitionId, ReadStore, Select, StoreError, StoredRow,
    ViewReader,
};

use crate::support::open;

const SHELF: Model = Model { name: "shelf", version: 1, indexes: &["room"], build: Build::Live };

fn change(epoch: Epoch, keys: &[&str], position: u64) -> ModelChange {
    let row = |key: &&str| StoredRow {
        key: (*key).to_owned(),
        document: b"{}".to_vec(),
        indexes: vec![IndexValue::Text(format!("room of {key}"))],
    };
    let upserts = keys.iter().map(row).collect();
    ModelChange { upserts, checkpoints: vec![(PartitionId(1), position)], ..ModelChange::none(SHELF, epoch) }
}

async fn keys(reader: &dyn ViewReader, select: &Select) -> Vec<String> {
    reader.select(SHELF, select).await.expect("select").into_iter().map(|row| row.key).collect()
}

#[tokio::test]
async fn rows_and_checkpoints_outlive_a_restart() {
    let dir = tempfile::tempdir().expect("a folder");
    let folder = open(dir.path());
    let epoch = folder.log_reader().epoch();
    let store = folder.read_store();
    store.prepare(SHELF, epoch).await.expect("prepare");
    store.commit(&[change(epoch, &["b", "a"], 7)]).await.expect("commit");
    drop((folder, store));

    let folder = open(dir.path());
    folder.read_store().prepare(SHELF, epoch).await.expect("prepare");
    let reader = folder.view_reader();
    assert_eq!(keys(&reader, &Select::first(10)).await, ["a", "b"]);
    assert_eq!(reader.checkpoints(SHELF).await.expect("checkpoints"), [(PartitionId(1), 7)]);
    let found = reader.get(SHELF, &["c".into(), "b".into()]).await.expect("get");
    assert_eq!(found, [None, Some(change(epoch, &["b"], 7).upserts[0].clone())]);
}

#[tokio::test]
async fn other_indexes_under_the_same_version_build_the_rows_anew() {
    let dir = tempfile::tempdir().expect("a folder");
    let folder = open(dir.path());
    let (epoch, store) = (folder.log_reader().epoch(), folder.read_store());
    store.prepare(SHELF, epoch).await.expect("prepare");
    store.commit(&[change(epoch, &["a"], 7)]).await.expect("commit");
    let other = Model { indexes: &["room", "books"], ..SHELF };
    store.prepare(other, epoch).await.expect("prepare");
    assert!(store.select(other, &Select { order: Some(1), ..Select::first(10) }).await.expect("select").is_empty());
    assert!(store.checkpoints(other).await.expect("checkpoints").is_empty());
}

#[tokio::test]
async fn hostile_values_are_only_values() {
    let dir = tempfile::tempdir().expect("a folder");
    let folder = open(dir.path());
    let (epoch, store) = (folder.log_reader().epoch(), folder.read_store());
    store.prepare(SHELF, epoch).await.expect("prepare");
    let hostile = "a' OR 1=1; DROP TABLE m_shelf_v1; --\0end";
    store.commit(&[change(epoch, &[hostile, "b"], 1)]).await.expect("commit");
    let first = Select { key_prefix: Some("a' OR".into()), ..Select::first(10) };
    assert_eq!(keys(&*store, &first).await, [hostile]);
    let room = IndexValue::Text(format!("room of {hostile}"));
    let equal = Select { order: Some(0), ..Select::first(10).with(0, cqrs::Compare::Equal, room.clone()) };
    assert_eq!(keys(&*store, &equal).await, [hostile]);
    let after = Select { order: Some(0), after: Some((room, hostile.into())), ..Select::first(10) };
    assert_eq!(keys(&*store, &after).await, ["b"]);
}

#[tokio::test]
async fn a_row_that_is_not_as_declared_is_refused_as_a_whole() {
    let dir = tempfile::tempdir().expect("a folder");
    let folder = open(dir.path());
    let (epoch, store) = (folder.log_reader().epoch(), folder.read_store());
    store.prepare(SHELF, epoch).await.expect("prepare");
    let mut odd = change(epoch, &["a", "b"], 3);
    odd.upserts[1].indexes.clear();
    assert!(matches!(store.commit(&[odd]).await, Err(StoreError::Broken(cause)) if cause.contains("\"b\"")));
    assert_eq!(keys(&*store, &Select::first(10)).await, [""; 0]);
    let strange = Model { name: "shelf; --", ..SHELF };
    assert!(store.prepare(strange, epoch).await.is_err());
    let absent = Select { order: Some(9), ..Select::first(1) };
    assert!(store.select(SHELF, &absent).await.is_err());
}
