//! Adds a member to an organization.

use domain::event::EventKind;
use domain::member::{MEMBERS_MAX, Member, MemberName, MemberRole, Permission, require_owner};
use domain::settle::tell;
use domain::{OrgId, Refusal, Timestamp, Workset};

use crate::operation::{Answer, Keys, Operation};

#[derive(Debug)]
pub struct AddMember {
    pub org: OrgId,
    pub member_name: String,
    pub role: MemberRole,
}

impl Operation for AddMember {
    fn name(&self) -> &'static str {
        "add_member"
    }

    fn org(&self) -> OrgId {
        self.org
    }

    fn needs(&self, keys: &mut Keys) {
        keys.all_members.push(self.org);
    }

    fn permission(&self, _: &Workset, _: i64) -> Option<Permission> {
        Some(to_manage(self.role))
    }

    /// Refusals, in order: `not_found`, `organization_closed`, `owner_missing` (the first member is
    /// an owner), `setting_invalid` (too many).
    fn decide(&self, ws: &mut Workset, now: Timestamp) -> Result<Answer, Refusal> {
        ws.require_open(self.org)?;
        require_owner(ws.members.of(self.org).map(|(_, member)| member), 0, Some(self.role))?;
        if ws.members.of(self.org).count() >= MEMBERS_MAX {
            let message = format!("an organization has at most {MEMBERS_MAX} members");
            return Err(Refusal::SettingInvalid { message });
        }
        // After this line the operation must succeed.
        let number = ws.wallet_mut(self.org)?.take_number();
        let member = Member { number, role: self.role, created_at: now, removed_at: None };
        ws.members.put(self.org, number, member.clone());
        let name = MemberName(self.member_name.clone());
        ws.member_names.put(self.org, number, name.clone());
        let fields = vec![("member", number.to_string()), ("role", self.role.name().to_owned())];
        tell(ws, self.org, EventKind::MemberAdded, now, fields)?;
        Ok(Answer::Member(self.org, member, name))
    }
}

/// What it takes to make somebody `role`, or to change or remove one who is.
pub(super) const fn to_manage(role: MemberRole) -> Permission {
    match role {
        MemberRole::Owner => Permission::ManageOwners,
        MemberRole::Admin | MemberRole::Member | MemberRole::ReadOnly => Permission::ManageMembers,
    }
}
