//! Tokens that count, however their issuer writes them, and where they may be read from.

use serde_json::{Value, json};

use super::issuer::{AUDIENCE, Issuer, Manner, document, get_with, now, served, starting};
use super::signer::Signer;
use crate::server::{Server, comanda};
use crate::wait;

#[test]
fn every_algorithm_that_is_taken_is_verified() {
    let issuer = Issuer::start();
    let (rsa, p384, edwards) = (Signer::rsa("rsa"), Signer::p384("p384"), Signer::edwards("edwards"));
    issuer.does(Manner::Publish(document(&[&issuer.signer, &rsa, &p384, &edwards]), 600));
    let server = served(&issuer, &[]);
    for (signer, algorithm) in [
        (&rsa, "RS256"),
        (&rsa, "PS256"),
        (&rsa, "PS512"),
        (&issuer.signer, "ES256"),
        (&p384, "ES384"),
        (&edwards, "EdDSA"),
    ] {
        let token = signer.signed(&json!({"alg": algorithm, "kid": signer.id}), &issuer.claims());
        // Twice: the second time it is remembered.
        for _ in 0..2 {
            assert_eq!(get_with(&server, &token).status, 200, "{algorithm}");
        }
        let (message, signature) = token.rsplit_once('.').unwrap();
        let wrong = format!("{message}.{}", signature.chars().rev().collect::<String>());
        get_with(&server, &wrong).problem(401, "UNAUTHENTICATED");
    }
}

#[test]
fn a_token_may_be_written_in_any_way_that_the_standards_allow() {
    let issuer = Issuer::start();
    let server = served(&issuer, &[]);
    let key = &issuer.signer;
    let long = "m".repeat(255);
    let rows: [(&str, Value, Value); 12] = [
        ("several audiences", json!({}), json!({"aud": ["shop", AUDIENCE]})),
        ("scopes in a list", json!({}), json!({"scope": ["queries", "email"]})),
        ("scopes of others beside", json!({}), json!({"scope": "openid queries"})),
        ("an end with a fraction", json!({}), json!({"exp": now() as f64 + 600.5})),
        ("just over, by a clock that differs", json!({}), json!({"exp": now() - 5})),
        ("just not yet, by a clock that differs", json!({}), json!({"nbf": now() + 5})),
        ("a subject as some directories have it", json!({}), json!({"sub": "auth0|5f7c8ec7"})),
        ("a long subject", json!({}), json!({ "sub": long })),
        ("more claims than are known", json!({}), json!({"iat": now(), "jti": "1", "roles": {"a": ["b"]}})),
        ("no type", json!({"typ": null}), json!({})),
        ("a type written otherwise", json!({"typ": "application/AT+JWT"}), json!({})),
        ("no ID of the only key", json!({"kid": null}), json!({})),
    ];
    for (row, head, more) in rows {
        let mut whole = json!({"alg": "ES256", "kid": "first", "typ": "JWT"});
        whole.as_object_mut().unwrap().extend(head.as_object().unwrap().clone());
        whole.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        let mut claims = issuer.claims();
        claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let answer = get_with(&server, &key.signed(&whole, &claims));
        assert_eq!(answer.status, 200, "{row}: {answer:?}");
    }
}

#[test]
fn a_token_that_is_remembered_ends_when_it_says() {
    let issuer = Issuer::start();
    let server = served(&issuer, &["--jwt-leeway-seconds", "0"]);
    let mut claims = issuer.claims();
    claims["exp"] = json!(now() + 2);
    let token = issuer.signer.token(&claims);
    get_with(&server, &token).is(200);
    let refused = wait::until("it has ended", || {
        let answer = get_with(&server, &token);
        (answer.status == 401).then_some(answer)
    });
    assert!(now() >= claims["exp"].as_u64().unwrap());
    assert!(refused.problem(401, "UNAUTHENTICATED").detail.contains("has expired"));
}

#[test]
fn claims_have_the_names_that_the_issuer_gives_them() {
    let issuer = Issuer::start();
    let names =
        ["--jwt-tenant-claim", "https://example.org/shop", "--jwt-scope-claim", "scp", "--jwt-tenant", "default"];
    let server = starting(&issuer, &names);
    let with = |changes: Value| {
        let mut claims = issuer.claims();
        let claims_map = claims.as_object_mut().unwrap();
        claims_map.remove("tenant");
        claims_map.extend(changes.as_object().unwrap().clone());
        get_with(&server, &issuer.signer.token(&claims))
    };
    wait::until("tokens count", || (with(json!({"scp": "queries"})).status == 200).then_some(()));
    with(json!({"scp": ["queries"], "https://example.org/shop": "default"})).is(200);
    with(json!({"scp": ["queries"], "https://example.org/shop": "other"})).problem(403, "FORBIDDEN");
    // The claim that is usual elsewhere says nothing here.
    with(json!({"scope": "queries"})).problem(403, "FORBIDDEN");
    with(json!({"scp": "queries", "tenant": "other"})).is(200);
}

#[test]
fn keys_may_be_in_a_file_which_is_read_again_when_it_changes() {
    let folder = tempfile::tempdir().unwrap();
    let (file, data) = (folder.path().join("jwks.json"), folder.path().join("data"));
    let (old, new) = (Signer::p256("old"), Signer::edwards("new"));
    std::fs::write(&file, document(&[&old])).unwrap();
    let mut command = comanda();
    command.args(["serve", "--listen", "127.0.0.1:0", "--jwt-audience", AUDIENCE]);
    command.args(["--jwt-issuer", "https://login.example.org/shop"]).env("COMANDA_JWT_JWKS", &file);
    let server = Server::serving(command, &data, &folder.path().join("stderr.txt"));
    let claims = json!({"iss": "https://login.example.org/shop", "aud": AUDIENCE, "sub": "mia", "tenant": "default",
        "scope": "queries", "exp": now() + 600});
    get_with(&server, &old.token(&claims)).is(200);
    // What cannot be read changes nothing.
    std::fs::write(&file, "{").unwrap();
    wait::until("it is told", || server.complaints().contains("the keys of tokens cannot be fetched").then_some(()));
    get_with(&server, &old.token(&claims)).is(200);
    std::fs::write(&file, document(&[&new])).unwrap();
    wait::until("the new key counts", || (get_with(&server, &new.token(&claims)).status == 200).then_some(()));
    get_with(&server, &old.token(&claims)).problem(401, "UNAUTHENTICATED");
}
