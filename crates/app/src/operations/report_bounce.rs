//! Takes the report that a mail to an organization came back: no more are sent until somebody sets
//! its notices anew.

use domain::event::EventKind;
use domain::settle::tell;
use domain::wake::catch_up;
use domain::{OrgId, Refusal, Timestamp, Workset};

use crate::operation::{Answer, Operation};

#[derive(Debug)]
pub struct ReportBounce {
    pub org: OrgId,
    /// What the mail server said.
    pub reason: String,
}

impl Operation for ReportBounce {
    fn name(&self) -> &'static str {
        "report_bounce"
    }

    fn org(&self) -> OrgId {
        self.org
    }

    /// Refusals: `not_found`. Idempotency: a further bounce changes and tells nothing.
    fn decide(&self, ws: &mut Workset, now: Timestamp) -> Result<Answer, Refusal> {
        let now = catch_up(ws, self.org, now)?;
        if !ws.wallet(self.org)?.notices.has_bounced {
            ws.wallet_mut(self.org)?.notices.has_bounced = true;
            let fields = vec![("reason", self.reason.clone())];
            tell(ws, self.org, EventKind::MailBounced, now, fields)?;
        }
        Ok(Answer::Notices(self.org, ws.wallet(self.org)?.notices))
    }
}
