//! Cost reports: what was used in a range of days, and by what it is grouped.
//!
//! Laws: use counts on the day it happened, whenever it was posted (rulings R22); the rows of every
//! breakdown, with its `rounding` and `reported_late`, add up to what the ledger charged for these
//! days, to the nano; a day's rows add up to the day. Days are those of UTC.
//!
//! A run's part of a day is R(price × time) at the day's end less the same at its start, so the
//! parts of a run add up to its own cost; a block is of the day on which it starts. What the ledger
//! posted for all running time differs from the sum of the runs by at most about a nano for each:
//! that is `rounding` (rulings R3). A start or stop that was reported on a later day is corrected
//! on that day: that is `reported_late`.

use std::collections::BTreeMap;

use crate::attribution::{IdleCost, attribute};
use crate::label::{self, Labels};
use crate::ledger::{LedgerTransaction, TransactionKind};
use crate::meter::Meters;
use crate::price::{Price, PriceBook, Sku};
use crate::run::{ResourceClass, Run};
use crate::span::periods;
use crate::time::SECONDS_PER_DAY;
use crate::{Amount, Timestamp};

/// Days of one report at most.
pub const DAYS_MAX: i64 = 366;

/// What costs are grouped by (requirements D10, S09; rulings R25).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dimension {
    /// The label `model`, or the SKU of what is charged per use. Labels are those of a resource
    /// that runs, of a usage event, or of the hold that is captured.
    Model,
    /// The label `gpu_type`, or the SKU of a machine.
    GpuType,
    Location,
    Sku,
    Class,
    /// A resource, by its number.
    Resource,
    Project,
    Member,
    ApiKey,
}

impl Dimension {
    pub const ALL: [Dimension; 9] = [
        Dimension::Model,
        Dimension::GpuType,
        Dimension::Location,
        Dimension::Sku,
        Dimension::Class,
        Dimension::Resource,
        Dimension::Project,
        Dimension::Member,
        Dimension::ApiKey,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Dimension::Model => "model",
            Dimension::GpuType => "gpu_type",
            Dimension::Location => "location",
            Dimension::Sku => "sku",
            Dimension::Class => "class",
            Dimension::Resource => "resource",
            Dimension::Project => label::PROJECT,
            Dimension::Member => label::MEMBER,
            Dimension::ApiKey => label::API_KEY,
        }
    }

    pub fn from_name(name: &str) -> Option<Dimension> {
        Dimension::ALL.into_iter().find(|dimension| dimension.name() == name)
    }
}

/// Whole days of UTC, `[first, first + count)`, counted from 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Days {
    first: i64,
    count: i64,
}

impl Days {
    /// `count` days from the one that `at` lies in; nothing beyond 1 to [`DAYS_MAX`].
    pub fn from(at: Timestamp, count: i64) -> Option<Days> {
        let first = at.seconds().div_euclid(SECONDS_PER_DAY);
        (1..=DAYS_MAX).contains(&count).then_some(Days { first, count })
    }

    /// `count` days, the last of which `at` lies in.
    pub fn up_to(at: Timestamp, count: i64) -> Option<Days> {
        Days::from(at.plus_seconds((1 - count.clamp(1, DAYS_MAX)) * SECONDS_PER_DAY), count)
    }

    /// When each of them begins.
    pub fn starts(self) -> impl Iterator<Item = Timestamp> {
        let start = |day: i64| Timestamp::from_seconds(day * SECONDS_PER_DAY);
        (self.first..self.first + self.count).map(start)
    }

    pub fn start(self) -> Timestamp {
        Timestamp::from_seconds(self.first * SECONDS_PER_DAY)
    }

    pub fn end(self) -> Timestamp {
        Timestamp::from_seconds((self.first + self.count) * SECONDS_PER_DAY)
    }

    /// Which of them `at` lies in.
    fn place(self, at: Timestamp) -> Option<usize> {
        let day = at.seconds().div_euclid(SECONDS_PER_DAY) - self.first;
        (0..self.count).contains(&day).then(|| usize::try_from(day).unwrap_or(0))
    }

    pub fn has(self, at: Timestamp) -> bool {
        self.place(at).is_some()
    }

    fn zeros(self) -> Vec<Amount> {
        self.starts().map(|_| Amount::ZERO).collect()
    }
}

/// What one organization used: its rows around the days of a report.
#[derive(Clone, Copy, Debug)]
pub struct Used<'a> {
    /// All that was posted since the days began, in any order.
    pub journal: &'a [LedgerTransaction],
    /// All that ran since then.
    pub runs: &'a [Run],
    /// Labels of the resources that ran, by number.
    pub labels: &'a BTreeMap<i64, Labels>,
    /// Labels that rows of the journal name, by number of their set.
    pub label_sets: &'a BTreeMap<i64, Labels>,
    pub book: &'a PriceBook,
    pub meters: &'a Meters,
    pub settled_until: Timestamp,
    pub now: Timestamp,
}

/// Costs of one group: its value in each dimension, nothing where it has none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CostRow {
    pub values: Vec<Option<String>>,
    pub total: Amount,
    /// Day by day.
    pub days: Vec<Amount>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CostReport {
    /// Dearest first, then by value.
    pub rows: Vec<CostRow>,
    pub rounding: Amount,
    pub reported_late: Amount,
    pub total: Amount,
    /// Totals day by day.
    pub days: Vec<Amount>,
    /// The part of the total that is not in the ledger yet.
    pub accrued: Amount,
}

/// How much a request costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// A charge of its own, as the ledger has it.
    Charged,
    /// Its part of time that is paid for anyway (requirements C06).
    Attributed { resource: i64, busy_milliseconds: i64 },
}

/// One use, as a list of the dearest shows it (requirements D11).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Number of the ledger transaction.
    pub transaction: i64,
    pub at: Timestamp,
    /// The client's id of the usage event; a captured hold has none.
    pub event: Option<String>,
    pub sku: Option<String>,
    pub amount: Amount,
    pub basis: Basis,
}

/// What of the ledger is use, and when it happened.
enum Use {
    /// A charge of its own.
    Once,
    /// Running time, which is told by runs.
    Time,
    /// No use at all.
    None,
}

const fn use_of(kind: TransactionKind) -> Use {
    match kind {
        TransactionKind::Charge | TransactionKind::Capture | TransactionKind::Reversal => Use::Once,
        TransactionKind::Settlement
        | TransactionKind::Correction
        | TransactionKind::Block
        | TransactionKind::BlockReversal => Use::Time,
        TransactionKind::Deposit
        | TransactionKind::Grant
        | TransactionKind::Expiry
        | TransactionKind::Void
        | TransactionKind::Forfeiture
        | TransactionKind::Renewal
        | TransactionKind::Refund
        | TransactionKind::RefundPaid
        | TransactionKind::RefundFailed
        | TransactionKind::Fee
        | TransactionKind::Arrival
        | TransactionKind::ArrivalCredited
        | TransactionKind::ArrivalReturned
        | TransactionKind::BonusVoid
        | TransactionKind::Offset
        | TransactionKind::Commitment
        | TransactionKind::Withdrawal
        | TransactionKind::Reinstatement
        | TransactionKind::Request => Use::None,
    }
}

type Groups = BTreeMap<Vec<Option<String>>, Vec<Amount>>;

/// Groups what was used in `days` by `by`.
pub fn costs(used: &Used<'_>, days: Days, by: &[Dimension]) -> CostReport {
    let (mut groups, priced) = (Groups::new(), used.priced());
    let (mut ledger, mut time, mut ran) = (days.zeros(), days.zeros(), days.zeros());
    for row in used.journal {
        match use_of(row.kind) {
            Use::Once => {
                let Some(day) = days.place(row.occurred_at.unwrap_or(row.at)) else { continue };
                let (labels, sku) = (used.label_sets.get(&row.labels), priced.sku_of(row));
                let values = by.iter().map(|&by| value_of(by, labels, sku)).collect();
                add(&mut groups, values, days, day, row.amount);
                ledger[day] = ledger[day].plus(row.amount);
            }
            Use::Time => used.add_time(row, days, &mut time),
            Use::None => {}
        }
    }
    let mut accrued = Amount::ZERO;
    for (day, start) in days.starts().enumerate() {
        let end = start.plus_seconds(SECONDS_PER_DAY).min(used.now);
        let unposted = used.unposted(end).minus(used.unposted(start));
        time[day] = time[day].plus(unposted);
        accrued = accrued.plus(unposted);
        for run in used.runs {
            let part = part_of_day(run, start, used.now);
            if !part.is_zero() {
                let values = by.iter().map(|&by| used.value_of_run(by, run)).collect();
                add(&mut groups, values, days, day, part);
                ran[day] = ran[day].plus(part);
            }
        }
    }
    let rests: Vec<Amount> = time.iter().zip(&ran).map(|(all, runs)| all.minus(*runs)).collect();
    let (rounding, reported_late) = used.split(&rests);
    for (all, time) in ledger.iter_mut().zip(&time) {
        *all = all.plus(*time);
    }
    let total = ledger.iter().copied().sum();
    CostReport { rows: rows(groups), rounding, reported_late, total, days: ledger, accrued }
}

/// What of a run's own cost falls into the day that begins at `start`, as of `now`.
fn part_of_day(run: &Run, start: Timestamp, now: Timestamp) -> Amount {
    let end = start.plus_seconds(SECONDS_PER_DAY);
    if end > now {
        return run.cost_since(start, now);
    }
    run.cost_before(end).minus(run.cost_before(start))
}

fn add(groups: &mut Groups, values: Vec<Option<String>>, days: Days, day: usize, amount: Amount) {
    let row = groups.entry(values).or_insert_with(|| days.zeros());
    row[day] = row[day].plus(amount);
}

fn rows(groups: Groups) -> Vec<CostRow> {
    let row = |(values, days): (Vec<Option<String>>, Vec<Amount>)| {
        let total = days.iter().copied().sum();
        CostRow { values, total, days }
    };
    let mut rows: Vec<CostRow> = groups.into_iter().map(row).collect();
    // Stable: equal totals stay in the order of their values.
    rows.sort_by_key(|row| std::cmp::Reverse(row.total));
    rows
}

/// The dearest single requests of `days`, at most `rows_max`; equal ones oldest first. Charges are
/// what they are; where the profile has the use of paid time attributed, the requests of resources
/// stand among them with their share of it.
pub fn dearest(
    used: &Used<'_>,
    days: Days,
    attributed: Option<IdleCost>,
    rows_max: usize,
) -> Vec<Request> {
    let (mut requests, priced) = (Vec::new(), used.priced());
    if let Some(idle) = attributed {
        used.add_attributed(days, idle, &mut requests);
    }
    for row in used.journal {
        let at = row.occurred_at.unwrap_or(row.at);
        if matches!(use_of(row.kind), Use::Once) && days.place(at).is_some() {
            requests.push(Request {
                transaction: row.number,
                at,
                event: row.event.as_ref().map(|event| event.id.clone()),
                sku: priced.sku_of(row).map(|sku| sku.code.clone()),
                amount: row.amount,
                basis: Basis::Charged,
            });
        }
    }
    requests.sort_by_key(|request| (std::cmp::Reverse(request.amount), request.transaction));
    requests.truncate(rows_max);
    requests
}

struct Priced<'a>(BTreeMap<i64, &'a Sku>);

impl<'a> Priced<'a> {
    /// The SKU that a charge is for: all lines of an event are of one.
    fn sku_of(&self, row: &LedgerTransaction) -> Option<&'a Sku> {
        self.0.get(&row.lines.first()?.price).copied()
    }
}

impl Used<'_> {
    /// What each price is for, by the number of the price.
    fn priced(&self) -> Priced<'_> {
        let sku = |price: &Price| Some((price.number, self.book.sku(price.sku)?));
        Priced(self.book.prices().filter_map(sku).collect())
    }

    /// Adds the requests that resources served, each with its share of the paid time of `days`.
    fn add_attributed(&self, days: Days, idle: IdleCost, requests: &mut Vec<Request>) {
        let served = self.served();
        let shares = attribute(self.paid_time(days), &served, idle, self.now).shares;
        let ids = self.journal.iter().filter(|row| row.kind == TransactionKind::Request);
        let ids: BTreeMap<i64, &LedgerTransaction> = ids.map(|row| (row.number, row)).collect();
        for request in &served {
            let share = shares.get(&request.transaction);
            if share.is_none() && !days.has(request.ended_at) {
                continue;
            }
            let row = ids.get(&request.transaction);
            requests.push(Request {
                transaction: request.transaction,
                at: request.ended_at,
                event: row.and_then(|row| row.event.as_ref()).map(|event| event.id.clone()),
                sku: share.and_then(|share| self.book.sku(share.sku)).map(|sku| sku.code.clone()),
                amount: share.map_or(Amount::ZERO, |share| share.amount),
                basis: Basis::Attributed {
                    resource: request.resource,
                    busy_milliseconds: request.busy_milliseconds(),
                },
            });
        }
    }

    fn add_time(&self, row: &LedgerTransaction, days: Days, time: &mut [Amount]) {
        if row.kind != TransactionKind::Settlement || row.span.is_none() {
            // A block is of the day on which it starts.
            let began = row.span.as_ref().map_or(row.at, |span| span.from);
            if let Some(day) = days.place(began) {
                time[day] = time[day].plus(row.amount);
            }
            return;
        }
        for period in periods(row) {
            if let Some(day) = days.place(period.from) {
                time[day] = time[day].plus(period.amount);
            }
        }
    }

    /// What had run at `at` and is not posted; nothing of what is settled. What was reported late,
    /// after its time was settled, is counted at the present.
    fn unposted(&self, at: Timestamp) -> Amount {
        let now = self.now.floor_to_second();
        let is_settled = at < now && at <= self.settled_until;
        if is_settled { Amount::ZERO } else { self.meters.unposted_until(at.min(now)) }
    }

    /// Splits what was charged for running time beyond the runs, day by day, into rounding and
    /// what was reported late. What is corrected within the days cancels out but for its rounding.
    fn split(&self, rests: &[Amount]) -> (Amount, Amount) {
        let nanos_max = self.runs.len() + self.meters.meters.len() + 1;
        let is_rounding =
            |rest: Amount| usize::try_from(rest.nanos().abs()).is_ok_and(|it| it <= nanos_max);
        let (rounded, late): (Vec<Amount>, Vec<Amount>) =
            rests.iter().partition(|&&rest| is_rounding(rest));
        let (rounding, late): (Amount, Amount) =
            (rounded.into_iter().sum(), late.into_iter().sum());
        if is_rounding(late) { (rounding.plus(late), Amount::ZERO) } else { (rounding, late) }
    }

    fn value_of_run(&self, by: Dimension, run: &Run) -> Option<String> {
        match by {
            Dimension::Resource => Some(run.resource.to_string()),
            _ => value_of(by, self.labels.get(&run.resource), self.book.sku(run.sku)),
        }
    }
}

/// What labels say, or else the SKU.
fn value_of(by: Dimension, labels: Option<&Labels>, sku: Option<&Sku>) -> Option<String> {
    let label = || Some(labels?.get(by.name())?.to_owned());
    match by {
        Dimension::Resource => None,
        Dimension::Location | Dimension::Project | Dimension::Member | Dimension::ApiKey => label(),
        Dimension::Model | Dimension::GpuType => label().or_else(|| value_of_sku(by, sku)),
        Dimension::Sku | Dimension::Class => value_of_sku(by, sku),
    }
}

fn value_of_sku(by: Dimension, sku: Option<&Sku>) -> Option<String> {
    let sku = sku?;
    let code = || Some(sku.code.clone());
    match by {
        Dimension::Sku => code(),
        Dimension::Class => Some(sku.class.name().to_owned()),
        Dimension::Model if sku.class == ResourceClass::Model => code(),
        Dimension::GpuType if sku.class == ResourceClass::Compute => code(),
        Dimension::Model
        | Dimension::GpuType
        | Dimension::Location
        | Dimension::Resource
        | Dimension::Project
        | Dimension::Member
        | Dimension::ApiKey => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_whole_and_bounded() {
        let at = Timestamp::parse("2026-01-05T13:00:00Z").unwrap();
        let days = Days::up_to(at, 7).unwrap();
        assert_eq!(days.start().to_string(), "2025-12-30T00:00:00Z");
        assert_eq!(days.end().to_string(), "2026-01-06T00:00:00Z");
        assert_eq!(days.place(at), Some(6));
        assert_eq!(days.place(days.end()), None);
        assert_eq!(Days::from(at, 1).unwrap(), Days::up_to(at, 1).unwrap());
        for count in [i64::MIN, -1, 0, DAYS_MAX + 1, i64::MAX] {
            assert_eq!((Days::from(at, count), Days::up_to(at, count)), (None, None), "{count}");
        }
    }

    #[test]
    fn dimensions_are_told_by_name() {
        for dimension in Dimension::ALL {
            assert_eq!(Dimension::from_name(dimension.name()), Some(dimension));
        }
        assert_eq!(Dimension::from_name("colour"), None);
    }
}
