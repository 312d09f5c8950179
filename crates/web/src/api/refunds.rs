//! Refunds: unspent credit of a deposit, back to where its money came from.

use app::operations::report_refund::ReportRefund;
use app::operations::settle_refund::SettleRefund;
use app::operations::start_refund::{RailAnswers, StartRefund};
use domain::refund::{AskedBy, Refund};
use domain::workset::Role;
use domain::{Amount, Kind, OrgId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{CODE_LENGTH_MAX, OrganizationQuery, body_id, created, done};
use crate::error::Fault;
use crate::extract::{Call, Reply};
use crate::page::Page;
use crate::wire::{IdText, MoneyText, TimeText, text};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RefundIn {
    pub deposit: IdText,
    /// Credit, in whole cents; all that can be refunded, when none is given. The tax that was paid
    /// on top goes back with it.
    pub amount: Option<MoneyText>,
    /// Who asks: customers have what the platform's policy lets them. A key of an organization is
    /// its customer.
    #[serde(default)]
    pub requested_by: RequestedByText,
    /// Of the sandbox rail: `at_once`, or `when_decided` at its own address.
    #[serde(default)]
    pub sandbox: SandboxText,
}

/// Whose wish a refund is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum RequestedByText {
    Customer,
    #[default]
    Operator,
}

/// When the sandbox rail answers.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum SandboxText {
    #[default]
    AtOnce,
    WhenDecided,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReportedRefundIn {
    pub deposit: IdText,
    /// The rail's own id of the refund: reported again, it changes nothing.
    pub external_id: String,
    /// What the payer had back, tax included.
    pub amount: MoneyText,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct RefundOut {
    pub id: IdText,
    pub organization: IdText,
    pub deposit: IdText,
    /// The credit that left the wallet.
    pub amount: MoneyText,
    /// The tax that goes back with it.
    pub tax: MoneyText,
    /// What the payer has back: credit and tax.
    pub paid_back: MoneyText,
    pub rail: String,
    /// The rail's own id of the refund.
    pub external_id: Option<String>,
    /// `pending`, `succeeded` or `failed`.
    pub state: String,
    /// What it took of which grant.
    pub taken: Vec<RefundPart>,
    /// What it voided of the bonus that came with the purchase.
    pub voided: Vec<RefundPart>,
    /// Use of the refunded credit that nothing else could pay for, which is owed.
    pub debt: MoneyText,
    /// Why it failed, in words.
    pub reason: Option<String>,
    pub created_at: TimeText,
    pub decided_at: Option<TimeText>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct RefundPart {
    pub grant: IdText,
    pub amount: MoneyText,
}

impl RefundOut {
    pub fn of(org: OrgId, refund: &Refund) -> RefundOut {
        let part = |part: &domain::grant::Posting| RefundPart {
            grant: IdText::new(Kind::Grant, org, part.grant),
            amount: part.change.into(),
        };
        let taken: Amount = refund.taken.iter().map(|part| part.change).sum();
        RefundOut {
            id: IdText::new(Kind::Refund, org, refund.number),
            organization: IdText::organization(org),
            deposit: IdText::new(Kind::Deposit, org, refund.deposit),
            amount: refund.amount.into(),
            tax: refund.tax.amount.into(),
            paid_back: refund.money().into(),
            rail: refund.rail.clone(),
            external_id: refund.external.clone(),
            state: refund.state.name().to_owned(),
            taken: refund.taken.iter().map(part).collect(),
            voided: refund.voided.iter().map(part).collect(),
            debt: refund.amount.minus(taken).into(),
            reason: Some(refund.reason.clone()).filter(|reason| !reason.is_empty()),
            created_at: refund.created_at.into(),
            decided_at: refund.decided_at.map(TimeText::from),
        }
    }
}

/// Starts a refund.
pub async fn create(call: Call) -> Result<Reply, Fault> {
    let body: RefundIn = call.json()?;
    let deposit = body_id(&call, "deposit", &body.deposit, Kind::Deposit).await?;
    let amount = body.amount.map(|amount| amount.parse("amount")).transpose()?;
    let rail = match body.sandbox {
        SandboxText::AtOnce => RailAnswers::AtOnce,
        SandboxText::WhenDecided => RailAnswers::WhenDecided,
    };
    let is_operator =
        call.caller.role >= Role::Platform && body.requested_by == RequestedByText::Operator;
    let asked_by = if is_operator { AskedBy::Operator } else { AskedBy::Customer };
    let (org, deposit) = (deposit.org, deposit.number);
    let operation = StartRefund { org, deposit, amount, asked_by, rail };
    call.run(operation, created).await
}

/// Mirrors a refund that was made at the provider.
pub async fn report(call: Call) -> Result<Reply, Fault> {
    let body: ReportedRefundIn = call.json()?;
    let deposit = body_id(&call, "deposit", &body.deposit, Kind::Deposit).await?;
    let operation = ReportRefund {
        org: deposit.org,
        deposit: deposit.number,
        rail: payments::sandbox::RAIL.to_owned(),
        external: text("external_id", &body.external_id, CODE_LENGTH_MAX)?,
        amount: body.amount.parse("amount")?,
    };
    call.run(operation, done).await
}

/// What the sandbox rail says about a refund.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum RefundOutcomeText {
    Succeeded,
    Failed,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RefundOutcomeIn {
    pub outcome: RefundOutcomeText,
}

/// Decides a refund of the sandbox rail. The same outcome again moves nothing.
pub async fn decide(call: Call) -> Result<Reply, Fault> {
    let id = call.path_id(Kind::Refund).await?;
    let body: RefundOutcomeIn = call.json()?;
    let outcome = match body.outcome {
        RefundOutcomeText::Succeeded => payments::sandbox::refunded(&id.to_string()),
        RefundOutcomeText::Failed => payments::sandbox::refund_failed(),
    };
    call.run(SettleRefund { org: id.org, refund: id.number, outcome }, done).await
}

/// Shows a refund.
pub async fn get(call: Call) -> Result<Reply, Fault> {
    let id = call.path_id(Kind::Refund).await?;
    let mut snapshot = call.snapshot().await?;
    let refund = store::read::lists::refund(&mut snapshot, id.org, id.number).await?;
    Reply::json(200, &RefundOut::of(id.org, &refund.ok_or(Fault::missing(Kind::Refund))?))
}

/// Lists refunds, newest first.
pub async fn list(call: Call) -> Result<Reply, Fault> {
    let query: OrganizationQuery = call.query()?;
    let home = call.organization(query.organization.as_ref()).await?;
    let page = Page::read(query.limit, query.cursor.as_deref())?;
    let mut snapshot = call.snapshot().await?;
    let (below, rows) = (page.below(), page.rows_to_read());
    let rows = store::read::lists::refunds(&mut snapshot, home.org, below, rows).await?;
    let view = |refund: Refund| RefundOut::of(home.org, &refund);
    Reply::json(200, &page.list(rows, |refund| refund.number, view))
}
