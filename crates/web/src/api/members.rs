//! Members: the people of an organization, and what each may do.

use std::collections::BTreeMap;

use app::operations::add_member::AddMember;
use app::operations::change_role::ChangeRole;
use app::operations::remove_member::RemoveMember;
use domain::member::{Member, MemberName, MemberRole};
use domain::{Kind, OrgId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{NAME_CHARS_MAX, Nothing, OrganizationQuery, created, done};
use crate::error::Fault;
use crate::extract::{Call, Reply};
use crate::page::Page;
use crate::wire::{IdText, TimeText, text};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MemberIn {
    pub organization: Option<IdText>,
    /// What people know them by. It can be erased; nothing else says who they are.
    pub name: String,
    /// `owner`, `admin`, `member` or `read_only`; the first member is an owner.
    pub role: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RoleIn {
    /// `owner`, `admin`, `member` or `read_only`.
    pub role: String,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct MemberOut {
    pub id: IdText,
    pub organization: IdText,
    /// Null once it was erased.
    pub name: Option<String>,
    /// `owner`, `admin`, `member` or `read_only`.
    pub role: String,
    pub created_at: TimeText,
    /// Who was removed does nothing any more, and stays named where they paid.
    pub removed_at: Option<TimeText>,
}

impl MemberOut {
    pub fn of(org: OrgId, member: &Member, name: Option<String>) -> MemberOut {
        MemberOut {
            id: IdText::new(Kind::Member, org, member.number),
            organization: IdText::organization(org),
            name,
            role: member.role.name().to_owned(),
            created_at: member.created_at.into(),
            removed_at: member.removed_at.map(TimeText::from),
        }
    }

    pub fn answered(org: OrgId, member: &Member, MemberName(name): &MemberName) -> MemberOut {
        MemberOut::of(org, member, Some(name.clone()))
    }
}

fn role(name: &str) -> Result<MemberRole, Fault> {
    let wrong = || Fault::param("role", "is owner, admin, member or read_only");
    MemberRole::from_name(name).ok_or_else(wrong)
}

/// Adds a member.
pub async fn add(call: Call) -> Result<Reply, Fault> {
    let body: MemberIn = call.json()?;
    let home = call.organization(body.organization.as_ref()).await?;
    let operation = AddMember {
        org: home.org,
        member_name: text("name", &body.name, NAME_CHARS_MAX)?,
        role: role(&body.role)?,
    };
    call.run(operation, created).await
}

/// Changes what a member may do.
pub async fn change_role(call: Call) -> Result<Reply, Fault> {
    let id = call.path_id(Kind::Member).await?;
    let body: RoleIn = call.json()?;
    let role = role(&body.role)?;
    call.run(ChangeRole { org: id.org, member: id.number, role }, done).await
}

/// Removes a member.
pub async fn remove(call: Call) -> Result<Reply, Fault> {
    let id = call.path_id(Kind::Member).await?;
    call.json::<Nothing>()?;
    call.run(RemoveMember { org: id.org, member: id.number }, done).await
}

/// Shows a member.
pub async fn get(call: Call) -> Result<Reply, Fault> {
    let id = call.path_id(Kind::Member).await?;
    let mut snapshot = call.snapshot().await?;
    let member = store::read::lists::member(&mut snapshot, id.org, id.number).await?;
    let member = member.ok_or(Fault::missing(Kind::Member))?;
    let name = names(&mut snapshot, id.org, [id.number]).await?.remove(&id.number);
    Reply::json(200, &MemberOut::of(id.org, &member, name))
}

/// Lists members, with those who were removed, newest first.
pub async fn list(call: Call) -> Result<Reply, Fault> {
    let query: OrganizationQuery = call.query()?;
    let home = call.organization(query.organization.as_ref()).await?;
    let page = Page::read(query.limit, query.cursor.as_deref())?;
    let mut snapshot = call.snapshot().await?;
    let (below, rows) = (page.below(), page.rows_to_read());
    let rows = store::read::lists::members(&mut snapshot, home.org, below, rows).await?;
    let mut names = names(&mut snapshot, home.org, rows.iter().map(|it| it.number)).await?;
    let view = |member: Member| {
        let name = names.remove(&member.number);
        MemberOut::of(home.org, &member, name)
    };
    Reply::json(200, &page.list(rows, |member| member.number, view))
}

/// What these members are called.
pub async fn names(
    snapshot: &mut store::Snapshot,
    org: OrgId,
    numbers: impl IntoIterator<Item = i64>,
) -> Result<BTreeMap<i64, String>, Fault> {
    let numbers = numbers.into_iter().collect();
    Ok(store::read::access::member_names(snapshot, org, numbers).await?)
}
