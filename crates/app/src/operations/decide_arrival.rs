//! Decides an arrival: what came is credited, went back to its payer, or is left in suspense.

use domain::arrival::{Arrival, ArrivalState, Decision, decide, keeps_in_review};
use domain::deposit::{Deposit, DepositState, fail};
use domain::ledger::TransactionKind;
use domain::settle::{Draft, post};
use domain::tax::{Tax, inside_money};
use domain::wake::catch_up;
use domain::{Amount, Kind, OrgId, Refusal, Timestamp, Workset};

use crate::operation::{Answer, Keys, Operation};
use crate::operations::settle_deposit::credit;

#[derive(Debug)]
pub struct DecideArrival {
    pub org: OrgId,
    pub arrival: i64,
    pub decision: Decision,
}

impl Operation for DecideArrival {
    fn name(&self) -> &'static str {
        "decide_arrival"
    }

    fn org(&self) -> OrgId {
        self.org
    }

    fn needs(&self, keys: &mut Keys) {
        keys.arrivals.push((self.org, self.arrival));
    }

    /// Refusals, in order: `not_found`, `arrival_decided` (its money is not in suspense any more).
    ///
    /// What is credited is what arrived, whatever was asked for; no rail is asked to send anything
    /// back. What is ignored can still be credited or returned.
    ///
    /// Idempotency: the same decision again answers with the arrival as it stands.
    fn decide(&self, ws: &mut Workset, now: Timestamp) -> Result<Answer, Refusal> {
        let arrival = ws.arrivals.find(Kind::Arrival, self.org, self.arrival)?.clone();
        let now = catch_up(ws, self.org, now)?;
        let decided = match (&self.decision, arrival.state) {
            (Decision::Credit, ArrivalState::Credited)
            | (Decision::Return, ArrivalState::Returned)
            | (Decision::Ignore { .. }, ArrivalState::Ignored) => arrival,
            (_, ArrivalState::Credited | ArrivalState::Returned) => {
                return Err(Refusal::ArrivalDecided { state: arrival.state.name() });
            }
            (Decision::Credit, _) => credit_it(ws, self.org, arrival, now)?,
            (Decision::Return, _) => return_it(ws, self.org, arrival, now)?,
            (Decision::Ignore { note }, _) => ignore_it(ws, self.org, arrival, note, now)?,
        };
        Ok(Answer::Arrival(self.org, decided))
    }
}

/// The money becomes the deposit that it was paid for, or a new one where that has been paid.
fn credit_it(
    ws: &mut Workset,
    org: OrgId,
    mut arrival: Arrival,
    now: Timestamp,
) -> Result<Arrival, Refusal> {
    let asked = ws.deposits.find(Kind::Deposit, org, arrival.deposit)?.clone();
    let is_own = arrival.is_own_of(&asked) && asked.state != DepositState::Succeeded;
    let deposit = if is_own {
        as_paid(asked.clone(), asked.charged(), arrival.amount)
    } else {
        let number = ws.wallet_mut(org)?.take_number();
        let unasked = Deposit::pending(number, Amount::ZERO, arrival.rail.clone(), now);
        let unasked = Deposit { tax: asked.tax, member: asked.member, ..unasked };
        as_paid(unasked, Amount::ZERO, arrival.amount)
    };
    let deposit = Deposit {
        external: Some(arrival.external.clone()),
        paid_at: Some(arrival.paid_at),
        conversion: arrival.conversion.clone(),
        ..deposit
    };
    let booked = (TransactionKind::ArrivalCredited, arrival.paid_at);
    arrival.note.clear();
    arrival.became = Some(credit(ws, org, deposit, booked, now)?.number);
    decide(ws, org, &mut arrival, ArrivalState::Credited, now)?;
    Ok(arrival)
}

/// `deposit` as it was paid: the credit in the money that came, and the tax at its own rate.
fn as_paid(deposit: Deposit, asked: Amount, money: Amount) -> Deposit {
    if money == asked {
        return deposit;
    }
    let tax = Tax { amount: inside_money(money, deposit.tax.bps), bps: deposit.tax.bps };
    Deposit { amount: money.minus(tax.amount), tax, asked: Some(asked), ..deposit }
}

fn return_it(
    ws: &mut Workset,
    org: OrgId,
    mut arrival: Arrival,
    now: Timestamp,
) -> Result<Arrival, Refusal> {
    let draft = Draft {
        subject: arrival.number,
        ..Draft::new(TransactionKind::ArrivalReturned, now, arrival.amount)
    };
    post(ws, org, draft)?;
    arrival.note.clear();
    end_review(ws, org, &arrival, "what came went back to its payer", now)?;
    decide(ws, org, &mut arrival, ArrivalState::Returned, now)?;
    Ok(arrival)
}

fn ignore_it(
    ws: &mut Workset,
    org: OrgId,
    mut arrival: Arrival,
    note: &str,
    now: Timestamp,
) -> Result<Arrival, Refusal> {
    note.clone_into(&mut arrival.note);
    end_review(ws, org, &arrival, "nothing is done about what came", now)?;
    decide(ws, org, &mut arrival, ArrivalState::Ignored, now)?;
    Ok(arrival)
}

/// A deposit that waited for this decision has failed.
fn end_review(
    ws: &mut Workset,
    org: OrgId,
    arrival: &Arrival,
    why: &str,
    now: Timestamp,
) -> Result<(), Refusal> {
    let deposit = ws.deposits.find(Kind::Deposit, org, arrival.deposit)?.clone();
    if keeps_in_review(arrival, &deposit) {
        fail(ws, org, deposit, why.to_owned(), now)?;
    }
    Ok(())
}
