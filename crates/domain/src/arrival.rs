//! Arrivals: money that came and is not what was asked for, until an operator decides (rulings R16,
//! requirements C19).
//!
//! Laws: until it is decided, and while it is ignored, an arrival's money stands in suspense and in
//! nobody's balance; what is credited is what arrived; what a rail has confirmed is one deposit or
//! one arrival, however often it says so.

use crate::conversion::Conversion;
use crate::deposit::{Deposit, DepositState, Payment};
use crate::event::EventKind;
use crate::ledger::TransactionKind;
use crate::settle::{Draft, post, tell};
use crate::workset::Workset;
use crate::{Amount, OrgId, Refusal, Timestamp};

/// Letters of why an arrival is ignored.
pub const NOTE_CHARS_MAX: usize = 200;

/// Why nobody was credited by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArrivalReason {
    /// Less than what was asked for.
    Underpaid,
    /// More than what was asked for.
    Overpaid,
    /// It was paid when the quote was not good any more.
    Late,
    /// What was asked for had been paid before.
    PaidAgain,
}

impl ArrivalReason {
    pub const ALL: [ArrivalReason; 4] = [
        ArrivalReason::Underpaid,
        ArrivalReason::Overpaid,
        ArrivalReason::Late,
        ArrivalReason::PaidAgain,
    ];

    pub const fn code(self) -> i64 {
        match self {
            ArrivalReason::Underpaid => 1,
            ArrivalReason::Overpaid => 2,
            ArrivalReason::Late => 3,
            ArrivalReason::PaidAgain => 4,
        }
    }

    pub fn from_code(code: i64) -> Option<ArrivalReason> {
        ArrivalReason::ALL.into_iter().find(|reason| reason.code() == code)
    }

    pub const fn name(self) -> &'static str {
        match self {
            ArrivalReason::Underpaid => "underpaid",
            ArrivalReason::Overpaid => "overpaid",
            ArrivalReason::Late => "late",
            ArrivalReason::PaidAgain => "paid_again",
        }
    }
}

/// What became of an arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArrivalState {
    /// For an operator.
    Waiting,
    /// A deposit of its organization has it.
    Credited,
    /// Its payer has it back.
    Returned,
    /// Nothing is done about it; it can still be credited or returned.
    Ignored,
}

impl ArrivalState {
    pub const ALL: [ArrivalState; 4] = [
        ArrivalState::Waiting,
        ArrivalState::Credited,
        ArrivalState::Returned,
        ArrivalState::Ignored,
    ];

    pub const fn code(self) -> i64 {
        match self {
            ArrivalState::Waiting => 1,
            ArrivalState::Credited => 2,
            ArrivalState::Returned => 3,
            ArrivalState::Ignored => 4,
        }
    }

    pub fn from_code(code: i64) -> Option<ArrivalState> {
        ArrivalState::ALL.into_iter().find(|state| state.code() == code)
    }

    pub const fn name(self) -> &'static str {
        match self {
            ArrivalState::Waiting => "waiting",
            ArrivalState::Credited => "credited",
            ArrivalState::Returned => "returned",
            ArrivalState::Ignored => "ignored",
        }
    }
}

/// What an operator says is to become of an arrival.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    Credit,
    Return,
    /// Such as what is too little to be sent back.
    Ignore {
        note: String,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    pub number: i64,
    /// The deposit that it was paid for.
    pub deposit: i64,
    /// What came, tax included where there is any.
    pub amount: Amount,
    pub rail: String,
    /// The rail's own id of the money, unique per rail.
    pub external: String,
    pub reason: ArrivalReason,
    pub state: ArrivalState,
    /// The deposit that has it.
    pub became: Option<i64>,
    /// What its provider kept of it, once it said so.
    pub fee: Option<Amount>,
    pub conversion: Option<Conversion>,
    /// Why it is ignored, in words.
    pub note: String,
    pub paid_at: Timestamp,
    pub created_at: Timestamp,
    pub decided_at: Option<Timestamp>,
}

impl Arrival {
    /// Whether it is what `deposit` was paid with, and not a payment beside that.
    pub fn is_own_of(&self, deposit: &Deposit) -> bool {
        deposit.external.as_ref() == Some(&self.external)
    }
}

/// The arrival that this money is already.
pub fn known(ws: &Workset, org: OrgId, rail: &str, external: &str) -> Option<Arrival> {
    let is_it = |row: &&Arrival| row.rail == rail && row.external == external;
    ws.arrivals.of(org).map(|(_, row)| row).find(is_it).cloned()
}

/// Why confirmed money cannot be credited by itself; nothing when it is what was asked for. Only
/// what is paid at a quote can be paid in part, too much or too late.
pub fn reason_of(
    deposit: &Deposit,
    payment: &Payment,
    paid_at: Timestamp,
) -> Option<ArrivalReason> {
    if deposit.external.as_ref().is_some_and(|known| *known != payment.external) {
        return Some(ArrivalReason::PaidAgain);
    }
    let quote_until = deposit.quote_until.filter(|_| deposit.external.is_none())?;
    let (asked, paid) = (deposit.charged(), payment.amount.unwrap_or(deposit.charged()));
    match paid.cmp(&asked) {
        std::cmp::Ordering::Less => Some(ArrivalReason::Underpaid),
        std::cmp::Ordering::Greater => Some(ArrivalReason::Overpaid),
        std::cmp::Ordering::Equal => (paid_at >= quote_until).then_some(ArrivalReason::Late),
    }
}

/// Takes in money that is not credited by itself: it stands in suspense.
pub fn receive(
    ws: &mut Workset,
    org: OrgId,
    deposit: &Deposit,
    payment: &Payment,
    (reason, paid_at, now): (ArrivalReason, Timestamp, Timestamp),
) -> Result<Arrival, Refusal> {
    let number = ws.wallet_mut(org)?.take_number();
    let arrival = Arrival {
        number,
        deposit: deposit.number,
        amount: payment.amount.unwrap_or(deposit.charged()),
        rail: deposit.rail.clone(),
        external: payment.external.clone(),
        reason,
        state: ArrivalState::Waiting,
        became: None,
        fee: payment.fee,
        conversion: payment.conversion.clone(),
        note: String::new(),
        paid_at,
        created_at: now,
        decided_at: None,
    };
    let draft =
        Draft { subject: number, ..Draft::new(TransactionKind::Arrival, now, arrival.amount) };
    post(ws, org, draft)?;
    ws.arrivals.put(org, number, arrival.clone());
    tell(ws, org, EventKind::ArrivalReceived, now, told(&arrival))?;
    Ok(arrival)
}

/// Records what became of an arrival.
pub fn decide(
    ws: &mut Workset,
    org: OrgId,
    arrival: &mut Arrival,
    state: ArrivalState,
    now: Timestamp,
) -> Result<(), Refusal> {
    arrival.state = state;
    arrival.decided_at = Some(now);
    ws.arrivals.put(org, arrival.number, arrival.clone());
    let kind = match state {
        ArrivalState::Waiting => EventKind::ArrivalReceived,
        ArrivalState::Credited => EventKind::ArrivalCredited,
        ArrivalState::Returned => EventKind::ArrivalReturned,
        ArrivalState::Ignored => EventKind::ArrivalIgnored,
    };
    tell(ws, org, kind, now, told(arrival))
}

/// Whether a deposit waits for an operator, and this arrival is why.
pub fn keeps_in_review(arrival: &Arrival, deposit: &Deposit) -> bool {
    deposit.state == DepositState::InReview && arrival.is_own_of(deposit)
}

/// What an event says about an arrival; a note may name somebody, and stays in its row.
pub fn told(arrival: &Arrival) -> Vec<(&'static str, String)> {
    let deposit = arrival.became.unwrap_or(arrival.deposit);
    vec![
        ("arrival", arrival.number.to_string()),
        ("deposit", deposit.to_string()),
        ("amount", arrival.amount.to_string()),
        ("reason", arrival.reason.name().to_owned()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_paid_at_a_quote_can_differ_or_be_late() {
        let at = Timestamp::from_seconds;
        let wish = Deposit::pending(1, Amount::from_units(20), "sandbox".into(), at(0));
        let quoted = Deposit { quote_until: Some(at(60)), ..wish.clone() };
        let paid = Deposit { external: Some("a".into()), ..quoted.clone() };
        let check = |deposit: &Deposit, external: &str, units: Option<i64>, second, expected| {
            let amount = units.map(Amount::from_units);
            let payment = Payment { external: external.into(), amount, ..Payment::default() };
            assert_eq!(reason_of(deposit, &payment, at(second)), expected, "{payment:?}");
        };
        check(&wish, "a", Some(19), 999, None);
        check(&quoted, "a", None, 59, None);
        check(&quoted, "a", Some(20), 59, None);
        check(&quoted, "a", Some(20), 60, Some(ArrivalReason::Late));
        check(&quoted, "a", Some(19), 60, Some(ArrivalReason::Underpaid));
        check(&quoted, "a", Some(21), 0, Some(ArrivalReason::Overpaid));
        check(&paid, "a", Some(19), 60, None);
        check(&paid, "b", None, 0, Some(ArrivalReason::PaidAgain));
    }

    #[test]
    fn states_and_reasons_are_stored_and_named() {
        for (state, code) in ArrivalState::ALL.into_iter().zip(1..) {
            assert_eq!((state.code(), ArrivalState::from_code(code)), (code, Some(state)));
        }
        for (reason, code) in ArrivalReason::ALL.into_iter().zip(1..) {
            assert_eq!((reason.code(), ArrivalReason::from_code(code)), (code, Some(reason)));
        }
        let states = ArrivalState::ALL.map(ArrivalState::name);
        assert_eq!(states, ["waiting", "credited", "returned", "ignored"]);
        let reasons = ArrivalReason::ALL.map(ArrivalReason::name);
        assert_eq!(reasons, ["underpaid", "overpaid", "late", "paid_again"]);
    }
}
