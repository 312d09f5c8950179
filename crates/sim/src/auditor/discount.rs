//! What lowers prices for one wallet (requirements S13): everything that was ever assigned to it,
//! and drawn by it, is kept and looked through anew for each price.

use super::commands::{Told, refused};
use super::purse::{LATE, NEVER, Purse, second_of};
use super::terms::Terms;

/// Discounts that can decide anything yet, at most.
const MOST: usize = 16;
const WHOLE: i128 = 10_000;
const DAY: i64 = 86_400;
/// Whole days whose draws decide a tier.
const VOLUME_DAYS: i64 = 30;

/// A discount in force from one second until another, in parts of ten thousand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Discount {
    pub sku: Option<i64>,
    pub bps: i128,
    pub from: i64,
    pub until: i64,
}

impl Purse {
    /// Assigns a discount between instants, from now on and for good where none are named.
    pub fn assign(
        &mut self,
        terms: &Terms,
        (sku, bps): (Option<i64>, i64),
        (from, until): (Option<i64>, Option<i64>),
        now: i64,
    ) -> Told {
        if !terms.discounts {
            return refused("not_in_profile");
        }
        let bps = i128::from(bps);
        if !(0..=WHOLE).contains(&bps) {
            return refused("discount_out_of_range");
        }
        let this = second_of(now);
        let (from, until) = (from.map_or(this, second_of), until.map_or(NEVER, second_of));
        if from < this {
            return refused("too_long_ago");
        }
        if until <= from {
            return refused("expiry_in_the_past");
        }
        self.discounts.push(Discount { sku, bps, from, until });
        // What is reported late has the price of then.
        let since = this - LATE;
        let matters = |place: &usize| {
            let discount = self.discounts[*place];
            let is_latest = || self.latest(discount.sku, since) == Some(*place);
            discount.until > since && (discount.from > since || is_latest())
        };
        if (0..self.discounts.len()).filter(matters).count() > MOST {
            return refused("setting_invalid");
        }
        format!("discount {bps}")
    }

    /// The place of the last to have begun by `second` of those for the same thing, the later
    /// assigned of two.
    fn latest(&self, sku: Option<i64>, second: i64) -> Option<usize> {
        let has_begun = |place: &usize| {
            let discount = self.discounts[*place];
            discount.sku == sku && discount.from <= second
        };
        let begun = (0..self.discounts.len()).filter(has_begun);
        begun.max_by_key(|&place| (self.discounts[place].from, place))
    }

    /// Remembers what was drawn of a grant at a second, if it was bought.
    pub fn note_drawn(&mut self, number: i64, second: i64, part: i128) {
        if self.known[&number].sort.is_paid() {
            self.drawn.push((second.div_euclid(DAY), part));
        }
    }

    /// What the tier of the day of `at` takes off (rulings R22): it counts the thirty whole days
    /// before it, in UTC, and there is none yet for a day that has not begun.
    fn earned(&self, terms: &Terms, at: i64) -> i128 {
        let day = second_of(at.min(self.now)).div_euclid(DAY);
        let counts = |it: &&(i64, i128)| it.0 < day && it.0 >= day - VOLUME_DAYS;
        let volume: i128 = self.drawn.iter().filter(counts).map(|it| it.1).sum();
        let reached = terms.tiers.iter().filter(|tier| tier.0 <= volume);
        reached.map(|tier| tier.1).max().unwrap_or(0)
    }

    /// What is left of ten thousand parts of a price: of the discounts for the SKU and for
    /// everything, and of what volume has earned, the highest alone.
    pub fn share(&self, terms: &Terms, sku: i64, at: i64) -> i128 {
        if !terms.discounts {
            return WHOLE;
        }
        let second = second_of(at);
        let of = |sku| {
            let discount = self.latest(sku, second).map(|place| self.discounts[place]);
            discount.filter(|discount| discount.until > second).map_or(0, |it| it.bps)
        };
        WHOLE - of(Some(sku)).max(of(None)).max(self.earned(terms, at))
    }
}
