//! Creates an organization with its wallet.

use domain::calendar::Zone;
use domain::discount::Volume;
use domain::wallet::Wallet;
use domain::workset::Organization;
use domain::{OrgId, Refusal, Timestamp, Workset};

use crate::operation::{Answer, Keys, Operation};

#[derive(Debug)]
pub struct CreateOrganization {
    /// Freshly drawn.
    pub org: OrgId,
    pub platform: OrgId,
    pub name: String,
    pub zone: Zone,
}

impl Operation for CreateOrganization {
    fn name(&self) -> &'static str {
        "create_organization"
    }

    fn org(&self) -> OrgId {
        self.org
    }

    fn makes_organization(&self) -> bool {
        true
    }

    fn needs(&self, keys: &mut Keys) {
        keys.platforms.push(self.platform);
    }

    /// Refusals, in order: `not_found` (platform), `name_taken` (the id is in use: draw another).
    fn decide(&self, ws: &mut Workset, now: Timestamp) -> Result<Answer, Refusal> {
        let now = ws.platform(self.platform)?.clock.unwrap_or(now);
        if ws.has_wallet(self.org) {
            return Err(Refusal::NameTaken { name: self.name.clone() });
        }
        // How late use may come is never longer than at first.
        let profile = ws.platform(self.platform)?.profiles.first();
        let late_window = profile.late_window_seconds;
        let volume = profile.has_volume_tiers().then(|| Volume::new(late_window));
        let organization = Organization {
            platform: self.platform,
            name: self.name.clone(),
            zone: self.zone.clone(),
            created_at: now,
            closed_at: None,
            erased_at: None,
        };
        let wallet = Wallet::new(self.org, self.platform, now);
        ws.insert_wallet(Wallet { zone: self.zone.clone(), volume, ..wallet });
        ws.organizations.put(self.org, 0, organization.clone());
        Ok(Answer::Organization(self.org, organization))
    }
}
