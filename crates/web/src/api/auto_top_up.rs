//! Auto top-up: the rule of a wallet, and what it will do.

use app::operations::set_auto_top_up::SetAutoTopUp;
use domain::top_up::{self, AutoTopUp, Caps, Preview};
use domain::{Amount, Kind, OrgId, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::wallets::wallet_id;
use super::{body_id, done};
use crate::error::Fault;
use crate::extract::{Call, Reply};
use crate::wire::{IdText, MoneyText, TimeText};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AutoTopUpIn {
    pub enabled: bool,
    /// Deposits when the shown balance is below this.
    pub threshold: MoneyText,
    /// Buys exactly this credit, or what brings the balance to it, by the profile; tax that is due
    /// on deposits comes on top.
    pub amount: MoneyText,
    pub payment_method: IdText,
    /// The most attempts in a day of the organization, within what the profile allows.
    pub daily_attempts_max: Option<i64>,
    /// The most that is charged in a month of the organization, within what the profile allows.
    pub monthly_amount_max: Option<MoneyText>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct AutoTopUpOut {
    pub enabled: bool,
    pub threshold: MoneyText,
    pub amount: MoneyText,
    pub payment_method: IdText,
    pub daily_attempts_max: Option<i64>,
    pub monthly_amount_max: Option<MoneyText>,
    /// The deposit that has not ended yet.
    pub in_flight: Option<IdText>,
    pub attempted_at: Option<TimeText>,
    /// Until when a cap keeps it from charging.
    pub paused_until: Option<TimeText>,
}

impl AutoTopUpOut {
    pub fn of(org: OrgId, rule: &AutoTopUp) -> AutoTopUpOut {
        AutoTopUpOut {
            enabled: rule.enabled,
            threshold: rule.threshold.into(),
            amount: rule.amount.into(),
            payment_method: IdText::new(Kind::PaymentMethod, org, rule.method),
            daily_attempts_max: rule.caps.daily_attempts_max,
            monthly_amount_max: rule.caps.monthly_amount_max.map(MoneyText::from),
            in_flight: rule.in_flight.map(|number| IdText::new(Kind::Deposit, org, number)),
            attempted_at: rule.attempted_at.map(TimeText::from),
            paused_until: rule.paused_until.map(TimeText::from),
        }
    }
}

/// Sets the auto top-up rule.
pub async fn set(call: Call) -> Result<Reply, Fault> {
    let org = wallet_id(&call).await?;
    let body: AutoTopUpIn = call.json()?;
    let method = body_id(&call, "payment_method", &body.payment_method, Kind::PaymentMethod);
    let method = method.await?;
    if method.org != org {
        return Err(Fault::missing(Kind::PaymentMethod));
    }
    let operation = SetAutoTopUp {
        org,
        enabled: body.enabled,
        threshold: body.threshold.parse("threshold")?,
        amount: body.amount.parse("amount")?,
        method: method.number,
        caps: caps(body.daily_attempts_max, body.monthly_amount_max.as_ref())?,
    };
    call.run(operation, done).await
}

fn caps(attempts: Option<i64>, amount: Option<&MoneyText>) -> Result<Caps, Fault> {
    let parse = |amount: &MoneyText| amount.parse("monthly_amount_max");
    let monthly_amount_max: Option<Amount> = amount.map(parse).transpose()?;
    Ok(Caps { daily_attempts_max: attempts, monthly_amount_max })
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PreviewQuery {
    /// The threshold of the rule.
    pub threshold: MoneyText,
    /// What it charges, or the balance it charges up to, by the profile.
    pub amount: MoneyText,
    /// The most attempts in a day; no cap of its own, when none is given.
    pub daily_attempts_max: Option<i64>,
    /// The most that is charged in a month; no cap of its own, when none is given.
    pub monthly_amount_max: Option<MoneyText>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct PreviewOut {
    /// Whether saving the rule charges at once.
    pub charges_now: bool,
    /// When it charges first if everything goes on as now; absent when nothing brings it there.
    pub first_charge_at: Option<TimeText>,
    /// What is charged then.
    pub charge: MoneyText,
    /// So many charges in a row at most until the balance is not below the threshold any more.
    pub charges_max: i64,
    /// What lies between two of them.
    pub every_seconds: i64,
}

impl PreviewOut {
    fn of(preview: Preview, now: Timestamp) -> PreviewOut {
        PreviewOut {
            charges_now: preview.charges_max > 0 && preview.first_at <= now,
            first_charge_at: TimeText::unless_never(preview.first_at),
            charge: preview.charge.into(),
            charges_max: preview.charges_max,
            every_seconds: preview.every_seconds,
        }
    }
}

/// Says what saving a rule will do, and saves nothing.
pub async fn preview(call: Call) -> Result<Reply, Fault> {
    let org = wallet_id(&call).await?;
    let query: PreviewQuery = call.query()?;
    let caps = caps(query.daily_attempts_max, query.monthly_amount_max.as_ref())?;
    let (threshold, amount) = (query.threshold.parse("threshold")?, query.amount.parse("amount")?);
    let mut snapshot = call.snapshot().await?;
    let missing = || Fault::missing(Kind::Wallet);
    let wallet = store::read::access::wallet(&mut snapshot, org).await?.ok_or_else(missing)?;
    let platform = store::read::access::platform(&mut snapshot, wallet.platform).await?;
    let platform = platform.ok_or_else(missing)?;
    let now = call.web.now_at(platform.clock).max(wallet.now);
    let rule = AutoTopUp { caps, ..AutoTopUp::new(threshold, amount, 0, true) };
    rule.require_allowed(platform.profiles.at(now)).map_err(Fault::Refused)?;
    let rule = rule.replacing(wallet.auto_top_up.clone());
    let preview = top_up::preview(&wallet, platform.profiles.at(now), rule, now);
    Reply::json(200, &PreviewOut::of(preview, now))
}
