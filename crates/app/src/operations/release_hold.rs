//! Releases a hold: the work was not done, the credit is available again.

use domain::hold::HoldState;
use domain::limit::{count_hold, labels_numbered};
use domain::member::Permission;
use domain::settle::offset_debt;
use domain::wake::{catch_up, expire_grants};
use domain::{Kind, OrgId, Refusal, Timestamp, Workset};

use crate::operation::{Answer, Keys, Operation};

#[derive(Debug)]
pub struct ReleaseHold {
    pub org: OrgId,
    pub hold: i64,
}

impl Operation for ReleaseHold {
    fn name(&self) -> &'static str {
        "release_hold"
    }

    fn org(&self) -> OrgId {
        self.org
    }

    fn needs(&self, keys: &mut Keys) {
        keys.holds.push((self.org, self.hold));
    }

    fn permission(&self, _: &Workset, _: i64) -> Option<Permission> {
        Some(Permission::StartAndStop)
    }

    /// Refusals, in order: `not_found`, `hold_resolved`.
    fn decide(&self, ws: &mut Workset, now: Timestamp) -> Result<Answer, Refusal> {
        let now = catch_up(ws, self.org, now)?;
        let profile = ws.profile_of(self.org)?;
        let mut hold = ws.holds.find(Kind::Hold, self.org, self.hold)?.clone();
        if hold.state != HoldState::Open {
            return Err(Refusal::HoldResolved { state: hold.state.name() });
        }
        let wallet = ws.wallet_mut(self.org)?;
        wallet.grants.unreserve(&hold.parts);
        wallet.review_due = true;
        offset_debt(ws, self.org, now)?;
        expire_grants(ws, self.org, &profile, now)?;
        hold.state = HoldState::Released;
        hold.resolved_at = Some(now);
        ws.holds.put(self.org, self.hold, hold.clone());
        let labels = labels_numbered(ws, self.org, hold.labels)?;
        count_hold(ws, self.org, &labels, hold.amount.negated())?;
        Ok(Answer::Hold(self.org, hold))
    }
}
