//! The AsyncAPI document: one channel for each context's contract events, with envelope, content and examples.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use utoipa::{PartialSchema, ToSchema};

use super::schemas::{with_named, written};
use super::{EVENTS, EventType, Owner};
use crate::events::CloudEvent;

/// The AsyncAPI 3.0 document of all contract events.
#[must_use]
pub fn asyncapi() -> Value {
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Comanda: contract events",
            "version": "1",
            "description": "What the contexts tell each other and whoever listens. Every event is a CloudEvents 1.0 event in \
                JSON. Events of one `partitionkey` come in order; an event may come more than once, always under the same \
                `id`. Fields may be added: ignore those you do not know. All else comes as a new version of the type.",
        },
        "defaultContentType": "application/cloudevents+json",
        "channels": by_owner(|owner| (owner.name().to_owned(), channel(owner))),
        "operations": operations(),
        "components": {
            "messages": EVENTS.iter().map(|event| (event.name, message(event))).collect::<BTreeMap<_, _>>(),
            "schemas": schemas(),
        },
    })
}

fn by_owner(entry: impl FnMut(Owner) -> (String, Value)) -> Map<String, Value> {
    Owner::ALL.into_iter().map(entry).collect()
}

fn channel(owner: Owner) -> Value {
    let name = owner.name();
    let messages = EVENTS.iter().filter(|event| event.owner == owner);
    let reference = |event: &EventType| json!({ "$ref": format!("#/components/messages/{}", event.name) });
    json!({
        // How they travel is a matter of the installation; the feed is always there.
        "address": null,
        "title": format!("Contract events of {name}"),
        "description": format!(
            "Read them without a gap at `GET /v1/events?context={name}` (with `after=end` those from now on), or have \
             them sent by webhook."
        ),
        "messages": messages.map(|event| (event.name, reference(event))).collect::<BTreeMap<_, _>>(),
    })
}

/// What each context sends, and what it acts on.
fn operations() -> Map<String, Value> {
    let sends = by_owner(|owner| {
        let sent = EVENTS.iter().filter(|event| event.owner == owner);
        (format!("{}Sends", owner.name()), operation("send", owner, sent))
    });
    let receives = Owner::ALL.into_iter().flat_map(|reader| {
        let from = move |owner: Owner| {
            let read = EVENTS.iter().filter(move |event| event.owner == owner && event.readers.contains(&reader));
            (format!("{}ReceivesFrom-{}", reader.name(), owner.name()), operation("receive", owner, read))
        };
        Owner::ALL.into_iter().filter(move |owner| *owner != reader).map(from)
    });
    sends.into_iter().chain(receives).collect()
}

fn operation<'e>(action: &str, owner: Owner, events: impl Iterator<Item = &'e EventType>) -> Value {
    let channel = format!("#/channels/{}", owner.name());
    let messages: Vec<_> =
        events.map(|event| json!({ "$ref": format!("{channel}/messages/{}", event.name) })).collect();
    json!({ "action": action, "channel": { "$ref": channel }, "messages": messages })
}

fn message(event: &EventType) -> Value {
    json!({
        "name": event.kind,
        "title": event.name,
        "summary": with_named(event).get(event.name).and_then(|schema| schema.get("description")),
        "contentType": "application/cloudevents+json",
        "correlationId": { "location": "$message.payload#/correlationid" },
        "payload": {
            "allOf": [
                { "$ref": "#/components/schemas/CloudEvent" },
                {
                    "type": "object",
                    "properties": {
                        "type": { "const": event.kind },
                        "source": { "const": format!("/{}", event.owner.name()) },
                        "data": { "$ref": format!("#/components/schemas/{}", event.name) },
                    },
                },
            ],
        },
        "examples": [{ "name": event.name, "payload": example(event) }],
    })
}

/// The whole event, envelope and all.
fn example(event: &EventType) -> Value {
    let data = event.example();
    let subject = data.get(event.subject).cloned().unwrap_or_default();
    let key = data.get("orderId").unwrap_or(&subject).clone();
    json!({
        "specversion": "1.0",
        "id": "0197c0de00007000800000000000002a.3.41",
        "source": format!("/{}", event.owner.name()),
        "type": event.kind,
        "subject": subject,
        "time": "2026-03-01T09:30:00.000Z",
        "datacontenttype": "application/json",
        "partitionkey": key,
        "epoch": "0197c0de-0000-7000-8000-000000000001",
        "partition": 3,
        "sequence": "41",
        "after": "38",
        "predecessor": "0197c0de000070008000000000000029.3.38",
        "correlationid": "4bf92f3577b34da6a3ce929d0e0e4736",
        "causationid": "0197c0de000070008000000000000007.1.12",
        "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "data": data,
    })
}

fn schemas() -> BTreeMap<String, Value> {
    let mut all: BTreeMap<_, _> = EVENTS.iter().flat_map(with_named).collect();
    all.insert(CloudEvent::name().into_owned(), written(&CloudEvent::schema()));
    all
}
