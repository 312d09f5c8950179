//! Decides a deposit by what its rail confirmed: money becomes a purchased grant, debt first.
//!
//! The only way in which money from outside becomes credit, whoever asked for it and however often
//! the rail says so.

use domain::deposit::{Deposit, DepositLabel, DepositState, PaymentOutcome};
use domain::event::EventKind;
use domain::grant::{Grant, GrantKind, PRIORITY_DEFAULT, Posting};
use domain::ledger::TransactionKind;
use domain::settle::{Draft, post, tell};
use domain::wake::catch_up;
use domain::{Amount, Kind, OrgId, Refusal, Timestamp, Workset};

use crate::operation::{Answer, Keys, Operation};

#[derive(Debug)]
pub struct SettleDeposit {
    pub org: OrgId,
    pub deposit: i64,
    pub outcome: PaymentOutcome,
}

impl Operation for SettleDeposit {
    fn name(&self) -> &'static str {
        "settle_deposit"
    }

    fn org(&self) -> OrgId {
        self.org
    }

    fn needs(&self, keys: &mut Keys) {
        keys.deposits.push((self.org, self.deposit));
    }

    /// Refusals, in order: `not_found`, `deposit_decided` (anything but money after a decision:
    /// what a rail says arrives in any order).
    ///
    /// Idempotency: the same outcome again answers with the deposit as it stands and moves nothing.
    fn decide(&self, ws: &mut Workset, now: Timestamp) -> Result<Answer, Refusal> {
        let deposit = ws.deposits.find(Kind::Deposit, self.org, self.deposit)?.clone();
        let now = catch_up(ws, self.org, now)?;
        let decided = match (&self.outcome, deposit.state) {
            (PaymentOutcome::Succeeded { .. }, DepositState::Succeeded)
            | (PaymentOutcome::Declined { .. }, DepositState::Failed)
            | (PaymentOutcome::NeedsAuthentication, DepositState::NeedsAuthentication) => deposit,
            (_, DepositState::Succeeded)
            | (PaymentOutcome::NeedsAuthentication, DepositState::Failed) => {
                return Err(Refusal::DepositDecided { state: deposit.state.name() });
            }
            (PaymentOutcome::Succeeded { external }, _) => {
                credit(ws, self.org, deposit, external.clone(), now)?
            }
            (PaymentOutcome::Declined { reason }, _) => {
                decline(ws, self.org, deposit, reason.clone(), now)?
            }
            (PaymentOutcome::NeedsAuthentication, _) => ask(ws, self.org, deposit, now)?,
        };
        Ok(Answer::Deposit(self.org, decided))
    }
}

/// Books confirmed money: it pays debt first, and the rest becomes a grant.
fn credit(
    ws: &mut Workset,
    org: OrgId,
    mut deposit: Deposit,
    external: String,
    now: Timestamp,
) -> Result<Deposit, Refusal> {
    let wallet = ws.wallet_mut(org)?;
    let pays_debt = wallet.debt.min(deposit.amount);
    let rest = deposit.amount.minus(pays_debt);
    let mut postings = Vec::new();
    if rest.is_positive() {
        let grant = Grant {
            number: wallet.take_number(),
            kind: GrantKind::Purchased,
            amount: rest,
            priority: PRIORITY_DEFAULT,
            expires_at: Timestamp::NEVER,
            purchase: None,
            deposit: Some(deposit.number),
            note: String::new(),
            created_at: now,
            voided_at: None,
        };
        wallet.grants.insert(grant.opened());
        postings.push(Posting { grant: grant.number, change: rest });
        deposit.grant = Some(grant.number);
        ws.grants.put(org, grant.number, grant);
    }
    let draft = Draft {
        subject: deposit.number,
        postings,
        debt: pays_debt.negated(),
        ..Draft::new(TransactionKind::Deposit, now, deposit.amount)
    };
    let balance = post(ws, org, draft)?.balance;
    deposit.external = Some(external);
    deposit.reason.clear();
    decided(ws, org, &mut deposit, DepositState::Succeeded, now)?;
    let mut fields = told(&deposit);
    fields.push(("balance", balance.to_string()));
    tell(ws, org, EventKind::DepositSucceeded, now, fields)?;
    Ok(deposit)
}

/// Records that no money came. A declined auto top-up switches itself off (requirements S12c).
fn decline(
    ws: &mut Workset,
    org: OrgId,
    mut deposit: Deposit,
    reason: String,
    now: Timestamp,
) -> Result<Deposit, Refusal> {
    deposit.reason = reason;
    decided(ws, org, &mut deposit, DepositState::Failed, now)?;
    tell(ws, org, EventKind::DepositFailed, now, told(&deposit))?;
    if deposit.label == DepositLabel::AutoTopUp {
        if let Some(rule) = &mut ws.wallet_mut(org)?.auto_top_up {
            rule.enabled = false;
        }
        tell(ws, org, EventKind::AutoTopUpDisabled, now, told(&deposit))?;
    }
    Ok(deposit)
}

/// Waits for the payer's bank; an auto top-up stays in flight, so that nothing is charged twice.
fn ask(
    ws: &mut Workset,
    org: OrgId,
    mut deposit: Deposit,
    now: Timestamp,
) -> Result<Deposit, Refusal> {
    deposit.state = DepositState::NeedsAuthentication;
    ws.deposits.put(org, deposit.number, deposit.clone());
    tell(ws, org, EventKind::DepositNeedsAuthentication, now, told(&deposit))?;
    Ok(deposit)
}

fn decided(
    ws: &mut Workset,
    org: OrgId,
    deposit: &mut Deposit,
    state: DepositState,
    now: Timestamp,
) -> Result<(), Refusal> {
    deposit.state = state;
    deposit.decided_at = Some(now);
    ws.deposits.put(org, deposit.number, deposit.clone());
    let wallet = ws.wallet_mut(org)?;
    wallet.review_due = true;
    if let Some(rule) = &mut wallet.auto_top_up
        && rule.in_flight == Some(deposit.number)
    {
        rule.in_flight = None;
    }
    Ok(())
}

fn told(deposit: &Deposit) -> Vec<(&'static str, String)> {
    let amount: Amount = deposit.amount;
    let mut fields = vec![("deposit", deposit.number.to_string()), ("amount", amount.to_string())];
    if !deposit.reason.is_empty() {
        fields.push(("reason", deposit.reason.clone()));
    }
    fields
}
