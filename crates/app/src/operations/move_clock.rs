//! Moves the test clock of a platform: first the target, then, when every wallet has arrived, the
//! clock itself, so that an interrupted advance goes on where it was (rulings R21).

use domain::{OrgId, Refusal, Timestamp, Workset};

use crate::operation::{Answer, Operation};

/// A clock moves at most ten years at once.
pub const ADVANCE_SECONDS_MAX: i64 = 10 * 366 * 86_400;

#[derive(Debug)]
pub struct MoveClock {
    pub platform: OrgId,
    pub to: Timestamp,
    /// False sets the target; true arrives there.
    pub is_arrival: bool,
}

impl Operation for MoveClock {
    fn name(&self) -> &'static str {
        "move_clock"
    }

    fn org(&self) -> OrgId {
        self.platform
    }

    /// Refusals, in order: `not_found`, `no_test_clock`, `clock_goes_back`, `clock_too_far`.
    fn decide(&self, ws: &mut Workset, _now: Timestamp) -> Result<Answer, Refusal> {
        let mut platform = ws.platform(self.platform)?.clone();
        let now = platform.clock.ok_or(Refusal::NoTestClock)?;
        if self.to < now || platform.clock_target.is_some_and(|target| self.to < target) {
            return Err(Refusal::ClockGoesBack { now: platform.clock_target.unwrap_or(now) });
        }
        let latest = now.plus_seconds(ADVANCE_SECONDS_MAX);
        if self.to > latest {
            return Err(Refusal::ClockTooFar { latest });
        }
        if self.is_arrival {
            platform.clock = Some(self.to);
            platform.clock_target = None;
        } else {
            platform.clock_target = Some(self.to);
        }
        ws.platforms.put(self.platform, 0, platform.clone());
        Ok(Answer::Platform(self.platform, platform))
    }
}
