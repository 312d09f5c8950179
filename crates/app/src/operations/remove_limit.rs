//! Removes a limit. Rows that name it still find it.

use domain::limit::{Limit, put_limits};
use domain::member::Permission;
use domain::wake::catch_up;
use domain::{Kind, OrgId, Refusal, Timestamp, Workset};

use crate::operation::{Answer, Keys, Operation};

#[derive(Debug)]
pub struct RemoveLimit {
    pub org: OrgId,
    pub limit: i64,
}

impl Operation for RemoveLimit {
    fn name(&self) -> &'static str {
        "remove_limit"
    }

    fn org(&self) -> OrgId {
        self.org
    }

    fn needs(&self, keys: &mut Keys) {
        keys.limits.push((self.org, self.limit));
    }

    fn permission(&self, _: &Workset, _: i64) -> Option<Permission> {
        Some(Permission::SetLimits)
    }

    /// Refusals, in order: `not_found`. Idempotency: one that was removed stays as it was.
    fn decide(&self, ws: &mut Workset, now: Timestamp) -> Result<Answer, Refusal> {
        let now = catch_up(ws, self.org, now)?;
        let limit = ws.limits.find(Kind::Limit, self.org, self.limit)?.clone();
        if limit.removed_at.is_some() {
            return Ok(Answer::Limit(self.org, limit, now));
        }
        // After this line the operation must succeed.
        let limit = Limit { removed_at: Some(now), ..limit };
        put_limits(ws, self.org, vec![limit.clone()])?;
        Ok(Answer::Limit(self.org, limit, now))
    }
}
