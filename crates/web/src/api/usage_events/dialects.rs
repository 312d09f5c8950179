//! Usage as clients of other meters send it: OpenMeter's CloudEvents and Lago's events, at the
//! address where they send it, so that what reports to them reports here unmodified.
//!
//! The subject is the id of an organization. The SKU is the `model` among the data, where one of
//! that code is sold, or else the type of the event. Of the data, those whole numbers count that
//! the SKU has a price for; the rest is left alone, as other meters do.

use std::collections::BTreeMap;

use axum::http::header;
use domain::price::PriceBook;
use domain::{OrgId, Refusal, Timestamp};
use schemars::JsonSchema;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::input::{Bounded, EVENTS_PER_REQUEST_MAX, Quantities, UsageEventIn};
use super::{UsageAnswer, record_all, record_one};
use crate::error::Fault;
use crate::extract::{Call, Reply};
use crate::route::CLOUD_EVENTS;
use crate::wire::{IdText, TimeText};

/// The source of Lago's events, which have none.
const LAGO: &str = "lago";
const MODEL: &str = "model";

/// An event in either dialect.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum DialectIn {
    Lago { event: Box<LagoEvent> },
    OpenMeter(Box<OpenMeterEvent>),
    OpenMeterBatch(Vec<OpenMeterEvent>),
}

/// A CloudEvent whose data are whatever its meters add up.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct OpenMeterEvent {
    pub id: String,
    pub source: String,
    pub r#type: String,
    /// The organization.
    pub subject: IdText,
    /// RFC 3339; now, when none is given.
    pub time: Option<String>,
    #[serde(default)]
    pub data: Map<String, Value>,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct LagoEvent {
    /// Unique within the organization. Sending it again changes nothing.
    pub transaction_id: String,
    /// The organization.
    pub external_subscription_id: IdText,
    /// The code of the SKU, where the properties name no model that is sold.
    pub code: String,
    /// Seconds since 1970, or RFC 3339; now, when none is given.
    pub timestamp: Option<Value>,
    #[serde(default)]
    pub properties: Option<Map<String, Value>>,
}

/// What was recorded, as each asks for it.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum DialectAnswer {
    /// What Lago's clients read of an event that was taken.
    Lago {
        event: Map<String, Value>,
    },
    OpenMeter(Box<UsageAnswer>),
}

impl LagoEvent {
    fn in_openmeter(self) -> Result<OpenMeterEvent, Fault> {
        Ok(OpenMeterEvent {
            id: self.transaction_id,
            source: LAGO.to_owned(),
            r#type: self.code,
            subject: self.external_subscription_id,
            time: self.timestamp.as_ref().and_then(seconds_or_text).transpose()?,
            data: self.properties.unwrap_or_default(),
        })
    }
}

/// A time in Lago's forms: a number, or a text of one, is seconds since 1970.
fn seconds_or_text(timestamp: &Value) -> Option<Result<String, Fault>> {
    let text = match timestamp {
        Value::Null => return None,
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    // A part of a second does not matter to whom sends seconds.
    let whole = text.split('.').next().unwrap_or_default();
    match whole.parse::<i64>() {
        Ok(seconds) => Some(Ok(Timestamp::from_seconds(seconds).to_string())),
        Err(_) if text.contains('T') => Some(Ok(text)),
        Err(_) => Some(Err(Fault::param("timestamp", "is neither seconds nor RFC 3339"))),
    }
}

/// The event in our own form, with what its SKU has prices for.
///
/// Errors, in order: `parameter_invalid` (time), `unknown_sku`, `price_missing`.
fn native(event: OpenMeterEvent, book: &PriceBook, now: Timestamp) -> Result<UsageEventIn, Fault> {
    let time = event.time.as_deref().map(|text| {
        let at = Timestamp::parse(text);
        at.ok_or_else(|| Fault::param("time", "not a time such as 2026-01-05T00:00:00Z"))
    });
    let occurred_at = time.transpose()?;
    let model = event.data.get(MODEL).and_then(Value::as_str);
    let sku = model.and_then(|code| book.sku_by_code(code));
    let sku = sku.or_else(|| book.sku_by_code(&event.r#type));
    let named = || model.unwrap_or(&event.r#type).chars().take(64).collect();
    let sku = sku.ok_or_else(|| Fault::Refused(Refusal::UnknownSku { code: named() }))?;
    let at = occurred_at.unwrap_or(now);
    let counts = |name: &str| book.price_at(sku.number, name, at).is_some();
    let numbers = event.data.iter().filter_map(|(name, value)| Some((name, value.as_i64()?)));
    let quantities: BTreeMap<String, i64> = numbers
        .filter(|(name, _)| counts(name))
        .map(|(name, number)| (name.clone(), number))
        .collect();
    if quantities.is_empty() {
        let number = event.data.iter().find(|(_, value)| value.is_i64());
        let dimension = number.map(|(name, _)| name.clone()).unwrap_or_default();
        let refusal = Refusal::PriceMissing { sku: sku.code.clone(), dimension };
        return Err(Fault::Refused(refusal));
    }
    Ok(UsageEventIn {
        id: event.id,
        source: Some(event.source),
        organization: Some(event.subject),
        sku: Some(sku.code.clone()),
        resource: None,
        occurred_at: occurred_at.map(TimeText::from),
        quantities: Quantities::of(quantities),
        labels: BTreeMap::new(),
    })
}

/// The price books of the platforms that a request is about, each read once.
struct Books<'a> {
    call: &'a Call,
    read: BTreeMap<OrgId, (PriceBook, Timestamp)>,
}

impl Books<'_> {
    fn of(call: &Call) -> Books<'_> {
        Books { call, read: BTreeMap::new() }
    }

    async fn in_own_form(&mut self, event: OpenMeterEvent) -> Result<UsageEventIn, Fault> {
        let platform = self.call.organization(Some(&event.subject)).await?.platform;
        if !self.read.contains_key(&platform) {
            let mut snapshot = self.call.snapshot().await?;
            let row = store::read::access::platform(&mut snapshot, platform).await?;
            let now = self.call.web.now_at(row.and_then(|row| row.clock));
            let book = store::read::access::book(&mut snapshot, platform).await?;
            self.read.insert(platform, (book, now));
        }
        let (book, now) = &self.read[&platform];
        native(event, book, *now)
    }
}

/// A batch of OpenMeter's, each event answered by itself.
async fn record_batch(call: &Call) -> Result<Reply, Fault> {
    let batch: Bounded<OpenMeterEvent> = call.json()?;
    let too_many = Fault::TooManyEvents { events_max: EVENTS_PER_REQUEST_MAX };
    let batch = batch.whole().ok_or(too_many)?;
    if batch.is_empty() {
        return Err(Fault::param("events", "holds no event"));
    }
    let (mut books, mut events) = (Books::of(call), Vec::with_capacity(batch.len()));
    for event in batch {
        events.push(match books.in_own_form(event).await {
            refused @ (Ok(_) | Err(Fault::Refused(_) | Fault::NotFound { .. })) => refused,
            Err(fault) => return Err(fault),
        });
    }
    record_all(call, events.into_iter()).await
}

/// Which dialect a body is in: only Lago's has an `event`.
#[derive(Deserialize)]
struct Dialect {
    event: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct LagoBody {
    event: LagoEvent,
}

/// Records usage that is sent in the dialect of OpenMeter or Lago.
///
/// Errors: `malformed`, `parameter_invalid`, `not_found`, and the refusals of usage events.
pub async fn create(call: Call) -> Result<Reply, Fault> {
    call.sent.refuse_members("usage is reported by programs: name the member in its labels")?;
    let media = call.sent.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if media.is_some_and(|media| media.starts_with(CLOUD_EVENTS)) {
        return record_batch(&call).await;
    }
    let mut books = Books::of(&call);
    if call.json::<Dialect>()?.event.is_none() {
        let event = books.in_own_form(call.json()?).await?;
        return record_one(&call, event).await;
    }
    let LagoBody { event } = call.json()?;
    let echoed = json!({
        "transaction_id": event.transaction_id,
        "external_subscription_id": event.external_subscription_id,
        "code": event.code,
        "properties": event.properties,
    });
    let event = books.in_own_form(event.in_openmeter()?).await?;
    let reply = record_one(&call, event).await?;
    let charge: Value = serde_json::from_str(&reply.body).unwrap_or_default();
    let mut body = echoed;
    body["lago_id"] = charge["transaction"].clone();
    body["timestamp"] = charge["occurred_at"].clone();
    body["created_at"] = charge["at"].clone();
    Ok(Reply { body: json!({ "event": body }).to_string(), ..reply })
}
