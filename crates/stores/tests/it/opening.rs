//! Opening a folder: what is refused, and what each refusal says.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;

use comanda_stores::sqlite::{OpenError, SqliteFolder, SqliteOptions};
use cqrs::{AppendError, EventStore, LogReader, PartitionId, Snapshot, StreamName};
use rusqlite::Connection;

use crate::support::{batch, child, open};

fn refusal(dir: &Path) -> OpenError {
    SqliteFolder::open(dir, &SqliteOptions::default()).err().expect("the folder is refused")
}

/// Changes a file by hand, as no program of ours would.
fn tamper(dir: &Path, file: &str, sql: &str) {
    Connection::open(dir.join(file)).expect(file).execute_batch(sql).expect(sql);
}

/// Leaves a log with 20 events in partition 3.
async fn filled(dir: &Path) {
    let store = open(dir).event_store();
    for _ in 0..2 {
        store.append(&batch(&store.heads().await.expect("heads"), 3, 10)).await.expect("append");
    }
}

#[test]
fn a_second_process_is_refused_until_the_first_ends() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut holder = child(dir.path(), "hold").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a child");
    let mut lines = BufReader::new(holder.stdout.take().expect("its output")).lines();
    assert!(lines.any(|line| line.expect("a line").ends_with("holding")));
    let refused = refusal(dir.path());
    assert!(matches!(refused, OpenError::InUse { .. }));
    let expected = format!("another process uses {}; stop it or choose another --data", dir.path().display());
    assert_eq!(refused.to_string(), expected);
    drop(holder.stdin.take());
    assert!(holder.wait().expect("it ends").success());
    open(dir.path());
}

#[tokio::test]
async fn the_folder_is_held_as_long_as_one_of_its_stores_lives() {
    let dir = tempfile::tempdir().expect("a folder");
    let reader = open(dir.path()).view_reader();
    assert!(matches!(refusal(dir.path()), OpenError::InUse { .. }));
    drop(reader);
    open(dir.path());
}

#[tokio::test]
async fn what_was_appended_is_there_after_opening_again_and_the_stored_partitions_win() {
    let dir = tempfile::tempdir().expect("a folder");
    let few = SqliteOptions { partitions: 4, ..SqliteOptions::default() };
    let epoch = SqliteFolder::open(dir.path(), &few).expect("opens").log_reader().epoch();
    filled(dir.path()).await;
    let folder = open(dir.path());
    let log = folder.log_reader();
    assert_eq!((log.partitions(), log.epoch()), (4, epoch));
    assert_eq!(log.heads().await.expect("heads")[3].position, 20);
    assert_eq!(log.read_partition(PartitionId(3), 5, 100).await.expect("read").len(), 15);
}

#[tokio::test]
async fn a_gap_and_a_lost_end_are_refused_with_their_place() {
    for (file, sql, expected) in [
        ("log.db", "DELETE FROM events WHERE place & 0xffff = 7", "after position 6 comes 8"),
        (
            "log.db",
            "DELETE FROM events WHERE place & 0xffff > 18",
            "at position 20 without a gap, but after position 18",
        ),
        ("streams.db", "UPDATE read_up_to SET position = 21 WHERE partition = 3", "after position 20 comes nothing"),
    ] {
        let dir = tempfile::tempdir().expect("a folder");
        filled(dir.path()).await;
        tamper(dir.path(), file, sql);
        let refused = refusal(dir.path());
        assert!(matches!(refused, OpenError::Tail { partition: 3, .. }), "{sql}: {refused}");
        assert!(refused.to_string().contains(expected), "{sql}: {refused}");
    }
}

/// The streams that can be asked for by name, as `filled` leaves them, and one that does not exist.
async fn found_by_name(log: &impl LogReader) -> Vec<usize> {
    let asked: Vec<_> = (1..=21).map(|n| (StreamName::new("thing", &format!("3-{n}")), 0)).collect();
    log.read_streams(&asked, 10).await.expect("read").iter().map(Vec::len).collect()
}

#[tokio::test]
async fn where_streams_end_is_read_from_the_log_if_the_file_is_lost_or_behind_or_of_another_log() {
    let all = [vec![1; 20], vec![0]].concat();
    let dir = tempfile::tempdir().expect("a folder");
    filled(dir.path()).await;
    assert_eq!(found_by_name(&open(dir.path()).log_reader()).await, all);
    for sql in [
        "DELETE FROM runs; DELETE FROM read_up_to",
        "UPDATE source SET epoch = zeroblob(16); UPDATE the_run SET streams = x'00'",
    ] {
        let file = Connection::open(dir.path().join("streams.db")).expect("streams.db");
        let run: i64 = file.query_row("SELECT id FROM runs", [], |row| row.get(0)).expect("a run");
        tamper(dir.path(), "streams.db", &sql.replace("the_run", &format!("run_{run}")));
        assert_eq!(found_by_name(&open(dir.path()).log_reader()).await, all, "{sql}");
    }
    let file = dir.path().join("streams.db");
    let behind = std::fs::read(&file).expect("the file is there");
    filled(dir.path()).await;
    std::fs::write(&file, behind).expect("write");
    let all = [1; 21];
    assert_eq!(found_by_name(&open(dir.path()).log_reader()).await, all, "a file that is behind");
    std::fs::remove_file(&file).expect("the file is there");
    let folder = open(dir.path());
    assert_eq!(found_by_name(&folder.log_reader()).await, all);
    // A name that only the file knows is taken all the same.
    let store = folder.event_store();
    let mut again = batch(&store.heads().await.expect("heads"), 4, 1);
    again.events[0].stream = StreamName::new("thing", "3-7");
    assert!(matches!(store.append(&again).await, Err(AppendError::Conflict)));
}

#[tokio::test]
async fn a_changed_migration_and_a_newer_schema_are_refused() {
    let dir = tempfile::tempdir().expect("a folder");
    filled(dir.path()).await;
    tamper(dir.path(), "log.db", "INSERT INTO migrations VALUES (3, x'00')");
    assert!(matches!(refusal(dir.path()), OpenError::Newer { found: 3, known: 2, .. }));
    tamper(dir.path(), "log.db", "DELETE FROM migrations WHERE number = 3; UPDATE migrations SET checksum = x'00'");
    assert!(matches!(refusal(dir.path()), OpenError::Changed { number: 1, .. }));
}

#[tokio::test]
async fn a_damaged_and_a_foreign_file_are_refused_by_name() {
    for name in ["log.db", "streams.db", "views.db", "snapshots.db"] {
        let dir = tempfile::tempdir().expect("a folder");
        filled(dir.path()).await;
        let file = dir.path().join(name);
        std::fs::write(&file, "this is no database, whatever it is called ".repeat(100)).expect("write");
        let refused = refusal(dir.path());
        assert!(matches!(&refused, OpenError::Damaged { file: named, .. } if *named == file), "{refused}");

        std::fs::remove_file(&file).expect("remove");
        Connection::open(&file).expect("a database").execute_batch("CREATE TABLE other (a)").expect("a table");
        let refused = refusal(dir.path());
        assert!(matches!(&refused, OpenError::Foreign { file: named } if *named == file), "{refused}");
    }
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("file");
    std::fs::write(&file, "").expect("write");
    let refused = refusal(&file.join("data"));
    assert!(matches!(refused, OpenError::Io { action: "make", .. }), "{refused}");
    let none = SqliteOptions { partitions: 0, ..SqliteOptions::default() };
    assert!(matches!(SqliteFolder::open(dir.path(), &none), Err(OpenError::Options(_))));
}

#[tokio::test]
async fn a_snapshot_is_not_found_beside_a_log_that_does_not_hold_what_it_folds() {
    let dir = tempfile::tempdir().expect("a folder");
    filled(dir.path()).await;
    let stream = StreamName::new("thing", "3-1");
    let snapshot = |version, partition| Snapshot {
        stream: stream.clone(),
        partition: PartitionId(partition),
        version,
        fold_version: 1,
        state: "{}".into(),
    };
    let found = async |store: &dyn EventStore| store.snapshots(std::slice::from_ref(&stream)).await.expect("read");
    let store = open(dir.path()).event_store();
    store.save_snapshot(snapshot(1, 3)).await.expect("save");
    assert_eq!(found(&*store).await, [Some(snapshot(1, 3))]);
    store.save_snapshot(snapshot(2, 3)).await.expect("save");
    assert_eq!(found(&*store).await, [None], "the stream has one event");
    store.save_snapshot(snapshot(2, 2)).await.expect("save");
    assert_eq!(found(&*store).await, [None], "the stream lives elsewhere");
    drop(store);

    // Another log in the same folder.
    for file in ["log.db", "log.db-wal", "log.db-shm"] {
        let _ = std::fs::remove_file(dir.path().join(file));
    }
    filled(dir.path()).await;
    assert_eq!(found(&*open(dir.path()).event_store()).await, [None]);
}
