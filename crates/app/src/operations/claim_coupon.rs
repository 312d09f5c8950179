//! Claims a coupon for an organization, in the lane of the platform: here it is counted.

use domain::coupon::{Claim, ClaimState, CouponCode};
use domain::{Kind, OrgId, Refusal, Timestamp, Workset};

use crate::operation::{Answer, Keys, Operation};

#[derive(Debug)]
pub struct ClaimCoupon {
    pub platform: OrgId,
    pub code: CouponCode,
    pub claimant: OrgId,
}

impl Operation for ClaimCoupon {
    fn name(&self) -> &'static str {
        "claim_coupon"
    }

    fn org(&self) -> OrgId {
        self.platform
    }

    fn needs(&self, keys: &mut Keys) {
        keys.coupons.push((self.platform, self.code.clone()));
        keys.claimants.push((self.platform, self.code.clone(), self.claimant));
    }

    /// Refusals, in order: `not_in_profile`, `not_found`, `coupon_not_valid` (outside its window),
    /// `coupon_used_up`.
    ///
    /// Idempotency: an organization has one claim on a coupon, whatever became of it; claiming
    /// again answers with it and counts nothing.
    fn decide(&self, ws: &mut Workset, now: Timestamp) -> Result<Answer, Refusal> {
        if !ws.platform(self.platform)?.profiles.at(now).coupons {
            return Err(Refusal::NotInProfile { feature: "coupons" });
        }
        let coupon = ws.coupons.of(self.platform).find(|(_, coupon)| coupon.code == self.code);
        let coupon = coupon.map(|(_, coupon)| coupon.clone());
        let mut coupon = coupon.ok_or(Refusal::NotFound { kind: Kind::Coupon })?;
        let is_mine =
            |claim: &Claim| claim.coupon == coupon.number && claim.claimant == self.claimant;
        let before = ws.claims.of(self.platform).find(|(_, claim)| is_mine(claim));
        if let Some(claim) = before.map(|(_, claim)| claim.clone()) {
            return Ok(Answer::Claim(claim, coupon));
        }
        if now < coupon.starts_at || now >= coupon.ends_at {
            return Err(Refusal::CouponNotValid { from: coupon.starts_at, until: coupon.ends_at });
        }
        if coupon.claimed >= coupon.redemptions_max {
            return Err(Refusal::CouponUsedUp { most: coupon.redemptions_max });
        }
        // After this line the operation must succeed.
        let claim = Claim {
            number: ws.wallet_mut(self.platform)?.take_number(),
            coupon: coupon.number,
            claimant: self.claimant,
            state: ClaimState::Open,
            created_at: now,
        };
        coupon.claimed += 1;
        ws.coupons.put(self.platform, coupon.number, coupon.clone());
        ws.claims.put(self.platform, claim.number, claim.clone());
        Ok(Answer::Claim(claim, coupon))
    }
}
