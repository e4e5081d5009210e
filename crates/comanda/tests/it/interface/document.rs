//! The OpenAPI document, as far as tests are made of it: which operations there are, and what each takes and answers.

use serde_json::Value;

use crate::server::run;

/// The document that the binary prints.
pub(super) struct Document(Value);

/// An operation of the document.
#[derive(Debug)]
pub(super) struct Operation {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) described: Value,
    /// The schema of what it answers with 200.
    answer: Value,
}

impl Document {
    pub(super) fn printed() -> Self {
        Self(serde_json::from_slice(&run(&["openapi"]).stdout).unwrap())
    }

    pub(super) fn operations(&self) -> Vec<Operation> {
        let paths = self.0["paths"].as_object().unwrap();
        let of_path = |(path, item): (&String, &Value)| {
            let methods = item.as_object().unwrap().iter();
            let operation = |(method, described): (&String, &Value)| Operation {
                method: method.to_uppercase(),
                path: path.clone(),
                described: described.clone(),
                answer: self.schema(&described["responses"]["200"]["content"]["application/json"]["schema"]),
            };
            methods.map(operation).collect::<Vec<_>>()
        };
        paths.iter().flat_map(of_path).collect()
    }

    pub(super) fn reads(&self) -> Vec<Operation> {
        self.operations().into_iter().filter(|operation| operation.method == "GET").collect()
    }

    /// A schema, or what it refers to.
    fn schema(&self, schema: &Value) -> Value {
        match schema["$ref"].as_str().and_then(|place| place.strip_prefix('#')) {
            Some(place) => self.0.pointer(place).unwrap().clone(),
            None => schema.clone(),
        }
    }
}

impl Operation {
    pub(super) fn id(&self) -> &str {
        self.described["operationId"].as_str().unwrap()
    }

    /// Whether it answers a part of something longer.
    pub(super) fn is_list_by_parts(&self) -> bool {
        self.takes("cursor")
    }

    /// Whether its answer has this field.
    pub(super) fn answers(&self, field: &str) -> bool {
        self.answer["properties"][field].is_object()
    }

    /// Whether it takes a parameter of this name.
    pub(super) fn takes(&self, name: &str) -> bool {
        self.parameters().any(|parameter| parameter["name"] == name)
    }

    pub(super) fn parameters(&self) -> impl Iterator<Item = &Value> {
        self.described["parameters"].as_array().into_iter().flatten()
    }

    /// Whether it says that it answers so, with this header.
    pub(super) fn answers_with(&self, status: &str, header: &str) -> bool {
        self.described["responses"][status]["headers"][header].is_object()
    }
}
