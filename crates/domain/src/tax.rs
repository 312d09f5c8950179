//! Tax: due when money comes in, or when credit is used (rulings R19, requirements N18).
//!
//! Laws: a split conserves every nano; credit never contains tax that was paid on top of it; what
//! goes back of a payment in parts carries the same tax as the whole would; who never paid owes no
//! tax, so that given credit and what the operator bears carry none.
//!
//! Under `deposit` a payment is credit and tax on top of it: a rail moves whole cents, so the tax
//! is rounded to them, once. Under `consumption` prices include the tax, and the part of a charge
//! that purchased credit and debt pay for is split, to the nano.

use crate::Amount;
use crate::amount::NANOS_PER_CENT;
use crate::ledger::TransactionKind;
use crate::rate::{BPS_PER_ONE, amount_round_half_even, divide_round_half_even};
use crate::settle::Draft;
use crate::wallet::Wallet;

/// The rate of an organization, as its operator set it, and where it applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaxRate {
    pub bps: i64,
    pub due: TaxDue,
}

/// The tax point of the platform when the rate was set: credit that was taxed when it was bought is
/// not taxed again because a setting changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaxDue {
    OnDeposit,
    /// `left` is the purchased credit that the last ledger transaction left: the difference to what
    /// is left after the next is what it drew, because grants that are used up are gone by then.
    OnUse {
        left: Amount,
    },
}

/// The tax in one movement, and the rate that it was computed by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tax {
    pub amount: Amount,
    pub bps: i64,
}

impl Tax {
    pub fn negated(self) -> Tax {
        Tax { amount: self.amount.negated(), ..self }
    }

    pub fn is_none(self) -> bool {
        self.amount.is_zero()
    }
}

/// Whether `bps` is a rate that can be set.
pub fn is_rate(bps: i64) -> bool {
    (0..=BPS_PER_ONE).contains(&bps)
}

/// The tax on top of a deposit of `credit`, in whole cents.
pub fn on_deposit(rate: Option<TaxRate>, credit: Amount) -> Tax {
    let Some(TaxRate { bps, due: TaxDue::OnDeposit }) = rate else { return Tax::default() };
    let exact = i128::from(credit.nanos()) * i128::from(bps);
    let cent = i128::from(NANOS_PER_CENT);
    let cents = divide_round_half_even(exact, i128::from(BPS_PER_ONE) * cent);
    let amount = i64::try_from(cents * cent).map_or(Amount::MAX, Amount::from_nanos);
    Tax { amount, bps }
}

/// The tax in `money` that was paid in, in whole cents.
pub fn inside_money(money: Amount, bps: i64) -> Amount {
    let exact = i128::from(money.nanos()) * i128::from(bps);
    let cent = i128::from(NANOS_PER_CENT);
    let cents = divide_round_half_even(exact, i128::from(BPS_PER_ONE + bps) * cent);
    i64::try_from(cents * cent).map_or(money, Amount::from_nanos).min(money)
}

/// The tax that `paid` contains, to the nano.
pub fn inside_round_half_even(paid: Amount, bps: i64) -> Amount {
    let exact = i128::from(paid.nanos()) * i128::from(bps);
    amount_round_half_even(exact, i128::from(BPS_PER_ONE + bps)).unwrap_or(paid)
}

/// The tax in the next `part` of what goes back, after `before` of the `whole` that `tax` is of
/// went back with `returned` tax: whole cents, and exactly the rest with the last part.
pub fn going_back(
    (tax, whole): (Amount, Amount),
    (before, returned): (Amount, Amount),
    part: Amount,
) -> Amount {
    let cent = i128::from(NANOS_PER_CENT);
    let exact = i128::from(tax.nanos()) * i128::from(before.plus(part).nanos());
    let cents = divide_round_half_even(exact, i128::from(whole.nanos()).max(1) * cent);
    let due = i64::try_from(cents * cent).map_or(tax, Amount::from_nanos);
    due.minus(returned).or_zero().min(tax.minus(returned))
}

/// The tax in the next `part` of a charge that is taken back, after `before` of the `whole` that
/// `tax` is of was; all parts together give back the whole tax.
pub fn given_back(tax: Amount, whole: Amount, before: Amount, part: Amount) -> Amount {
    let upto = |sum: Amount| {
        let exact = i128::from(tax.nanos()) * i128::from(sum.nanos());
        amount_round_half_even(exact, i128::from(whole.nanos()).max(1)).unwrap_or(tax)
    };
    upto(before.plus(part)).minus(upto(before))
}

/// Gives `draft` its tax where `wallet` owes tax on use, from the purchased credit that it drew and
/// the debt that it left. What takes a charge back says its tax itself.
pub(crate) fn note_use(wallet: &mut Wallet, draft: &mut Draft) {
    let purchased = wallet.grants.purchased();
    let Some(TaxRate { bps, due: TaxDue::OnUse { left } }) = &mut wallet.tax else { return };
    let drawn = left.minus(purchased);
    *left = purchased;
    if draft.kind.is_charged() && !draft.kind.gives_back() {
        let amount = inside_round_half_even(drawn.plus(draft.debt), *bps);
        draft.tax = if amount.is_zero() { Tax::default() } else { Tax { amount, bps: *bps } };
    }
}

/// Whether the tax of a transaction of `kind` is a part of its amount; otherwise it comes on top.
pub const fn is_inside(kind: TransactionKind) -> bool {
    kind.is_charged()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amount(text: &str) -> Amount {
        Amount::parse(text).unwrap()
    }

    #[test]
    fn a_deposit_is_credit_and_tax_in_whole_cents() {
        let check = |credit: &str, bps, expected: &str| {
            let rate = TaxRate { bps, due: TaxDue::OnDeposit };
            assert_eq!(
                on_deposit(Some(rate), amount(credit)),
                Tax { amount: amount(expected), bps }
            );
        };
        check("20.00", 2_000, "4.00");
        check("20.01", 2_000, "4.00");
        check("20.03", 2_000, "4.01");
        check("0.10", 500, "0.00");
        check("0.30", 500, "0.02");
        check("9.99", 10_000, "9.99");
        let used = TaxRate { bps: 2_000, due: TaxDue::OnUse { left: Amount::ZERO } };
        assert_eq!(on_deposit(Some(used), amount("20.00")), Tax::default());
        assert_eq!(on_deposit(None, amount("20.00")), Tax::default());
    }

    #[test]
    fn a_price_contains_its_tax() {
        let check = |paid: &str, bps, expected: &str| {
            assert_eq!(inside_round_half_even(amount(paid), bps), amount(expected));
        };
        check("12.00", 2_000, "2.00");
        check("1.00", 2_000, "0.166666667");
        check("0.000000001", 1_900, "0.00");
        check("-12.00", 2_000, "-2.00");
        check("5.00", 0, "0.00");
    }

    /// A generator of its own: splitmix64.
    fn numbers(seed: u64) -> impl FnMut(i64) -> i64 {
        let mut state = seed;
        move |below| {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = state;
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            mixed ^= mixed >> 31;
            i64::try_from(mixed >> 1).unwrap() % below
        }
    }

    #[test]
    fn law_the_tax_of_the_parts_is_the_tax_of_the_whole() {
        let mut next = numbers(19);
        for _ in 0..2_000 {
            let cents = |count: i64| Amount::from_nanos(count * NANOS_PER_CENT);
            let whole = cents(1 + next(100_000));
            let rate = TaxRate { bps: next(BPS_PER_ONE + 1), due: TaxDue::OnDeposit };
            let tax = on_deposit(Some(rate), whole).amount;
            let (mut gone, mut returned) = (Amount::ZERO, Amount::ZERO);
            while gone < whole {
                let left = whole.minus(gone);
                let part = cents(1 + next(100_000)).min(left);
                let share = going_back((tax, whole), (gone, returned), part);
                assert!(!share.is_negative());
                assert_eq!(share.nanos() % NANOS_PER_CENT, 0);
                (gone, returned) = (gone.plus(part), returned.plus(share));
            }
            assert_eq!(returned, tax);
        }
    }

    #[test]
    fn law_what_is_taken_back_of_a_charge_in_parts_takes_back_its_tax() {
        let mut next = numbers(23);
        for _ in 0..2_000 {
            let whole = Amount::from_nanos(1 + next(1_000_000));
            let tax = inside_round_half_even(whole, next(BPS_PER_ONE + 1));
            assert!(!tax.is_negative() && tax <= whole);
            let (mut gone, mut returned) = (Amount::ZERO, Amount::ZERO);
            while gone < whole {
                let part = Amount::from_nanos(1 + next(400_000)).min(whole.minus(gone));
                returned = returned.plus(given_back(tax, whole, gone, part));
                gone = gone.plus(part);
            }
            assert_eq!(returned, tax);
        }
    }
}
