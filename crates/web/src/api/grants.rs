//! Grants: value given to a wallet.

use app::operations::give_grant::{GiveGrant, Given};
use app::operations::void_grant::VoidGrant;
use domain::grant::{Grant, PRIORITY_DEFAULT};
use domain::run::ResourceClass;
use domain::scope::{SCOPE_SKUS_MAX, Scope};
use domain::wallet::Wallet;
use domain::{Amount, Kind, OrgId, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{NOTE_CHARS_MAX, Nothing, OrganizationQuery, body_id, created, done};
use crate::error::Fault;
use crate::extract::{Call, Reply};
use crate::page::Page;
use crate::wire::{IdText, MoneyText, TimeText, text_or_empty};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GrantIn {
    pub organization: Option<IdText>,
    pub amount: MoneyText,
    /// `promotional` when none is given, or `trial`; in the books both are promotions.
    pub kind: Option<GivenText>,
    /// From when on it can be drawn; now, when none is given or it has passed.
    pub effective_at: Option<TimeText>,
    /// 0 burns first, 100 last; 50 when none is given.
    pub priority: Option<i64>,
    /// Never, when none is given.
    pub expires_at: Option<TimeText>,
    /// What it can pay for; everything, when none is given.
    pub scope: Option<ScopeText>,
    #[serde(default)]
    pub note: String,
}

/// SKUs, and whole classes of them.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScopeText {
    /// At most 32.
    #[serde(default)]
    pub skus: Vec<IdText>,
    /// Any of `compute`, `storage` and `model`.
    #[serde(default)]
    pub classes: Vec<String>,
}

impl ScopeText {
    /// As it is told of a grant in a wallet on `platform`.
    pub fn of(platform: OrgId, scope: &Scope) -> ScopeText {
        let sku = |&number: &i64| IdText::new(Kind::Sku, platform, number);
        ScopeText {
            skus: scope.skus().iter().map(sku).collect(),
            classes: scope.classes().iter().map(|class| class.name().to_owned()).collect(),
        }
    }

    /// Reads it for an organization on `platform`.
    ///
    /// Errors: a parameter that is none, `not_found` for a SKU of another platform.
    pub async fn read(&self, call: &Call, platform: OrgId) -> Result<Scope, Fault> {
        let class = |name: &String| {
            let class = ResourceClass::from_name(name);
            class.ok_or_else(|| Fault::param("scope", "a class is compute, storage or model"))
        };
        let classes = self.classes.iter().map(class).collect::<Result<Vec<_>, _>>()?;
        let mut skus = Vec::with_capacity(self.skus.len().min(SCOPE_SKUS_MAX));
        for text in self.skus.iter().take(SCOPE_SKUS_MAX + 1) {
            let sku = body_id(call, "scope", text, Kind::Sku).await?;
            if sku.org != platform {
                return Err(Fault::missing(Kind::Sku));
            }
            skus.push(sku.number);
        }
        let scope = Scope::new(skus, classes);
        scope.ok_or_else(|| Fault::param("scope", "name 1 to 32 SKUs, or a class"))
    }
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum GivenText {
    Promotional,
    Trial,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct GrantOut {
    pub id: IdText,
    pub organization: IdText,
    /// `promotional`, `trial`, `purchased` or `bonus`.
    pub kind: String,
    pub amount: MoneyText,
    /// What is left of it; only where a grant is read, because it changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remaining: Option<MoneyText>,
    /// The part of `remaining` that open holds have set aside.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reserved: Option<MoneyText>,
    pub priority: i64,
    /// When it expires. While something is left of a purchase, that is when everything purchased
    /// does, where the platform renews it with each payment.
    pub expires_at: Option<TimeText>,
    /// The purchase that a bonus came with.
    pub purchase: Option<IdText>,
    pub deposit: Option<IdText>,
    pub note: String,
    /// What it can pay for; left out when that is everything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<ScopeText>,
    /// From when on it can be drawn.
    pub effective_at: TimeText,
    pub created_at: TimeText,
    /// When the operator ended it.
    pub voided_at: Option<TimeText>,
}

impl GrantOut {
    pub fn of(org: OrgId, platform: OrgId, grant: &Grant) -> GrantOut {
        GrantOut {
            id: IdText::new(Kind::Grant, org, grant.number),
            organization: IdText::organization(org),
            kind: grant.kind.name().to_owned(),
            amount: grant.amount.into(),
            remaining: None,
            reserved: None,
            priority: grant.priority,
            expires_at: TimeText::unless_never(grant.expires_at),
            purchase: grant.purchase.map(|number| IdText::new(Kind::Grant, org, number)),
            deposit: grant.deposit.map(|number| IdText::new(Kind::Deposit, org, number)),
            note: grant.note.clone(),
            scope: grant.scope.as_ref().map(|scope| ScopeText::of(platform, scope)),
            effective_at: grant.effective_at.into(),
            created_at: grant.created_at.into(),
            voided_at: grant.voided_at.map(TimeText::from),
        }
    }

    /// With what `wallet` has left of it.
    fn within(wallet: &Wallet, grant: &Grant) -> GrantOut {
        let open = wallet.find_grant(grant.number);
        GrantOut {
            remaining: Some(open.map_or(Amount::ZERO, |open| open.remaining).into()),
            reserved: Some(open.map_or(Amount::ZERO, |open| open.reserved).into()),
            expires_at: TimeText::unless_never(
                open.map_or(grant.expires_at, |open| open.lapses_at(wallet.purchased_until())),
            ),
            ..GrantOut::of(wallet.org, wallet.platform, grant)
        }
    }
}

/// Gives a promotional grant.
pub async fn create(call: Call) -> Result<Reply, Fault> {
    let body: GrantIn = call.json()?;
    let home = call.organization(body.organization.as_ref()).await?;
    let scope = match &body.scope {
        Some(scope) => Some(scope.read(&call, home.platform).await?),
        None => None,
    };
    let operation = GiveGrant {
        org: home.org,
        amount: body.amount.parse("amount")?,
        priority: body.priority.unwrap_or(PRIORITY_DEFAULT),
        given: match body.kind {
            Some(GivenText::Trial) => Given::Trial,
            Some(GivenText::Promotional) | None => Given::Promotional,
        },
        effective_at: second("effective_at", body.effective_at.as_ref())?,
        expires_at: second("expires_at", body.expires_at.as_ref())?,
        scope,
        note: text_or_empty("note", &body.note, NOTE_CHARS_MAX)?,
    };
    call.run(operation, created).await
}

/// The whole second of a time that may be left out.
fn second(param: &str, at: Option<&TimeText>) -> Result<Option<Timestamp>, Fault> {
    at.map(|at| Ok(at.parse(param)?.floor_to_second())).transpose()
}

/// Ends a promotional grant from now on.
pub async fn void(call: Call) -> Result<Reply, Fault> {
    let id = call.path_id(Kind::Grant).await?;
    call.json::<Nothing>()?;
    call.run(VoidGrant { org: id.org, grant: id.number }, done).await
}

/// Shows a grant with what is left of it.
pub async fn get(call: Call) -> Result<Reply, Fault> {
    let id = call.path_id(Kind::Grant).await?;
    let mut snapshot = call.snapshot().await?;
    let grant = store::read::lists::grant(&mut snapshot, id.org, id.number).await?;
    let grant = grant.ok_or(Fault::missing(Kind::Grant))?;
    let wallet = store::read::access::wallet(&mut snapshot, id.org).await?;
    let wallet = wallet.ok_or(Fault::missing(Kind::Grant))?;
    Reply::json(200, &GrantOut::within(&wallet, &grant))
}

/// Lists grants with what is left of each, newest first.
pub async fn list(call: Call) -> Result<Reply, Fault> {
    let query: OrganizationQuery = call.query()?;
    let home = call.organization(query.organization.as_ref()).await?;
    let page = Page::read(query.limit, query.cursor.as_deref())?;
    let mut snapshot = call.snapshot().await?;
    let wallet = store::read::access::wallet(&mut snapshot, home.org).await?;
    let wallet = wallet.ok_or(Fault::missing(Kind::Wallet))?;
    let (below, rows) = (page.below(), page.rows_to_read());
    let rows = store::read::lists::grants(&mut snapshot, home.org, below, rows).await?;
    let list = page.list(rows, |grant| grant.number, |grant| GrantOut::within(&wallet, &grant));
    Reply::json(200, &list)
}
