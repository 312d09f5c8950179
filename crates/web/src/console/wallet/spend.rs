//! Spend by day and by what it was spent on: time from the runs, use from the journal.
//!
//! Law: a run costs on a day what it had cost at the day's end less what it had cost at its start,
//! so the days of a run sum to its cost.

use std::collections::BTreeMap;

use domain::ledger::TransactionKind;
use domain::time::SECONDS_PER_DAY;
use domain::{Amount, Timestamp};

use super::{DAYS, Read};
use crate::charts::{Day, SERIES_MAX, StackedBars};
use crate::pages::show;

/// Amounts by name, one for each day.
type Series = BTreeMap<String, Vec<Amount>>;

/// The bars of the last days, today included.
pub fn bars(read: &Read) -> StackedBars {
    let today = read.rows.now.floor_to_multiple(SECONDS_PER_DAY);
    let first = today.plus_seconds(-(DAYS - 1) * SECONDS_PER_DAY);
    let days: Vec<Timestamp> =
        (0..DAYS).map(|day| first.plus_seconds(day * SECONDS_PER_DAY)).collect();
    let mut series = Series::new();
    add_runs(read, &days, &mut series);
    add_use(read, &days, &mut series);
    let largest_first = folded(series);
    let total: Amount = largest_first.iter().flat_map(|(_, amounts)| amounts.iter().copied()).sum();
    let bar = |(place, &at): (usize, &Timestamp)| Day {
        at,
        amounts: largest_first.iter().map(|(_, amounts)| amounts[place]).collect(),
        partial: at == today,
    };
    StackedBars {
        id: "spend".into(),
        sentence: sentence(read, total, &largest_first),
        days: days.iter().enumerate().map(bar).collect(),
        series: largest_first.into_iter().map(|(name, _)| name).collect(),
    }
}

fn add_runs(read: &Read, days: &[Timestamp], series: &mut Series) {
    let now = read.rows.now;
    for run in read.rows.runs.iter().filter(|run| run.paid.is_none()) {
        let amounts =
            series.entry(read.sku_name(run.sku)).or_insert_with(|| vec![Amount::ZERO; days.len()]);
        for (amount, &day) in amounts.iter_mut().zip(days) {
            let end = day.plus_seconds(SECONDS_PER_DAY).min(now);
            let cost = run.cost_round_half_even(end).minus(run.cost_round_half_even(day.min(end)));
            *amount = amount.plus(cost);
        }
    }
}

fn add_use(read: &Read, days: &[Timestamp], series: &mut Series) {
    let prices: BTreeMap<i64, i64> =
        read.rows.book.prices().map(|price| (price.number, price.sku)).collect();
    let mut add = |name: String, at: Timestamp, part: Amount| {
        let Some(place) = days.iter().rposition(|&day| day <= at) else { return };
        let amounts = series.entry(name).or_insert_with(|| vec![Amount::ZERO; days.len()]);
        amounts[place] = amounts[place].plus(part);
    };
    for row in &read.rows.journal {
        let at = row.occurred_at.unwrap_or(row.at);
        match row.kind {
            TransactionKind::Charge => {
                for line in &row.lines {
                    let sku = prices.get(&line.price).copied().unwrap_or(0);
                    add(read.sku_name(sku), at, line.amount);
                }
            }
            TransactionKind::Block | TransactionKind::BlockReversal => {
                let run = read.rows.runs.iter().find(|run| run.number == row.subject);
                add(read.sku_name(run.map_or(0, |run| run.sku)), at, row.amount);
            }
            TransactionKind::Capture => add("Captured holds".into(), row.at, row.amount),
            _ => {}
        }
    }
}

/// Largest first; what has no colour of its own is "Other".
fn folded(series: Series) -> Vec<(String, Vec<Amount>)> {
    let total = |amounts: &[Amount]| amounts.iter().copied().sum::<Amount>();
    let mut all: Vec<(String, Vec<Amount>)> =
        series.into_iter().filter(|(_, amounts)| total(amounts).is_positive()).collect();
    all.sort_by_key(|(_, amounts)| std::cmp::Reverse(total(amounts)));
    if all.len() > SERIES_MAX {
        let rest = all.split_off(SERIES_MAX - 1);
        let mut other = vec![Amount::ZERO; rest.first().map_or(0, |(_, amounts)| amounts.len())];
        for (_, amounts) in &rest {
            for (sum, &amount) in other.iter_mut().zip(amounts) {
                *sum = sum.plus(amount);
            }
        }
        all.push(("Other".to_owned(), other));
    }
    all
}

fn sentence(read: &Read, total: Amount, series: &[(String, Vec<Amount>)]) -> String {
    let unit = read.presentation.labels.unit;
    let is_small = total < Amount::from_units(1);
    let spent = if is_small { unit.usage(total) } else { unit.balance(total) };
    let cut = match read.rows.is_cut {
        true => {
            let rows = i64::try_from(read.rows.journal.len()).unwrap_or(i64::MAX);
            format!(" Only the newest {} movements are counted.", show::count(rows))
        }
        false => String::new(),
    };
    match series {
        [] => format!("Nothing was spent in the last {DAYS} days.{cut}"),
        [(name, _)] => format!("{spent} in the last {DAYS} days, all of it for {name}.{cut}"),
        [(name, _), ..] => {
            format!("{spent} in the last {DAYS} days, most of it for {name}.{cut}")
        }
    }
}
