//! Movements as people read them, each with how it came to be.
//!
//! Laws: a line's amount is what it did to the posted balance, so amounts and balances add up down
//! the page; settlements of one day with nothing between them are one line, and so are those of
//! days past zero.

use std::collections::BTreeMap;

use domain::deposit::{DepositLabel, DepositState};
use domain::history::Reader;
use domain::ledger::{LedgerTransaction, TransactionKind};
use domain::price::Price;
use domain::run::Run;
use domain::time::SECONDS_PER_DAY;
use domain::{Amount, Timestamp};

use super::Read;
use super::figures::{change_of, per_hour};
use super::offers::sentence_case;
use crate::pages::show;
use crate::pages::wallet::activity::{Activity, Kind, Movement, Working};

const LINES_MAX: usize = 20;
/// Beyond this a difference is no rounding: time was reported after its settlement.
const ROUNDING_MAX: Amount = Amount::from_nanos(1_000);

/// The page of movements that was asked for.
pub fn list(read: &Read) -> Activity {
    let prices: BTreeMap<i64, &Price> =
        read.rows.book.prices().map(|price| (price.number, price)).collect();
    let mut movements = Vec::new();
    let is_theirs = |row: &&LedgerTransaction| Reader::Customer.sees(row.kind);
    let seen: Vec<_> = read.rows.movements.iter().filter(is_theirs).cloned().collect();
    let mut rest = seen.as_slice();
    while let Some(first) = rest.first() {
        if movements.len() == LINES_MAX {
            break;
        }
        let together = rest.iter().take_while(|row| belong_together(first, row)).count().max(1);
        let (group, older) = rest.split_at(together);
        movements.push(movement(read, &prices, group));
        rest = older;
    }
    let next = match (rest.first(), read.rows.movements.last()) {
        (Some(row), _) => row.position,
        (None, Some(last)) => last.prev,
        (None, None) => 0,
    };
    let older = (next > 0).then(|| format!("?before={next}#activity"));
    Activity { movements, older }
}

fn day_of(row: &LedgerTransaction) -> Timestamp {
    Timestamp::from_micros(row.at.micros() - 1).floor_to_multiple(SECONDS_PER_DAY)
}

fn belong_together(first: &LedgerTransaction, row: &LedgerTransaction) -> bool {
    let settled = |row: &LedgerTransaction| row.kind == TransactionKind::Settlement;
    // Days on which nothing was left to draw from are one line, however many there were.
    let is_idle = || change_of(first).is_zero() && change_of(row).is_zero();
    settled(first) && settled(row) && (day_of(first) == day_of(row) || is_idle())
}

/// One line for `group`, newest first.
fn movement(read: &Read, prices: &BTreeMap<i64, &Price>, group: &[LedgerTransaction]) -> Movement {
    let newest = &group[0];
    let (kind, label, mut working) = match newest.kind {
        TransactionKind::Settlement => settlement(read, group),
        TransactionKind::Charge => charge(read, prices, newest),
        _ => other(read, newest),
    };
    let absorbed: Amount = group.iter().map(|row| row.absorbed).sum();
    if absorbed.is_positive() {
        let unit = read.presentation.labels.unit;
        let text = format!("{} of it came past zero and is not yours to pay", unit.usage(absorbed));
        working.push(Working::Words(text));
    }
    Movement {
        number: newest.number,
        at: newest.at,
        kind,
        label,
        by: None,
        amount: group.iter().map(change_of).sum(),
        balance_after: newest.balance,
        working,
        grants: grants(read, group),
    }
}

/// What was taken from or given to each grant, in the order in which it was.
fn grants(read: &Read, group: &[LedgerTransaction]) -> Vec<(String, Amount)> {
    let mut parts: Vec<(i64, Amount)> = Vec::new();
    for posting in group.iter().rev().flat_map(|row| &row.postings) {
        match parts.iter_mut().find(|(grant, _)| *grant == posting.grant) {
            Some((_, sum)) => *sum = sum.plus(posting.change),
            None => parts.push((posting.grant, posting.change)),
        }
    }
    let size = |amount: Amount| if amount.is_negative() { amount.negated() } else { amount };
    parts.into_iter().map(|(grant, sum)| (grant_name(read, grant), size(sum))).collect()
}

/// What people call a grant: its note, or the payment it came from.
pub fn grant_name(read: &Read, number: i64) -> String {
    let Some(grant) = read.rows.grants.get(&number) else { return format!("Grant {number}") };
    if !grant.note.is_empty() {
        return sentence_case(&grant.note);
    }
    let day = read.presentation.zone.day(grant.created_at);
    let deposit = read.rows.deposits.iter().find(|row| Some(row.number) == grant.deposit);
    match (deposit.map(|row| row.label), grant.kind.is_given()) {
        (_, true) => format!("Promotion {day}"),
        (Some(DepositLabel::AutoTopUp), _) => {
            format!("{} {day}", read.presentation.labels.auto_top_up)
        }
        _ => format!("Deposit {day}"),
    }
}

type Line = (Kind, String, Vec<Working>);

/// Time that ran: each run with its seconds, its rate and what they cost.
fn settlement(read: &Read, group: &[LedgerTransaction]) -> Line {
    let mut parts: BTreeMap<i64, (&Run, i64, Amount)> = BTreeMap::new();
    for row in group {
        let from = row.span.as_ref().map_or(row.at, |span| span.from);
        // Blocks are charged by themselves, when they start.
        for run in read.rows.runs.iter().filter(|run| run.paid.is_none()) {
            let end = run.stopped_at.unwrap_or(row.at).min(row.at);
            let seconds = end.seconds_since(from.max(run.started_at));
            if seconds > 0 {
                let cost =
                    run.cost_round_half_even(end).minus(run.cost_round_half_even(from.min(end)));
                let part = parts.entry(run.number).or_insert((run, 0, Amount::ZERO));
                (part.1, part.2) = (part.1 + seconds, part.2.plus(cost));
            }
        }
    }
    let charged: Amount = group.iter().map(|row| row.amount).sum();
    let lines: Amount = parts.values().map(|part| part.2).sum();
    let mut names: Vec<String> =
        parts.values().map(|(run, ..)| read.resource_name(run.resource)).collect();
    names.dedup();
    let mut working: Vec<Working> = parts
        .values()
        .map(|&(run, seconds, cost)| Working::Time { seconds, per_hour: per_hour(run.rate), cost })
        .collect();
    let difference = charged.minus(lines);
    if (ROUNDING_MAX.negated()..=ROUNDING_MAX).contains(&difference) {
        if !difference.is_zero() {
            working.push(Working::Rounding(difference));
        }
    } else {
        working.push(Working::Words("with time that was reported after its settlement".into()));
    }
    let label = if names.is_empty() { "Running time".to_owned() } else { show::names(&names) };
    (Kind::Usage, label, working)
}

fn charge(read: &Read, prices: &BTreeMap<i64, &Price>, row: &LedgerTransaction) -> Line {
    let priced = |line: &domain::ledger::Line| {
        let price = prices.get(&line.price)?;
        Some(Working::Quantity {
            quantity: line.quantity,
            what: price.dimension.replace('_', " "),
            price: price.amount,
            per: price.per_units,
            cost: line.amount,
        })
    };
    let sku = row.lines.first().and_then(|line| prices.get(&line.price)).map(|price| price.sku);
    let name = sku.map_or_else(|| "Usage".to_owned(), |sku| read.sku_name(sku));
    let mut working: Vec<Working> = row.lines.iter().filter_map(priced).collect();
    if let Some(event) = &row.event {
        working.push(Working::Words(format!("usage event {} of {}", event.id, event.source)));
    }
    (Kind::Usage, format!("{name} query"), working)
}

fn other(read: &Read, row: &LedgerTransaction) -> Line {
    let words = |text: &str| vec![Working::Words(text.to_owned())];
    match row.kind {
        TransactionKind::Deposit | TransactionKind::ArrivalCredited => deposit(read, row),
        TransactionKind::Arrival | TransactionKind::ArrivalReturned => arrival(row),
        TransactionKind::Grant => (Kind::Grant, grant_name(read, row.subject), Vec::new()),
        TransactionKind::Expiry
        | TransactionKind::Void
        | TransactionKind::Forfeiture
        | TransactionKind::BonusVoid
        | TransactionKind::Renewal => of_grant(read, row),
        TransactionKind::Refund | TransactionKind::RefundPaid | TransactionKind::RefundFailed => {
            refund(row)
        }
        TransactionKind::Withdrawal
        | TransactionKind::Reinstatement
        | TransactionKind::Offset
        | TransactionKind::Commitment => of_purchased(row.kind),
        TransactionKind::Capture => {
            (Kind::Usage, "Captured hold".to_owned(), words("drawn from what the hold set aside"))
        }
        TransactionKind::Reversal => (
            Kind::Adjustment,
            "Usage reversed".to_owned(),
            words("given back, because it should not have been charged"),
        ),
        TransactionKind::Block | TransactionKind::BlockReversal => block(read, row),
        TransactionKind::Request => (
            Kind::Usage,
            format!("Request of {}", read.resource_name(row.subject)),
            words("served in time that is paid for: nothing is charged for it"),
        ),
        // Time and usage are told by [`movement`], and fees to nobody.
        TransactionKind::Charge
        | TransactionKind::Settlement
        | TransactionKind::Fee
        | TransactionKind::Correction => (
            Kind::Adjustment,
            "Correction".to_owned(),
            words("given back, because a stop was reported late"),
        ),
    }
}

fn arrival(row: &LedgerTransaction) -> Line {
    let (label, words) = match row.kind {
        TransactionKind::Arrival => {
            ("Payment in review", "what came is not what was asked for; we look at it")
        }
        _ => ("Payment returned", "what came went back to its payer"),
    };
    (Kind::Adjustment, label.to_owned(), vec![Working::Words(words.to_owned())])
}

fn refund(row: &LedgerTransaction) -> Line {
    let (label, words) = match row.kind {
        TransactionKind::Refund => {
            ("Refund", "unspent credit, on its way back to where it was paid from")
        }
        TransactionKind::RefundPaid => ("Refund paid", "the money has left"),
        _ => ("Refund failed", "it could not be paid, so the credit is back"),
    };
    (Kind::Adjustment, label.to_owned(), vec![Working::Words(words.to_owned())])
}

/// What ended a grant, or lets it be valid again.
fn of_grant(read: &Read, row: &LedgerTransaction) -> Line {
    let (kind, words) = match row.kind {
        TransactionKind::Expiry => (Kind::Expired, "the rest of this grant reached its expiry"),
        TransactionKind::Void => (Kind::Adjustment, "ended by the platform"),
        TransactionKind::Forfeiture => (Kind::Adjustment, "left when the organization was closed"),
        TransactionKind::BonusVoid => (Kind::Adjustment, "a bonus goes where its purchase goes"),
        _ => (Kind::Adjustment, "valid again: a payment made in time was confirmed late"),
    };
    (kind, grant_name(read, row.subject), vec![Working::Words(words.to_owned())])
}

/// What else happens to purchased credit than being spent.
fn of_purchased(kind: TransactionKind) -> Line {
    let (title, words) = match kind {
        TransactionKind::Withdrawal => ("Disputed payment", "withdrawn by the payment provider"),
        TransactionKind::Reinstatement => {
            ("Disputed payment returned", "reinstated by the payment provider")
        }
        TransactionKind::Offset => ("Debt paid", "by purchased credit that came free"),
        _ => ("Commitment", "moved to credit for its SKU alone, at the reserved price"),
    };
    (Kind::Adjustment, title.to_owned(), vec![Working::Words(words.to_owned())])
}

fn block(read: &Read, row: &LedgerTransaction) -> Line {
    let (kind, words) = match row.kind {
        TransactionKind::Block => (Kind::Usage, "one block, paid when it started"),
        _ => (Kind::Adjustment, "given back: it had stopped before this block started"),
    };
    (kind, block_name(read, row.subject), vec![Working::Words(words.to_owned())])
}

/// The resource that a run belongs to.
fn block_name(read: &Read, run: i64) -> String {
    let found = read.rows.runs.iter().find(|row| row.number == run);
    found.map_or_else(|| "Resource".to_owned(), |run| read.resource_name(run.resource))
}

fn deposit(read: &Read, row: &LedgerTransaction) -> Line {
    let unit = read.presentation.labels.unit;
    let found = read.rows.deposits.iter().find(|deposit| deposit.number == row.subject);
    let is_automatic = found.is_some_and(|deposit| deposit.label == DepositLabel::AutoTopUp);
    let kind = if is_automatic { Kind::AutoTopUp } else { Kind::Deposit };
    let method = found.map_or_else(|| "Payment".to_owned(), |row| method_name(read, row.method));
    let mut working = Vec::new();
    if row.debt.is_negative() {
        let paid = unit.usage(row.debt.negated());
        working.push(Working::Words(format!("{paid} of it paid what was owed")));
    }
    if let Some(external) = found
        .filter(|deposit| deposit.state == DepositState::Succeeded)
        .and_then(|deposit| deposit.external.as_ref())
    {
        working.push(Working::Words(format!("confirmed by the payment provider as {external}")));
    }
    (kind, method, working)
}

/// What a payment was made with.
pub fn method_name(read: &Read, method: Option<i64>) -> String {
    let found = read.rows.methods.iter().find(|row| Some(row.number) == method);
    found.map_or_else(|| "Test card".to_owned(), |row| row.label.clone())
}
