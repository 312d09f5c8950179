//! How money, time and durations are put into words.
//!
//! Laws: balances are floored, never rounded up (rulings R23); text is made from integers only, so
//! no label has passed through a float; a negative amount is marked by a sign and never by colour
//! alone; every time names its zone.

use domain::time::{SECONDS_PER_DAY, SECONDS_PER_HOUR};
use domain::{Amount, Timestamp};
use jiff::tz::TimeZone;

/// Decimals of usage amounts on a page; the exact amount is in the tooltip.
const USAGE_PLACES: usize = 6;
const NANOS_PER_UNIT: i128 = 1_000_000_000;

/// What a wallet is counted in on the page. The API always speaks currency (rulings R2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Dollars,
    /// Credits, each worth `value` of currency.
    Credits {
        value: Amount,
    },
}

impl Unit {
    /// A balance: floored to cents, or to whole credits when a credit is worth less than one unit.
    pub fn balance(self, amount: Amount) -> String {
        match self {
            Unit::Dollars => dollars(&amount.floor_to_cents()),
            Unit::Credits { value } => {
                let credits = self.in_unit(amount);
                let text = if value < Amount::from_units(1) {
                    let whole = i128::from(credits.nanos()).div_euclid(NANOS_PER_UNIT);
                    whole.to_string()
                } else {
                    credits.floor_to_cents()
                };
                credits_text(&text)
            }
        }
    }

    /// A charge or a movement: two to six decimals, cut towards zero.
    pub fn usage(self, amount: Amount) -> String {
        self.cut(amount, USAGE_PLACES)
    }

    /// The amount with every digit it has.
    pub fn exact(self, amount: Amount) -> String {
        self.cut(amount, 9)
    }

    /// A movement with its sign, `+$100.00` or `−$6.1725`.
    pub fn signed(self, amount: Amount) -> String {
        let text = self.usage(amount);
        if amount.is_positive() { format!("+{text}") } else { text }
    }

    /// A burn rate or price per hour, `$1.80/h`.
    pub fn rate(self, per_hour: Amount) -> String {
        format!("{}/h", self.usage(per_hour))
    }

    fn cut(self, amount: Amount, places: usize) -> String {
        let text = self.in_unit(amount).to_string();
        let text = match text.split_once('.') {
            Some((whole, fraction)) => {
                let kept = fraction.get(..places.min(fraction.len())).unwrap_or(fraction);
                let kept = kept.trim_end_matches('0');
                format!("{whole}.{kept:0<2}")
            }
            None => text,
        };
        match self {
            Unit::Dollars => dollars(&text),
            Unit::Credits { .. } => credits_text(text.strip_suffix(".00").unwrap_or(&text)),
        }
    }

    /// The amount counted in this unit, rounded down.
    fn in_unit(self, amount: Amount) -> Amount {
        match self {
            Unit::Credits { value } if value.is_positive() => {
                let scaled = i128::from(amount.nanos()) * NANOS_PER_UNIT;
                let nanos = scaled.div_euclid(i128::from(value.nanos()));
                let edge = if nanos < 0 { i64::MIN } else { i64::MAX };
                Amount::from_nanos(i64::try_from(nanos).unwrap_or(edge))
            }
            _ => amount,
        }
    }
}

/// Splits a decimal text into sign and grouped digits: `-1234.5` becomes (`−`, `1,234.5`).
fn grouped(text: &str) -> (&'static str, String) {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => ("−", rest),
        None => ("", text),
    };
    let (whole, fraction) = match digits.split_once('.') {
        Some((whole, fraction)) => (whole, format!(".{fraction}")),
        None => (digits, String::new()),
    };
    let mut out = String::new();
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    (sign, out + &fraction)
}

fn dollars(text: &str) -> String {
    let (sign, digits) = grouped(text);
    format!("{sign}${digits}")
}

fn credits_text(text: &str) -> String {
    let (sign, digits) = grouped(text);
    format!("{sign}{digits} {}", if digits == "1" { "credit" } else { "credits" })
}

/// A count with grouped digits, `12,345`.
pub fn count(number: i64) -> String {
    let (sign, digits) = grouped(&number.to_string());
    format!("{sign}{digits}")
}

/// A rate per hour as nanos per second with six decimals, for the script that ticks the figure.
pub fn nanos_per_second(per_hour: Amount) -> String {
    let micros = i128::from(per_hour.nanos()) * 1_000_000 / i128::from(SECONDS_PER_HOUR);
    let sign = if micros < 0 { "-" } else { "" };
    let micros = micros.unsigned_abs();
    format!("{sign}{}.{:06}", micros / 1_000_000, micros % 1_000_000)
}

/// Time left, rounded down to one unit: seconds, minutes, hours below 72, then days.
pub fn left(seconds: i64) -> String {
    match seconds {
        ..60 => format!("{} s", seconds.max(0)),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..259_200 => format!("{} h", seconds / SECONDS_PER_HOUR),
        _ => format!("{} days", count(seconds / SECONDS_PER_DAY)),
    }
}

/// Time left in two units, for the one place where it is the headline: `52 h 7 min`.
pub fn left_exactly(seconds: i64) -> String {
    let (hours, days) = (seconds / SECONDS_PER_HOUR, seconds / SECONDS_PER_DAY);
    let (first, rest) = match seconds {
        ..60 => return left(seconds),
        60..3_600 => (format!("{} min", seconds / 60), format!("{} s", seconds % 60)),
        3_600..259_200 => (format!("{hours} h"), format!("{} min", seconds / 60 % 60)),
        _ => (format!("{} days", count(days)), format!("{} h", hours % 24)),
    };
    if rest.starts_with("0 ") { first } else { format!("{first} {rest}") }
}

/// How long something has run: `3:25:45`, or `12 d 3:25:45`.
pub fn ran_for(seconds: i64) -> String {
    let seconds = seconds.max(0);
    let clock = format!("{}:{:02}:{:02}", seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    match seconds / SECONDS_PER_DAY {
        0 => clock,
        days => format!("{} d {clock}", count(days)),
    }
}

/// Names joined as in a sentence: `a`, `a and b`, `a, b and 3 more`.
pub fn names(names: &[String]) -> String {
    match names {
        [] => "nothing".to_owned(),
        [one] => one.clone(),
        [one, two] => format!("{one} and {two}"),
        [one, two, three] => format!("{one}, {two} and {three}"),
        [one, two, rest @ ..] => format!("{one}, {two} and {} more", rest.len()),
    }
}

/// The time zone that a page speaks in.
#[derive(Clone, Debug)]
pub struct Zone(TimeZone);

impl Zone {
    pub fn utc() -> Zone {
        Zone(TimeZone::UTC)
    }

    /// The zone of an IANA name, or UTC when there is none of that name.
    pub fn named(name: &str) -> Zone {
        Zone(TimeZone::get(name).unwrap_or(TimeZone::UTC))
    }

    fn write(&self, at: Timestamp, format: &str) -> String {
        match jiff::Timestamp::from_microsecond(at.micros()) {
            Ok(instant) => instant.to_zoned(self.0.clone()).strftime(format).to_string(),
            Err(_) => "never".to_owned(),
        }
    }

    /// `5 Jan`.
    pub fn day(&self, at: Timestamp) -> String {
        self.write(at, "%-d %b")
    }

    /// `5 Jan 2026`.
    pub fn date(&self, at: Timestamp) -> String {
        self.write(at, "%-d %b %Y")
    }

    /// `5 Jan, 12:04`.
    pub fn short(&self, at: Timestamp) -> String {
        self.write(at, "%-d %b, %H:%M")
    }

    /// `Wed 7 Jan, 16:11 UTC`: to the minute, where seconds would only be noise.
    pub fn minute(&self, at: Timestamp) -> String {
        self.write(at, "%a %-d %b, %H:%M ") + &self.name(at)
    }

    /// `Wed 7 Jan 2026, 16:11:40 UTC`: to the second, where money turns on it.
    pub fn second(&self, at: Timestamp) -> String {
        self.write(at, "%a %-d %b %Y, %H:%M:%S ") + &self.name(at)
    }

    /// `12:04:31`.
    pub fn clock(&self, at: Timestamp) -> String {
        self.write(at, "%H:%M:%S")
    }

    /// `UTC`, or the offset as `−03` where the zone has no common name.
    pub fn name(&self, at: Timestamp) -> String {
        if self.0 == TimeZone::UTC {
            return "UTC".to_owned();
        }
        self.write(at, "%Z").replace('-', "−")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amount(text: &str) -> Amount {
        Amount::parse(text).unwrap()
    }

    #[test]
    fn money_is_floored_grouped_and_signed() {
        let cent = Unit::Credits { value: amount("0.01") };
        let one = Unit::Credits { value: amount("1") };
        for (unit, text, balance, usage) in [
            (Unit::Dollars, "93.8275", "$93.82", "$93.8275"),
            (Unit::Dollars, "1234567.899999999", "$1,234,567.89", "$1,234,567.899999"),
            (Unit::Dollars, "-60", "−$60.00", "−$60.00"),
            (Unit::Dollars, "0.0018", "$0.00", "$0.0018"),
            (cent, "8.20", "820 credits", "820 credits"),
            (cent, "0.0199", "1 credit", "1.99 credits"),
            (one, "93.8275", "93.82 credits", "93.8275 credits"),
        ] {
            assert_eq!(unit.balance(amount(text)), balance);
            assert_eq!(unit.usage(amount(text)), usage);
        }
        assert_eq!(Unit::Dollars.signed(amount("100")), "+$100.00");
        assert_eq!(Unit::Dollars.rate(amount("1.80")), "$1.80/h");
    }

    #[test]
    fn time_left_is_rounded_down() {
        for (seconds, short, exact) in [
            (-5, "0 s", "0 s"),
            (59, "59 s", "59 s"),
            (3_599, "59 min", "59 min 59 s"),
            (187_655, "52 h", "52 h 7 min"),
            (259_200, "3 days", "3 days"),
            (90_000 * 40, "41 days", "41 days 16 h"),
        ] {
            assert_eq!((left(seconds).as_str(), left_exactly(seconds).as_str()), (short, exact));
        }
        assert_eq!(ran_for(12_345), "3:25:45");
        assert_eq!(ran_for(86_400 + 12_345), "1 d 3:25:45");
    }

    #[test]
    fn a_rate_per_second_keeps_its_fraction() {
        assert_eq!(nanos_per_second(amount("1.80")), "500000.000000");
        assert_eq!(nanos_per_second(amount("2.40")), "666666.666666");
    }

    #[test]
    fn times_name_their_zone() {
        let at = Timestamp::parse("2026-01-07T19:11:40Z").unwrap();
        assert_eq!(Zone::utc().second(at), "Wed 7 Jan 2026, 19:11:40 UTC");
        assert_eq!(Zone::named("America/Sao_Paulo").minute(at), "Wed 7 Jan, 16:11 −03");
        assert_eq!(Zone::utc().short(Timestamp::NEVER), "never");
    }
}
