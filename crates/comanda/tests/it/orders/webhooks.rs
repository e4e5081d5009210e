//! Webhooks of the running program: signed, in order, tried again, sent again, and never to this machine unless it is allowed.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use comanda_contracts::{Page, WebhookDelivery};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use super::receiver::{Heard, Receiver};
use crate::server::{Server, comanda};
use crate::wait;

/// The types of events that these tests listen to: one of each order.
const PLACED: &str = "comanda.fulfillment.order-placed.v1";

/// A server whose webhooks may go to this machine, and its folder.
struct Desk {
    server: Server,
    folder: tempfile::TempDir,
}

impl Desk {
    fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { server: Self::serve(&folder), folder }
    }

    fn serve(folder: &tempfile::TempDir) -> Server {
        let mut command = comanda();
        command.args(["serve", "--listen", "127.0.0.1:0", "--webhooks-to-loopback"]);
        let server = Server::serving(command, &folder.path().join("data"), &folder.path().join("stderr.txt"));
        wait::until("the server is ready", || (server.get("/ready").status == 200).then_some(()));
        server
    }

    fn killed_and_started(self) -> Self {
        drop(self.server.kill());
        Self { server: Self::serve(&self.folder), folder: self.folder }
    }

    /// Tells `receiver` of every order placed from now on, under `id`; returns the secret.
    #[track_caller]
    fn tell(&self, id: &str, receiver: &Receiver) -> String {
        let hook = json!({"webhookId": id, "url": receiver.url(), "kinds": [PLACED]});
        let made = self.server.post("/v1/webhooks?context=fulfillment", &hook).is(201).json();
        made["secret"].as_str().unwrap().to_owned()
    }

    fn place(&self, count: std::ops::Range<usize>) {
        for n in count {
            self.server.place(&format!("o{n}"), &[("TEA", 1)]).is(202);
        }
    }

    /// The tries for webhook `id`, newest first.
    fn deliveries(&self, id: &str) -> Vec<WebhookDelivery> {
        let path = format!("/v1/webhooks/{id}/deliveries?context=fulfillment&limit=200");
        self.server.get(&path).is(200).read::<Page<WebhookDelivery>>().items
    }
}

#[track_caller]
fn heard(receiver: &Receiver, count: usize) -> Vec<Heard> {
    let told = || Some(receiver.heard()).filter(|heard| heard.len() >= count);
    wait::until_or(told, || format!("{count} deliveries; {} came", receiver.heard().len()))
}

#[track_caller]
fn is_signed(heard: &Heard, secret: &str) {
    let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    mac.update(format!("{}.{}.", heard.header("webhook-id"), heard.header("webhook-timestamp")).as_bytes());
    mac.update(&heard.body);
    assert_eq!(heard.header("webhook-signature"), format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())));
    let sent: i64 = heard.header("webhook-timestamp").parse().unwrap();
    assert!((jiff::Timestamp::now().as_second() - sent).abs() < 60, "it was signed at {sent}");
}

#[test]
fn events_come_signed_and_in_the_order_of_their_partition() {
    let desk = Desk::open();
    let receiver = Receiver::start();
    desk.place(0..5);
    // It is told from where the views have come to.
    desk.server.settle();
    let secret = desk.tell("erp", &receiver);
    desk.place(5..45);
    let told = heard(&receiver, 40);
    let mut last = std::collections::BTreeMap::new();
    let mut orders = std::collections::BTreeSet::new();
    for heard in &told {
        is_signed(heard, &secret);
        assert_eq!(heard.header("content-type"), "application/cloudevents+json");
        let event = heard.event();
        assert_eq!(event.event_type, PLACED);
        let sequence: u64 = event.sequence.parse().unwrap();
        assert!(last.insert(event.partition, sequence) < Some(sequence), "not in order: {event:?}");
        assert!(orders.insert(event.subject), "told twice");
    }
    let after: std::collections::BTreeSet<_> = (5..45).map(|n| format!("o{n}")).collect();
    assert_eq!(orders, after, "what happened before it was there is not told");
    wait::until("all are written down", || (desk.deliveries("erp").len() == 40).then_some(()));
    assert!(desk.deliveries("erp").iter().all(|delivery| delivery.succeeded && delivery.status_code == Some(204)));
    desk.server.stop().verifies();
}

#[test]
fn a_receiver_that_fails_is_told_again_and_nothing_overtakes() {
    let desk = Desk::open();
    let receiver = Receiver::start();
    receiver.answers(&[500]);
    let secret = desk.tell("erp", &receiver);
    desk.place(0..3);
    let told = heard(&receiver, 4);
    assert_eq!((told[0].event(), told[0].header("webhook-id")), (told[1].event(), told[1].header("webhook-id")));
    assert_eq!(told.len(), 4, "only what failed came twice");
    told.iter().for_each(|heard| is_signed(heard, &secret));
    let log = wait::until("all are written down", || Some(desk.deliveries("erp")).filter(|log| log.len() == 4));
    let tries = |event: &WebhookDelivery| (event.succeeded, event.status_code, event.attempt);
    let first: Vec<_> = log.iter().filter(|delivery| delivery.event_id == told[0].event().id).map(tries).collect();
    assert_eq!(first, [(true, Some(204), 2), (false, Some(500), 1)]);
    let hook: Value = desk.server.get("/v1/webhooks/erp?context=fulfillment").is(200).json();
    assert_eq!((&hook["enabled"], &hook["failures"], hook.get("secret")), (&json!(true), &json!(0), None));
}

#[test]
fn one_that_wants_no_more_is_told_no_more() {
    let desk = Desk::open();
    let receiver = Receiver::start();
    receiver.answers(&[410]);
    desk.tell("erp", &receiver);
    desk.place(0..1);
    wait::until("it is left alone", || {
        let hook = desk.server.get("/v1/webhooks/erp?context=fulfillment").is(200).json();
        (hook["disabledReason"] == "GONE").then_some(())
    });
    let event = json!({"eventId": receiver.heard()[0].event().id});
    let again = desk.server.post("/v1/webhooks/erp/redeliver?context=fulfillment", &event);
    again.problem(409, "WEBHOOK_DISABLED");
    assert_eq!(receiver.heard().len(), 1);
}

#[test]
fn an_event_is_sent_again_when_somebody_asks() {
    let desk = Desk::open();
    let receiver = Receiver::start();
    let secret = desk.tell("erp", &receiver);
    desk.place(0..3);
    let told = heard(&receiver, 3);
    let event = told[1].event();
    let again = json!({"eventId": event.id});
    desk.server.post("/v1/webhooks/erp/redeliver?context=fulfillment", &again).is(202);
    let told = heard(&receiver, 4);
    assert_eq!((told[3].event(), told[3].header("webhook-id")), (event, told[1].header("webhook-id")));
    is_signed(&told[3], &secret);
    wait::until("it is written down", || {
        desk.deliveries("erp").iter().any(|delivery| delivery.redelivery).then_some(())
    });
    desk.server.post("/v1/webhooks/nobody/redeliver?context=fulfillment", &again).problem(404, "UNKNOWN_WEBHOOK");
}

#[test]
fn a_webhook_and_its_secret_outlive_the_process() {
    let desk = Desk::open();
    let receiver = Receiver::start();
    let secret = desk.tell("erp", &receiver);
    let desk = desk.killed_and_started();
    desk.place(0..2);
    heard(&receiver, 2).iter().for_each(|heard| is_signed(heard, &secret));
    desk.server.request("DELETE", "/v1/webhooks/erp?context=fulfillment").send().is(204);
    let again = desk.server.get("/v1/webhooks/erp?context=fulfillment");
    again.problem(404, "UNKNOWN_WEBHOOK");
}

#[test]
fn this_machine_is_not_called_unless_it_is_allowed() {
    let server = Server::start();
    let receiver = Receiver::start();
    let hook = |url: &str| {
        let hook = json!({"webhookId": "erp", "url": url, "kinds": [PLACED]});
        server.post("/v1/webhooks?context=fulfillment", &hook)
    };
    for address in [
        "http://127.0.0.1:80/x",
        "http://[::1]/x",
        "http://10.0.0.1/x",
        "http://169.254.169.254/latest",
        &receiver.url(),
    ] {
        let problem = hook(address).problem(422, "INVALID_FIELDS");
        assert_eq!(problem.errors[0].pointer, "/url");
        assert!(problem.errors[0].detail.contains("not public"), "{problem:?}");
    }
    // What a name leads to is seen when it is called.
    hook(&receiver.url().replace("127.0.0.1", "localhost")).is(201);
    server.place("o", &[("TEA", 1)]).is(202);
    let tried = wait::until("it was tried", || {
        let page: Page<WebhookDelivery> = server.get("/v1/webhooks/erp/deliveries?context=fulfillment").is(200).read();
        page.items.into_iter().next()
    });
    assert!(!tried.succeeded && tried.error.as_deref().unwrap().contains("not public"), "{tried:?}");
    assert!(receiver.heard().is_empty());
}

#[test]
fn whose_webhook_it_is_must_be_said_where_both_are_served() {
    let server = Server::start();
    for (method, path) in
        [("GET", "/v1/webhooks"), ("GET", "/v1/webhooks/erp?context=kitchen"), ("POST", "/v1/webhooks")]
    {
        let answer = server.request(method, path).json(&json!({"url": "https://shop.example/hook"})).send();
        let problem = answer.problem(400, "INVALID_PARAMETER");
        assert_eq!(problem.errors[0].pointer, "?context");
        assert!(problem.detail.contains("inventory, fulfillment") || problem.errors[0].detail.contains("inventory"));
    }
}
