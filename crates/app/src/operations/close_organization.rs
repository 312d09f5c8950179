//! Closes an organization for good: what the platform's policy returns of its paid credit is
//! refunded, the rest goes to the operator, promotions end, and who it was is erased.

use domain::Kind;
use domain::closing::{
    close, erase, forfeit_paid, is_settled, purchases, require_idle, void_given,
};
use domain::event::EventKind;
use domain::member::Permission;
use domain::profile::Profile;
use domain::refund::{AskedBy, refundable, require_policy};
use domain::settle::{settle_to, tell};
use domain::wake::catch_up_any;
use domain::{Amount, OrgId, Refusal, Timestamp, Workset};

use crate::operation::{Answer, Keys, Operation, floor_to_whole_cents};
use crate::operations::start_refund::{RailAnswers, StartRefund};

#[derive(Debug)]
pub struct CloseOrganization {
    pub org: OrgId,
}

impl Operation for CloseOrganization {
    fn name(&self) -> &'static str {
        "close_organization"
    }

    fn org(&self) -> OrgId {
        self.org
    }

    fn needs(&self, keys: &mut Keys) {
        keys.closing.push(self.org);
        keys.open_runs.push(self.org);
        keys.open_grants.push(self.org);
        keys.all_members.push(self.org);
    }

    fn permission(&self, _: &Workset, _: i64) -> Option<Permission> {
        Some(Permission::ManageOwners)
    }

    /// Refusals, in order: `not_found`, `organization_in_use` (what is open: `runs`, `holds`,
    /// `deposits`, `refunds`, `disputes`), `wallet_frozen`, `debt_unpaid` (requirements N26).
    ///
    /// Paid credit goes back to where it came from as far as `refund_policy` gives customers a
    /// right to it (rulings R17), in whole cents; what is left is breakage. Names are erased now,
    /// or once its last refund is paid and its last document issued.
    ///
    /// Idempotency: closing again moves what came into the wallet since, such as the value of a
    /// refund that failed, and erases what can be erased by now; else it changes nothing.
    fn decide(&self, ws: &mut Workset, now: Timestamp) -> Result<Answer, Refusal> {
        let mut row = ws.organizations.find(Kind::Organization, self.org, 0)?.clone();
        let now = catch_up_any(ws, self.org, now)?;
        match require_idle(ws, self.org) {
            Ok(()) => {}
            Err(_) if row.closed_at.is_some() => return Ok(Answer::Organization(self.org, row)),
            Err(refusal) => return Err(refusal),
        }
        let profile = ws.profile_of(self.org)?;
        settle_to(ws, self.org, &profile, now)?;
        // After this line the operation must succeed.
        let refunded = self.refund(ws, &profile, now)?;
        let voided = void_given(ws, self.org, now)?;
        let forfeited = forfeit_paid(ws, self.org, now)?;
        if row.closed_at.is_none() {
            row = close(ws, self.org, row, now)?;
            let value = |name, amount: Amount| (name, amount.to_string());
            let fields = vec![
                value("forfeited", forfeited),
                value("refunded", refunded),
                value("voided", voided),
            ];
            tell(ws, self.org, EventKind::OrganizationClosed, now, fields)?;
        }
        if row.erased_at.is_none() && is_settled(ws, self.org)? {
            row = erase(ws, self.org, row, now)?;
        }
        Ok(Answer::Organization(self.org, row))
    }
}

impl CloseOrganization {
    /// Refunds of each purchase what the policy gives a customer, and answers with the sum.
    fn refund(
        &self,
        ws: &mut Workset,
        profile: &Profile,
        now: Timestamp,
    ) -> Result<Amount, Refusal> {
        let org = self.org;
        let mut refunded = Amount::ZERO;
        for (grant, deposit) in purchases(ws, org)? {
            let Some(number) = deposit else { continue };
            let deposit = ws.deposits.find(Kind::Deposit, org, number)?;
            let paid_at = deposit.decided_at.unwrap_or(deposit.created_at);
            let policy = profile.refund_policy;
            let is_due = require_policy(policy, AskedBy::Customer, paid_at, now).is_ok();
            let amount = refundable(ws.wallet(org)?, profile, Some(grant), now);
            let amount = floor_to_whole_cents(amount);
            if is_due && amount.is_positive() {
                let (asked_by, rail) = (AskedBy::Customer, RailAnswers::AtOnce);
                let amount_asked = Some(amount);
                StartRefund { org, deposit: number, amount: amount_asked, asked_by, rail }
                    .decide(ws, now)?;
                refunded = refunded.plus(amount);
            }
        }
        Ok(refunded)
    }
}
