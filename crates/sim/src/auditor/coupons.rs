//! Coupons (requirements N21): what a platform's are claimed for, and what they give.

use domain::{OrgId, Timestamp};

use super::commands::{Told, refused};
use super::purse::{NEVER, Purse, SECOND};
use super::terms::{Slab, Terms, slabs};
use super::{Auditor, Said, Shop};
use crate::command::{Action, Gift};

/// So many bonuses wait in a wallet at most.
const WAITING: usize = 8;

/// A coupon and who claimed it.
#[derive(Debug)]
pub struct Coupon {
    code: String,
    from: i64,
    until: i64,
    most: usize,
    claims: Vec<Claim>,
}

#[derive(Debug)]
struct Claim {
    number: i64,
    org: OrgId,
    state: &'static str,
}

impl Coupon {
    /// The places that are taken and were not given back.
    fn taken(&self) -> usize {
        self.claims.iter().filter(|claim| claim.state != "given_back").count()
    }
}

impl Shop {
    fn create_coupon(
        &mut self,
        code: &str,
        (from, until): (Option<Timestamp>, Option<Timestamp>),
        most: i64,
        now: i64,
    ) -> Told {
        if !self.terms.coupons {
            return refused("not_in_profile");
        }
        let Ok(most @ 1..) = usize::try_from(most) else {
            return refused("quantity_not_positive");
        };
        let from = from.map_or(now, Timestamp::micros);
        let until = until.map_or(NEVER, Timestamp::micros);
        if until <= from || until <= now {
            return refused("expiry_in_the_past");
        }
        let code = code.to_uppercase();
        if self.coupons.iter().any(|other| other.code == code) {
            return refused("name_taken");
        }
        self.coupons.push(Coupon { code, from, until, most, claims: Vec::new() });
        "coupon".into()
    }

    /// An organization's place in the count: one, whatever becomes of it.
    fn claim(&mut self, number: i64, code: &str, org: OrgId, now: i64) -> Told {
        if !self.terms.coupons {
            return refused("not_in_profile");
        }
        let code = code.to_uppercase();
        let Some(coupon) = self.coupons.iter_mut().find(|coupon| coupon.code == code) else {
            return refused("not_found");
        };
        let state = match coupon.claims.iter().find(|claim| claim.org == org) {
            Some(before) => before.state,
            None if !(coupon.from..coupon.until).contains(&now) => {
                return refused("coupon_not_valid");
            }
            None if coupon.taken() >= coupon.most => return refused("coupon_used_up"),
            None => {
                coupon.claims.push(Claim { number, org, state: "open" });
                "open"
            }
        };
        format!("claim {state} {}", coupon.taken())
    }

    fn conclude(&mut self, number: i64, outcome: &str) -> Told {
        let has = |coupon: &&mut Coupon| coupon.claims.iter().any(|it| it.number == number);
        let Some(coupon) = self.coupons.iter_mut().find(has) else { return refused("not_found") };
        let claim = coupon.claims.iter_mut().find(|it| it.number == number).expect("it has it");
        if claim.state == "open" {
            let is_had = matches!(outcome, "given" | "waiting");
            claim.state = if is_had { "redeemed" } else { "given_back" };
        }
        let state = claim.state;
        format!("claim {state} {}", coupon.taken())
    }
}

impl Auditor {
    pub(super) fn expect_coupon(&mut self, wall: i64, action: &Action, said: &Said) -> Told {
        let shop = self.shops.get_mut(&action.org()).expect("a platform that was made");
        let now = shop.clock.unwrap_or(wall);
        match action {
            Action::CreateCoupon { code, from, until, most, .. } => {
                shop.create_coupon(code, (*from, *until), *most, now)
            }
            Action::Claim { code, claimant, .. } => shop.claim(said.number, code, *claimant, now),
            Action::Conclude { claim, outcome, .. } => shop.conclude(*claim, outcome),
            other => panic!("{other:?} is not about coupons"),
        }
    }
}

/// A bonus that waits for a deposit.
#[derive(Clone, Debug)]
pub struct Waiting {
    coupon: i64,
    slabs: Vec<Slab>,
}

impl Purse {
    /// Gives what a coupon gives, once; who cannot have it is told so for good.
    pub fn redeem(
        &mut self,
        coupon: i64,
        (gift, is_first_only): (&Gift, bool),
        grant: i64,
        now: i64,
    ) -> Told {
        match self.redeemed.get(&coupon) {
            Some(&("given" | "waiting")) => return refused("coupon_redeemed"),
            Some(state) => return format!("redemption {state}"),
            None => {}
        }
        let state = match gift {
            _ if is_first_only && self.has_paid => "not_first_purchase",
            Gift::Bonus(_) if self.waiting.len() >= WAITING => "too_many_wait",
            Gift::Bonus(text) => {
                self.waiting.push(Waiting { coupon, slabs: slabs(text) });
                "waiting"
            }
            Gift::Credit(amount, seconds) => {
                let expires = seconds.map_or(NEVER, |seconds| now + seconds * SECOND);
                self.give(grant, i128::from(*amount), 50, (now, expires), now);
                "given"
            }
        };
        self.redeemed.insert(coupon, state);
        if matches!(state, "given" | "waiting") {
            self.told.push(("coupon.redeemed", now));
        }
        format!("redemption {state}")
    }

    /// Gives what comes on top of a deposit: what the platform gives on each, and what the first
    /// coupon gives that waited for one so large.
    pub fn bonuses(&mut self, terms: &Terms, deposit: i128, bought: Option<i64>) {
        self.bonus(&terms.bonus, deposit, bought);
        for place in 0..self.waiting.len() {
            let slabs = self.waiting[place].slabs.clone();
            if self.bonus(&slabs, deposit, bought) {
                let used = self.waiting.remove(place);
                self.redeemed.insert(used.coupon, "given");
                return;
            }
        }
    }
}
