//! Times in scenarios: `+hh:mm:ss` after the start of the clock, a date, or `in 3 days`.

use domain::Timestamp;
use domain::time::{SECONDS_PER_DAY, SECONDS_PER_HOUR};

use crate::scenario::words::{ParseError, Words};

/// A moment as a scenario states it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// So many seconds after the start of the clock.
    AfterStart(i64),
    /// So many seconds from now.
    FromNow(i64),
    On(Timestamp),
}

impl When {
    pub fn instant(self, start: Timestamp, now: Timestamp) -> Timestamp {
        match self {
            When::AfterStart(seconds) => start.plus_seconds(seconds),
            When::FromNow(seconds) => now.plus_seconds(seconds),
            When::On(instant) => instant,
        }
    }
}

/// Later than `+` times are worth reading, output names the date.
const SHOWN_AFTER_START_SECONDS_MAX: i64 = 100 * SECONDS_PER_HOUR;

/// `+29:10:00` within a hundred hours after the start of the clock, the date otherwise.
pub fn shown(at: Timestamp, start: Timestamp) -> String {
    let seconds = at.seconds_since(start);
    let is_near = (0..SHOWN_AFTER_START_SECONDS_MAX).contains(&seconds);
    if is_near && at == at.floor_to_second() {
        format!("+{}", clock_face(seconds))
    } else {
        at.to_string()
    }
}

/// `hh:mm:ss`.
pub fn clock_face(seconds: i64) -> String {
    let (hours, rest) = (seconds / SECONDS_PER_HOUR, seconds % SECONDS_PER_HOUR);
    format!("{hours:02}:{:02}:{:02}", rest / 60, rest % 60)
}

const EXPECTED: &str = "a time: +hh:mm:ss, 2026-02-01T00:00:00Z, or `in 3 days`";

/// Reads a moment.
pub fn when(words: &mut Words) -> Result<When, ParseError> {
    if words.take_keyword("in") {
        return Ok(When::FromNow(duration(words)?));
    }
    words.read(EXPECTED, |word| match word.strip_prefix('+') {
        Some(face) => seconds_of(face).map(When::AfterStart),
        None => Timestamp::parse(word).map(When::On),
    })
}

/// Reads `hh:mm:ss` or `5 minutes`.
pub fn duration(words: &mut Words) -> Result<i64, ParseError> {
    let expected = "a time span: 5 minutes, 3 days, or hh:mm:ss";
    if let Some(seconds) = words.peek().and_then(seconds_of) {
        words.take();
        return Ok(seconds);
    }
    let number: i64 = words.read(expected, |word| word.parse().ok().filter(|&n| n >= 0))?;
    let unit = words.read("`seconds`, `minutes`, `hours` or `days`", unit_seconds)?;
    number.checked_mul(unit).ok_or_else(|| words.wrong("a shorter time span"))
}

/// Seconds in `hour`, `hours` and the like.
pub fn unit_seconds(word: &str) -> Option<i64> {
    match word.strip_suffix('s').unwrap_or(word) {
        "second" => Some(1),
        "minute" => Some(60),
        "hour" => Some(SECONDS_PER_HOUR),
        "day" => Some(SECONDS_PER_DAY),
        _ => None,
    }
}

/// `hour` for 3600; nothing for what is no unit.
pub fn unit_of(seconds: i64) -> Option<&'static str> {
    ["second", "minute", "hour", "day"].into_iter().find(|word| unit_seconds(word) == Some(seconds))
}

fn seconds_of(face: &str) -> Option<i64> {
    let parts: Vec<&str> = face.split(':').collect();
    let [hours, minutes, seconds] = parts.as_slice() else { return None };
    let number =
        |part: &str, limit: i64| part.parse::<i64>().ok().filter(|n| (0..limit).contains(n));
    let hours = number(hours, 100_000)?;
    Some(hours * SECONDS_PER_HOUR + number(minutes, 60)? * 60 + number(seconds, 60)?)
}
