//! Sets the auto top-up rule of a wallet. It is looked at at once, not only at the next debit.

use domain::member::Permission;
use domain::top_up::{AutoTopUp, Caps};
use domain::wake::catch_up;
use domain::{Amount, Kind, OrgId, Refusal, Timestamp, Workset};

use crate::operation::{Answer, Keys, Operation};

#[derive(Debug)]
pub struct SetAutoTopUp {
    pub org: OrgId,
    pub enabled: bool,
    pub threshold: Amount,
    /// What is charged, or the balance it is brought to, by the size of the profile.
    pub amount: Amount,
    pub method: i64,
    pub caps: Caps,
}

impl Operation for SetAutoTopUp {
    fn name(&self) -> &'static str {
        "set_auto_top_up"
    }

    fn org(&self) -> OrgId {
        self.org
    }

    fn needs(&self, keys: &mut Keys) {
        keys.methods.push((self.org, self.method));
    }

    fn permission(&self, _: &Workset, _: i64) -> Option<Permission> {
        Some(Permission::SetAutoTopUp)
    }

    /// Refusals, in order: `not_found`, `not_in_profile`, `setting_out_of_range` (threshold,
    /// amount, daily attempts, monthly amount), `amount_too_precise`, `payment_method_missing`,
    /// `wallet_frozen` (switching it on).
    fn decide(&self, ws: &mut Workset, now: Timestamp) -> Result<Answer, Refusal> {
        catch_up(ws, self.org, now)?;
        let profile = ws.profile_of(self.org)?;
        let rule = AutoTopUp::new(self.threshold, self.amount, self.method, self.enabled);
        let rule = AutoTopUp { caps: self.caps, ..rule };
        rule.require_allowed(&profile)?;
        ws.methods
            .find(Kind::PaymentMethod, self.org, self.method)
            .map_err(|_| Refusal::PaymentMethodMissing)?;
        if self.enabled && ws.wallet(self.org)?.is_frozen() {
            return Err(Refusal::WalletFrozen);
        }
        let wallet = ws.wallet_mut(self.org)?;
        let rule = rule.replacing(wallet.auto_top_up.take());
        wallet.auto_top_up = Some(rule.clone());
        wallet.review_due = true;
        Ok(Answer::AutoTopUp(self.org, rule))
    }
}
