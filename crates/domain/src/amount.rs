//! Money is an exact count of nano-units of one currency.
//!
//! Laws: every operation is checked; nothing here rounds except the function whose name says how;
//! text in and text out are the same number.
//!
//! An `i64` of nanos holds ±9.22 × 10⁹ units, sums natively in both stores and never drifts. Rating
//! multiplies in `i128` and comes back here once per charge (rulings R2, R3).

use std::fmt;
use std::iter::Sum;

/// Nano-units in one unit of currency.
pub const NANOS_PER_UNIT: i64 = 1_000_000_000;

/// Nano-units in the hundredth part of one: what a rail can move.
pub const NANOS_PER_CENT: i64 = NANOS_PER_UNIT / 100;

/// Where the point stands in the longest text of an amount, and the decimals that are always shown.
const POINT: usize = 11;
const DECIMALS_MIN: usize = 2;

/// An exact amount of money in nano-units (1 USD = 10⁹).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(i64);

/// Why a text is not an amount, in the order the checks are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AmountError {
    /// Not `digits` or `digits.digits`, with at most one leading minus.
    Malformed,
    /// More than nine digits after the point: a finer part than a nano-unit cannot be kept.
    TooPrecise,
    /// Beyond ±9223372036.854775807.
    OutOfRange,
}

impl AmountError {
    /// The stable code of this error on the wire.
    pub fn code(self) -> &'static str {
        match self {
            AmountError::Malformed => "amount_malformed",
            AmountError::TooPrecise => "amount_too_precise",
            AmountError::OutOfRange => "amount_out_of_range",
        }
    }
}

impl fmt::Display for AmountError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            AmountError::Malformed => "not a decimal number such as 12.50",
            AmountError::TooPrecise => "more than 9 digits after the point",
            AmountError::OutOfRange => "beyond ±9223372036.854775807",
        })
    }
}

impl Amount {
    pub const ZERO: Amount = Amount(0);
    pub const MAX: Amount = Amount(i64::MAX);

    pub const fn from_nanos(nanos: i64) -> Amount {
        Amount(nanos)
    }

    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// Whole units, for tables and profiles written in code.
    ///
    /// # Panics
    /// When `units` is beyond the range, which is a mistake in the program and not in its input.
    pub const fn from_units(units: i64) -> Amount {
        match units.checked_mul(NANOS_PER_UNIT) {
            Some(nanos) => Amount(nanos),
            None => panic!("amount beyond the range"),
        }
    }

    /// Reads `12`, `12.5` or `-0.000000001`.
    ///
    /// Errors, in order: [`AmountError::Malformed`], [`AmountError::TooPrecise`],
    /// [`AmountError::OutOfRange`].
    pub fn parse(text: &str) -> Result<Amount, AmountError> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, fraction) = match digits.split_once('.') {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (digits, None),
        };
        let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !all_digits(whole) || fraction.is_some_and(|part| !all_digits(part)) {
            return Err(AmountError::Malformed);
        }
        let fraction = fraction.unwrap_or("");
        if fraction.len() > 9 {
            return Err(AmountError::TooPrecise);
        }
        let mut nanos: i128 = 0;
        for digit in whole.bytes().chain(format!("{fraction:0<9}").bytes()) {
            nanos = nanos * 10 + i128::from(digit - b'0');
            if nanos > i128::from(i64::MAX) {
                return Err(AmountError::OutOfRange);
            }
        }
        i64::try_from(if negative { -nanos } else { nanos })
            .map(Amount)
            .map_err(|_| AmountError::OutOfRange)
    }

    pub fn checked_add(self, other: Amount) -> Option<Amount> {
        self.0.checked_add(other.0).map(Amount)
    }

    pub fn checked_sub(self, other: Amount) -> Option<Amount> {
        self.0.checked_sub(other.0).map(Amount)
    }

    /// Adds two amounts that an invariant keeps in range.
    ///
    /// # Panics
    /// On overflow: amounts inside a wallet are bounded when they enter it, so overflow here means
    /// that the books are wrong, and the whole command is undone.
    pub fn plus(self, other: Amount) -> Amount {
        Amount(self.0.checked_add(other.0).expect("amount overflow"))
    }

    /// Subtracts under the same invariant as [`Amount::plus`].
    ///
    /// # Panics
    /// On overflow.
    pub fn minus(self, other: Amount) -> Amount {
        Amount(self.0.checked_sub(other.0).expect("amount overflow"))
    }

    pub fn negated(self) -> Amount {
        Amount::ZERO.minus(self)
    }

    /// The amount, or zero when it is negative.
    pub fn or_zero(self) -> Amount {
        self.max(Amount::ZERO)
    }

    pub fn is_zero(self) -> bool {
        self.0 == 0
    }

    pub fn is_positive(self) -> bool {
        self.0 > 0
    }

    pub fn is_negative(self) -> bool {
        self.0 < 0
    }

    /// Two decimals, half a cent away from zero: how a bill is shown (rulings R23).
    pub fn half_up_to_cents(self) -> String {
        let size = self.0.unsigned_abs();
        let cent = NANOS_PER_CENT.unsigned_abs();
        self.cents_of(size / cent + u64::from(size % cent >= cent / 2))
    }

    /// Two decimals, the rest cut off: how some platforms show a bill.
    pub fn cut_to_cents(self) -> String {
        self.cents_of(self.0.unsigned_abs() / NANOS_PER_CENT.unsigned_abs())
    }

    fn cents_of(self, cents: u64) -> String {
        let sign = if self.0 < 0 && cents > 0 { "-" } else { "" };
        format!("{sign}{}.{:02}", cents / 100, cents % 100)
    }

    /// Two decimals, rounded down: how a balance is shown (rulings R23), so that nobody is shown a
    /// cent that is not there.
    pub fn floor_to_cents(self) -> String {
        let cents = self.0.div_euclid(NANOS_PER_CENT);
        let sign = if cents < 0 { "-" } else { "" };
        format!("{sign}{}.{:02}", cents.unsigned_abs() / 100, cents.unsigned_abs() % 100)
    }
}

impl Sum for Amount {
    fn sum<I: Iterator<Item = Amount>>(amounts: I) -> Amount {
        amounts.fold(Amount::ZERO, Amount::plus)
    }
}

/// At least two decimals, then as many as the number has: `10.00`, `6.793888889`.
impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A sign, ten digits, a point and nine digits, filled in from behind.
        let mut text = [b'0'; 21];
        let (mut at, mut end, mut rest) = (text.len(), text.len(), self.0.unsigned_abs());
        while at > POINT + 1 {
            at -= 1;
            let digit = u8::try_from(rest % 10).unwrap_or(0);
            if digit == 0 && end == at + 1 && at > POINT + DECIMALS_MIN {
                end = at;
            }
            text[at] += digit;
            rest /= 10;
        }
        at -= 1;
        text[at] = b'.';
        while rest > 0 || at == POINT {
            at -= 1;
            text[at] += u8::try_from(rest % 10).unwrap_or(0);
            rest /= 10;
        }
        if self.0 < 0 {
            at -= 1;
            text[at] = b'-';
        }
        // Digits, a sign and a point are text as they are.
        f.pad(str::from_utf8(&text[at..end]).map_err(|_| fmt::Error)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_in_and_text_out_are_the_same_number() {
        for (text, nanos, shown) in [
            ("0", 0, "0.00"),
            ("10", 10_000_000_000, "10.00"),
            ("6.793888889", 6_793_888_889, "6.793888889"),
            ("-0.000000001", -1, "-0.000000001"),
            ("0.5", 500_000_000, "0.50"),
            ("0.01", 10_000_000, "0.01"),
            ("100.10", 100_100_000_000, "100.10"),
            ("-7.007", -7_007_000_000, "-7.007"),
            ("-9223372036.854775807", -i64::MAX, "-9223372036.854775807"),
            ("9223372036.854775807", i64::MAX, "9223372036.854775807"),
        ] {
            let amount = Amount::parse(text).unwrap();
            assert_eq!(amount.nanos(), nanos, "{text}");
            assert_eq!(amount.to_string(), shown);
            assert_eq!(Amount::parse(shown), Ok(amount));
        }
    }

    #[test]
    fn bad_text_is_refused_in_documented_order() {
        for (text, error) in [
            ("", AmountError::Malformed),
            ("-", AmountError::Malformed),
            (".5", AmountError::Malformed),
            ("5.", AmountError::Malformed),
            ("+5", AmountError::Malformed),
            ("1e3", AmountError::Malformed),
            ("1,000", AmountError::Malformed),
            ("٣", AmountError::Malformed),
            ("0.0000000001", AmountError::TooPrecise),
            ("9223372036.854775808", AmountError::OutOfRange),
            ("99999999999999999999999999999999999999999999", AmountError::OutOfRange),
        ] {
            assert_eq!(Amount::parse(text), Err(error), "{text}");
        }
    }

    #[test]
    fn a_balance_is_shown_floored_to_cents() {
        for (text, shown) in
            [("6.799999999", "6.79"), ("0", "0.00"), ("-0.001", "-0.01"), ("93.8275", "93.82")]
        {
            assert_eq!(Amount::parse(text).unwrap().floor_to_cents(), shown);
        }
    }

    #[test]
    fn a_difference_is_checked() {
        let (five, two) = (Amount::from_units(5), Amount::from_units(2));
        assert_eq!(five.checked_sub(two), Some(Amount::from_units(3)));
        assert_eq!(Amount::MAX.negated().checked_sub(two), None);
    }

    #[test]
    fn errors_have_codes_and_words() {
        let errors = [AmountError::Malformed, AmountError::TooPrecise, AmountError::OutOfRange];
        let codes = ["amount_malformed", "amount_too_precise", "amount_out_of_range"];
        assert_eq!(errors.map(AmountError::code), codes);
        assert_eq!(AmountError::TooPrecise.to_string(), "more than 9 digits after the point");
    }
}
