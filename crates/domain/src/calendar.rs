//! Calendars: an organization's time zone, and the months and days that are counted in it
//! (requirements N05).
//!
//! Laws: an instant stays an instant, only counting needs a zone; a month ends where the calendar
//! says (rulings R12); a local time that a change of clocks leaves out is taken at the first
//! instant after it, and one that comes twice at its first.

use std::sync::Arc;

use jiff::ToSpan;
use jiff::tz::TimeZone;

use crate::Timestamp;
use crate::time::SECONDS_PER_HOUR;

const HOURS_PER_DAY: i64 = 24;

/// A part of one hour by a local clock: `[from, until)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalHour {
    /// Monday is 0.
    pub weekday: usize,
    pub hour: usize,
    pub from: Timestamp,
    pub until: Timestamp,
}

/// A time zone by its name in the IANA database; UTC when none is named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Zone(Option<Arc<str>>);

impl Zone {
    pub const UTC: Zone = Zone(None);
    const UTC_NAME: &str = "UTC";

    /// The zone of that name, whatever its case; nothing when the database has none.
    pub fn named(name: &str) -> Option<Zone> {
        let zone = jiff::tz::db().get(name).ok()?;
        let name = zone.iana_name()?;
        Some(if name == Zone::UTC_NAME { Zone::UTC } else { Zone(Some(name.into())) })
    }

    pub fn name(&self) -> &str {
        self.0.as_deref().unwrap_or(Zone::UTC_NAME)
    }

    /// So many calendar months after `at`, at the same local time; the last day of a month where
    /// that month is too short (rulings R12).
    pub fn plus_months(&self, at: Timestamp, months: i64) -> Timestamp {
        let local = self.local(at);
        let later = local.and_then(|local| local.checked_add(months.months()).ok());
        later.map_or(Timestamp::NEVER, |later| instant(&later))
    }

    /// When the local day of `at` is over.
    pub fn day_end(&self, at: Timestamp) -> Timestamp {
        let local = self.local(at);
        let next = local.and_then(|local| local.tomorrow().ok()?.start_of_day().ok());
        next.map_or(Timestamp::NEVER, |next| instant(&next))
    }

    /// When the local month of `at` is over.
    pub fn month_end(&self, at: Timestamp) -> Timestamp {
        let local = self.local(at);
        let next = local
            .and_then(|local| local.last_of_month().ok()?.tomorrow().ok()?.start_of_day().ok());
        next.map_or(Timestamp::NEVER, |next| instant(&next))
    }

    /// When the local day of `at` began.
    pub fn day_start(&self, at: Timestamp) -> Timestamp {
        let start = self.local(at).and_then(|local| local.start_of_day().ok());
        start.map_or(at, |start| instant(&start))
    }

    /// When the local week of `at` began: on a Monday.
    pub fn week_start(&self, at: Timestamp) -> Timestamp {
        let monday = self.local(at).and_then(|local| {
            let days = i64::from(local.weekday().to_monday_zero_offset());
            local.checked_sub(days.days()).ok()?.start_of_day().ok()
        });
        monday.map_or(at, |monday| instant(&monday))
    }

    /// The start of the local day that comes so many days after the one of `at`.
    pub fn plus_days(&self, at: Timestamp, days: i64) -> Timestamp {
        let later = self.local(at).and_then(|local| local.checked_add(days.days()).ok());
        let start = later.and_then(|later| later.start_of_day().ok());
        start.map_or(Timestamp::NEVER, |start| instant(&start))
    }

    /// That full hour of the local day of `at`.
    pub fn at_hour(&self, at: Timestamp, hour: i64) -> Timestamp {
        let hour = i8::try_from(hour).unwrap_or(0);
        let local = self.local(at).and_then(|local| {
            local.date().at(hour, 0, 0, 0).to_zoned(local.time_zone().clone()).ok()
        });
        local.map_or(Timestamp::NEVER, |local| instant(&local))
    }

    /// The local hours that `[from, until)` touches, in order, each with its part of it. Where
    /// clocks change inside an hour, that hour goes on until it is over by the old time.
    pub fn hours(&self, from: Timestamp, until: Timestamp) -> Vec<LocalHour> {
        let Some(zone) = self.database() else { return Vec::new() };
        let (mut hours, mut at) = (Vec::new(), from);
        while at < until {
            let Ok(instant) = jiff::Timestamp::from_microsecond(at.micros()) else { break };
            let local = at.plus_seconds(i64::from(zone.to_offset(instant).seconds()));
            let hour = local.seconds().div_euclid(SECONDS_PER_HOUR);
            let over = Timestamp::from_seconds((hour + 1) * SECONDS_PER_HOUR);
            let end = Timestamp::from_micros(at.micros() + over.micros() - local.micros());
            // The first of January 1970 was a Thursday.
            let weekday = (hour.div_euclid(HOURS_PER_DAY) + 3).rem_euclid(7);
            hours.push(LocalHour {
                weekday: usize::try_from(weekday).unwrap_or(0),
                hour: usize::try_from(hour.rem_euclid(HOURS_PER_DAY)).unwrap_or(0),
                from: at,
                until: end.min(until),
            });
            at = end;
        }
        hours
    }

    fn database(&self) -> Option<TimeZone> {
        match &self.0 {
            None => Some(TimeZone::UTC),
            // Only names that the database knows become zones.
            Some(name) => jiff::tz::db().get(name).ok(),
        }
    }

    fn local(&self, at: Timestamp) -> Option<jiff::Zoned> {
        Some(jiff::Timestamp::from_microsecond(at.micros()).ok()?.to_zoned(self.database()?))
    }
}

fn instant(local: &jiff::Zoned) -> Timestamp {
    Timestamp::from_micros(local.timestamp().as_microsecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    #[test]
    fn zones_are_known_by_their_names() {
        for (name, known) in [
            ("UTC", Some("UTC")),
            ("utc", Some("UTC")),
            ("america/sao_paulo", Some("America/Sao_Paulo")),
            ("Europe/Berlin", Some("Europe/Berlin")),
            ("Mars/Olympus", None),
            ("", None),
            ("+02:00", None),
        ] {
            let zone = Zone::named(name);
            assert_eq!(zone.as_ref().map(Zone::name), known, "{name}");
        }
    }

    fn check_hours(zone: &str, from: &str, until: &str, expected: &[(usize, usize, i64)]) {
        let hours = Zone::named(zone).unwrap().hours(at(from), at(until));
        let part =
            |hour: &LocalHour| (hour.weekday, hour.hour, hour.until.seconds_since(hour.from));
        assert_eq!(hours.iter().map(part).collect::<Vec<_>>(), expected, "{zone} {from}");
    }

    #[test]
    fn hours_are_those_of_the_local_clock() {
        let from = "2026-01-05T00:30:00Z";
        check_hours(
            "UTC",
            from,
            "2026-01-05T02:00:10Z",
            &[(0, 0, 1_800), (0, 1, 3_600), (0, 2, 10)],
        );
        check_hours(
            "America/Sao_Paulo",
            from,
            "2026-01-05T01:30:00Z",
            &[(6, 21, 1_800), (6, 22, 1_800)],
        );
        check_hours("Asia/Kolkata", from, "2026-01-05T01:30:00Z", &[(0, 6, 3_600)]);
        // Clocks go from two to three.
        check_hours(
            "Europe/Berlin",
            "2026-03-29T00:00:00Z",
            "2026-03-29T02:00:00Z",
            &[(6, 1, 3_600), (6, 3, 3_600)],
        );
        check_hours("UTC", from, from, &[]);
    }

    fn check_months(zone: &str, from: &str, months: i64, expected: &str) {
        let zone = Zone::named(zone).unwrap();
        assert_eq!(zone.plus_months(at(from), months), at(expected), "{from} + {months}");
    }

    #[test]
    fn months_keep_the_local_time_and_end_with_the_month() {
        check_months("UTC", "2026-01-10T12:00:00Z", 3, "2026-04-10T12:00:00Z");
        check_months("UTC", "2026-11-30T23:59:59Z", 3, "2027-02-28T23:59:59Z");
        check_months("UTC", "2023-11-30T00:00:00Z", 3, "2024-02-29T00:00:00Z");
        // In Auckland it is the last day of January already.
        check_months("Pacific/Auckland", "2026-01-30T12:00:00Z", 1, "2026-02-27T12:00:00Z");
        check_months("UTC", "2026-01-30T12:00:00Z", 1, "2026-02-28T12:00:00Z");
        // Noon stays noon when the clocks change in between.
        check_months("Europe/Berlin", "2026-01-10T11:00:00Z", 3, "2026-04-10T10:00:00Z");
    }

    #[test]
    fn a_local_time_that_is_left_out_or_comes_twice_is_one_instant() {
        // 02:30 on 29 March does not exist in Berlin: an hour later by the clock.
        check_months("Europe/Berlin", "2026-01-29T01:30:00Z", 2, "2026-03-29T01:30:00Z");
        // 02:30 on 25 October comes twice: the first one counts.
        check_months("Europe/Berlin", "2026-08-25T00:30:00Z", 2, "2026-10-25T00:30:00Z");
    }

    #[test]
    fn a_day_has_as_many_hours_as_its_zone_says() {
        let berlin = Zone::named("Europe/Berlin").unwrap();
        assert_eq!(berlin.day_end(at("2026-03-28T23:00:00Z")), at("2026-03-29T22:00:00Z"));
        assert_eq!(berlin.day_end(at("2026-10-24T22:00:00Z")), at("2026-10-25T23:00:00Z"));
        assert_eq!(Zone::UTC.day_end(at("2026-10-24T00:00:00Z")), at("2026-10-25T00:00:00Z"));
    }

    #[test]
    fn hours_and_weeks_are_those_of_the_zone() {
        let berlin = Zone::named("Europe/Berlin").unwrap();
        // 02:00 on 29 March does not exist in Berlin, and comes twice on 25 October.
        for (day, hour, expected) in [
            ("2026-03-28T12:00:00Z", 2, "2026-03-28T01:00:00Z"),
            ("2026-03-29T12:00:00Z", 2, "2026-03-29T01:00:00Z"),
            ("2026-03-29T12:00:00Z", 8, "2026-03-29T06:00:00Z"),
            ("2026-10-25T12:00:00Z", 2, "2026-10-25T00:00:00Z"),
            ("2026-10-25T12:00:00Z", 0, "2026-10-24T22:00:00Z"),
        ] {
            assert_eq!(berlin.at_hour(at(day), hour), at(expected), "{day} {hour}");
        }
        assert_eq!(berlin.day_start(at("2026-03-29T12:00:00Z")), at("2026-03-28T23:00:00Z"));
        assert_eq!(berlin.week_start(at("2026-03-29T12:00:00Z")), at("2026-03-22T23:00:00Z"));
        assert_eq!(berlin.week_start(at("2026-03-29T22:00:00Z")), at("2026-03-29T22:00:00Z"));
        assert_eq!(berlin.plus_days(at("2026-03-28T23:00:00Z"), 7), at("2026-04-04T22:00:00Z"));
    }

    #[test]
    fn a_month_ends_at_the_local_midnight() {
        let berlin = Zone::named("Europe/Berlin").unwrap();
        assert_eq!(berlin.month_end(at("2026-03-31T21:59:59Z")), at("2026-03-31T22:00:00Z"));
        assert_eq!(berlin.month_end(at("2026-03-31T22:00:00Z")), at("2026-04-30T22:00:00Z"));
        assert_eq!(berlin.month_end(at("2026-10-01T00:00:00Z")), at("2026-10-31T23:00:00Z"));
        assert_eq!(Zone::UTC.month_end(at("2026-12-31T23:59:59Z")), at("2027-01-01T00:00:00Z"));
    }

    #[test]
    fn what_lies_beyond_the_calendar_never_comes() {
        assert_eq!(Zone::UTC.plus_months(Timestamp::NEVER, 3), Timestamp::NEVER);
        assert_eq!(Zone::UTC.plus_months(at("9999-12-01T00:00:00Z"), 3), Timestamp::NEVER);
    }
}
