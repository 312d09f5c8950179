//! How money, times and ids are written in requests and answers, and what the document says of
//! them.
//!
//! Laws: money is a decimal string, a time is RFC 3339 in UTC, an id is typed text; what is
//! written reads back as the same value. A text is only a value once the handler has said which
//! field it is, so that a refusal can name it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::marker::PhantomData;

use domain::label::Labels;
use domain::{Amount, Id, Kind, OrgId, Timestamp};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

use crate::error::Fault;

/// No amount beyond this is taken from a request: sums inside stay far from the range of an amount.
pub const REQUEST_AMOUNT_MAX: Amount = Amount::from_units(1_000_000_000);
const TIME_LENGTH_MAX: usize = 40;
/// Times in requests lie before the year 3000.
const TIME_MAX: Timestamp = Timestamp::from_seconds(32_503_680_000);

/// An amount of the wallet's currency.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MoneyText(String);

/// An instant.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TimeText(String);

/// A public id.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IdText(String);

/// A value of ours on its way out, written straight into the answer; `T` says how it reads there.
#[derive(Clone, Copy, Debug)]
pub struct Written<V, T> {
    value: V,
    reads_as: PhantomData<T>,
}

pub type MoneyOut = Written<Amount, MoneyText>;
pub type TimeOut = Written<Timestamp, TimeText>;
pub type IdOut = Written<Id, IdText>;

impl<V, T> From<V> for Written<V, T> {
    fn from(value: V) -> Written<V, T> {
        Written { value, reads_as: PhantomData }
    }
}

impl<V: Display, T> Serialize for Written<V, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.value)
    }
}

impl<V, T: JsonSchema> JsonSchema for Written<V, T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

impl MoneyText {
    /// Errors, in order: those of [`Amount::parse`], `amount_out_of_range`.
    pub fn parse(&self, param: &str) -> Result<Amount, Fault> {
        let refused = |error| Fault::Amount { param: param.to_owned(), error };
        let amount = Amount::parse(&self.0).map_err(refused)?;
        if amount > REQUEST_AMOUNT_MAX || amount < REQUEST_AMOUNT_MAX.negated() {
            return Err(refused(domain::amount::AmountError::OutOfRange));
        }
        Ok(amount)
    }
}

impl From<Amount> for MoneyText {
    fn from(amount: Amount) -> MoneyText {
        MoneyText(amount.to_string())
    }
}

impl TimeText {
    pub fn parse(&self, param: &str) -> Result<Timestamp, Fault> {
        let is_utc = self.0.len() <= TIME_LENGTH_MAX && self.0.ends_with('Z');
        let at = Timestamp::parse(&self.0).filter(|_| is_utc);
        at.filter(|at| (Timestamp::ZERO..TIME_MAX).contains(at)).ok_or_else(|| {
            Fault::param(param, "not a time such as 2026-01-05T00:00:00Z, from 1970 to 2999")
        })
    }

    /// The text of a time that may be never.
    pub fn unless_never(at: Timestamp) -> Option<TimeText> {
        (at != Timestamp::NEVER).then(|| TimeText::from(at))
    }
}

impl From<Timestamp> for TimeText {
    fn from(at: Timestamp) -> TimeText {
        TimeText(at.to_string())
    }
}

impl IdText {
    pub fn new(kind: Kind, org: OrgId, number: i64) -> IdText {
        IdText(Id::new(kind, org, number).to_string())
    }

    pub fn organization(org: OrgId) -> IdText {
        IdText::new(Kind::Organization, org, 0)
    }

    /// Reads an id of one of `kinds` in a body or query.
    pub fn parse(&self, param: &str, kinds: &[Kind]) -> Result<Id, Fault> {
        id_of(&self.0, kinds).ok_or_else(|| {
            let named = |kind: &Kind| {
                let noun = kind.noun();
                let article = if noun.starts_with(['a', 'e', 'i', 'o']) { "an" } else { "a" };
                format!("{article} {noun}")
            };
            let nouns: Vec<String> = kinds.iter().map(named).collect();
            Fault::param(param, format!("not the id of {}", nouns.join(" or ")))
        })
    }
}

/// The id in `text`, if it is one of `kinds` and could have been made by us.
pub fn id_of(text: &str, kinds: &[Kind]) -> Option<Id> {
    let id: Id = text.parse().ok()?;
    let names_an_organization = matches!(id.kind, Kind::Organization | Kind::Platform);
    let is_whole = !names_an_organization || id.number == 0;
    (kinds.contains(&id.kind) && is_whole).then_some(id)
}

/// Reads a text that people wrote: 1 to `chars_max` characters, none of them a control character.
pub fn text(param: &str, value: &str, chars_max: usize) -> Result<String, Fault> {
    require_text(param, value, chars_max)?;
    Ok(value.to_owned())
}

/// As [`text`], and may be empty.
pub fn text_or_empty(param: &str, value: &str, chars_max: usize) -> Result<String, Fault> {
    require_plain(param, value, chars_max)?;
    Ok(value.to_owned())
}

/// Reads a short name for programs: letters, digits and `._:/-`, up to `length_max`.
pub fn code_text(param: &str, value: &str, length_max: usize) -> Result<String, Fault> {
    require_code(param, value, length_max)?;
    Ok(value.to_owned())
}

/// Reads labels.
pub fn labels(given: &BTreeMap<String, String>) -> Result<Labels, Fault> {
    Labels::new(given).map_err(|fault| Fault::param("labels", fault.wish()))
}

/// Refuses what [`text`] does.
pub fn require_text(param: &str, value: &str, chars_max: usize) -> Result<(), Fault> {
    if value.trim().is_empty() {
        return Err(Fault::param(param, "must not be empty"));
    }
    require_plain(param, value, chars_max)
}

fn require_plain(param: &str, value: &str, chars_max: usize) -> Result<(), Fault> {
    if value.chars().count() > chars_max {
        return Err(Fault::param(param, format!("longer than {chars_max} characters")));
    }
    if value.chars().any(char::is_control) {
        return Err(Fault::param(param, "must not hold control characters"));
    }
    Ok(())
}

/// Refuses what [`code_text`] does.
pub fn require_code(param: &str, value: &str, length_max: usize) -> Result<(), Fault> {
    let is_code = |byte: u8| byte.is_ascii_alphanumeric() || b"._:/-".contains(&byte);
    if value.is_empty() || value.len() > length_max || !value.bytes().all(is_code) {
        let message = format!("takes 1 to {length_max} letters, digits and . _ : / -");
        return Err(Fault::param(param, message));
    }
    Ok(())
}

/// Adds a member to a JSON object that was written by us.
pub fn with_member(mut body: String, name: &str, value: &Value) -> String {
    if body.ends_with('}') {
        body.pop();
        let comma = if body.ends_with('{') { "" } else { "," };
        body.push_str(&format!("{comma}\"{name}\":{value}}}"));
    }
    body
}

macro_rules! described {
    ($name:ident, $schema:tt) => {
        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    };
}

described!(MoneyText, {
    "type": "string",
    "description": "An amount of currency as a decimal string, at most 9 places.",
    "pattern": "^-?[0-9]+(\\.[0-9]{1,9})?$",
    "examples": ["12.50"]
});
described!(TimeText, {
    "type": "string",
    "format": "date-time",
    "pattern": "Z$",
    "examples": ["2026-01-05T00:00:00Z"]
});
described!(IdText, {
    "type": "string",
    "description": "Three letters for the kind, then 26 characters that carry the organization.",
    "pattern": "^[a-z]{3}_[0-9a-hjkmnp-tv-z]{26}$"
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_utc_and_within_reason() {
        let read = |text: &str| TimeText(text.to_owned()).parse("at");
        assert!(read("2026-01-05T00:00:00Z").is_ok());
        assert!(read("2026-01-05T00:00:00.5Z").is_ok());
        for bad in [
            "",
            "Z",
            "2026-01-05",
            "2026-01-05T00:00:00+00:00",
            "1969-12-31T23:59:59Z",
            "3000-01-01T00:00:00Z",
            "-009999-01-01T00:00:00Z",
            "2026-01-05T00:00:00Z\0Z",
        ] {
            assert!(read(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn amounts_beyond_reason_are_refused() {
        let read = |text: &str| MoneyText(text.to_owned()).parse("amount").map_err(|it| it.code());
        assert_eq!(read("1000000000"), Ok(REQUEST_AMOUNT_MAX));
        assert_eq!(read("1000000000.01"), Err("amount_out_of_range"));
        assert_eq!(read("-9223372036"), Err("amount_out_of_range"));
        assert_eq!(read("1e3"), Err("amount_malformed"));
    }

    #[test]
    fn texts_are_bounded_and_plain() {
        assert!(text("name", "Zürich 東京", 20).is_ok());
        for bad in ["", "   ", "a\0b", "a\nb", "abcdefghijklmnopqrstu"] {
            assert!(text("name", bad, 20).is_err(), "{bad:?}");
        }
        assert!(code_text("code", "gpu/h100-80gb:eu.1", 64).is_ok());
        assert!(code_text("code", "gpu h100", 64).is_err());
    }

    #[test]
    fn a_member_is_added_to_any_object() {
        assert_eq!(with_member("{}".into(), "a", &Value::from(1)), "{\"a\":1}");
        let two = with_member("{\"b\":2}".into(), "a", &Value::from("x\"y"));
        assert_eq!(two, "{\"b\":2,\"a\":\"x\\\"y\"}");
    }
}
