//! Disputes: the provider takes money back, and sometimes returns it.
//!
//! Laws: what is withdrawn leaves the disputed purchase first, then other purchased credit, and the
//! rest is debt; promotions never pay it; what is reinstated pays debt first and re-enters the
//! grants it came from, so that a dispute that is won has changed no balance (rulings R18).

use crate::correct::restore;
use crate::deposit::Deposit;
use crate::event::EventKind;
use crate::grant::{Grant, GrantKind, PRIORITY_DEFAULT, Posting};
use crate::ledger::TransactionKind;
use crate::refund::{claw_back, parts_of, post_bonus, share_round_half_even, void_bonus};
use crate::settle::{Draft, post, tell};
use crate::tax::{Tax, going_back};
use crate::time::SECONDS_PER_DAY;
use crate::wallet::Freeze;
use crate::workset::Workset;
use crate::{Amount, Kind, OrgId, Refusal, Timestamp};

/// A grant whose terms ended while its money was away is good for so long when it returns.
pub const RETURNED_SECONDS: i64 = 30 * SECONDS_PER_DAY;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DisputeState {
    /// The payer's bank asks; no money moves.
    Inquiry,
    Open,
    Won,
    Lost,
}

impl DisputeState {
    pub const ALL: [DisputeState; 4] =
        [DisputeState::Inquiry, DisputeState::Open, DisputeState::Won, DisputeState::Lost];

    pub const fn code(self) -> i64 {
        match self {
            DisputeState::Inquiry => 1,
            DisputeState::Open => 2,
            DisputeState::Won => 3,
            DisputeState::Lost => 4,
        }
    }

    pub fn from_code(code: i64) -> Option<DisputeState> {
        DisputeState::ALL.into_iter().find(|state| state.code() == code)
    }

    pub const fn name(self) -> &'static str {
        match self {
            DisputeState::Inquiry => "inquiry",
            DisputeState::Open => "open",
            DisputeState::Won => "won",
            DisputeState::Lost => "lost",
        }
    }

    pub fn from_name(name: &str) -> Option<DisputeState> {
        DisputeState::ALL.into_iter().find(|state| state.name() == name)
    }

    /// Whether a report of `next` can follow: nothing becomes an inquiry again, and what is decided
    /// stays so.
    pub fn may_become(self, next: DisputeState) -> bool {
        match self {
            DisputeState::Inquiry => true,
            DisputeState::Open => next != DisputeState::Inquiry,
            DisputeState::Won | DisputeState::Lost => next == self,
        }
    }

    pub const fn is_decided(self) -> bool {
        matches!(self, DisputeState::Won | DisputeState::Lost)
    }
}

/// A payment that its payer contests, as its rail last told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dispute {
    pub number: i64,
    pub deposit: i64,
    pub rail: String,
    /// The rail's own id of the dispute, unique per rail.
    pub external: String,
    pub state: DisputeState,
    /// What the rail has withdrawn and not reinstated, tax included.
    pub withdrawn: Amount,
    /// The tax in it.
    pub withdrawn_tax: Amount,
    /// What of it is missing in purchased grants, in the order in which they gave.
    pub taken: Vec<Posting>,
    /// What of the bonus that came with the purchase is voided.
    pub voided: Vec<Posting>,
    /// Whether its wallet is frozen because of it, until it is decided.
    pub freezes: bool,
    pub created_at: Timestamp,
    pub decided_at: Option<Timestamp>,
}

/// Books `money` that a rail has withdrawn: the tax in it, and the credit that is left of it.
pub fn withdraw(
    ws: &mut Workset,
    org: OrgId,
    (deposit, dispute): (&mut Deposit, &mut Dispute),
    money: Amount,
    at: Timestamp,
) -> Result<(), Refusal> {
    let tax = deposit.tax_of_money(money);
    let amount = money.minus(tax);
    let (postings, debt) = claw_back(ws.wallet_mut(org)?, deposit.grant, amount);
    merge(&mut dispute.taken, parts_of(&postings));
    let draft = Draft {
        subject: dispute.number,
        postings,
        debt,
        tax: Tax { amount: tax, bps: deposit.tax.bps },
        ..Draft::new(TransactionKind::Withdrawal, at, amount)
    };
    post(ws, org, draft)?;
    let voided = void_bonus(ws, org, deposit.grant, (amount, deposit.amount), at)?;
    merge(&mut dispute.voided, voided);
    dispute.withdrawn = dispute.withdrawn.plus(money);
    dispute.withdrawn_tax = dispute.withdrawn_tax.plus(tax);
    deposit.withdrawn = deposit.withdrawn.plus(money);
    deposit.withdrawn_tax = deposit.withdrawn_tax.plus(tax);
    tell(ws, org, EventKind::DisputeFundsWithdrawn, at, told(dispute, money))
}

/// Books `money` that a rail has returned, with the tax that went with it: it pays what debt there
/// is, and the rest re-enters the grants that gave it, last first. Money that had paid debt which a
/// deposit has paid since becomes a grant of its own.
pub fn reinstate(
    ws: &mut Workset,
    org: OrgId,
    (deposit, dispute): (&mut Deposit, &mut Dispute),
    money: Amount,
    at: Timestamp,
) -> Result<(), Refusal> {
    let whole = (dispute.withdrawn_tax, dispute.withdrawn);
    let tax = going_back(whole, (Amount::ZERO, Amount::ZERO), money).min(money);
    let amount = money.minus(tax);
    let pays_debt = ws.wallet(org)?.debt.min(amount);
    let mut rest = amount.minus(pays_debt);
    let mut postings = Vec::new();
    for part in dispute.taken.iter_mut().rev() {
        let back = part.change.min(rest);
        if back.is_positive() {
            part.change = part.change.minus(back);
            rest = rest.minus(back);
            postings.push(Posting { grant: part.grant, change: back });
        }
    }
    for &posting in &postings {
        reenter(ws, org, posting, at)?;
    }
    let mut subject = dispute.number;
    if rest.is_positive() {
        subject = returned(ws, org, dispute.deposit, rest, at)?;
        postings.push(Posting { grant: subject, change: rest });
    }
    let draft = Draft {
        subject,
        postings,
        debt: pays_debt.negated(),
        tax: Tax { amount: tax, bps: deposit.tax.bps },
        ..Draft::new(TransactionKind::Reinstatement, at, amount)
    };
    post(ws, org, draft)?;
    let withdrawn = dispute.withdrawn;
    for part in &mut dispute.voided {
        let back = share_round_half_even(part.change, money, withdrawn);
        if back.is_positive() {
            let posting = Posting { grant: part.grant, change: back };
            part.change = part.change.minus(back);
            reenter(ws, org, posting, at)?;
            post_bonus(ws, org, posting, at)?;
        }
    }
    dispute.withdrawn = withdrawn.minus(money);
    dispute.withdrawn_tax = dispute.withdrawn_tax.minus(tax);
    deposit.withdrawn = deposit.withdrawn.minus(money);
    deposit.withdrawn_tax = deposit.withdrawn_tax.minus(tax);
    forget_beyond(&mut dispute.taken, dispute.withdrawn.minus(dispute.withdrawn_tax));
    dispute.voided.retain(|part| part.change.is_positive());
    tell(ws, org, EventKind::DisputeFundsReinstated, at, told(dispute, money))
}

/// No more than what is still `withdrawn` can come back: what paid debt instead of re-entering is
/// forgotten, first taken first.
fn forget_beyond(taken: &mut Vec<Posting>, withdrawn: Amount) {
    let in_all: Amount = taken.iter().map(|part| part.change).sum();
    let mut beyond = in_all.minus(withdrawn).or_zero();
    for part in taken.iter_mut() {
        let forgotten = part.change.min(beyond);
        part.change = part.change.minus(forgotten);
        beyond = beyond.minus(forgotten);
    }
    taken.retain(|part| part.change.is_positive());
}

/// Adds `parts` to those of the same grants, new ones behind them.
fn merge(into: &mut Vec<Posting>, parts: Vec<Posting>) {
    for part in parts {
        match into.iter_mut().find(|other| other.grant == part.grant) {
            Some(other) => other.change = other.change.plus(part.change),
            None => into.push(part),
        }
    }
}

/// Puts value back into a grant; terms that have ended meanwhile go on for 30 days.
fn reenter(ws: &mut Workset, org: OrgId, posting: Posting, at: Timestamp) -> Result<(), Refusal> {
    restore(ws, org, posting)?;
    let is_voided = ws.grants.find(Kind::Grant, org, posting.grant)?.voided_at.is_some();
    let wallet = ws.wallet_mut(org)?;
    let until = wallet.purchased_until();
    let ends_at = wallet.grants.get(posting.grant).map(|open| open.lapses_at(until));
    if !is_voided && ends_at.is_some_and(|ends_at| ends_at <= at) {
        wallet.grants.extend(posting.grant, at.plus_seconds(RETURNED_SECONDS));
        wallet.arm_reminders(at);
    }
    Ok(())
}

/// A grant of money that came back and has none to return to. Where what was purchased is not valid
/// any more, it is good for 30 days, like what re-enters its grants.
fn returned(
    ws: &mut Workset,
    org: OrgId,
    deposit: i64,
    amount: Amount,
    at: Timestamp,
) -> Result<i64, Refusal> {
    let wallet = ws.wallet_mut(org)?;
    let mut expires_at = Timestamp::NEVER;
    if wallet.purchased_until() <= at {
        expires_at = at.plus_seconds(RETURNED_SECONDS);
        wallet.arm_reminders(at);
    }
    let grant = Grant {
        number: wallet.take_number(),
        kind: GrantKind::Purchased,
        amount,
        priority: PRIORITY_DEFAULT,
        expires_at,
        purchase: None,
        deposit: Some(deposit),
        note: String::new(),
        effective_at: at,
        created_at: at,
        voided_at: None,
        scope: None,
    };
    wallet.grants.insert(grant.opened());
    let number = grant.number;
    ws.grants.put(org, number, grant);
    Ok(number)
}

/// Freezes the wallet because of an open dispute: nothing starts, what runs is stopped, and no
/// payment method is charged by itself (requirements N11).
pub fn freeze(
    ws: &mut Workset,
    org: OrgId,
    dispute: &mut Dispute,
    at: Timestamp,
) -> Result<(), Refusal> {
    dispute.freezes = true;
    let wallet = ws.wallet_mut(org)?;
    let was_frozen = wallet.is_frozen();
    wallet.freeze.get_or_insert(Freeze { open: 0, is_lost: false }).open += 1;
    wallet.review_due = true;
    let mut switched_off = false;
    if let Some(rule) = &mut wallet.auto_top_up {
        switched_off = std::mem::replace(&mut rule.enabled, false);
    }
    let fields = vec![("dispute", dispute.number.to_string())];
    if !was_frozen {
        tell(ws, org, EventKind::WalletFrozen, at, fields.clone())?;
    }
    if switched_off {
        tell(ws, org, EventKind::AutoTopUpDisabled, at, fields)?;
    }
    Ok(())
}

/// Ends what a dispute that is decided now did to its wallet. After a loss the wallet stays frozen
/// until the operator releases it.
pub fn thaw(
    ws: &mut Workset,
    org: OrgId,
    dispute: &mut Dispute,
    at: Timestamp,
) -> Result<(), Refusal> {
    dispute.freezes = false;
    let wallet = ws.wallet_mut(org)?;
    wallet.review_due = true;
    if let Some(freeze) = &mut wallet.freeze {
        freeze.open -= 1;
        freeze.is_lost |= dispute.state == DisputeState::Lost;
    }
    if wallet.freeze == Some(Freeze { open: 0, is_lost: false }) {
        wallet.freeze = None;
        tell(ws, org, EventKind::WalletReleased, at, Vec::new())?;
    }
    Ok(())
}

/// What an event says about a dispute and the money it moved.
pub fn told(dispute: &Dispute, amount: Amount) -> Vec<(&'static str, String)> {
    let mut fields =
        vec![("dispute", dispute.number.to_string()), ("deposit", dispute.deposit.to_string())];
    if amount.is_positive() {
        fields.push(("amount", amount.to_string()));
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deposit::{DepositLabel, DepositState};
    use crate::document::Documented;
    use crate::grant::OpenGrant;
    use crate::testkit::{at, events, founded_with, left, org, parts, take, units};

    /// A wallet with a purchase of 20 (grant 1) and its bonus of 4 (2), another purchase of 10 (3)
    /// and a promotion of 5 (4).
    fn founded() -> (Workset, Deposit, Dispute) {
        let ws = founded_with("");
        let deposit = Deposit {
            number: 9,
            amount: units(20),
            rail: "sandbox".into(),
            state: DepositState::Succeeded,
            label: DepositLabel::Manual,
            member: None,
            method: None,
            external: None,
            created_at: at(0),
            decided_at: Some(at(0)),
            paid_at: Some(at(0)),
            grant: Some(1),
            tax: Tax::default(),
            refunded: Amount::ZERO,
            refunded_tax: Amount::ZERO,
            withdrawn: Amount::ZERO,
            withdrawn_tax: Amount::ZERO,
            fee: None,
            conversion: None,
            asked: None,
            quote_until: None,
            seen_at: None,
            documented: Documented::No,
            reason: String::new(),
        };
        let dispute = Dispute {
            number: 10,
            deposit: 9,
            rail: "sandbox".into(),
            external: "d".into(),
            state: DisputeState::Open,
            withdrawn: Amount::ZERO,
            withdrawn_tax: Amount::ZERO,
            taken: Vec::new(),
            voided: Vec::new(),
            freezes: false,
            created_at: at(0),
            decided_at: None,
        };
        (ws, deposit, dispute)
    }

    #[test]
    fn what_is_withdrawn_leaves_its_purchase_then_others_then_is_debt() {
        let (mut ws, mut deposit, mut dispute) = founded();
        take(&mut ws, 1, 15);
        withdraw(&mut ws, org(), (&mut deposit, &mut dispute), units(5), at(1)).unwrap();
        assert_eq!(left(&ws), [(2, units(3)), (3, units(10)), (4, units(5))]);
        withdraw(&mut ws, org(), (&mut deposit, &mut dispute), units(15), at(2)).unwrap();
        assert_eq!(left(&ws), [(4, units(5))]);
        assert_eq!(ws.wallet(org()).unwrap().debt, units(5));
        assert_eq!(parts(&dispute.taken), [(1, units(5)), (3, units(10))]);
        assert_eq!(parts(&dispute.voided), [(2, units(4))]);
        assert_eq!(dispute.withdrawn, units(20));
        assert_eq!(events(&ws), [EventKind::DisputeFundsWithdrawn; 2]);
    }

    #[test]
    fn what_is_reinstated_pays_debt_and_re_enters_last_taken_first() {
        let (mut ws, mut deposit, mut dispute) = founded();
        take(&mut ws, 1, 15);
        withdraw(&mut ws, org(), (&mut deposit, &mut dispute), units(20), at(1)).unwrap();
        reinstate(&mut ws, org(), (&mut deposit, &mut dispute), units(12), at(2)).unwrap();
        assert_eq!(ws.wallet(org()).unwrap().debt, Amount::ZERO);
        let bonus = Amount::parse("2.40").unwrap();
        assert_eq!(left(&ws), [(2, bonus), (3, units(7)), (4, units(5))]);
        assert_eq!(parts(&dispute.taken), [(1, units(5)), (3, units(3))]);
        reinstate(&mut ws, org(), (&mut deposit, &mut dispute), units(8), at(3)).unwrap();
        assert_eq!(left(&ws), [(1, units(5)), (2, units(4)), (3, units(10)), (4, units(5))]);
        assert_eq!((dispute.taken.len(), dispute.voided.len()), (0, 0));
        assert_eq!(dispute.withdrawn, Amount::ZERO);
    }

    #[test]
    fn what_paid_debt_is_not_missing_in_grants_any_more() {
        let (mut ws, mut deposit, mut dispute) = founded();
        withdraw(&mut ws, org(), (&mut deposit, &mut dispute), units(20), at(1)).unwrap();
        assert_eq!(parts(&dispute.taken), [(1, units(20))]);
        take(&mut ws, 3, 10);
        ws.wallet_mut(org()).unwrap().debt = units(9);
        reinstate(&mut ws, org(), (&mut deposit, &mut dispute), units(10), at(2)).unwrap();
        assert_eq!(parts(&dispute.taken), [(1, units(10))]);
        assert_eq!(dispute.withdrawn, units(10));
        assert!(left(&ws).contains(&(1, units(1))));
    }

    /// Debt that a withdrawal made and a deposit has paid since.
    #[test]
    fn money_without_a_grant_to_return_to_is_one_of_its_own() {
        let (mut ws, mut deposit, mut dispute) = founded();
        take(&mut ws, 1, 20);
        take(&mut ws, 3, 10);
        withdraw(&mut ws, org(), (&mut deposit, &mut dispute), units(6), at(1)).unwrap();
        ws.wallet_mut(org()).unwrap().debt = Amount::ZERO;
        reinstate(&mut ws, org(), (&mut deposit, &mut dispute), units(6), at(2)).unwrap();
        let wallet = ws.wallet(org()).unwrap();
        let own = wallet.grants.iter().find(|it| it.number >= 20);
        assert_eq!(own.map(|it| (it.remaining, it.is_purchased())), Some((units(6), true)));
    }

    /// Terms that ended while the money was away go on for 30 days, voided ones do not.
    #[test]
    fn terms_that_ended_meanwhile_go_on_for_thirty_days() {
        let (mut ws, mut deposit, mut dispute) = founded();
        withdraw(&mut ws, org(), (&mut deposit, &mut dispute), units(20), at(1)).unwrap();
        for (number, voided_at) in [(1, None), (2, Some(at(5)))] {
            let row = ws.grants.get(org(), number).unwrap().clone();
            ws.grants.put(org(), number, Grant { expires_at: at(50), voided_at, ..row });
        }
        reinstate(&mut ws, org(), (&mut deposit, &mut dispute), units(20), at(50)).unwrap();
        let ends = |number| {
            let wallet = ws.wallet(org()).unwrap();
            wallet.grants.get(number).map(|it: &OpenGrant| it.expires_at)
        };
        assert_eq!(ends(1), Some(at(50 + 30 * SECONDS_PER_DAY)));
        assert_eq!(ends(2), Some(at(5)));
    }

    #[test]
    fn a_wallet_is_frozen_until_every_dispute_is_decided_and_a_loss_released() {
        let (mut ws, _, mut one) = founded();
        let mut other = one.clone();
        freeze(&mut ws, org(), &mut one, at(1)).unwrap();
        freeze(&mut ws, org(), &mut other, at(1)).unwrap();
        assert!(one.freezes && ws.wallet(org()).unwrap().is_frozen());
        one.state = DisputeState::Won;
        thaw(&mut ws, org(), &mut one, at(2)).unwrap();
        assert!(!one.freezes && ws.wallet(org()).unwrap().is_frozen());
        other.state = DisputeState::Won;
        thaw(&mut ws, org(), &mut other, at(3)).unwrap();
        assert!(!ws.wallet(org()).unwrap().is_frozen());
        assert_eq!(events(&ws), [EventKind::WalletFrozen, EventKind::WalletReleased]);
        freeze(&mut ws, org(), &mut one, at(4)).unwrap();
        one.state = DisputeState::Lost;
        thaw(&mut ws, org(), &mut one, at(5)).unwrap();
        let frozen = Freeze { open: 0, is_lost: true };
        assert_eq!(ws.wallet(org()).unwrap().freeze, Some(frozen));
    }

    #[test]
    fn states_follow_each_other_one_way() {
        use DisputeState::{Inquiry, Lost, Open, Won};
        let may = [
            (Inquiry, [true, true, true, true]),
            (Open, [false, true, true, true]),
            (Won, [false, false, true, false]),
            (Lost, [false, false, false, true]),
        ];
        for (from, expected) in may {
            assert_eq!(DisputeState::ALL.map(|next| from.may_become(next)), expected, "{from:?}");
        }
        for (state, code) in DisputeState::ALL.into_iter().zip(1..) {
            assert_eq!((state.code(), DisputeState::from_code(code)), (code, Some(state)));
            assert_eq!(DisputeState::from_name(state.name()), Some(state));
            assert_eq!(state.is_decided(), matches!(state, Won | Lost));
        }
        assert_eq!((DisputeState::from_code(5), DisputeState::from_name("")), (None, None));
        assert_eq!(DisputeState::ALL.map(DisputeState::name), ["inquiry", "open", "won", "lost"]);
    }
}
