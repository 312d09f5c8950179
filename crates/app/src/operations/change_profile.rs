//! Changes the profile of a platform from an instant on: another version of it (requirements C23).

use std::sync::Arc;

use domain::profile::{Profile, VERSIONS_MAX, Version};
use domain::{OrgId, Refusal, Timestamp, Workset};

use crate::operation::{Answer, Operation};

#[derive(Debug)]
pub struct ChangeProfile {
    pub platform: OrgId,
    /// Changed settings, `name=value` joined by `;`.
    pub settings: String,
    /// From when on; as soon as can be, when nothing is said.
    pub effective_from: Option<Timestamp>,
}

impl Operation for ChangeProfile {
    fn name(&self) -> &'static str {
        "change_profile"
    }

    fn org(&self) -> OrgId {
        self.platform
    }

    /// Refusals, in order: `not_found`, `setting_invalid` (a setting or its value, settings that do
    /// not fit together, one that holds for the life of a platform, nothing changed, too many
    /// versions), `too_long_ago` (not announced ahead, or not behind every version before).
    ///
    /// The settings change as they stand in the last version, announced ones included. A version
    /// decides from its effect on; nothing that was charged, settled or granted before is looked
    /// at again.
    fn decide(&self, ws: &mut Workset, now: Timestamp) -> Result<Answer, Refusal> {
        let mut platform = ws.platform(self.platform)?.clone();
        let invalid = |message: String| Refusal::SettingInvalid { message };
        let before = platform.profiles.last();
        let mut profile = Profile::clone(before);
        profile.version = before.version + 1;
        profile.apply(&self.settings).and_then(|()| profile.check()).map_err(invalid)?;
        before.may_become(&profile).map_err(invalid)?;
        if profile.changes_since(before).is_empty() {
            return Err(invalid("these are the settings that the platform has".into()));
        }
        if platform.profiles.later().len() >= VERSIONS_MAX {
            return Err(invalid(format!("a profile has at most {VERSIONS_MAX} later versions")));
        }
        let earliest = platform.profiles.earliest_effect(now, platform.clock.is_some());
        let effective_from = self.effective_from.map_or(earliest, Timestamp::floor_to_second);
        if effective_from < earliest {
            return Err(Refusal::TooLongAgo { at: effective_from, earliest });
        }
        // After this line the operation must succeed.
        platform.profiles.push(Version {
            effective_from,
            created_at: now,
            told_at: None,
            profile: Arc::new(profile),
        });
        ws.platforms.put(self.platform, 0, platform.clone());
        Ok(Answer::Platform(self.platform, platform))
    }
}
