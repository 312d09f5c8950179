//! Time that is being used and not yet posted, in closed form.
//!
//! Laws: what a wallet owes for time at instant t is R(exact sum up to t) − what was posted, for
//! one run or ten thousand (rulings R3); splitting an interval changes no total; nothing here
//! depends on how often it is asked.
//!
//! A wallet keeps one [`Meter`] per `per_units` of its prices instead of its runs: the sum of the
//! rates that run now, and the exact sum of price × time so far. A run that starts or stops only
//! changes these two numbers, so reading a balance costs the same whatever is running.

use crate::rate::{denominator, divide_round_half_even};
use crate::scope::Cover;
use crate::{Amount, Timestamp};

/// The exact account of running time under prices of one `per_units` and one cover (rulings R3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meter {
    /// Seconds that the prices are for.
    pub per_units: i64,
    /// Numerator per second of everything that runs now.
    pub rate: i128,
    /// Exact numerator of all time so far, up to [`Meters::accrued_until`].
    pub sum: i128,
    /// What has been posted of `sum`, in nano-units.
    pub posted: i128,
    /// What of the credit for some SKUs only pays for it.
    pub cover: Cover,
}

impl Meter {
    fn total_at(&self, seconds_ahead: i64) -> i128 {
        let sum = self.sum + self.rate * i128::from(seconds_ahead);
        divide_round_half_even(sum, denominator(self.per_units))
    }
}

/// All meters of a wallet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Meters {
    pub meters: Vec<Meter>,
    /// The whole second up to which `sum` counts. Not necessarily posted up to here.
    pub accrued_until: Timestamp,
}

impl Meters {
    pub fn is_running(&self) -> bool {
        self.meters.iter().any(|meter| meter.rate != 0)
    }

    /// Time used and not posted at `at`; never negative, because what was posted too much is
    /// restored by a correction and not by running for free.
    pub fn accrued(&self, at: Timestamp) -> Amount {
        self.unposted(at).or_zero()
    }

    /// As [`Meters::accrued`], and negative when more was posted than has been used.
    ///
    /// # Panics
    /// When the amount is beyond the range: rates are bounded where runs start.
    pub fn unposted(&self, at: Timestamp) -> Amount {
        let nanos = self.unposted_nanos(at.seconds_since(self.accrued_until).max(0));
        Amount::from_nanos(i64::try_from(nanos).expect("accrual beyond the range"))
    }

    /// What there is to post up to `at`, which may lie before [`Meters::accrued_until`]: what runs
    /// now is then taken back second by second, so that an open period stays open.
    pub fn unposted_until(&self, at: Timestamp) -> Amount {
        let nanos = self.unposted_nanos(at.seconds_since(self.accrued_until));
        Amount::from_nanos(i64::try_from(nanos).expect("accrual beyond the range"))
    }

    fn unposted_nanos(&self, seconds_ahead: i64) -> i128 {
        self.meters.iter().map(|meter| meter.total_at(seconds_ahead) - meter.posted).sum()
    }

    /// What there is to post up to `at` of what has `cover`.
    pub fn unposted_nanos_of(&self, cover: Cover, at: Timestamp) -> i128 {
        let seconds = at.seconds_since(self.accrued_until);
        let meters = self.meters.iter().filter(|meter| meter.cover == cover);
        meters.map(|meter| meter.total_at(seconds) - meter.posted).sum()
    }

    /// The same as an amount.
    ///
    /// # Panics
    /// When the amount is beyond the range: rates are bounded where runs start.
    pub fn unposted_under(&self, cover: Cover, at: Timestamp) -> Amount {
        let nanos = self.unposted_nanos_of(cover, at);
        Amount::from_nanos(i64::try_from(nanos).expect("accrual beyond the range"))
    }

    /// What `seconds` of everything that runs now would cost, rounded once per meter.
    pub fn burn_round_half_even(&self, seconds: i64) -> Amount {
        let nanos: i128 = self
            .meters
            .iter()
            .map(|meter| {
                let exact = meter.rate * i128::from(seconds);
                divide_round_half_even(exact, denominator(meter.per_units))
            })
            .sum();
        Amount::from_nanos(i64::try_from(nanos).unwrap_or(i64::MAX))
    }

    /// Moves the exact sums to the whole second `at`. Changes no total.
    pub fn accrue_to(&mut self, at: Timestamp) {
        let at = at.floor_to_second();
        let seconds = at.seconds_since(self.accrued_until);
        if seconds <= 0 {
            return;
        }
        for meter in &mut self.meters {
            meter.sum += meter.rate * i128::from(seconds);
        }
        self.accrued_until = at;
    }

    /// Adds `rate_change` per second from `since` on, which may lie before or (by a few minutes of
    /// clock difference) after [`Meters::accrued_until`]; the sum is corrected for the difference.
    pub fn change_rate(
        &mut self,
        (cover, per_units): (Cover, i64),
        rate_change: i128,
        since: Timestamp,
    ) {
        let seconds = self.accrued_until.seconds_since(since.floor_to_second());
        let is_it = |meter: &Meter| meter.per_units == per_units && meter.cover == cover;
        let meter = match self.meters.iter().position(is_it) {
            Some(index) => &mut self.meters[index],
            None => {
                self.meters.push(Meter { per_units, rate: 0, sum: 0, posted: 0, cover });
                self.meters.sort_by_key(|meter| (meter.per_units, meter.cover));
                let index = self.meters.iter().position(is_it);
                &mut self.meters[index.expect("just added")]
            }
        };
        meter.rate += rate_change;
        meter.sum += rate_change * i128::from(seconds);
    }

    /// Marks what [`Meters::unposted_until`] counts as posted.
    pub fn mark_posted_until(&mut self, at: Timestamp) {
        let seconds = at.seconds_since(self.accrued_until);
        for meter in &mut self.meters {
            meter.posted = meter.total_at(seconds);
        }
    }

    /// Marks everything up to [`Meters::accrued_until`] as posted.
    pub fn mark_posted(&mut self) {
        for meter in &mut self.meters {
            meter.posted = meter.total_at(0);
        }
    }

    /// Marks what there is to post of what has `cover` up to `at`, which may lie before
    /// [`Meters::accrued_until`], as posted.
    pub fn mark_posted_of(&mut self, cover: Cover, at: Timestamp) {
        let seconds = at.seconds_since(self.accrued_until);
        for meter in self.meters.iter_mut().filter(|meter| meter.cover == cover) {
            meter.posted = meter.total_at(seconds);
        }
    }

    /// Takes back `amount` of what was posted for time under `cover` at prices per `per_units`.
    pub fn give_back(&mut self, (cover, per_units): (Cover, i64), amount: Amount) {
        let is_it = |meter: &&mut Meter| meter.per_units == per_units && meter.cover == cover;
        for meter in self.meters.iter_mut().filter(is_it) {
            meter.posted -= i128::from(amount.nanos());
        }
    }

    /// Says anew what covers what, where different covers may have become the same.
    pub(crate) fn recover(&mut self, becomes: impl Fn(Cover) -> Cover) {
        let mut meters: Vec<Meter> = Vec::with_capacity(self.meters.len());
        for meter in self.meters.drain(..) {
            let cover = becomes(meter.cover);
            let same =
                |other: &&mut Meter| other.per_units == meter.per_units && other.cover == cover;
            match meters.iter_mut().find(same) {
                Some(other) => {
                    other.rate += meter.rate;
                    other.sum += meter.sum;
                    other.posted += meter.posted;
                }
                None => meters.push(Meter { cover, ..meter }),
            }
        }
        meters.sort_by_key(|meter| (meter.per_units, meter.cover));
        self.meters = meters;
    }

    /// The last whole second, not before [`Meters::accrued_until`], at which the time used since
    /// the last posting is at most `limit`; [`Timestamp::NEVER`] when it always is. What a run that
    /// was reported ahead of the clock has yet to begin is nothing used, and no credit either.
    ///
    /// When even `accrued_until` is beyond the limit, that second is returned: nothing earlier can
    /// be decided any more.
    pub fn last_second_within(&self, limit: Amount) -> Timestamp {
        let limit = i128::from(limit.nanos());
        let fits = |seconds: i64| self.unposted_nanos(seconds).max(0) <= limit;
        if self.meters.iter().all(|meter| meter.rate <= 0) {
            return if fits(0) { Timestamp::NEVER } else { self.accrued_until };
        }
        last_second(self.accrued_until, |at| fits(at.seconds_since(self.accrued_until)))
    }
}

/// The last whole second, not before `from`, that `fits`, of which it is known that no later one
/// does once one does not; [`Timestamp::NEVER`] when they always do.
pub(crate) fn last_second(from: Timestamp, fits: impl Fn(Timestamp) -> bool) -> Timestamp {
    let fits = |seconds: i64| fits(from.plus_seconds(seconds));
    if !fits(1) {
        return from;
    }
    let (mut low, mut high) = (1_i64, 2_i64);
    while fits(high) {
        if high > SECONDS_AHEAD_MAX {
            return Timestamp::NEVER;
        }
        (low, high) = (high, high * 2);
    }
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if fits(middle) { low = middle } else { high = middle }
    }
    from.plus_seconds(low)
}

/// Looking further ahead than a thousand years is looking at never.
const SECONDS_AHEAD_MAX: i64 = 1_000 * 366 * 86_400;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rate::Rate;

    fn rate(list: &str, per_units: i64) -> Rate {
        Rate { list: Amount::parse(list).unwrap(), per_units, discount_bps: 0 }
    }

    fn running(rates: &[Rate]) -> Meters {
        let mut meters = Meters::default();
        for rate in rates {
            meters.change_rate((Cover::NONE, rate.per_units), rate.numerator(), Timestamp::ZERO);
        }
        meters
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    #[test]
    fn law_any_partition_of_time_sums_to_the_same_total() {
        for step in [1, 7, 60, 300, 3_599] {
            let mut meters =
                running(&[rate("3.10", 3_600), rate("0.01", 3_600), rate("7", 86_400)]);
            let whole = meters.unposted(at(50_000));
            let mut posted = Amount::ZERO;
            for second in (0..50_000).step_by(step) {
                posted = posted.plus(meters.unposted(at(second)));
                meters.accrue_to(at(second));
                meters.mark_posted();
            }
            posted = posted.plus(meters.unposted(at(50_000)));
            assert_eq!(posted, whole, "step {step}");
        }
    }

    #[test]
    fn a_run_that_has_not_begun_pays_for_nothing() {
        let mut meters = running(&[]);
        let ahead = rate("3.00", 1);
        meters.change_rate((Cover::NONE, ahead.per_units), ahead.numerator(), at(100));
        let within = |units| meters.last_second_within(Amount::from_units(units));
        assert_eq!((within(-30), within(-1)), (at(0), at(0)));
        assert_eq!((within(0), within(3), within(5)), (at(100), at(101), at(101)));
    }

    #[test]
    fn a_run_reported_late_costs_what_it_would_have_cost_on_time() {
        let gpu = rate("2.40", 3_600);
        let mut late = running(&[]);
        late.accrue_to(at(1_000));
        late.change_rate((Cover::NONE, gpu.per_units), gpu.numerator(), at(400));
        assert_eq!(late.unposted(at(4_000)), running(&[gpu]).unposted(at(3_600)));
        late.accrue_to(at(5_000));
        late.change_rate((Cover::NONE, gpu.per_units), -gpu.numerator(), at(4_000));
        assert_eq!(late.unposted(at(9_000)), Amount::parse("2.40").unwrap());
    }

    #[test]
    fn run_out_is_the_last_second_that_can_be_paid() {
        let meters = running(&[rate("36", 3_600)]);
        for (limit, second) in [("150", 15_000), ("0.009999999", 0), ("0.01", 1), ("0.019", 1)] {
            let limit = Amount::parse(limit).unwrap();
            assert_eq!(meters.last_second_within(limit), at(second), "{limit}");
        }
        assert_eq!(running(&[]).last_second_within(Amount::ZERO), Timestamp::NEVER);
        let slow = running(&[rate("0.000000001", i64::MAX)]);
        assert_eq!(slow.last_second_within(Amount::ZERO), Timestamp::NEVER);
    }

    #[test]
    fn law_the_second_after_run_out_cannot_be_paid() {
        let meters = running(&[rate("3.10", 3_600), rate("0.07", 86_400), rate("1.23", 7)]);
        for nanos in [0_i64, 1, 17, 1_000_003, 5_000_000_000, 987_654_321_987] {
            let limit = Amount::from_nanos(nanos);
            let last = meters.last_second_within(limit);
            assert!(meters.accrued(last) <= limit);
            assert!(meters.accrued(last.plus_seconds(1)) > limit);
        }
    }
}
