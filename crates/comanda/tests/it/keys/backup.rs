//! Backups of a server with keys and tenants: every tenant's data comes back, and so does who may come in.

use serde_json::json;

use super::ring::{create, get_with, locked};
use crate::server::{Server, complaint, run};
use crate::wait;

#[test]
fn tenants_and_keys_come_back_with_their_data() {
    let (mut server, owner) = locked();
    server.stocked("TEA", 5);
    let scopes = ["--scopes", "queries,commands,operations", "--tenant", "other"];
    let other = create(server.data(), "theirs", &scopes);
    wait::until("the key counts", || (get_with(&server, "/v1/stock", &other.text).status == 200).then_some(()));
    server.come_with(&other.text);
    server.stocked("TEA", 7);
    let folder = tempfile::tempdir().unwrap();
    let (to, data) = (folder.path().join("backup"), folder.path().join("data"));
    let (to, data) = (to.to_str().unwrap(), data.to_str().unwrap());
    let made = run(&["backup", "--data", server.data().to_str().unwrap(), "--to", to, "--json"]);
    assert!(made.status.success(), "{}", complaint(&made));
    let report: serde_json::Value = serde_json::from_slice(&made.stdout).unwrap();
    assert_eq!(report["tenants"], 2, "{report}");
    drop(server.stop());
    let restored = run(&["restore", "--from", to, "--data", data]);
    assert!(restored.status.success(), "{}", complaint(&restored));

    let mut again = Server::start_on(data.as_ref(), &folder.path().join("again.log"));
    again.get("/v1/stock/TEA").problem(401, "UNAUTHENTICATED");
    for (key, units) in [(&owner, 5), (&other, 7)] {
        again.come_with(&key.text);
        wait::until("each has its own", || {
            let answer = again.get("/v1/stock/TEA");
            (answer.status == 200 && answer.json()["available"] == units).then_some(())
        });
    }
    again.post("/v1/skus", &json!({"sku": "MUG"})).is(201);
    again.stop().verifies();
}
