//! What all operations have in common in the OpenAPI document: headers, and the problems that any of them can answer.
//!
//! A handler documents what is its own; [`complete`] adds the rest, so that no operation can forget it.

use axum::http::Method;
use comanda_contracts::Problem;
use utoipa::openapi::path::{Operation, Parameter};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{Content, Header, ObjectBuilder, OpenApi, Ref, RefOr, Response, Type};
use utoipa::{IntoParams, PartialSchema, ToSchema};

use crate::access;
use crate::caller::Scope;
use crate::kinds::{self, Kind};

/// The headers of every command.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Header)]
pub struct CommandHeaders {
    /// Makes the request safe to repeat: the same key with the same request gets the first answer again, marked
    /// `Idempotent-Replayed: true`; with another request 422. 1 to 255 visible ASCII characters.
    #[param(rename = "Idempotency-Key", required = false, value_type = String)]
    pub idempotency_key: Option<String>,
    /// The `ETag` that was read: the command is refused with 412 if the thing has changed since.
    #[param(rename = "If-Match", required = false, value_type = String)]
    pub if_match: Option<String>,
}

/// The headers of every query.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Header)]
pub struct QueryHeaders {
    /// The `Consistency-Token` of an earlier answer: this one will not be older.
    #[param(rename = "Consistency-Token", required = false, value_type = String)]
    pub consistency_token: Option<String>,
}

/// The headers of a query for one thing that has an `ETag`.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Header)]
pub struct ReadHeaders {
    /// The `Consistency-Token` of an earlier answer: this one will not be older.
    #[param(rename = "Consistency-Token", required = false, value_type = String)]
    pub consistency_token: Option<String>,
    /// The `ETag` that was read before: 304 if it is still the same.
    #[param(rename = "If-None-Match", required = false, value_type = String)]
    pub if_none_match: Option<String>,
}

/// Headers of every answer that says yes: name and meaning.
const ANSWER_HEADERS: [(&str, &str); 2] = [
    ("Consistency-Token", "How far a later query must have read to see this: send it back with that query."),
    ("x-correlation-id", "The id that ties together all that this request caused: the request's own, or a new one."),
];

/// The name under which the document speaks of credentials.
const SCHEME: &str = "credential";

const CREDENTIAL: &str = "An API key (`comanda keys create`), or an access token (JWT, RFC 9068) of the issuer that the server \
    trusts: signed by one of its published keys, with `iss`, `aud`, `exp`, `sub`, a tenant, and scopes in `scope`. Each operation \
    names the scope it needs. A server on loopback with neither key nor issuer asks for none.";

/// Problems that every operation can answer.
const ALWAYS: [&Kind; 9] = [
    kinds::RATE_LIMITED,
    kinds::UNAUTHENTICATED,
    kinds::FORBIDDEN,
    kinds::URI_TOO_LONG,
    kinds::HEADERS_TOO_LARGE,
    kinds::INTERNAL,
    kinds::OVERLOADED,
    kinds::DEADLINE_EXCEEDED,
    kinds::UNAVAILABLE,
];

/// Problems that every operation with parameters can answer.
const WITH_PARAMETERS: [&Kind; 3] = [kinds::INVALID_PARAMETER, kinds::INVALID_HEADER, kinds::INVALID_FIELDS];

/// Problems that every operation with a body can answer.
const WITH_BODY: [&Kind; 6] = [
    kinds::MALFORMED_JSON,
    kinds::WRONG_SHAPE,
    kinds::REQUEST_TIMEOUT,
    kinds::BODY_TOO_LARGE,
    kinds::UNSUPPORTED_MEDIA_TYPE,
    kinds::INVALID_FIELDS,
];

/// Problems that come with a header of the request.
const WITH_HEADER: [(&str, &Kind); 6] = [
    ("Idempotency-Key", kinds::IDEMPOTENCY_KEY_REUSED),
    ("If-Match", kinds::VERSION_MISMATCH),
    ("Consistency-Token", kinds::FOREIGN_TOKEN),
    ("Consistency-Token", kinds::VIEW_LAGGING),
    ("Consistency-Token", kinds::VIEW_BUILDING),
    ("Consistency-Token", kinds::VIEW_PARKED),
];

/// Adds to every operation of `api` what all have in common, and to the document every kind of problem there is.
pub fn complete(api: &mut OpenApi, kinds: &[&Kind]) {
    let mut schemas = vec![(Problem::name().into_owned(), Problem::schema())];
    Problem::schemas(&mut schemas);
    api.components.get_or_insert_default().schemas.extend(schemas);
    let listed = kinds.iter().map(|kind| kind.describe()).collect::<Vec<_>>();
    api.extensions.get_or_insert_default().insert("x-problems".to_owned(), listed.into());
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").description(Some(CREDENTIAL));
    let bearer = bearer.build();
    api.components.get_or_insert_default().add_security_scheme(SCHEME, SecurityScheme::Http(bearer));
    for (path, item) in &mut api.paths.paths {
        let methods = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
        let operations = [&mut item.get, &mut item.post, &mut item.put, &mut item.patch, &mut item.delete];
        for (method, operation) in methods.iter().zip(operations) {
            let Some(operation) = operation else { continue };
            complete_operation(operation);
            let scopes = access::needed(method, path).map(Scope::name);
            operation.security = scopes.map(|scope| vec![SecurityRequirement::new(SCHEME, [scope])]);
        }
    }
}

fn complete_operation(operation: &mut Operation) {
    let kinds = common(operation);
    let responses = &mut operation.responses.responses;
    for kind in kinds {
        let none = || RefOr::T(Response::new(""));
        if let RefOr::T(response) = responses.entry(kind.status.to_string()).or_insert_with(none)
            && !response.description.contains(kind.code)
        {
            let and = if response.description.is_empty() { "" } else { "; " };
            response.description.push_str(and);
            response.description.push_str(kind.code);
        }
    }
    for (status, response) in responses {
        let RefOr::T(response) = response else { continue };
        if status.starts_with(['4', '5']) {
            let problem = Content::new(Some(Ref::from_schema_name(Problem::name())));
            response.content.entry("application/problem+json".to_owned()).or_insert(RefOr::T(problem));
        } else {
            for (name, meaning) in ANSWER_HEADERS {
                response.headers.entry(name.to_owned()).or_insert_with(|| text_header(meaning));
            }
        }
        if status == "503" || status == "429" {
            response.headers.insert("Retry-After".to_owned(), text_header("Seconds to wait before the next try."));
        }
    }
}

/// The problems that this operation can answer because of what it takes.
fn common(operation: &Operation) -> Vec<&'static Kind> {
    let mut common = ALWAYS.to_vec();
    let parameters = operation.parameters.as_deref().unwrap_or_default();
    if !parameters.is_empty() {
        common.extend(WITH_PARAMETERS);
    }
    if operation.request_body.is_some() {
        common.extend(WITH_BODY);
    }
    for (header, kind) in WITH_HEADER {
        let takes = |parameter: &RefOr<Parameter>| matches!(parameter, RefOr::T(found) if found.name == header);
        if parameters.iter().any(takes) {
            common.push(kind);
        }
    }
    common
}

fn text_header(meaning: &str) -> RefOr<Header> {
    let text = ObjectBuilder::new().schema_type(Type::String);
    RefOr::T(utoipa::openapi::HeaderBuilder::new().schema(Some(text)).description(Some(meaning)).build())
}

#[cfg(test)]
mod tests {
    use utoipa::OpenApi as _;

    use super::{QueryHeaders, complete};
    use crate::kinds;

    #[utoipa::path(get, path = "/things/{id}", params(("id" = String, Path), QueryHeaders),
        responses((status = 200, description = "There it is"), (status = 404, description = "UNKNOWN_THING")))]
    #[expect(dead_code, reason = "only its description is of interest")]
    fn get_thing() {}

    #[derive(utoipa::OpenApi)]
    #[openapi(paths(get_thing))]
    struct Api;

    #[test]
    fn every_operation_says_what_all_have_in_common() {
        let mut api = Api::openapi();
        complete(&mut api, kinds::ALL);
        let json = serde_json::to_value(&api).unwrap();
        let operation = &json["paths"]["/things/{id}"]["get"];
        let responses = &operation["responses"];
        for status in ["400", "401", "403", "404", "414", "422", "431", "500", "503"] {
            let schema = &responses[status]["content"]["application/problem+json"]["schema"]["$ref"];
            assert_eq!(schema, "#/components/schemas/Problem", "{status}");
        }
        assert_eq!(responses["404"]["description"], "UNKNOWN_THING");
        assert!(responses["415"].is_null(), "it has no body");
        assert!(responses["503"]["description"].as_str().unwrap().contains("VIEW_LAGGING"));
        assert!(responses["412"].is_null(), "it takes no If-Match");
        assert_eq!(json["x-problems"].as_array().unwrap().len(), kinds::ALL.len());
        assert_eq!(operation["security"], serde_json::json!([{ "credential": ["queries"] }]));
        assert_eq!(json["components"]["securitySchemes"]["credential"]["scheme"], "bearer");
        assert!(responses["200"]["headers"]["Consistency-Token"].is_object());
        assert!(responses["503"]["headers"]["Retry-After"].is_object());
        assert!(json["components"]["schemas"]["Shortfall"].is_object());
        assert_eq!(operation["parameters"][1]["name"], "Consistency-Token");
    }
}
