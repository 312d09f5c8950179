//! Releases a wallet that stayed frozen after a dispute was lost: the operator's decision.

use domain::event::EventKind;
use domain::settle::tell;
use domain::wake::catch_up_any;
use domain::{OrgId, Refusal, Timestamp, Workset};

use crate::operation::{Answer, Operation};

#[derive(Debug)]
pub struct ReleaseFreeze {
    pub org: OrgId,
}

impl Operation for ReleaseFreeze {
    fn name(&self) -> &'static str {
        "release_freeze"
    }

    fn org(&self) -> OrgId {
        self.org
    }

    /// Refusals, in order: `not_found`, `dispute_open`, `debt_unpaid` (rulings R18).
    ///
    /// Idempotency: releasing a wallet that is not frozen changes nothing.
    fn decide(&self, ws: &mut Workset, now: Timestamp) -> Result<Answer, Refusal> {
        let now = catch_up_any(ws, self.org, now)?;
        let wallet = ws.wallet(self.org)?;
        let Some(freeze) = &wallet.freeze else { return Ok(Answer::Released(self.org)) };
        if freeze.open > 0 {
            return Err(Refusal::DisputeOpen { count: freeze.open });
        }
        if wallet.debt.is_positive() {
            return Err(Refusal::DebtUnpaid { debt: wallet.debt });
        }
        // After this line the operation must succeed.
        let wallet = ws.wallet_mut(self.org)?;
        wallet.freeze = None;
        wallet.review_due = true;
        tell(ws, self.org, EventKind::WalletReleased, now, Vec::new())?;
        Ok(Answer::Released(self.org))
    }
}
