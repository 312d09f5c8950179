//! What a month has cost so far and will have cost (requirements N28, C16).
//!
//! Laws: spend counts by usage time, whenever it was posted (rulings R22); the spend of the months
//! that a run touches sums to its cost; what is projected is what was spent and what everything
//! that runs now will cost until the month is over, and shows both.

use jiff::ToSpan;
use jiff::tz::TimeZone;

use crate::ledger::{LedgerTransaction, TransactionKind};
use crate::rate::Rate;
use crate::reprice::Pricing;
use crate::run::Run;
use crate::time::SECONDS_PER_HOUR;
use crate::{Amount, Timestamp};

/// A calendar month: `[start, end)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Month {
    pub start: Timestamp,
    pub end: Timestamp,
}

impl Month {
    /// The month of `at` in UTC. Nothing else here knows of time zones.
    pub fn of(at: Timestamp) -> Month {
        let first = jiff::Timestamp::from_microsecond(at.micros())
            .ok()
            .and_then(|at| at.to_zoned(TimeZone::UTC).first_of_month().ok()?.start_of_day().ok());
        let next = first.as_ref().and_then(|first| first.checked_add(1.month()).ok());
        let instant = |local: Option<jiff::Zoned>, other| {
            local.map_or(other, |it| Timestamp::from_micros(it.timestamp().as_microsecond()))
        };
        Month { start: instant(first, Timestamp::ZERO), end: instant(next, Timestamp::NEVER) }
    }

    fn has(self, at: Timestamp) -> bool {
        self.start <= at && at < self.end
    }
}

/// A month of one wallet, looked at inside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Projection {
    pub month: Month,
    pub as_of: Timestamp,
    /// Used from the start of the month on.
    pub spent: Amount,
    /// What everything that runs costs per hour.
    pub burn_per_hour: Amount,
    /// What it will cost from now to the end of the month, if it goes on.
    pub to_come: Amount,
    pub projected: Amount,
}

impl Projection {
    /// Looks at `wallet` at `now`. `runs` are those that ran inside the month, `rows` the journal
    /// since a few minutes before it began; others among them change nothing.
    pub fn of<'a>(
        pricing: Pricing<'_>,
        runs: impl Iterator<Item = &'a Run>,
        rows: impl Iterator<Item = &'a LedgerTransaction>,
        now: Timestamp,
    ) -> Projection {
        let month = Month::of(now);
        let used = rows.map(|row| used_within(row, month));
        let mut spent = used.fold(Amount::ZERO, bounded_sum);
        let seconds_left = month.end.seconds_since(now.floor_to_second()).max(0);
        let wallet = pricing.wallet;
        let mut to_come = wallet.meters.burn_round_half_even(seconds_left);
        for run in runs {
            spent = bounded_sum(spent, run.cost_since(month.start, now));
            let ahead = ahead_of(pricing, run, month.end, now);
            to_come = bounded_sum(to_come, ahead);
        }
        Projection {
            month,
            as_of: now,
            spent,
            burn_per_hour: wallet.burn_round_half_even(SECONDS_PER_HOUR),
            to_come,
            projected: bounded_sum(spent, to_come),
        }
    }
}

/// What `run` will cost until `end` beyond what the wallet knows to burn: all of the blocks to
/// come, for time that is paid ahead is spent already, and the difference that announced prices
/// make.
fn ahead_of(pricing: Pricing<'_>, run: &Run, end: Timestamp, now: Timestamp) -> Amount {
    if !run.is_billed() {
        return Amount::ZERO;
    }
    let first = if run.paid.is_some() { run.next_block() } else { now.floor_to_second() };
    let rates = pricing.rates_ahead(run, first, end);
    let until = |place: usize| rates.get(place + 1).map_or(end, |&(at, _)| at);
    let part = |(place, &(from, rate)): (usize, &(Timestamp, Rate))| match run.paid {
        Some(_) => {
            let blocks = run.blocks_to_come(until(place)) - run.blocks_to_come(from);
            let nanos = run.block_charge_at(rate).nanos().checked_mul(blocks);
            nanos.map_or(Amount::MAX, Amount::from_nanos)
        }
        None if rate == run.rate => Amount::ZERO,
        None => {
            let seconds = until(place).seconds_since(from);
            let cost = |rate: Rate| rate.charge_round_half_even(seconds).unwrap_or(Amount::MAX);
            cost(rate).minus(cost(run.rate))
        }
    };
    rates.iter().enumerate().map(part).fold(Amount::ZERO, bounded_sum)
}

fn bounded_sum(sum: Amount, part: Amount) -> Amount {
    sum.checked_add(part).unwrap_or(Amount::MAX)
}

/// What a row charges for use inside `month`; time is counted by runs.
fn used_within(row: &LedgerTransaction, month: Month) -> Amount {
    let is_use = matches!(
        row.kind,
        TransactionKind::Charge | TransactionKind::Capture | TransactionKind::Reversal
    );
    let happened = row.occurred_at.unwrap_or(row.at);
    if is_use && month.has(happened) { row.amount } else { Amount::ZERO }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    #[test]
    fn months_are_those_of_the_calendar() {
        for (now, start, end) in [
            ("2026-01-05T03:00:00Z", "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"),
            ("2026-02-28T23:59:59.999999Z", "2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z"),
            ("2028-12-01T00:00:00Z", "2028-12-01T00:00:00Z", "2029-01-01T00:00:00Z"),
        ] {
            assert_eq!(Month::of(at(now)), Month { start: at(start), end: at(end) }, "{now}");
        }
        assert_eq!(Month::of(Timestamp::NEVER).end, Timestamp::NEVER);
    }
}
