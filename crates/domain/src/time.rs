//! Time is microseconds since 1970 in UTC; money moves on whole seconds.
//!
//! Law: intervals are half-open, `[from, until)`, and run boundaries and crossings are whole
//! seconds (rulings R1), so that an interval split at any second sums to itself.

use std::fmt;

pub const MICROS_PER_SECOND: i64 = 1_000_000;
pub const SECONDS_PER_HOUR: i64 = 3_600;
pub const SECONDS_PER_DAY: i64 = 86_400;

/// An instant: microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    pub const ZERO: Timestamp = Timestamp(0);
    /// Later than anything that can fall due; also what "never" sorts as.
    pub const NEVER: Timestamp = Timestamp(i64::MAX);

    pub const fn from_micros(micros: i64) -> Timestamp {
        Timestamp(micros)
    }

    pub const fn from_seconds(seconds: i64) -> Timestamp {
        Timestamp(seconds.saturating_mul(MICROS_PER_SECOND))
    }

    pub const fn micros(self) -> i64 {
        self.0
    }

    /// The whole second at or before this instant.
    pub fn floor_to_second(self) -> Timestamp {
        if self == Timestamp::NEVER {
            return self;
        }
        Timestamp(self.0.div_euclid(MICROS_PER_SECOND) * MICROS_PER_SECOND)
    }

    /// Whole seconds since 1970, rounded down.
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(MICROS_PER_SECOND)
    }

    /// Saturates at [`Timestamp::NEVER`], which stays never.
    pub fn plus_seconds(self, seconds: i64) -> Timestamp {
        if self == Timestamp::NEVER {
            return self;
        }
        Timestamp(self.0.saturating_add(seconds.saturating_mul(MICROS_PER_SECOND)))
    }

    /// Whole seconds from `earlier` to here, rounded down; negative when `earlier` is later.
    pub fn seconds_since(self, earlier: Timestamp) -> i64 {
        self.0.saturating_sub(earlier.0).div_euclid(MICROS_PER_SECOND)
    }

    /// The last multiple of `every` seconds (of wall clock time in UTC) at or before this instant.
    pub fn floor_to_multiple(self, every_seconds: i64) -> Timestamp {
        let seconds = self.seconds();
        Timestamp::from_seconds(seconds - seconds.rem_euclid(every_seconds))
    }

    /// The first multiple of `every` seconds at or after this instant.
    pub fn ceil_to_multiple(self, every_seconds: i64) -> Timestamp {
        let floor = self.floor_to_multiple(every_seconds);
        if floor == self { floor } else { floor.plus_seconds(every_seconds) }
    }

    /// Reads RFC 3339, such as `2026-01-05T00:00:00Z`, or nothing when the text is not that.
    pub fn parse(text: &str) -> Option<Timestamp> {
        text.parse::<jiff::Timestamp>().ok().map(|instant| Timestamp(instant.as_microsecond()))
    }
}

/// RFC 3339 in UTC, with a fraction only when there is one.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(instant) if f.width().is_none() => fmt::Display::fmt(&instant, f),
            Ok(instant) => f.pad(&instant.to_string()),
            Err(_) => f.pad("never"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_in_and_text_out_are_the_same_instant() {
        for text in ["2026-01-05T00:00:00Z", "2026-01-05T09:00:30.000001Z", "1969-12-31T23:59:59Z"]
        {
            assert_eq!(Timestamp::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Timestamp::parse("yesterday"), None);
        assert_eq!(Timestamp::NEVER.to_string(), "never");
    }

    #[test]
    fn multiples_are_taken_on_the_wall_clock() {
        let at = Timestamp::parse("2026-01-05T00:02:30Z").unwrap();
        assert_eq!(at.floor_to_multiple(300).to_string(), "2026-01-05T00:00:00Z");
        assert_eq!(at.ceil_to_multiple(300).to_string(), "2026-01-05T00:05:00Z");
        let exact = Timestamp::parse("2026-01-05T00:05:00Z").unwrap();
        assert_eq!((exact.floor_to_multiple(300), exact.ceil_to_multiple(300)), (exact, exact));
    }
}
