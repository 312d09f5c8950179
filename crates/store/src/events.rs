//! Events: their bodies are JSON objects of texts, written here because nothing here reads JSON.

use std::borrow::Cow;
use std::fmt::Write;

use domain::event::Event;

use crate::noun::{self, BUCKET, NUMBER, ORG};
use crate::statement::{Action, Bulk, Kind, catalogue};
use crate::value::Column;

const COLUMNS: &[(&str, Kind)] =
    &[BUCKET, ORG, NUMBER, ("kind", Kind::Small), ("at", Kind::Int), ("body", Kind::Text)];

catalogue! {
    /// Writes rows.
    SAVE: Bulk = Bulk::new(Action::Insert, "events", 3, COLUMNS);
}

pub(crate) fn columns(events: &[Event]) -> Vec<Column<'_>> {
    let mut columns = noun::org_columns(events.iter().map(|event| event.org));
    columns.push(Column::Int(events.iter().map(|event| event.number).collect()));
    columns.push(Column::Int(events.iter().map(|event| event.kind.code()).collect()));
    columns.push(Column::Int(events.iter().map(|event| event.at.micros()).collect()));
    columns
        .push(Column::Text(events.iter().map(|event| Cow::Owned(object(&event.fields))).collect()));
    columns
}

/// A JSON object of texts.
fn object(fields: &[(&'static str, String)]) -> String {
    let mut json = "{".to_owned();
    for (at, (name, value)) in fields.iter().enumerate() {
        if at > 0 {
            json.push(',');
        }
        push_text(&mut json, name);
        json.push(':');
        push_text(&mut json, value);
    }
    json.push('}');
    json
}

fn push_text(json: &mut String, text: &str) {
    json.push('"');
    for letter in text.chars() {
        match letter {
            '"' | '\\' => json.extend(['\\', letter]),
            '\n' => json.push_str("\\n"),
            // Writing to a string cannot fail. U+0000 has no place in PostgreSQL's texts unescaped.
            control if control < ' ' => drop(write!(json, "\\u{:04x}", u32::from(control))),
            other => json.push(other),
        }
    }
    json.push('"');
}

#[cfg(test)]
mod tests {
    use super::object;

    #[test]
    fn a_body_is_json_whatever_its_texts_hold() {
        let body = object(&[("name", "a \"b\" \\ \n\u{1} é ✓".to_owned()), ("at", String::new())]);
        assert_eq!(body, r#"{"name":"a \"b\" \\ \n\u0001 é ✓","at":""}"#);
        assert_eq!(object(&[]), "{}");
    }
}
