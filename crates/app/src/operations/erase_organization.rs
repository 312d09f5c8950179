//! Erases who a closed organization was, once no document can need its names any more.

use domain::closing::{erase, is_settled};
use domain::{Kind, OrgId, Refusal, Timestamp, Workset};

use crate::operation::{Answer, Keys, Operation};

#[derive(Debug)]
pub struct EraseOrganization {
    pub org: OrgId,
}

impl Operation for EraseOrganization {
    fn name(&self) -> &'static str {
        "erase_organization"
    }

    fn org(&self) -> OrgId {
        self.org
    }

    fn needs(&self, keys: &mut Keys) {
        keys.closing.push(self.org);
        keys.all_members.push(self.org);
    }

    /// Refusals: `not_found`.
    ///
    /// Idempotency: one that is open, was erased before, or has something outstanding stays as it
    /// is (requirements N26).
    fn decide(&self, ws: &mut Workset, now: Timestamp) -> Result<Answer, Refusal> {
        let mut row = ws.organizations.find(Kind::Organization, self.org, 0)?.clone();
        let is_due = row.closed_at.is_some() && row.erased_at.is_none();
        if is_due && is_settled(ws, self.org)? {
            let now = now.max(ws.wallet(self.org)?.now);
            row = erase(ws, self.org, row, now)?;
        }
        Ok(Answer::Organization(self.org, row))
    }
}
