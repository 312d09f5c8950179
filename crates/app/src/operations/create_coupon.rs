//! Creates a coupon: a campaign of a platform.

use domain::coupon::{Coupon, CouponCode, CouponGift};
use domain::{Amount, OrgId, Refusal, Timestamp, Workset};

use crate::operation::{Answer, Keys, Operation, require_positive};
use crate::operations::give_grant::GRANT_MAX;

#[derive(Debug)]
pub struct CreateCoupon {
    pub platform: OrgId,
    pub code: CouponCode,
    pub gift: CouponGift,
    /// Now, when none is given.
    pub starts_at: Option<Timestamp>,
    /// Never, when none is given.
    pub ends_at: Option<Timestamp>,
    pub redemptions_max: i64,
    pub first_purchase_only: bool,
}

impl Operation for CreateCoupon {
    fn name(&self) -> &'static str {
        "create_coupon"
    }

    fn org(&self) -> OrgId {
        self.platform
    }

    fn needs(&self, keys: &mut Keys) {
        keys.coupons.push((self.platform, self.code.clone()));
    }

    /// Refusals, in order: `not_found` (platform), `not_in_profile`, `amount_not_positive`,
    /// `amount_out_of_range`, `quantity_not_positive` (redemptions), `expiry_in_the_past` (it ends
    /// before it starts, or what it gives does), `name_taken`.
    fn decide(&self, ws: &mut Workset, now: Timestamp) -> Result<Answer, Refusal> {
        let platform = ws.platform(self.platform)?;
        if !platform.profiles.at(now).coupons {
            return Err(Refusal::NotInProfile { feature: "coupons" });
        }
        if let CouponGift::Credit { amount, expires_in_seconds } = self.gift {
            require_positive(amount)?;
            if amount > GRANT_MAX {
                return Err(Refusal::AmountOutOfRange { min: Amount::ZERO, max: GRANT_MAX });
            }
            if expires_in_seconds.is_some_and(|seconds| seconds <= 0) {
                return Err(Refusal::ExpiryInThePast);
            }
        }
        if self.redemptions_max <= 0 {
            return Err(Refusal::QuantityNotPositive);
        }
        let starts_at = self.starts_at.unwrap_or(now);
        let ends_at = self.ends_at.unwrap_or(Timestamp::NEVER);
        if ends_at <= starts_at.max(now) {
            return Err(Refusal::ExpiryInThePast);
        }
        if ws.coupons.of(self.platform).any(|(_, other)| other.code == self.code) {
            return Err(Refusal::NameTaken { name: self.code.as_str().to_owned() });
        }
        // After this line the operation must succeed.
        let coupon = Coupon {
            number: ws.wallet_mut(self.platform)?.take_number(),
            code: self.code.clone(),
            gift: self.gift.clone(),
            starts_at,
            ends_at,
            redemptions_max: self.redemptions_max,
            first_purchase_only: self.first_purchase_only,
            claimed: 0,
            created_at: now,
        };
        ws.coupons.put(self.platform, coupon.number, coupon.clone());
        Ok(Answer::Coupon(self.platform, coupon))
    }
}
