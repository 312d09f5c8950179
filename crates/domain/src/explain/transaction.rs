//! Why a ledger transaction has the amount, the entries, the balance and the hash that it has.
//!
//! *Invariant:* every kind of transaction has its own arm in [`made_of`]: a new kind does not
//! compile before somebody has said what its amount is made of.

use std::collections::BTreeMap;

use super::{Explanation, Term, Working};
use crate::chart::{LedgerAccount, entries};
use crate::discount::percent;
use crate::grant::Posting;
use crate::grant::{Grant, GrantKind};
use crate::hold::Hold;
use crate::label::Labels;
use crate::ledger::{ChainHash, LedgerTransaction, TransactionKind};
use crate::price::Price;
use crate::rate::{amount_round_half_even, denominator};
use crate::run::Run;
use crate::span::periods;
use crate::tax::is_inside;
use crate::{Amount, Id, Kind, OrgId, Timestamp};

/// The rows around a transaction.
#[derive(Clone, Debug, Default)]
pub struct Around {
    /// The platform whose prices it was rated by.
    pub platform: Option<OrgId>,
    /// The transaction before it; none for an organization's first.
    pub before: Option<LedgerTransaction>,
    /// The grants it touched, by number.
    pub grants: BTreeMap<i64, Grant>,
    /// The prices of its lines, by number.
    pub prices: BTreeMap<i64, Price>,
    /// Runs that ran in the time it settles.
    pub runs: Vec<Run>,
    /// The hold that it captures.
    pub hold: Option<Hold>,
    /// Labels of the use that it charges.
    pub labels: Labels,
}

/// Explains `row`.
pub fn explain(row: &LedgerTransaction, around: &Around) -> Explanation {
    let of = Id::new(Kind::LedgerTransaction, row.org, row.number);
    let mut told = Explanation::new(of, format!("{} {}", row.kind.name(), row.amount));
    told.fact("kind", row.kind.name());
    told.fact("number", row.number);
    told.fact("posted at", row.at);
    if let Some(at) = row.occurred_at {
        told.fact("occurred at", at);
    }
    if let Some(event) = &row.event {
        told.fact("event source", &event.source);
        told.fact("event id", &event.id);
    }
    if !around.labels.is_empty() {
        told.fact("labels", &around.labels);
    }
    made_of(&mut told, row, around);
    taxed(&mut told, row);
    told.figure("entries", entry_terms(row, around), Amount::ZERO);
    told.figure("balance", balance_terms(row, around), row.balance);
    chain(&mut told, row, around);
    if let Some((kind, name)) = subject_of(row).filter(|_| row.subject != 0) {
        told.link(name, Id::new(kind, row.org, row.subject));
    }
    for posting in &row.postings {
        told.link("grant", Id::new(Kind::Grant, row.org, posting.grant));
    }
    if let Some(before) = &around.before {
        told.link("before", Id::new(Kind::LedgerTransaction, row.org, before.number));
    }
    told
}

/// What the subject of a transaction names.
fn subject_of(row: &LedgerTransaction) -> Option<(Kind, &'static str)> {
    match row.kind {
        TransactionKind::Deposit | TransactionKind::Fee | TransactionKind::ArrivalCredited => {
            Some((Kind::Deposit, "deposit"))
        }
        TransactionKind::Arrival | TransactionKind::ArrivalReturned => {
            Some((Kind::Arrival, "arrival"))
        }
        TransactionKind::Grant
        | TransactionKind::Expiry
        | TransactionKind::Void
        | TransactionKind::Forfeiture
        | TransactionKind::Renewal => Some((Kind::Grant, "of grant")),
        TransactionKind::Commitment => Some((Kind::Grant, "became grant")),
        TransactionKind::Capture => Some((Kind::Hold, "hold")),
        TransactionKind::Block | TransactionKind::BlockReversal => Some((Kind::Run, "run")),
        TransactionKind::Request => Some((Kind::Resource, "resource")),
        TransactionKind::Correction => Some((Kind::Grant, "became grant")),
        TransactionKind::BonusVoid => Some((Kind::Grant, "of grant")),
        TransactionKind::Refund | TransactionKind::RefundPaid | TransactionKind::RefundFailed => {
            Some((Kind::Refund, "refund"))
        }
        TransactionKind::Withdrawal => Some((Kind::Dispute, "dispute")),
        TransactionKind::Reinstatement => {
            let became = row.postings.iter().any(|posting| posting.grant == row.subject);
            Some(if became { (Kind::Grant, "became grant") } else { (Kind::Dispute, "dispute") })
        }
        // Credit of its own for debt that was paid since.
        TransactionKind::Reversal if row.subject != 0 => Some((Kind::Grant, "became grant")),
        TransactionKind::Charge
        | TransactionKind::Reversal
        | TransactionKind::Settlement
        | TransactionKind::Offset => None,
    }
}

/// What the amount is made of, by kind.
fn made_of(told: &mut Explanation, row: &LedgerTransaction, around: &Around) {
    match row.kind {
        TransactionKind::Deposit
        | TransactionKind::ArrivalCredited
        | TransactionKind::RefundFailed
        | TransactionKind::Reinstatement => {
            let mut terms = grant_terms(row, around, Amount::plus);
            if !row.debt.is_zero() {
                terms.push(Term::new(row.debt.negated(), "paid debt"));
            }
            told.figure("amount", terms, row.amount);
        }
        TransactionKind::Grant | TransactionKind::Renewal => {
            told.figure("amount", grant_terms(row, around, Amount::plus), row.amount);
        }
        TransactionKind::Expiry
        | TransactionKind::Void
        | TransactionKind::Forfeiture
        | TransactionKind::BonusVoid
        | TransactionKind::Offset => {
            told.figure("amount", grant_terms(row, around, Amount::minus), row.amount);
        }
        TransactionKind::Commitment => told.figure("amount", moved(row), row.amount),
        TransactionKind::Charge | TransactionKind::Reversal => {
            told.figure("amount", line_terms(row, around), row.amount);
            told.figure("paid by", payer_terms(row, around), row.amount);
        }
        TransactionKind::Request => {
            let busy = row.single_line().map_or(0, |line| line.quantity);
            let label = format!("busy for {busy} ms of time that is paid");
            let resource = Id::new(Kind::Resource, row.org, row.subject);
            told.figure("amount", vec![Term::new(row.amount, label).of(resource)], row.amount);
        }
        TransactionKind::Settlement => {
            time(told, row, around);
            told.figure("paid by", payer_terms(row, around), row.amount);
        }
        TransactionKind::Block | TransactionKind::BlockReversal => {
            told.figure("amount", vec![block(row, around)], row.amount);
            told.figure("paid by", payer_terms(row, around), row.amount);
        }
        TransactionKind::Capture => {
            told.figure("amount", vec![captured(row)], row.amount);
            told.figure("paid by", payer_terms(row, around), row.amount);
            if let Some(hold) = &around.hold {
                let mut terms = vec![captured(row)];
                let released = hold.amount.minus(row.amount);
                if !released.is_zero() {
                    let label = if released.is_negative() { "beyond the hold" } else { "released" };
                    terms.push(Term::new(released, label));
                }
                told.figure("held", terms, hold.amount);
            }
        }
        TransactionKind::Correction | TransactionKind::Refund | TransactionKind::Withdrawal => {
            told.figure("amount", payer_terms(row, around), row.amount);
        }
        TransactionKind::Arrival
        | TransactionKind::ArrivalReturned
        | TransactionKind::Fee
        | TransactionKind::RefundPaid => told.figure("amount", vec![beside(row)], row.amount),
    }
}

/// Money that moves beside the balance.
fn beside(row: &LedgerTransaction) -> Term {
    let (label, kind) = match row.kind {
        TransactionKind::Arrival => ("came, and waits for an operator", Kind::Arrival),
        TransactionKind::ArrivalReturned => ("went back to its payer", Kind::Arrival),
        TransactionKind::Fee => ("kept by the provider", Kind::Deposit),
        _ => ("paid out by the rail", Kind::Refund),
    };
    Term::new(row.amount, label).of(Id::new(kind, row.org, row.subject))
}

/// What a commitment took from each grant.
fn moved(row: &LedgerTransaction) -> Vec<Term> {
    let drawn = row.postings.iter().filter(|posting| posting.grant != row.subject);
    let term = |posting: &Posting| {
        let grant = Id::new(Kind::Grant, row.org, posting.grant);
        Term::new(posting.change.negated(), "moved from").of(grant)
    };
    drawn.map(term).collect()
}

/// A charge as net and tax, or money as credit and tax (rulings R19).
fn taxed(told: &mut Explanation, row: &LedgerTransaction) {
    if row.tax.is_none() {
        return;
    }
    let tax = Term::new(row.tax.amount, format!("tax at {} %", percent(row.tax.bps)));
    if is_inside(row.kind) {
        let net = Term::new(row.amount.minus(row.tax.amount), "net");
        told.figure("net and tax", vec![net, tax], row.amount);
    } else {
        let money = row.amount.plus(row.tax.amount);
        told.figure("money", vec![Term::new(row.amount, "credit"), tax], money);
    }
}

/// A block of a run at its price, or the same given back.
fn block(row: &LedgerTransaction, around: &Around) -> Term {
    let is_back = row.amount.is_negative();
    let label = if is_back { "one block, given back" } else { "one block, paid at its start" };
    let term = Term::new(row.amount, label).of(Id::new(Kind::Run, row.org, row.subject));
    let run = around.runs.iter().find(|run| run.number == row.subject && !is_back);
    match run.and_then(|run| Some((run.paid?.block_seconds, run.rate))) {
        Some((quantity, rate)) => term.from_working(Working::Rated { quantity, rate }),
        None => term,
    }
}

fn captured(row: &LedgerTransaction) -> Term {
    Term::new(row.amount, "captured").of(Id::new(Kind::Hold, row.org, row.subject))
}

fn grant_name(around: &Around, number: i64) -> String {
    match around.grants.get(&number) {
        Some(grant) => format!("{} grant", grant.kind.name()),
        None => "grant".to_owned(),
    }
}

/// Changes of grants as they are, or taken away.
fn grant_terms(
    row: &LedgerTransaction,
    around: &Around,
    sign: fn(Amount, Amount) -> Amount,
) -> Vec<Term> {
    let term = |posting: &crate::grant::Posting| {
        let amount = sign(Amount::ZERO, posting.change);
        let id = Id::new(Kind::Grant, row.org, posting.grant);
        Term::new(amount, grant_name(around, posting.grant)).of(id)
    };
    row.postings.iter().map(term).collect()
}

/// Who bears a charge: grants in the order in which they were drawn, then the debt, then the
/// operator (rulings R14).
fn payer_terms(row: &LedgerTransaction, around: &Around) -> Vec<Term> {
    let mut terms = grant_terms(row, around, Amount::minus);
    if !row.debt.is_zero() {
        terms.push(Term::new(row.debt, "debt"));
    }
    if !row.absorbed.is_zero() {
        terms.push(Term::new(row.absorbed, "absorbed by the operator"));
    }
    terms
}

fn line_terms(row: &LedgerTransaction, around: &Around) -> Vec<Term> {
    let mut terms = Vec::new();
    for line in &row.lines {
        let Some(price) = around.prices.get(&line.price) else {
            terms.push(Term::new(line.amount, format!("{} units", line.quantity)));
            continue;
        };
        let working =
            Working::Rated { quantity: line.quantity, rate: price.rate(row.discount_bps) };
        let term = Term::new(line.amount, price.dimension.clone()).from_working(working);
        terms.push(match around.platform {
            Some(platform) => term.of(Id::new(Kind::Price, platform, price.number)),
            None => term,
        });
    }
    terms
}

/// A settlement three times over: by period, by meter and by run (rulings R3, A8).
fn time(told: &mut Explanation, row: &LedgerTransaction, around: &Around) {
    let Some(span) = &row.span else { return };
    let period = |period: &crate::span::Period| {
        Term::new(period.amount, format!("{} to {}", period.from, period.until))
    };
    told.figure("amount", periods(row).iter().map(period).collect(), row.amount);
    if !span.meters.is_empty() {
        let seconds = i128::from(row.at.seconds_since(span.from));
        let mut terms = Vec::new();
        for meter in &span.meters {
            let mut total = |label: &str, numerator: i128, sign: fn(Amount, Amount) -> Amount| {
                let rounded = amount_round_half_even(numerator, denominator(meter.per_units));
                let amount = sign(Amount::ZERO, rounded.unwrap_or(Amount::MAX));
                let working = Working::Metered { numerator, per_units: meter.per_units };
                terms.push(Term::new(amount, label).from_working(working));
            };
            total("all time to the end", meter.sum + meter.rate * seconds, Amount::plus);
            total("all time to the start", meter.sum, Amount::minus);
        }
        told.figure("by meter", with_rest(terms, row.amount, "reported late"), row.amount);
    }
    let mut terms = Vec::new();
    for run in around.runs.iter().filter(|run| run.paid.is_none()) {
        let cost = part_of_run(run, span.from, row.at);
        let ran = run.stopped_at.is_none_or(|stopped| stopped > span.from);
        if ran && run.started_at < row.at {
            terms.push(Term::new(cost, "run").of(Id::new(Kind::Run, row.org, run.number)));
            told.link("run", Id::new(Kind::Run, row.org, run.number));
        }
    }
    let half_nanos = i64::try_from(terms.len()).unwrap_or(i64::MAX);
    let sum: Amount = terms.iter().map(|term| term.amount).sum();
    let rest = row.amount.minus(sum);
    let is_rounding = rest.nanos().abs() <= half_nanos.saturating_add(1);
    let label = if is_rounding { "rounding" } else { "rounding, and time reported late" };
    told.figure("by run", with_rest(terms, row.amount, label), row.amount);
}

/// What of a run's own cost falls into `[from, until)`; the parts of a run add up to its cost.
pub fn part_of_run(run: &Run, from: Timestamp, until: Timestamp) -> Amount {
    run.cost_round_half_even(until).minus(run.cost_round_half_even(from))
}

fn with_rest(mut terms: Vec<Term>, total: Amount, label: &str) -> Vec<Term> {
    let sum: Amount = terms.iter().map(|term| term.amount).sum();
    let rest = total.minus(sum);
    if !rest.is_zero() {
        terms.push(Term::new(rest, label));
    }
    terms
}

/// Debits are negative and credits positive, and they sum to zero (rulings R16).
fn entry_terms(row: &LedgerTransaction, around: &Around) -> Vec<Term> {
    let kind_of = |number: i64| {
        around.grants.get(&number).map_or(GrantKind::Purchased, |grant: &Grant| grant.kind)
    };
    let term = |entry: &crate::chart::Entry| {
        let side = if entry.credit.is_negative() { "dr" } else { "cr" };
        let term = Term::new(entry.credit, format!("{side} {}", entry.account.name()));
        match entry.account {
            LedgerAccount::Grant(number) => term.of(Id::new(Kind::Grant, row.org, number)),
            _ => term,
        }
    };
    entries(row, kind_of).iter().map(term).collect()
}

fn balance_terms(row: &LedgerTransaction, around: &Around) -> Vec<Term> {
    let before = around.before.as_ref().map_or(Amount::ZERO, |before| before.balance);
    let mut terms = vec![Term::new(before, "before")];
    terms.extend(grant_terms(row, around, Amount::plus));
    if !row.debt.is_zero() {
        terms.push(Term::new(row.debt.negated(), "debt"));
    }
    terms
}

fn chain(told: &mut Explanation, row: &LedgerTransaction, around: &Around) {
    let hash_before = around.before.as_ref().map_or(ChainHash::default(), |before| before.hash);
    let is_right = row.chained_after(&hash_before) == row.hash;
    let hex = |hash: &ChainHash| hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    told.fact("hash before", hex(&hash_before));
    told.fact("hash", hex(&row.hash));
    told.fact("hash check", if is_right { "right" } else { "wrong" });
}
