//! Coupons: made now and then, claimed by everybody in any case, redeemed soon, late or twice.

use domain::{OrgId, Timestamp};

use super::{Cloud, Customer, SECOND, Workload};
use crate::auditor::Said;
use crate::command::{Action, Gift, Step};

/// What a workload knows of a coupon that was made.
#[derive(Clone, Debug)]
pub struct Known {
    number: i64,
    code: String,
    gift: Gift,
    first_only: bool,
}

const CODES: [&str; 4] = ["WELCOME", "SPRING-10", "VIP_1", "ABC"];
const BONUSES: [&str; 3] = ["0:10%", "30:12.00", "20:5%,60:12.50%"];

impl Workload {
    /// Makes a coupon, or claims one.
    pub(super) fn coupon(&mut self, org: OrgId, cloud: &Cloud, now: Timestamp) -> Action {
        let platform = cloud.org;
        let code = *self.chance.pick(&CODES).expect("there are some");
        let code = if self.chance.one_in(2) { code.to_lowercase() } else { code.to_owned() };
        if cloud.coupons.len() > 2 || !self.chance.one_in(3) {
            return Action::Claim { platform, code, claimant: org };
        }
        let gift = match self.chance.below(5) {
            0 | 1 => Gift::Bonus(self.chance.pick(&BONUSES).expect("there are some")),
            2 => Gift::Credit(self.money(20), None),
            _ => Gift::Credit(self.money(20), Some(self.chance.between(1, 90_000))),
        };
        let mut plus = |one_in: i64, least: i64| {
            let seconds = self.chance.between(least, 200_000);
            let micros = seconds * SECOND + self.chance.below(SECOND);
            self.chance.one_in(one_in).then(|| Timestamp::from_micros(now.micros() + micros))
        };
        let (from, until) = (plus(4, -9_000), plus(2, -10));
        let most = self.chance.between(0, 3);
        let first_only = self.chance.one_in(3);
        Action::CreateCoupon { platform, code, gift, from, until, most, first_only }
    }

    /// What follows from an answer about coupons.
    pub(super) fn learn_coupon(&mut self, action: &Action, said: &Said) {
        match action {
            Action::CreateCoupon { platform, code, gift, first_only, .. } => {
                let cloud = self.clouds.iter_mut().find(|cloud| cloud.org == *platform);
                let (number, code) = (said.number, code.clone());
                let (gift, first_only) = (gift.clone(), *first_only);
                let known = Known { number, code, gift, first_only };
                cloud.expect("a platform that was made").coupons.push(known);
            }
            Action::Claim { platform, claimant, .. } => {
                let cloud = self.clouds.iter().find(|cloud| cloud.org == *platform);
                let known =
                    cloud.and_then(|it| it.coupons.iter().find(|it| it.number == said.other));
                let known = known.expect("a coupon that was made").clone();
                self.customer(*claimant).claims.insert(known.number, said.number);
                let redeem = Action::Redeem {
                    org: *claimant,
                    coupon: known.number,
                    code: known.code,
                    gift: known.gift,
                    first_only: known.first_only,
                };
                self.follow(redeem);
            }
            Action::Redeem { org, coupon, .. } => {
                let customer = self.customer(*org);
                let claim = customer.claims[coupon];
                let platform = customer.platform.expect("customers have one");
                let outcome = said.words.trim_start_matches("redemption ").to_owned();
                if outcome == "given" && said.other > 0 {
                    customer.grants.push(said.other);
                }
                self.follow(Action::Conclude { platform, claim, outcome });
            }
            _ => {}
        }
    }

    fn customer(&mut self, org: OrgId) -> &mut Customer {
        self.customers.get_mut(&org).expect("a customer that was made")
    }

    /// Mostly done next, sometimes twice, sometimes forgotten.
    fn follow(&mut self, action: Action) {
        let count = match self.chance.below(8) {
            0 => 0,
            1 => 2,
            _ => 1,
        };
        for _ in 0..count {
            self.queue.push(Step::Batch(vec![action.clone()]));
        }
    }
}
