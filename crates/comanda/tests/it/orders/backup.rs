//! `comanda backup` and `comanda restore`: one moment of both contexts while orders flow, checked, and gone on from.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use comanda_contracts::{OrderSummary, Page};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::receiver::Receiver;
use crate::full_disk::Disk;
use crate::server::{Server, comanda, complaint, run};
use crate::wait;

/// Runs a command of the program; returns its exit code, what it printed, and what it complained of.
fn told(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = run(arguments);
    (output.status.code(), String::from_utf8(output.stdout.clone()).unwrap(), complaint(&output))
}

fn backup(data: &Path, to: &Path) -> (Option<i32>, String, String) {
    told(&["backup", "--data", data.to_str().unwrap(), "--to", to.to_str().unwrap(), "--json"])
}

fn restore(from: &Path, data: &Path) -> (Option<i32>, String, String) {
    told(&["restore", "--from", from.to_str().unwrap(), "--data", data.to_str().unwrap()])
}

#[track_caller]
fn backed_up(server: &Server, to: &Path) -> Value {
    let (code, printed, said) = backup(server.data(), to);
    assert_eq!(code, Some(0), "{said}");
    serde_json::from_str(&printed).unwrap()
}

#[track_caller]
fn restored(from: &Path, data: &Path) -> Server {
    let (code, printed, said) = restore(from, data);
    assert_eq!(code, Some(0), "{printed}{said}");
    assert!(printed.contains("restored") && printed.contains("nothing was ever oversold"), "{printed}");
    let server = Server::start_on(data, &data.with_extension("log"));
    has_its_views(&server);
    server
}

/// Views are no part of a backup: the first start builds them.
fn has_its_views(server: &Server) {
    for path in ["/v1/orders", "/v1/stock"] {
        wait::until("the views are built", || (server.get(path).status == 200).then_some(()));
    }
}

/// A backup of a small shop, and where it lies.
fn of_a_small_shop() -> (Server, TempDir, PathBuf) {
    let (server, folder) = (Server::start(), tempfile::tempdir().unwrap());
    server.stocked("TEA", 10);
    server.place("o", &[("TEA", 2)]).is(202);
    server.becomes("o", "RESERVED");
    let to = folder.path().join("backup");
    let report = backed_up(&server, &to);
    assert!(report["events"].as_u64().unwrap() > 5 && report["bytes"].as_u64().unwrap() > 4_096, "{report}");
    (server, folder, to)
}

fn files_in(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files_in(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

#[test]
fn every_backup_under_load_is_whole_and_the_shop_goes_on_from_it() {
    let (server, folder) = (Server::start(), tempfile::tempdir().unwrap());
    server.stocked("TEA", 100_000);
    server.stocked("MUG", 100_000);
    let (ends, placed) = (AtomicBool::new(false), AtomicUsize::new(0));
    let backups: Vec<PathBuf> = (0..4).map(|n| folder.path().join(format!("backup-{n}"))).collect();
    std::thread::scope(|scope| {
        for shopper in 0..3 {
            let (server, ends, placed) = (&server, &ends, &placed);
            scope.spawn(move || {
                for n in (0..).take_while(|_| !ends.load(Ordering::Relaxed)) {
                    server.place(&format!("o-{shopper}-{n}"), &[("TEA", 1), ("MUG", 2)]).is(202);
                    server.reserve(&format!("cart-{shopper}-{n}"), "TEA", 1).is(201);
                    placed.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        for (n, to) in (1..).zip(&backups) {
            let enough = || (placed.load(Ordering::Relaxed) >= n * 40).then_some(());
            wait::until("orders flow", enough);
            let report = backed_up(&server, to);
            assert!(report["writersHeldMs"].as_f64().unwrap() < 300.0, "{report}");
        }
        ends.store(true, Ordering::Relaxed);
    });
    server.stop().verifies();

    let mut events = 0;
    for (n, from) in backups.iter().enumerate() {
        let data = folder.path().join(format!("data-{n}"));
        let (code, printed, said) = restore(from, &data);
        assert_eq!(code, Some(0), "{printed}{said}");
        let manifest: Value = serde_json::from_slice(&fs::read(from.join("manifest.json")).unwrap()).unwrap();
        let logs = manifest["tenants"][0]["logs"].as_array().unwrap();
        let of_all = logs.iter().map(|log| log["events"].as_u64().unwrap()).sum();
        assert!(of_all > events, "each is of a later moment");
        events = of_all;
    }
    // What was on its way at that moment arrives, and the shop is open.
    let data = folder.path().join("data-3");
    let again = Server::start_on(&data, &folder.path().join("again.log"));
    has_its_views(&again);
    again.place("after", &[("TEA", 1)]).is(202);
    again.becomes("after", "RESERVED");
    wait::until("no order waits", || {
        let waiting = again.get("/v1/orders?status=RESERVATION_PENDING").is(200);
        waiting.read::<Page<OrderSummary>>().items.is_empty().then_some(())
    });
    let stock = again.stock("MUG");
    assert!(stock.committed > 0 && stock.on_hand == 100_000, "{stock:?}");
    again.stop().verifies();
}

#[test]
fn what_was_given_out_of_the_old_log_is_refused_by_the_restored_one() {
    let (server, folder, to) = of_a_small_shop();
    let token = server.received("TEA", "main", 5);
    let cursor = server.get("/v1/events?context=inventory").header("feed-next").unwrap().to_owned();
    drop(server.stop());
    let again = restored(&to, &folder.path().join("data"));
    again.get_after("/v1/stock/TEA", &token).problem(400, "FOREIGN_TOKEN");
    again.get(&format!("/v1/events?context=inventory&after={cursor}")).problem(409, "FOREIGN_CURSOR");
    assert_eq!(again.counters("TEA"), (10, 0, 2, 8), "the five came in after the backup");
    // An order and its id are what they were.
    assert!(again.place("o", &[("TEA", 2)]).is(202).is_replayed());
    let new = again.received("TEA", "main", 1);
    assert_eq!(again.get_after("/v1/stock/TEA", &new).is(200).json()["onHand"], 11);
    again.stop().verifies();
}

#[test]
fn a_webhook_goes_on_with_what_comes_after_the_backup() {
    let (folder, receiver) = (tempfile::tempdir().unwrap(), Receiver::start());
    let serve = |data: &str| {
        let mut command = comanda();
        command.args(["serve", "--listen", "127.0.0.1:0", "--webhooks-to-loopback"]);
        let server = Server::serving(command, &folder.path().join(data), &folder.path().join(format!("{data}.log")));
        wait::until("the server is ready", || (server.get("/ready").status == 200).then_some(()));
        server
    };
    let server = serve("data");
    server.stocked("TEA", 10);
    let hook = json!({"webhookId": "erp", "url": receiver.url(), "kinds": ["comanda.fulfillment.order-placed.v1"]});
    server.post("/v1/webhooks?context=fulfillment", &hook).is(201);
    server.place("before", &[("TEA", 1)]).is(202);
    let heard = |order: &str| {
        let named = |heard: &super::receiver::Heard| heard.event().subject == order;
        let came = || receiver.heard().iter().any(named).then_some(());
        wait::until_or(came, || format!("a word of {order}; {} came", receiver.heard().len()));
    };
    heard("before");
    let to = folder.path().join("backup");
    backed_up(&server, &to);
    drop(server.stop());
    let (code, printed, said) = restore(&to, &folder.path().join("again"));
    assert_eq!(code, Some(0), "{printed}{said}");
    let again = serve("again");
    let told = again.get("/v1/webhooks/erp?context=fulfillment").is(200).json();
    assert_eq!(told["enabled"], true, "{told}");
    again.place("after", &[("TEA", 1)]).is(202);
    heard("after");
    again.stop().verifies();
}

#[test]
fn only_its_owner_reads_a_backup_and_every_damaged_file_is_named() {
    let (_server, folder, to) = of_a_small_shop();
    let files = files_in(&to);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert!(files.len() >= 5, "{files:?}");
    for file in &files {
        assert_eq!((mode(file), mode(file.parent().unwrap())), (0o600, 0o700), "{}", file.display());
        let (sound, data) = (fs::read(file).unwrap(), folder.path().join("data"));
        let mut damaged = sound.clone();
        let middle = damaged.len() / 2;
        damaged[middle] ^= 1;
        fs::write(file, damaged).unwrap();
        let (code, printed, said) = restore(&to, &data);
        let name = file.file_name().unwrap().to_str().unwrap();
        assert_eq!(code, Some(2), "{name}: {printed}{said}");
        assert!(said.contains(name.trim_end_matches(".sha256")), "{name}: {said}");
        assert!(!data.exists() && printed.is_empty(), "{name}: {printed}");
        fs::write(file, sound).unwrap();
    }
    let left = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect::<Vec<_>>();
    assert_eq!(left, ["backup"], "nothing is left of what failed");
    restored(&to, &folder.path().join("data")).stop().verifies();
}

#[test]
fn what_is_no_whole_backup_is_not_restored_and_what_is_in_the_way_stays() {
    let (server, folder, to) = of_a_small_shop();
    let manifest = fs::read_to_string(to.join("manifest.json")).unwrap();
    let refused = |from: &Path, data: &Path, why: &str| {
        let (code, printed, said) = restore(from, data);
        assert_eq!(code, Some(2), "{printed}{said}");
        assert!(said.contains(why), "{why}: {said}");
    };
    let target = folder.path().join("data");
    fs::write(to.join("manifest.json"), manifest.replacen("\"format\": 1", "\"format\": 2", 1)).unwrap();
    refused(&to, &target, "a newer one");
    fs::remove_file(to.join("manifest.json")).unwrap();
    refused(&to, &target, "is no whole backup");
    refused(&folder.path().join("nowhere"), &target, "is no whole backup");
    fs::write(to.join("manifest.json"), &manifest).unwrap();
    assert!(!target.exists());
    refused(&to, server.data(), "a server runs on it");
    fs::create_dir(&target).unwrap();
    fs::write(target.join("notes.txt"), "mine").unwrap();
    refused(&to, &target, "it is not empty");
    assert_eq!(fs::read_to_string(target.join("notes.txt")).unwrap(), "mine");

    let unmade = |data: &Path, to: &Path, why: &str| {
        let (code, _, said) = backup(data, to);
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains(why), "{why}: {said}");
    };
    unmade(server.data(), &target, "is not empty");
    unmade(server.data(), &server.data().join("backup"), "lies in the data folder");
    unmade(&folder.path().join("nowhere"), &folder.path().join("new"), "there is no data");
    fs::create_dir_all(folder.path().join("half/inventory")).unwrap();
    fs::copy(to.join("inventory/log.db"), folder.path().join("half/inventory/log.db")).unwrap();
    unmade(&folder.path().join("half"), &folder.path().join("new"), "has no fulfillment");
    assert!(!folder.path().join("new").exists());
    assert_eq!(server.counters("TEA"), (10, 0, 2, 8));
}

#[test]
fn a_rehearsal_checks_everything_and_leaves_nothing() {
    let (server, folder, to) = of_a_small_shop();
    let stopped = server.stop();
    // A stopped server's folder is backed up as well.
    let (code, _, said) = backup(&stopped.data, &folder.path().join("second"));
    assert_eq!(code, Some(0), "{said}");
    let data = folder.path().join("data");
    let arguments = ["restore", "--from", to.to_str().unwrap(), "--data", data.to_str().unwrap(), "--dry-run"];
    let (code, printed, said) = told(&arguments);
    assert_eq!(code, Some(0), "{printed}{said}");
    assert!(printed.contains("rehearsal"), "{printed}");
    assert!(!data.exists());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "only the two backups are there");
}

#[test]
fn a_full_disk_leaves_no_half_backup() {
    let Some(disk) = Disk::mount("48k") else { return };
    let server = Server::start();
    server.stocked("TEA", 10);
    let to = disk.path().join("backup");
    let (code, printed, said) = backup(server.data(), &to);
    assert_eq!(code, Some(2), "{printed}{said}");
    assert!(said.contains("disk is full") || said.contains("free space"), "{said}");
    assert!(files_in(disk.path()).is_empty(), "{:?}", files_in(disk.path()));
    server.reserve("r", "TEA", 1).is(201);
}
