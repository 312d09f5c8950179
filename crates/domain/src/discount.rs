//! Discounts: what lowers a list price for one organization (requirements S13).
//!
//! Laws: of the discounts that an operator assigned and the one that volume earns, the highest
//! applies, never their sum; what applies is fixed when a run starts or an event happens, and no
//! later change reaches back (rulings R22).

use crate::price::AppliesTo;
use crate::profile::{Profile, VolumeTier};
use crate::time::SECONDS_PER_DAY;
use crate::{Amount, Timestamp};

/// Discounts that one wallet keeps at most.
pub const DISCOUNTS_MAX: usize = 16;
/// Whole days whose spend decides a volume tier.
pub const VOLUME_DAYS: i64 = 30;

/// A discount that the operator assigned to an organization. Never edited: a later one for the same
/// thing takes its place from its own effect on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Discount {
    pub number: i64,
    /// The SKU it is for; everything that the platform sells, when there is none.
    pub sku: Option<i64>,
    pub bps: i64,
    /// In force in `[effective_from, effective_until)`.
    pub effective_from: Timestamp,
    pub effective_until: Timestamp,
    /// Whether it begins and ends for what runs by then, too.
    pub applies_to: AppliesTo,
    /// The grant of the commitment whose reserved price it is.
    pub commitment: Option<i64>,
    pub created_at: Timestamp,
}

impl Discount {
    /// Whether it lowers prices under `profile`: a price that was paid for always does.
    pub const fn counts_under(&self, profile: &Profile) -> bool {
        profile.discounts || self.commitment.is_some()
    }

    fn order(&self) -> (Timestamp, i64) {
        (self.effective_from, self.number)
    }

    /// Whether `other` takes its place at `at`; nothing does where a price was paid for.
    fn is_replaced_by(&self, other: &Discount, at: Timestamp) -> bool {
        let is_paid = self.commitment.is_some() || other.commitment.is_some();
        !is_paid
            && other.sku == self.sku
            && other.effective_from <= at
            && other.order() > self.order()
    }
}

/// The highest of the assigned discounts that are in force for `sku` at `at`: of those for this SKU
/// alone the latest, of those for everything the latest, and every one of a commitment.
pub fn assigned_bps<'a>(
    discounts: impl Iterator<Item = &'a Discount> + Clone,
    sku: i64,
    at: Timestamp,
) -> i64 {
    let latest = |scope: Option<i64>| {
        let of_scope = discounts.clone().filter(|it| it.commitment.is_none() && it.sku == scope);
        let begun = of_scope.filter(|it| it.effective_from <= at);
        begun.max_by_key(|it| it.order()).filter(|it| it.effective_until > at)
    };
    let both = [latest(Some(sku)), latest(None)];
    let committed = discounts.clone().filter(|it| {
        let is_in_force = it.effective_from <= at && at < it.effective_until;
        it.commitment.is_some() && it.sku == Some(sku) && is_in_force
    });
    both.into_iter().flatten().chain(committed).map(|it| it.bps).max().unwrap_or(0)
}

/// The next instant after `after` at which one of `discounts` begins or ends for a run of `sku`;
/// [`Timestamp::NEVER`] when none does.
pub fn next_change<'a>(
    discounts: impl Iterator<Item = &'a Discount>,
    sku: i64,
    after: Timestamp,
) -> Timestamp {
    let of_runs = |it: &&Discount| {
        it.applies_to == AppliesTo::Running && it.sku.is_none_or(|other| other == sku)
    };
    let turns = discounts.filter(of_runs).flat_map(|it| [it.effective_from, it.effective_until]);
    turns.filter(|&at| at > after).min().unwrap_or(Timestamp::NEVER)
}

/// Whether `discount` can decide anything at `since` or later, beside `others`.
pub fn still_matters(discount: &Discount, others: &[Discount], since: Timestamp) -> bool {
    discount.effective_until > since
        && !others.iter().any(|other| discount.is_replaced_by(other, since))
}

/// The discount that `drawn` purchased credit earns.
pub fn tier_bps(tiers: &[VolumeTier], drawn: Amount) -> i64 {
    let reached = tiers.iter().filter(|tier| tier.drawn_min <= drawn);
    reached.map(|tier| tier.discount_bps).max().unwrap_or(0)
}

/// The day of an instant, counted from 1970 in UTC.
pub fn day_of(at: Timestamp) -> i64 {
    at.seconds().div_euclid(SECONDS_PER_DAY)
}

/// Purchased credit that a wallet has drawn, by day of posting; kept only where the platform has
/// volume tiers. A tier changes at midnight UTC only: it counts whole days, so that an instant
/// always has the same tier, however late it is reported.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Volume {
    /// Days before the present one that a tier may still be asked for.
    pub days_kept: i64,
    /// Purchased credit that was left when something was last posted.
    pub left: Amount,
    /// (day, drawn on it), ascending; less than nothing where more was given back.
    pub days: Vec<(i64, Amount)>,
}

impl Volume {
    /// Nothing drawn yet, where events are taken up to `late_window_seconds` late.
    pub fn new(late_window_seconds: i64) -> Volume {
        let late_days = late_window_seconds.max(0).div_euclid(SECONDS_PER_DAY) + 1;
        Volume { days_kept: VOLUME_DAYS + late_days, ..Volume::default() }
    }

    /// Adds what was drawn on `day`, and forgets days that no tier asks for any more.
    pub fn draw(&mut self, day: i64, drawn: Amount) {
        if drawn.is_zero() {
            return;
        }
        self.days.retain(|&(other, _)| other >= day - self.days_kept);
        match self.days.iter_mut().find(|(other, _)| *other == day) {
            Some((_, sum)) => *sum = sum.checked_add(drawn).unwrap_or(Amount::MAX),
            None => self.days.push((day, drawn)),
        }
    }

    /// Drawn on the thirty whole days before `day`.
    pub fn drawn_before(&self, day: i64) -> Amount {
        drawn_before(self.days.iter().copied(), day)
    }
}

/// Drawn on the thirty whole days before `day`, of all `days`.
pub fn drawn_before(days: impl Iterator<Item = (i64, Amount)>, day: i64) -> Amount {
    let counted = days.filter(|(other, _)| (day - VOLUME_DAYS..day).contains(other));
    counted.fold(Amount::ZERO, |sum, (_, drawn)| sum.checked_add(drawn).unwrap_or(Amount::MAX))
}

/// Basis points as people say them: 1000 is `10`, 1250 is `12.5`.
pub fn percent(bps: i64) -> String {
    let (whole, part) = (bps / 100, bps % 100);
    match part {
        0 => whole.to_string(),
        part if part % 10 == 0 => format!("{whole}.{}", part / 10),
        part => format!("{whole}.{part:02}"),
    }
}

/// Reads what [`percent`] wrote; nothing when it is more than a hundred or has more than two
/// decimals.
pub fn bps_of_percent(text: &str) -> Option<i64> {
    let hundredth = Amount::from_nanos(10_000_000);
    let amount = Amount::parse(text).ok()?;
    let is_whole = amount.nanos() % hundredth.nanos() == 0;
    let bps = amount.nanos() / hundredth.nanos();
    ((0..=crate::rate::BPS_PER_ONE).contains(&bps) && is_whole).then_some(bps)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    fn discount(number: i64, sku: Option<i64>, bps: i64, from: i64, until: i64) -> Discount {
        let effective_until = if until == 0 { Timestamp::NEVER } else { at(until) };
        Discount {
            number,
            sku,
            bps,
            effective_from: at(from),
            effective_until,
            applies_to: AppliesTo::NewRuns,
            commitment: None,
            created_at: at(0),
        }
    }

    #[test]
    fn a_reserved_price_stands_beside_what_is_assigned() {
        let reserved = Discount { commitment: Some(9), ..discount(1, Some(7), 4_000, 10, 50) };
        let longer = Discount { commitment: Some(8), ..discount(3, Some(7), 3_000, 15, 60) };
        let assigned = [reserved, discount(2, Some(7), 1_000, 20, 0), longer];
        for (second, sku, bps) in
            [(9, 7, 0), (10, 7, 4_000), (20, 8, 0), (49, 7, 4_000), (50, 7, 3_000), (60, 7, 1_000)]
        {
            assert_eq!(assigned_bps(assigned.iter(), sku, at(second)), bps, "{sku} at {second}");
        }
        assert!(still_matters(&assigned[0], &assigned, at(30)));
    }

    #[test]
    fn the_highest_applies_and_the_latest_of_its_kind() {
        let assigned = [
            discount(1, None, 1_000, 10, 0),
            discount(2, Some(7), 1_500, 20, 40),
            discount(3, None, 500, 30, 0),
            discount(4, None, 2_000, 50, 60),
        ];
        for (second, sku, bps) in [
            (9, 7, 0),
            (10, 7, 1_000),
            (20, 7, 1_500),
            (20, 8, 1_000),
            (30, 8, 500),
            (39, 7, 1_500),
            (40, 7, 500),
            (50, 8, 2_000),
            (60, 8, 0),
        ] {
            assert_eq!(assigned_bps(assigned.iter(), sku, at(second)), bps, "{sku} at {second}");
        }
        let left = |since| {
            let left = assigned.iter().filter(|it| still_matters(it, &assigned, at(since)));
            left.map(|it| it.number).collect::<Vec<_>>()
        };
        assert_eq!(left(0), [1, 2, 3, 4]);
        assert_eq!(left(30), [2, 3, 4]);
        assert_eq!(left(60), [0; 0]);
    }

    #[test]
    fn law_what_no_longer_matters_changes_nothing() {
        let mut random = 1_u64;
        let mut below = |limit: u64| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888);
            i64::try_from((random >> 33) % limit).unwrap()
        };
        for _ in 0..2_000 {
            let mut all = Vec::new();
            for number in 0..6 {
                let sku = [None, Some(1), Some(2)][usize::try_from(below(3)).unwrap()];
                let from = below(50);
                let until = if below(2) == 0 { 0 } else { from + 1 + below(30) };
                all.push(discount(number, sku, below(10_000), from, until));
            }
            let since = below(60);
            let left: Vec<_> =
                all.iter().filter(|it| still_matters(it, &all, at(since))).cloned().collect();
            for second in since..100 {
                for sku in [1, 2, 3] {
                    let whole = assigned_bps(all.iter(), sku, at(second));
                    assert_eq!(assigned_bps(left.iter(), sku, at(second)), whole, "{all:?}");
                }
            }
        }
    }

    #[test]
    fn a_tier_counts_thirty_whole_days() {
        let tiers = [(0, 100), (50, 500), (100, 1_000)].map(|(units, discount_bps)| VolumeTier {
            drawn_min: Amount::from_units(units),
            discount_bps,
        });
        let mut volume = Volume::new(2 * SECONDS_PER_DAY);
        volume.draw(100, Amount::from_units(60));
        volume.draw(110, Amount::from_units(50));
        volume.draw(110, Amount::from_units(-10));
        for (day, bps) in [(100, 100), (101, 500), (111, 1_000), (130, 1_000), (131, 100)] {
            assert_eq!(tier_bps(&tiers, volume.drawn_before(day)), bps, "day {day}");
        }
        volume.draw(134, Amount::from_units(1));
        assert_eq!(volume.days.len(), 2);
        assert_eq!(tier_bps(&[], Amount::MAX), 0);
    }

    #[test]
    fn percentages_read_as_written() {
        for (bps, text) in
            [(0, "0"), (500, "5"), (1_250, "12.5"), (1_205, "12.05"), (10_000, "100")]
        {
            assert_eq!((percent(bps).as_str(), bps_of_percent(text)), (text, Some(bps)));
        }
        for wrong in ["", "ten", "-1", "100.01", "1.234"] {
            assert_eq!(bps_of_percent(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn days_are_counted_from_1970() {
        for (second, day) in [(-1, -1), (0, 0), (86_399, 0), (86_400, 1), (259_200, 3)] {
            assert_eq!(day_of(at(second)), day, "{second}");
        }
    }
}
