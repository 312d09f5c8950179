//! Creates a resource: a named thing of a customer that can run.

use domain::label::Labels;
use domain::member::Permission;
use domain::run::{Resource, Rest};
use domain::{OrgId, Refusal, Timestamp, Workset};

use crate::operation::{Answer, Operation};

#[derive(Debug)]
pub struct CreateResource {
    pub org: OrgId,
    pub label: String,
    pub sku: String,
    /// The customer's own labels.
    pub labels: Labels,
}

impl Operation for CreateResource {
    fn name(&self) -> &'static str {
        "create_resource"
    }

    fn org(&self) -> OrgId {
        self.org
    }

    fn permission(&self, _: &Workset, _: i64) -> Option<Permission> {
        Some(Permission::StartAndStop)
    }

    /// Refusals, in order: `not_found` (organization), `organization_closed`, `unknown_sku`.
    fn decide(&self, ws: &mut Workset, now: Timestamp) -> Result<Answer, Refusal> {
        ws.require_open(self.org)?;
        let platform = ws.wallet(self.org)?.platform;
        let sku = ws.book(platform).and_then(|book| book.sku_by_code(&self.sku));
        let sku = sku.ok_or_else(|| Refusal::UnknownSku { code: self.sku.clone() })?.number;
        let number = ws.wallet_mut(self.org)?.take_number();
        let resource = Resource {
            number,
            name: self.label.clone(),
            sku,
            labels: self.labels.clone(),
            created_at: now,
            run: None,
            rest: Rest::Stopped,
            paid_until: None,
            redeployed_from: None,
        };
        ws.resources.put(self.org, number, resource.clone());
        Ok(Answer::Resource(self.org, resource))
    }
}
