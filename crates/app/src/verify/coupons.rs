//! Coupons: the count of each is that of its claims, and every redemption has one.

use std::collections::BTreeMap;

use domain::OrgId;
use domain::coupon::{ClaimState, RedemptionState};
use store::Snapshot;
use store::read::verify as scan;

use super::tables::{each_row, homeless};
use super::{Books, Lie, Unverified, same};

impl Books {
    pub(crate) async fn coupons(&mut self, snapshot: &mut Snapshot) -> Result<(), Unverified> {
        let mut counts: BTreeMap<(OrgId, i64), i64> = BTreeMap::new();
        let mut claimants: BTreeMap<(OrgId, i64, OrgId), bool> = BTreeMap::new();
        each_row!(snapshot, claims, row, {
            let (platform, number, claim) = row;
            let is_counted = claim.state != ClaimState::GivenBack;
            *counts.entry((platform, claim.coupon)).or_default() += i64::from(is_counted);
            let key = (platform, claim.coupon, claim.claimant);
            if claimants.insert(key, is_counted).is_some() {
                let what = format!("coupon {} was claimed by the same twice", claim.coupon);
                let row = format!("claim {number}");
                return Err(Lie { table: "claims", org: platform, row, what }.into());
            }
            self.report.other_rows += 1;
        });
        each_row!(snapshot, coupons, row, {
            let (platform, number, coupon) = row;
            let at = || ("coupons", platform, || format!("coupon {number}"));
            let count = counts.remove(&(platform, number)).unwrap_or(0);
            same(at(), "the number of claims", &coupon.claimed, &count)?;
            let most = coupon.claimed.min(coupon.redemptions_max);
            same(at(), "the number of claims", &coupon.claimed, &most)?;
            self.report.other_rows += 1;
        });
        self.redemptions(snapshot, &claimants).await
    }

    async fn redemptions(
        &mut self,
        snapshot: &mut Snapshot,
        claimants: &BTreeMap<(OrgId, i64, OrgId), bool>,
    ) -> Result<(), Unverified> {
        each_row!(snapshot, redemptions, row, {
            let (org, number, redemption) = row;
            let chain = self.chains.get_mut(&org);
            let chain = chain.ok_or_else(|| homeless("redemptions", org, number))?;
            let at = || ("redemptions", org, || format!("coupon {number}"));
            let is_claimed = claimants.get(&(chain.platform, number, org)).copied();
            // One that could not be had is counted until its claim is concluded.
            let is_counted = redemption.state.is_redeemed() || is_claimed == Some(true);
            same(at(), "whether it is counted", &is_claimed.unwrap_or(!is_counted), &is_counted)?;
            let has_grant = redemption.state == RedemptionState::Given;
            same(at(), "whether it has a grant", &redemption.grant.is_some(), &has_grant)?;
            let waits = redemption.state == RedemptionState::Waiting;
            same(at(), "whether its wallet lets it wait", &chain.bonuses.remove(&number), &waits)?;
            self.report.other_rows += 1;
        });
        match self.chains.iter().find(|(_, chain)| !chain.bonuses.is_empty()) {
            None => Ok(()),
            Some((&org, chain)) => {
                let waiting = chain.bonuses.first().copied().unwrap_or(0);
                let what = format!("coupon {waiting} waits in it, and was not redeemed");
                Err(Lie { table: "wallets", org, row: "the wallet".into(), what }.into())
            }
        }
    }
}
