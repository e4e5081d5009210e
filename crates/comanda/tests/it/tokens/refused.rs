//! Tokens that do not count: one row for each reason, all of them signed by a key of the issuer unless that is the reason.

use ring::hmac;
use serde_json::{Value, json};

use super::issuer::{AUDIENCE, Issuer, Manner, document, get_with, now, served, starting};
use super::signer::{Signer, encoded};
use crate::http::Request;
use crate::wait;

/// `claims` with some of them changed; null takes one away.
fn changed(mut claims: Value, changes: Value) -> Value {
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
            value => claims[name] = value.clone(),
        }
    }
    claims
}

/// A token signed with a secret that everybody knows: what is published of the key.
fn signed_with_what_is_public(secret: &[u8], id: &str, claims: &Value) -> String {
    let message =
        format!("{}.{}", encoded(json!({"alg": "HS256", "kid": id}).to_string()), encoded(claims.to_string()));
    let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message.as_bytes());
    format!("{message}.{}", encoded(signature))
}

/// Tokens with a wrong head, a wrong signature, or which are none.
fn malformed(issuer: &Issuer, rsa: &Signer) -> Vec<(&'static str, String, &'static str)> {
    let (key, claims) = (&issuer.signer, issuer.claims());
    let with_head = |head: Value| key.signed(&changed(json!({"alg": "ES256", "kid": "first"}), head), &claims);
    let whole = issuer.token();
    let parts: Vec<&str> = whole.split('.').collect();
    let other = Signer::p256("first");
    let none = format!("{}.{}.", encoded(json!({"alg": "none"}).to_string()), parts[1]);
    let mut flipped = whole.clone().into_bytes();
    let middle = parts[0].len() + 20;
    flipped[middle] = if flipped[middle] == b'A' { b'B' } else { b'A' };
    let jwk = other.signed(&json!({"alg": "ES256", "kid": "first", "jwk": other.published()}), &claims);
    let n = rsa.published()["n"].as_str().unwrap().to_owned();
    vec![
        ("no token", "mia".to_owned(), "neither an API key nor a JWT"),
        ("nothing between dots", "..".to_owned(), "cannot be read"),
        ("a part missing", parts[..2].join("."), "neither an API key nor a JWT"),
        ("encrypted", format!("{whole}.a.b"), "encrypted"),
        ("alg none, no signature", none.clone(), "not signed by an algorithm"),
        ("alg none, a signature", format!("{none}{}", parts[2]), "not signed by an algorithm"),
        ("alg NONE", with_head(json!({"alg": "NONE"})), "not signed by an algorithm"),
        ("no alg", with_head(json!({"alg": null})), "cannot be read"),
        (
            "HS256 with a public RSA key",
            signed_with_what_is_public(n.as_bytes(), "rsa", &claims),
            "not signed by an algorithm",
        ),
        (
            "HS256 with the document of the keys",
            signed_with_what_is_public(document(&[key, rsa]).as_bytes(), "first", &claims),
            "not signed by an algorithm",
        ),
        ("an algorithm of another type of key", with_head(json!({"alg": "RS256"})), "not for its algorithm"),
        ("an algorithm of another curve", with_head(json!({"alg": "ES384"})), "not for its algorithm"),
        ("signed by another key of the same name", other.token(&claims), "signature is wrong"),
        ("a key in the token's own head", jwk, "signature is wrong"),
        ("a claim changed after it was signed", String::from_utf8(flipped).unwrap(), "signature is wrong"),
        ("no signature", format!("{}.{}.", parts[0], parts[1]), "signature is wrong"),
        ("a critical extension", with_head(json!({"crit": ["exp2"], "exp2": 1})), "critical extensions"),
        (
            "a critical extension that libraries know",
            with_head(json!({"crit": ["b64"], "b64": true})),
            "critical extensions",
        ),
        ("an ID for no key", with_head(json!({"kid": "none"})), "does not publish"),
        ("a path for an ID", with_head(json!({"kid": "../../etc/passwd"})), "does not publish"),
        ("a number for an ID", with_head(json!({"kid": 7})), "cannot be read"),
        ("a token to log out with", with_head(json!({"typ": "logout+jwt"})), "no access token"),
    ]
}

/// Claims that are wrong.
fn wrong_claims() -> Vec<(&'static str, Value, &'static str)> {
    vec![
        ("expired", json!({"exp": now() - 31}), "has expired"),
        ("expired long ago", json!({"exp": 1}), "has expired"),
        ("without an end", json!({"exp": null}), "`exp` is missing"),
        ("an end that is a text", json!({"exp": (now() + 600).to_string()}), "`exp` is missing"),
        ("an end before all time", json!({"exp": -1}), "`exp` is missing"),
        ("not yet", json!({"nbf": now() + 120}), "does not count yet"),
        ("a beginning that is a text", json!({"nbf": "now"}), "`nbf` is missing, or is not what it should be"),
        ("of another issuer", json!({"iss": "https://login.example.org"}), "of another issuer"),
        ("of its issuer with a slash", json!({"iss": "SLASH"}), "of another issuer"),
        ("of several issuers", json!({"iss": ["ISSUER", "https://login.example.org"]}), "more than one issuer"),
        ("of no issuer", json!({"iss": null}), "`iss` is missing"),
        ("for another audience", json!({"aud": "shop"}), "another audience"),
        ("for other audiences", json!({"aud": ["shop", "warehouse"]}), "another audience"),
        ("for no audience", json!({"aud": null}), "`aud` is missing"),
        ("for an audience written otherwise", json!({"aud": AUDIENCE.to_uppercase()}), "another audience"),
        ("about nobody", json!({"sub": null}), "`sub` is missing"),
        ("about an empty subject", json!({"sub": ""}), "`sub` is not"),
        ("about a subject with a line break", json!({"sub": "mia\nowner"}), "`sub` is not"),
        ("about a subject that is a number", json!({"sub": 7}), "`sub` is missing"),
        ("about a subject that is too long", json!({"sub": "m".repeat(256)}), "`sub` is not"),
        ("for no tenant", json!({"tenant": null}), "lacks the claim `tenant`"),
        ("for a tenant that is a path", json!({"tenant": "../default"}), "`tenant` is not the name"),
        ("for several tenants", json!({"tenant": ["default"]}), "`tenant` is not the name"),
        ("scopes that are a number", json!({"scope": 7}), "neither a text nor a list"),
        ("longer than is taken", json!({"more": "m".repeat(8 * 1024)}), "longer than 8192 bytes"),
    ]
}

#[test]
fn whatever_is_wrong_with_a_token_is_said_and_lets_nobody_in() {
    let issuer = Issuer::start();
    let rsa = Signer::rsa("rsa");
    issuer.does(Manner::Publish(document(&[&issuer.signer, &rsa]), 600));
    let server = served(&issuer, &[]);
    let mut rows = malformed(&issuer, &rsa);
    for (row, changes, said) in wrong_claims() {
        let changes =
            changes.to_string().replace("SLASH", &format!("{}/", issuer.url())).replace("ISSUER", &issuer.url());
        let claims = changed(issuer.claims(), serde_json::from_str(&changes).unwrap());
        rows.push((row, issuer.signer.token(&claims), said));
    }
    assert!(rows.len() > 40);
    for (row, token, said) in rows {
        let refused = get_with(&server, &token);
        assert_eq!(refused.status, 401, "{row}: {refused:?}");
        let problem = refused.problem(401, "UNAUTHENTICATED");
        assert!(problem.detail.contains(said), "{row}: {}", problem.detail);
        assert_eq!(refused.header("www-authenticate"), Some("Bearer error=\"invalid_token\""), "{row}");
        let body = String::from_utf8(refused.body).unwrap();
        let parts = token.split('.').filter(|part| part.len() > 8);
        assert!(!parts.into_iter().any(|part| body.contains(part)) && !body.contains(&issuer.url()), "{row}: {body}");
    }
    server.get("/v1/stock").is(200);
}

#[test]
fn a_tenant_that_nobody_has_made_here_is_not_made_by_a_token() {
    let issuer = Issuer::start();
    let server = served(&issuer, &[]);
    let token = issuer.token_for("mia", "shop-7", "queries");
    let refused = get_with(&server, &token);
    assert!(refused.problem(403, "FORBIDDEN").detail.contains("tenant that your token names is not known"));
    assert!(!server.data().join("tenants").exists());
    // Once there is a key for it, somebody has said that it is to be.
    let made = crate::server::run(&[
        "keys",
        "create",
        "--name",
        "first",
        "--tenant",
        "shop-7",
        "--data",
        server.data().to_str().unwrap(),
    ]);
    assert!(made.status.success());
    wait::until("the tenant is known", || (get_with(&server, &token).status == 200).then_some(()));
    assert!(server.data().join("tenants/shop-7/inventory/log.db").exists());
    for (header, value) in [("tenant", "shop-7"), ("x-tenant", "shop-7"), ("x-tenant-id", "shop-7")] {
        server
            .request("POST", "/v1/skus")
            .header(header, value)
            .json(&json!({"sku": header.to_uppercase()}))
            .send()
            .is(201);
    }
    server.settle();
    assert_eq!(get_with(&server, &token).json(), json!({"items": []}));
}

#[test]
fn only_the_header_is_looked_at_and_only_once() {
    let issuer = Issuer::start();
    let server = served(&issuer, &[]);
    let token = issuer.token();
    let by_query = Request::new(server.addr, "GET", &format!("/v1/stock?access_token={token}")).send();
    by_query.problem(401, "UNAUTHENTICATED");
    Request::new(server.addr, "GET", "/v1/stock").bearer(&token).bearer(&token).send().problem(401, "UNAUTHENTICATED");
    Request::new(server.addr, "GET", "/v1/stock").send().problem(401, "UNAUTHENTICATED");
    for scheme in ["Basic", "DPoP", "JWT"] {
        let request =
            Request::new(server.addr, "GET", "/v1/stock").header("authorization", &format!("{scheme} {token}"));
        request.send().problem(401, "UNAUTHENTICATED");
    }
}

#[test]
fn keys_that_cannot_be_trusted_are_not_taken_over() {
    let issuer = Issuer::start();
    let published = document(&[&issuer.signer]);
    let elsewhere = Issuer::start();
    elsewhere.does(Manner::Publish(published.clone(), 600));
    let many: Vec<_> = (0..101).map(|_| issuer.signer.published()).collect();
    for (row, manner, said) in [
        (
            "a redirect to a place that has them",
            Manner::Say("302 Found", format!("location: {}/jwks", elsewhere.url())),
            "status 302",
        ),
        ("an error", Manner::Say("500 Internal Server Error", "x: y".to_owned()), "status 500"),
        ("no document", Manner::Publish("<html>".to_owned(), 600), "it is no JWKS"),
        (
            "too large a document",
            Manner::Publish(format!("{published}{}", " ".repeat(300_000)), 600),
            "more than 262144 bytes",
        ),
        ("too many keys", Manner::Publish(json!({ "keys": many }).to_string(), 600), "101 keys"),
    ] {
        issuer.does(manner);
        let server = starting(&issuer, &[]);
        wait::until(row, || server.complaints().contains(said).then_some(()));
        let refused = get_with(&server, &issuer.token());
        refused.problem(503, "ISSUER_UNAVAILABLE");
        assert_eq!(refused.header("retry-after"), Some("5"), "{row}");
    }
    assert_eq!(elsewhere.asked(), 0, "nobody is sent elsewhere");
}
