//! A payment in the currency in which its provider settled it (requirements N25).
//!
//! Laws: wallets have one currency, and a payment credits what its provider quoted in it; what the
//! provider settled, and at which rate, is kept as it was given, to the last digit; amount × rate
//! is the quote, as far as the digits of the rate say. Exact integers decide; nothing is rounded.

use std::fmt;

use crate::Amount;
use crate::amount::NANOS_PER_CENT;
use crate::wallet::CURRENCY;

/// Letters and digits of the name of a currency.
const CURRENCY_CHARS_MIN: usize = 3;
const CURRENCY_CHARS_MAX: usize = 10;
/// Digits of a decimal, and those after its point: a token has up to 18.
const DIGITS_MAX: usize = 28;
const SCALE_MAX: usize = 18;
/// Digits after the point of an amount of the wallet's currency.
const AMOUNT_SCALE: u32 = 9;

/// A decimal number above zero, in the digits in which it was given: `0.9996` and `0.99960` are
/// told apart, because the second says more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decimal {
    text: String,
    digits: i128,
    scale: u32,
}

impl Decimal {
    /// Reads `12`, `0.9996` or `98765.43210000`; nothing when the text is anything else, zero, or
    /// has more digits than a provider needs.
    pub fn parse(text: &str) -> Option<Decimal> {
        let (whole, fraction) = match text.split_once('.') {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (text, None),
        };
        let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|it| it.is_ascii_digit());
        let is_plain = whole == "0" || !whole.starts_with('0');
        if !is_digits(whole) || !is_plain || fraction.is_some_and(|part| !is_digits(part)) {
            return None;
        }
        let fraction = fraction.unwrap_or("");
        if whole.len() + fraction.len() > DIGITS_MAX || fraction.len() > SCALE_MAX {
            return None;
        }
        let digits = format!("{whole}{fraction}").parse().ok()?;
        let scale = u32::try_from(fraction.len()).ok()?;
        (digits > 0).then(|| Decimal { text: text.to_owned(), digits, scale })
    }

    /// As it was given.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// What a provider made of a payment; behind a pointer, because few payments have one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversion(Box<Parts>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Parts {
    /// Such as `EUR` or `USDC`; never the currency of wallets.
    currency: String,
    /// How much of it was paid or settled.
    amount: Decimal,
    /// The wallet's currency for one unit of it.
    rate: Decimal,
}

impl Conversion {
    /// Takes what a provider says; nothing when that is no other currency.
    pub fn new(currency: &str, amount: Decimal, rate: Decimal) -> Option<Conversion> {
        let is_name = (CURRENCY_CHARS_MIN..=CURRENCY_CHARS_MAX).contains(&currency.len())
            && currency.bytes().all(|it| it.is_ascii_uppercase() || it.is_ascii_digit());
        let is_other = is_name && currency != CURRENCY;
        let parts = || Parts { currency: currency.to_owned(), amount, rate };
        is_other.then(|| Conversion(Box::new(parts())))
    }

    /// Reads what [`Conversion`] writes of itself; nothing for any other text.
    pub fn parse(text: &str) -> Option<Conversion> {
        let (amount, rest) = text.split_once(' ')?;
        let (currency, rate) = rest.split_once(" at ")?;
        Conversion::new(currency, Decimal::parse(amount)?, Decimal::parse(rate)?)
    }

    pub fn currency(&self) -> &str {
        &self.0.currency
    }

    pub fn amount(&self) -> &Decimal {
        &self.0.amount
    }

    pub fn rate(&self) -> &Decimal {
        &self.0.rate
    }

    /// Whether `quoted` is amount × rate: to the nearest cent, and as far as the last digit of the
    /// rate was rounded. False as well when the digits are more than can be multiplied exactly.
    pub fn makes(&self, quoted: Amount) -> bool {
        self.distance(quoted).is_some_and(|(distance, allowed)| distance <= allowed)
    }

    /// Twice the distance of amount × rate from `quoted`, and twice what it may be, both in units
    /// of the last digit of the exact product.
    fn distance(&self, quoted: Amount) -> Option<(i128, i128)> {
        let Parts { amount, rate, .. } = &*self.0;
        let scale = amount.scale + rate.scale;
        // A product of few digits gets as many as an amount has.
        let more = 10_i128.checked_pow(AMOUNT_SCALE.saturating_sub(scale))?;
        let per_nano = 10_i128.checked_pow(scale.saturating_sub(AMOUNT_SCALE))?;
        let product = amount.digits.checked_mul(rate.digits)?.checked_mul(more)?;
        let quoted = i128::from(quoted.nanos()).checked_mul(per_nano)?;
        let cent = i128::from(NANOS_PER_CENT).checked_mul(per_nano)?;
        let last_digit = amount.digits.checked_mul(more)?;
        let distance = product.checked_sub(quoted)?.checked_abs()?.checked_mul(2)?;
        Some((distance, cent.checked_add(last_digit)?))
    }
}

/// `50.02 USDC at 0.9996`.
impl fmt::Display for Conversion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} at {}", self.amount(), self.currency(), self.rate())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conversion(amount: &str, rate: &str) -> Conversion {
        let decimal = |text| Decimal::parse(text).unwrap();
        Conversion::new("USDC", decimal(amount), decimal(rate)).unwrap()
    }

    #[test]
    fn decimals_are_kept_as_they_were_given() {
        for text in ["1", "1.0", "0.9996", "98765.43210000", "0.000000000000000001"] {
            assert_eq!(Decimal::parse(text).unwrap().to_string(), text);
        }
        let long = "1".repeat(29);
        let fine = "0.0000000000000000001";
        for text in ["", ".", "1.", ".5", "01", "-1", "+1", "1e3", "1,0", "0", "0.00", &long, fine]
        {
            assert_eq!(Decimal::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_currency_has_a_short_name_and_is_not_the_wallet_s() {
        let one = || Decimal::parse("1").unwrap();
        for name in ["EUR", "USDC", "1INCH"] {
            assert!(Conversion::new(name, one(), one()).is_some(), "{name}");
        }
        let said = conversion("50.020", "0.9996");
        assert_eq!(said.to_string(), "50.020 USDC at 0.9996");
        assert_eq!(Conversion::parse(&said.to_string()), Some(said));
        assert_eq!(Conversion::parse("50.02 USDC"), None);
        for name in ["", "EU", "eur", "USD", "US D", "ABCDEFGHIJK"] {
            assert!(Conversion::new(name, one(), one()).is_none(), "{name}");
        }
    }

    #[test]
    fn amount_times_rate_is_the_quote_as_far_as_its_digits_say() {
        let check = |amount, rate, quoted, expected| {
            let quoted = Amount::parse(quoted).unwrap();
            assert_eq!(
                conversion(amount, rate).makes(quoted),
                expected,
                "{amount} {rate} {quoted}"
            );
        };
        // 50.02 × 0.9996 = 49.999992; half a cent, and 50.02 × 0.00005, may be missing.
        check("50.02", "0.9996", "50", true);
        check("50.02", "0.9996", "49.99", false);
        check("50.02", "0.99960000", "50", true);
        check("50.02", "0.99960000", "50.005", false);
        check("50.02", "0.9996", "50.01", false);
        // The rate the other way round.
        check("46.25", "1.0811", "50", true);
        check("46.25", "0.9250", "50", false);
        // 0.0125 × 4012.55 = 50.156875.
        check("0.0125", "4012.55", "50.16", true);
        check("0.0125", "4012.55", "50.15", false);
        check("0.012460904412468000", "4012.55", "50", true);
        // The exact border belongs to it: 100.005 is half a cent from 100.
        check("100.005", "1.000000000", "100", true);
        check("100.006", "1.000000000", "100", false);
        check("50", "1", "50", true);
        // More digits than can be multiplied.
        check("9999999999.999999999999999999", "9999999999.999999999999999999", "50", false);
    }
}
