//! Whether a value is valid by a schema: as much of JSON Schema as the contract events use, and a fault for all else.

use serde_json::{Value, json};

/// Words that say nothing about what is valid.
const REMARKS: [&str; 8] = ["title", "description", "format", "example", "examples", "$schema", "$id", "$defs"];

/// What is wrong with `value` by `schema`, whose references point into `document`.
pub(crate) fn faults(document: &Value, schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for (word, rule) in schema.as_object().unwrap() {
        if !REMARKS.contains(&word.as_str()) {
            found.extend(broken_rule(document, word, rule, value));
        }
    }
    found
}

fn broken_rule(document: &Value, word: &str, rule: &Value, value: &Value) -> Vec<String> {
    let all = |rules: &mut dyn Iterator<Item = (&Value, &Value)>| {
        rules.flat_map(|(schema, value)| faults(document, schema, value)).collect::<Vec<_>>()
    };
    let list = || rule.as_array().unwrap();
    let holds = match (word, value) {
        ("$ref", _) => {
            let target = document.pointer(rule.as_str().unwrap().strip_prefix('#').unwrap()).unwrap();
            return faults(document, target, value);
        }
        ("properties", Value::Object(fields)) => {
            let rules = rule.as_object().unwrap();
            return all(&mut rules.iter().filter_map(|(name, schema)| Some((schema, fields.get(name)?))));
        }
        ("items", Value::Array(items)) => return all(&mut items.iter().map(|item| (rule, item))),
        ("allOf", _) => return all(&mut list().iter().map(|schema| (schema, value))),
        ("oneOf", _) => list().iter().filter(|schema| faults(document, schema, value).is_empty()).count() == 1,
        ("type", _) => rule == type_of(value) || rule.as_array().is_some_and(|t| t.contains(&json!(type_of(value)))),
        ("required", Value::Object(fields)) => list().iter().all(|name| fields.contains_key(name.as_str().unwrap())),
        ("enum", _) => list().contains(value),
        ("const", _) => rule == value,
        ("minimum", Value::Number(number)) => number.as_f64() >= rule.as_f64(),
        ("maximum", Value::Number(number)) => number.as_f64() <= rule.as_f64(),
        ("pattern", Value::String(text)) => matches(rule.as_str().unwrap(), text),
        // Of another type: that is said by `type`.
        ("properties" | "items" | "required" | "minimum" | "maximum" | "pattern", _) => true,
        _ => return vec![format!("no rule is known for {word}: add it")],
    };
    if holds { Vec::new() } else { vec![format!("{value} breaks {word} {rule}")] }
}

/// JSON's name for the type of `value`; every number of ours is whole.
fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// The patterns of the envelope, one by one.
fn matches(pattern: &str, text: &str) -> bool {
    let whole = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match pattern {
        r"^1\.0$" => text == "1.0",
        "^[1-9][0-9]*$" => whole && !text.starts_with('0'),
        "^(0|[1-9][0-9]*)$" => text == "0" || (whole && !text.starts_with('0')),
        _ => false,
    }
}

#[test]
fn what_is_not_valid_is_found() {
    let schema = json!({
        "type": "object",
        "required": ["dish"],
        "properties": {
            "dish": { "$ref": "#/$defs/Dish" },
            "lines": { "type": "array", "items": { "type": ["integer", "null"], "minimum": 1 } },
            "place": { "type": "string", "pattern": "^[1-9][0-9]*$" },
            "table": { "oneOf": [{ "type": "null" }, { "const": "4" }] },
        },
        "$defs": { "Dish": { "type": "string", "enum": ["SOUP", "FISH"] } },
    });
    let faults = |value: Value| faults(&schema, &schema, &value).len();
    assert_eq!(faults(json!({ "dish": "SOUP", "lines": [1, null], "place": "41", "table": null, "more": 1 })), 0);
    for wrong in [
        json!({}),
        json!({ "dish": "TEA" }),
        json!({ "dish": "SOUP", "lines": [0] }),
        json!({ "dish": "SOUP", "lines": ["1"] }),
        json!({ "dish": "SOUP", "place": "041" }),
        json!({ "dish": "SOUP", "table": "5" }),
    ] {
        assert_eq!(faults(wrong.clone()), 1, "{wrong}");
    }
    assert_eq!(super::validity::faults(&schema, &json!({ "unheardOf": 1 }), &json!(1)).len(), 1);
}
