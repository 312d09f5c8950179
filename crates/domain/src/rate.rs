//! Rating: quantity × price → charge, exactly, rounded once.
//!
//! Laws: a charge is the exact quotient rounded half to even (rulings R2); time is charged
//! cumulatively, so any partition of time and any number of runs sum to the same total (rulings
//! R3). The unit price itself is never rounded.

use crate::Amount;
use crate::time::SECONDS_PER_HOUR;

/// Basis points in one: discounts are parts of ten thousand.
pub const BPS_PER_ONE: i64 = 10_000;

/// A price under a discount: `list` for every `per_units` units, less `discount_bps`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    pub list: Amount,
    pub per_units: i64,
    pub discount_bps: i64,
}

impl Rate {
    /// What one unit costs, in parts of [`Rate::denominator`] of a nano-unit.
    pub fn numerator(self) -> i128 {
        i128::from(self.list.nanos()) * i128::from(BPS_PER_ONE - self.discount_bps)
    }

    pub fn denominator(self) -> i128 {
        denominator(self.per_units)
    }

    /// The price of `per_units` units after the discount, rounded half to even: to be shown, never
    /// to be charged.
    pub fn shown_price_round_half_even(self) -> Amount {
        let exact = amount_round_half_even(self.numerator(), i128::from(BPS_PER_ONE));
        exact.unwrap_or(self.list)
    }

    /// What one of `gpu_count` GPUs costs an hour, where the price is for seconds: to be shown,
    /// never to be charged.
    pub fn shown_gpu_hour_round_half_even(self, gpu_count: i64) -> Amount {
        let exact = self.numerator() * i128::from(SECONDS_PER_HOUR);
        let exact = amount_round_half_even(exact, self.denominator() * i128::from(gpu_count));
        exact.unwrap_or(Amount::MAX)
    }

    /// The charge for `quantity` units, rounded half to even; nothing when it is beyond the range.
    ///
    /// Units: of the price. Source: rulings R2.
    pub fn charge_round_half_even(self, quantity: i64) -> Option<Amount> {
        let exact = self.numerator().checked_mul(i128::from(quantity))?;
        amount_round_half_even(exact, self.denominator())
    }
}

/// The denominator shared by every price per `per_units` units, discounts included.
pub fn denominator(per_units: i64) -> i128 {
    i128::from(per_units) * i128::from(BPS_PER_ONE)
}

/// `numerator ÷ denominator` as an amount, ties to even; nothing when it is beyond the range.
pub fn amount_round_half_even(numerator: i128, denominator: i128) -> Option<Amount> {
    i64::try_from(divide_round_half_even(numerator, denominator)).ok().map(Amount::from_nanos)
}

/// Divides by a positive `denominator` and rounds the exact quotient half to even.
pub fn divide_round_half_even(numerator: i128, denominator: i128) -> i128 {
    let floor = numerator.div_euclid(denominator);
    let twice_rest = numerator.rem_euclid(denominator) * 2;
    let up = twice_rest > denominator || (twice_rest == denominator && floor % 2 != 0);
    floor + i128::from(up)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(list: &str, per_units: i64, discount_bps: i64, quantity: i64, charge: &str) {
        let rate = Rate { list: Amount::parse(list).unwrap(), per_units, discount_bps };
        assert_eq!(rate.charge_round_half_even(quantity), Amount::parse(charge).ok());
    }

    #[test]
    fn a_charge_is_rounded_once_half_to_even() {
        check("3.10", 3_600, 0, 150, "0.129166667");
        check("2.00", 3_600, 1_000, 12_345, "6.1725");
        check("0.50", 1_000_000, 0, 1_200, "0.0006");
        check("0.000000001", 2, 0, 1, "0");
        check("0.000000003", 2, 0, 1, "0.000000002");
        check("0.000000005", 2, 0, 1, "0.000000002");
        check("0.01", 1_000_000, 0, 1, "0.00000001");
    }

    #[test]
    fn an_hour_of_one_gpu_is_its_part_of_the_price() {
        for (list, per_units, discount_bps, gpu_count, shown) in [
            ("21.84", 3_600, 0, 8, "2.73"),
            ("21.84", 3_600, 1_000, 8, "2.457"),
            ("0.001", 1, 0, 3, "1.20"),
            ("1.00", 3_600, 0, 3, "0.333333333"),
        ] {
            let rate = Rate { list: Amount::parse(list).unwrap(), per_units, discount_bps };
            let shown = Amount::parse(shown).unwrap();
            assert_eq!(rate.shown_gpu_hour_round_half_even(gpu_count), shown, "{list}");
        }
    }

    #[test]
    fn a_charge_beyond_the_range_is_no_charge() {
        let rate = Rate { list: Amount::MAX, per_units: 1, discount_bps: 0 };
        assert_eq!(rate.charge_round_half_even(2), None);
        assert_eq!(rate.charge_round_half_even(i64::MAX), None);
    }

    #[test]
    fn negative_numbers_round_like_positive_ones() {
        for (numerator, expected) in [(-5, -2), (-3, -2), (-1, 0), (1, 0), (3, 2), (5, 2)] {
            assert_eq!(divide_round_half_even(numerator, 2), expected);
        }
    }

    #[test]
    fn a_shown_price_is_rounded_and_what_is_beyond_the_range_is_the_list_price() {
        let shown = |list: &str, discount_bps| {
            let list = Amount::parse(list).unwrap();
            Rate { list, per_units: 3_600, discount_bps }.shown_price_round_half_even().to_string()
        };
        assert_eq!(shown("2.40", 1_000), "2.16");
        assert_eq!(shown("0.000000001", 5_000), "0.00");
        assert_eq!(shown("0.000000003", 5_000), "0.000000002");
    }
}
