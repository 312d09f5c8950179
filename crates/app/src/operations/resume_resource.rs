//! Resumes a paused resource: a new run at the price of now (requirements D16, N02).

use domain::lifecycle::{Opening, open_run, price_of};
use domain::member::Permission;
use domain::profile::ResumeInPaidBlock;
use domain::run::Rest;
use domain::wake::catch_up;
use domain::{Kind, OrgId, Refusal, Timestamp, Workset};

use super::start_run::{admit, class_of};
use crate::operation::{Answer, Keys, Operation};

#[derive(Debug)]
pub struct ResumeResource {
    pub org: OrgId,
    pub resource: i64,
}

impl Operation for ResumeResource {
    fn name(&self) -> &'static str {
        "resume_resource"
    }

    fn org(&self) -> OrgId {
        self.org
    }

    fn needs(&self, keys: &mut Keys) {
        keys.resources.push((self.org, self.resource));
    }

    fn permission(&self, _: &Workset, _: i64) -> Option<Permission> {
        Some(Permission::StartAndStop)
    }

    /// Refusals, in order: `not_found`, `already_running`, `wallet_frozen`, `resource_not_paused`,
    /// `price_missing`, `amount_out_of_range` (the burn of five days), `insufficient_credit`,
    /// `limit_reached`.
    ///
    /// Within a block that is paid already it costs a new block, or nothing until that one ends,
    /// by the profile (rulings R15).
    fn decide(&self, ws: &mut Workset, now: Timestamp) -> Result<Answer, Refusal> {
        let now = catch_up(ws, self.org, now)?;
        let profile = ws.profile_of(self.org)?;
        let resource = ws.resources.find(Kind::Resource, self.org, self.resource)?;
        if resource.run.is_some() {
            return Err(Refusal::AlreadyRunning);
        }
        if ws.wallet(self.org)?.is_frozen() {
            return Err(Refusal::WalletFrozen);
        }
        if resource.rest != Rest::Paused {
            return Err(Refusal::ResourceNotPaused);
        }
        let (sku, paid_until) = (resource.sku, resource.paid_until);
        let is_reused = profile.resume_in_paid_block == ResumeInPaidBlock::Reuse;
        let price = price_of(ws, self.org, sku, now)?;
        let class = class_of(ws, self.org, sku)?;
        let block_seconds = profile.block_seconds_of(class);
        let opening = Opening {
            resource: self.resource,
            class,
            block_seconds,
            started_at: now.floor_to_second(),
            is_waiting: false,
            heartbeat: None,
            paid_until: paid_until
                .filter(|&until| is_reused && block_seconds.is_some() && until > now),
            previous: None,
            origin: None,
        };
        admit(ws, self.org, &profile, &price, &opening, now)?;
        // After this line the operation must succeed.
        let run = open_run(ws, self.org, &price, &opening, now)?;
        Ok(Answer::Run(self.org, run))
    }
}
