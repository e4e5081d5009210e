//! Messages that can have no effect, in a real server: named with their cause, tried again, given up; the others pass.

use serde_json::json;

use crate::server::{Server, comanda};
use crate::wait;

/// A Fulfillment that reads the answers of an Inventory which another one has asked.
fn stranger(of: &Server, folder: &std::path::Path) -> Server {
    let mut command = comanda();
    let inventory = format!("http://{}", of.addr);
    command.args(["serve", "--listen", "127.0.0.1:0", "--roles", "fulfillment", "--inventory-at", &inventory]);
    Server::serving(command, &folder.join("data"), &folder.join("stderr.txt"))
}

#[test]
fn what_can_have_no_effect_is_named_tried_again_and_given_up_while_the_rest_passes() {
    let shop = Server::start();
    shop.stocked("TEA", 5);
    for order in ["o", "p"] {
        shop.place(order, &[("TEA", 1)]).is(202);
        assert_eq!(shop.answered(order), "RESERVED");
    }
    let folder = tempfile::tempdir().unwrap();
    let server = stranger(&shop, folder.path());
    let letters = wait::until("both answers are dead letters", || {
        let letters = server.get("/v1/dead-letters").is(200).json()["items"].as_array().unwrap().clone();
        (letters.len() == 2).then_some(letters)
    });
    for (letter, order) in letters.iter().zip(["o", "p"]) {
        assert_eq!((&letter["dead"], &letter["attempts"]), (&json!(true), &json!(1)), "{letter}");
        assert_eq!(letter["cause"], format!("order {order} has made no attempt 1"), "{letter}");
        assert_eq!(letter["event"]["data"]["orderId"], order);
    }
    let path = |which: usize| format!("/v1/dead-letters/{}", letters[which]["deadLetterId"].as_str().unwrap());
    let read = server.get(&path(0)).is(200);
    let known = server.request("GET", &path(0)).header("if-none-match", &read.etag()).send();
    assert_eq!((known.status, known.etag()), (304, read.etag()));
    // Nothing was mended: it fails again, and says why.
    let again = server.poke(&format!("{}/retry", path(0))).is(200).json();
    assert_eq!((&again["passed"], &again["dead"]), (&json!(false), &json!(true)), "{again}");
    let both = server.post("/v1/dead-letters:retry", &json!({"kind": letters[0]["kind"]})).is(200).json();
    assert_eq!((&both["passed"], &both["failed"]), (&json!(0), &json!(2)), "{both}");
    server.post(&format!("{}/discard", path(0)), &json!({"reason": ""})).is(422);
    server.post(&format!("{}/discard", path(0)), &json!({"reason": "not ours"})).is(204);
    server.settle();
    server.get(&path(0)).problem(404, "UNKNOWN_DEAD_LETTER");
    assert_eq!(server.get(&path(1)).is(200).json()["attempts"], 2);
    // What is dead keeps nobody else waiting, and is still there when the process comes back.
    drop(server.kill());
    let server = stranger(&shop, folder.path());
    shop.place("q", &[("TEA", 1)]).is(202);
    wait::until("the next answer has come", || {
        let letters = server.get("/v1/dead-letters").is(200).json();
        let of = |which: usize| letters["items"][which]["event"]["data"]["orderId"].as_str().map(ToOwned::to_owned);
        (of(0).as_deref() == Some("p") && of(1).as_deref() == Some("q")).then_some(())
    });
}
