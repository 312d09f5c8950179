//! The periods of a settlement, recomputed from its one row (rulings A8).
//!
//! Law: the periods of a settlement join without gaps and sum to it, whatever it stands for.

use crate::ledger::{LedgerTransaction, SpanMeter, TransactionKind};
use crate::rate::{denominator, divide_round_half_even};
use crate::{Amount, Timestamp};

/// A part of a settlement: what `[from, until)` cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    pub from: Timestamp,
    pub until: Timestamp,
    pub amount: Amount,
}

/// The periods that `row` stands for; none when it is no settlement. Time that was reported late,
/// from before the span, is in the first one.
pub fn periods(row: &LedgerTransaction) -> Vec<Period> {
    let Some(span) = row.span.as_ref().filter(|_| row.kind == TransactionKind::Settlement) else {
        return Vec::new();
    };
    if span.meters.is_empty() || span.from >= row.at {
        return vec![Period { from: span.from, until: row.at, amount: row.amount }];
    }
    let last = total_round_half_even(&span.meters, row.at.seconds_since(span.from));
    let mut periods = Vec::new();
    let (mut from, mut before) = (span.from, Amount::ZERO);
    while from < row.at {
        let until = from.plus_seconds(1).ceil_to_multiple(span.every_seconds).min(row.at);
        let total = total_round_half_even(&span.meters, until.seconds_since(span.from));
        let rest = Amount::from_nanos(i64::try_from(last - total).unwrap_or(i64::MAX));
        let so_far = row.amount.minus(rest);
        periods.push(Period { from, until, amount: so_far.minus(before) });
        (from, before) = (until, so_far);
    }
    periods
}

fn total_round_half_even(meters: &[SpanMeter], seconds: i64) -> i128 {
    let total = |meter: &SpanMeter| {
        let exact = meter.sum + meter.rate * i128::from(seconds);
        divide_round_half_even(exact, denominator(meter.per_units))
    };
    meters.iter().map(total).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::OrgId;
    use crate::ledger::{ChainHash, Span};
    use crate::tax::Tax;

    fn settlement(from: i64, at: i64, amount: i64, meters: Vec<SpanMeter>) -> LedgerTransaction {
        LedgerTransaction {
            org: OrgId::new(1, 2),
            number: 1,
            position: 1,
            prev: 0,
            kind: TransactionKind::Settlement,
            at: Timestamp::from_seconds(at),
            occurred_at: None,
            subject: 0,
            labels: 0,
            limit: 0,
            amount: Amount::from_nanos(amount),
            postings: Vec::new(),
            absorbed: Amount::ZERO,
            debt: Amount::ZERO,
            tax: Tax::default(),
            balance: Amount::ZERO,
            fingerprint: 0,
            event: None,
            lines: Vec::new(),
            discount_bps: 0,
            span: Some(Span { from: Timestamp::from_seconds(from), every_seconds: 60, meters }),
            hash: ChainHash::default(),
        }
    }

    fn check(row: &LedgerTransaction, expected: &[(i64, i64, i64)]) {
        let period = |period: &Period| {
            (period.from.seconds(), period.until.seconds(), period.amount.nanos())
        };
        assert_eq!(periods(row).iter().map(period).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn periods_end_at_multiples_and_sum_to_the_settlement() {
        // Two nanos every three seconds, counted from a sum that is not a whole nano.
        let meter = SpanMeter { per_units: 3, sum: 10_000, rate: 20_000 };
        let row = settlement(30, 150, 80, vec![meter.clone()]);
        check(&row, &[(30, 60, 20), (60, 120, 40), (120, 150, 20)]);
        let with_late_time = settlement(30, 150, 95, vec![meter]);
        check(&with_late_time, &[(30, 60, 35), (60, 120, 40), (120, 150, 20)]);
    }

    #[test]
    fn a_settlement_that_cannot_be_split_is_one_period() {
        check(&settlement(30, 150, 80, Vec::new()), &[(30, 150, 80)]);
        let meter = SpanMeter { per_units: 1, sum: 0, rate: 10_000 };
        check(&settlement(30, 30, 7, vec![meter]), &[(30, 30, 7)]);
        let none = LedgerTransaction { span: None, ..settlement(0, 1, 1, Vec::new()) };
        check(&none, &[]);
    }
}
