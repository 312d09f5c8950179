//! Mirrors a refund that was made at the provider and not here: its money has left already.

use domain::deposit::DepositState;
use domain::document::Documented;
use domain::event::EventKind;
use domain::ledger::TransactionKind;
use domain::refund::{Refund, RefundOutcome, RefundState, claw_back, parts_of, void_bonus};
use domain::settle::{Draft, post, settle_to, tell};
use domain::tax::Tax;
use domain::wake::catch_up_any;
use domain::{Amount, Kind, OrgId, Refusal, Timestamp, Workset};

use crate::operation::{Answer, Keys, Operation, require_positive, require_whole_cents};
use crate::operations::settle_refund::{SettleRefund, told};

#[derive(Debug)]
pub struct ReportRefund {
    pub org: OrgId,
    pub deposit: i64,
    pub rail: String,
    /// The rail's own id of the refund.
    pub external: String,
    /// What the payer had back, tax included.
    pub amount: Amount,
}

impl Operation for ReportRefund {
    fn name(&self) -> &'static str {
        "report_refund"
    }

    fn org(&self) -> OrgId {
        self.org
    }

    fn needs(&self, keys: &mut Keys) {
        keys.deposits.push((self.org, self.deposit));
        keys.open_grants.push(self.org);
        keys.reported_refunds.push((self.org, self.rail.clone(), self.external.clone()));
    }

    /// Refusals, in order: `not_found`, `external_id_taken`, `amount_not_positive`,
    /// `amount_too_precise`, `deposit_not_paid`, `amount_out_of_range` (more than what is left of
    /// the deposit's money).
    ///
    /// Nobody asked us, so it is not refused for credit: what is no longer unspent of the purchase
    /// is taken from other purchased grants in burn order, and the rest is debt.
    ///
    /// Idempotency: keyed by organization, rail and the rail's id (rulings A12); again it answers
    /// with the refund as it stands.
    fn decide(&self, ws: &mut Workset, now: Timestamp) -> Result<Answer, Refusal> {
        let mut deposit = ws.deposits.find(Kind::Deposit, self.org, self.deposit)?.clone();
        let now = catch_up_any(ws, self.org, now)?;
        if let Some(known) = self.known(ws) {
            if known.deposit != self.deposit || known.money() != self.amount {
                return Err(Refusal::ExternalIdTaken { external: self.external.clone() });
            }
            return Ok(Answer::Refund(self.org, known));
        }
        require_positive(self.amount)?;
        require_whole_cents(self.amount)?;
        if deposit.state != DepositState::Succeeded {
            return Err(Refusal::DepositNotPaid { state: deposit.state.name() });
        }
        let left = deposit.money_left();
        if self.amount > left {
            return Err(Refusal::AmountOutOfRange { min: Amount::ZERO, max: left });
        }
        let profile = ws.profile_of(self.org)?;
        settle_to(ws, self.org, &profile, now)?;
        // After this line the operation must succeed.
        let tax = Tax { amount: deposit.tax_of_money(self.amount), bps: deposit.tax.bps };
        let amount = self.amount.minus(tax.amount);
        let wallet = ws.wallet_mut(self.org)?;
        let number = wallet.take_number();
        let (postings, debt) = claw_back(wallet, deposit.grant, amount);
        let taken = parts_of(&postings);
        let draft = Draft {
            subject: number,
            postings,
            debt,
            tax,
            ..Draft::new(TransactionKind::Refund, now, amount)
        };
        post(ws, self.org, draft)?;
        let part = (amount, deposit.amount);
        let voided = void_bonus(ws, self.org, deposit.grant, part, now)?;
        let refund = Refund {
            number,
            deposit: self.deposit,
            amount,
            tax,
            rail: self.rail.clone(),
            external: Some(self.external.clone()),
            state: RefundState::Pending,
            taken,
            voided,
            documented: Documented::No,
            reason: String::new(),
            created_at: now,
            decided_at: None,
        };
        deposit.refunded = deposit.refunded.plus(amount);
        deposit.refunded_tax = deposit.refunded_tax.plus(tax.amount);
        ws.deposits.put(self.org, self.deposit, deposit);
        ws.refunds.put(self.org, number, refund.clone());
        tell(ws, self.org, EventKind::RefundCreated, now, told(&refund))?;
        let outcome = RefundOutcome::Succeeded { external: self.external.clone() };
        SettleRefund { org: self.org, refund: number, outcome }.decide(ws, now)
    }
}

impl ReportRefund {
    fn known(&self, ws: &Workset) -> Option<Refund> {
        let is_it = |refund: &Refund| {
            refund.rail == self.rail && refund.external.as_ref() == Some(&self.external)
        };
        ws.refunds.of(self.org).map(|(_, refund)| refund).find(|refund| is_it(refund)).cloned()
    }
}
