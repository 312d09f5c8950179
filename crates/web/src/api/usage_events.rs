//! Usage events: what was used, as single events or in batches, in our own form or as CloudEvents.
//!
//! Laws: an event is its organization, source and id; it is charged once however often it comes;
//! a batch is read whole before anything of it is decided, then each event is answered on its own,
//! in the order in which they were sent.

use std::collections::BTreeMap;

use app::operations::record_request::{BUSY_MILLISECONDS, RecordRequest};
use app::operations::record_usage::RecordUsage;
use app::operations::reverse_usage::{ReverseUsage, reversal_key};
use app::{Answer, App, AppError, Command, OnPlatform, Operation, Outcome};
use axum::http::{HeaderMap, HeaderValue, Method, Uri, header};
use bytes::Bytes;
use domain::label::Labels;
use domain::ledger::{EventKey, LedgerTransaction};
use domain::{Id, Kind, OrgId, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::task::JoinSet;

use super::done;
use crate::error::Fault;
use crate::extract::{Call, Reply, first_eight};
use crate::forward::Onward;
use crate::route::JSON;
use crate::wire::{IdOut, IdText, MoneyOut, TimeOut, TimeText, labels};

pub mod dialects;
pub mod input;

pub use input::{CloudEvent, SOURCE_DEFAULT, UsageEventIn, UsageIn};
use input::{Given, read};

/// Room for the text of an ordinary charge, so that it is written without growing.
const CHARGE_BYTES: usize = 640;

/// What became of one event.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ChargeOut<'a> {
    /// `recorded`, or `duplicate` when this very event was recorded before.
    pub status: &'static str,
    pub id: &'a str,
    pub source: &'a str,
    pub organization: IdOut,
    pub transaction: IdOut,
    /// The charge at price.
    pub amount: MoneyOut,
    /// What the list prices were lowered by.
    pub discount_bps: i64,
    /// The part of it beyond the credit that nobody owes.
    pub absorbed: MoneyOut,
    /// The part of it beyond the credit that is owed now.
    pub debt: MoneyOut,
    /// The limit that this use went beyond: it was charged, and new spending is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<IdOut>,
    /// Posted balance after it.
    pub balance: MoneyOut,
    pub occurred_at: TimeOut,
    pub posted_at: TimeOut,
}

/// What became of the events of a batch, in their order: a charge each, or a problem with
/// `status: refused`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct UsageOut {
    pub results: Vec<Value>,
}

/// The answer to a single event, or to a batch.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum UsageAnswer {
    Charge(Box<ChargeOut<'static>>),
    Batch(UsageOut),
}

impl ChargeOut<'_> {
    pub fn of(row: &LedgerTransaction, is_duplicate: bool) -> ChargeOut<'_> {
        let event = row.event.as_ref();
        let id = |kind, number| Id::new(kind, row.org, number).into();
        ChargeOut {
            status: if is_duplicate { "duplicate" } else { "recorded" },
            id: event.map_or("", |event| &event.id),
            source: event.map_or("", |event| &event.source),
            organization: id(Kind::Organization, 0),
            transaction: id(Kind::LedgerTransaction, row.number),
            amount: row.amount.into(),
            discount_bps: row.discount_bps,
            absorbed: row.absorbed.into(),
            debt: row.debt.into(),
            limit: (row.limit != 0).then(|| id(Kind::Limit, row.limit)),
            balance: row.balance.into(),
            occurred_at: row.occurred_at.unwrap_or(row.at).into(),
            posted_at: row.at.into(),
        }
    }

    fn to_text(&self) -> Result<String, Fault> {
        let mut text = Vec::with_capacity(CHARGE_BYTES);
        serde_json::to_writer(&mut text, self).map_err(|_| Fault::Internal)?;
        String::from_utf8(text).map_err(|_| Fault::Internal)
    }
}

/// One event, checked, of an organization that the caller may see.
#[derive(Clone, Debug)]
struct UsageEvent {
    org: OrgId,
    /// Where the organization has to turn out to live.
    platform: Option<OrgId>,
    source: String,
    id: String,
    of: UseOf,
    occurred_at: Option<Timestamp>,
    quantities: BTreeMap<String, i64>,
    labels: Labels,
}

/// What an event is about.
#[derive(Clone, Debug)]
enum UseOf {
    /// A SKU, by its code: it is charged.
    Sku(String),
    /// A resource, by its number: it served a request.
    Resource(i64),
}

impl UsageEvent {
    /// Tells a repetition from a conflict: what the event says, whatever form it came in.
    fn fingerprint(&self) -> i64 {
        let mut hash = Sha256::new();
        let mut add = |text: &str| {
            hash.update(text.as_bytes());
            hash.update([0]);
        };
        match &self.of {
            UseOf::Sku(code) => add(code),
            // No code is empty.
            UseOf::Resource(number) => {
                add("");
                add(&number.to_string());
            }
        }
        add(&self.occurred_at.map(|at| at.micros().to_string()).unwrap_or_default());
        for (dimension, quantity) in &self.quantities {
            add(dimension);
            add(&quantity.to_string());
        }
        if !self.labels.is_empty() {
            add(self.labels.text());
        }
        first_eight(&hash.finalize())
    }

    fn command(self, app: &App) -> Command {
        let hash = app.hasher.hash(self.org.get(), &self.source, &self.id).bits();
        let (org, fingerprint, occurred_at) = (self.org, self.fingerprint(), self.occurred_at);
        let key = EventKey { source: self.source, id: self.id };
        match self.of {
            UseOf::Sku(sku) => {
                let quantities = self.quantities.into_iter().collect();
                let operation = RecordUsage {
                    org,
                    key,
                    hash,
                    fingerprint,
                    sku,
                    occurred_at,
                    quantities,
                    labels: self.labels,
                };
                on(self.platform, operation)
            }
            UseOf::Resource(resource) => {
                let busy_milliseconds =
                    self.quantities.get(BUSY_MILLISECONDS).copied().unwrap_or(0);
                let operation = RecordRequest {
                    org,
                    key,
                    hash,
                    fingerprint,
                    resource,
                    occurred_at,
                    busy_milliseconds,
                    labels: self.labels,
                };
                on(self.platform, operation)
            }
        }
    }

    /// The event as another process of ours takes it.
    fn native(self) -> UsageEventIn {
        let (sku, resource) = match self.of {
            UseOf::Sku(code) => (Some(code), None),
            UseOf::Resource(number) => (None, Some(IdText::new(Kind::Resource, self.org, number))),
        };
        UsageEventIn {
            id: self.id,
            source: Some(self.source),
            organization: Some(IdText::organization(self.org)),
            sku,
            resource,
            occurred_at: self.occurred_at.map(TimeText::from),
            quantities: self.quantities.into(),
            labels: self.labels.iter().map(|(name, value)| (name.into(), value.into())).collect(),
        }
    }
}

/// The command, of an organization that has to live on `platform`.
fn on<O: Operation + 'static>(platform: Option<OrgId>, operation: O) -> Command {
    match platform {
        Some(platform) => Command::new(OnPlatform { platform, operation }),
        None => Command::new(operation),
    }
}

/// Checks one event, its shape before anything is looked for. An organization that is not the
/// caller's is a result of its own.
fn checked(call: &Call, event: UsageEventIn) -> Result<Result<UsageEvent, Fault>, Fault> {
    event.check()?;
    let labels = labels(&event.labels)?;
    let occurred_at = event.occurred_at.as_ref().map(|at| at.parse("occurred_at")).transpose()?;
    let (of, owner) = use_of(&event)?;
    let (org, platform) = match call.organization_to_check(event.organization.as_ref()) {
        Ok(found) => found,
        Err(fault @ Fault::NotFound { .. }) => return Ok(Err(fault)),
        Err(fault) => return Err(fault),
    };
    if owner.is_some_and(|owner| owner != org) {
        return Ok(Err(Fault::missing(Kind::Resource)));
    }
    Ok(Ok(UsageEvent {
        org,
        platform,
        source: event.source.unwrap_or_else(|| SOURCE_DEFAULT.to_owned()),
        id: event.id,
        of,
        occurred_at,
        quantities: event.quantities.into(),
        labels,
    }))
}

/// What `event` is about, and whose that has to be.
fn use_of(event: &UsageEventIn) -> Result<(UseOf, Option<OrgId>), Fault> {
    match (&event.sku, &event.resource) {
        (Some(sku), None) => Ok((UseOf::Sku(sku.clone()), None)),
        (None, Some(resource)) => {
            let id = resource.parse("resource", &[Kind::Resource])?;
            if !event.quantities.is_only(BUSY_MILLISECONDS) {
                let message = format!("a request of a resource has {BUSY_MILLISECONDS} alone");
                return Err(Fault::param("quantities", message));
            }
            Ok((UseOf::Resource(id.number), Some(id.org)))
        }
        _ => Err(Fault::param("sku", "name either a sku or a resource")),
    }
}

/// Where a group of events is decided: a lane of this process, or another process.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Lane(usize),
    Address(String),
}

fn place_of(call: &Call, org: OrgId) -> Place {
    match call.web.app.foreign_owner(org) {
        Some(address) => Place::Address(address),
        None => Place::Lane(call.web.app.lane_of(org)),
    }
}

fn refused(fault: &Fault) -> String {
    let mut body = fault.to_body();
    body["http_status"] = body["status"].take();
    body["status"] = Value::from("refused");
    body.to_string()
}

/// The text of a charge, from its row in the journal.
fn result_of(outcome: Result<Outcome, AppError>) -> Result<String, Fault> {
    match outcome? {
        Outcome::Decided(Ok(Answer::Charge { transaction, is_duplicate })) => {
            ChargeOut::of(&transaction, is_duplicate).to_text()
        }
        Outcome::Decided(Err(refusal)) => Err(Fault::Refused(refusal)),
        _ => Err(Fault::Internal),
    }
}

/// What became of each event, as it is answered.
type Results = Vec<Result<String, Fault>>;
/// The results of some events, with their places in the request.
type Group = (Vec<usize>, Results);

/// Sends events to another process and takes its results.
async fn send_on(call: &Call, address: &str, events: &[UsageEventIn]) -> Result<Vec<Value>, Fault> {
    if call.is_forwarded {
        return Err(Fault::OwnerUnreachable);
    }
    let body = serde_json::to_vec(&serde_json::json!({ "events": events }));
    let mut headers = HeaderMap::new();
    if let Some(value) = call.sent.headers.get(header::AUTHORIZATION) {
        headers.insert(header::AUTHORIZATION, value.clone());
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(JSON));
    let uri = Uri::from_static("/v1/usage_events");
    let onward = Onward {
        address,
        method: Method::POST,
        uri: &uri,
        headers: &headers,
        body: Bytes::from(body.map_err(|_| Fault::Internal)?),
    };
    call.web.metrics.count_forwarded();
    let answer = call.web.forwarder.send(&call.web.app, onward).await?;
    let mut answer: Value =
        serde_json::from_slice(answer.body()).map_err(|_| Fault::OwnerUnreachable)?;
    match answer["results"].take() {
        Value::Array(results) if results.len() == events.len() => Ok(results),
        _ => Err(Fault::OwnerUnreachable),
    }
}

/// Decides the events of one lane of this process, in their order.
async fn decide_here(app: App, places: Vec<usize>, org: OrgId, commands: Vec<Command>) -> Group {
    let results = match app.run_all(org, commands).await {
        Ok(outcomes) => outcomes.into_iter().map(result_of).collect(),
        Err(error) => vec![Err(Fault::App(error)); places.len()],
    };
    (places, results)
}

/// Has another process decide events.
async fn decide_there(
    call: &Call,
    address: &str,
    places: Vec<usize>,
    events: &[UsageEventIn],
) -> Group {
    let results = match send_on(call, address, events).await {
        Ok(values) => values.iter().map(|value| Ok(value.to_string())).collect(),
        Err(fault) => vec![Err(fault); places.len()],
    };
    (places, results)
}

/// Decides all events, each group in the order in which it was sent.
async fn decide(call: &Call, events: Vec<Result<UsageEvent, Fault>>) -> Results {
    let mut groups: BTreeMap<Place, (Vec<usize>, Vec<UsageEvent>)> = BTreeMap::new();
    let mut results: Results = Vec::with_capacity(events.len());
    for (at, event) in events.into_iter().enumerate() {
        results.push(Err(match event {
            Ok(event) => {
                let (places, events) = groups.entry(place_of(call, event.org)).or_default();
                places.push(at);
                events.push(event);
                Fault::Internal
            }
            Err(fault) => fault,
        }));
    }
    let app = &call.web.app;
    let mut here: JoinSet<Group> = JoinSet::new();
    let mut done: Vec<Group> = Vec::new();
    for (place, (places, events)) in groups {
        let Some(org) = events.first().map(|event| event.org) else { continue };
        match place {
            Place::Lane(_) => {
                let commands = events.into_iter().map(|event| event.command(app)).collect();
                here.spawn(decide_here(app.clone(), places, org, commands));
            }
            Place::Address(address) => {
                let events: Vec<_> = events.into_iter().map(UsageEvent::native).collect();
                done.push(decide_there(call, &address, places, &events).await);
            }
        }
    }
    // A group whose task broke keeps the answer that this went wrong.
    while let Some(group) = here.join_next().await {
        done.extend(group.ok());
    }
    for (places, decided) in done {
        for (at, result) in places.into_iter().zip(decided) {
            results[at] = result;
        }
    }
    results
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReversalIn {
    pub organization: Option<IdText>,
    /// Of the event that should not have been charged.
    pub id: String,
    pub source: Option<String>,
}

/// Reverses the charge for a usage event. What should have been charged instead is a new event.
pub async fn reverse(call: Call) -> Result<Reply, Fault> {
    let body: ReversalIn = call.json()?;
    let home = call.organization(body.organization.as_ref()).await?;
    let key = input::key_of(&body.id, body.source.as_deref())?;
    let hash = |key: &EventKey| call.web.app.hasher.hash(home.org.get(), &key.source, &key.id);
    let (event, reversal) = (hash(&key).bits(), hash(&reversal_key(&key)).bits());
    let operation = ReverseUsage { org: home.org, key, hash: event, reversal_hash: reversal };
    call.run(operation, done).await
}

/// Records usage events.
pub async fn create(call: Call) -> Result<Reply, Fault> {
    call.sent.refuse_members("usage is reported by programs: name the member in its labels")?;
    let media = call.sent.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    match read(media.unwrap_or(JSON), &call.sent.body)? {
        Given::One(event) => record_one(&call, *event).await,
        Given::Batch(events) => record_all(&call, events.into_iter().map(Ok)).await,
    }
}

async fn record_one(call: &Call, event: UsageEventIn) -> Result<Reply, Fault> {
    let event = checked(call, event)??;
    let org = event.org;
    call.own(org)?;
    let outcome = call.web.app.run(event.command(&call.web.app)).await;
    Ok(Reply { org: Some(org), ..Reply::new(200, result_of(outcome)?) })
}

/// Records a batch; what of it is refused already has that as its result.
async fn record_all(
    call: &Call,
    given: impl ExactSizeIterator<Item = Result<UsageEventIn, Fault>>,
) -> Result<Reply, Fault> {
    let mut events = Vec::with_capacity(given.len());
    for (at, event) in given.enumerate() {
        events.push(match event {
            Ok(event) => checked(call, event).map_err(|fault| within(fault, at))?,
            Err(fault) => Err(fault),
        });
    }
    let mut results = decide(call, events).await;
    // An event that nothing was decided about may be sent again; when that is all of them, so may
    // the request.
    let is_decided = |result: &Result<String, Fault>| {
        !matches!(result, Err(Fault::App(_) | Fault::OwnerUnreachable | Fault::Internal))
    };
    if !results.iter().any(is_decided)
        && let Some(Err(fault)) = results.pop()
    {
        return Err(fault);
    }
    let mut body = String::with_capacity(results.len() * CHARGE_BYTES);
    body.push_str("{\"results\":");
    for (at, result) in results.into_iter().enumerate() {
        body.push(if at == 0 { '[' } else { ',' });
        body.push_str(&result.unwrap_or_else(|fault| refused(&fault)));
    }
    body.push_str("]}");
    Ok(Reply::new(200, body))
}

/// Names the event of a batch that is to blame.
fn within(fault: Fault, at: usize) -> Fault {
    match fault {
        Fault::ParameterInvalid { param, message } => {
            Fault::ParameterInvalid { param: format!("events[{at}].{param}"), message }
        }
        fault => fault,
    }
}
