//! When in the week a resource runs and is busy, by the clock of its organization: what nights and
//! weekends cost is seen there (requirements D15, N05).
//!
//! Law: the hours of a week add up to the time that it ran.

use crate::Timestamp;
use crate::attribution::Served;
use crate::calendar::{LocalHour, Zone};
use crate::report::{Days, Used};
use crate::run::Run;

/// The days of a week, Monday first.
pub const WEEKDAYS: [&str; 7] =
    ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// One hour of the week, over all weeks that were looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HourUse {
    pub running_seconds: i64,
    /// Time in which at least one request was served.
    pub busy_milliseconds: i64,
}

/// Use by weekday, Monday first, and hour.
pub type Week = [[HourUse; 24]; 7];

/// Hours in which nobody may be working.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum OffHours {
    /// From 22 to 6 o'clock, Monday to Friday.
    Nights,
    /// Saturday and Sunday.
    Weekends,
}

impl OffHours {
    pub const ALL: [OffHours; 2] = [OffHours::Nights, OffHours::Weekends];

    pub const fn name(self) -> &'static str {
        match self {
            OffHours::Nights => "nights",
            OffHours::Weekends => "weekends",
        }
    }

    pub fn has(self, weekday: usize, hour: usize) -> bool {
        let is_weekend = weekday >= 5;
        match self {
            OffHours::Nights => !is_weekend && !(6..22).contains(&hour),
            OffHours::Weekends => is_weekend,
        }
    }

    /// What of `week` lies in these hours.
    pub fn sum(self, week: &Week) -> HourUse {
        let mut sum = HourUse::default();
        for (weekday, hours) in week.iter().enumerate() {
            let within = hours.iter().enumerate().filter(|&(hour, _)| self.has(weekday, hour));
            for (_, cell) in within {
                sum.running_seconds += cell.running_seconds;
                sum.busy_milliseconds += cell.busy_milliseconds;
            }
        }
        sum
    }
}

/// The hours of the week in which `resource` ran and was busy in `days`.
pub fn week(used: &Used<'_>, days: Days, resource: i64, zone: &Zone) -> Week {
    let mut week = Week::default();
    for run in used.runs.iter().filter(|run| run.resource == resource) {
        for (hour, seconds) in hours_of_run(run, days, used.now, zone) {
            week[hour.weekday][hour.hour].running_seconds += seconds;
        }
    }
    let served = used.served();
    let mut busy: Vec<&Served> = served.iter().filter(|it| it.resource == resource).collect();
    busy.sort_by_key(|request| (request.began_at, request.ended_at));
    let mut reached = days.start();
    for request in busy {
        let until = request.ended_at.min(days.end()).min(used.now);
        let from = request.began_at.max(reached);
        for hour in zone.hours(from, until) {
            let milliseconds = (hour.until.micros() - hour.from.micros()) / 1_000;
            week[hour.weekday][hour.hour].busy_milliseconds += milliseconds;
        }
        reached = reached.max(until);
    }
    week
}

/// The local hours in which `run` ran, and for how many seconds of each.
pub fn hours_of_run(
    run: &Run,
    days: Days,
    now: Timestamp,
    zone: &Zone,
) -> impl Iterator<Item = (LocalHour, i64)> {
    let from = run.started_at.max(days.start());
    let until = run.stopped_at.unwrap_or(now).min(now).min(days.end()).floor_to_second();
    let until = if run.is_waiting { from } else { until };
    zone.hours(from, until).into_iter().map(|hour| (hour, hour.until.seconds_since(hour.from)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nights_and_weekends_never_overlap() {
        let count = |off: OffHours| {
            let hours = (0..7).flat_map(|weekday| (0..24).map(move |hour| (weekday, hour)));
            hours.filter(|&(weekday, hour)| off.has(weekday, hour)).count()
        };
        assert_eq!(OffHours::ALL.map(count), [40, 48]);
        assert!(OffHours::Nights.has(0, 22) && OffHours::Nights.has(4, 5));
        assert!(!OffHours::Nights.has(0, 6) && !OffHours::Nights.has(5, 23));
    }
}
