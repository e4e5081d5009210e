//! The documents in `docs/contracts` say what the types say, and nothing that was released has changed incompatibly.
//!
//! `cargo xtask contracts` writes them anew; `cargo xtask contracts --release` also takes today's schemas as released.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use comanda_contracts::catalogue::{EVENTS, Owner, asyncapi, schemas};
use serde_json::{Value, json};

use crate::compatibility::{broken, gone};
use crate::validity::faults;

/// `write` writes the documents, `release` also what is released; without it they are compared.
const MODE: &str = "COMANDA_CONTRACTS";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/contracts")
}

fn mode() -> String {
    std::env::var(MODE).unwrap_or_default()
}

fn text(document: &Value) -> String {
    format!("{}\n", serde_json::to_string_pretty(document).unwrap())
}

/// The documents: their paths in `docs/contracts`, and what they say.
fn documents() -> BTreeMap<String, Value> {
    let mut documents: BTreeMap<_, _> =
        schemas().into_iter().map(|(kind, schema)| (format!("schemas/{kind}.json"), schema)).collect();
    documents.insert("asyncapi.json".to_owned(), asyncapi());
    documents
}

fn released() -> BTreeMap<String, Value> {
    let path = folder().join("released.json");
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn the_documents_say_what_the_types_say() {
    let documents = documents();
    let write = ["write", "release"].contains(&mode().as_str());
    if write {
        fs::create_dir_all(folder().join("schemas")).unwrap();
    }
    for (name, document) in &documents {
        let path = folder().join(name);
        if write {
            fs::write(&path, text(document)).unwrap();
        }
        let found = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            found == text(document),
            "docs/contracts/{name} is out of date: run `cargo xtask contracts`, commit it"
        );
    }
    for entry in fs::read_dir(folder().join("schemas")).unwrap() {
        let path = entry.unwrap().path();
        let name = format!("schemas/{}", path.file_name().unwrap().to_str().unwrap());
        if write && !documents.contains_key(&name) {
            fs::remove_file(&path).unwrap();
        }
        assert!(write || documents.contains_key(&name), "docs/contracts/{name} is of no event: delete it");
    }
}

#[test]
fn nothing_released_has_changed_incompatibly() {
    let now = schemas();
    let found: Vec<String> = released()
        .iter()
        .flat_map(|(event, old)| match now.get(event.as_str()) {
            Some(new) => broken(event, old, new),
            None => vec![gone(event)],
        })
        .collect();
    assert!(found.is_empty(), "{} incompatible changes:\n{}", found.len(), found.join("\n"));
    if mode() == "release" {
        fs::write(folder().join("released.json"), text(&json!(now))).unwrap();
    }
}

#[test]
fn every_example_is_read_and_written_back_as_it_was() {
    for event in EVENTS {
        assert_eq!(event.reread(&event.example()).unwrap(), event.example(), "{}", event.kind);
    }
}

/// `value` with a field that nobody knows in each of its objects.
fn with_more(mut value: Value) -> Value {
    match &mut value {
        Value::Object(fields) => {
            fields.values_mut().for_each(|field| *field = with_more(field.take()));
            fields.insert("surprise".to_owned(), json!({ "from": "a later version" }));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| *item = with_more(item.take())),
        _ => {}
    }
    value
}

#[test]
fn fields_that_nobody_knows_are_ignored() {
    for event in EVENTS {
        assert_eq!(event.reread(&with_more(event.example())).unwrap(), event.example(), "{}", event.kind);
    }
}

#[test]
fn every_field_that_must_be_there_is_missed() {
    for event in EVENTS {
        let schema = &schemas()[event.kind];
        for name in schema["required"].as_array().unwrap() {
            let mut less = event.example();
            less.as_object_mut().unwrap().remove(name.as_str().unwrap()).unwrap();
            assert!(event.reread(&less).is_err(), "{} without {name}", event.kind);
        }
    }
}

#[test]
fn every_example_is_valid_by_its_schema() {
    for event in EVENTS {
        let schema = &schemas()[event.kind];
        assert_eq!(faults(schema, schema, &event.example()), Vec::<String>::new(), "{}", event.kind);
        assert_eq!(faults(schema, schema, &with_more(event.example())), Vec::<String>::new(), "{}", event.kind);
        assert_ne!(faults(schema, schema, &json!({})), Vec::<String>::new(), "{}", event.kind);
    }
}

#[test]
fn every_message_of_the_document_has_a_valid_example() {
    let document = asyncapi();
    for event in EVENTS {
        let message = &document["components"]["messages"][event.name];
        assert_eq!(message["name"], event.kind);
        assert!(message["summary"].as_str().is_some_and(|summary| summary.len() > 10), "{}", event.kind);
        let example = &message["examples"][0]["payload"];
        assert_eq!(faults(&document, &message["payload"], example), Vec::<String>::new(), "{}", event.kind);
        let mut wrong = example.clone();
        wrong["type"] = json!("comanda.other.v1");
        assert_eq!(faults(&document, &message["payload"], &wrong).len(), 1, "{}", event.kind);
    }
}

#[test]
fn every_event_has_a_type_of_its_own_that_names_owner_and_version() {
    let kinds: BTreeSet<_> = EVENTS.iter().map(|event| event.kind).collect();
    assert_eq!(kinds.len(), EVENTS.len());
    for event in EVENTS {
        assert!(event.kind.starts_with(&format!("comanda.{}.", event.owner.name())), "{}", event.kind);
        assert!(event.kind.ends_with(".v1") && !event.readers.contains(&event.owner), "{}", event.kind);
    }
    let channels = asyncapi()["channels"].clone();
    let listed: usize =
        Owner::ALL.iter().map(|owner| channels[owner.name()]["messages"].as_object().unwrap().len()).sum();
    assert_eq!(listed, EVENTS.len());
}
