//! Settings from flags, the environment and a file, and `comanda config`, which says where each comes from.

use std::fs;

use serde_json::Value;

use crate::server::{Server, comanda, complaint, finished, run};

/// `(value, origin)` of a setting.
fn setting(settings: &Value, name: &str) -> (String, String) {
    let found = settings.as_array().unwrap().iter().find(|setting| setting["setting"] == name).unwrap();
    let text = |field: &str| found[field].as_str().unwrap().to_owned();
    (text("value"), text("origin"))
}

#[test]
fn a_flag_wins_over_the_environment_that_over_a_file_and_that_over_the_default() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("comanda.toml");
    let text = "data = \"/srv/shop\"\nlisten = \"127.0.0.1:1\"\npartitions = 4\nroles = [\"inventory\", \"fulfillment\"]\n\
        webhooks-to-loopback = true\n";
    fs::write(&file, text).unwrap();
    let path = file.to_str().unwrap();
    let mut command = comanda();
    command.args(["config", "--json", "--config", path, "--partitions", "8"]).env("COMANDA_LISTEN", "127.0.0.1:2");
    let output = finished(&mut command);
    assert!(output.status.success(), "{}", complaint(&output));
    let settings: Value = serde_json::from_slice(&output.stdout).unwrap();
    let said = |name: &str| setting(&settings, name);
    let of = |value: &str, origin: &str| (value.to_owned(), origin.to_owned());
    assert_eq!(said("partitions"), of("8", "--partitions"));
    assert_eq!(said("listen"), of("127.0.0.1:2", "COMANDA_LISTEN"));
    assert_eq!(said("data"), of("/srv/shop", path));
    assert_eq!(said("roles"), of("inventory,fulfillment", path));
    assert_eq!(said("webhooks-to-loopback"), of("true", path));
    assert_eq!(said("carrier-at"), of("", "default"));
    let printed = run(&["config", "--config", path]);
    let printed = String::from_utf8(printed.stdout).unwrap();
    assert!(
        printed.lines().any(|line| line.contains("partitions") && line.contains('4') && line.contains(path)),
        "{printed}"
    );
}

#[test]
fn a_wrong_value_is_told_with_the_place_where_it_stands() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("comanda.toml");
    let path = file.to_str().unwrap();
    for (text, said) in [
        ("listen = 5", format!("{path}, `listen`: invalid value '5'")),
        ("partitions = 0", format!("{path}, `partitions`: invalid value '0'")),
        ("auth = \"maybe\"", format!("{path}, `auth`: invalid value 'maybe'")),
    ] {
        fs::write(&file, text).unwrap();
        let output = run(&["serve", "--data", "d", "--config", path]);
        assert_eq!(output.status.code(), Some(2), "{text}");
        // Where a line of it ends depends on the length of the path.
        let told = complaint(&output).replace(' ', "");
        assert!(told.contains(&said.replace(' ', "")), "{text}: {}", complaint(&output));
    }
    let with_variable = |arguments: &[&str], variable: &str, value: &str| {
        let output = finished(comanda().args(arguments).env(variable, value));
        assert_eq!(output.status.code(), Some(2), "{variable}");
        complaint(&output)
    };
    let said = with_variable(&["serve", "--data", "d"], "COMANDA_LISTEN", "abc");
    assert!(said.contains("the environment variable COMANDA_LISTEN: invalid value 'abc'"), "{said}");
    // What was typed wins, and is what is wrong then.
    let said = with_variable(&["serve", "--data", "d", "--listen", "xyz"], "COMANDA_LISTEN", "abc");
    assert!(said.contains("invalid value 'xyz'") && !said.contains("COMANDA_LISTEN"), "{said}");
}

#[test]
fn a_server_runs_with_what_its_file_says() {
    let folder = tempfile::tempdir().unwrap();
    let (data, file) = (folder.path().join("data"), folder.path().join("comanda.toml"));
    fs::write(&file, "listen = \"127.0.0.1:0\"\nroles = \"inventory\"\nfulfillment-at = \"http://127.0.0.1:9\"\n")
        .unwrap();
    let mut command = comanda();
    command.arg("serve").env("COMANDA_CONFIG", &file);
    let server = Server::serving(command, &data, &folder.path().join("stderr.txt"));
    server.get("/v1/stock").is(200);
    server.get("/v1/orders").problem(404, "NOT_FOUND");
}

#[test]
fn what_is_no_setting_and_what_is_no_value_is_named_with_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("comanda.toml");
    for (text, named) in [
        ("lisen = \"127.0.0.1:1\"", "there is no setting `lisen`"),
        ("webhooks-to-loopback = \"yes\"", "webhooks-to-loopback: is true or false"),
        ("listen = 1.5", "listen: is a text or a whole number"),
        ("listen = ", "cannot read the settings in"),
        ("listen = \"nowhere\"", "--listen"),
    ] {
        fs::write(&file, text).unwrap();
        let output = run(&["config", "--data", "d", "--config", file.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(complaint(&output).contains(named), "{text}: {}", complaint(&output));
    }
    let output = run(&["serve", "--config", "/nowhere/comanda.toml"]);
    assert!(output.status.code() == Some(2) && complaint(&output).contains("/nowhere/comanda.toml"));
}
