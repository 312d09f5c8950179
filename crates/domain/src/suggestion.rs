//! What could be cheaper, computed from what was really used (requirements D11d, D15).
//!
//! Laws: what a suggestion saves is what the time did cost less what the same time would have cost,
//! and both are said; percentages are rounded down, so that "at least 48 %" is true (C07); what
//! saves nothing is not suggested.

use crate::Amount;
use crate::attribution::{IdleCost, PaidTime, ResourceUse, Served, uses};
use crate::calendar::Zone;
use crate::hours::{OffHours, hours_of_run, week};
use crate::price::{Alternative, Sku, TIME_DIMENSION};
use crate::rate::Rate;
use crate::report::{Days, Used};
use crate::run::{Paid, Run};
use crate::time::SECONDS_PER_HOUR;

/// Below this part of its paid time a resource is under-used.
pub const UNDER_USED_PERCENT: i64 = 20;
/// Nothing is suggested from less paid time than a day.
const PAID_HOURS_MIN: i64 = 24;
/// Nor a pause from less than one night.
const OFF_HOURS_MIN: i64 = 8;
const MILLISECONDS_PER_HOUR: i64 = 3_600_000;

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advice {
    /// Most of its paid time nothing was asked of it.
    UnderUsed,
    /// Another SKU of the catalogue would do: a smaller one, because it is under-used, or one that
    /// serves the same in a smaller format.
    Replace { alternative: Alternative, sku: i64 },
    /// It ran so much that paying its SKU ahead at the reserved price costs less.
    Commit,
    /// In these hours it ran and never served a request.
    Pause(OffHours),
}

impl Advice {
    pub const fn name(self) -> &'static str {
        match self {
            Advice::UnderUsed => "under_used",
            Advice::Replace { alternative: Alternative::Smaller, .. } => "right_size",
            Advice::Replace { alternative: Alternative::Quantized, .. } => "quantize",
            Advice::Commit => "commit",
            Advice::Pause(OffHours::Nights) => "pause_nights",
            Advice::Pause(OffHours::Weekends) => "pause_weekends",
        }
    }
}

/// A suggestion with its arithmetic: `cost − instead = saves`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Suggestion {
    pub resource: i64,
    /// What it is sold as.
    pub sku: i64,
    pub advice: Advice,
    /// What it cost in the days that were looked at.
    pub cost: Amount,
    /// What it would have cost.
    pub instead: Amount,
    pub saves: Amount,
    /// Whole percents of the cost, rounded down.
    pub saves_percent: i64,
    /// Paid time, and the part of it in which a request was served; percents rounded down.
    pub paid_milliseconds: i64,
    pub busy_milliseconds: i64,
    pub busy_percent: i64,
}

/// Whole percents of `part` in `whole`, rounded down; nothing of nothing.
pub fn floor_percent(part: i64, whole: i64) -> i64 {
    if whole <= 0 {
        return 0;
    }
    let percent = (i128::from(part) * 100).div_euclid(i128::from(whole));
    i64::try_from(percent).unwrap_or(0)
}

/// Suggestions for what ran in `days`, the largest saving first, then by resource. `discount_bps`
/// tells what a SKU costs this organization less.
pub fn suggestions(
    used: &Used<'_>,
    days: Days,
    zone: &Zone,
    discount_bps: impl Fn(i64) -> i64,
) -> Vec<Suggestion> {
    let (paid, served) = (used.paid_time(days), used.served());
    let mut found = Vec::new();
    for row in uses(used, days, IdleCost::Apart) {
        let look = Look { used, days, zone, paid: &paid, served: &served, row: &row };
        let is_measured = row.requests > 0;
        if row.attribution.paid_milliseconds < PAID_HOURS_MIN * MILLISECONDS_PER_HOUR {
            continue;
        }
        let is_under_used = is_measured && look.busy_percent() < UNDER_USED_PERCENT;
        if is_under_used {
            found.extend(look.saving(Advice::UnderUsed, look.never_asked()));
        }
        for alternative in Alternative::ALL {
            if alternative == Alternative::Quantized || is_under_used {
                found.extend(look.replace(alternative, &discount_bps));
            }
        }
        if is_measured {
            found.extend(look.pauses());
        }
        found.extend(look.commit());
    }
    // Stable: equal savings stay in the order in which they were found, dearest resource first.
    found.sort_by_key(|suggestion| std::cmp::Reverse(suggestion.saves));
    found
}

/// One resource, looked at.
struct Look<'a> {
    used: &'a Used<'a>,
    days: Days,
    zone: &'a Zone,
    paid: &'a [PaidTime],
    served: &'a [Served],
    row: &'a ResourceUse,
}

impl Look<'_> {
    fn busy_percent(&self) -> i64 {
        let sum = self.row.attribution;
        floor_percent(sum.busy_milliseconds, sum.paid_milliseconds)
    }

    fn saving(&self, advice: Advice, saves: Amount) -> Option<Suggestion> {
        let sum = self.row.attribution;
        let suggestion = Suggestion {
            resource: self.row.resource,
            sku: self.row.sku,
            advice,
            cost: sum.cost,
            instead: sum.cost.minus(saves),
            saves,
            saves_percent: floor_percent(saves.nanos(), sum.cost.nanos()),
            paid_milliseconds: sum.paid_milliseconds,
            busy_milliseconds: sum.busy_milliseconds,
            busy_percent: self.busy_percent(),
        };
        saves.is_positive().then_some(suggestion)
    }

    /// What of the cost nobody needed: blocks in which no request was served at all, or the idle
    /// time where time accrues.
    fn never_asked(&self) -> Amount {
        let is_own = |resource: i64| resource == self.row.resource;
        let is_by_block = |run: &Run| is_own(run.resource) && run.paid.is_some();
        if !self.used.runs.iter().any(is_by_block) {
            return self.row.attribution.idle;
        }
        let is_idle = |piece: &&PaidTime| {
            let is_within = |request: &Served| {
                is_own(request.resource)
                    && request.began_at < piece.until
                    && piece.from < request.ended_at
            };
            piece.until <= self.used.now && !self.served.iter().any(is_within)
        };
        let own = self.paid.iter().filter(|piece| is_own(piece.resource));
        own.filter(is_idle).map(|piece| piece.cost).sum()
    }

    /// The same time as another SKU, at what that costs now.
    fn replace(
        &self,
        alternative: Alternative,
        discount_bps: impl Fn(i64) -> i64,
    ) -> Option<Suggestion> {
        let (book, now) = (self.used.book, self.used.now);
        let other = book.sku(self.row.sku).and_then(|sku: &Sku| sku.alternative(alternative))?;
        let price = book.price_at(other, TIME_DIMENSION, now)?;
        let rate: Rate = price.rate(discount_bps(other));
        let is_same =
            |piece: &&PaidTime| piece.resource == self.row.resource && piece.sku == self.row.sku;
        let mut saves = Amount::ZERO;
        for piece in self.paid.iter().filter(is_same) {
            let seconds = piece.until.seconds_since(piece.from);
            let instead = rate.charge_round_half_even(seconds)?;
            saves = saves.plus(piece.cost.minus(instead));
        }
        self.saving(Advice::Replace { alternative, sku: other }, saves)
    }

    /// A commitment pays for every second of these days, whether it runs or not.
    fn commit(&self) -> Option<Suggestion> {
        let (book, now) = (self.used.book, self.used.now);
        let terms = book.sku(self.row.sku)?.commitment?;
        let rate = book.price_at(self.row.sku, TIME_DIMENSION, now)?.rate(terms.bps);
        let days = self.days.end().min(now).seconds_since(self.days.start());
        let reserved = rate.charge_round_half_even(days)?;
        self.saving(Advice::Commit, self.row.attribution.cost.minus(reserved))
    }

    /// Hours in which it ran and served nothing: what of its cost began in them.
    fn pauses(&self) -> Vec<Suggestion> {
        let week = week(self.used, self.days, self.row.resource, self.zone);
        let mut found = Vec::new();
        for off in OffHours::ALL {
            let sum = off.sum(&week);
            if sum.busy_milliseconds == 0 && sum.running_seconds >= OFF_HOURS_MIN * SECONDS_PER_HOUR
            {
                found.extend(self.saving(Advice::Pause(off), self.cost_within(off)));
            }
        }
        found
    }

    /// What a pause in these hours would not have cost: the blocks that began in them, or the time
    /// that lies in them.
    fn cost_within(&self, off: OffHours) -> Amount {
        let of_resource = |run: &&Run| run.resource == self.row.resource;
        let mut cost = Amount::ZERO;
        for run in self.used.runs.iter().filter(of_resource) {
            if run.paid.is_none() {
                let hours = hours_of_run(run, self.days, self.used.now, self.zone);
                let within = hours.filter(|(hour, _)| off.has(hour.weekday, hour.hour));
                let seconds = within.map(|(_, seconds)| seconds).sum();
                let charge = run.rate.charge_round_half_even(seconds);
                cost = cost.plus(charge.unwrap_or(Amount::ZERO));
                continue;
            }
            let starts = run.paid.into_iter().flat_map(Paid::starts);
            for start in starts.filter(|&start| self.days.has(start) && start <= self.used.now) {
                let hours = self.zone.hours(start, start.plus_seconds(1));
                if hours.first().is_some_and(|hour| off.has(hour.weekday, hour.hour)) {
                    cost = cost.plus(run.block_charge());
                }
            }
        }
        cost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percents_are_rounded_down() {
        for (part, whole, percent) in
            [(170, 350, 48), (0, 5, 0), (5, 5, 100), (1, 0, 0), (199, 200, 99), (i64::MAX, 2, 0)]
        {
            assert_eq!(floor_percent(part, whole), percent, "{part} of {whole}");
        }
    }
}
