//! Disputes: what a rail tells about payments that their payers contest.

use app::operations::report_dispute::ReportDispute;
use domain::dispute::{Dispute, DisputeState};
use domain::{Kind, OrgId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::refunds::RefundPart;
use super::{CODE_LENGTH_MAX, OrganizationQuery, body_id, done};
use crate::error::Fault;
use crate::extract::{Call, Reply};
use crate::page::Page;
use crate::wire::{IdText, MoneyText, TimeText, text};

/// How a dispute stands.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum DisputeStateText {
    Inquiry,
    Open,
    Won,
    Lost,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DisputeIn {
    pub deposit: IdText,
    /// The rail's own id of the dispute: the same report again changes nothing.
    pub external_id: String,
    pub state: DisputeStateText,
    /// All that the rail has withdrawn and not reinstated, in whole cents.
    pub withdrawn: MoneyText,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct DisputeOut {
    pub id: IdText,
    pub organization: IdText,
    pub deposit: IdText,
    pub rail: String,
    /// The rail's own id of the dispute.
    pub external_id: String,
    /// `inquiry`, `open`, `won` or `lost`.
    pub state: String,
    /// What the rail has withdrawn and not reinstated, tax included.
    pub withdrawn: MoneyText,
    /// The tax in it.
    pub withdrawn_tax: MoneyText,
    /// What of it is missing in which grant; the rest was owed.
    pub taken: Vec<RefundPart>,
    /// What of the bonus that came with the purchase is voided.
    pub voided: Vec<RefundPart>,
    /// Whether the wallet is frozen because of it.
    pub freezes: bool,
    pub created_at: TimeText,
    pub decided_at: Option<TimeText>,
}

impl DisputeOut {
    pub fn of(org: OrgId, dispute: &Dispute) -> DisputeOut {
        let part = |part: &domain::grant::Posting| RefundPart {
            grant: IdText::new(Kind::Grant, org, part.grant),
            amount: part.change.into(),
        };
        DisputeOut {
            id: IdText::new(Kind::Dispute, org, dispute.number),
            organization: IdText::organization(org),
            deposit: IdText::new(Kind::Deposit, org, dispute.deposit),
            rail: dispute.rail.clone(),
            external_id: dispute.external.clone(),
            state: dispute.state.name().to_owned(),
            withdrawn: dispute.withdrawn.into(),
            withdrawn_tax: dispute.withdrawn_tax.into(),
            taken: dispute.taken.iter().map(part).collect(),
            voided: dispute.voided.iter().map(part).collect(),
            freezes: dispute.freezes,
            created_at: dispute.created_at.into(),
            decided_at: dispute.decided_at.map(TimeText::from),
        }
    }
}

/// Mirrors how a dispute stands at its rail.
pub async fn report(call: Call) -> Result<Reply, Fault> {
    let body: DisputeIn = call.json()?;
    let deposit = body_id(&call, "deposit", &body.deposit, Kind::Deposit).await?;
    let operation = ReportDispute {
        org: deposit.org,
        deposit: deposit.number,
        rail: payments::sandbox::RAIL.to_owned(),
        external: text("external_id", &body.external_id, CODE_LENGTH_MAX)?,
        state: match body.state {
            DisputeStateText::Inquiry => DisputeState::Inquiry,
            DisputeStateText::Open => DisputeState::Open,
            DisputeStateText::Won => DisputeState::Won,
            DisputeStateText::Lost => DisputeState::Lost,
        },
        withdrawn: body.withdrawn.parse("withdrawn")?,
    };
    call.run(operation, done).await
}

/// Shows a dispute.
pub async fn get(call: Call) -> Result<Reply, Fault> {
    let id = call.path_id(Kind::Dispute).await?;
    let mut snapshot = call.snapshot().await?;
    let dispute = store::read::lists::dispute(&mut snapshot, id.org, id.number).await?;
    Reply::json(200, &DisputeOut::of(id.org, &dispute.ok_or(Fault::missing(Kind::Dispute))?))
}

/// Lists disputes, newest first.
pub async fn list(call: Call) -> Result<Reply, Fault> {
    let query: OrganizationQuery = call.query()?;
    let home = call.organization(query.organization.as_ref()).await?;
    let page = Page::read(query.limit, query.cursor.as_deref())?;
    let mut snapshot = call.snapshot().await?;
    let (below, rows) = (page.below(), page.rows_to_read());
    let rows = store::read::lists::disputes(&mut snapshot, home.org, below, rows).await?;
    let view = |dispute: Dispute| DisputeOut::of(home.org, &dispute);
    Reply::json(200, &page.list(rows, |dispute| dispute.number, view))
}
