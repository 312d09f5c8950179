//! Names the row that makes two sums differ, by looking at one organization row by row.

use std::collections::BTreeMap;
use std::fmt::Display;

use domain::arrival::{Arrival, ArrivalState};
use domain::deposit::DepositState;
use domain::hold::HoldState;
use domain::ledger::{LedgerTransaction, TransactionKind};
use domain::refund::{Refund, RefundState};
use domain::tax::Tax;
use domain::{Amount, OrgId, Timestamp};
use store::read::{ledger, lists, verify as scan};
use store::{Snapshot, StoreError};

use super::Lie;
use super::chain::issued;
use super::tables::charged_blocks;

const ROWS: i64 = 4_096;

/// All transactions of an organization, newest first.
async fn chain(
    snapshot: &mut Snapshot,
    org: OrgId,
    tip: i64,
) -> Result<Vec<LedgerTransaction>, StoreError> {
    let mut rows: Vec<LedgerTransaction> = Vec::new();
    let mut next = tip;
    while next != 0 {
        let more = ledger::walk(snapshot, org, next, ROWS).await?;
        next = more.last().map_or(0, |row| row.prev);
        rows.extend(more);
    }
    Ok(rows)
}

/// Pages of a list of one organization, all of them.
macro_rules! whole {
    ($snapshot:ident, $org:ident, $list:ident) => {{
        let mut all = Vec::new();
        let mut below = i64::MAX;
        loop {
            let page = lists::$list($snapshot, $org, below, ROWS).await?;
            let Some(last) = page.last() else { break };
            below = last.number;
            all.extend(page);
        }
        all
    }};
}

/// The first number at which rows and journal part.
fn parting<T: PartialEq + Display>(
    (table, org, noun): (&'static str, OrgId, &str),
    rows: &BTreeMap<i64, T>,
    journal: &BTreeMap<i64, T>,
) -> Lie {
    let words = |value: Option<&T>| value.map_or("nothing".to_owned(), T::to_string);
    let numbers = rows.keys().chain(journal.keys());
    let mut other: Vec<i64> =
        numbers.filter(|number| rows.get(number) != journal.get(number)).copied().collect();
    other.sort_unstable();
    let number = other.first().copied().unwrap_or(0);
    let (written, should) = (words(rows.get(&number)), words(journal.get(&number)));
    let what = format!("it says {written}, the journal says {should}");
    Lie { table, org, row: format!("{noun} {number}"), what }
}

pub(crate) async fn grant(
    snapshot: &mut Snapshot,
    org: OrgId,
    tip: i64,
) -> Result<Lie, StoreError> {
    let rows = whole!(snapshot, org, grants);
    let rows: BTreeMap<i64, Amount> = rows.iter().map(|it| (it.number, it.amount)).collect();
    let chain = chain(snapshot, org, tip).await?;
    let journal = chain.iter().flat_map(issued).collect();
    Ok(parting(("grants", org, "grant"), &rows, &journal))
}

fn with_tax(amount: Amount, tax: Tax) -> String {
    if tax.is_none() { amount.to_string() } else { format!("{amount} and {} tax", tax.amount) }
}

pub(crate) async fn deposit(
    snapshot: &mut Snapshot,
    org: OrgId,
    tip: i64,
) -> Result<Lie, StoreError> {
    let words = |amount: Amount, tax: Tax, grant: i64| match grant {
        0 => format!("{} without a grant", with_tax(amount, tax)),
        grant => format!("{} as grant {grant}", with_tax(amount, tax)),
    };
    let rows = whole!(snapshot, org, deposits);
    let rows = rows
        .iter()
        .filter(|it| it.state == DepositState::Succeeded)
        .map(|it| (it.number, words(it.amount, it.tax, it.grant.unwrap_or(0))))
        .collect();
    let chain = chain(snapshot, org, tip).await?;
    let said = |row: &LedgerTransaction| {
        words(row.amount, row.tax, row.postings.first().map_or(0, |posting| posting.grant))
    };
    let mut journal = of_kind(&chain, TransactionKind::Deposit, said);
    journal.extend(of_kind(&chain, TransactionKind::ArrivalCredited, said));
    Ok(parting(("deposits", org, "deposit"), &rows, &journal))
}

pub(crate) async fn fee(snapshot: &mut Snapshot, org: OrgId, tip: i64) -> Result<Lie, StoreError> {
    let words = |fee: Amount| format!("a fee of {fee}");
    let rows = whole!(snapshot, org, deposits);
    let fees = rows.iter().filter_map(|it| Some((it.number, it.fee?)));
    let mut fees: Vec<(i64, Amount)> = fees.filter(|(_, fee)| fee.is_positive()).collect();
    let arrivals = whole!(snapshot, org, arrivals);
    let of_arrivals = arrivals.iter().filter_map(|it| Some((it.deposit, it.fee?)));
    fees.extend(of_arrivals.filter(|(_, fee)| fee.is_positive()));
    let rows = sums(fees).into_iter().map(|(it, fee)| (it, words(fee)));
    let chain = chain(snapshot, org, tip).await?;
    let booked = chain.iter().filter(|row| row.kind == TransactionKind::Fee);
    let booked = sums(booked.map(|row| (row.subject, row.amount)).collect());
    let journal = booked.into_iter().map(|(it, fee)| (it, words(fee))).collect();
    Ok(parting(("deposits", org, "deposit"), &rows.collect(), &journal))
}

/// A deposit that was paid twice has two fees.
fn sums(parts: Vec<(i64, Amount)>) -> BTreeMap<i64, Amount> {
    let mut sums: BTreeMap<i64, Amount> = BTreeMap::new();
    for (deposit, part) in parts {
        let sum = sums.entry(deposit).or_default();
        *sum = sum.plus(part);
    }
    sums
}

/// What the journal says of an arrival: what came, under its number, and what became of it.
pub(crate) fn arrival_kinds(it: &Arrival) -> Vec<(TransactionKind, i64, Amount)> {
    let decided = match it.state {
        ArrivalState::Waiting | ArrivalState::Ignored => None,
        ArrivalState::Returned => Some((TransactionKind::ArrivalReturned, it.number)),
        ArrivalState::Credited => {
            Some((TransactionKind::ArrivalCredited, it.became.unwrap_or(it.deposit)))
        }
    };
    let came = (TransactionKind::Arrival, it.number);
    let kinds = std::iter::once(came).chain(decided);
    kinds.map(|(kind, subject)| (kind, subject, it.amount)).collect()
}

pub(crate) async fn arrival(
    snapshot: &mut Snapshot,
    org: OrgId,
    tip: i64,
) -> Result<Lie, StoreError> {
    let words = |kind: TransactionKind, money: Amount| format!("{} {money}; ", kind.name());
    let mut rows: BTreeMap<i64, String> = BTreeMap::new();
    for (kind, subject, money) in whole!(snapshot, org, arrivals).iter().flat_map(arrival_kinds) {
        rows.entry(subject).or_default().push_str(&words(kind, money));
    }
    let mut journal: BTreeMap<i64, String> = BTreeMap::new();
    for row in chain(snapshot, org, tip).await?.iter().rev() {
        if matches!(
            row.kind,
            TransactionKind::Arrival
                | TransactionKind::ArrivalCredited
                | TransactionKind::ArrivalReturned
        ) {
            let money = row.amount.plus(row.tax.amount);
            journal.entry(row.subject).or_default().push_str(&words(row.kind, money));
        }
    }
    Ok(parting(("arrivals", org, "number"), &rows, &journal))
}

/// What the journal says of a refund in this state.
pub(crate) fn refund_kinds(state: RefundState) -> Vec<TransactionKind> {
    let decided = match state {
        RefundState::Pending => None,
        RefundState::Succeeded => Some(TransactionKind::RefundPaid),
        RefundState::Failed => Some(TransactionKind::RefundFailed),
    };
    std::iter::once(TransactionKind::Refund).chain(decided).collect()
}

pub(crate) async fn refund(
    snapshot: &mut Snapshot,
    org: OrgId,
    tip: i64,
) -> Result<Lie, StoreError> {
    let words = |kind: TransactionKind, amount: Amount, tax: Tax| {
        format!("{} {}; ", kind.name(), with_tax(amount, tax))
    };
    let rows = whole!(snapshot, org, refunds);
    let said = |it: &Refund| {
        let kinds = refund_kinds(it.state).into_iter();
        kinds.map(|kind| words(kind, it.amount, it.tax)).collect::<String>()
    };
    let rows = rows.iter().map(|it| (it.number, said(it))).collect();
    let kinds =
        [TransactionKind::Refund, TransactionKind::RefundPaid, TransactionKind::RefundFailed];
    let mut journal: BTreeMap<i64, String> = BTreeMap::new();
    for row in chain(snapshot, org, tip).await?.iter().rev() {
        if kinds.contains(&row.kind) {
            journal.entry(row.subject).or_default().push_str(&words(row.kind, row.amount, row.tax));
        }
    }
    Ok(parting(("refunds", org, "refund"), &rows, &journal))
}

pub(crate) async fn hold(snapshot: &mut Snapshot, org: OrgId, tip: i64) -> Result<Lie, StoreError> {
    let rows = whole!(snapshot, org, holds);
    let captured = rows.iter().filter(|hold| hold.state == HoldState::Captured);
    let rows =
        captured.map(|it| (it.number, it.captured.unwrap_or_default().to_string())).collect();
    let chain = chain(snapshot, org, tip).await?;
    let journal = of_kind(&chain, TransactionKind::Capture, |row| row.amount.to_string());
    Ok(parting(("holds", org, "hold"), &rows, &journal))
}

/// Blocks that a run was charged for, and those of the journal that were not taken back.
pub(crate) async fn block(
    snapshot: &mut Snapshot,
    org: OrgId,
    tip: i64,
) -> Result<Lie, StoreError> {
    let words = |blocks: &BTreeMap<i64, i64>| {
        let word = |(start, charge): (&i64, &i64)| {
            format!("{} at {}", Amount::from_nanos(*charge), Timestamp::from_micros(*start))
        };
        blocks.iter().map(word).collect::<Vec<_>>().join(", ")
    };
    let rows = whole!(snapshot, org, runs);
    let rows = rows
        .iter()
        .map(|run| (run.number, charged_blocks(run).into_iter().collect()))
        .filter(|(_, blocks): &(i64, BTreeMap<i64, i64>)| !blocks.is_empty())
        .map(|(number, blocks)| (number, words(&blocks)))
        .collect();
    let mut charged: BTreeMap<i64, BTreeMap<i64, i64>> = BTreeMap::new();
    for row in chain(snapshot, org, tip).await?.iter().rev() {
        if !matches!(row.kind, TransactionKind::Block | TransactionKind::BlockReversal) {
            continue;
        }
        let start = row.span.as_ref().map_or(row.at, |span| span.from).micros();
        let blocks = charged.entry(row.subject).or_default();
        let charge = blocks.entry(start).or_default();
        *charge += row.amount.nanos();
        if *charge == 0 {
            blocks.remove(&start);
        }
    }
    charged.retain(|_, blocks| !blocks.is_empty());
    let journal = charged.iter().map(|(run, blocks)| (*run, words(blocks))).collect();
    Ok(parting(("runs", org, "run"), &rows, &journal))
}

/// What each transaction of a kind says about its subject; one that was there twice says so.
fn of_kind(
    chain: &[LedgerTransaction],
    kind: TransactionKind,
    words: impl Fn(&LedgerTransaction) -> String,
) -> BTreeMap<i64, String> {
    let mut journal: BTreeMap<i64, String> = BTreeMap::new();
    for row in chain.iter().filter(|row| row.kind == kind) {
        let said = journal.entry(row.subject).or_default();
        if !said.is_empty() {
            said.push_str(" and ");
        }
        said.push_str(&words(row));
    }
    journal
}

pub(crate) async fn index(
    snapshot: &mut Snapshot,
    org: OrgId,
    tip: i64,
) -> Result<Lie, StoreError> {
    let chain = chain(snapshot, org, tip).await?;
    let mut rows: BTreeMap<i64, i64> = BTreeMap::new();
    let mut after = [org.bucket(), org.get(), i64::MIN];
    loop {
        let page = scan::index(snapshot, after).await?;
        let Some(last) = page.last().copied() else { break };
        after[2] = last.1;
        rows.extend(page.iter().filter(|row| row.0 == org).map(|row| (row.1, row.2)));
        if last.0 != org {
            break;
        }
    }
    let last = rows.keys().next_back().copied().unwrap_or(0);
    let journal = chain
        .iter()
        .filter(|row| row.number <= last)
        .map(|row| (row.number, row.position))
        .collect();
    Ok(parting(("journal_index", org, "transaction"), &rows, &journal))
}
