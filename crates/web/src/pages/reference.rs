//! The reference of the API: the document as pages, one for each noun.
//!
//! *Invariant:* everything shown stands in the document; a page needs nothing from elsewhere.

use maud::{Markup, html};
use serde_json::Value;

use super::layout;
use super::paths;

/// Of which a reader first has to know.
const FIRST: [&str; 6] =
    ["organizations", "deposits", "resources", "runs", "usage_events", "wallets"];

/// One operation of the document.
struct Operation<'a> {
    method: &'a str,
    path: &'a str,
    about: &'a Value,
}

/// The nouns of the document, those first that one begins with.
pub fn nouns(document: &Value) -> Vec<&str> {
    let tags = document["tags"].as_array().map(Vec::as_slice).unwrap_or_default();
    let all = tags.iter().filter_map(|tag| tag["name"].as_str());
    let (first, rest): (Vec<&str>, Vec<&str>) = all.partition(|noun| FIRST.contains(noun));
    first.into_iter().chain(rest).collect()
}

/// The page of one noun; of all of them, when none is named. Nothing when there is no such noun.
pub fn page(document: &Value, noun: Option<&str>) -> Option<Markup> {
    let nouns = nouns(document);
    if noun.is_some_and(|noun| !nouns.contains(&noun)) {
        return None;
    }
    let title = noun.map_or("API".to_owned(), |noun| format!("API: {}", spoken(noun)));
    let shown = html! {
        header class="top-bar" {
            div class="top-bar-inner" { (layout::mark()) (layout::theme_button()) }
        }
        main id="main" tabindex="-1" class="reference" {
            nav aria-label="Nouns" {
                ul {
                    li {
                        a href=(paths::DOCS)
                            aria-current=[noun.is_none().then_some("page")] { "All" }
                    }
                    @for &other in &nouns {
                        li {
                            a href=(paths::docs(other))
                                aria-current=[(noun == Some(other)).then_some("page")] {
                                (spoken(other))
                            }
                        }
                    }
                }
            }
            div class="reference-body" {
                h1 { (title) }
                @match noun {
                    Some(noun) => (one(document, noun)),
                    None => (all(document, &nouns)),
                }
            }
        }
    };
    Some(layout::document(&title, &shown))
}

fn spoken(noun: &str) -> String {
    noun.replace('_', " ")
}

fn operations<'a>(document: &'a Value, noun: &str) -> Vec<Operation<'a>> {
    let mut found = Vec::new();
    for (path, methods) in document["paths"].as_object().into_iter().flatten() {
        for (method, about) in methods.as_object().into_iter().flatten() {
            if about["tags"][0] == noun {
                found.push(Operation { method, path, about });
            }
        }
    }
    found
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

fn all(document: &Value, nouns: &[&str]) -> Markup {
    html! {
        p { (text(&document["info"], "description")) }
        p {
            "Version " (text(&document["info"], "version")) ", as a document: "
            a href="/openapi.json" { "openapi.json" } "."
        }
        @for noun in nouns {
            section {
                h2 { a href=(paths::docs(noun)) { (spoken(noun)) } }
                ul class="operations" {
                    @for operation in operations(document, noun) {
                        li {
                            @let about = operation.about;
                            a href={ (paths::docs(noun)) "#" (text(about, "operationId")) } {
                                (address(&operation))
                            }
                            " " span { (text(about, "summary")) }
                        }
                    }
                }
            }
        }
    }
}

fn address(operation: &Operation<'_>) -> Markup {
    html! {
        code { b { (operation.method.to_uppercase()) } " " (operation.path) }
    }
}

fn one(document: &Value, noun: &str) -> Markup {
    html! {
        @for operation in operations(document, noun) {
            @let about = operation.about;
            article class="card" id=(text(about, "operationId")) {
                h2 { (text(about, "summary")) }
                p { (address(&operation)) }
                p { (marked(text(about, "description"))) }
                (parameters(about))
                @if let Some(json) = about["requestBody"]["content"].get("application/json") {
                    (body(document, "Body", json))
                }
                @for (status, answer) in about["responses"].as_object().into_iter().flatten() {
                    @if let Some(json) = answer["content"].get("application/json") {
                        (body(document, &format!("Answer {status}"), json))
                    }
                }
            }
        }
    }
}

/// Text with its `code` set apart.
fn marked(text: &str) -> Markup {
    html! {
        @for (at, part) in text.split('`').enumerate() {
            @if at % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

fn fields(title: &str, rows: &[(String, String, bool, &str)]) -> Markup {
    html! {
        @if !rows.is_empty() {
            h3 { (title) }
            dl class="api-fields" {
                @for (name, kind, is_required, about) in rows {
                    div {
                        dt {
                            code { b { (name) } } " " small { (kind) }
                            @if *is_required { " " small class="needed" { "required" } }
                        }
                        dd { (marked(about)) }
                    }
                }
            }
        }
    }
}

fn parameters(about: &Value) -> Markup {
    let given = about["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
    let row = |parameter: &'_ Value| {
        let kind = format!("{}, {}", text(parameter, "in"), kind_of(&parameter["schema"]));
        (text(parameter, "name").to_owned(), kind, parameter["required"] == true)
    };
    let rows: Vec<(String, String, bool, &str)> = given
        .iter()
        .map(|parameter| {
            let (name, kind, is_required) = row(parameter);
            (name, kind, is_required, text(parameter, "description"))
        })
        .collect();
    fields("Parameters", &rows)
}

/// A body: its fields, and one that was really sent or answered.
fn body(document: &Value, title: &str, json: &Value) -> Markup {
    let schema = resolved(document, &json["schema"]);
    let row = resolved(document, &schema["properties"]["data"]["items"]);
    // An answer has all of its fields.
    let required = if title == "Body" { required_of(schema) } else { Vec::new() };
    let example = serde_json::to_string_pretty(&json["example"]).unwrap_or_default();
    html! {
        (fields(title, &rows_of(schema, &required)))
        (fields("Each of data", &rows_of(row, &[])))
        @if !json["example"].is_null() { pre tabindex="0" { code { (example) } } }
    }
}

fn required_of(schema: &Value) -> Vec<&str> {
    schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

fn rows_of<'a>(schema: &'a Value, required: &[&str]) -> Vec<(String, String, bool, &'a str)> {
    let fields = schema["properties"].as_object().into_iter().flatten();
    let row = |(name, field): (&String, &'a Value)| {
        let is_required = required.contains(&name.as_str());
        (name.clone(), kind_of(field), is_required, text(field, "description"))
    };
    fields.map(row).collect()
}

/// The schema itself, where it is named.
fn resolved<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    let place = schema["$ref"].as_str().map(|name| name.trim_start_matches('#'));
    place.and_then(|place| document.pointer(place)).unwrap_or(schema)
}

/// What a field takes, in a few words.
fn kind_of(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str() {
        return name.rsplit('/').next().unwrap_or_default().to_owned();
    }
    if let Some(values) = schema["enum"].as_array() {
        let values: Vec<&str> = values.iter().filter_map(Value::as_str).collect();
        return values.join(" | ");
    }
    if let Some(any) = schema["anyOf"].as_array() {
        return any.first().map(kind_of).unwrap_or_default();
    }
    let named = match &schema["type"] {
        Value::Array(several) => several.first().and_then(Value::as_str).unwrap_or_default(),
        one => one.as_str().unwrap_or_default(),
    };
    let pattern = text(schema, "pattern");
    match named {
        "array" => format!("list of {}", kind_of(&schema["items"])),
        "object" => "names and values".to_owned(),
        "string" if schema["format"] == "date-time" => "time".to_owned(),
        "string" if pattern.starts_with("^-?[0-9]") => "decimal".to_owned(),
        "string" if pattern.starts_with("^[a-z]{3}_") => "id".to_owned(),
        "string" => "text".to_owned(),
        other => other.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::openapi::document;
    use crate::routes::ROUTES;

    #[test]
    fn every_operation_stands_on_the_page_of_its_noun_with_an_example() {
        let document = document(ROUTES);
        let whole = page(&document, None).unwrap().into_string();
        for noun in nouns(&document) {
            let shown = page(&document, Some(noun)).unwrap().into_string();
            for operation in operations(&document, noun) {
                let id = text(operation.about, "operationId");
                assert!(shown.contains(&format!("id=\"{id}\"")), "{id}");
                assert!(whole.contains(&format!("#{id}\"")), "{id}");
                let is_answered = operation.about["responses"]["200"]["content"].is_object();
                if is_answered {
                    let article = shown.split(&format!("id=\"{id}\"")).nth(1).unwrap();
                    let article = article.split("</article>").next().unwrap();
                    assert!(article.contains("<pre"), "{id} has no example");
                }
            }
        }
        assert!(page(&document, Some("nothing")).is_none());
    }

    #[test]
    fn what_a_field_takes_is_said_in_a_few_words() {
        let document = document(ROUTES);
        let fields = &document["components"]["schemas"]["DepositIn"]["properties"];
        assert_eq!(kind_of(&fields["amount"]), "decimal");
        assert_eq!(kind_of(&fields["organization"]), "id");
        assert_eq!(kind_of(&fields["paid_with"]), "card | crypto");
    }
}
