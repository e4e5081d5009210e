//! A full disk: the server acknowledges nothing more, says so and ends; with room again, all it acknowledged is there.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use comanda_contracts::{BatchAnswer, ReservationState};
use comanda_load::{Expected, Judge};
use serde_json::json;
use tempfile::TempDir;

use crate::server::{Server, comanda, run};

/// Requests sent at most: a disk that is not full after them is larger than it should be.
const BATCHES_MAX: usize = 400;

/// Reserves in batches until the server answers no more. Returns what it acknowledged, as it must be found later.
fn fill(server: &Server) -> Vec<Expected> {
    server.stocked("TEA", 1_000_000_000);
    let mut acknowledged = Vec::new();
    for batch in 0..BATCHES_MAX {
        let ids: Vec<_> = (0..200).map(|n| format!("batch-{batch}-{n}-{}", "x".repeat(80))).collect();
        let items: Vec<_> = ids
            .iter()
            .map(|id| json!({"reservationId": id, "ttlSeconds": 604_800, "lines": [{"sku": "TEA", "quantity": 1}]}))
            .collect();
        let request = server.request("POST", "/v1/reservations:batch").json(&json!({"reservations": items}));
        let Some(answer) = request.try_send() else { return acknowledged };
        if answer.status != 200 {
            assert!(answer.status >= 500, "{answer:?}");
            return acknowledged;
        }
        for outcome in answer.read::<BatchAnswer>().outcomes {
            match outcome.status {
                201 => acknowledged.push(Expected {
                    id: outcome.reservation_id.unwrap(),
                    sku: "TEA".to_owned(),
                    quantity: 1,
                    states: vec![ReservationState::Held],
                    may_be_absent: false,
                }),
                status => assert!(status >= 500, "{outcome:?}"),
            }
        }
    }
    panic!("the disk did not fill");
}

/// Fills the disk under `server` and sees it end; then judges what a server started by `start` finds.
async fn survives(mut server: Server, start: impl FnOnce() -> Server) {
    let acknowledged = fill(&server);
    let status = server.ended();
    let said = server.complaints();
    assert_eq!(status.code(), Some(2), "{said}");
    assert!(said.contains("stopped answering") && said.contains(".db"), "{said}");
    assert!(said.contains("start again"), "it says what to do: {said}");
    assert!(acknowledged.len() >= 200, "only {} reservations fitted", acknowledged.len());
    drop(server);

    let server = start();
    let verdict = Judge::of(server.addr).judge_reservations(&acknowledged).await.unwrap();
    assert!(verdict.ok, "{verdict:#?}");
    server.reserve("after", "TEA", 1).is(201);
    let stopped = server.stop();
    stopped.verifies();
}

/// A small disk of its own, unmounted when dropped.
pub(crate) struct Disk {
    folder: TempDir,
}

impl Disk {
    /// `None`, with a word about it, where this process may not mount.
    pub(crate) fn mount(size: &str) -> Option<Self> {
        let disk = Self { folder: tempfile::tempdir().unwrap() };
        let options = format!("size={size}");
        let mounted = quiet(Command::new("mount").args(["-t", "tmpfs", "-o", &options, "none"]).arg(disk.path()));
        if mounted {
            return Some(disk);
        }
        println!(
            "skipped: no disk can be mounted here (it takes root); the limit on a file's size is tested all the same"
        );
        None
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    fn grow(&self, size: &str) {
        assert!(quiet(Command::new("mount").args(["-o", &format!("remount,size={size}")]).arg(self.path())));
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // If nothing was mounted there is nothing to unmount.
        let _unmounted = quiet(Command::new("umount").arg("-l").arg(self.path()));
    }
}

fn quiet(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

#[tokio::test]
async fn a_full_disk_stops_acknowledgements_and_loses_none() {
    let Some(disk) = Disk::mount("8m") else { return };
    let elsewhere = tempfile::tempdir().unwrap();
    let (data, errors) = (disk.path().join("data"), elsewhere.path().join("stderr.txt"));
    let server = Server::start_on(&data, &errors);
    survives(server, || {
        let tight = run(&["verify", "--data", data.to_str().unwrap()]);
        assert_ne!(tight.status.code(), Some(101), "no panic on a disk that is full");
        disk.grow("64m");
        Server::start_on(&data, &errors)
    })
    .await;
}

#[tokio::test]
async fn a_file_that_may_not_grow_stops_acknowledgements_and_loses_none() {
    let folder = tempfile::tempdir().unwrap();
    let (data, errors) = (folder.path().join("data"), folder.path().join("stderr.txt"));
    let server = Server::start_by(limited(), &data, &errors);
    survives(server, || Server::start_on(&data, &errors)).await;
    assert!(fs::metadata(data.join("inventory/log.db")).is_ok());
}

/// The binary, allowed to write files of 4 MiB. Without the signal's default action it learns of it by an error.
fn limited() -> Command {
    let binary = PathBuf::from(comanda().get_program());
    let mut shell = Command::new("sh");
    shell.args(["-c", "trap '' XFSZ; ulimit -f 8192; exec \"$0\" \"$@\""]).arg(binary).env("NO_COLOR", "1");
    shell
}
