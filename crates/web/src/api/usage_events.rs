//! Usage events: what was used, as single events or in batches, in our own form or as CloudEvents.
//!
//! Laws: an event is its organization, source and id; it is charged once however often it comes;
//! a batch is read whole before anything of it is decided, then each event is answered on its own,
//! in the order in which they were sent.

use std::collections::BTreeMap;

use app::operations::record_usage::RecordUsage;
use app::{Answer, App, AppError, Command, Outcome};
use axum::http::{HeaderMap, HeaderValue, Method, Uri, header};
use bytes::Bytes;
use domain::ledger::{EventKey, LedgerTransaction};
use domain::{Kind, OrgId, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::task::JoinSet;

use crate::error::Fault;
use crate::extract::{Call, Reply, first_eight};
use crate::forward::Onward;
use crate::route::{CLOUD_EVENT, CLOUD_EVENTS, JSON};
use crate::wire::{IdText, MoneyText, TimeText};

mod input;

use input::{Bounded, EVENTS_PER_REQUEST_MAX, NativeBatch};
pub use input::{CloudEvent, UsageEventIn, UsageIn};

/// What became of one event.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ChargeOut {
    /// `recorded`, or `duplicate` when this very event was recorded before.
    pub status: String,
    pub id: String,
    pub source: String,
    pub organization: IdText,
    pub transaction: IdText,
    /// The charge at price.
    pub amount: MoneyText,
    /// The part of it beyond the credit that nobody owes.
    pub absorbed: MoneyText,
    /// The part of it beyond the credit that is owed now.
    pub debt: MoneyText,
    /// Posted balance after it.
    pub balance: MoneyText,
    pub occurred_at: TimeText,
    pub posted_at: TimeText,
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
    Charge(Box<ChargeOut>),
    Batch(UsageOut),
}

impl ChargeOut {
    pub fn of(row: &LedgerTransaction, is_duplicate: bool) -> ChargeOut {
        let event = row.event.clone();
        let (source, id) = event.map(|event| (event.source, event.id)).unwrap_or_default();
        ChargeOut {
            status: if is_duplicate { "duplicate" } else { "recorded" }.to_owned(),
            id,
            source,
            organization: IdText::organization(row.org),
            transaction: IdText::new(Kind::LedgerTransaction, row.org, row.number),
            amount: row.amount.into(),
            absorbed: row.absorbed.into(),
            debt: row.debt.into(),
            balance: row.balance.into(),
            occurred_at: row.occurred_at.unwrap_or(row.at).into(),
            posted_at: row.at.into(),
        }
    }
}

/// One event, checked, of an organization that the caller may see.
#[derive(Clone, Debug)]
struct UsageEvent {
    org: OrgId,
    source: String,
    id: String,
    sku: String,
    occurred_at: Option<Timestamp>,
    quantities: BTreeMap<String, i64>,
}

impl UsageEvent {
    /// Tells a repetition from a conflict: what the event says, whatever form it came in.
    fn fingerprint(&self) -> i64 {
        let mut hash = Sha256::new();
        let mut add = |text: &str| {
            hash.update(text.as_bytes());
            hash.update([0]);
        };
        add(&self.sku);
        add(&self.occurred_at.map(|at| at.micros().to_string()).unwrap_or_default());
        for (dimension, quantity) in &self.quantities {
            add(dimension);
            add(&quantity.to_string());
        }
        first_eight(&hash.finalize())
    }

    fn command(&self, call: &Call) -> Command {
        let hash = call.web.app.hasher.hash(self.org.get(), &self.source, &self.id);
        Command::new(RecordUsage {
            org: self.org,
            key: EventKey { source: self.source.clone(), id: self.id.clone() },
            hash: hash.bits(),
            fingerprint: self.fingerprint(),
            sku: self.sku.clone(),
            occurred_at: self.occurred_at,
            quantities: self.quantities.clone().into_iter().collect(),
        })
    }

    /// The event as another process of ours takes it.
    fn native(&self) -> UsageEventIn {
        UsageEventIn {
            id: self.id.clone(),
            source: Some(self.source.clone()),
            organization: Some(IdText::organization(self.org)),
            sku: self.sku.clone(),
            occurred_at: self.occurred_at.map(TimeText::from),
            quantities: self.quantities.clone().into(),
        }
    }
}

/// The events of a request, and whether it was a single one.
fn read(call: &Call) -> Result<(Vec<UsageEventIn>, bool), Fault> {
    let media = call.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media = media.unwrap_or(JSON).split(';').next().unwrap_or(JSON).trim();
    let too_many = Fault::TooManyEvents { events_max: EVENTS_PER_REQUEST_MAX };
    let events = match media {
        CLOUD_EVENT => return Ok((vec![call.json::<CloudEvent>()?.native()?], true)),
        CLOUD_EVENTS => {
            let batch: Bounded<CloudEvent> = call.json()?;
            let events = batch.whole().ok_or(too_many)?;
            events.into_iter().map(CloudEvent::native).collect::<Result<Vec<_>, _>>()?
        }
        _ => match call.json::<UsageEventIn>() {
            Ok(event) => return Ok((vec![event], true)),
            Err(Fault::Malformed { param: Some(field), .. }) if field == "events" => {
                call.json::<NativeBatch>()?.events.whole().ok_or(too_many)?
            }
            Err(fault) => return Err(fault),
        },
    };
    if events.is_empty() {
        return Err(Fault::param("events", "holds no event"));
    }
    Ok((events, false))
}

/// Checks one event. An organization that is not the caller's is a result of its own.
async fn checked(call: &Call, event: UsageEventIn) -> Result<Result<UsageEvent, Fault>, Fault> {
    let fields = event.check()?;
    let home = match call.organization(event.organization.as_ref()).await {
        Ok(home) => home,
        Err(fault @ Fault::NotFound { .. }) => return Ok(Err(fault)),
        Err(fault) => return Err(fault),
    };
    let occurred_at = event.occurred_at.as_ref().map(|at| at.parse("occurred_at")).transpose()?;
    Ok(Ok(UsageEvent {
        org: home.org,
        source: fields.source,
        id: event.id,
        sku: event.sku,
        occurred_at,
        quantities: event.quantities.into(),
    }))
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

fn refused(fault: &Fault) -> Value {
    let mut body = fault.to_body();
    body["http_status"] = body["status"].take();
    body["status"] = Value::from("refused");
    body
}

fn result_of(outcome: Result<Outcome, AppError>) -> Result<Value, Fault> {
    match outcome? {
        Outcome::Decided(Ok(Answer::Charge { transaction, is_duplicate })) => {
            let charge = ChargeOut::of(&transaction, is_duplicate);
            serde_json::to_value(charge).map_err(|_| Fault::Internal)
        }
        Outcome::Decided(Err(refusal)) => Err(Fault::Refused(refusal)),
        _ => Err(Fault::Internal),
    }
}

/// What became of each event.
type Results = Vec<Result<Value, Fault>>;
/// The results of some events, with their places in the request.
type Group = (Vec<usize>, Results);

/// Sends events to another process and takes its results.
async fn send_on(call: &Call, address: &str, events: &[UsageEventIn]) -> Result<Vec<Value>, Fault> {
    if call.is_forwarded {
        return Err(Fault::OwnerUnreachable);
    }
    let body = serde_json::to_vec(&serde_json::json!({ "events": events }));
    let mut headers = HeaderMap::new();
    if let Some(value) = call.headers.get(header::AUTHORIZATION) {
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
    let answer = call.web.forwarder.send(onward).await?;
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
        Ok(values) => values.into_iter().map(Ok).collect(),
        Err(fault) => vec![Err(fault); places.len()],
    };
    (places, results)
}

/// Decides all events, each group in the order in which it was sent.
async fn decide(call: &Call, events: Vec<Result<UsageEvent, Fault>>) -> Results {
    let mut groups: BTreeMap<Place, Vec<usize>> = BTreeMap::new();
    let mut results: Results = Vec::with_capacity(events.len());
    for (at, event) in events.iter().enumerate() {
        results.push(Err(match event {
            Ok(event) => {
                groups.entry(place_of(call, event.org)).or_default().push(at);
                Fault::Internal
            }
            Err(fault) => fault.clone(),
        }));
    }
    let mut here: JoinSet<Group> = JoinSet::new();
    let mut done: Vec<Group> = Vec::new();
    for (place, places) in groups {
        let of_group = || places.iter().filter_map(|&at| events[at].as_ref().ok());
        match place {
            Place::Lane(_) => {
                let commands: Vec<Command> = of_group().map(|event| event.command(call)).collect();
                let Some(org) = of_group().next().map(|event| event.org) else { continue };
                here.spawn(decide_here(call.web.app.clone(), places, org, commands));
            }
            Place::Address(address) => {
                let events: Vec<UsageEventIn> = of_group().map(UsageEvent::native).collect();
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

/// Records usage events.
pub async fn create(call: Call) -> Result<Reply, Fault> {
    let (given, is_single) = read(&call)?;
    let mut events = Vec::with_capacity(given.len());
    for (at, event) in given.into_iter().enumerate() {
        let named = |fault: Fault| if is_single { fault } else { within(fault, at) };
        events.push(checked(&call, event).await.map_err(named)?);
    }
    if is_single && let Some(Ok(event)) = events.first() {
        call.own(event.org)?;
    }
    let org = events.iter().find_map(|event| event.as_ref().ok()).map(|event| event.org);
    let mut results = decide(&call, events).await;
    if is_single {
        let result = results.pop().unwrap_or(Err(Fault::Internal))?;
        return Ok(Reply { org, ..Reply::json(200, &result)? });
    }
    // An event that nothing was decided about may be sent again; when that is all of them, so may
    // the request.
    let is_decided = |result: &Result<Value, Fault>| {
        !matches!(result, Err(Fault::App(_) | Fault::OwnerUnreachable | Fault::Internal))
    };
    if !results.iter().any(is_decided)
        && let Some(Err(fault)) = results.pop()
    {
        return Err(fault);
    }
    let shown = results.into_iter().map(|result| result.unwrap_or_else(|fault| refused(&fault)));
    Reply::json(200, &UsageOut { results: shown.collect() })
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
