//! The document of the API (OpenAPI 3.1), made from the table of routes and the types of bodies.
//!
//! *Invariant:* what a handler reads and writes is what the document says, because both come from
//! the same types; the committed `openapi.json` is this document, and a test compares them.

use std::sync::LazyLock;

use axum::http::Method;
use domain::workset::Role;
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::page::ROWS_MAX;
use crate::route::{JSON, KeyPolicy, Route};
use crate::router::VERSION;
use crate::routes::ROUTES;
use crate::stream::EVENT_STREAM;
use crate::table::TABLE_ROWS_MAX;

/// The document of this API.
pub static DOCUMENT: LazyLock<Value> = LazyLock::new(|| document(ROUTES));

/// What was really sent to each operation, and answered; a test keeps it true.
static EXAMPLES: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("examples.json")).unwrap_or_default());

/// The document as it is served and committed.
pub static TEXT: LazyLock<String> = LazyLock::new(|| {
    let text = serde_json::to_string_pretty(&*DOCUMENT).unwrap_or_default();
    text + "\n"
});

const SCHEMAS: &str = "#/components/schemas";

/// Makes the document of `routes`.
pub fn document(routes: &[Route]) -> Value {
    let settings = || {
        let mut settings = SchemaSettings::draft2020_12();
        settings.definitions_path = SCHEMAS.into();
        settings.meta_schema = None;
        settings
    };
    let mut taken = SchemaGenerator::new(settings().for_deserialize());
    let mut given = SchemaGenerator::new(settings().for_serialize());
    let mut paths = Map::new();
    for route in routes {
        let method = route.method.as_str().to_lowercase();
        let operation = operation(route, &mut taken, &mut given);
        let entry = paths.entry(route.path).or_insert_with(|| json!({}));
        if let Value::Object(methods) = entry {
            methods.insert(method, operation);
        }
    }
    let mut schemas = Map::new();
    schemas.extend(taken.take_definitions(true));
    schemas.extend(given.take_definitions(true));
    schemas.insert("Problem".into(), problem());
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Drawdown",
            "version": VERSION,
            "description": "Prepaid credits and real-time billing. Money is a decimal string, \
                            times are RFC 3339 in UTC, unknown fields are refused.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" }
        },
        "security": [{ "key": [] }],
        "tags": tags(routes),
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": {
                "Problem": {
                    "description": "A problem; docs/errors.md explains every code.",
                    "content": {
                        "application/problem+json": {
                            "schema": { "$ref": format!("{SCHEMAS}/Problem") }
                        }
                    }
                }
            },
            "securitySchemes": { "key": { "type": "http", "scheme": "bearer" } }
        }
    })
}

fn tag(route: &Route) -> &'static str {
    let mut parts = route.path.split('/').skip(1);
    match parts.next() {
        Some("v1") => parts.next().unwrap_or("server"),
        Some("api") => "usage_events",
        _ => "server",
    }
}

fn tags(routes: &[Route]) -> Vec<Value> {
    let mut names: Vec<&str> = routes.iter().map(tag).collect();
    names.sort_unstable();
    names.dedup();
    names.into_iter().map(|name| json!({ "name": name })).collect()
}

fn operation(route: &Route, taken: &mut SchemaGenerator, given: &mut SchemaGenerator) -> Value {
    let mut operation = Map::new();
    operation.insert("operationId".into(), json!(route.operation));
    operation.insert("summary".into(), json!(route.summary));
    operation.insert("tags".into(), json!([tag(route)]));
    operation.insert("description".into(), json!(description(route)));
    if let Some(role) = route.role {
        operation.insert("x-role".into(), json!(role.name()));
    } else {
        operation.insert("security".into(), json!([]));
    }
    let parameters = parameters(route, taken);
    let is_table = parameters.iter().any(|parameter| parameter["name"] == "format");
    if !parameters.is_empty() {
        operation.insert("parameters".into(), json!(parameters));
    }
    if let Some(schema) = route.request {
        let schema = schema(taken);
        let mut content: Map<String, Value> = route
            .media
            .iter()
            .map(|&media| (media.to_owned(), json!({ "schema": schema })))
            .collect();
        let example = &EXAMPLES[route.operation]["request"];
        if let Some(body) = content.get_mut(JSON).filter(|_| !example.is_null()) {
            body["example"] = example.clone();
        }
        operation.insert("requestBody".into(), json!({ "content": content }));
    }
    operation.insert("responses".into(), responses(route, is_table, given));
    Value::Object(operation)
}

fn description(route: &Route) -> String {
    let mut sentences = vec![match route.role {
        None => "Open to anyone.".to_owned(),
        Some(Role::Operator) => "For the operator.".to_owned(),
        Some(role) => format!("For keys with the role `{}` or more.", role.name()),
    }];
    if !route.refusals.is_empty() {
        let codes: Vec<String> = route.refusals.iter().map(|code| format!("`{code}`")).collect();
        sentences.push(format!("Refusals: {}.", codes.join(", ")));
    }
    sentences.join(" ")
}

/// Parameters in the path, in the query and in the header.
fn parameters(route: &Route, taken: &mut SchemaGenerator) -> Vec<Value> {
    let mut parameters: Vec<Value> = route
        .path_params()
        .into_iter()
        .map(|name| {
            json!({
                "name": name,
                "in": "path",
                "required": true,
                "description": format!("An id of {}.", tag(route).replace('_', " ")),
                "schema": { "type": "string" }
            })
        })
        .collect();
    if let Some(query) = route.query {
        let name = query(taken);
        let name = name.get("$ref").and_then(Value::as_str).unwrap_or_default();
        let name = name.trim_start_matches(SCHEMAS).trim_start_matches('/').to_owned();
        let definition = taken.definitions().get(&name).cloned().unwrap_or_default();
        let fields = definition["properties"].as_object().cloned().unwrap_or_default();
        for (name, mut schema) in fields {
            constrain(route, &name, &mut schema);
            let about = schema.as_object_mut().and_then(|schema| schema.remove("description"));
            parameters.push(json!({
                "name": name,
                "in": "query",
                "description": about,
                "schema": schema
            }));
        }
    }
    if route.role.is_some() {
        parameters.push(json!({
            "name": "Drawdown-Version",
            "in": "header",
            "description": "The version of the API that the client was written for; another one \
                            than the server speaks is refused.",
            "schema": { "type": "string", "enum": [VERSION] }
        }));
    }
    if route.is_list {
        parameters.push(json!({
            "name": "format",
            "in": "query",
            "description": "`json`, a page; or `csv`, a table of all rows, or of the first \
                            `limit`, at most 10,000. `Accept: text/csv` asks for the same.",
            "schema": { "type": "string", "enum": ["json", "csv"] }
        }));
    }
    if route.method == Method::POST && route.key != KeyPolicy::None {
        parameters.push(json!({
            "name": "Idempotency-Key",
            "in": "header",
            "required": route.key == KeyPolicy::Required,
            "description": "Repeating the request under the same key repeats its answer.",
            "schema": { "type": "string", "minLength": 1, "maxLength": 255 }
        }));
    }
    parameters
}

/// What the parameters take that lists and tables have in common.
fn constrain(route: &Route, name: &str, schema: &mut Value) {
    match name {
        "cursor" => schema["pattern"] = json!("^[0-9a-f]{32}$"),
        "limit" => {
            schema["minimum"] = json!(1);
            schema["maximum"] = json!(if route.is_list { TABLE_ROWS_MAX } else { ROWS_MAX });
        }
        "format" => schema["enum"] = json!(["json", "csv", null]),
        _ => {}
    }
}

fn responses(route: &Route, is_table: bool, given: &mut SchemaGenerator) -> Value {
    let mut responses = Map::new();
    let success = match route.response {
        Some(schema) => {
            let mut content = json!({ JSON: { "schema": schema(given) } });
            let example = &EXAMPLES[route.operation]["response"];
            if !example.is_null() {
                content[JSON]["example"] = example.clone();
            }
            if route.operation == "list_events" {
                content[EVENT_STREAM] = json!({ "schema": { "type": "string" } });
            }
            if is_table {
                content["text/csv"] = json!({ "schema": { "type": "string" } });
            }
            json!({
                "description": "Done.",
                "headers": headers(route),
                "content": content
            })
        }
        None => json!({ "description": "Done." }),
    };
    responses.insert(route.status.to_string(), success);
    if route.operation == "advance_test_clock" {
        let again = responses[&route.status.to_string()].clone();
        responses.insert("202".into(), again);
    }
    let refused = json!({ "$ref": "#/components/responses/Problem" });
    for status in statuses(route) {
        responses.insert(status.to_owned(), refused.clone());
    }
    responses.insert("default".into(), refused);
    Value::Object(responses)
}

/// What an answer says of itself.
fn headers(route: &Route) -> Value {
    let mut headers = json!({
        "Request-Id": {
            "description": "Names the request in logs.",
            "schema": { "type": "string" }
        }
    });
    let mut tell = |name: &str, about: &str, kind: &str| {
        headers[name] = json!({ "description": about, "schema": { "type": kind } });
    };
    if route.role.is_some() {
        tell("Drawdown-Version", "The version of the API that answered.", "string");
        tell("RateLimit-Limit", "Requests at once; absent where there is no limit.", "integer");
        tell("RateLimit-Remaining", "Requests left at once.", "integer");
        tell("RateLimit-Reset", "Seconds until all of them are there again.", "integer");
    }
    if route.is_list {
        tell("Next-Cursor", "Where a table goes on that was cut.", "string");
    }
    headers
}

/// Error statuses that this route is known to answer.
fn statuses(route: &Route) -> Vec<&'static str> {
    let mut statuses = Vec::new();
    if route.role.is_some() {
        statuses.extend(["401", "403", "429"]);
    }
    if route.request.is_some() || route.query.is_some() {
        statuses.push("400");
    }
    if !route.path_params().is_empty() {
        statuses.push("404");
    }
    if route.refusals.contains(&"insufficient_credit") {
        statuses.push("402");
    }
    if route.method == Method::POST {
        statuses.extend(["409", "413", "415", "422", "503"]);
    }
    statuses
}

/// The schema of an error answer.
fn problem() -> Value {
    let text = json!({ "type": "string" });
    let money = json!({ "type": "string", "description": "With a refusal for credit." });
    json!({
        "type": "object",
        "required": ["type", "status", "code", "message", "request_id"],
        "properties": {
            "type": { "type": "string", "format": "uri" },
            "status": { "type": "integer" },
            "code": { "type": "string", "description": "For programs: never changes meaning." },
            "message": { "type": "string", "description": "For people: may change." },
            "param": { "type": ["string", "null"], "description": "The field at fault." },
            "request_id": text,
            "available": money,
            "required": money,
            "affordable": money,
            "add_credits_url": text,
            "retry_with_new_key": { "type": "boolean" }
        },
        "additionalProperties": true
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::path::Path;

    /// `UPDATE_OPENAPI=1 cargo test -p web openapi` writes the document anew.
    #[test]
    fn the_committed_document_is_the_one_of_the_code() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../openapi.json");
        if std::env::var_os("UPDATE_OPENAPI").is_some() {
            std::fs::write(&path, TEXT.as_str()).unwrap();
        }
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(committed == *TEXT, "openapi.json is stale: run with UPDATE_OPENAPI=1");
    }

    #[test]
    fn every_route_says_who_may_call_it_and_what_it_takes() {
        let document = document(ROUTES);
        let mut operations = BTreeSet::new();
        for route in ROUTES {
            assert!(!route.summary.is_empty(), "{}", route.path);
            assert!(operations.insert(route.operation), "{} stands twice", route.operation);
            let is_open = !route.path.contains("/v1/");
            assert_eq!(route.role.is_none(), is_open, "{}", route.path);
            let method = route.method.as_str().to_lowercase();
            let operation = &document["paths"][route.path][method];
            assert_eq!(operation["operationId"], route.operation);
            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            for param in route.path_params() {
                let documented = parameters.iter().any(|it| it["name"] == param);
                assert!(documented, "{} in {}", param, route.path);
            }
            for parameter in &parameters {
                assert!(parameter["description"].is_string(), "{}: {parameter}", route.path);
            }
            if !is_open {
                assert!(route.response.is_some(), "{}", route.path);
                assert!(route.method == Method::GET || route.request.is_some(), "{}", route.path);
            }
        }
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let document = document(ROUTES);
        let text = document.to_string();
        for part in text.split("\"$ref\":\"").skip(1) {
            let place = part.split('"').next().unwrap().trim_start_matches('#');
            assert!(document.pointer(place).is_some(), "{place}");
        }
    }

    #[test]
    fn requests_refuse_unknown_fields() {
        let document = document(ROUTES);
        for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
            if name.ends_with("In") && schema["type"] == "object" {
                assert_eq!(schema["additionalProperties"], false, "{name}");
            }
        }
    }
}
