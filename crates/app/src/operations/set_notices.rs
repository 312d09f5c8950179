//! Sets which mails an organization gets.

use domain::member::Permission;
use domain::notice::{Notices, Topic};
use domain::wake::catch_up;
use domain::{OrgId, Refusal, Timestamp, Workset};

use crate::operation::{Answer, Operation};

#[derive(Debug)]
pub struct SetNotices {
    pub org: OrgId,
    /// What is not mailed; all the rest is.
    pub muted: Vec<Topic>,
}

impl Operation for SetNotices {
    fn name(&self) -> &'static str {
        "set_notices"
    }

    fn org(&self) -> OrgId {
        self.org
    }

    fn permission(&self, _: &Workset, _: i64) -> Option<Permission> {
        Some(Permission::SetLimits)
    }

    /// Refusals: `not_found`. Whoever sets it can be reached, so mails that had come back are sent
    /// again. Idempotency: the same again changes nothing.
    fn decide(&self, ws: &mut Workset, now: Timestamp) -> Result<Answer, Refusal> {
        catch_up(ws, self.org, now)?;
        let notices = Notices::new(&self.muted, false);
        ws.wallet_mut(self.org)?.notices = notices;
        Ok(Answer::Notices(self.org, notices))
    }
}
