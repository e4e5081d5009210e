//! The life of a key: made, shown without its secret, rotated, expired, revoked; all of it while a server runs.

use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use serde_json::json;

use super::ring::{create, get_with, keys, listed, locked, printed};
use crate::server::{comanda, complaint, finished, run};
use crate::wait;

/// A running server knows of a change by then.
const KNOWN_WITHIN: Duration = Duration::from_secs(1);

#[test]
fn a_key_is_shown_once_and_only_its_hash_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let key = create(&data, "shop", &["--scopes", "queries", "--expires", "30d"]);
    let secret = key.text.rsplit_once('_').unwrap().1;
    let file = data.join("keys.json");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let table = keys(&data, &["list"]);
    for shown in [std::fs::read(&file).unwrap(), table.stdout, serde_json::to_vec(&listed(&data)).unwrap()] {
        let shown = String::from_utf8(shown).unwrap();
        assert!(shown.contains(&key.id), "{shown}");
        assert!(!shown.contains(&secret[..16]) && !shown.contains(&key.text), "{shown}");
    }
    let [listed] = listed(&data).try_into().unwrap();
    assert_eq!(
        (&listed["name"], &listed["tenant"], &listed["state"]),
        (&json!("shop"), &json!("default"), &json!("active"))
    );
    assert_eq!(listed["scopes"], json!(["queries"]));
    assert!(listed["expiresAt"].as_str().is_some());
}

#[test]
fn a_revoked_key_is_refused_within_a_second_by_a_server_that_runs() {
    let (server, owner) = locked();
    let key = create(server.data(), "shop", &[]);
    wait::until("the key counts", || (get_with(&server, "/v1/stock", &key.text).status == 200).then_some(()));
    assert!(keys(server.data(), &["revoke", &key.id]).status.success());
    let revoked = Instant::now();
    wait::until("the key is refused", || (get_with(&server, "/v1/stock", &key.text).status == 401).then_some(()));
    assert!(revoked.elapsed() < KNOWN_WITHIN, "{:?}", revoked.elapsed());
    assert!(get_with(&server, "/v1/stock", &key.text).problem(401, "UNAUTHENTICATED").detail.contains("revoked"));
    get_with(&server, "/v1/stock", &owner.text).is(200);
    assert!(keys(server.data(), &["revoke", &key.id]).status.success(), "once more says the same");
    assert_eq!(listed(server.data())[1]["state"], "revoked");
    // A name whose keys have ended can have a new one.
    let next = create(server.data(), "shop", &[]);
    assert_ne!(next.id, key.id);
}

#[test]
fn an_expired_key_is_refused() {
    let (server, _) = locked();
    let key = create(server.data(), "brief", &["--expires", "2s"]);
    wait::until("the key counts", || (get_with(&server, "/v1/stock", &key.text).status == 200).then_some(()));
    let refused = wait::until("it expires", || {
        let answer = get_with(&server, "/v1/stock", &key.text);
        (answer.status == 401).then_some(answer)
    });
    assert!(refused.problem(401, "UNAUTHENTICATED").detail.contains("expired"));
    assert_eq!(listed(server.data())[1]["state"], "expired");
}

#[test]
fn rotation_has_two_keys_count_and_ends_the_first() {
    let (server, _) = locked();
    let old = create(server.data(), "shop", &["--scopes", "queries"]);
    let new = printed(&keys(server.data(), &["rotate", &old.id, "--overlap", "3s"]));
    assert_ne!((&new.id, &new.text), (&old.id, &old.text));
    wait::until("the new one counts", || (get_with(&server, "/v1/stock", &new.text).status == 200).then_some(()));
    get_with(&server, "/v1/stock", &old.text).is(200);
    // It can do what the old one could, and no more.
    get_with(&server, "/metrics", &new.text).problem(403, "FORBIDDEN");
    let third = keys(server.data(), &["rotate", &new.id]);
    assert!(complaint(&third).contains("has 2 keys already"), "{}", complaint(&third));
    wait::until("the old one ends", || (get_with(&server, "/v1/stock", &old.text).status == 401).then_some(()));
    get_with(&server, "/v1/stock", &new.text).is(200);
    let ended = keys(server.data(), &["rotate", &old.id]);
    assert!(complaint(&ended).contains("expired"), "{}", complaint(&ended));
    printed(&keys(server.data(), &["rotate", &new.id, "--overlap", "0s"]));
    wait::until("it ends at once", || (get_with(&server, "/v1/stock", &new.text).status == 401).then_some(()));
}

#[test]
fn what_cannot_be_done_says_why_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let key = create(&data, "shop", &[]);
    let secret = key.text.rsplit_once('_').unwrap().1;
    let before = std::fs::read(data.join("keys.json")).unwrap();
    for (arguments, said) in [
        (&["create", "--name", "shop"][..], "has a key already"),
        (&["create", "--name", "two words"], "1 to 64 letters"),
        (&["create", "--name", "x", "--tenant", "../x"], "lower-case letters"),
        (&["create", "--name", "x", "--scopes", "everything"], "is no scope"),
        (&["create", "--name", "x", "--scopes", ""], "is no scope"),
        (&["create", "--name", "x", "--expires", "1970-01-01T00:00:00Z"], "expired before"),
        (&["create", "--name", "x", "--expires", "soon"], "such as 90d"),
        (&["rotate", "nonesuch"], "there is no key"),
        (&["revoke", "nonesuch"], "there is no key"),
        (&["rotate", &key.text], "the part after `cmd_`, 8 characters"),
        (&["revoke", &key.text], "the part after `cmd_`, 8 characters"),
        (&["rotate", secret], "the part after `cmd_`, 8 characters"),
        (&["create", "--name", "x", "--rate", "0"], "1 or more"),
    ] {
        let output = keys(&data, arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(complaint(&output).contains(said), "{arguments:?}: {}", complaint(&output));
        assert!(output.stdout.is_empty() && !complaint(&output).contains(secret), "{arguments:?}");
    }
    assert_eq!(std::fs::read(data.join("keys.json")).unwrap(), before);
    let nowhere = run(&["keys", "list"]);
    assert!(complaint(&nowhere).contains("--data DIR or --keys FILE"), "{}", complaint(&nowhere));
    create(&data, "shop", &["--tenant", "other"]);
}

#[test]
fn keys_that_are_not_where_they_were_named_are_no_open_door() {
    let folder = tempfile::tempdir().unwrap();
    let (data, ring) = (folder.path().join("data"), folder.path().join("ring.json"));
    let [data, ring] = [&data, &ring].map(|path| path.to_str().unwrap());
    let serve = ["serve", "--listen", "127.0.0.1:0", "--data", data];
    let file = folder.path().join("comanda.toml");
    std::fs::write(&file, format!("keys = {ring:?}\n")).unwrap();
    let mut by_variable = comanda();
    by_variable.args(serve).env("COMANDA_KEYS", ring);
    for output in [
        run(&[&serve[..], &["--keys", ring]].concat()),
        run(&[&serve[..], &["--config", file.to_str().unwrap()]].concat()),
        finished(&mut by_variable),
        run(&["keys", "list", "--keys", ring]),
        run(&["keys", "revoke", "nonesuch", "--keys", ring]),
    ] {
        let said = complaint(&output);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(&format!("there are no keys at {ring}")), "{said}");
        assert!(said.contains("correct the path") && said.contains("comanda keys create --keys"), "{said}");
    }
    for arguments in [&["list"][..], &["rotate", "nonesuch"], &["revoke", "nonesuch"]] {
        let output = keys(data.as_ref(), arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(complaint(&output).contains(&format!("there is no data in {data}")), "{}", complaint(&output));
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing was made");
    // A name alone is a file in the folder one is in.
    let mut here = comanda();
    here.args(["keys", "create", "--name", "shop", "--keys", "ring.json"]).current_dir(folder.path());
    let made = finished(&mut here);
    assert!(made.status.success(), "{}", complaint(&made));
    assert!(run(&["keys", "list", "--keys", ring]).status.success());
}

#[test]
fn keys_made_at_the_same_time_are_all_there() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let made: Vec<String> = std::thread::scope(|scope| {
        let makers: Vec<_> = (0..8)
            .map(|n| {
                scope.spawn({
                    let data = &data;
                    move || create(data, &format!("k{n}"), &[]).id
                })
            })
            .collect();
        makers.into_iter().map(|maker| maker.join().unwrap()).collect()
    });
    let mut listed: Vec<_> = listed(&data).iter().map(|key| key["id"].as_str().unwrap().to_owned()).collect();
    let mut made = made;
    made.sort_unstable();
    listed.sort_unstable();
    assert_eq!(listed, made);
}
