//! Addresses that others can reach: refused without TLS, encrypted with it, operations apart, a new certificate without a restart.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

use super::ring::{Key, create};
use crate::http::Request;
use crate::server::{Server, comanda, complaint, finished};
use crate::wait;

const NAME: &str = "comanda.test";

/// A certificate for [`NAME`] that nobody but itself has signed, and its key, in files.
struct Certificate {
    pem: String,
    certificate: PathBuf,
    key: PathBuf,
}

impl Certificate {
    fn in_dir(dir: &Path) -> Self {
        Self::made_out_for(NAME, dir)
    }

    fn made_out_for(name: &str, dir: &Path) -> Self {
        let (certificate, key) = (dir.join("cert.pem"), dir.join("key.pem"));
        let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        std::fs::write(&certificate, made.cert.pem()).unwrap();
        Self { pem: made.cert.pem(), certificate, key }
    }

    /// A client that trusts this certificate and no other.
    fn client(&self, addr: SocketAddr) -> reqwest::Client {
        let trusted = reqwest::Certificate::from_pem(self.pem.as_bytes()).unwrap();
        let builder = reqwest::Client::builder().no_proxy().tls_built_in_root_certs(false);
        builder.add_root_certificate(trusted).resolve(NAME, addr).pool_max_idle_per_host(0).build().unwrap()
    }

    async fn status(&self, addr: SocketAddr, path: &str, key: Option<&Key>) -> Result<u16, reqwest::Error> {
        let asked = self.client(addr).get(format!("https://{NAME}:{}{path}", addr.port()));
        let asked = key.into_iter().fold(asked, |asked, key| asked.bearer_auth(&key.text));
        Ok(asked.timeout(Duration::from_secs(10)).send().await?.status().as_u16())
    }
}

fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// A server on every address of this machine.
fn public(folder: &TempDir, certificate: &Certificate, more: &[&str]) -> (Server, Key) {
    let data = folder.path().join("data");
    let key = create(&data, "owner", &["--scopes", "queries,commands,operations"]);
    let mut command = comanda();
    command.args(["serve", "--listen", "0.0.0.0:0"]).args(more);
    command.arg("--tls-cert").arg(&certificate.certificate).arg("--tls-key").arg(&certificate.key);
    (Server::serving(command, &data, &folder.path().join("stderr.txt")), key)
}

#[tokio::test]
async fn a_public_address_is_served_encrypted_to_those_with_a_key() {
    let folder = tempfile::tempdir().unwrap();
    let certificate = Certificate::in_dir(folder.path());
    let operations = free();
    let (server, key) = public(&folder, &certificate, &["--operations-addr", &operations.to_string()]);
    assert_eq!(certificate.status(server.addr, "/health", None).await.unwrap(), 200);
    assert_eq!(certificate.status(server.addr, "/v1/stock", None).await.unwrap(), 401);
    assert_eq!(certificate.status(server.addr, "/v1/stock", Some(&key)).await.unwrap(), 200);
    let plain = Request::new(server.addr, "GET", "/health").try_send();
    assert!(plain.is_none_or(|answer| answer.status >= 400), "nothing is said in clear text");
    // Operations are at their own address, and nothing else is.
    for path in ["/metrics", "/v1/webhooks?context=inventory", "/v1/dead-letters?context=inventory"] {
        assert_eq!(certificate.status(server.addr, path, None).await.unwrap(), 401, "{path}");
        assert_eq!(certificate.status(server.addr, path, Some(&key)).await.unwrap(), 404, "{path}");
        Request::new(operations, "GET", path).send().problem(401, "UNAUTHENTICATED");
        Request::new(operations, "GET", path).bearer(&key.text).send().is(200);
    }
    Request::new(operations, "GET", "/v1/stock").bearer(&key.text).send().problem(404, "NOT_FOUND");
    Request::new(operations, "GET", "/health").send().is(200);
    server.stop().verifies();
}

#[tokio::test]
async fn without_any_key_a_public_address_lets_nobody_in() {
    let folder = tempfile::tempdir().unwrap();
    let certificate = Certificate::in_dir(folder.path());
    let none = folder.path().join("none.json");
    std::fs::write(&none, r#"{"keys": []}"#).unwrap();
    let (server, _) = public(&folder, &certificate, &["--keys", none.to_str().unwrap()]);
    assert_eq!(certificate.status(server.addr, "/v1/stock", None).await.unwrap(), 401);
}

#[tokio::test]
async fn a_renewed_certificate_is_used_without_a_restart_and_a_broken_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let old = Certificate::in_dir(folder.path());
    let (server, _) = public(&folder, &old, &[]);
    assert_eq!(old.status(server.addr, "/health", None).await.unwrap(), 200);
    std::fs::write(&old.certificate, "no certificate").unwrap();
    wait::until("it is told", || server.complaints().contains("the certificate stays as it was").then_some(()));
    assert_eq!(old.status(server.addr, "/health", None).await.unwrap(), 200);
    let new = Certificate::in_dir(folder.path());
    let started = std::time::Instant::now();
    let mut pause = tokio::time::interval(Duration::from_millis(50));
    while new.status(server.addr, "/health", None).await.is_err() {
        assert!(started.elapsed() < wait::PATIENCE, "the new certificate is not used");
        pause.tick().await;
    }
    assert!(old.status(server.addr, "/health", None).await.is_err(), "the old one is gone");
}

#[test]
fn commands_ask_a_server_that_speaks_tls_and_are_told_how() {
    let folder = tempfile::tempdir().unwrap();
    let certificate = Certificate::made_out_for("localhost", folder.path());
    let data = folder.path().join("data");
    let key = create(&data, "owner", &["--scopes", "queries,commands,operations"]);
    let file = folder.path().join("owner.key");
    std::fs::write(&file, &key.text).unwrap();
    let mut command = comanda();
    command.args(["serve", "--listen", "127.0.0.1:0"]);
    command.arg("--tls-cert").arg(&certificate.certificate).arg("--tls-key").arg(&certificate.key);
    let server = Server::serving(command, &data, &folder.path().join("stderr.txt"));
    let port = server.addr.port();
    let (plain, encrypted) = (server.addr.to_string(), format!("https://localhost:{port}"));
    let asked = |words: &[&str], addr: &str, believed: bool| {
        let mut command = comanda();
        command.args(words).args(["--addr", addr]).arg("--api-key-file").arg(&file);
        if believed {
            command.arg("--tls-ca").arg(&certificate.certificate);
        }
        let output = finished(&mut command);
        // Without spaces: where a line of it ends depends on what it names.
        (output.status.code(), complaint(&output).replace(' ', ""))
    };
    let commands = [
        &["export", "-"][..],
        &["events", "tail", "--from-start", "--no-follow"],
        &["projections", "list"],
        &["load", "flash-sale", "--stock", "2", "--buyers", "4", "--connections", "2"],
    ];
    for words in commands {
        let (code, said) = asked(words, &encrypted, true);
        assert_eq!(code, Some(0), "{words:?}: {said}");
        let (code, said) = asked(words, &encrypted, false);
        assert!(code == Some(2) && said.contains("mustbeknownhere"), "{words:?}: {said}");
        let (code, said) = asked(words, &plain, false);
        assert!(code == Some(2) && said.contains("https://NAME:PORT"), "{words:?}: {said}");
        let (code, said) = asked(words, &plain, true);
        assert!(code == Some(2) && said.contains("--tls-caisforaserverthatspeaksTLS"), "{words:?}: {said}");
    }
    // The certificate is made out for a name, not for the address.
    let (code, said) = asked(commands[0], &format!("https://127.0.0.1:{port}"), true);
    assert!(code == Some(2) && said.contains("noTLSwith"), "{said}");
}

#[test]
fn what_would_expose_a_server_is_refused_before_there_is_any_data() {
    let folder = tempfile::tempdir().unwrap();
    let certificate = Certificate::in_dir(folder.path());
    let (cert, key) = (certificate.certificate.to_str().unwrap(), certificate.key.to_str().unwrap());
    let data = folder.path().join("data");
    for (arguments, said) in [
        (&["--listen", "0.0.0.0:0"][..], "keys-travel-in-clear-text"),
        (&["--listen", "[::]:0", "--auth", "required"], "--tls-cert and --tls-key"),
        (&["--listen", "127.0.0.1:0", "--operations-addr", "0.0.0.0:0"], "refusing to listen on 0.0.0.0:0"),
        (&["--listen", "0.0.0.0:0", "--tls-cert", cert], "--tls-key"),
        (&["--listen", "0.0.0.0:0", "--tls-cert", cert, "--tls-key", cert], "cert.pem cannot be used for TLS"),
        (&["--listen", "0.0.0.0:0", "--tls-cert", key, "--tls-key", key], "key.pem cannot be used for TLS"),
        (&["--listen", "0.0.0.0:0", "--tls-cert", "/nowhere.pem", "--tls-key", key], "/nowhere.pem cannot be used"),
    ] {
        let output = finished(comanda().args(["serve", "--data", data.to_str().unwrap()]).args(arguments));
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(complaint(&output).contains(said), "{arguments:?}: {}", complaint(&output));
    }
    assert!(!data.exists());
}

#[test]
fn behind_something_that_encrypts_the_risk_can_be_taken_and_keys_are_still_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut command = comanda();
    command.args(["serve", "--listen", "0.0.0.0:0", "--i-know-keys-travel-in-clear-text"]);
    let server = Server::serving(command, &data, &folder.path().join("stderr.txt"));
    Request::new(server.addr, "GET", "/v1/stock").send().problem(401, "UNAUTHENTICATED");
    let key = create(&data, "owner", &["--scopes", "queries,operations"]);
    wait::until("the key counts", || {
        (Request::new(server.addr, "GET", "/v1/stock").bearer(&key.text).send().status == 200).then_some(())
    });
    // Operations are nowhere until they are given an address.
    Request::new(server.addr, "GET", "/metrics").bearer(&key.text).send().problem(404, "NOT_FOUND");
}
