//! Limits: what may be spent in a day or a month.

use app::operations::remove_limit::RemoveLimit;
use app::operations::set_limit::SetLimit;
use domain::limit::{Limit, LimitScope, LimitWindow};
use domain::{Kind, OrgId, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Nothing, OrganizationQuery, created, done};
use crate::error::Fault;
use crate::extract::{Call, Reply};
use crate::page::Page;
use crate::wire::{IdText, MoneyText, TimeText, text};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SpendLimitIn {
    pub organization: Option<IdText>,
    /// Counts what carries this label `project`; at most one of these three.
    pub project: Option<String>,
    /// Counts what carries this label `member`.
    pub member: Option<String>,
    /// Counts what carries this label `api_key`.
    pub api_key: Option<String>,
    /// `day` or `month`, in the time zone of the organization.
    pub window: String,
    /// The most that may be spent in it.
    pub amount: MoneyText,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct SpendLimitOut {
    pub id: IdText,
    pub organization: IdText,
    /// What it counts; without any of the three everything.
    pub project: Option<String>,
    pub member: Option<String>,
    pub api_key: Option<String>,
    /// `day` or `month`, in the time zone of the organization.
    pub window: String,
    pub amount: MoneyText,
    pub as_of: TimeText,
    /// What was used in this window, whenever it was posted.
    pub spent: MoneyText,
    /// What open holds have set aside of the rest.
    pub held: MoneyText,
    /// What new spending may take yet; below zero when use went beyond.
    pub left: MoneyText,
    /// When the window began, or the limit was set.
    pub since: TimeText,
    pub resets_at: TimeText,
    /// The second at which what runs within it is stopped, if that comes before it resets.
    pub stops_at: Option<TimeText>,
    pub created_at: TimeText,
    pub removed_at: Option<TimeText>,
}

impl SpendLimitOut {
    /// As it stands at `now`.
    pub fn at(org: OrgId, limit: &Limit, now: Timestamp) -> SpendLimitOut {
        let of = |name: &str| {
            limit
                .scope
                .label()
                .filter(|label| *label == name)
                .map(|_| limit.scope.value().to_owned())
        };
        SpendLimitOut {
            id: IdText::new(Kind::Limit, org, limit.number),
            organization: IdText::organization(org),
            project: of("project"),
            member: of("member"),
            api_key: of("api_key"),
            window: limit.window.name().to_owned(),
            amount: limit.cap.into(),
            as_of: now.into(),
            spent: limit.spent(now).into(),
            held: limit.held.into(),
            left: limit.left(now).into(),
            since: limit.since.into(),
            resets_at: limit.resets_at.into(),
            stops_at: TimeText::unless_never(limit.stops_at()),
            created_at: limit.set_at.into(),
            removed_at: limit.removed_at.map(TimeText::from),
        }
    }
}

fn scope(body: &SpendLimitIn) -> Result<LimitScope, Fault> {
    const VALUE_CHARS_MAX: usize = domain::label::VALUE_CHARS_MAX;
    match (&body.project, &body.member, &body.api_key) {
        (None, None, None) => Ok(LimitScope::Organization),
        (Some(value), None, None) => {
            Ok(LimitScope::Project(text("project", value, VALUE_CHARS_MAX)?))
        }
        (None, Some(value), None) => {
            Ok(LimitScope::Member(text("member", value, VALUE_CHARS_MAX)?))
        }
        (None, None, Some(value)) => {
            Ok(LimitScope::ApiKey(text("api_key", value, VALUE_CHARS_MAX)?))
        }
        _ => Err(Fault::param("project", "a limit counts one of project, member and api_key")),
    }
}

/// Sets a limit. What was set for the same scope and window has a new amount, and its count goes
/// on.
pub async fn set(call: Call) -> Result<Reply, Fault> {
    let body: SpendLimitIn = call.json()?;
    let home = call.organization(body.organization.as_ref()).await?;
    let window = LimitWindow::from_name(&body.window);
    let operation = SetLimit {
        org: home.org,
        scope: scope(&body)?,
        window: window.ok_or_else(|| Fault::param("window", "is day or month"))?,
        cap: body.amount.parse("amount")?,
    };
    call.run(operation, created).await
}

/// Removes a limit.
pub async fn remove(call: Call) -> Result<Reply, Fault> {
    let id = call.path_id(Kind::Limit).await?;
    call.json::<Nothing>()?;
    call.run(RemoveLimit { org: id.org, limit: id.number }, done).await
}

/// Lists limits as they stand now, with those that were removed, newest first.
pub async fn list(call: Call) -> Result<Reply, Fault> {
    let query: OrganizationQuery = call.query()?;
    let home = call.organization(query.organization.as_ref()).await?;
    let page = Page::read(query.limit, query.cursor.as_deref())?;
    let mut snapshot = call.snapshot().await?;
    let (below, rows) = (page.below(), page.rows_to_read());
    let rows = store::read::lists::limits(&mut snapshot, home.org, below, rows).await?;
    let now = super::wallets::now_of(&call, &mut snapshot, home).await?;
    let wallet = store::read::access::wallet(&mut snapshot, home.org).await?;
    let zone = wallet.ok_or(Fault::missing(Kind::Wallet))?.zone;
    let view = |mut limit: Limit| {
        // Where nothing counts, no wake begins a window.
        limit.begin_window(&zone, now);
        SpendLimitOut::at(home.org, &limit, now)
    };
    Reply::json(200, &page.list(rows, |limit| limit.number, view))
}
