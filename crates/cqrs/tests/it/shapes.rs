//! The shape lock: the library's own stored events are held by it, and it is shown what it must find.

use std::collections::BTreeMap;

use cqrs::testkit::ShapeLock;
use cqrs::{Aggregate, Inbox, StoredEvent};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The samples that stay readable.
const LOCK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/events/inbox.json");

#[test]
fn stored_events_keep_their_shape() {
    ShapeLock::read(LOCK, &std::fs::read_to_string(LOCK).expect("the lock"))
        .kind::<Inbox>(&[])
        .holds(|file, text| std::fs::write(file, text));
}

/// An aggregate of kind `dish` with these events, as a later version of the program may have them.
macro_rules! later {
    ($name:ident { $($events:tt)* } $($upcast:item)?) => {{
        #[derive(Clone, Default, Serialize, Deserialize)]
        struct $name;
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(rename_all = "camelCase")]
        enum Event { $($events)* }
        impl Aggregate for $name {
            const KIND: &'static str = "dish";
            type Event = Event;
            fn apply(&mut self, _: &Event) {}
            $($upcast)?
        }
        found::<$name>()
    }};
}

/// What the lock finds in `A`, against a dish as it was stored.
fn found<A: Aggregate>() -> Vec<String> {
    let samples = vec![json!({"cooked": {"name": "soup", "plates": 2, "note": "hot"}}), json!("served")];
    ShapeLock::of("events", BTreeMap::from([("dish".to_owned(), samples)])).kind::<A>(&[]).findings()
}

#[track_caller]
fn barks(found: &[String], what: &str) {
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains(what), "{found:?}");
}

#[test]
fn what_stays_and_what_is_added_passes() {
    assert_eq!(later!(Same { Cooked { name: String, plates: u8, note: Option<String> }, Served }), [""; 0]);
    let added = later!(More { Cooked { name: String, plates: u8, note: Option<String>, #[serde(default)] cook: String }, Served });
    assert_eq!(added, [""; 0]);
}

#[test]
fn a_field_that_is_removed_or_renamed_barks() {
    let removed = later!(Less { Cooked { name: String, plates: u8 }, Served });
    barks(&removed, "/cooked/note is lost");
    let renamed =
        later!(Other { Cooked { name: String, plates: u8, #[serde(default)] remark: Option<String> }, Served });
    barks(&renamed, "/cooked/note is lost");
    let required = later!(Must { Cooked { title: String, plates: u8, note: Option<String> }, Served });
    barks(&required, "missing field `title`");
}

#[test]
fn a_field_of_another_type_barks() {
    let text = later!(Text { Cooked { name: String, plates: String, note: Option<String> }, Served });
    barks(&text, "cannot be read any more");
    let float = later!(Float { Cooked { name: String, plates: f64, note: Option<String> }, Served });
    barks(&float, "/cooked/plates was 2 and reads as 2.0");
}

#[test]
fn a_variant_that_is_gone_and_one_that_is_not_locked_bark() {
    let gone = later!(Gone { Cooked { name: String, plates: u8, note: Option<String> } });
    barks(&gone, "unknown variant `served`");
    let new = later!(New { Cooked { name: String, plates: u8, note: Option<String> }, Served, Eaten });
    barks(&new, "`eaten` is not locked");
    let nobody = ShapeLock::of("events", BTreeMap::from([("dish".to_owned(), vec![json!("served")])])).findings();
    barks(&nobody, "the kind dish is gone");
}

#[test]
fn a_sample_of_today_that_is_not_locked_barks() {
    #[derive(Clone, Default, Serialize, Deserialize)]
    struct Dish;
    impl Aggregate for Dish {
        const KIND: &'static str = "dish";
        type Event = String;
        fn apply(&mut self, _: &String) {}
    }
    let lock = || ShapeLock::of("events", BTreeMap::from([("dish".to_owned(), vec![json!("served")])]));
    assert_eq!(lock().kind::<Dish>(&["served".into()]).findings(), [""; 0]);
    barks(&lock().kind::<Dish>(&["eaten".into()]).findings(), "\"eaten\" is new");
}

#[test]
fn what_is_upcast_is_held_to_what_it_becomes() {
    let upcast = later!(Renamed { Cooked { title: String, plates: u8, note: Option<String> }, Served }
        fn upcast(stored: StoredEvent<'_>) -> Option<Value> {
            let mut content = (stored.variant()? == "cooked").then(|| stored.content())??;
            let name = content.as_object_mut()?.remove("name")?;
            content["title"] = name;
            Some(json!({"cooked": content}))
        }
    );
    assert_eq!(upcast, [""; 0]);
}
