//! Streams by name: what is stored behind the writer is found at every moment.

use cqrs::{EventStore, LogReader, PartitionId, StreamName, Version};
use rusqlite::Connection;

use crate::support::{batch, open};

/// The versions of `stream` after `after`, at most three.
async fn versions(log: &impl LogReader, stream: &StreamName, after: Version) -> Vec<Version> {
    let read = log.read_streams(&[(stream.clone(), after)], 3).await.expect("read");
    read[0].iter().map(|event| event.version).collect()
}

fn thing(position: u64) -> StreamName {
    StreamName::new("thing", &format!("0-{position}"))
}

#[tokio::test]
async fn more_streams_than_are_noted_in_memory_are_found_while_they_are_stored_and_afterwards() {
    const EACH: u64 = 2_000;
    const BATCHES: u64 = 100;
    let dir = tempfile::tempdir().expect("a folder");
    let folder = open(dir.path());
    let (store, log) = (folder.event_store(), folder.log_reader());
    let stored = || -> u64 {
        let file = Connection::open(dir.path().join("streams.db")).expect("streams.db");
        file.query_row("SELECT sum(streams) FROM runs", [], |row| row.get::<_, i64>(0)).expect("a sum").unsigned_abs()
    };
    for n in 1..=BATCHES {
        store.append(&batch(&store.heads().await.expect("heads"), 0, EACH)).await.expect("append");
        for position in [1, n * EACH / 2, n * EACH] {
            assert_eq!(versions(&log, &thing(position), 0).await, [1], "{position} of {}", n * EACH);
        }
        assert!(versions(&log, &thing(n * EACH + 1), 0).await.is_empty());
    }
    assert!((1..BATCHES * EACH).contains(&stored()), "{} are stored while the folder is open", stored());
    drop((store, log, folder));
    assert_eq!(stored(), BATCHES * EACH, "a good end stores the rest");
    let folder = open(dir.path());
    for position in (1..=BATCHES * EACH).step_by(997) {
        assert_eq!(versions(&folder.log_reader(), &thing(position), 0).await, [1], "{position}");
    }
}

/// A tool that an operator has open on the file must not stop the shop: what is noted waits, within its bound.
#[tokio::test]
async fn a_file_that_another_program_has_locked_is_stored_later() {
    const EACH: u64 = 2_000;
    const BATCHES: u64 = 95;
    let dir = tempfile::tempdir().expect("a folder");
    let folder = open(dir.path());
    let store = folder.event_store();
    let tool = Connection::open(dir.path().join("streams.db")).expect("streams.db");
    tool.execute_batch("BEGIN IMMEDIATE").expect("the lock");
    // Enough for the first note to be tried, and not enough to have to wait for it.
    for _ in 0..BATCHES {
        store.append(&batch(&store.heads().await.expect("heads"), 0, EACH)).await.expect("append");
    }
    assert_eq!(versions(&folder.log_reader(), &thing(1), 0).await, [1]);
    tool.execute_batch("ROLLBACK").expect("the tool ends");
    for _ in 0..BATCHES {
        store.append(&batch(&store.heads().await.expect("heads"), 0, EACH)).await.expect("append");
    }
    drop((store, folder));
    let stored: i64 = tool.query_row("SELECT sum(streams) FROM runs", [], |row| row.get(0)).expect("a sum");
    assert_eq!(stored.unsigned_abs(), 2 * BATCHES * EACH);
}

#[tokio::test]
async fn a_long_stream_is_read_from_its_middle_whether_its_milestones_are_stored_or_not() {
    let dir = tempfile::tempdir().expect("a folder");
    let long = StreamName::new("long", "one");
    let folder = open(dir.path());
    for round in 0..2 {
        let store = folder.event_store();
        let mut events = batch(&store.heads().await.expect("heads"), 2, 700);
        for (version, event) in (round * 700 + 1..).zip(&mut events.events) {
            (event.stream, event.version) = (long.clone(), version);
        }
        store.append(&events).await.expect("append");
    }
    let reads_everywhere = async |log: &dyn LogReader| {
        for after in [0, 1, 255, 256, 257, 700, 1_396] {
            let read = log.read_streams(&[(long.clone(), after)], 3).await.expect("read");
            assert_eq!(
                read[0].iter().map(|event| event.version).collect::<Vec<_>>(),
                [after + 1, after + 2, after + 3]
            );
            let back = log.read_stream_back(&long, after + 4, 2).await.expect("read");
            assert_eq!(back.iter().map(|event| event.version).collect::<Vec<_>>(), [after + 3, after + 2]);
        }
    };
    reads_everywhere(&folder.log_reader()).await;
    drop(folder);
    let folder = open(dir.path());
    reads_everywhere(&folder.log_reader()).await;
    assert_eq!(folder.log_reader().heads().await.expect("heads")[2].position, 1_400);
    assert!(folder.log_reader().read_partition(PartitionId(2), 1_400, 1).await.expect("read").is_empty());
}
