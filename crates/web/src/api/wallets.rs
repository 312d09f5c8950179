//! Wallets: what an organization has, exact at the instant of the answer.

use app::operations::release_freeze::ReleaseFreeze;
use app::operations::set_user_limit::SetUserLimit;
use domain::wallet::{CURRENCY, MemberLimit, UserLimit, Wallet};
use domain::workset::Platform;
use domain::{Kind, OrgId, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::Snapshot;

use super::auto_top_up::AutoTopUpOut;
use super::{Nothing, done};
use crate::auth::Home;
use crate::error::Fault;
use crate::extract::{Call, Reply};
use crate::wire::{IdText, MoneyText, TimeText};

#[derive(Debug, Serialize, JsonSchema)]
pub struct WalletOut {
    pub id: IdText,
    pub organization: IdText,
    pub platform: IdText,
    pub currency: String,
    /// The instant at which all of this is true.
    pub as_of: TimeText,
    /// Unspent grants less debt, as the ledger has it.
    pub posted: MoneyText,
    /// Used by what runs, and not settled yet.
    pub accrued: MoneyText,
    /// Set aside by open holds.
    pub held: MoneyText,
    /// `posted` − `accrued` − `held`: what new spending is decided on.
    pub available: MoneyText,
    /// What is owed; the next money in pays it first.
    pub debt: MoneyText,
    /// The balance that people are shown, by the basis of the platform's profile.
    pub shown: MoneyText,
    /// What everything that runs costs per hour.
    pub burn_per_hour: MoneyText,
    /// The second at which what runs will be stopped; absent when nothing that stops is running.
    pub runs_out_at: Option<TimeText>,
    pub running_count: i64,
    /// Whether a dispute forbids everything but money coming in.
    pub frozen: bool,
    pub auto_top_up: Option<AutoTopUpOut>,
    /// The balance below which people are told.
    pub limit: Option<MoneyText>,
    /// The balances below which members are told.
    pub member_limits: Vec<MemberLimitOut>,
    /// Until when everything purchased is valid; absent when it has no such date.
    pub purchased_until: Option<TimeText>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LimitIn {
    /// Whose limit it is; the organization's, when none is given.
    pub member: Option<IdText>,
    /// Tell when the balance is below this; null tells nobody.
    pub limit: Option<MoneyText>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct MemberLimitOut {
    pub member: IdText,
    pub limit: MoneyText,
    /// True from a crossing until the balance has recovered.
    pub fired: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct LimitOut {
    /// Whose limit it is; null for the organization's.
    pub member: Option<IdText>,
    pub limit: Option<MoneyText>,
    /// True from a crossing until the balance has recovered.
    pub fired: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct FreezeOut {
    pub wallet: IdText,
    pub frozen: bool,
}

impl FreezeOut {
    pub fn released(org: OrgId) -> FreezeOut {
        FreezeOut { wallet: IdText::new(Kind::Wallet, org, Wallet::NUMBER), frozen: false }
    }
}

impl LimitOut {
    pub fn of(org: OrgId, member: Option<i64>, limit: Option<&UserLimit>) -> LimitOut {
        LimitOut {
            member: member.map(|number| IdText::new(Kind::Member, org, number)),
            limit: limit.map(|limit| limit.limit.into()),
            fired: limit.is_some_and(|limit| limit.fired),
        }
    }
}

impl WalletOut {
    fn at(wallet: &Wallet, platform: &Platform, now: Timestamp) -> WalletOut {
        let balance = wallet.balance(platform.profiles.at(now), now);
        let of_member = |it: &MemberLimit| MemberLimitOut {
            member: IdText::new(Kind::Member, wallet.org, it.member),
            limit: it.limit.limit.into(),
            fired: it.limit.fired,
        };
        WalletOut {
            id: IdText::new(Kind::Wallet, wallet.org, Wallet::NUMBER),
            organization: IdText::organization(wallet.org),
            platform: IdText::new(Kind::Platform, wallet.platform, 0),
            currency: CURRENCY.to_owned(),
            as_of: balance.as_of.into(),
            posted: balance.posted.into(),
            accrued: balance.accrued.into(),
            held: balance.held.into(),
            available: balance.available.into(),
            debt: wallet.debt.into(),
            shown: balance.shown.into(),
            burn_per_hour: balance.burn_per_hour.into(),
            runs_out_at: TimeText::unless_never(balance.runs_out_at),
            running_count: wallet.running_count,
            frozen: wallet.is_frozen(),
            auto_top_up: wallet.auto_top_up.as_ref().map(|it| AutoTopUpOut::of(wallet.org, it)),
            limit: wallet.user_limit.as_ref().map(|limit| limit.limit.into()),
            member_limits: wallet.member_limits.iter().map(of_member).collect(),
            purchased_until: TimeText::unless_never(wallet.purchased_until()),
        }
    }
}

/// The present of an organization: its platform's clock, and never before its wallet's own time
/// (rulings R21).
pub async fn now_of(call: &Call, snapshot: &mut Snapshot, home: Home) -> Result<Timestamp, Fault> {
    let platform = store::read::access::platform(snapshot, home.platform).await?;
    let wallet = store::read::access::wallet(snapshot, home.org).await?;
    let clock = platform.and_then(|platform| platform.clock);
    let wallet_now = wallet.map_or(Timestamp::ZERO, |wallet| wallet.now);
    Ok(call.web.now_at(clock).max(wallet_now))
}

/// The organization of the wallet in the path.
///
/// Errors: `not_found`.
pub async fn wallet_id(call: &Call) -> Result<OrgId, Fault> {
    let id = call.path_id(Kind::Wallet).await?;
    if id.number == Wallet::NUMBER { Ok(id.org) } else { Err(Fault::missing(Kind::Wallet)) }
}

/// Shows a wallet as it is now.
pub async fn get(call: Call) -> Result<Reply, Fault> {
    let org = wallet_id(&call).await?;
    let mut snapshot = call.snapshot().await?;
    let missing = || Fault::missing(Kind::Wallet);
    let wallet = store::read::access::wallet(&mut snapshot, org).await?.ok_or_else(missing)?;
    let platform = store::read::access::platform(&mut snapshot, wallet.platform).await?;
    let platform = platform.ok_or_else(missing)?;
    let now = call.web.now_at(platform.clock).max(wallet.now);
    Reply::json(200, &WalletOut::at(&wallet, &platform, now))
}

/// Releases a wallet that stayed frozen after a dispute was lost.
pub async fn release_freeze(call: Call) -> Result<Reply, Fault> {
    let org = wallet_id(&call).await?;
    call.json::<Nothing>()?;
    call.run(ReleaseFreeze { org }, done).await
}

/// Sets or removes the balance below which people are told.
pub async fn set_limit(call: Call) -> Result<Reply, Fault> {
    let org = wallet_id(&call).await?;
    let body: LimitIn = call.json()?;
    let limit = body.limit.map(|limit| limit.parse("limit")).transpose()?;
    let member = match &body.member {
        None => None,
        Some(text) => Some(text.parse("member", &[Kind::Member])?),
    };
    if member.is_some_and(|member| member.org != org) {
        return Err(Fault::missing(Kind::Member));
    }
    let member = member.map(|member| member.number);
    call.run(SetUserLimit { org, member, limit }, done).await
}
