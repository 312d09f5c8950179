//! Deposits: money from outside. Starting one moves nothing; its rail confirms it later.

use app::operations::settle_deposit::SettleDeposit;
use app::operations::start_deposit::StartDeposit;
use domain::conversion::{Conversion, Decimal};
use domain::deposit::{Deposit, DepositLabel, DepositState, PaidWith, Payment, PaymentOutcome};
use domain::history::Reader;
use domain::{Id, Kind, OrgId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::members::names;
use super::{CODE_LENGTH_MAX, OrganizationQuery, created, done};
use crate::checkout_url;
use crate::error::Fault;
use crate::extract::{Call, Reply};
use crate::page::Page;
use crate::wire::{IdText, MoneyText, TimeText, code_text, id_of, text, with_member};

/// A payment in the currency in which its provider settled it. Digits are kept as they were given.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConversionBody {
    /// Such as `EUR` or `USDC`.
    pub currency: String,
    /// How much of it, with at most 18 digits after the point.
    pub amount: String,
    /// What one of it is worth in the currency of wallets.
    pub rate: String,
}

impl ConversionBody {
    pub fn of(conversion: &Conversion) -> ConversionBody {
        ConversionBody {
            currency: conversion.currency().to_owned(),
            amount: conversion.amount().to_string(),
            rate: conversion.rate().to_string(),
        }
    }

    fn parse(&self) -> Result<Conversion, Fault> {
        let decimal = |param: &str, text: &str| {
            let wish = "not a decimal above zero such as 0.9996, of at most 28 digits";
            Decimal::parse(text).ok_or_else(|| Fault::param(param, wish))
        };
        let amount = decimal("conversion.amount", &self.amount)?;
        let rate = decimal("conversion.rate", &self.rate)?;
        let wish = "not another currency such as EUR or USDC";
        let conversion = Conversion::new(&self.currency, amount, rate);
        conversion.ok_or_else(|| Fault::param("conversion.currency", wish))
    }
}

/// Letters of the name of a currency.
const CURRENCY_CHARS_MAX: usize = 10;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DepositIn {
    pub organization: Option<IdText>,
    /// The credit to be bought: whole cents, within the limits of the platform. Tax that is due on
    /// deposits comes on top.
    pub amount: MoneyText,
    /// `card`, which is usual, or `crypto`, where the platform takes it.
    pub paid_with: Option<PaidWithText>,
}

/// How a deposit is to be paid.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum PaidWithText {
    Card,
    Crypto,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct DepositOut {
    pub id: IdText,
    pub organization: IdText,
    /// The credit that it buys.
    pub amount: MoneyText,
    /// The money that was asked for, where something else came and was credited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked: Option<MoneyText>,
    /// The tax on top of it, and its rate in parts of ten thousand.
    pub tax: MoneyText,
    pub tax_bps: i64,
    /// What the payer pays: credit and tax.
    pub charged: MoneyText,
    pub rail: String,
    pub paid_with: PaidWithText,
    /// `pending`, `succeeded`, `failed`, `needs_authentication`, `unknown`: its rail was asked to
    /// charge and has not answered; or `in_review`: an operator decides about what came.
    pub state: String,
    /// Who asked for it: `manual` or `auto_top_up`.
    pub label: String,
    pub payment_method: Option<IdText>,
    /// The member who pays; null where a rule does, or it was not said.
    pub member: Option<IdText>,
    /// What that member is called, also once they were removed; only where it is read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub member_name: Option<String>,
    /// The rail's own id of the money.
    pub external_id: Option<String>,
    pub grant: Option<IdText>,
    /// What of its credit went back, or is on its way.
    pub refunded: MoneyText,
    /// The tax that went back with it.
    pub refunded_tax: MoneyText,
    /// What its rail has withdrawn for disputes and not reinstated, tax included.
    pub withdrawn: MoneyText,
    /// What its provider kept of the money, once it said so; only the operator is told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fee: Option<MoneyText>,
    /// What its provider settled it in, where that is another currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversion: Option<ConversionBody>,
    /// Why it failed, in words.
    pub reason: Option<String>,
    /// Where the payer pays, while it waits for them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checkout_url: Option<String>,
    pub created_at: TimeText,
    /// Of a payment in crypto: until when it has to be paid to buy what was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quote_until: Option<TimeText>,
    /// When its rail saw a payment that it could not confirm yet: nothing is credited before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seen_at: Option<TimeText>,
    pub decided_at: Option<TimeText>,
    /// When the money was paid, as its rail says.
    pub paid_at: Option<TimeText>,
}

impl DepositOut {
    pub fn of(org: OrgId, deposit: &Deposit) -> DepositOut {
        let label = match deposit.label {
            DepositLabel::Manual => "manual",
            DepositLabel::AutoTopUp => "auto_top_up",
        };
        DepositOut {
            id: IdText::new(Kind::Deposit, org, deposit.number),
            organization: IdText::organization(org),
            amount: deposit.amount.into(),
            asked: deposit.asked.map(MoneyText::from),
            tax: deposit.tax.amount.into(),
            tax_bps: deposit.tax.bps,
            charged: deposit.charged().into(),
            rail: deposit.rail.clone(),
            paid_with: match deposit.paid_with() {
                PaidWith::Card => PaidWithText::Card,
                PaidWith::Crypto => PaidWithText::Crypto,
            },
            state: deposit.state.name().to_owned(),
            label: label.to_owned(),
            payment_method: deposit.method.map(|it| IdText::new(Kind::PaymentMethod, org, it)),
            member: deposit.member.map(|it| IdText::new(Kind::Member, org, it)),
            member_name: None,
            external_id: deposit.external.clone(),
            grant: deposit.grant.map(|number| IdText::new(Kind::Grant, org, number)),
            refunded: deposit.refunded.into(),
            refunded_tax: deposit.refunded_tax.into(),
            withdrawn: deposit.withdrawn.into(),
            fee: deposit.fee.map(MoneyText::from),
            conversion: deposit.conversion.as_ref().map(ConversionBody::of),
            reason: Some(deposit.reason.clone()).filter(|reason| !reason.is_empty()),
            checkout_url: None,
            created_at: deposit.created_at.into(),
            quote_until: deposit.quote_until.map(TimeText::from),
            seen_at: deposit.seen_at.map(TimeText::from),
            decided_at: deposit.decided_at.map(TimeText::from),
            paid_at: deposit.paid_at.map(TimeText::from),
        }
    }

    /// As `call` may see it, with the address at which it can still be paid.
    fn shown(call: &Call, org: OrgId, deposit: &Deposit) -> DepositOut {
        let is_open =
            matches!(deposit.state, DepositState::Pending | DepositState::NeedsAuthentication);
        let id = Id::new(Kind::Deposit, org, deposit.number);
        let checkout_url = is_open.then(|| checkout_url(&call.web.app, &call.web.config, id));
        let out = DepositOut::of(org, deposit);
        let fee = out.fee.clone().filter(|_| call.reader() == Reader::Operator);
        DepositOut { checkout_url, fee, ..out }
    }
}

/// Starts a deposit and says where it is paid. The address is not part of the stored answer: it
/// follows from the id, and whoever reads the store must not find it there.
pub async fn create(call: Call) -> Result<Reply, Fault> {
    let body: DepositIn = call.json()?;
    let home = call.organization(body.organization.as_ref()).await?;
    let amount = body.amount.parse("amount")?;
    let rail = payments::sandbox::RAIL.to_owned();
    let member = call.member(home.org)?;
    let paid_with = match body.paid_with {
        None | Some(PaidWithText::Card) => PaidWith::Card,
        Some(PaidWithText::Crypto) => PaidWith::Crypto,
    };
    let operation = StartDeposit { org: home.org, amount, rail, paid_with, member };
    let mut reply = call.run(operation, created).await?;
    if reply.is_success()
        && let Some(id) = made(&reply.body)
    {
        let url = Value::from(checkout_url(&call.web.app, &call.web.config, id));
        reply.body = with_member(reply.body, "checkout_url", &url);
    }
    Ok(reply)
}

/// The deposit that an answer of ours shows.
fn made(body: &str) -> Option<Id> {
    let body: Value = serde_json::from_str(body).ok()?;
    id_of(body.get("id")?.as_str()?, &[Kind::Deposit])
}

/// What the payer does on the hosted page of the sandbox rail, for programs.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum OutcomeText {
    Succeeded,
    /// A payment is on its way, and waits for confirmations.
    Seen,
    Declined,
    NeedsAuthentication,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OutcomeIn {
    pub outcome: OutcomeText,
    /// When it was paid, where the confirmation comes later; now, when none is given.
    pub paid_at: Option<TimeText>,
    /// Which payment it is, where one deposit is paid more than once: part of the rail's own id.
    pub payment: Option<String>,
    /// What was paid, tax included; by card it has to be what was asked for.
    pub amount: Option<MoneyText>,
    /// What `amount` and `fee` are in; it has to be the currency of wallets.
    pub currency: Option<String>,
    /// What the provider kept of the payment; also in a later confirmation of the same money.
    pub fee: Option<MoneyText>,
    /// What the provider settled the payment in, where that is another currency; amount × rate has
    /// to be what was paid.
    pub conversion: Option<ConversionBody>,
}

impl OutcomeIn {
    /// What the sandbox rail says of the deposit with this public id.
    fn outcome(&self, deposit: &str) -> Result<PaymentOutcome, Fault> {
        match self.outcome {
            OutcomeText::Succeeded => {}
            OutcomeText::Seen => return Ok(PaymentOutcome::Seen),
            OutcomeText::Declined => return Ok(payments::sandbox::declined()),
            OutcomeText::NeedsAuthentication => return Ok(PaymentOutcome::NeedsAuthentication),
        }
        let money = |field, text: &Option<MoneyText>| {
            text.as_ref().map(|money| money.parse(field)).transpose()
        };
        let currency = match &self.currency {
            Some(code) => Some(text("currency", code, CURRENCY_CHARS_MAX)?),
            None => None,
        };
        let payment = match &self.payment {
            Some(name) => {
                let name = code_text("payment", name, CODE_LENGTH_MAX)?;
                payments::sandbox::another(deposit, &name)
            }
            None => payments::sandbox::payment(deposit),
        };
        Ok(PaymentOutcome::Succeeded(Payment {
            paid_at: self.paid_at.as_ref().map(|at| at.parse("paid_at")).transpose()?,
            amount: money("amount", &self.amount)?,
            currency,
            fee: money("fee", &self.fee)?,
            conversion: self.conversion.as_ref().map(ConversionBody::parse).transpose()?,
            ..payment
        }))
    }
}

/// Decides a deposit of the sandbox rail as its hosted page would. The same outcome again moves
/// nothing.
pub async fn decide(call: Call) -> Result<Reply, Fault> {
    let id = call.path_id(Kind::Deposit).await?;
    let body: OutcomeIn = call.json()?;
    let outcome = body.outcome(&id.to_string())?;
    call.run(SettleDeposit { org: id.org, deposit: id.number, outcome }, done).await
}

/// Shows a deposit.
pub async fn get(call: Call) -> Result<Reply, Fault> {
    let id = call.path_id(Kind::Deposit).await?;
    let mut snapshot = call.snapshot().await?;
    let deposit = store::read::lists::deposit(&mut snapshot, id.org, id.number).await?;
    let deposit = deposit.ok_or(Fault::missing(Kind::Deposit))?;
    let member_name = names(&mut snapshot, id.org, deposit.member).await?.into_values().next();
    let shown = DepositOut::shown(&call, id.org, &deposit);
    Reply::json(200, &DepositOut { member_name, ..shown })
}

/// Lists deposits, newest first.
pub async fn list(call: Call) -> Result<Reply, Fault> {
    let query: OrganizationQuery = call.query()?;
    let home = call.organization(query.organization.as_ref()).await?;
    let page = Page::read(query.limit, query.cursor.as_deref())?;
    let mut snapshot = call.snapshot().await?;
    let (below, rows) = (page.below(), page.rows_to_read());
    let rows = store::read::lists::deposits(&mut snapshot, home.org, below, rows).await?;
    let payers = rows.iter().filter_map(|deposit| deposit.member);
    let names = names(&mut snapshot, home.org, payers).await?;
    let view = |deposit: Deposit| {
        let member_name = deposit.member.and_then(|member| names.get(&member)).cloned();
        DepositOut { member_name, ..DepositOut::shown(&call, home.org, &deposit) }
    };
    Reply::json(200, &page.list(rows, |deposit| deposit.number, view))
}
