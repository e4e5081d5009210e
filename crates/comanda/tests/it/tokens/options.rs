//! What a server can be told of tokens: refused by halves, and read from flags, the environment and a file alike.

use serde_json::Value;

use super::issuer::AUDIENCE;
use crate::server::{comanda, complaint, finished};

#[test]
fn half_of_the_options_is_refused_with_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let issuer = "https://login.example.org";
    let both = ["--jwt-issuer", issuer, "--jwt-audience", AUDIENCE];
    let with = |more: &[&'static str]| [&both[..], more].concat();
    for (arguments, said) in [
        (vec!["--jwt-issuer", issuer], "--jwt-audience"),
        (vec!["--jwt-audience", AUDIENCE], "--jwt-issuer"),
        (vec!["--jwt-jwks", "jwks.json"], "--jwt-issuer"),
        (vec!["--jwt-tenant", "default"], "--jwt-issuer"),
        (vec!["--jwt-rate", "5"], "--jwt-issuer"),
        (vec!["--jwt-issuer", "login.example.org", "--jwt-audience", AUDIENCE], "it is no URL"),
        (vec!["--jwt-issuer", "https://mia@login.example.org", "--jwt-audience", AUDIENCE], "without user"),
        (vec!["--jwt-issuer", "http://login.example.org", "--jwt-audience", AUDIENCE], "could exchange the keys"),
        (with(&["--jwt-jwks", "http://keys.example.org/jwks"]), "could exchange the keys"),
        (with(&["--jwt-jwks", "ftp://keys.example.org/jwks"]), "could exchange the keys"),
        (with(&["--jwt-jwks", "/nowhere/jwks.json"]), "/nowhere/jwks.json cannot be read"),
        (with(&["--jwt-leeway-seconds", "301"]), "301 is not in 0..=300"),
        (with(&["--jwt-stale-seconds-max", "86401"]), "86401 is not in 0..=86400"),
        (with(&["--jwt-tenant", "../default"]), "a tenant is"),
        (with(&["--jwt-tenant-claim", ""]), "1 to 255"),
    ] {
        let output = finished(comanda().args(["serve", "--data", data.to_str().unwrap()]).args(&arguments));
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(complaint(&output).contains(said), "{arguments:?}: {}", complaint(&output));
    }
    assert!(!data.exists(), "nothing was made");
    let mut by_environment = comanda();
    by_environment.args(["serve", "--data", data.to_str().unwrap()]).env("COMANDA_JWT_ISSUER", issuer);
    assert!(complaint(&finished(&mut by_environment)).contains("--jwt-audience"));
}

#[test]
fn they_come_from_a_file_and_the_environment_as_well() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("comanda.toml");
    std::fs::write(
        &file,
        "jwt-issuer = \"https://login.example.org\"\njwt-audience = \"shop\"\njwt-leeway-seconds = 5\n",
    )
    .unwrap();
    let mut command = comanda();
    command
        .args(["config", "--json", "--data", "x", "--config", file.to_str().unwrap()])
        .env("COMANDA_JWT_AUDIENCE", AUDIENCE);
    let output = finished(&mut command);
    assert!(output.status.success(), "{}", complaint(&output));
    let settings: Value = serde_json::from_slice(&output.stdout).unwrap();
    let value = |name: &str| {
        let found = settings.as_array().unwrap().iter().find(|setting| setting["setting"] == name).unwrap();
        found["value"].as_str().unwrap().to_owned()
    };
    assert_eq!(value("jwt-issuer"), "https://login.example.org");
    assert_eq!(value("jwt-audience"), AUDIENCE);
    assert_eq!((value("jwt-leeway-seconds"), value("jwt-tenant-claim")), ("5".to_owned(), "tenant".to_owned()));
}
