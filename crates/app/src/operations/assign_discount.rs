//! Assigns a discount to an organization (requirements S13). Discounts are never edited: a later
//! one for the same thing takes the place of an earlier one.

use domain::commitment::keep_discount;
use domain::discount::Discount;
use domain::price::AppliesTo;
use domain::rate::BPS_PER_ONE;
use domain::reprice::announce;
use domain::wake::catch_up;
use domain::{Kind, OrgId, Refusal, Timestamp, Workset};

use crate::operation::{Answer, Keys, Operation};

#[derive(Debug)]
pub struct AssignDiscount {
    pub org: OrgId,
    /// Everything that the platform sells, when none is given.
    pub sku: Option<i64>,
    pub bps: i64,
    /// From when on; now, when none is given.
    pub effective_from: Option<Timestamp>,
    /// For good, when none is given.
    pub effective_until: Option<Timestamp>,
    /// What runs when it begins, or ends, goes on at what it makes of the price, too.
    pub applies_to: AppliesTo,
}

impl Operation for AssignDiscount {
    fn name(&self) -> &'static str {
        "assign_discount"
    }

    fn org(&self) -> OrgId {
        self.org
    }

    fn needs(&self, keys: &mut Keys) {
        if self.applies_to == AppliesTo::Running {
            keys.open_runs.push(self.org);
        }
    }

    /// Refusals, in order: `not_found` (organization, SKU), `not_in_profile`,
    /// `discount_out_of_range`, `too_long_ago` (a discount never changes what has been charged),
    /// `expiry_in_the_past`, `setting_invalid` (too many that wait for their time).
    ///
    /// What runs keeps its price, unless it is said to apply to that as well; what starts, or
    /// happens, from the effect on has the new one.
    fn decide(&self, ws: &mut Workset, now: Timestamp) -> Result<Answer, Refusal> {
        let now = catch_up(ws, self.org, now)?;
        let profile = ws.profile_of(self.org)?;
        let platform = ws.wallet(self.org)?.platform;
        if let Some(sku) = self.sku {
            let book = ws.book(platform);
            book.and_then(|book| book.sku(sku)).ok_or(Refusal::NotFound { kind: Kind::Sku })?;
        }
        if !profile.discounts {
            return Err(Refusal::NotInProfile { feature: "discounts" });
        }
        if !(0..=BPS_PER_ONE).contains(&self.bps) {
            return Err(Refusal::DiscountOutOfRange);
        }
        // Runs start on whole seconds, so one that starts in this second finds it.
        let earliest = now.floor_to_second();
        let effective_from = self.effective_from.unwrap_or(earliest).floor_to_second();
        if effective_from < earliest {
            return Err(Refusal::TooLongAgo { at: effective_from, earliest });
        }
        let effective_until = self.effective_until.unwrap_or(Timestamp::NEVER).floor_to_second();
        if effective_until <= effective_from {
            return Err(Refusal::ExpiryInThePast);
        }
        let wallet = ws.wallet_mut(self.org)?;
        let discount = Discount {
            number: wallet.take_number(),
            sku: self.sku,
            bps: self.bps,
            effective_from,
            effective_until,
            applies_to: self.applies_to,
            commitment: None,
            created_at: now,
        };
        keep_discount(wallet, &profile, discount.clone(), now)?;
        ws.discounts.put(self.org, discount.number, discount.clone());
        if self.applies_to == AppliesTo::Running {
            announce(ws, self.org, &profile, (self.sku, effective_from), now)?;
        }
        Ok(Answer::Discount(self.org, platform, discount))
    }
}
