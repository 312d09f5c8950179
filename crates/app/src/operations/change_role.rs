//! Changes what a member may do.

use domain::event::EventKind;
use domain::member::{Member, MemberRole, Permission, require_owner};
use domain::settle::tell;
use domain::{Kind, OrgId, Refusal, Timestamp, Workset};

use super::add_member::to_manage;
use crate::operation::{Answer, Keys, Operation};

#[derive(Debug)]
pub struct ChangeRole {
    pub org: OrgId,
    pub member: i64,
    pub role: MemberRole,
}

impl Operation for ChangeRole {
    fn name(&self) -> &'static str {
        "change_role"
    }

    fn org(&self) -> OrgId {
        self.org
    }

    fn needs(&self, keys: &mut Keys) {
        keys.all_members.push(self.org);
    }

    /// Owners are made and unmade by owners only.
    fn permission(&self, ws: &Workset, _: i64) -> Option<Permission> {
        let before = ws.members.get(self.org, self.member).map_or(self.role, |it| it.role);
        Some(to_manage(if before == MemberRole::Owner { before } else { self.role }))
    }

    /// Refusals, in order: `not_found` (nobody, or removed), `owner_missing`.
    fn decide(&self, ws: &mut Workset, now: Timestamp) -> Result<Answer, Refusal> {
        let missing = Refusal::NotFound { kind: Kind::Member };
        let member = ws.members.find(Kind::Member, self.org, self.member)?.clone();
        if !member.is_present() {
            return Err(missing);
        }
        let name = ws.member_names.find(Kind::Member, self.org, self.member)?.clone();
        let members = ws.members.of(self.org).map(|(_, member)| member);
        require_owner(members, self.member, Some(self.role))?;
        // After this line the operation must succeed.
        let member = Member { role: self.role, ..member };
        ws.members.put(self.org, self.member, member.clone());
        let fields =
            vec![("member", self.member.to_string()), ("role", self.role.name().to_owned())];
        tell(ws, self.org, EventKind::MemberRoleChanged, now, fields)?;
        Ok(Answer::Member(self.org, member, name))
    }
}
