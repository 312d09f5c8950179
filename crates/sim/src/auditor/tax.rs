//! Tax on top of deposits (rulings R19): what it is of money that comes in, and of the parts of it
//! that go back.

use super::commands::{Told, refused};
use super::purse::{Purse, half_even, second_of};
use super::returns::Payment;
use super::terms::Terms;

const CENT: i128 = 10_000_000;
const WHOLE: i128 = 10_000;

/// So many parts of an amount, in whole cents: rails move nothing smaller.
fn cents(amount: i128, (part, of): (i128, i128)) -> i128 {
    half_even(amount * part, of * CENT) * CENT
}

/// The tax that goes back with `part` of a `whole`, when `before` went back with `returned` tax:
/// all parts together carry the whole tax.
pub fn going_back(
    (tax, whole): (i128, i128),
    (before, returned): (i128, i128),
    part: i128,
) -> i128 {
    let due = cents(tax, (before + part, whole));
    (due - returned).clamp(0, tax - returned)
}

impl Payment {
    /// What the payer pays.
    pub fn charged(&self) -> i128 {
        self.amount + self.tax
    }

    /// What of the money is still here.
    pub fn money_left(&self) -> i128 {
        self.charged() - self.refunded - self.refunded_tax - self.withdrawn
    }

    fn credit_left(&self) -> i128 {
        self.amount - self.refunded - (self.withdrawn - self.withdrawn_tax)
    }

    fn returned_tax(&self) -> i128 {
        self.refunded_tax + self.withdrawn_tax
    }

    /// The tax that goes back with so much credit.
    pub fn tax_of_credit(&self, credit: i128) -> i128 {
        let before = self.amount - self.credit_left();
        going_back((self.tax, self.amount), (before, self.returned_tax()), credit)
    }

    /// The tax in so much money that goes back; what is more than the credit that is left is tax.
    pub fn tax_of_money(&self, money: i128) -> i128 {
        let before = self.charged() - self.money_left();
        let tax = going_back((self.tax, self.charged()), (before, self.returned_tax()), money);
        tax.min(money).max(money - self.credit_left())
    }
}

impl Purse {
    /// Sets the rate for deposits that are started from now on.
    pub fn set_tax(&mut self, terms: &Terms, bps: i64, now: i64) -> Told {
        if !terms.taxes && bps != 0 {
            return refused("not_in_profile");
        }
        let bps = i128::from(bps);
        if !(0..=WHOLE).contains(&bps) {
            return refused("tax_rate_out_of_range");
        }
        self.settle(terms, second_of(now));
        self.tax = bps;
        "tax".into()
    }

    /// The tax on a deposit of so much credit.
    pub fn tax_on(&self, credit: i128) -> i128 {
        cents(credit, (self.tax, WHOLE))
    }

    /// Books tax that came with money.
    pub fn take_tax(&mut self, tax: i128) {
        self.book("cash", -tax);
        self.book("tax", tax);
    }
}
