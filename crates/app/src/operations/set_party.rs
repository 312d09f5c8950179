//! Sets what documents name of an organization: of a platform as the seller, of a customer as the
//! buyer. What was issued keeps the names of its day (requirements N17).

use domain::document::Party;
use domain::{OrgId, Refusal, Timestamp, Workset};

use crate::operation::{Answer, Operation};

#[derive(Debug)]
pub struct SetParty {
    pub org: OrgId,
    pub party: Party,
}

impl Operation for SetParty {
    fn name(&self) -> &'static str {
        "set_party"
    }

    fn org(&self) -> OrgId {
        self.org
    }

    /// Refusals, in order: `not_found`, `organization_closed`.
    fn decide(&self, ws: &mut Workset, _now: Timestamp) -> Result<Answer, Refusal> {
        ws.require_open(self.org)?;
        ws.parties.put(self.org, 0, self.party.clone());
        Ok(Answer::Party(self.org, self.party.clone()))
    }
}
