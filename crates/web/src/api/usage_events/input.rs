//! What a request with usage events may hold: our own form, and CloudEvents 1.0.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use domain::ledger::EventKey;

use crate::error::Fault;
use crate::extract::parse;
use crate::route::{CLOUD_EVENT, CLOUD_EVENTS, JSON};
use crate::wire::{IdText, TimeText, require_code, require_text, text};

/// Events that one request takes.
pub const EVENTS_PER_REQUEST_MAX: usize = 1_000;
/// Priced dimensions of one event.
const DIMENSIONS_MAX: usize = 16;
const ID_CHARS_MAX: usize = 200;
const SOURCE_CHARS_MAX: usize = 200;
const CODE_LENGTH_MAX: usize = 64;
/// The source of events that name none.
pub const SOURCE_DEFAULT: &str = "api";
const SPEC_VERSION: &str = "1.0";

/// One usage event.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UsageEventIn {
    /// Yours; unique with `source` within the organization. Sending it again changes nothing.
    pub id: String,
    /// Which system the id comes from; `api` when none is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Whose usage; a key of an organization may leave it out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organization: Option<IdText>,
    /// The code of the SKU that was used, at its price; or name a `resource`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
    /// The resource that served a request in time that is paid for: it charges nothing. Its only
    /// quantity is `busy_milliseconds`, and `occurred_at` is when it was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<IdText>,
    /// Now, when none is given. The price is the one in force then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub occurred_at: Option<TimeText>,
    pub quantities: Quantities,
    /// What its cost is grouped by in reports, such as `model`, `gpu_type`, `location`, `project`,
    /// `member` or `api_key`; at most 20.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

/// How much was used, by priced dimension: `{"input_tokens": 1200}`.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct Quantities(BTreeMap<String, i64>);

impl UsageEventIn {
    /// Refuses texts that are too long or hold what they must not.
    pub fn check(&self) -> Result<(), Fault> {
        require_text("id", &self.id, ID_CHARS_MAX)?;
        if let Some(source) = &self.source {
            require_text("source", source, SOURCE_CHARS_MAX)?;
        }
        if let Some(sku) = &self.sku {
            require_code("sku", sku, CODE_LENGTH_MAX)?;
        }
        let mut dimensions = self.quantities.0.keys();
        dimensions.try_for_each(|it| require_code("quantities", it, CODE_LENGTH_MAX))
    }
}

/// The events of a request.
#[derive(Debug)]
pub enum Given {
    One(Box<UsageEventIn>),
    Batch(Vec<UsageEventIn>),
}

/// Reads the events of a body that says it is `media`; an empty one is `{}`.
///
/// Errors: `malformed`, `parameter_invalid`, `too_many_events`.
pub fn read(media: &str, body: &[u8]) -> Result<Given, Fault> {
    let body = if body.is_empty() { b"{}" } else { body };
    let media = media.split(';').next().unwrap_or(JSON).trim();
    let too_many = Fault::TooManyEvents { events_max: EVENTS_PER_REQUEST_MAX };
    let one = |event| Ok(Given::One(Box::new(event)));
    let events = match media {
        CLOUD_EVENT => return one(parse::<CloudEvent>(body)?.native()?),
        CLOUD_EVENTS => {
            let batch: Bounded<CloudEvent> = parse(body)?;
            let events = batch.whole().ok_or(too_many)?;
            events.into_iter().map(CloudEvent::native).collect::<Result<Vec<_>, _>>()?
        }
        _ => match parse::<UsageEventIn>(body) {
            Ok(event) => return one(event),
            Err(Fault::Malformed { param: Some(field), .. }) if field == "events" => {
                parse::<NativeBatch>(body)?.events.whole().ok_or(too_many)?
            }
            Err(fault) => return Err(fault),
        },
    };
    if events.is_empty() {
        return Err(Fault::param("events", "holds no event"));
    }
    Ok(Given::Batch(events))
}

/// The key of a usage event that a request names.
pub fn key_of(id: &str, source: Option<&str>) -> Result<EventKey, Fault> {
    let source = text("source", source.unwrap_or(SOURCE_DEFAULT), SOURCE_CHARS_MAX)?;
    Ok(EventKey { source, id: text("id", id, ID_CHARS_MAX)? })
}

/// Our own form of a request: one event, or `events`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NativeBatch {
    pub events: Bounded<UsageEventIn>,
}

/// The body of `POST /v1/usage_events` in the document: any of its forms.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum UsageIn {
    Event(Box<UsageEventIn>),
    /// At most 1000.
    Batch {
        events: Vec<UsageEventIn>,
    },
    CloudEvent(Box<CloudEvent>),
    CloudEvents(Vec<CloudEvent>),
}

/// A CloudEvent of usage. Its `subject` is the organization; further attributes are allowed and
/// left alone, as the specification asks.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct CloudEvent {
    pub specversion: String,
    pub id: String,
    pub source: String,
    pub r#type: String,
    pub subject: Option<IdText>,
    pub time: Option<TimeText>,
    pub data: CloudData,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CloudData {
    pub sku: Option<String>,
    pub resource: Option<IdText>,
    pub quantities: Quantities,
    /// What its cost is grouped by in reports, such as `model`, `gpu_type`, `location`, `project`,
    /// `member` or `api_key`; at most 20.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

impl CloudEvent {
    /// The event in our own form.
    pub fn native(self) -> Result<UsageEventIn, Fault> {
        if self.specversion != SPEC_VERSION {
            return Err(Fault::param("specversion", "only 1.0 is understood"));
        }
        Ok(UsageEventIn {
            id: self.id,
            source: Some(self.source),
            organization: self.subject,
            sku: self.data.sku,
            resource: self.data.resource,
            occurred_at: self.time,
            quantities: self.data.quantities,
            labels: self.data.labels,
        })
    }
}

/// A list that is not kept beyond its maximum, however long it was sent.
#[derive(Debug)]
pub struct Bounded<T> {
    items: Vec<T>,
    is_whole: bool,
}

impl<T> Bounded<T> {
    /// All of it, unless it was too long.
    pub fn whole(self) -> Option<Vec<T>> {
        self.is_whole.then_some(self.items)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Bounded<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Bounded<T>, D::Error> {
        deserializer.deserialize_seq(BoundedVisitor(PhantomData))
    }
}

struct BoundedVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for BoundedVisitor<T> {
    type Value = Bounded<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list of at most {EVENTS_PER_REQUEST_MAX} events")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Bounded<T>, A::Error> {
        let mut items = Vec::new();
        while items.len() < EVENTS_PER_REQUEST_MAX {
            match seq.next_element()? {
                Some(item) => items.push(item),
                None => return Ok(Bounded { items, is_whole: true }),
            }
        }
        let mut is_whole = true;
        while seq.next_element::<IgnoredAny>()?.is_some() {
            is_whole = false;
        }
        Ok(Bounded { items, is_whole })
    }
}

impl Quantities {
    /// Whether `dimension` is all there is.
    pub const fn of(quantities: BTreeMap<String, i64>) -> Quantities {
        Quantities(quantities)
    }

    pub fn is_only(&self, dimension: &str) -> bool {
        self.0.len() == 1 && self.0.contains_key(dimension)
    }
}

impl From<BTreeMap<String, i64>> for Quantities {
    fn from(quantities: BTreeMap<String, i64>) -> Quantities {
        Quantities(quantities)
    }
}

impl From<Quantities> for BTreeMap<String, i64> {
    fn from(quantities: Quantities) -> BTreeMap<String, i64> {
        quantities.0
    }
}

impl<'de> Deserialize<'de> for Quantities {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Quantities, D::Error> {
        deserializer.deserialize_map(QuantitiesVisitor)
    }
}

struct QuantitiesVisitor;

impl<'de> Visitor<'de> for QuantitiesVisitor {
    type Value = Quantities;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at most {DIMENSIONS_MAX} whole numbers by name")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Quantities, A::Error> {
        let mut quantities = BTreeMap::new();
        while let Some((name, quantity)) = map.next_entry::<String, i64>()? {
            if quantities.insert(name, quantity).is_some() {
                return Err(A::Error::custom("a dimension stands twice in quantities"));
            }
            if quantities.len() > DIMENSIONS_MAX {
                let message = format!("more than {DIMENSIONS_MAX} dimensions in quantities");
                return Err(A::Error::custom(message));
            }
        }
        Ok(Quantities(quantities))
    }
}

impl JsonSchema for Quantities {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Quantities".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "description": "How much was used, by priced dimension.",
            "additionalProperties": { "type": "integer", "format": "int64", "minimum": 0 },
            "minProperties": 1,
            "maxProperties": DIMENSIONS_MAX,
            "examples": [{ "input_tokens": 1200, "output_tokens": 800 }]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_that_is_too_long_is_never_kept() {
        let list = |count: usize| format!("[{}]", vec!["1"; count].join(","));
        let read = |count| serde_json::from_str::<Bounded<i64>>(&list(count)).unwrap();
        assert_eq!(read(0).whole().map(|it| it.len()), Some(0));
        assert_eq!(read(EVENTS_PER_REQUEST_MAX).whole().map(|it| it.len()), Some(1_000));
        let long = read(EVENTS_PER_REQUEST_MAX + 1);
        assert_eq!((long.items.len(), long.whole().is_none()), (EVENTS_PER_REQUEST_MAX, true));
    }

    #[test]
    fn quantities_are_whole_numbers_each_named_once() {
        assert!(serde_json::from_str::<Quantities>("{\"tokens\":1}").is_ok());
        for bad in [
            "{\"tokens\":1,\"tokens\":2}",
            "{\"tokens\":1.0}",
            "{\"tokens\":\"1\"}",
            "{\"tokens\":9223372036854775808}",
            "[1]",
        ] {
            assert!(serde_json::from_str::<Quantities>(bad).is_err(), "{bad}");
        }
        let many: Vec<String> = (0..17).map(|at| format!("\"d{at}\":1")).collect();
        assert!(serde_json::from_str::<Quantities>(&format!("{{{}}}", many.join(","))).is_err());
    }

    #[test]
    fn a_cloud_event_says_the_same_in_our_form() {
        let event: CloudEvent = serde_json::from_str(
            "{\"specversion\":\"1.0\",\"id\":\"e-1\",\"source\":\"gw\",\"type\":\"usage\",\
             \"time\":\"2026-01-05T00:00:00Z\",\"traceparent\":\"00-x\",\
             \"data\":{\"sku\":\"llm\",\"quantities\":{\"tokens\":5}}}",
        )
        .unwrap();
        let event = event.native().unwrap();
        assert_eq!((event.id.as_str(), event.sku.as_deref()), ("e-1", Some("llm")));
        assert_eq!(event.source.as_deref(), Some("gw"));
        assert!(event.check().is_ok());
    }
}
