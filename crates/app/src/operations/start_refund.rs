//! Starts a refund: unspent credit of a purchase leaves the wallet, and its money is on its way
//! back to where it came from.

use domain::deposit::DepositState;
use domain::document::Documented;
use domain::event::{EventKind, Request};
use domain::grant::Posting;
use domain::ledger::TransactionKind;
use domain::member::Permission;
use domain::refund::{AskedBy, Refund, RefundState, refundable, require_policy, void_bonus};
use domain::settle::{Draft, post, settle_to, tell};
use domain::tax::Tax;
use domain::wake::catch_up_any;
use domain::{Amount, Kind, OrgId, Refusal, Timestamp, Workset};

use crate::operation::{
    Answer, Keys, Operation, floor_to_whole_cents, require_positive, require_whole_cents,
};
use crate::operations::settle_refund::{answer_on_test_clock, told};

/// When the rail says what came of a refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RailAnswers {
    /// It is asked at once.
    AtOnce,
    /// On the sandbox rail: only when somebody decides the refund there.
    WhenDecided,
}

#[derive(Debug)]
pub struct StartRefund {
    pub org: OrgId,
    pub deposit: i64,
    /// Credit; its tax comes on top. All that can be refunded in whole cents, when none is given.
    pub amount: Option<Amount>,
    pub asked_by: AskedBy,
    pub rail: RailAnswers,
}

impl Operation for StartRefund {
    fn name(&self) -> &'static str {
        "start_refund"
    }

    fn org(&self) -> OrgId {
        self.org
    }

    fn needs(&self, keys: &mut Keys) {
        keys.deposits.push((self.org, self.deposit));
        keys.open_grants.push(self.org);
    }

    fn permission(&self, _: &Workset, _: i64) -> Option<Permission> {
        Some(Permission::Pay)
    }

    /// Refusals, in order: `not_found`, `deposit_not_paid`, `wallet_frozen`,
    /// `not_in_profile`, `refund_too_late`, `amount_not_positive`, `amount_too_precise`,
    /// `above_refundable`.
    ///
    /// The value leaves its grant here and not when the rail has paid, so that two refunds at once
    /// cannot exceed what there is; its bonus goes with it, pro rata (rulings R17, requirements
    /// N10).
    fn decide(&self, ws: &mut Workset, now: Timestamp) -> Result<Answer, Refusal> {
        let mut deposit = ws.deposits.find(Kind::Deposit, self.org, self.deposit)?.clone();
        let now = catch_up_any(ws, self.org, now)?;
        if deposit.state != DepositState::Succeeded {
            return Err(Refusal::DepositNotPaid { state: deposit.state.name() });
        }
        if ws.wallet(self.org)?.is_frozen() {
            return Err(Refusal::WalletFrozen);
        }
        let profile = ws.profile_of(self.org)?;
        let paid_at = deposit.decided_at.unwrap_or(deposit.created_at);
        require_policy(profile.refund_policy, self.asked_by, paid_at, now)?;
        settle_to(ws, self.org, &profile, now)?;
        let refundable = refundable(ws.wallet(self.org)?, &profile, deposit.grant, now);
        let amount = self.amount.unwrap_or(floor_to_whole_cents(refundable));
        if self.amount.is_some() {
            require_positive(amount)?;
            require_whole_cents(amount)?;
        }
        let purchase = deposit.grant.filter(|_| amount.is_positive() && amount <= refundable);
        let grant = purchase.ok_or(Refusal::AboveRefundable { refundable })?;
        // After this line the operation must succeed.
        let tax = Tax { amount: deposit.tax_of_credit(amount), bps: deposit.tax.bps };
        let wallet = ws.wallet_mut(self.org)?;
        let number = wallet.take_number();
        let posting = Posting { grant, change: amount.negated() };
        wallet.grants.apply(posting);
        let draft = Draft {
            subject: number,
            postings: vec![posting],
            tax,
            ..Draft::new(TransactionKind::Refund, now, amount)
        };
        post(ws, self.org, draft)?;
        let voided = void_bonus(ws, self.org, purchase, (amount, deposit.amount), now)?;
        let refund = Refund {
            number,
            deposit: deposit.number,
            amount,
            tax,
            rail: deposit.rail.clone(),
            external: None,
            state: RefundState::Pending,
            taken: vec![Posting { grant, change: amount }],
            voided,
            documented: Documented::No,
            reason: String::new(),
            created_at: now,
            decided_at: None,
        };
        deposit.refunded = deposit.refunded.plus(amount);
        deposit.refunded_tax = deposit.refunded_tax.plus(tax.amount);
        ws.deposits.put(self.org, deposit.number, deposit);
        ws.refunds.put(self.org, number, refund.clone());
        tell(ws, self.org, EventKind::RefundCreated, now, told(&refund))?;
        if self.rail == RailAnswers::WhenDecided {
            return Ok(Answer::Refund(self.org, refund));
        }
        ws.append_request(Request::PayRefund { org: self.org, refund: number });
        answer_on_test_clock(ws, self.org)?;
        let refund = ws.refunds.find(Kind::Refund, self.org, number)?.clone();
        Ok(Answer::Refund(self.org, refund))
    }
}
