//! Holds: credit set aside before work starts.

use std::collections::BTreeMap;

use app::operations::capture_hold::CaptureHold;
use app::operations::place_hold::PlaceHold;
use app::operations::release_hold::ReleaseHold;
use domain::hold::Hold;
use domain::{Kind, OrgId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{NOTE_CHARS_MAX, Nothing, OrganizationQuery, created, done, sku_number};
use crate::error::Fault;
use crate::extract::{Call, Reply};
use crate::page::Page;
use crate::wire::{IdText, MoneyText, TimeText, labels, text_or_empty};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HoldIn {
    pub organization: Option<IdText>,
    pub amount: MoneyText,
    /// 1 to 86400; the platform's time-out, when none is given.
    pub expires_in_seconds: Option<i64>,
    /// What the work is, so that credit for it alone is set aside as well; without one only credit
    /// for everything is.
    pub sku: Option<IdText>,
    #[serde(default)]
    pub note: String,
    /// What the charge of its capture is grouped by in reports, such as `model`, `project`,
    /// `member` or `api_key`; at most 20.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CaptureIn {
    /// All that is held, when none is given.
    pub amount: Option<MoneyText>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct HoldOut {
    pub id: IdText,
    pub organization: IdText,
    pub amount: MoneyText,
    pub captured: Option<MoneyText>,
    /// `open`, `captured`, `released` or `expired`.
    pub state: String,
    /// What is set aside of which grant.
    pub parts: Vec<HoldPart>,
    pub note: String,
    pub created_at: TimeText,
    pub expires_at: TimeText,
    pub resolved_at: Option<TimeText>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct HoldPart {
    pub grant: IdText,
    pub amount: MoneyText,
}

impl HoldOut {
    pub fn of(org: OrgId, hold: &Hold) -> HoldOut {
        let parts = hold.parts.iter().map(|part| HoldPart {
            grant: IdText::new(Kind::Grant, org, part.grant),
            amount: part.change.into(),
        });
        HoldOut {
            id: IdText::new(Kind::Hold, org, hold.number),
            organization: IdText::organization(org),
            amount: hold.amount.into(),
            captured: hold.captured.map(MoneyText::from),
            state: hold.state.name().to_owned(),
            parts: parts.collect(),
            note: hold.note.clone(),
            created_at: hold.created_at.into(),
            expires_at: hold.expires_at.into(),
            resolved_at: hold.resolved_at.map(TimeText::from),
        }
    }
}

/// Places a hold, or says what is missing.
pub async fn create(call: Call) -> Result<Reply, Fault> {
    let body: HoldIn = call.json()?;
    let home = call.organization(body.organization.as_ref()).await?;
    let operation = PlaceHold {
        org: home.org,
        sku: body.sku.as_ref().map(|text| sku_number(home, "sku", text)).transpose()?,
        amount: body.amount.parse("amount")?,
        expires_in_seconds: body.expires_in_seconds,
        note: text_or_empty("note", &body.note, NOTE_CHARS_MAX)?,
        labels: labels(&body.labels)?,
    };
    call.run(operation, created).await
}

/// Turns all or part of a hold into a charge.
pub async fn capture(call: Call) -> Result<Reply, Fault> {
    let id = call.path_id(Kind::Hold).await?;
    let body: CaptureIn = call.json()?;
    let amount = body.amount.map(|amount| amount.parse("amount")).transpose()?;
    call.run(CaptureHold { org: id.org, hold: id.number, amount }, done).await
}

/// Gives back what a hold has set aside.
pub async fn release(call: Call) -> Result<Reply, Fault> {
    let id = call.path_id(Kind::Hold).await?;
    call.json::<Nothing>()?;
    call.run(ReleaseHold { org: id.org, hold: id.number }, done).await
}

/// Shows a hold.
pub async fn get(call: Call) -> Result<Reply, Fault> {
    let id = call.path_id(Kind::Hold).await?;
    let mut snapshot = call.snapshot().await?;
    let hold = store::read::lists::hold(&mut snapshot, id.org, id.number).await?;
    Reply::json(200, &HoldOut::of(id.org, &hold.ok_or(Fault::missing(Kind::Hold))?))
}

/// Lists holds, newest first.
pub async fn list(call: Call) -> Result<Reply, Fault> {
    let query: OrganizationQuery = call.query()?;
    let home = call.organization(query.organization.as_ref()).await?;
    let page = Page::read(query.limit, query.cursor.as_deref())?;
    let mut snapshot = call.snapshot().await?;
    let (below, rows) = (page.below(), page.rows_to_read());
    let rows = store::read::lists::holds(&mut snapshot, home.org, below, rows).await?;
    Reply::json(200, &page.list(rows, |hold| hold.number, |hold| HoldOut::of(home.org, &hold)))
}
