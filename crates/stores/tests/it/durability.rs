//! Durable is not a word: syncs are counted, and a disk that fails or is full stops all acknowledgements.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use comanda_stores::sqlite::{SqliteFolder, SqliteOptions};
use cqrs::{AppendError, EventStore, LogReader, StoreError};

use crate::support::{CHILD, batch, child, open};

/// How often a child syncs the disk while it does `job` in a fresh folder.
fn syncs_of(job: &str) -> usize {
    let dir = tempfile::tempdir().expect("a folder");
    let trace = dir.path().join("trace");
    let data = dir.path().join("data");
    let plain = child(&data, job);
    let status = Command::new("strace")
        .args(["-f", "-e", "trace=fdatasync,fsync", "-o"])
        .arg(&trace)
        .arg(plain.get_program())
        .args(CHILD)
        .env("STORES_CHILD_DIR", &data)
        .env("STORES_CHILD_JOB", job)
        .stdout(Stdio::null())
        .status()
        .expect("install strace: this test counts system calls");
    assert!(status.success(), "the child failed at {job:?}");
    let calls = std::fs::read_to_string(trace).expect("the trace");
    calls.lines().filter(|line| line.contains("fdatasync(") || line.contains("fsync(")).count()
}

#[test]
fn every_batch_is_synced_and_a_comparison_is_not() {
    let idle = syncs_of("append 0");
    let appended = syncs_of("append 25");
    assert!(appended >= idle + 25, "25 batches were synced {} times", appended - idle);
    assert!(appended <= idle + 30, "25 batches were synced {} times: once each is enough", appended - idle);
    assert_eq!(syncs_of("compare 25"), idle, "a comparison writes nothing");
}

#[tokio::test]
async fn what_was_acknowledged_outlives_a_kill() {
    let dir = tempfile::tempdir().expect("a folder");
    for round in 1..=5 {
        let mut child = child(dir.path(), "pour").stdout(Stdio::piped()).spawn().expect("a child");
        let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let mut acknowledged = lines.by_ref().filter_map(|line| {
            line.expect("a line").split_once("acknowledged=").map(|(_, position)| position.parse().expect("a number"))
        });
        assert!(acknowledged.by_ref().nth(10 * round).is_some());
        child.kill().expect("kill");
        child.wait().expect("it ends");
        let last: u64 = acknowledged.last().unwrap_or_default();
        let log = open(dir.path()).log_reader();
        let head = log.heads().await.expect("heads")[0].position;
        assert!(head >= last && head % 10 == 0, "acknowledged {last}, found {head}");
        let events = log.read_partition(cqrs::PartitionId(0), 0, usize::MAX).await.expect("read");
        assert!(events.iter().map(|event| event.position).eq(1..=head));
        let by_name: Vec<_> = events.iter().map(|event| (event.stream.clone(), 0)).collect();
        let found = log.read_streams(&by_name, 2).await.expect("read");
        assert!(found.iter().zip(&events).all(|(found, event)| found == std::slice::from_ref(event)));
    }
}

/// A file-size limit makes the write-ahead log fail as a dying disk would, without warning, in mid-append.
#[tokio::test]
async fn after_an_io_error_nothing_is_acknowledged_and_all_that_was_is_there() {
    let dir = tempfile::tempdir().expect("a folder");
    drop(open(dir.path()));
    let plain = child(dir.path(), "fill");
    let output = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 600; exec \"$0\" \"$@\""])
        .arg(plain.get_program())
        .args(CHILD)
        .env("STORES_CHILD_DIR", dir.path())
        .env("STORES_CHILD_JOB", "fill")
        .output()
        .expect("sh");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    let value = |name: &str| {
        let line = said.lines().find_map(|line| line.split_once(name)).expect("the child says so");
        line.1.to_owned()
    };
    assert!(value("failed=").starts_with("the store is broken: log.db: disk I/O error"), "{said}");
    assert!(value("again=").starts_with("the store is broken"), "{said}");
    let acknowledged: u64 = value("acknowledged=").parse().expect("a number");
    assert!(acknowledged > 0);
    let heads = open(dir.path()).log_reader().heads().await.expect("heads");
    assert_eq!((heads[0].position, heads[1].position), (acknowledged, 0));
}

#[tokio::test]
async fn a_full_disk_stops_all_acknowledgements_and_says_so() {
    let dir = tempfile::tempdir().expect("a folder");
    drop(open(dir.path()));
    let small = SqliteOptions { log_pages_max: Some(60), ..SqliteOptions::default() };
    let folder = SqliteFolder::open(dir.path(), &small).expect("opens");
    let store = folder.event_store();
    let full = loop {
        let heads = store.heads().await.expect("heads");
        assert!(heads[0].position < 10_000, "the disk never fills");
        if let Err(error) = store.append(&batch(&heads, 0, 10)).await {
            break error;
        }
    };
    assert!(
        matches!(&full, AppendError::Store(StoreError::Broken(cause)) if cause.contains("the disk is full")),
        "{full}"
    );
    let heads = store.heads().await.expect("heads");
    // Smaller batches, which might still fit, are refused as well, and so is what else depends on the log's end.
    let small = store.append(&batch(&heads, 1, 1)).await;
    assert!(matches!(small, Err(AppendError::Store(StoreError::Broken(_)))), "{small:?}");
    assert!(matches!(store.lock(&[]).await.err(), Some(StoreError::Broken(_))));
    assert!(matches!(store.resolve(batch(&heads, 0, 1).id, &[]).await, Err(StoreError::Broken(_))));
    drop((store, folder));
    assert_eq!(reopened_heads(dir.path()).await, heads);
}

async fn reopened_heads(dir: &Path) -> Vec<cqrs::Head> {
    open(dir).log_reader().heads().await.expect("heads")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_write_ahead_log_is_bounded_while_readers_read() {
    const BOUND: u64 = 1 << 20;
    let dir = tempfile::tempdir().expect("a folder");
    let options = SqliteOptions { wal_bytes_max: BOUND, ..SqliteOptions::default() };
    let folder = SqliteFolder::open(dir.path(), &options).expect("opens");
    let (store, log, counters) = (folder.event_store(), folder.log_reader(), folder.log_counters());
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let reader = tokio::spawn(async move {
        let (mut read, mut after) = (0, 0);
        while !stop.is_closed() {
            let events = log.read_partition(cqrs::PartitionId(0), after, 1_000).await.expect("read");
            read += events.len();
            after = events.last().map_or(0, |event| event.position);
        }
        read
    });
    let mut largest = 0;
    for _ in 0..150 {
        store.append(&batch(&store.heads().await.expect("heads"), 0, 200)).await.expect("append");
        largest = largest.max(std::fs::metadata(dir.path().join("log.db-wal")).expect("the file").len());
    }
    drop(stopped);
    assert!(reader.await.expect("the reader") > 0);
    assert!(counters.wal_restarts() >= 3, "{counters:?}");
    assert!(largest < 2 * BOUND, "the write-ahead log grew to {largest} bytes");
    assert_eq!(counters.commits(), 150);
}

/// A backup tool that reads for long must cost space, not appends: the writer waits for it once, then goes on.
#[tokio::test]
async fn a_long_read_by_another_program_delays_only_the_start_over() {
    const BOUND: u64 = 1 << 20;
    let dir = tempfile::tempdir().expect("a folder");
    let options = SqliteOptions { wal_bytes_max: BOUND, ..SqliteOptions::default() };
    let folder = SqliteFolder::open(dir.path(), &options).expect("opens");
    let (store, counters) = (folder.event_store(), folder.log_counters());
    let fill = async |beyond: u64| {
        while counters.wal_bytes() < beyond {
            store.append(&batch(&store.heads().await.expect("heads"), 0, 50)).await.expect("append");
        }
    };
    fill(BOUND / 2).await;
    let tool = rusqlite::Connection::open(dir.path().join("log.db")).expect("log.db");
    tool.execute_batch("BEGIN; SELECT count(*) FROM events").expect("a read that stays open");
    fill(BOUND + BOUND / 8).await;
    assert_eq!(counters.wal_restarts(), 0, "frames that are being read were overwritten");
    tool.execute_batch("COMMIT").expect("the read ends");
    while counters.wal_restarts() == 0 {
        assert!(counters.wal_bytes() < 2 * BOUND, "the write-ahead log is never started over");
        store.append(&batch(&store.heads().await.expect("heads"), 0, 50)).await.expect("append");
    }
}
