//! Saves a payment method of the sandbox rail; card data never touches us.

use domain::deposit::{Behaviour, PaymentMethod};
use domain::member::Permission;
use domain::{OrgId, Refusal, Timestamp, Workset};

use crate::operation::{Answer, Operation};

#[derive(Debug)]
pub struct SavePaymentMethod {
    pub org: OrgId,
    pub rail: String,
    pub behaviour: Behaviour,
    pub label: String,
}

impl Operation for SavePaymentMethod {
    fn name(&self) -> &'static str {
        "save_payment_method"
    }

    fn org(&self) -> OrgId {
        self.org
    }

    fn permission(&self, _: &Workset, _: i64) -> Option<Permission> {
        Some(Permission::Pay)
    }

    /// Refusals, in order: `not_found` (organization), `organization_closed`.
    fn decide(&self, ws: &mut Workset, now: Timestamp) -> Result<Answer, Refusal> {
        ws.require_open(self.org)?;
        let number = ws.wallet_mut(self.org)?.take_number();
        let method = PaymentMethod {
            number,
            rail: self.rail.clone(),
            behaviour: self.behaviour,
            label: self.label.clone(),
            created_at: now,
        };
        ws.methods.put(self.org, number, method.clone());
        Ok(Answer::PaymentMethod(self.org, method))
    }
}
