//! Creates a platform: the operator's cloud, its profile, and its house organization.

use domain::profile::Versions;
use domain::wallet::Wallet;
use domain::workset::Platform;
use domain::{OrgId, Refusal, Timestamp, Workset};

use crate::operation::{Answer, Operation};
use crate::profiles;

#[derive(Debug)]
pub struct CreatePlatform {
    /// Freshly drawn; the platform is its house organization.
    pub org: OrgId,
    pub name: String,
    pub profile: String,
    /// Changed settings, `name=value` joined by `;`.
    pub settings: String,
    /// A test platform starts its clock here; others run on the wall clock.
    pub test_clock: Option<Timestamp>,
}

impl Operation for CreatePlatform {
    fn name(&self) -> &'static str {
        "create_platform"
    }

    fn org(&self) -> OrgId {
        self.org
    }

    fn makes_organization(&self) -> bool {
        true
    }

    /// Refusals, in order: `setting_invalid`, `name_taken` (the id is in use: draw another).
    fn decide(&self, ws: &mut Workset, now: Timestamp) -> Result<Answer, Refusal> {
        let profile = profiles::with_settings(&self.profile, &self.settings)
            .map_err(|message| Refusal::SettingInvalid { message })?;
        if ws.has_wallet(self.org) {
            return Err(Refusal::NameTaken { name: self.name.clone() });
        }
        let now = self.test_clock.unwrap_or(now);
        let platform = Platform {
            name: self.name.clone(),
            profiles: Versions::new(profile),
            clock: self.test_clock,
            clock_target: None,
            book_version: 0,
            created_at: now,
        };
        ws.insert_wallet(Wallet::new(self.org, self.org, now));
        ws.platforms.put(self.org, 0, platform.clone());
        Ok(Answer::Platform(self.org, platform))
    }
}
