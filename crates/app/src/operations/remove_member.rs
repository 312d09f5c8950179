//! Removes a member. What they did stays named after them (requirements P04).

use domain::event::EventKind;
use domain::member::{Member, Permission, require_owner};
use domain::settle::tell;
use domain::{Kind, OrgId, Refusal, Timestamp, Workset};

use super::add_member::to_manage;
use crate::operation::{Answer, Keys, Operation};

#[derive(Debug)]
pub struct RemoveMember {
    pub org: OrgId,
    pub member: i64,
}

impl Operation for RemoveMember {
    fn name(&self) -> &'static str {
        "remove_member"
    }

    fn org(&self) -> OrgId {
        self.org
    }

    fn needs(&self, keys: &mut Keys) {
        keys.all_members.push(self.org);
    }

    /// Owners are removed by owners only.
    fn permission(&self, ws: &Workset, _: i64) -> Option<Permission> {
        let member = ws.members.get(self.org, self.member);
        Some(member.map_or(Permission::ManageMembers, |member| to_manage(member.role)))
    }

    /// Refusals, in order: `not_found`, `owner_missing` (others stay, and no owner among them).
    ///
    /// Idempotency: who was removed before stays removed as of then.
    fn decide(&self, ws: &mut Workset, now: Timestamp) -> Result<Answer, Refusal> {
        let member = ws.members.find(Kind::Member, self.org, self.member)?.clone();
        let name = ws.member_names.find(Kind::Member, self.org, self.member)?.clone();
        if !member.is_present() {
            return Ok(Answer::Member(self.org, member, name));
        }
        require_owner(ws.members.of(self.org).map(|(_, member)| member), self.member, None)?;
        // After this line the operation must succeed.
        let member = Member { removed_at: Some(now), ..member };
        ws.members.put(self.org, self.member, member.clone());
        ws.wallet_mut(self.org)?.member_limits.retain(|it| it.member != self.member);
        let fields = vec![("member", self.member.to_string())];
        tell(ws, self.org, EventKind::MemberRemoved, now, fields)?;
        Ok(Answer::Member(self.org, member, name))
    }
}
