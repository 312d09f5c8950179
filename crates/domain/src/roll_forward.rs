//! The roll-forward of deferred revenue: what a platform owed its customers out of their grants at
//! the beginning of a month, what changed it, and what it owed at the end (requirements N23).
//!
//! Laws: opening and changes add up to closing, for each kind of grant; the closing of a month that
//! has not ended is the sum of the open grants, to the nano; the closing of a month is the opening
//! of the next. Movements count when they were posted (rulings R22); time that was settled at the
//! very end of a month is of that month, as in statements.

use crate::grant::{GrantKind, OpenGrants};
use crate::ledger::{LedgerTransaction, TransactionKind};
use crate::rate::amount_round_half_even;
use crate::tax::is_inside;
use crate::{Amount, Timestamp};

/// A calendar month of UTC, `[start, end)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Month {
    pub start: Timestamp,
    pub end: Timestamp,
}

impl Month {
    /// Reads `2026-01`.
    pub fn parse(text: &str) -> Option<Month> {
        let is_plain = text.len() == 7 && text.bytes().all(|it| it.is_ascii_digit() || it == b'-');
        let (year, month) = text.split_once('-').filter(|_| is_plain)?;
        let (year, month): (i64, i64) = (year.parse().ok()?, month.parse().ok()?);
        let (next_year, next) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
        let start =
            |year: i64, month: i64| Timestamp::parse(&format!("{year:04}-{month:02}-01T00:00:00Z"));
        Some(Month { start: start(year, month)?, end: start(next_year, next)? })
    }

    /// The month that `at` lies in.
    pub fn of(at: Timestamp) -> Option<Month> {
        Month::parse(at.to_string().get(..7)?)
    }
}

/// Why the value of grants changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Movement {
    /// Paid for.
    Purchased,
    /// Given by the operator.
    Given,
    /// Used, which is when revenue is earned; without the tax in it.
    Drawn,
    /// The tax in what was used, where it is due then (rulings R19).
    Taxed,
    /// Given back by a correction.
    Restored,
    /// Expired, or left when its organization was closed: breakage where it was paid for.
    Expired,
    Voided,
    /// Left for a refund, or came back because the refund failed.
    Refunded,
    /// Taken by a dispute, or returned by one.
    Disputed,
    /// Paid debt.
    Offset,
}

impl Movement {
    pub const ALL: [Movement; 10] = [
        Movement::Purchased,
        Movement::Given,
        Movement::Drawn,
        Movement::Taxed,
        Movement::Restored,
        Movement::Expired,
        Movement::Voided,
        Movement::Refunded,
        Movement::Disputed,
        Movement::Offset,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Movement::Purchased => "purchased",
            Movement::Given => "given",
            Movement::Drawn => "drawn",
            Movement::Taxed => "taxed",
            Movement::Restored => "restored",
            Movement::Expired => "expired",
            Movement::Voided => "voided",
            Movement::Refunded => "refunded",
            Movement::Disputed => "disputed",
            Movement::Offset => "offset",
        }
    }

    /// The movement that a transaction of `kind` is.
    pub const fn of(kind: TransactionKind) -> Movement {
        match kind {
            // A fee moves no grant, nor does what is in suspense, and a commitment nothing between
            // kinds of them.
            TransactionKind::Deposit
            | TransactionKind::Fee
            | TransactionKind::Commitment
            | TransactionKind::Arrival
            | TransactionKind::ArrivalCredited
            | TransactionKind::ArrivalReturned => Movement::Purchased,
            TransactionKind::Grant => Movement::Given,
            TransactionKind::Charge
            | TransactionKind::Settlement
            | TransactionKind::Capture
            | TransactionKind::Block
            | TransactionKind::Request => Movement::Drawn,
            TransactionKind::Correction
            | TransactionKind::Reversal
            | TransactionKind::BlockReversal => Movement::Restored,
            TransactionKind::Expiry | TransactionKind::Forfeiture | TransactionKind::Renewal => {
                Movement::Expired
            }
            TransactionKind::Void | TransactionKind::BonusVoid => Movement::Voided,
            TransactionKind::Refund
            | TransactionKind::RefundPaid
            | TransactionKind::RefundFailed => Movement::Refunded,
            TransactionKind::Withdrawal | TransactionKind::Reinstatement => Movement::Disputed,
            TransactionKind::Offset => Movement::Offset,
        }
    }
}

/// Kinds of grant, in the order of the report.
pub const KINDS: [GrantKind; 4] =
    [GrantKind::Purchased, GrantKind::Promotional, GrantKind::Bonus, GrantKind::Trial];

/// One kind of grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    pub kind: GrantKind,
    pub opening: Amount,
    /// In the order of [`Movement::ALL`]; what is used or lost is negative.
    pub changes: [Amount; 10],
    pub closing: Amount,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RollForward {
    pub month: Month,
    pub lines: [Line; 4],
}

impl RollForward {
    pub fn new(month: Month) -> RollForward {
        let line = |kind| Line {
            kind,
            opening: Amount::ZERO,
            changes: [Amount::ZERO; 10],
            closing: Amount::ZERO,
        };
        RollForward { month, lines: KINDS.map(line) }
    }

    /// Adds one organization: its open grants as they are now, and all that was posted since the
    /// month began. Nothing when a sum is beyond the range of an amount.
    pub fn add(
        &mut self,
        open: &OpenGrants,
        journal: &[LedgerTransaction],
        kind_of: impl Fn(i64) -> GrantKind,
    ) -> Option<()> {
        for line in &mut self.lines {
            let of_kind = open.iter().filter(|grant| grant.kind == line.kind);
            let mut closing: Amount = of_kind.map(|grant| grant.remaining).sum();
            let mut changed = Amount::ZERO;
            for row in journal.iter().filter(|row| row.counted_at() >= self.month.start) {
                let of_kind =
                    row.postings.iter().filter(|posting| kind_of(posting.grant) == line.kind);
                let change: Amount = of_kind.map(|posting| posting.change).sum();
                if row.counted_at() >= self.month.end {
                    closing = closing.checked_sub(change)?;
                    continue;
                }
                changed = changed.checked_add(change)?;
                let taxed = taxed_round_half_even(row, line.kind, change);
                let parts =
                    [(Movement::of(row.kind), change.minus(taxed)), (Movement::Taxed, taxed)];
                for (movement, part) in parts {
                    let sum = &mut line.changes[place(movement)];
                    *sum = sum.checked_add(part)?;
                }
            }
            line.closing = line.closing.checked_add(closing)?;
            line.opening = line.opening.checked_add(closing.checked_sub(changed)?)?;
        }
        Some(())
    }
}

/// The tax in what a charge changed in grants of `kind`: purchased credit and debt bear it by what
/// each paid, and given credit bears none.
fn taxed_round_half_even(row: &LedgerTransaction, kind: GrantKind, change: Amount) -> Amount {
    if row.tax.is_none() || !is_inside(row.kind) || kind != GrantKind::Purchased {
        return Amount::ZERO;
    }
    let paid = change.negated();
    let (part, of) = (paid.nanos(), paid.plus(row.debt).nanos());
    let exact = i128::from(row.tax.amount.nanos()) * i128::from(part) * i128::from(of.signum());
    let share = amount_round_half_even(exact, i128::from(of).abs().max(1));
    share.unwrap_or(row.tax.amount).negated()
}

fn place(movement: Movement) -> usize {
    Movement::ALL.iter().position(|known| *known == movement).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_are_those_of_the_calendar() {
        let check = |text: &str, end: &str| {
            let month = Month::parse(text).unwrap();
            assert_eq!(
                (month.start.to_string(), month.end.to_string()),
                (format!("{text}-01T00:00:00Z"), format!("{end}-01T00:00:00Z"),)
            );
            assert_eq!(Month::of(month.start), Some(month));
            assert_ne!(Month::of(month.end), Some(month));
        };
        check("2026-01", "2026-02");
        check("2026-12", "2027-01");
        for bad in ["", "2026", "2026-00", "2026-13", "2026-1", "26-01-1", "x026-01", "2026-+1"] {
            assert_eq!(Month::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn movements_have_their_place() {
        for (at, movement) in Movement::ALL.into_iter().enumerate() {
            assert_eq!(place(movement), at);
        }
    }
}
