//! Concludes a claim by what became of the coupon in its organization: what could not be redeemed
//! is given back to the count.

use domain::coupon::{ClaimState, RedemptionState};
use domain::{Kind, OrgId, Refusal, Timestamp, Workset};

use crate::operation::{Answer, Keys, Operation};

#[derive(Debug)]
pub struct ConcludeClaim {
    pub platform: OrgId,
    pub claim: i64,
    pub outcome: RedemptionState,
}

impl Operation for ConcludeClaim {
    fn name(&self) -> &'static str {
        "conclude_claim"
    }

    fn org(&self) -> OrgId {
        self.platform
    }

    fn needs(&self, keys: &mut Keys) {
        keys.claims.push((self.platform, self.claim));
    }

    /// Refusals: `not_found`. Idempotency: a claim is concluded once.
    fn decide(&self, ws: &mut Workset, _now: Timestamp) -> Result<Answer, Refusal> {
        let mut claim = ws.claims.find(Kind::Coupon, self.platform, self.claim)?.clone();
        let mut coupon = ws.coupons.find(Kind::Coupon, self.platform, claim.coupon)?.clone();
        if claim.state == ClaimState::Open {
            if self.outcome.is_redeemed() {
                claim.state = ClaimState::Redeemed;
            } else {
                claim.state = ClaimState::GivenBack;
                coupon.claimed -= 1;
                ws.coupons.put(self.platform, coupon.number, coupon.clone());
            }
            ws.claims.put(self.platform, claim.number, claim.clone());
        }
        Ok(Answer::Claim(claim, coupon))
    }
}
