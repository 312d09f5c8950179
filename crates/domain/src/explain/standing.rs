//! Why a wallet, a grant, a run, a hold, a deposit, a resource or a price stands where it stands:
//! the movements that it was part of, added up.

use super::transaction::part_of_run;
use super::{Explanation, Link, Term, Working};
use crate::deposit::Deposit;
use crate::discount::percent;
use crate::grant::Grant;
use crate::hold::{Hold, HoldState};
use crate::ledger::{LedgerTransaction, TransactionKind};
use crate::price::{Price, Sku};
use crate::profile::Profile;
use crate::rate::{amount_round_half_even, denominator};
use crate::run::{Resource, Run};
use crate::wallet::Wallet;
use crate::{Amount, Id, Kind, OrgId, Timestamp};

/// Movements of one organization, newest first.
#[derive(Clone, Copy, Debug)]
pub struct Movements<'a> {
    pub rows: &'a [LedgerTransaction],
    /// Older ones were not looked at.
    pub is_cut: bool,
}

fn transaction(row: &LedgerTransaction) -> Id {
    Id::new(Kind::LedgerTransaction, row.org, row.number)
}

/// Explains what `wallet` holds at `now` (rulings R4).
pub fn wallet(wallet: &Wallet, profile: &Profile, now: Timestamp) -> Explanation {
    let (org, balance) = (wallet.org, wallet.balance(profile, now));
    let of = Id::new(Kind::Wallet, org, Wallet::NUMBER);
    let mut told = Explanation::new(of, format!("wallet, available {}", balance.available));
    told.fact("as of", now);
    told.fact("settled until", wallet.settled_until);
    told.fact("burn per hour", balance.burn_per_hour);
    told.fact("runs out at", balance.runs_out_at);
    let mut terms = Vec::new();
    for grant in wallet.grants.iter() {
        let label = format!("left of {} grant", grant.kind.name());
        terms.push(Term::new(grant.remaining, label).of(Id::new(Kind::Grant, org, grant.number)));
    }
    if !wallet.debt.is_zero() {
        terms.push(Term::new(wallet.debt.negated(), "debt"));
    }
    told.figure("posted", terms, balance.posted);
    told.figure("accrued", accrued(wallet, balance.accrued, now), balance.accrued);
    let reserved = wallet.grants.reserved();
    let launches = balance.held.minus(reserved);
    let terms = vec![
        Term::new(reserved, "reserved by open holds"),
        Term::new(launches, "held for what was just started"),
    ];
    told.figure("held", terms, balance.held);
    let mut terms = vec![
        Term::new(balance.posted, "posted"),
        Term::new(balance.accrued.negated(), "accrued"),
        Term::new(balance.held.negated(), "held"),
    ];
    let sum: Amount = terms.iter().map(|term| term.amount).sum();
    if sum != balance.available {
        terms.push(Term::new(balance.available.minus(sum), "would be absorbed"));
    }
    told.figure("available", terms, balance.available);
    if wallet.tip.number > 0 {
        told.link("tip", Id::new(Kind::LedgerTransaction, org, wallet.tip.number));
    }
    told
}

/// R(exact sum) − what was posted of it, for each meter (rulings R3).
fn accrued(wallet: &Wallet, total: Amount, now: Timestamp) -> Vec<Term> {
    let ahead = now.floor_to_second().seconds_since(wallet.meters.accrued_until).max(0);
    let mut terms = Vec::new();
    for meter in &wallet.meters.meters {
        let numerator = meter.sum + meter.rate * i128::from(ahead);
        let all = amount_round_half_even(numerator, denominator(meter.per_units));
        let working = Working::Metered { numerator, per_units: meter.per_units };
        let all = Term::new(all.unwrap_or(Amount::MAX), "all time so far");
        terms.push(all.from_working(working));
        let posted = i64::try_from(meter.posted).unwrap_or(i64::MAX);
        terms.push(Term::new(Amount::from_nanos(posted).negated(), "posted of it"));
    }
    let sum: Amount = terms.iter().map(|term| term.amount).sum();
    if sum != total {
        terms.push(Term::new(total.minus(sum), "posted ahead, until it has run"));
    }
    terms
}

/// Explains what is left of `grant` by every movement that touched it.
pub fn grant(org: OrgId, grant: &Grant, left: Amount, movements: Movements<'_>) -> Explanation {
    let title = format!("{} grant {}, left {left}", grant.kind.name(), grant.amount);
    let mut told = Explanation::new(Id::new(Kind::Grant, org, grant.number), title);
    told.fact("kind", grant.kind.name());
    told.fact("given", grant.amount);
    told.fact("created at", grant.created_at);
    told.fact("priority", grant.priority);
    told.fact("expires at", grant.expires_at);
    if let Some(deposit) = grant.deposit {
        told.link("deposit", Id::new(Kind::Deposit, org, deposit));
    }
    if let Some(purchase) = grant.purchase {
        told.link("purchase", Id::new(Kind::Grant, org, purchase));
    }
    let mut terms = Vec::new();
    for row in movements.rows.iter().rev() {
        for posting in row.postings.iter().filter(|posting| posting.grant == grant.number) {
            let label = format!("{} {}", row.at, row.kind.name());
            terms.push(Term::new(posting.change, label).of(transaction(row)));
        }
    }
    finish(&mut told, "left", terms, left, movements);
    told
}

/// Adds a figure of movements; what was not looked at is a term of its own.
fn finish(
    told: &mut Explanation,
    name: &'static str,
    mut terms: Vec<Term>,
    total: Amount,
    movements: Movements<'_>,
) {
    if movements.is_cut {
        told.fact("cut", format!("only the newest {} movements were read", movements.rows.len()));
        let sum: Amount = terms.iter().map(|term| term.amount).sum();
        terms.insert(0, Term::new(total.minus(sum), "movements before"));
    }
    told.figure(name, terms, total);
}

/// Explains the cost of `run` up to `now`: its time at its price, then settlement by settlement;
/// or its blocks, one by one.
pub fn run(
    org: OrgId,
    platform: OrgId,
    run: &Run,
    now: Timestamp,
    movements: Movements<'_>,
) -> Explanation {
    let cost = run.cost_round_half_even(now);
    let of = Id::new(Kind::Run, org, run.number);
    let mut told = Explanation::new(of, format!("run, cost {cost}"));
    told.fact("started at", run.started_at);
    let until = run.stopped_at.unwrap_or(now).min(now);
    match (run.stopped_at, run.stop_reason) {
        (Some(at), reason) => {
            told.fact("stopped at", at);
            told.fact("stop reason", reason.map_or("", |reason| reason.name()));
        }
        (None, _) => told.fact("as of", now),
    }
    let quantity = until.seconds_since(run.started_at).max(0);
    let working = Working::Rated { quantity, rate: run.rate };
    let price = Id::new(Kind::Price, platform, run.price);
    if run.paid.is_some() {
        let term = Term::new(cost, "blocks that have started");
        told.figure("cost", vec![term.of(price)], cost);
        by_block(&mut told, run, cost, movements);
    } else {
        let term = Term::new(cost, "seconds").from_working(working);
        told.figure("cost", vec![term.of(price)], cost);
        by_settlement(&mut told, run, now, movements);
    }
    told.link("resource", Id::new(Kind::Resource, org, run.resource));
    told.link("price", price);
    told.link("sku", Id::new(Kind::Sku, platform, run.sku));
    told
}

/// The blocks of a run, charged and given back.
fn by_block(told: &mut Explanation, run: &Run, cost: Amount, movements: Movements<'_>) {
    let mut terms = Vec::new();
    for row in movements.rows.iter().rev().filter(|row| row.subject == run.number) {
        let is_block = matches!(row.kind, TransactionKind::Block | TransactionKind::BlockReversal);
        if let Some(span) = row.span.as_ref().filter(|_| is_block) {
            let label = format!("{} from {}", row.kind.name(), span.from);
            terms.push(Term::new(row.amount, label).of(transaction(row)));
        }
    }
    let sum: Amount = terms.iter().map(|term| term.amount).sum();
    let rest = cost.minus(sum);
    if !movements.is_cut && !rest.is_zero() {
        terms.push(Term::new(rest, "paid ahead of its start"));
    }
    finish(told, "by block", terms, cost, movements);
}

/// The settlements that a run's time is part of.
fn by_settlement(told: &mut Explanation, run: &Run, now: Timestamp, movements: Movements<'_>) {
    let cost = run.cost_round_half_even(now);
    let until = run.stopped_at.unwrap_or(now).min(now);
    let mut terms = Vec::new();
    for row in movements.rows.iter().rev() {
        let settled = row.span.as_ref().filter(|_| row.kind == TransactionKind::Settlement);
        let Some(span) = settled else { continue };
        let is_in = span.from < until && row.at > run.started_at;
        if is_in {
            let amount = part_of_run(run, span.from, row.at.min(now));
            let label = format!("{} to {} settlement", span.from, row.at);
            terms.push(Term::new(amount, label).of(transaction(row)));
        }
    }
    let sum: Amount = terms.iter().map(|term| term.amount).sum();
    let rest = cost.minus(sum);
    if !movements.is_cut && !rest.is_zero() {
        terms.push(Term::new(rest, "outside of settlements, so far"));
    }
    finish(told, "by settlement", terms, cost, movements);
}

/// Explains what `hold` has set aside and what became of it.
pub fn hold(org: OrgId, hold: &Hold, movements: Movements<'_>) -> Explanation {
    let title = format!("hold {}, {}", hold.amount, hold.state.name());
    let mut told = Explanation::new(Id::new(Kind::Hold, org, hold.number), title);
    told.fact("state", hold.state.name());
    told.fact("created at", hold.created_at);
    told.fact("expires at", hold.expires_at);
    if let Some(at) = hold.resolved_at {
        told.fact("resolved at", at);
    }
    let part = |part: &crate::grant::Posting| {
        Term::new(part.change, "reserved").of(Id::new(Kind::Grant, org, part.grant))
    };
    told.figure("held", hold.parts.iter().map(part).collect(), hold.amount);
    let captured = hold.captured.unwrap_or(Amount::ZERO);
    let label = match hold.state {
        HoldState::Open => "still held",
        HoldState::Captured if captured > hold.amount => "captured beyond the hold",
        HoldState::Captured | HoldState::Released => "released",
        HoldState::Expired => "expired",
    };
    let rest = Term::new(hold.amount.minus(captured), label);
    told.figure("became", vec![Term::new(captured, "captured"), rest], hold.amount);
    caused(&mut told, TransactionKind::Capture, hold.number, movements);
    told
}

/// Explains where the money of `deposit` went.
pub fn deposit(org: OrgId, deposit: &Deposit, movements: Movements<'_>) -> Explanation {
    let title = format!("deposit {}, {}", deposit.amount, deposit.state.name());
    let mut told = Explanation::new(Id::new(Kind::Deposit, org, deposit.number), title);
    told.fact("state", deposit.state.name());
    told.fact("rail", &deposit.rail);
    told.fact("created at", deposit.created_at);
    if let Some(at) = deposit.decided_at {
        told.fact("decided at", at);
    }
    if let Some(external) = &deposit.external {
        told.fact("external id", external);
    }
    if let Some(conversion) = &deposit.conversion {
        told.fact("converted from", conversion);
    }
    if !deposit.reason.is_empty() {
        told.fact("reason", &deposit.reason);
    }
    for row in of_subject(TransactionKind::Deposit, deposit.number, movements) {
        let mut terms = Vec::new();
        for posting in &row.postings {
            let id = Id::new(Kind::Grant, org, posting.grant);
            terms.push(Term::new(posting.change, "became a grant").of(id));
        }
        if !row.debt.is_zero() {
            terms.push(Term::new(row.debt.negated(), "paid debt"));
        }
        told.figure("amount", terms, row.amount);
    }
    if !deposit.tax.is_none() {
        let tax = Term::new(deposit.tax.amount, format!("tax at {} %", percent(deposit.tax.bps)));
        let terms = vec![Term::new(deposit.amount, "credit"), tax];
        told.figure("charged", terms, deposit.charged());
    }
    if let Some(grant) = deposit.grant {
        told.link("grant", Id::new(Kind::Grant, org, grant));
    }
    caused(&mut told, TransactionKind::Deposit, deposit.number, movements);
    told
}

fn of_subject<'a>(
    kind: TransactionKind,
    subject: i64,
    movements: Movements<'a>,
) -> impl Iterator<Item = &'a LedgerTransaction> {
    movements.rows.iter().filter(move |row| row.kind == kind && row.subject == subject)
}

fn caused(told: &mut Explanation, kind: TransactionKind, subject: i64, movements: Movements<'_>) {
    for row in of_subject(kind, subject, movements) {
        told.leads_to.push(Link { name: kind.name(), id: transaction(row) });
    }
}

/// Explains what `resource` has cost up to `now`, run by run; `runs` is nothing when there are more
/// than can be added up.
pub fn resource(
    org: OrgId,
    platform: OrgId,
    resource: &Resource,
    runs: Option<&[Run]>,
    now: Timestamp,
) -> Explanation {
    let of = Id::new(Kind::Resource, org, resource.number);
    let mut told = Explanation::new(of, format!("resource {}", resource.name));
    told.fact("name", &resource.name);
    told.fact("created at", resource.created_at);
    told.fact("labels", &resource.labels);
    told.fact("as of", now);
    match runs {
        Some(runs) => {
            let cost: Amount = runs.iter().map(|run| run.cost_round_half_even(now)).sum();
            let terms = runs.iter().map(|run| run_term(org, run, now)).collect();
            told.figure("cost", terms, cost);
        }
        None => told.fact("cut", "it has more runs than can be added up"),
    }
    told.link("sku", Id::new(Kind::Sku, platform, resource.sku));
    told
}

/// Explains what was charged at `price`: lines of usage events, and runs up to `now`, of the
/// organizations that were looked at.
pub fn price(
    platform: OrgId,
    price: &Price,
    charges: Movements<'_>,
    runs: &[(OrgId, Run)],
    now: Timestamp,
) -> Explanation {
    let title = format!("price {} per {} {}", price.amount, price.per_units, price.dimension);
    let mut told = Explanation::new(Id::new(Kind::Price, platform, price.number), title);
    told.fact("dimension", &price.dimension);
    told.fact("amount", price.amount);
    told.fact("per units", price.per_units);
    told.fact("effective from", price.effective_from);
    told.fact("created at", price.created_at);
    let mut terms = Vec::new();
    for row in charges.rows.iter().rev() {
        for line in row.lines.iter().filter(|line| line.price == price.number) {
            let working =
                Working::Rated { quantity: line.quantity, rate: price.rate(row.discount_bps) };
            let term = Term::new(line.amount, format!("{} {}", row.at, row.kind.name()));
            terms.push(term.from_working(working).of(transaction(row)));
        }
    }
    for (org, run) in runs.iter().filter(|(_, run)| run.price == price.number) {
        terms.push(run_term(*org, run, now));
    }
    let mut total = Amount::ZERO;
    let fits = terms.iter().take_while(|term| {
        let sum = total.checked_add(term.amount);
        total = sum.unwrap_or(total);
        sum.is_some()
    });
    let kept = fits.count();
    if charges.is_cut || kept < terms.len() {
        told.fact("cut", "there is more than was added up");
    }
    terms.truncate(kept);
    told.figure("charged", terms, total);
    told.link("sku", Id::new(Kind::Sku, platform, price.sku));
    told
}

/// A run's own cost up to `now`, as seconds at its price where time accrues.
fn run_term(org: OrgId, run: &Run, now: Timestamp) -> Term {
    let until = run.stopped_at.unwrap_or(now).min(now);
    let quantity = until.seconds_since(run.started_at).max(0);
    let working = Working::Rated { quantity, rate: run.rate };
    let term = Term::new(run.cost_round_half_even(now), format!("run from {}", run.started_at));
    let term = if run.paid.is_some() { term } else { term.from_working(working) };
    term.of(Id::new(Kind::Run, org, run.number))
}

/// Names the prices of `sku`, oldest first.
pub fn sku(platform: OrgId, sku: &Sku, prices: &[i64]) -> Explanation {
    let of = Id::new(Kind::Sku, platform, sku.number);
    let mut told = Explanation::new(of, format!("sku {}", sku.code));
    told.fact("name", &sku.name);
    told.fact("class", sku.class.name());
    told.fact("created at", sku.created_at);
    for &price in prices {
        told.link("price", Id::new(Kind::Price, platform, price));
    }
    told
}
