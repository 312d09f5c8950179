//! Changes how a sandbox payment method answers from now on, to try declines.

use domain::deposit::Behaviour;
use domain::{Kind, OrgId, Refusal, Timestamp, Workset};

use crate::operation::{Answer, Keys, Operation};

#[derive(Debug)]
pub struct ChangePaymentMethod {
    pub org: OrgId,
    pub method: i64,
    pub behaviour: Behaviour,
}

impl Operation for ChangePaymentMethod {
    fn name(&self) -> &'static str {
        "change_payment_method"
    }

    fn org(&self) -> OrgId {
        self.org
    }

    fn needs(&self, keys: &mut Keys) {
        keys.methods.push((self.org, self.method));
    }

    /// Refusals, in order: `not_found`, `organization_closed`.
    fn decide(&self, ws: &mut Workset, _now: Timestamp) -> Result<Answer, Refusal> {
        let mut method = ws.methods.find(Kind::PaymentMethod, self.org, self.method)?.clone();
        ws.require_open(self.org)?;
        method.behaviour = self.behaviour;
        ws.methods.put(self.org, self.method, method.clone());
        Ok(Answer::PaymentMethod(self.org, method))
    }
}
