//! What the tests share: batches with the right places, and children that work on a folder.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use comanda_stores::sqlite::{SqliteFolder, SqliteOptions};
use cqrs::{Append, BatchId, Head, Metadata, PartitionId, Payload, Recorded, StreamName, Timestamp};

pub(crate) fn open(dir: &Path) -> SqliteFolder {
    SqliteFolder::open(dir, &SqliteOptions::default()).expect("the folder opens")
}

/// A batch of `events` fresh streams in partition `partition`, after `heads`.
pub(crate) fn batch(heads: &[Head], partition: u16, events: u64) -> Append {
    let id = BatchId::generate();
    let before = heads[usize::from(partition)].position;
    let metadata = Arc::new(Metadata { command: "test".into(), ..Metadata::default() });
    let event = |position| Recorded {
        partition: PartitionId(partition),
        position,
        stream: StreamName::new("thing", &format!("{partition}-{position}")),
        version: 1,
        at: Timestamp::from_millis(1_000),
        batch: id,
        metadata: Arc::clone(&metadata),
        payload: Payload::stored(format!(r#"{{"text":"{}"}}"#, "x".repeat(200)).into()),
    };
    let events = (before + 1..=before + events).map(event).collect();
    Append { id, expected: vec![(PartitionId(partition), before)], events, claims: Vec::new() }
}

/// This test program again, to do `job` in `dir`: see `child`.
pub(crate) fn child(dir: &Path, job: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this program has a path"));
    command.args(CHILD).env("STORES_CHILD_DIR", dir).env("STORES_CHILD_JOB", job);
    command
}

/// The arguments that pick the child's test.
pub(crate) const CHILD: [&str; 3] = ["child::does_its_job", "--exact", "--nocapture"];
