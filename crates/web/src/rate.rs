//! How much a key may ask, in requests a second (rulings R20, R21).
//!
//! Law: within any `n` seconds a key is let through at most `burst + n × per_second` times. Each
//! process counts for itself, by the wall clock; what is refused counts for nothing.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use domain::time::MICROS_PER_SECOND;
use domain::workset::Role;
use domain::{OrgId, Timestamp};

use crate::auth::Caller;

/// Keys that are counted at once; beyond them all begin anew.
const KEYS_MAX: usize = 20_000;

/// So many requests a second, and so many at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// None, when it is zero.
    pub per_second: u32,
    pub burst: u32,
}

/// The limits of keys, by their role; the operator has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimits {
    /// Of each key of an organization.
    pub customer: RateLimit,
    /// Of each key of a platform.
    pub platform: RateLimit,
}

/// What a request left of its key's limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Left {
    pub burst: u32,
    pub remaining: u32,
    /// Seconds until all of it is there again.
    pub reset_seconds: u32,
    /// Seconds after which one more is let through; zero when it would be now.
    pub retry_seconds: u32,
}

/// When each key will have all of its burst again, in microseconds of the wall clock.
#[derive(Default)]
pub struct Rates {
    full_at: Mutex<HashMap<(OrgId, i64), i64>>,
}

impl RateLimits {
    /// Nobody is limited.
    pub const NONE: RateLimits =
        RateLimits { customer: RateLimit::NONE, platform: RateLimit::NONE };

    fn of(&self, role: Role) -> RateLimit {
        match role {
            Role::Read | Role::Usage | Role::Organization => self.customer,
            Role::Platform => self.platform,
            Role::Operator => RateLimit::NONE,
        }
    }
}

impl RateLimit {
    pub const NONE: RateLimit = RateLimit { per_second: 0, burst: 0 };

    /// Lets one more through at `now`, if that is in the limit, and moves `full_at`.
    ///
    /// Errors: what is left, with the seconds until one more is let through.
    fn take(self, full_at: &mut i64, now: i64) -> Result<Left, Left> {
        let each = (MICROS_PER_SECOND / i64::from(self.per_second)).max(1);
        let whole = each.saturating_mul(i64::from(self.burst.max(1)));
        // A clock that was set back does not lock anybody out for longer than a whole burst.
        let used = full_at.saturating_sub(now).clamp(0, whole);
        let is_let_through = used + each <= whole;
        let used = if is_let_through { used + each } else { used };
        *full_at = now.saturating_add(used);
        let left = Left {
            burst: self.burst.max(1),
            remaining: u32::try_from((whole - used) / each).unwrap_or(u32::MAX),
            reset_seconds: seconds_up(used),
            retry_seconds: if is_let_through { 0 } else { seconds_up(used + each - whole) },
        };
        if is_let_through { Ok(left) } else { Err(left) }
    }
}

fn seconds_up(micros: i64) -> u32 {
    u32::try_from((micros + MICROS_PER_SECOND - 1) / MICROS_PER_SECOND).unwrap_or(u32::MAX)
}

impl Rates {
    /// Counts one request of `caller`; nothing is told of one that has no limit.
    ///
    /// Errors: what is left, when it is too much.
    pub fn take(
        &self,
        limits: &RateLimits,
        caller: Caller,
        now: Timestamp,
    ) -> Result<Option<Left>, Left> {
        let limit = limits.of(caller.role);
        let (Some(home), Some(key)) = (caller.home, caller.key) else { return Ok(None) };
        if limit.per_second == 0 {
            return Ok(None);
        }
        let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        if full_at.len() >= KEYS_MAX {
            full_at.clear();
        }
        let full_at = full_at.entry((home.org, key)).or_default();
        limit.take(full_at, now.micros()).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_let_through_and_then_so_many_a_second() {
        let limit = RateLimit { per_second: 4, burst: 8 };
        let mut full_at = 0;
        let start = 1_000 * MICROS_PER_SECOND;
        for taken in 1..=8 {
            let left = limit.take(&mut full_at, start).unwrap();
            assert_eq!((left.remaining, left.retry_seconds), (8 - taken, 0));
        }
        let left = limit.take(&mut full_at, start).unwrap_err();
        assert_eq!((left.remaining, left.retry_seconds, left.reset_seconds), (0, 1, 2));
        // What was refused counts for nothing.
        let mut let_through = 0;
        for micros in (1..=10 * MICROS_PER_SECOND).step_by(1_000) {
            let_through += i64::from(limit.take(&mut full_at, start + micros).is_ok());
        }
        assert!((39..=40).contains(&let_through), "{let_through}");
        let rested = start + 60 * MICROS_PER_SECOND;
        assert_eq!(limit.take(&mut full_at, rested).map(|left| left.remaining), Ok(7));
    }

    #[test]
    fn a_clock_that_was_set_back_locks_nobody_out() {
        let limit = RateLimit { per_second: 1, burst: 2 };
        let mut full_at = 1_000_000 * MICROS_PER_SECOND;
        let refused = limit.take(&mut full_at, 0).unwrap_err();
        assert_eq!(refused.retry_seconds, 1);
        assert!(limit.take(&mut full_at, MICROS_PER_SECOND).is_ok());
    }

    #[test]
    fn keys_are_counted_apart_and_the_operator_is_not() {
        let limits = RateLimits {
            customer: RateLimit { per_second: 1, burst: 1 },
            platform: RateLimit { per_second: 1, burst: 2 },
        };
        let rates = Rates::default();
        let org = OrgId::from_stored(5);
        let home = Some(crate::auth::Home { org, platform: OrgId::from_stored(1) });
        let caller = |role, key| Caller { role, home, key: Some(key) };
        let now = Timestamp::from_seconds(1_000);
        let passes = |caller| rates.take(&limits, caller, now).is_ok();
        assert!(passes(caller(Role::Usage, 1)) && !passes(caller(Role::Usage, 1)));
        assert!(passes(caller(Role::Organization, 2)));
        assert!(passes(caller(Role::Platform, 3)) && passes(caller(Role::Platform, 3)));
        assert!(!passes(caller(Role::Platform, 3)));
        let operator = Caller { role: Role::Operator, home: None, key: None };
        assert_eq!(rates.take(&limits, operator, now), Ok(None));
        let none = RateLimits::NONE;
        assert_eq!(rates.take(&none, caller(Role::Usage, 1), now), Ok(None));
    }
}
