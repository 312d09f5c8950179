//! Answers whether a member may do something that another lane begins, such as redeeming a coupon.

use domain::member::Permission;
use domain::{OrgId, Refusal, Timestamp, Workset};

use crate::operation::{Answer, Operation};

#[derive(Debug)]
pub struct CheckPermission {
    pub org: OrgId,
    pub permission: Permission,
}

impl Operation for CheckPermission {
    fn name(&self) -> &'static str {
        "check_permission"
    }

    fn org(&self) -> OrgId {
        self.org
    }

    fn permission(&self, _: &Workset, _: i64) -> Option<Permission> {
        Some(self.permission)
    }

    /// Refusals, in order: `not_found`, `organization_closed`. Whoever asks as a member was looked
    /// at before.
    fn decide(&self, ws: &mut Workset, _: Timestamp) -> Result<Answer, Refusal> {
        ws.require_open(self.org).map(|()| Answer::Permitted)
    }
}
