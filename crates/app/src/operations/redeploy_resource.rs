//! Makes a terminated resource again from what is known of it: termination is final, so that this
//! is another resource, linked to the old one (requirements C14).

use domain::member::Permission;
use domain::run::{Resource, Rest};
use domain::{Kind, OrgId, Refusal, Timestamp, Workset};

use crate::operation::{Answer, Keys, Operation};

#[derive(Debug)]
pub struct RedeployResource {
    pub org: OrgId,
    pub resource: i64,
}

impl Operation for RedeployResource {
    fn name(&self) -> &'static str {
        "redeploy_resource"
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

    /// Refusals, in order: `not_found`, `organization_closed`, `resource_not_terminated`.
    fn decide(&self, ws: &mut Workset, now: Timestamp) -> Result<Answer, Refusal> {
        let old = ws.resources.find(Kind::Resource, self.org, self.resource)?.clone();
        ws.require_open(self.org)?;
        if old.run.is_some() || old.rest != Rest::Terminated {
            return Err(Refusal::ResourceNotTerminated);
        }
        // After this line the operation must succeed.
        let number = ws.wallet_mut(self.org)?.take_number();
        let resource = Resource {
            number,
            rest: Rest::Stopped,
            paid_until: None,
            redeployed_from: Some(old.number),
            created_at: now,
            ..old
        };
        ws.resources.put(self.org, number, resource.clone());
        Ok(Answer::Resource(self.org, resource))
    }
}
