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

/// What the page shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown<'a> {
    All,
    Noun(&'a str),
    /// There is no such noun.
    Nothing,
}

impl<'a> Shown<'a> {
    /// The page of `noun`, where the document has it.
    pub fn of(document: &Value, noun: &'a str) -> Shown<'a> {
        if nouns(document).contains(&noun) { Shown::Noun(noun) } else { Shown::Nothing }
    }
}

/// One page of the reference.
pub fn page(document: &Value, shown: Shown<'_>) -> Markup {
    let nouns = nouns(document);
    let title = match shown {
        Shown::Noun(noun) => format!("API: {}", spoken(noun)),
        Shown::All => "API".to_owned(),
        Shown::Nothing => "There is no such page".to_owned(),
    };
    let is_here = |other| (shown == other).then_some("page");
    let body = html! {
        header class="top-bar" {
            div class="top-bar-inner" { (layout::mark(paths::DOCS)) (layout::theme_button()) }
        }
        main id="main" tabindex="-1" class="reference" {
            nav aria-label="Nouns" {
                ul {
                    li {
                        a href=(paths::DOCS)
                            aria-current=[is_here(Shown::All)] { "All" }
                    }
                    @for &other in &nouns {
                        li {
                            a href=(paths::docs(other))
                                aria-current=[is_here(Shown::Noun(other))] {
                                (spoken(other))
                            }
                        }
                    }
                }
            }
            div class="reference-body" {
                h1 { (title) }
                @match shown {
                    Shown::Noun(noun) => (one(document, noun)),
                    Shown::All => (all(document, &nouns)),
                    Shown::Nothing => p { "The reference has a page for each noun." },
                }
            }
        }
    };
    layout::document(&title, &body)
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

/// A body: its fields, of each of its forms, and one that was really sent or answered.
fn body(document: &Value, title: &str, json: &Value) -> Markup {
    let example = serde_json::to_string_pretty(&json["example"]).unwrap_or_default();
    html! {
        @for (at, schema) in forms(document, &json["schema"]).into_iter().enumerate() {
            // An answer has all of its fields.
            @let required = |schema| if title == "Body" { required_of(schema) } else { vec![] };
            @let title = if at == 0 { title.to_owned() } else { format!("Or this {title}") };
            (fields(&title, &rows_of(schema, &required(schema))))
            @for (name, field) in schema["properties"].as_object().into_iter().flatten() {
                @let inner = inner(document, field);
                (fields(&format!("In {name}"), &rows_of(inner, &required(inner))))
            }
        }
        @if !json["example"].is_null() { pre tabindex="0" { code { (example) } } }
    }
}

/// What a body may be: one thing, or one of several; of a list, what each is. Each once.
fn forms<'a>(document: &'a Value, schema: &'a Value) -> Vec<&'a Value> {
    let schema = resolved(document, schema);
    if schema["type"] == "array" {
        return forms(document, &schema["items"]);
    }
    let Some(several) = schema["anyOf"].as_array() else { return vec![schema] };
    let mut found: Vec<&Value> = Vec::new();
    for form in several.iter().flat_map(|one| forms(document, one)) {
        if !found.contains(&form) {
            found.push(form);
        }
    }
    found
}

/// What a field holds, or each of what it lists; a plain value has no fields.
fn inner<'a>(document: &'a Value, field: &'a Value) -> &'a Value {
    let one = field["anyOf"].as_array().and_then(|several| several.first()).unwrap_or(field);
    let one = if one["type"] == "array" { &one["items"] } else { one };
    resolved(document, one)
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
        let whole = page(&document, Shown::All).into_string();
        for noun in nouns(&document) {
            let shown = page(&document, Shown::of(&document, noun)).into_string();
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
        assert_eq!(Shown::of(&document, "nothing"), Shown::Nothing);
    }

    #[test]
    fn a_body_of_several_forms_shows_the_fields_of_each() {
        let document = document(ROUTES);
        let shown = page(&document, Shown::of(&document, "usage_events")).into_string();
        for field in ["quantities", "specversion", "transaction_id", "external_subscription_id"] {
            assert!(shown.contains(&format!("<b>{field}</b>")), "{field}");
        }
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
