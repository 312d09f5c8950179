//! Months and days in a time zone, counted by hand; only the offsets of zones are looked up.

use super::purse::SECOND;

const DAY: i64 = 86_400 * SECOND;

/// A time zone by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Zone(pub &'static str);

impl Zone {
    /// By how much local clocks are ahead of UTC at an instant.
    fn offset(self, at: i64) -> i64 {
        let zone = jiff::tz::db().get(self.0).expect("a zone");
        let at = jiff::Timestamp::from_microsecond(at).expect("an instant");
        i64::from(zone.to_offset(at).seconds()) * SECOND
    }

    /// The instant of a local time: the first of two, and an hour later by the clock where it is
    /// left out.
    fn instant(self, local: i64) -> i64 {
        let (before, after) = (self.offset(local - DAY), self.offset(local + DAY));
        let fits = |offset: &i64| self.offset(local - offset) == *offset;
        let offset = [before, after].into_iter().find(fits).unwrap_or(before);
        local - offset
    }

    /// When the local day of an instant is over.
    pub fn day_end(self, at: i64) -> i64 {
        let local = at + self.offset(at);
        self.instant((local.div_euclid(DAY) + 1) * DAY)
    }

    /// When the local month of an instant is over.
    pub fn month_end(self, at: i64) -> i64 {
        let local = at + self.offset(at);
        let (year, month, _) = date(local.div_euclid(DAY));
        let (year, month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
        self.instant(days(year, month, 1) * DAY)
    }

    /// The same local time so many months later, or the last day of a month that is too short.
    pub fn plus_months(self, at: i64, months: i64) -> i64 {
        let local = at + self.offset(at);
        let (year, month, day) = date(local.div_euclid(DAY));
        let months = year * 12 + month - 1 + months;
        let (year, month) = (months.div_euclid(12), months.rem_euclid(12) + 1);
        let day = day.min(month_days(year, month));
        self.instant(days(year, month, day) * DAY + local.rem_euclid(DAY))
    }
}

fn year_days(year: i64) -> i64 {
    if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) { 366 } else { 365 }
}

fn month_days(year: i64, month: i64) -> i64 {
    match month {
        2 => year_days(year) - 337,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Year, month and day of a day after 1970, counted year by year and month by month.
fn date(mut day: i64) -> (i64, i64, i64) {
    let (mut year, mut month) = (1970, 1);
    while day >= year_days(year) {
        day -= year_days(year);
        year += 1;
    }
    while day >= month_days(year, month) {
        day -= month_days(year, month);
        month += 1;
    }
    (year, month, day + 1)
}

fn days(year: i64, month: i64, day: i64) -> i64 {
    let years: i64 = (1970..year).map(year_days).sum();
    let months: i64 = (1..month).map(|other| month_days(year, other)).sum();
    years + months + day - 1
}
