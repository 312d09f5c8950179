//! The projection: what this month has cost one organization, and will have cost when it is over.

use domain::Kind;
use domain::projection::Projection;
use domain::reprice::Pricing;
use schemars::JsonSchema;
use serde::Serialize;
use store::read::{access, month};

use crate::error::Fault;
use crate::extract::{Call, Reply};
use crate::wire::{IdText, MoneyText, TimeText};

#[derive(Debug, Serialize, JsonSchema)]
pub struct ProjectionOut {
    pub organization: IdText,
    /// The calendar month, in UTC.
    pub from: TimeText,
    pub until: TimeText,
    pub as_of: TimeText,
    /// Used from the start of the month on, by usage time.
    pub spent: MoneyText,
    /// What everything that runs costs per hour.
    pub burn_per_hour: MoneyText,
    /// What it will cost until the month is over, if it goes on.
    pub to_come: MoneyText,
    /// `spent` and `to_come`.
    pub projected: MoneyText,
    /// Resources made this month, of all that were ever made, and those that run now.
    pub resources_this_month: i64,
    pub resources_in_all: i64,
    pub running_count: i64,
    /// False when the month has more movements than one answer adds up: `spent` is a part then.
    pub is_complete: bool,
}

/// Shows the projection of a wallet.
pub async fn get(call: Call) -> Result<Reply, Fault> {
    let org = super::wallets::wallet_id(&call).await?;
    let mut snapshot = call.snapshot().await?;
    let missing = || Fault::missing(Kind::Wallet);
    let wallet = access::wallet(&mut snapshot, org).await?.ok_or_else(missing)?;
    let platform = access::platform(&mut snapshot, wallet.platform).await?;
    let platform = platform.ok_or_else(missing)?;
    let now = call.web.now_at(platform.clock).max(wallet.now);
    let rows = month::rows(&mut snapshot, &wallet, now).await?;
    let book = access::book(&mut snapshot, wallet.platform).await?;
    let pricing = Pricing { wallet: &wallet, profiles: &platform.profiles, book: &book };
    let it = Projection::of(pricing, rows.runs.iter(), rows.journal.iter(), now);
    let out = ProjectionOut {
        organization: IdText::organization(org),
        from: it.month.start.into(),
        until: it.month.end.into(),
        as_of: it.as_of.into(),
        spent: it.spent.into(),
        burn_per_hour: it.burn_per_hour.into(),
        to_come: it.to_come.into(),
        projected: it.projected.into(),
        resources_this_month: rows.resources_this_month,
        resources_in_all: rows.resources_in_all,
        running_count: wallet.running_count,
        is_complete: !rows.is_cut,
    };
    Reply::json(200, &out)
}
