//! Webhooks over real sockets: told in order, signed, retried, given up, redelivered.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use comanda_messaging::webhooks::domain::breaker::Pauses;
use comanda_messaging::webhooks::{Guard, SigningKey, WebhookSettings, Webhooks, router};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use tower::ServiceExt;

use crate::house::House;
use crate::receiver::{Heard, Receiver};
use crate::wait::until;

fn quick() -> WebhookSettings {
    let ms = Duration::from_millis;
    WebhookSettings {
        guard: Guard { allow_loopback: true },
        pauses: Pauses { first: ms(10), longest: ms(40), breaker_failures: 3 },
        look_every: ms(200),
        record_every: ms(50),
        ..WebhookSettings::default()
    }
}

/// A house whose webhooks are at work.
struct Desk {
    house: House,
    router: Router,
    stop: tokio::sync::oneshot::Sender<()>,
    working: tokio::task::JoinHandle<()>,
}

impl Desk {
    async fn open(settings: WebhookSettings) -> Self {
        Self::over(House::open().await, settings)
    }

    fn over(house: House, settings: WebhookSettings) -> Self {
        let (commands, queries, feed) = (house.commands.clone(), house.queries.clone(), house.feed.clone());
        let webhooks = Webhooks::new(commands, queries, feed, SigningKey::new([7; 32]), settings).unwrap();
        let webhooks = Arc::new(webhooks);
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let working = tokio::spawn(Arc::clone(&webhooks).run(async move { drop(stopped.await) }));
        Self { house, router: router(webhooks), stop, working }
    }

    async fn call(&self, method: &str, path: &str, body: Value) -> (StatusCode, Value) {
        let request = Request::builder().method(method).uri(path).header("content-type", "application/json");
        let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        let response = self.router.clone().oneshot(request.body(body).unwrap()).await.unwrap();
        let status = response.status();
        let body = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }

    async fn get(&self, path: &str) -> Value {
        let (status, body) = self.call("GET", path, Value::Null).await;
        assert_eq!(status, 200, "{body}");
        body
    }

    /// Registers `erp` for `receiver`; returns its secret.
    async fn register(&self, receiver: &Receiver, more: Value) -> String {
        let mut body = json!({"webhookId": "erp", "url": receiver.url()});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let (status, body) = self.call("POST", "/v1/webhooks", body).await;
        assert_eq!(status, 201, "{body}");
        body["secret"].as_str().unwrap().to_owned()
    }

    async fn deliveries(&self) -> Vec<Value> {
        self.get("/v1/webhooks/erp/deliveries?limit=200").await["items"].as_array().unwrap().clone()
    }
}

async fn heard(receiver: &Receiver, count: usize) -> Vec<Heard> {
    until(&format!("{count} deliveries"), async || Some(receiver.heard()).filter(|heard| heard.len() >= count)).await
}

/// Whether one of the delivery's signatures is that of `secret`.
fn is_signed_with(heard: &Heard, secret: &str) -> bool {
    let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    let (id, timestamp) = (heard.header("webhook-id"), heard.header("webhook-timestamp"));
    mac.update(format!("{id}.{timestamp}.").as_bytes());
    mac.update(&heard.body);
    let expected = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
    heard.header("webhook-signature").split(' ').any(|signature| signature == expected)
}

#[tokio::test]
async fn it_is_told_in_order_and_signed() {
    let (desk, receiver) = (Desk::open(quick()).await, Receiver::start().await);
    desk.house.ring(3).await;
    let secret = desk.register(&receiver, json!({"fromStart": true})).await;
    desk.house.ring(3).await;
    let told = heard(&receiver, 6).await;
    assert_eq!(receiver.rings(), [1, 2, 3, 4, 5, 6]);
    for heard in &told {
        assert!(is_signed_with(heard, &secret));
        assert!(heard.header("webhook-id").starts_with("evt_"));
        assert_eq!(heard.header("content-type"), "application/cloudevents+json");
        assert_eq!(heard.json()["type"], "bell.rung.v1");
    }
    assert_ne!(told[0].header("webhook-id"), told[1].header("webhook-id"));
}

#[tokio::test]
async fn what_happened_before_is_not_told_unless_asked() {
    let (desk, receiver) = (Desk::open(quick()).await, Receiver::start().await);
    desk.house.ring(3).await;
    desk.house.views_have_read().await;
    desk.register(&receiver, json!({})).await;
    desk.house.ring(1).await;
    heard(&receiver, 1).await;
    assert_eq!(receiver.rings(), [4]);
}

#[tokio::test]
async fn only_what_it_asked_for_is_told() {
    let (desk, receiver) = (Desk::open(quick()).await, Receiver::start().await);
    desk.register(&receiver, json!({"fromStart": true, "kinds": ["bell.boomed.v1"]})).await;
    desk.house.ring(2).await;
    desk.house.ring_loudly().await;
    heard(&receiver, 1).await;
    assert_eq!(receiver.rings(), [3]);
}

#[tokio::test]
async fn one_that_is_not_heard_is_tried_again_and_holds_back_the_later_ones() {
    let (desk, receiver) = (Desk::open(quick()).await, Receiver::start().await);
    receiver.answers(&[500, 302, 503]);
    desk.register(&receiver, json!({"fromStart": true})).await;
    desk.house.ring(2).await;
    let told = heard(&receiver, 5).await;
    assert_eq!(receiver.rings(), [1, 1, 1, 1, 2], "a redirect is a failure, and is not followed");
    assert_eq!(told[0].header("webhook-id"), told[3].header("webhook-id"), "the same id for every try");
    let log = until("the log", async || Some(desk.deliveries().await).filter(|log| log.len() == 5)).await;
    let tries: Vec<_> = log.iter().rev().map(|entry| (&entry["attempt"], &entry["statusCode"])).collect();
    assert_eq!(json!(tries), json!([[1, 500], [2, 302], [3, 503], [4, 200], [1, 200]]));
    assert!(log.iter().all(|entry| entry["redelivery"] == false && entry["at"].is_string()));
    assert_eq!(log[4]["error"], "it answered 500 Internal Server Error");
    let first = desk.get("/v1/webhooks/erp/deliveries?limit=2").await;
    assert_eq!(first["items"], json!(log[..2]));
    let rest = format!("/v1/webhooks/erp/deliveries?cursor={}", first["nextCursor"].as_str().unwrap());
    assert_eq!(desk.get(&rest).await["items"], json!(log[2..]));
}

#[tokio::test]
async fn the_breaker_opens_and_one_try_closes_it() {
    let settings = WebhookSettings {
        pauses: Pauses { first: Duration::from_millis(10), longest: Duration::from_secs(1), breaker_failures: 3 },
        ..quick()
    };
    let (desk, receiver) = (Desk::open(settings).await, Receiver::start().await);
    receiver.always(Some(500));
    desk.register(&receiver, json!({"fromStart": true})).await;
    desk.house.ring(1).await;
    until("the breaker to open", async || {
        let webhook = desk.get("/v1/webhooks/erp").await;
        let failing = webhook["failingSince"].is_string() && webhook["nextAttemptAt"].is_string();
        (webhook["breaker"] == "OPEN" && failing).then_some(())
    })
    .await;
    receiver.always(None);
    until("the breaker to close", async || {
        let webhook = desk.get("/v1/webhooks/erp").await;
        (webhook["breaker"] == "CLOSED" && webhook["failures"] == 0 && webhook["failingSince"].is_null()).then_some(())
    })
    .await;
}

#[tokio::test]
async fn who_fails_for_too_long_or_wants_no_more_is_disabled_until_enabled() {
    let settings = WebhookSettings { give_up_after: Duration::from_millis(30), ..quick() };
    let disabled = async |desk: &Desk, reason: &str| {
        until(reason, async || {
            let webhook = desk.get("/v1/webhooks/erp").await;
            (webhook["enabled"] == false && webhook["disabledReason"] == reason).then_some(())
        })
        .await;
    };
    let (desk, receiver) = (Desk::open(settings).await, Receiver::start().await);
    receiver.always(Some(500));
    desk.register(&receiver, json!({"fromStart": true})).await;
    desk.house.ring(1).await;
    disabled(&desk, "FAILING").await;
    receiver.always(None);
    let before = receiver.heard().len();
    let (status, webhook) = desk.call("PATCH", "/v1/webhooks/erp", json!({"enabled": true})).await;
    assert_eq!((status.as_u16(), &webhook["enabled"], &webhook["failures"]), (200, &json!(true), &json!(0)));
    heard(&receiver, before + 1).await;
    receiver.always(Some(410));
    desk.house.ring(1).await;
    disabled(&desk, "GONE").await;
}

#[tokio::test]
async fn after_its_log_was_restored_it_waits_for_somebody_and_goes_on_from_there() {
    let (desk, receiver) = (Desk::open(quick()).await, Receiver::start().await);
    desk.register(&receiver, json!({})).await;
    desk.house.feed.restored.store(true, Ordering::SeqCst);
    desk.house.ring(1).await;
    until("it to be disabled", async || {
        let webhook = desk.get("/v1/webhooks/erp").await;
        (webhook["disabledReason"] == "LOG_RESTORED").then_some(())
    })
    .await;
    desk.house.feed.restored.store(false, Ordering::SeqCst);
    desk.house.views_have_read().await;
    assert_eq!(desk.call("PATCH", "/v1/webhooks/erp", json!({"enabled": true})).await.0, 200);
    desk.house.ring(1).await;
    let last = until("a ring", async || receiver.rings().last().copied()).await;
    assert_eq!(last, 2, "what came before it was enabled is not told");
}

#[tokio::test]
async fn one_event_is_sent_again_on_demand() {
    let (desk, receiver) = (Desk::open(quick()).await, Receiver::start().await);
    desk.register(&receiver, json!({"fromStart": true})).await;
    desk.house.ring(2).await;
    let told = heard(&receiver, 2).await;
    until("both to be recorded", async || Some(desk.deliveries().await).filter(|log| log.len() == 2)).await;
    let event = told[0].json()["id"].clone();
    let (status, body) = desk.call("POST", "/v1/webhooks/erp/redeliver", json!({"eventId": event})).await;
    assert_eq!(status, 202, "{body}");
    let again = heard(&receiver, 3).await;
    assert_eq!(again[2].ring(), 1);
    assert_eq!(again[2].header("webhook-id"), told[0].header("webhook-id"));
    let log = until("it to be recorded", async || Some(desk.deliveries().await).filter(|log| log.len() == 3)).await;
    assert_eq!((&log[0]["redelivery"], &log[0]["eventId"]), (&json!(true), &event));

    let unknown = format!("{}.0.999", "0".repeat(32));
    let (status, _) = desk.call("POST", "/v1/webhooks/erp/redeliver", json!({"eventId": unknown})).await;
    assert_eq!(status, 202);
    let log = until("it to be noted", async || Some(desk.deliveries().await).filter(|log| log.len() == 4)).await;
    assert_eq!(log[0]["error"], "no contract event has this id");
    let (status, _) = desk.call("POST", "/v1/webhooks/erp/redeliver", json!({"eventId": "x"})).await;
    assert_eq!(status, 422);
}

#[tokio::test]
async fn secrets_are_told_once_and_overlap_when_rotated() {
    let (desk, receiver) = (Desk::open(quick()).await, Receiver::start().await);
    let first = desk.register(&receiver, json!({"fromStart": true})).await;
    let again = json!({"webhookId": "erp", "url": receiver.url()});
    let (status, body) = desk.call("POST", "/v1/webhooks", again).await;
    assert_eq!((status.as_u16(), &body["secret"]), (201, &Value::Null), "the same again, without the secret");
    let (status, body) = desk.call("POST", "/v1/webhooks/erp/rotate-secret", Value::Null).await;
    assert_eq!(status, 200, "{body}");
    let second = body["secret"].as_str().unwrap().to_owned();
    desk.house.ring(1).await;
    let told = heard(&receiver, 1).await;
    assert!(is_signed_with(&told[0], &first) && is_signed_with(&told[0], &second));
    let (_, body) = desk.call("POST", "/v1/webhooks/erp/rotate-secret", json!({"overlapSeconds": 0})).await;
    let third = body["secret"].as_str().unwrap().to_owned();
    desk.house.ring(1).await;
    let told = heard(&receiver, 2).await;
    assert!(is_signed_with(&told[1], &third) && !is_signed_with(&told[1], &first));
    assert!(!is_signed_with(&told[1], &second));
    for path in ["/v1/webhooks/erp", "/v1/webhooks", "/v1/webhooks/erp/deliveries"] {
        assert!(!desk.get(path).await.to_string().contains("whsec_"), "{path}");
    }
}

#[tokio::test]
async fn it_goes_on_where_it_stood_after_a_restart() {
    let (desk, receiver) = (Desk::open(quick()).await, Receiver::start().await);
    desk.register(&receiver, json!({"fromStart": true})).await;
    desk.house.ring(2).await;
    heard(&receiver, 2).await;
    until("both to be recorded", async || Some(desk.deliveries().await).filter(|log| log.len() == 2)).await;
    let Desk { house, stop, working, .. } = desk;
    drop(stop);
    working.await.unwrap();
    house.ring(1).await;
    let desk = Desk::over(house, quick());
    desk.house.ring(1).await;
    heard(&receiver, 4).await;
    assert_eq!(receiver.rings(), [1, 2, 3, 4]);
}

#[tokio::test]
async fn no_private_address_is_ever_called() {
    let strict = WebhookSettings { guard: Guard::default(), ..quick() };
    let (desk, receiver) = (Desk::open(strict).await, Receiver::start().await);
    for url in [receiver.url(), "http://169.254.169.254/latest".into(), "http://[::ffff:10.0.0.1]/".into()] {
        let (status, body) = desk.call("POST", "/v1/webhooks", json!({"url": url})).await;
        assert_eq!((status.as_u16(), &body["errors"][0]["pointer"]), (422, &json!("/url")), "{url}");
    }
    // A name shows what it leads to only when it is called.
    let url = format!("http://localhost:{}/hook", receiver.addr.port());
    let body = json!({"webhookId": "erp", "url": url, "fromStart": true});
    assert_eq!(desk.call("POST", "/v1/webhooks", body).await.0, 201);
    desk.house.ring(1).await;
    let log = until("a try", async || Some(desk.deliveries().await).filter(|log| !log.is_empty())).await;
    assert!(log[0]["error"].as_str().unwrap().contains("not public"), "{}", log[0]);
    assert!(receiver.heard().is_empty());
}

#[tokio::test]
async fn a_webhook_is_changed_listed_and_deleted() {
    let (desk, receiver) = (Desk::open(quick()).await, Receiver::start().await);
    desk.register(&receiver, json!({})).await;
    let (status, body) = desk.call("PATCH", "/v1/webhooks/erp", json!({"kinds": ["a"], "enabled": false})).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!((&body["kinds"], &body["disabledReason"]), (&json!(["a"]), &json!("REQUESTED")));
    until("the list", async || {
        let list = desk.get("/v1/webhooks").await;
        (list["items"][0]["enabled"] == false).then_some(())
    })
    .await;
    for (enabled, count) in [(false, 1), (true, 0)] {
        let list = desk.get(&format!("/v1/webhooks?enabled={enabled}")).await;
        assert_eq!(list["items"].as_array().unwrap().len(), count, "enabled={enabled}: {list}");
    }
    for (wrong, body) in [("/url", json!({"url": "ftp://h"})), ("/kinds", json!({"kinds": [""]}))] {
        let (status, problem) = desk.call("PATCH", "/v1/webhooks/erp", body).await;
        assert_eq!((status.as_u16(), &problem["errors"][0]["pointer"]), (422, &json!(wrong)));
    }
    for _ in 0..2 {
        assert_eq!(desk.call("DELETE", "/v1/webhooks/erp", Value::Null).await.0, 204);
    }
    let (status, body) = desk.call("GET", "/v1/webhooks/erp", Value::Null).await;
    assert_eq!((status.as_u16(), &body["code"]), (404, &json!("UNKNOWN_WEBHOOK")));
    let (status, body) = desk.call("GET", "/v1/webhooks?context=door", Value::Null).await;
    assert_eq!((status.as_u16(), &body["errors"][0]["pointer"]), (400, &json!("?context")));
}
