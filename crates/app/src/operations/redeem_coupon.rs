//! Redeems a coupon that has been claimed, in the lane of the organization: here it gives.

use domain::coupon::{Coupon, CouponGift, Redemption, RedemptionState};
use domain::deposit::DepositState;
use domain::event::EventKind;
use domain::member::Permission;
use domain::settle::tell;
use domain::wake::catch_up_any;
use domain::wallet::WAITING_MAX;
use domain::{OrgId, Refusal, Timestamp, Workset};

use crate::operation::{Answer, Keys, Operation};
use crate::operations::give_grant::GiveGrant;

#[derive(Debug)]
pub struct RedeemCoupon {
    pub org: OrgId,
    /// As it was when it was claimed.
    pub coupon: Coupon,
}

impl Operation for RedeemCoupon {
    fn name(&self) -> &'static str {
        "redeem_coupon"
    }

    fn org(&self) -> OrgId {
        self.org
    }

    fn needs(&self, keys: &mut Keys) {
        keys.redemptions.push((self.org, self.coupon.number));
        if self.coupon.first_purchase_only {
            keys.purchases.push(self.org);
        }
    }

    fn permission(&self, _: &Workset, _: i64) -> Option<Permission> {
        Some(Permission::RedeemCoupons)
    }

    /// Refusals, in order: `not_found`, `coupon_redeemed`, and those of a grant.
    ///
    /// Who cannot have the coupon is told so by the row, which stays: the claim is given back by
    /// it, from whichever process owns the platform's lane.
    fn decide(&self, ws: &mut Workset, now: Timestamp) -> Result<Answer, Refusal> {
        let now = catch_up_any(ws, self.org, now)?;
        if let Some(before) = ws.redemptions.get(self.org, self.coupon.number) {
            if before.state.is_redeemed() {
                return Err(Refusal::CouponRedeemed);
            }
            return Ok(Answer::Redemption(self.org, before.clone()));
        }
        let mut redemption = Redemption {
            number: self.coupon.number,
            code: self.coupon.code.clone(),
            gift: self.coupon.gift.clone(),
            state: self.state(ws)?,
            grant: None,
            created_at: now,
        };
        let code = redemption.code.as_str().to_owned();
        match (&redemption.gift, redemption.state) {
            (CouponGift::Credit { amount, expires_in_seconds }, RedemptionState::Given) => {
                let give = GiveGrant {
                    expires_at: expires_in_seconds.map(|seconds| now.plus_seconds(seconds)),
                    note: code.clone(),
                    ..GiveGrant::promotion(self.org, *amount)
                };
                let Answer::Grant(_, _, grant) = give.decide(ws, now)? else {
                    return Err(Refusal::CouponRedeemed);
                };
                redemption.grant = Some(grant.number);
            }
            (_, RedemptionState::Waiting) => {
                ws.wallet_mut(self.org)?.bonus_coupons.push(self.coupon.number);
            }
            _ => {}
        }
        ws.redemptions.put(self.org, redemption.number, redemption.clone());
        if redemption.state.is_redeemed() {
            let fields = vec![("coupon", code), ("gift", redemption.gift.text())];
            tell(ws, self.org, EventKind::CouponRedeemed, now, fields)?;
        }
        Ok(Answer::Redemption(self.org, redemption))
    }
}

impl RedeemCoupon {
    fn state(&self, ws: &Workset) -> Result<RedemptionState, Refusal> {
        if ws.wallet(self.org)?.is_closed {
            return Ok(RedemptionState::Closed);
        }
        let mut deposits = ws.deposits.of(self.org).map(|(_, deposit)| deposit);
        let has_paid = deposits.any(|deposit| deposit.state == DepositState::Succeeded);
        if self.coupon.first_purchase_only && has_paid {
            return Ok(RedemptionState::NotFirstPurchase);
        }
        Ok(match self.coupon.gift {
            CouponGift::Credit { .. } => RedemptionState::Given,
            CouponGift::Bonus(_) if ws.wallet(self.org)?.bonus_coupons.len() >= WAITING_MAX => {
                RedemptionState::TooManyWait
            }
            CouponGift::Bonus(_) => RedemptionState::Waiting,
        })
    }
}
