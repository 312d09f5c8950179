//! Sets the auto top-up rule of a wallet. It is looked at at once, not only at the next debit.

use domain::member::Permission;
use domain::wake::catch_up;
use domain::wallet::AutoTopUp;
use domain::{Amount, Kind, OrgId, Refusal, Timestamp, Workset};

use crate::operation::{Answer, Keys, Operation};

#[derive(Debug)]
pub struct SetAutoTopUp {
    pub org: OrgId,
    pub enabled: bool,
    pub threshold: Amount,
    pub amount: Amount,
    pub method: i64,
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

    /// Refusals, in order: `not_found`, `not_in_profile`, `amount_out_of_range` (threshold, then
    /// amount), `payment_method_missing`, `wallet_frozen` (switching it on).
    fn decide(&self, ws: &mut Workset, now: Timestamp) -> Result<Answer, Refusal> {
        let profile = ws.profile_of(self.org)?;
        let bounds = profile.auto_top_up_bounds();
        let bounds = bounds.ok_or(Refusal::NotInProfile { feature: "auto top-up" })?;
        catch_up(ws, self.org, now)?;
        let (min, max) = (bounds.threshold_min, bounds.threshold_max);
        if !(min..=max).contains(&self.threshold) {
            return Err(Refusal::AmountOutOfRange { min, max });
        }
        let (min, max) = (bounds.amount_min, bounds.amount_max);
        if !(min..=max).contains(&self.amount) {
            return Err(Refusal::AmountOutOfRange { min, max });
        }
        ws.methods
            .find(Kind::PaymentMethod, self.org, self.method)
            .map_err(|_| Refusal::PaymentMethodMissing)?;
        if self.enabled && ws.wallet(self.org)?.is_frozen() {
            return Err(Refusal::WalletFrozen);
        }
        let wallet = ws.wallet_mut(self.org)?;
        let before = wallet.auto_top_up.take();
        let rule = AutoTopUp {
            threshold: self.threshold,
            amount: self.amount,
            method: self.method,
            enabled: self.enabled,
            in_flight: before.as_ref().and_then(|rule| rule.in_flight),
            attempted_at: before.as_ref().and_then(|rule| rule.attempted_at),
        };
        wallet.auto_top_up = Some(rule.clone());
        wallet.review_due = true;
        Ok(Answer::AutoTopUp(self.org, rule))
    }
}
