//! What becomes of tokens when the issuer's keys change, when it is away, and when many name a key that there is not.

use std::time::{Duration, Instant};

use serde_json::json;

use super::issuer::{Issuer, Manner, document, get_with, served, starting};
use super::signer::Signer;
use crate::server::Server;
use crate::wait;

fn eventually(server: &Server, token: &str, status: u16) {
    let mut last = 0;
    wait::until_or(
        || {
            last = get_with(server, token).status;
            (last == status).then_some(())
        },
        || format!("it should be {status}"),
    );
}

#[test]
fn a_new_key_counts_at_once_and_one_that_was_taken_out_no_more() {
    let issuer = Issuer::start();
    issuer.publishes(&[&issuer.signer]);
    let server = served(&issuer, &[]);
    let next = Signer::edwards("next");
    issuer.publishes(&[&issuer.signer, &next]);
    let token = next.token(&issuer.claims());
    // The token itself has the keys fetched: it is not even refused once.
    get_with(&server, &token).is(200);
    server.get("/v1/stock").is(200);
    // A token that was found right before is forgotten with its key.
    issuer.publishes(&[&next]);
    eventually(&server, &issuer.token(), 401);
    server.get("/v1/stock").problem(401, "UNAUTHENTICATED");
    get_with(&server, &token).is(200);
    // Another key under the old name.
    let again = Signer::p256("next");
    issuer.publishes(&[&again]);
    eventually(&server, &token, 401);
    get_with(&server, &again.token(&issuer.claims())).is(200);
    // No key at all is an answer as well.
    issuer.publishes(&[]);
    eventually(&server, &again.token(&issuer.claims()), 401);
}

#[test]
fn while_the_issuer_is_away_known_keys_count_on_and_unknown_ones_cannot_be_told() {
    let issuer = Issuer::start();
    issuer.publishes(&[&issuer.signer]);
    let server = served(&issuer, &[]);
    issuer.does(Manner::Away);
    let before = issuer.asked();
    wait::until("its keys should have been fetched anew", || (issuer.asked() > before + 1).then_some(()));
    server.get("/v1/stock").is(200);
    let fresh = issuer.token_for("tom", "default", "queries");
    get_with(&server, &fresh).is(200);
    let next = Signer::p256("next");
    let refused = get_with(&server, &next.token(&issuer.claims()));
    refused.problem(503, "ISSUER_UNAVAILABLE");
    assert_eq!(refused.header("retry-after"), Some("5"));
    assert!(server.complaints().contains("the keys of tokens cannot be fetched"));
    issuer.publishes(&[&issuer.signer, &next]);
    eventually(&server, &next.token(&issuer.claims()), 200);
}

#[test]
fn keys_that_could_not_be_fetched_for_too_long_count_no_more() {
    let issuer = Issuer::start();
    issuer.publishes(&[&issuer.signer]);
    let server = served(&issuer, &["--jwt-stale-seconds-max", "0"]);
    issuer.does(Manner::Away);
    eventually(&server, &issuer.token(), 503);
    get_with(&server, &issuer.token()).problem(503, "ISSUER_UNAVAILABLE");
    issuer.publishes(&[&issuer.signer]);
    eventually(&server, &issuer.token(), 200);
}

#[test]
fn a_server_starts_without_its_issuer_and_takes_tokens_once_that_is_there() {
    let issuer = Issuer::start();
    issuer.does(Manner::Away);
    let server = starting(&issuer, &[]);
    get_with(&server, &issuer.token()).problem(503, "ISSUER_UNAVAILABLE");
    crate::http::Request::new(server.addr, "GET", "/v1/stock").send().problem(401, "UNAUTHENTICATED");
    issuer.publishes(&[&issuer.signer]);
    eventually(&server, &issuer.token(), 200);
}

#[test]
fn after_a_restart_the_same_token_opens_the_same_data() {
    let issuer = Issuer::start();
    let server = served(&issuer, &[]);
    server.stocked("TEA", 5);
    let stopped = server.kill();
    let mut command = crate::server::comanda();
    command.args(["serve", "--listen", "127.0.0.1:0"]).args(issuer.arguments());
    let mut again = Server::serving(command, &stopped.data, &stopped.data.join("stderr.txt"));
    again.come_with(&issuer.token());
    wait::until("tokens count", || (again.get("/v1/stock").status == 200).then_some(()));
    assert_eq!(again.counters("TEA"), (5, 0, 0, 5));
    again.stop().verifies();
}

#[test]
fn many_unknown_keys_at_once_ask_the_issuer_once_and_hold_up_nobody() {
    let issuer = Issuer::start();
    let server = served(&issuer, &[]);
    let strangers = Signer::p256("stranger");
    let (before, started) = (issuer.asked(), Instant::now());
    let answered: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|thread| {
                let (server, issuer, strangers) = (&server, &issuer, &strangers);
                scope.spawn(move || {
                    let refused = (0..25).filter(|n| {
                        let head = json!({"alg": "ES256", "kid": format!("unknown-{thread}-{n}")});
                        get_with(server, &strangers.signed(&head, &issuer.claims())).status == 401
                    });
                    refused.count()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(answered, 200);
    let bound = 1 + started.elapsed().as_secs() as usize / 5;
    assert!(issuer.asked() - before <= bound, "{} fetches, {bound} are allowed", issuer.asked() - before);
    // Not more than before: the token that waited for the server may have had them fetched a moment ago, and that counts for these.
    assert!(issuer.asked() > 1, "beside the fetch of the start one was for a token");
}

#[test]
fn an_issuer_that_does_not_answer_keeps_nobody_waiting_for_long() {
    let issuer = Issuer::start();
    let server = served(&issuer, &[]);
    issuer.does(Manner::Late);
    let next = Signer::p256("next");
    let token = next.token(&issuer.claims());
    std::thread::scope(|scope| {
        let waiting: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let started = Instant::now();
                    (get_with(&server, &token).status, started.elapsed())
                })
            })
            .collect();
        wait::until("the issuer is asked", || (issuer.asked() > 1).then_some(()));
        let started = Instant::now();
        server.get("/v1/stock").is(200);
        assert!(started.elapsed() < Duration::from_secs(2), "known keys wait for nothing");
        for waiting in waiting {
            let (status, took) = waiting.join().unwrap();
            assert_eq!(status, 503);
            assert!(took < Duration::from_secs(5), "{took:?}");
        }
    });
    // It answers at last, and all who wait have the answer.
    issuer.does(Manner::Publish(document(&[&issuer.signer, &next]), 600));
    eventually(&server, &token, 200);
}
