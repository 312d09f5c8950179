//! Arrivals: money that came and is not what was asked for, for an operator to decide about.

use app::operations::decide_arrival::DecideArrival;
use domain::arrival::{Arrival, Decision, NOTE_CHARS_MAX};
use domain::history::Reader;
use domain::{Kind, OrgId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::deposits::ConversionBody;
use super::{OrganizationQuery, done};
use crate::error::Fault;
use crate::extract::{Call, Reply};
use crate::page::Page;
use crate::wire::{IdText, MoneyText, TimeText, text};

/// What is to become of an arrival.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum DecisionText {
    /// What arrived becomes credit.
    Credit,
    /// It went back to its payer, by the provider's own means.
    Return,
    /// Nothing is done about it, for a reason.
    Ignore,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DecisionIn {
    pub decision: DecisionText,
    /// Why it is ignored, in words; of `ignore` only.
    pub note: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct ArrivalOut {
    pub id: IdText,
    pub organization: IdText,
    /// The deposit that it was paid for.
    pub deposit: IdText,
    /// What came, tax included.
    pub amount: MoneyText,
    pub rail: String,
    /// The rail's own id of the money.
    pub external_id: String,
    /// Why nobody was credited by itself: `underpaid`, `overpaid`, `late` or `paid_again`.
    pub reason: String,
    /// `waiting`, `credited`, `returned` or `ignored`.
    pub state: String,
    /// The deposit that has it.
    pub became: Option<IdText>,
    /// What its provider kept of it, once it said so; only the operator is told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fee: Option<MoneyText>,
    /// What its provider settled it in, where that is another currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversion: Option<ConversionBody>,
    /// Why it is ignored, in words.
    pub note: Option<String>,
    pub paid_at: TimeText,
    pub created_at: TimeText,
    pub decided_at: Option<TimeText>,
}

impl ArrivalOut {
    pub fn of(org: OrgId, arrival: &Arrival) -> ArrivalOut {
        let deposit = |number: i64| IdText::new(Kind::Deposit, org, number);
        ArrivalOut {
            id: IdText::new(Kind::Arrival, org, arrival.number),
            organization: IdText::organization(org),
            deposit: deposit(arrival.deposit),
            amount: arrival.amount.into(),
            rail: arrival.rail.clone(),
            external_id: arrival.external.clone(),
            reason: arrival.reason.name().to_owned(),
            state: arrival.state.name().to_owned(),
            became: arrival.became.map(deposit),
            fee: arrival.fee.map(MoneyText::from),
            conversion: arrival.conversion.as_ref().map(ConversionBody::of),
            note: Some(arrival.note.clone()).filter(|note| !note.is_empty()),
            paid_at: arrival.paid_at.into(),
            created_at: arrival.created_at.into(),
            decided_at: arrival.decided_at.map(TimeText::from),
        }
    }

    /// As `call` may see it.
    fn shown(call: &Call, org: OrgId, arrival: &Arrival) -> ArrivalOut {
        let out = ArrivalOut::of(org, arrival);
        let fee = out.fee.clone().filter(|_| call.reader() == Reader::Operator);
        ArrivalOut { fee, ..out }
    }
}

/// Decides what is to become of an arrival; the same decision again moves nothing.
///
/// Errors, in order: `malformed`, `not_found`, `parameter_invalid` (note: missing where it is
/// ignored, or given where it is not).
pub async fn decide(call: Call) -> Result<Reply, Fault> {
    let id = call.path_id(Kind::Arrival).await?;
    let body: DecisionIn = call.json()?;
    let decision = match (body.decision, body.note) {
        (DecisionText::Credit, None) => Decision::Credit,
        (DecisionText::Return, None) => Decision::Return,
        (DecisionText::Ignore, Some(note)) => {
            Decision::Ignore { note: text("note", &note, NOTE_CHARS_MAX)? }
        }
        _ => return Err(Fault::param("note", "says why something is ignored, and only then")),
    };
    call.run(DecideArrival { org: id.org, arrival: id.number, decision }, done).await
}

/// Shows an arrival.
pub async fn get(call: Call) -> Result<Reply, Fault> {
    let id = call.path_id(Kind::Arrival).await?;
    let mut snapshot = call.snapshot().await?;
    let arrival = store::read::lists::arrival(&mut snapshot, id.org, id.number).await?;
    let arrival = arrival.ok_or(Fault::missing(Kind::Arrival))?;
    Reply::json(200, &ArrivalOut::shown(&call, id.org, &arrival))
}

/// Lists arrivals, newest first.
pub async fn list(call: Call) -> Result<Reply, Fault> {
    let query: OrganizationQuery = call.query()?;
    let home = call.organization(query.organization.as_ref()).await?;
    let page = Page::read(query.limit, query.cursor.as_deref())?;
    let mut snapshot = call.snapshot().await?;
    let (below, rows) = (page.below(), page.rows_to_read());
    let rows = store::read::lists::arrivals(&mut snapshot, home.org, below, rows).await?;
    let view = |arrival: Arrival| ArrivalOut::shown(&call, home.org, &arrival);
    Reply::json(200, &page.list(rows, |arrival| arrival.number, view))
}
