//! Decides a refund by what its rail said: the money is out, or the value goes back where it was.

use domain::correct::restore;
use domain::document::{due, of_refund};
use domain::event::{EventKind, Request};
use domain::grant::Posting;
use domain::ledger::TransactionKind;
use domain::refund::{Refund, RefundOutcome, RefundState, post_bonus};
use domain::settle::{Draft, post, settle_to, tell};
use domain::wake::{catch_up_any, expire_grants};
use domain::{Amount, Id, Kind, OrgId, Refusal, Timestamp, Workset};

use crate::operation::{Answer, Keys, Operation};

#[derive(Debug)]
pub struct SettleRefund {
    pub org: OrgId,
    pub refund: i64,
    pub outcome: RefundOutcome,
}

impl Operation for SettleRefund {
    fn name(&self) -> &'static str {
        "settle_refund"
    }

    fn org(&self) -> OrgId {
        self.org
    }

    fn needs(&self, keys: &mut Keys) {
        keys.refunds.push((self.org, self.refund));
    }

    /// Refusals, in order: `not_found`, `refund_decided`.
    ///
    /// Idempotency: the same outcome again answers with the refund as it stands and moves nothing.
    fn decide(&self, ws: &mut Workset, now: Timestamp) -> Result<Answer, Refusal> {
        let refund = ws.refunds.find(Kind::Refund, self.org, self.refund)?.clone();
        let now = catch_up_any(ws, self.org, now)?;
        let decided = match (&self.outcome, refund.state) {
            (RefundOutcome::Succeeded { .. }, RefundState::Succeeded)
            | (RefundOutcome::Failed { .. }, RefundState::Failed) => refund,
            (RefundOutcome::Succeeded { external }, RefundState::Pending) => {
                pay(ws, self.org, refund, external.clone(), now)?
            }
            (RefundOutcome::Failed { reason }, RefundState::Pending) => {
                take_back(ws, self.org, refund, reason.clone(), now)?
            }
            _ => return Err(Refusal::RefundDecided { state: refund.state.name() }),
        };
        Ok(Answer::Refund(self.org, decided))
    }
}

/// The money has left the rail.
fn pay(
    ws: &mut Workset,
    org: OrgId,
    mut refund: Refund,
    external: String,
    now: Timestamp,
) -> Result<Refund, Refusal> {
    let draft = Draft {
        subject: refund.number,
        tax: refund.tax,
        ..Draft::new(TransactionKind::RefundPaid, now, refund.amount)
    };
    post(ws, org, draft)?;
    refund.external = Some(external);
    refund.state = RefundState::Succeeded;
    refund.documented = due(of_refund(ws.profile_of(org)?.documents));
    refund.decided_at = Some(now);
    ws.refunds.put(org, refund.number, refund.clone());
    tell(ws, org, EventKind::RefundSucceeded, now, told(&refund))?;
    Ok(refund)
}

/// Puts what the refund took back into its grants, on their original terms: what has expired
/// meanwhile expires by the ordinary rule, and debt that has come up is paid first (rulings R16,
/// R18).
fn take_back(
    ws: &mut Workset,
    org: OrgId,
    mut refund: Refund,
    reason: String,
    now: Timestamp,
) -> Result<Refund, Refusal> {
    let profile = ws.profile_of(org)?;
    settle_to(ws, org, &profile, now)?;
    let pays_debt = ws.wallet(org)?.debt.min(refund.amount);
    let mut unpaid = pays_debt;
    let mut postings = Vec::new();
    for part in &refund.taken {
        let kept = part.change.minus(unpaid).or_zero();
        unpaid = unpaid.minus(part.change).or_zero();
        if kept.is_positive() {
            postings.push(Posting { grant: part.grant, change: kept });
        }
    }
    for &posting in &postings {
        restore(ws, org, posting)?;
    }
    let draft = Draft {
        subject: refund.number,
        postings,
        debt: pays_debt.negated(),
        tax: refund.tax,
        ..Draft::new(TransactionKind::RefundFailed, now, refund.amount)
    };
    post(ws, org, draft)?;
    for &part in &refund.voided {
        restore(ws, org, part)?;
        post_bonus(ws, org, part, now)?;
    }
    refund.state = RefundState::Failed;
    refund.reason = reason;
    refund.decided_at = Some(now);
    let mut deposit = ws.deposits.find(Kind::Deposit, org, refund.deposit)?.clone();
    deposit.refunded = deposit.refunded.minus(refund.amount);
    deposit.refunded_tax = deposit.refunded_tax.minus(refund.tax.amount);
    ws.deposits.put(org, deposit.number, deposit);
    ws.refunds.put(org, refund.number, refund.clone());
    tell(ws, org, EventKind::RefundFailed, now, told(&refund))?;
    expire_grants(ws, org, &profile, now)?;
    Ok(refund)
}

/// What an event says about a refund.
pub fn told(refund: &Refund) -> Vec<(&'static str, String)> {
    let voided: Amount = refund.voided.iter().map(|part| part.change).sum();
    let mut fields = vec![
        ("refund", refund.number.to_string()),
        ("deposit", refund.deposit.to_string()),
        ("amount", refund.amount.to_string()),
    ];
    if !refund.tax.is_none() {
        fields.push(("tax", refund.tax.amount.to_string()));
    }
    if voided.is_positive() {
        fields.push(("bonus", voided.to_string()));
    }
    if !refund.reason.is_empty() {
        fields.push(("reason", refund.reason.clone()));
    }
    fields
}

/// On a test clock the sandbox rail answers what the current command asked of it before time moves
/// (rulings R7); elsewhere the requests leave through the outbox.
pub fn answer_on_test_clock(ws: &mut Workset, org: OrgId) -> Result<(), Refusal> {
    let wallet = ws.wallet(org)?;
    let at = wallet.now;
    if ws.platform(wallet.platform)?.clock.is_none() {
        return Ok(());
    }
    for request in ws.take_requests_of_command() {
        if let Request::PayRefund { org, refund } = request {
            let id = Id::new(Kind::Refund, org, refund).to_string();
            let outcome = payments::sandbox::refunded(&id);
            SettleRefund { org, refund, outcome }.decide(ws, at)?;
        } else {
            ws.append_request(request);
        }
    }
    Ok(())
}
