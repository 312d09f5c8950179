//! The statement of a wallet for a month: what it held, what came in, what was used by SKU, what
//! went back or expired, and what it held at the end (rulings R22, R23).
//!
//! Laws: opening and lines add up to closing, to the nano; the closing of a month is the opening of
//! the next; the lines of what is used, with `adjustments`, add up to what the ledger charged.
//! Movements count when they were posted; time that was settled at the very end of a month is of
//! that month. Months are those of UTC.
//!
//! `adjustments` is what was charged for running time beyond the sum of the runs: fractions of a
//! nano for each run (rulings R3), and what was reported in another month than it ran in.

use std::collections::{BTreeMap, BTreeSet};

use crate::ledger::{LedgerTransaction, TransactionKind};
use crate::price::PriceBook;
use crate::profile::BillRounding;
use crate::roll_forward::Month;
use crate::run::Run;
use crate::{Amount, Timestamp};

/// The instant by whose version of the profile `month` is billed: its last, or the present while it
/// is not over (requirements C23).
pub fn billed_at(month: Month, now: Timestamp) -> Timestamp {
    now.min(Timestamp::from_micros(month.end.micros() - 1))
}

/// What a line of a statement is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Item {
    Purchased,
    Given,
    /// Used of a SKU, by its code.
    Used(String),
    /// Captured holds, which name no SKU.
    Captured,
    Adjustments,
    /// Use that the operator bears.
    Absorbed,
    Refunded,
    Disputed,
    Expired,
    Voided,
}

impl Item {
    pub const fn name(&self) -> &'static str {
        match self {
            Item::Purchased => "purchased",
            Item::Given => "given",
            Item::Used(_) => "used",
            Item::Captured => "captured",
            Item::Adjustments => "adjustments",
            Item::Absorbed => "absorbed",
            Item::Refunded => "refunded",
            Item::Disputed => "disputed",
            Item::Expired => "expired",
            Item::Voided => "voided",
        }
    }

    /// The SKU of a line of use.
    pub fn sku(&self) -> Option<&str> {
        match self {
            Item::Used(code) => Some(code),
            _ => None,
        }
    }

    /// Whether it is a part of what was used, at price.
    pub const fn is_use(&self) -> bool {
        matches!(self, Item::Used(_) | Item::Captured | Item::Adjustments)
    }
}

/// The rows that a statement is made of.
#[derive(Clone, Copy, Debug)]
pub struct Posted<'a> {
    /// All that was posted since the month began, in any order.
    pub journal: &'a [LedgerTransaction],
    /// All that ran since the first of it was used.
    pub runs: &'a [Run],
    pub book: &'a PriceBook,
    /// The posted balance now.
    pub posted: Amount,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    pub month: Month,
    pub opening: Amount,
    /// In the order of [`Item`]; what left the wallet is negative, and there are no empty ones.
    pub lines: Vec<(Item, Amount)>,
    /// The tax in what was used (rulings R19), and its rate; none where there were several.
    pub tax: Amount,
    pub tax_bps: i64,
    /// The tax on top of what was purchased, less that of what went back.
    pub tax_on_top: Amount,
    pub closing: Amount,
}

impl Statement {
    /// Adds up `month`.
    pub fn of(month: Month, posted: Posted<'_>) -> Statement {
        let mut sums: BTreeMap<Item, Amount> = BTreeMap::new();
        let mut add = |item: Item, amount: Amount| {
            let sum = sums.entry(item).or_default();
            *sum = sum.plus(amount);
        };
        let (mut closing, mut changed) = (posted.posted, Amount::ZERO);
        let (mut time, mut spans) = (Amount::ZERO, Vec::new());
        let (mut tax, mut tax_on_top) = (Amount::ZERO, Amount::ZERO);
        let mut rates = BTreeSet::new();
        for row in posted.journal {
            let (at, change) = (row.counted_at(), change_of(row));
            if at >= month.end {
                closing = closing.minus(change);
            }
            if at < month.start || at >= month.end {
                continue;
            }
            changed = changed.plus(change);
            add(Item::Absorbed, row.absorbed);
            if row.kind.is_charged() {
                tax = tax.plus(row.tax.amount);
                rates.extend((!row.tax.is_none()).then_some(row.tax.bps));
            }
            match row.kind {
                TransactionKind::Settlement | TransactionKind::Correction => {
                    time = time.plus(row.amount);
                    spans.extend(row.span.as_ref().map(|span| (span.from, row.at)));
                }
                kind if kind.is_charged() => add(posted.item_of(row), row.amount.negated()),
                kind => {
                    if let Some(item) = item_of_money(kind) {
                        add(item, change);
                    }
                    tax_on_top = tax_on_top.plus(on_top(row));
                }
            }
        }
        let ran = posted.ran(&spans);
        let all: Amount = ran.iter().map(|(_, cost)| *cost).sum();
        for (item, cost) in ran {
            add(item, cost.negated());
        }
        add(Item::Adjustments, all.minus(time));
        let lines = sums.into_iter().filter(|(_, amount)| !amount.is_zero()).collect();
        let tax_bps = rates.first().copied().filter(|_| rates.len() == 1).unwrap_or(0);
        let opening = closing.minus(changed);
        Statement { month, opening, lines, tax, tax_bps, tax_on_top, closing }
    }

    /// What grants and debt paid for what was used: without what the operator bears.
    pub fn billed(&self) -> Amount {
        let absorbed = self.lines.iter().filter(|(item, _)| *item == Item::Absorbed);
        self.used().minus(absorbed.map(|(_, amount)| *amount).sum())
    }

    /// What was used, at price; not below zero unless more was taken back.
    pub fn used(&self) -> Amount {
        let lines = self.lines.iter().filter(|(item, _)| item.is_use());
        lines.map(|(_, amount)| amount.negated()).sum()
    }
}

impl Posted<'_> {
    /// What a charge that is not for accrued time was for.
    fn item_of(&self, row: &LedgerTransaction) -> Item {
        let of_run = || self.runs.iter().find(|run| run.number == row.subject).map(|run| run.sku);
        let sku = match (row.kind, row.lines.first()) {
            (TransactionKind::Block | TransactionKind::BlockReversal, _) => of_run(),
            (_, Some(line)) => {
                let mut prices = self.book.prices();
                prices.find(|price| price.number == line.price).map(|price| price.sku)
            }
            (_, None) => None,
        };
        sku.map_or(Item::Captured, |sku| self.used_of(sku))
    }

    fn used_of(&self, sku: i64) -> Item {
        Item::Used(self.book.sku(sku).map(|sku| sku.code.clone()).unwrap_or_default())
    }

    /// What each run whose time accrues cost in `spans`.
    fn ran(&self, spans: &[(Timestamp, Timestamp)]) -> Vec<(Item, Amount)> {
        let spans = joined(spans.to_vec());
        let accruing = self.runs.iter().filter(|run| run.paid.is_none());
        let cost = |run: &Run| {
            let parts = spans
                .iter()
                .map(|&(from, until)| run.cost_before(until).minus(run.cost_before(from)));
            (self.used_of(run.sku), parts.sum())
        };
        accruing.map(cost).collect()
    }
}

/// Spans that follow each other, made one, so that the parts of a run telescope.
fn joined(mut spans: Vec<(Timestamp, Timestamp)>) -> Vec<(Timestamp, Timestamp)> {
    spans.sort_unstable();
    let mut joined: Vec<(Timestamp, Timestamp)> = Vec::new();
    for (from, until) in spans {
        match joined.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(until),
            _ => joined.push((from, until)),
        }
    }
    joined
}

fn change_of(row: &LedgerTransaction) -> Amount {
    let changes: Amount = row.postings.iter().map(|posting| posting.change).sum();
    changes.minus(row.debt)
}

/// The line that a movement of money or grants belongs to; none where it leaves the balance alone.
fn item_of_money(kind: TransactionKind) -> Option<Item> {
    match kind {
        TransactionKind::Deposit | TransactionKind::ArrivalCredited => Some(Item::Purchased),
        TransactionKind::Grant => Some(Item::Given),
        TransactionKind::Refund | TransactionKind::RefundFailed => Some(Item::Refunded),
        TransactionKind::Withdrawal | TransactionKind::Reinstatement => Some(Item::Disputed),
        TransactionKind::Expiry | TransactionKind::Forfeiture | TransactionKind::Renewal => {
            Some(Item::Expired)
        }
        TransactionKind::Void | TransactionKind::BonusVoid => Some(Item::Voided),
        TransactionKind::RefundPaid
        | TransactionKind::Fee
        | TransactionKind::Arrival
        | TransactionKind::ArrivalReturned
        | TransactionKind::Offset
        | TransactionKind::Commitment
        | TransactionKind::Charge
        | TransactionKind::Settlement
        | TransactionKind::Capture
        | TransactionKind::Correction
        | TransactionKind::Reversal
        | TransactionKind::Block
        | TransactionKind::BlockReversal
        | TransactionKind::Request => None,
    }
}

/// The tax that came in on top of a movement of money, or went back.
fn on_top(row: &LedgerTransaction) -> Amount {
    match row.kind {
        TransactionKind::Deposit
        | TransactionKind::ArrivalCredited
        | TransactionKind::RefundFailed
        | TransactionKind::Reinstatement => row.tax.amount,
        TransactionKind::Refund | TransactionKind::Withdrawal => row.tax.amount.negated(),
        _ => Amount::ZERO,
    }
}

/// An amount of a bill as it is shown: two decimals, by the platform's setting (rulings R23).
/// Nothing is ever computed from it.
pub fn shown(amount: Amount, rounding: BillRounding) -> String {
    match rounding {
        BillRounding::HalfUp => amount.half_up_to_cents(),
        BillRounding::Down => amount.cut_to_cents(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bill_is_rounded_by_the_setting() {
        let check = |amount: &str, half_up: &str, down: &str| {
            let amount = Amount::parse(amount).unwrap();
            assert_eq!(shown(amount, BillRounding::HalfUp), half_up);
            assert_eq!(shown(amount, BillRounding::Down), down);
        };
        check("9.435", "9.44", "9.43");
        check("3.206111111", "3.21", "3.20");
        check("-9.435", "-9.44", "-9.43");
        check("0.004999999", "0.00", "0.00");
        check("0.005", "0.01", "0.00");
        check("-0.004", "0.00", "0.00");
        check("9223372036.854775807", "9223372036.85", "9223372036.85");
        check("1.999", "2.00", "1.99");
    }

    #[test]
    fn spans_that_touch_are_one() {
        let at = Timestamp::from_seconds;
        let spans = vec![(at(20), at(30)), (at(0), at(10)), (at(10), at(15)), (at(12), at(16))];
        assert_eq!(joined(spans), [(at(0), at(16)), (at(20), at(30))]);
    }
}
