//! What may change in a published schema, and what may not: a pure function, and tests in which it barks.

use serde_json::{Value, json};

/// How deep schemas are compared; deeper than any of ours, so that one that names itself does not go on for ever.
const DEPTH_MAX: usize = 16;

/// Every change from `old` to `new` that would break a reader of `event`, each with what to do instead.
pub(crate) fn broken(event: &str, old: &Value, new: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let (old, new) = (Root { document: old, node: old }, Root { document: new, node: new });
    compare(&old, &new, "", DEPTH_MAX, &mut found);
    found
        .into_iter()
        .map(|what| format!("{event}: {what}. Leave it as it was published, and {}.", beside(event)))
        .collect()
}

/// The event is gone, which `new` says.
pub(crate) fn gone(event: &str) -> String {
    format!("{event}: the event is gone. Readers wait for it: keep saying it, and {}.", beside(event))
}

fn beside(event: &str) -> String {
    let next = event.rsplit_once(".v").and_then(|(name, version)| Some((name, version.parse::<u32>().ok()? + 1)));
    match next {
        Some((name, version)) => format!("put the new shape beside it as {name}.v{version}"),
        None => "put the new shape beside it under a new version".to_owned(),
    }
}

/// A schema, and the document its references point into.
struct Root<'s> {
    document: &'s Value,
    node: &'s Value,
}

impl<'s> Root<'s> {
    /// The schema itself, whatever refers to it.
    fn at(&self, node: &'s Value) -> Self {
        let target = node["$ref"].as_str().and_then(|target| target.strip_prefix('#'));
        let node = target.and_then(|target| self.document.pointer(target)).unwrap_or(node);
        Root { document: self.document, node }
    }

    fn list(&self, name: &str) -> Vec<&'s Value> {
        match &self.node[name] {
            Value::Array(items) => items.iter().collect(),
            Value::Null => Vec::new(),
            one => vec![one],
        }
    }

    fn requires(&self, field: &str) -> bool {
        self.list("required").into_iter().any(|name| name == field)
    }
}

fn compare(old: &Root<'_>, new: &Root<'_>, path: &str, depth: usize, found: &mut Vec<String>) {
    let Some(depth) = depth.checked_sub(1) else { return };
    let (old, new) = (old.at(old.node), new.at(new.node));
    let place = if path.is_empty() { "/" } else { path };
    for word in ["type", "format", "pattern", "const"] {
        if old.node[word] != new.node[word] {
            let (was, is) = (&old.node[word], &new.node[word]);
            found.push(format!("{place} had the {word} {was} and has {is}"));
        }
    }
    for value in old.list("enum") {
        if !new.list("enum").contains(&value) {
            found.push(format!("{place} can no longer be {value}"));
        }
    }
    bounds(&old, &new, place, found);
    fields(&old, &new, path, depth, found);
    if !old.node["items"].is_null() {
        compare(&old.at(&old.node["items"]), &new.at(&new.node["items"]), &format!("{path}/*"), depth, found);
    }
    for word in ["oneOf", "anyOf", "allOf"] {
        let (was, is) = (old.list(word), new.list(word));
        if was.len() != is.len() {
            found.push(format!("{place} had {} shapes under {word} and has {}", was.len(), is.len()));
        }
        for (was, is) in was.into_iter().zip(is) {
            compare(&old.at(was), &new.at(is), path, depth, found);
        }
    }
}

/// What was in range for a writer must stay so: bounds may only become wider.
fn bounds(old: &Root<'_>, new: &Root<'_>, place: &str, found: &mut Vec<String>) {
    for (word, sign) in [
        ("minimum", 1.0),
        ("minItems", 1.0),
        ("minLength", 1.0),
        ("maximum", -1.0),
        ("maxItems", -1.0),
        ("maxLength", -1.0),
    ] {
        let (was, is) = (old.node[word].as_f64(), new.node[word].as_f64());
        if is.is_some_and(|is| was.is_none_or(|was| is * sign > was * sign)) {
            found.push(format!("{place} had the {word} {} and has {}", old.node[word], new.node[word]));
        }
    }
}

fn fields(old: &Root<'_>, new: &Root<'_>, path: &str, depth: usize, found: &mut Vec<String>) {
    let none = serde_json::Map::new();
    let of = |schema: &Root<'_>| schema.node["properties"].as_object().unwrap_or(&none).clone();
    let (was, is) = (of(old), of(new));
    for (name, field) in &was {
        let path = format!("{path}/{name}");
        match is.get(name) {
            None => found.push(format!("the field {path} is gone (a renamed field is a field that is gone)")),
            Some(now) => {
                if old.requires(name) && !new.requires(name) {
                    found.push(format!("the field {path} was always there, and now may be left out"));
                }
                let (field, now) =
                    (Root { document: old.document, node: field }, Root { document: new.document, node: now });
                compare(&field, &now, &path, depth, found);
            }
        }
    }
    for name in is.keys().filter(|name| new.requires(name) && !old.requires(name)) {
        found.push(format!("the field {path}/{name} must be there now: events already stored lack it"));
    }
}

const EVENT: &str = "kitchen.dish-served.v1";

fn dish() -> Value {
    json!({
        "type": "object",
        "required": ["dish", "lines"],
        "properties": {
            "dish": { "type": "string" },
            "guests": { "type": "integer", "minimum": 0 },
            "lines": { "type": "array", "items": { "$ref": "#/$defs/Line" } },
        },
        "$defs": {
            "Line": { "type": "object", "required": ["size"], "properties": { "size": { "$ref": "#/$defs/Size" } } },
            "Size": { "type": "string", "enum": ["SMALL", "LARGE"] },
        },
    })
}

/// The published dish, with `value` at `pointer`.
fn with(pointer: &str, value: Value) -> Value {
    let mut dish = dish();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    dish.pointer_mut(parent).unwrap()[name] = value;
    dish
}

/// The published dish, without what is at `pointer`.
fn without(pointer: &str) -> Value {
    let mut dish = dish();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    dish.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(name).unwrap();
    dish
}

#[track_caller]
fn barks(new: &Value, at: &str) {
    let found = broken(EVENT, &dish(), new);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains(at), "{found:?}");
    assert!(found[0].ends_with("put the new shape beside it as kitchen.dish-served.v2."), "{found:?}");
}

#[test]
fn what_readers_can_ignore_passes() {
    for new in [
        dish(),
        with("/properties/table", json!({ "type": "string" })),
        with("/$defs/Line/properties/note", json!({ "type": "string" })),
        with("/$defs/Size/enum", json!(["SMALL", "MEDIUM", "LARGE"])),
        with("/properties/dish", json!({ "type": "string", "description": "What was cooked." })),
        with("/properties/guests", json!({ "type": "integer" })),
    ] {
        assert_eq!(broken(EVENT, &dish(), &new), Vec::<String>::new());
    }
}

#[test]
fn a_field_that_is_gone_barks() {
    barks(&without("/properties/guests"), "the field /guests is gone");
    let mut renamed = without("/properties/guests");
    renamed["properties"]["people"] = json!({ "type": "integer" });
    barks(&renamed, "the field /guests is gone");
}

#[test]
fn a_field_that_must_or_need_not_be_there_any_more_barks() {
    let mut more = with("/properties/table", json!({ "type": "string" }));
    more["required"] = json!(["dish", "lines", "table"]);
    barks(&more, "the field /table must be there now");
    barks(&with("/required", json!(["dish", "lines", "guests"])), "the field /guests must be there now");
    barks(&with("/required", json!(["lines"])), "the field /dish was always there");
}

#[test]
fn another_type_or_value_barks_however_deep_it_lies() {
    barks(&with("/properties/dish", json!({ "type": "integer" })), r#"/dish had the type "string""#);
    barks(&with("/properties/dish", json!({ "type": ["string", "null"] })), "/dish had the type");
    barks(&with("/properties/guests/minimum", json!(1)), "/guests had the minimum 0 and has 1");
    barks(&with("/$defs/Size/enum", json!(["SMALL"])), r#"/lines/*/size can no longer be "LARGE""#);
    barks(&with("/$defs/Line/required", json!([])), "the field /lines/*/size was always there");
    barks(&with("/$defs/Size", json!({ "type": "integer", "enum": ["SMALL", "LARGE"] })), "/lines/*/size had the type");
}

#[test]
fn an_event_that_is_gone_says_what_to_do() {
    assert!(gone(EVENT).ends_with("put the new shape beside it as kitchen.dish-served.v2."));
}
