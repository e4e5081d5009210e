//! Work for a process of its own. Run as a plain test it does the appending job in a folder of its own.

use std::io::Read;
use std::path::PathBuf;

use cqrs::{Append, EventStore, LogReader};

use crate::support::{batch, open};

#[tokio::test]
async fn does_its_job() {
    let own = tempfile::tempdir().expect("a folder");
    let dir = std::env::var_os("STORES_CHILD_DIR").map_or_else(|| own.path().to_owned(), PathBuf::from);
    let job = std::env::var("STORES_CHILD_JOB").unwrap_or_else(|_| "append 3".to_owned());
    let folder = open(&dir);
    let store = folder.event_store();
    let (verb, count) = job.split_once(' ').unwrap_or((&job, "0"));
    let count: u64 = count.parse().expect("a count");
    match verb {
        "append" => {
            for _ in 0..count {
                store.append(&batch(&store.heads().await.expect("heads"), 0, 10)).await.expect("append");
            }
            assert_eq!(store.heads().await.expect("heads")[0].position, 10 * count);
        }
        "compare" => {
            for _ in 0..count {
                let whole = batch(&store.heads().await.expect("heads"), 0, 0);
                store.append(&Append { events: Vec::new(), ..whole }).await.expect("heads as expected");
            }
            assert_eq!(folder.log_counters().commits(), 0);
        }
        "hold" => {
            println!("holding");
            std::io::stdin().read_to_end(&mut Vec::new()).expect("stdin");
        }
        "pour" => loop {
            let whole = batch(&store.heads().await.expect("heads"), 0, 10);
            store.append(&whole).await.expect("append");
            println!("acknowledged={}", whole.expected[0].1 + 10);
        },
        "fill" => {
            let failed = loop {
                if let Err(error) = store.append(&batch(&store.heads().await.expect("heads"), 0, 10)).await {
                    break error;
                }
            };
            let again = store.append(&batch(&store.heads().await.expect("heads"), 1, 1)).await;
            println!("acknowledged={}", store.heads().await.expect("heads")[0].position);
            println!("failed={failed}");
            println!("again={}", again.expect_err("a broken log takes nothing more"));
        }
        other => panic!("no such job: {other}"),
    }
}
