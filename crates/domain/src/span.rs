//! The periods of a settlement, recomputed from its one row (rulings A8).
//!
//! Law: the periods of a settlement join without gaps and sum to it, whatever it stands for.

use crate::ledger::{LedgerTransaction, SpanMeter};
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
    let Some(span) = &row.span else { return Vec::new() };
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
