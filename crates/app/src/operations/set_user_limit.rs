//! Sets or removes the balance below which people want to be told.

use domain::wake::catch_up;
use domain::wallet::UserLimit;
use domain::{Amount, OrgId, Refusal, Timestamp, Workset};

use crate::operation::{Answer, Operation, require_positive};

#[derive(Debug)]
pub struct SetUserLimit {
    pub org: OrgId,
    /// No alert, when none is given.
    pub limit: Option<Amount>,
}

impl Operation for SetUserLimit {
    fn name(&self) -> &'static str {
        "set_user_limit"
    }

    fn org(&self) -> OrgId {
        self.org
    }

    /// Refusals, in order: `not_found`, `amount_not_positive`.
    fn decide(&self, ws: &mut Workset, now: Timestamp) -> Result<Answer, Refusal> {
        catch_up(ws, self.org, now)?;
        if let Some(limit) = self.limit {
            require_positive(limit)?;
        }
        let wallet = ws.wallet_mut(self.org)?;
        wallet.user_limit = self.limit.map(|limit| UserLimit { limit, fired: false });
        wallet.review_due = true;
        Ok(Answer::UserLimit(self.org, wallet.user_limit.clone()))
    }
}
