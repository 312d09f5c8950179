//! Sets the tax rate of an organization (rulings R19). What has been paid or charged keeps its tax.

use domain::profile::TaxPoint;
use domain::settle::settle_to;
use domain::tax::{TaxDue, TaxRate, is_rate};
use domain::wake::catch_up;
use domain::{OrgId, Refusal, Timestamp, Workset};

use crate::operation::{Answer, Operation};

#[derive(Debug)]
pub struct SetTaxRate {
    pub org: OrgId,
    /// Nothing but zero takes the tax away.
    pub bps: i64,
}

impl Operation for SetTaxRate {
    fn name(&self) -> &'static str {
        "set_tax_rate"
    }

    fn org(&self) -> OrgId {
        self.org
    }

    /// Refusals, in order: `not_found`, `not_in_profile` (no tax point), `tax_rate_out_of_range`.
    ///
    /// What has run until now is charged with the tax that was in force; a deposit that was started
    /// keeps the tax that its payer was told.
    fn decide(&self, ws: &mut Workset, now: Timestamp) -> Result<Answer, Refusal> {
        let now = catch_up(ws, self.org, now)?;
        let profile = ws.profile_of(self.org)?;
        if profile.tax_point == TaxPoint::None && self.bps != 0 {
            return Err(Refusal::NotInProfile { feature: "tax" });
        }
        if !is_rate(self.bps) {
            return Err(Refusal::TaxRateOutOfRange);
        }
        settle_to(ws, self.org, &profile, now)?;
        let wallet = ws.wallet_mut(self.org)?;
        let due = match profile.tax_point {
            TaxPoint::Consumption => TaxDue::OnUse { left: wallet.grants.purchased() },
            TaxPoint::Deposit | TaxPoint::None => TaxDue::OnDeposit,
        };
        wallet.tax = Some(TaxRate { bps: self.bps, due }).filter(|tax| tax.bps != 0);
        Ok(Answer::TaxRate(self.org, wallet.tax))
    }
}
