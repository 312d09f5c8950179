//! Notes that every wallet of a platform has been told of a version of its profile.

use domain::{OrgId, Refusal, Timestamp, Workset};

use crate::operation::{Answer, Operation};

#[derive(Debug)]
pub struct ConcludeProfile {
    pub platform: OrgId,
    /// Which version, by its effect.
    pub effective_from: Timestamp,
}

impl Operation for ConcludeProfile {
    fn name(&self) -> &'static str {
        "conclude_profile"
    }

    fn org(&self) -> OrgId {
        self.platform
    }

    /// Refusals: `not_found`. Idempotency: concluding again changes nothing.
    fn decide(&self, ws: &mut Workset, now: Timestamp) -> Result<Answer, Refusal> {
        let mut platform = ws.platform(self.platform)?.clone();
        platform.profiles.conclude(self.effective_from, now);
        ws.platforms.put(self.platform, 0, platform.clone());
        Ok(Answer::Platform(self.platform, platform))
    }
}
