//! Finishes redemptions that were begun: open claims are redeemed in the lanes of their
//! organizations, and concluded by what became of them.
//!
//! Law: the claim is the message between two lanes, and coupon and organization are its key; a
//! process that dies between the steps, or does not own both lanes, leaves the rest to the next
//! round, wherever it runs (rulings A12).

use domain::coupon::{Claim, ClaimState, Coupon, CouponCode, Redemption};
use domain::member::Permission;
use domain::{OrgId, Refusal};
use store::StoreError;

use crate::door::{App, AppError, Command, IdempotencyKey, Outcome};
use crate::operation::{Answer, AsMember};
use crate::operations::check_permission::CheckPermission;
use crate::operations::claim_coupon::ClaimCoupon;
use crate::operations::conclude_claim::ConcludeClaim;
use crate::operations::redeem_coupon::RedeemCoupon;

const ROUND_MAX: i64 = 1_000;

/// What became of a wish to redeem.
#[derive(Debug)]
pub enum Redeemed {
    /// Decided in the organization's lane.
    Decided(Box<Outcome>),
    /// Refused by the platform, and nothing was counted.
    Refused(Refusal),
    /// Counted; the organization belongs to another process, which redeems it in a moment.
    Begun(Coupon),
}

/// Redeems a coupon, from the process that owns the platform's lane. `key` is the client's and
/// decides in the organization's lane, so that repeating the command repeats its answer; where a
/// member asks, their role is looked at there before anything is counted.
pub async fn redeem(
    app: &App,
    platform: OrgId,
    org: OrgId,
    code: CouponCode,
    (member, key): (Option<i64>, Option<IdempotencyKey>),
) -> Result<Redeemed, AppError> {
    if let Some(member) = member {
        let permission = Permission::RedeemCoupons;
        let operation = Box::new(CheckPermission { org, permission });
        let checked = app.run(Command::new(AsMember { member, operation })).await?;
        if let Outcome::Decided(Err(refusal)) = checked {
            return Ok(Redeemed::Refused(refusal));
        }
    }
    let claim = ClaimCoupon { platform, code, claimant: org };
    let (claim, coupon) = match app.run(Command::new(claim)).await? {
        Outcome::Decided(Ok(Answer::Claim(claim, coupon))) => (claim, coupon),
        Outcome::Decided(Err(refusal)) => return Ok(Redeemed::Refused(refusal)),
        _ => return Err(AppError::Internal),
    };
    if app.foreign_owner(org).is_some() {
        return Ok(Redeemed::Begun(coupon));
    }
    let redeem = RedeemCoupon { org, coupon };
    let outcome = app.run(Command::new(redeem).with_key(key)).await?;
    if let Outcome::Decided(Ok(Answer::Redemption(_, row))) = &outcome {
        conclude(app, platform, &claim, row).await;
    }
    Ok(Redeemed::Decided(Box::new(outcome)))
}

/// What is not concluded now is concluded by the next round.
async fn conclude(app: &App, platform: OrgId, claim: &Claim, redemption: &Redemption) {
    if claim.state != ClaimState::Open || app.foreign_owner(platform).is_some() {
        return;
    }
    let (claim, outcome) = (claim.number, redemption.state);
    if let Err(error) = app.run(Command::new(ConcludeClaim { platform, claim, outcome })).await {
        tracing::warn!(%error, "a claim is concluded by the next round");
    }
}

/// Redeems and concludes what is open. Safe to run at any time, any number of times.
pub async fn run(app: &App) -> Result<usize, StoreError> {
    let mut done = 0;
    for (platform, claim, coupon) in store::claims::open(&app.store, ROUND_MAX).await? {
        let org = claim.claimant;
        if app.foreign_owner(org).is_none() {
            let redeem = Command::new(RedeemCoupon { org, coupon: coupon.clone() });
            if let Err(error) = app.run(redeem).await {
                tracing::warn!(%error, "a coupon is redeemed by the next round");
            }
        }
        if let Some(row) = store::redemptions::one(&app.store, org, claim.coupon).await? {
            conclude(app, platform, &claim, &row).await;
            done += 1;
        }
    }
    Ok(done)
}
