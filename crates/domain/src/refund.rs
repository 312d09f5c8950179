//! Refunds: money back out, to where it came from.
//!
//! Laws: a refund takes at most what is unspent and not held of its own purchase, and nothing while
//! debt is owed; what a failed refund gives back stands as if it had never been asked for; value
//! that came with a purchase goes with it, pro rata (rulings R17).

use crate::document::Documented;
use crate::grant::{OpenGrant, Posting};
use crate::ledger::TransactionKind;
use crate::profile::{Profile, RefundPolicy};
use crate::rate::divide_round_half_even;
use crate::settle::{Draft, post};
use crate::tax::Tax;
use crate::wallet::Wallet;
use crate::workset::Workset;
use crate::{Amount, Kind, OrgId, Refusal, Timestamp};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefundState {
    /// Out of the wallet, and not yet confirmed by the rail.
    Pending,
    Succeeded,
    /// The rail could not pay it: the value is back in its grant.
    Failed,
}

impl RefundState {
    pub const ALL: [RefundState; 3] =
        [RefundState::Pending, RefundState::Succeeded, RefundState::Failed];

    pub const fn code(self) -> i64 {
        match self {
            RefundState::Pending => 1,
            RefundState::Succeeded => 2,
            RefundState::Failed => 3,
        }
    }

    pub fn from_code(code: i64) -> Option<RefundState> {
        RefundState::ALL.into_iter().find(|state| state.code() == code)
    }

    pub const fn name(self) -> &'static str {
        match self {
            RefundState::Pending => "pending",
            RefundState::Succeeded => "succeeded",
            RefundState::Failed => "failed",
        }
    }
}

/// Money on its way back, or arrived there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refund {
    pub number: i64,
    pub deposit: i64,
    /// The credit that left the wallet.
    pub amount: Amount,
    /// The tax that goes back on top of it (rulings R19).
    pub tax: Tax,
    pub rail: String,
    /// The rail's own id of the refund, unique per rail.
    pub external: Option<String>,
    pub state: RefundState,
    /// What it took of purchased grants.
    pub taken: Vec<Posting>,
    /// What it voided of the bonus that came with the purchase.
    pub voided: Vec<Posting>,
    pub documented: Documented,
    /// Why it failed, in words.
    pub reason: String,
    pub created_at: Timestamp,
    pub decided_at: Option<Timestamp>,
}

impl Refund {
    /// What the payer has back: credit and tax.
    pub fn money(&self) -> Amount {
        self.amount.plus(self.tax.amount)
    }
}

/// What a rail said about a refund.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefundOutcome {
    /// The money has left; `external` is the rail's id of it.
    Succeeded { external: String },
    /// It came back.
    Failed { reason: String },
}

/// Who asked for a refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AskedBy {
    /// Within what the platform's policy lets customers have.
    Customer,
    /// The operator, whose decision it is.
    Operator,
}

/// Refuses what the platform's policy does not let a customer have of money that came at `paid_at`
/// (requirements N10).
///
/// Errors, in order: `not_in_profile`, `refund_too_late`.
pub fn require_policy(
    policy: RefundPolicy,
    asked_by: AskedBy,
    paid_at: Timestamp,
    now: Timestamp,
) -> Result<(), Refusal> {
    match (asked_by, policy) {
        (AskedBy::Operator, _) | (AskedBy::Customer, RefundPolicy::Unspent) => Ok(()),
        (AskedBy::Customer, RefundPolicy::None) => {
            Err(Refusal::NotInProfile { feature: "refunds to customers" })
        }
        (AskedBy::Customer, RefundPolicy::Within(seconds)) => {
            let until = paid_at.plus_seconds(seconds);
            if now < until { Ok(()) } else { Err(Refusal::RefundTooLate { until }) }
        }
    }
}

/// What can be refunded of a purchase at `at`, of time settled up to then: the unspent value of its
/// grant that no hold has set aside, as far as it is available. Nothing while debt is owed.
pub fn refundable(
    wallet: &Wallet,
    profile: &Profile,
    purchase: Option<i64>,
    at: Timestamp,
) -> Amount {
    if wallet.debt.is_positive() {
        return Amount::ZERO;
    }
    let open = purchase.and_then(|number| wallet.grants.get(number));
    let rest = open.map_or(Amount::ZERO, OpenGrant::unreserved);
    rest.min(wallet.available(profile, at)).or_zero()
}

/// `whole` × `part` ÷ `of`, rounded once half to even.
pub fn share_round_half_even(whole: Amount, part: Amount, of: Amount) -> Amount {
    let exact = i128::from(whole.nanos()) * i128::from(part.nanos());
    let share = divide_round_half_even(exact, i128::from(of.nanos()).max(1));
    i64::try_from(share).map_or(whole, Amount::from_nanos)
}

/// Voids the part of a purchase's bonus that goes with `part` of the `paid` money: R(bonus × part ÷
/// paid), at most what is left of it and not held. Returns what it voided.
pub fn void_bonus(
    ws: &mut Workset,
    org: OrgId,
    purchase: Option<i64>,
    (part, paid): (Amount, Amount),
    at: Timestamp,
) -> Result<Vec<Posting>, Refusal> {
    let came_with = |grant: &&OpenGrant| purchase.is_some() && grant.purchase == purchase;
    let open = ws.wallet(org)?.grants.iter().filter(came_with);
    let left: Vec<(i64, Amount)> = open.map(|it| (it.number, it.unreserved())).collect();
    let mut voided = Vec::new();
    for (number, left) in left {
        let given = ws.grants.find(Kind::Grant, org, number)?.amount;
        let share = share_round_half_even(given, part, paid).min(left);
        if !share.is_positive() {
            continue;
        }
        let posting = Posting { grant: number, change: share.negated() };
        ws.wallet_mut(org)?.grants.apply(posting);
        post_bonus(ws, org, posting, at)?;
        voided.push(Posting { grant: number, change: share });
    }
    Ok(voided)
}

/// Posts a change of a bonus that follows its purchase out, or back in.
pub fn post_bonus(
    ws: &mut Workset,
    org: OrgId,
    posting: Posting,
    at: Timestamp,
) -> Result<(), Refusal> {
    let draft = Draft {
        subject: posting.grant,
        postings: vec![posting],
        ..Draft::new(TransactionKind::BonusVoid, at, posting.change.negated())
    };
    post(ws, org, draft).map(|_| ())
}

/// Takes `amount` out of purchased credit whatever is left of it, because the money has gone: from
/// its own grant first, then from other purchased grants in burn order. Returns what each gave and
/// what none could, which is debt.
pub fn claw_back(
    wallet: &mut Wallet,
    purchase: Option<i64>,
    amount: Amount,
) -> (Vec<Posting>, Amount) {
    let mut postings = Vec::new();
    let own = |grant: &OpenGrant| Some(grant.number) == purchase;
    let missing = wallet.grants.draw_from(amount, &mut postings, own);
    let missing = wallet.grants.draw_from(missing, &mut postings, OpenGrant::is_purchased);
    (postings, missing)
}

/// The amounts taken by `postings`, as positive parts.
pub fn parts_of(postings: &[Posting]) -> Vec<Posting> {
    let part = |it: &Posting| Posting { grant: it.grant, change: it.change.negated() };
    postings.iter().map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grant::{GrantKind, PRIORITY_DEFAULT};
    use crate::testkit::{at, founded_with, left, org, parts, take, units};

    fn purchase(number: i64, units: i64, reserved: i64) -> OpenGrant {
        OpenGrant {
            number,
            kind: GrantKind::Purchased,
            priority: PRIORITY_DEFAULT,
            expires_at: Timestamp::NEVER,
            purchase: None,
            remaining: Amount::from_units(units),
            reserved: Amount::from_units(reserved),
            scope: None,
        }
    }

    fn wallet(grants: Vec<OpenGrant>, debt: i64) -> Wallet {
        let org = OrgId::new(1, 1 << 60);
        let mut wallet = Wallet::new(org, org, Timestamp::ZERO);
        grants.into_iter().for_each(|grant| wallet.grants.insert(grant));
        wallet.debt = Amount::from_units(debt);
        wallet
    }

    #[test]
    fn customers_have_what_the_policy_says_and_operators_decide() {
        let paid_at = Timestamp::from_seconds(1_000);
        let check = |policy, asked_by, seconds, code| {
            let now = Timestamp::from_seconds(seconds);
            let refusal = require_policy(policy, asked_by, paid_at, now).err();
            assert_eq!(refusal.map(|it| it.code()), code, "{policy:?} {asked_by:?} at {seconds}");
        };
        check(RefundPolicy::None, AskedBy::Customer, 1_000, Some("not_in_profile"));
        check(RefundPolicy::None, AskedBy::Operator, 1_000, None);
        check(RefundPolicy::Unspent, AskedBy::Customer, 9_000, None);
        check(RefundPolicy::Within(60), AskedBy::Customer, 1_059, None);
        check(RefundPolicy::Within(60), AskedBy::Customer, 1_060, Some("refund_too_late"));
        check(RefundPolicy::Within(60), AskedBy::Operator, 9_000, None);
    }

    #[test]
    fn what_can_be_refunded_is_unspent_and_neither_held_nor_owed() {
        let profile = Profile::default();
        let check = |grants: Vec<OpenGrant>, debt, expected| {
            let wallet = wallet(grants, debt);
            let found = refundable(&wallet, &profile, Some(1), Timestamp::ZERO);
            assert_eq!(found, Amount::from_units(expected), "{wallet:?}");
        };
        check(vec![purchase(1, 20, 0), purchase(2, 30, 0)], 0, 20);
        check(vec![purchase(1, 20, 8)], 0, 12);
        check(vec![purchase(1, 20, 0)], 1, 0);
        check(vec![purchase(2, 30, 0)], 0, 0);
        check(vec![], 0, 0);
    }

    #[test]
    fn money_that_has_gone_is_taken_from_its_purchase_first() {
        let mut wallet = wallet(vec![purchase(1, 5, 1), purchase(2, 3, 0), purchase(3, 2, 0)], 0);
        let (postings, missing) = claw_back(&mut wallet, Some(3), Amount::from_units(12));
        let taken: Vec<(i64, Amount)> =
            postings.iter().map(|it| (it.grant, it.change.negated())).collect();
        let units = Amount::from_units;
        assert_eq!(taken, [(3, units(2)), (1, units(4)), (2, units(3))]);
        assert_eq!(missing, units(3));
        assert_eq!(wallet.grants.remaining(), wallet.grants.reserved());
    }

    #[test]
    fn a_share_is_rounded_once() {
        let nanos = Amount::from_nanos;
        assert_eq!(share_round_half_even(nanos(10), nanos(1), nanos(3)), nanos(3));
        assert_eq!(share_round_half_even(nanos(10), nanos(1), nanos(4)), nanos(2));
        assert_eq!(share_round_half_even(nanos(7), nanos(3), nanos(3)), nanos(7));
        assert_eq!(share_round_half_even(nanos(7), nanos(1), nanos(0)), nanos(7));
    }

    #[test]
    fn a_bonus_goes_with_its_purchase_as_far_as_it_is_there() {
        let mut ws = founded_with("");
        let void = |ws: &mut Workset, purchase, part: i64| {
            void_bonus(ws, org(), purchase, (units(part), units(20)), at(7)).unwrap()
        };
        assert_eq!(void(&mut ws, None, 10), []);
        assert_eq!(void(&mut ws, Some(3), 10), []);
        assert_eq!(parts(&void(&mut ws, Some(1), 10)), [(2, units(2))]);
        take(&mut ws, 2, 1);
        assert_eq!(parts(&void(&mut ws, Some(1), 10)), [(2, units(1))]);
        assert_eq!(void(&mut ws, Some(1), 10), []);
        let rows: Vec<_> = ws.journal().iter().map(|row| (row.kind, row.subject)).collect();
        assert_eq!(rows, [(TransactionKind::BonusVoid, 2); 2]);
        assert_eq!(parts(&ws.journal()[0].postings), [(2, units(-2))]);
        assert_eq!(ws.journal()[0].amount, units(2));
        assert_eq!(left(&ws), [(1, units(20)), (3, units(10)), (4, units(5))]);
    }

    #[test]
    fn parts_are_what_postings_took() {
        let postings = [Posting { grant: 3, change: units(-2) }];
        assert_eq!(parts(&parts_of(&postings)), [(3, units(2))]);
    }

    #[test]
    fn states_are_stored_and_named() {
        for (state, code) in RefundState::ALL.into_iter().zip(1..) {
            assert_eq!((state.code(), RefundState::from_code(code)), (code, Some(state)));
        }
        assert_eq!(RefundState::from_code(4), None);
        assert_eq!(RefundState::ALL.map(RefundState::name), ["pending", "succeeded", "failed"]);
    }
}
