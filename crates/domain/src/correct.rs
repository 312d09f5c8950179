//! Giving back what was posted for time that did not run, because a stop was reported late, and
//! what was charged for a usage event that was none.
//!
//! Laws: the journal is walked backwards and its draws are restored in reverse order (rulings R11);
//! nothing is given back twice; value of a grant that was voided or has expired meanwhile ends
//! again; what had been debt lowers the debt, and what a deposit has paid of it since becomes
//! credit of its own.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::digest::note_priced;
use crate::grant::{Grant, GrantKind, PRIORITY_DEFAULT, Posting};
use crate::ledger::{EventKey, LedgerTransaction, Line, TransactionKind};
use crate::scope::{Cover, Purpose, Scope};
use crate::scoped::adopt_scope;
use crate::settle::{Draft, post};
use crate::tax::{Tax, given_back};
use crate::workset::Workset;
use crate::{Amount, Kind, OrgId, Refusal, Timestamp};

/// Gives back `surplus`, which was posted to `meter` for time of `purpose` that did not run, to
/// grants that pay for it. Looks back through [`Workset::history`] and the journal of the batch;
/// what is not found there lowers what the next settlement posts.
pub fn correct(
    ws: &mut Workset,
    org: OrgId,
    (meter, purpose): ((Cover, i64), Purpose),
    surplus: Amount,
    at: Timestamp,
) -> Result<(), Refusal> {
    let back = Back::walk(ws, org, surplus, purpose);
    let corrected = surplus.minus(back.left);
    if !corrected.is_positive() {
        return Ok(());
    }
    let wallet = ws.wallet_mut(org)?;
    wallet.meters.give_back(meter, corrected);
    let lowers_debt = back.debt.min(wallet.debt);
    let mut postings = back.restored;
    let mut subject = 0;
    if back.debt > lowers_debt {
        let credit = Posting { grant: wallet.take_number(), change: back.debt.minus(lowers_debt) };
        subject = credit.grant;
        credit_of_paid_debt(ws, org, credit, at)?;
        postings.push(credit);
    }
    for posting in postings.iter().filter(|posting| posting.grant != subject) {
        restore(ws, org, *posting)?;
    }
    let draft = Draft {
        subject,
        postings: postings.clone(),
        absorbed: back.absorbed.negated(),
        debt: lowers_debt.negated(),
        tax: back.tax.negated(),
        ..Draft::new(TransactionKind::Correction, at, corrected.negated())
    };
    post(ws, org, draft)?;
    end_voided(ws, org, &postings, at)
}

/// Ends again what came back into grants that were voided meanwhile, whether or not there was
/// anything left of them then.
fn end_voided(
    ws: &mut Workset,
    org: OrgId,
    restored: &[Posting],
    at: Timestamp,
) -> Result<(), Refusal> {
    for posting in restored {
        let row = ws.grants.get(org, posting.grant);
        if row.is_some_and(|grant| grant.voided_at.is_some()) {
            void_rest(ws, org, posting.grant, at)?;
        }
    }
    Ok(())
}

/// Undoes the whole of `row`, the charge for a usage event, by a transaction under the key `event`:
/// what was absorbed or became debt first, then its draws in reverse recorded order (rulings R11).
/// Debt that has been paid since becomes credit of its own.
pub fn reverse(
    ws: &mut Workset,
    org: OrgId,
    row: &LedgerTransaction,
    event: EventKey,
    at: Timestamp,
) -> Result<Arc<LedgerTransaction>, Refusal> {
    let lowers_debt = row.debt.min(ws.wallet(org)?.debt);
    let mut postings = Vec::with_capacity(row.postings.len());
    for drawn in row.postings.iter().rev() {
        let posting = Posting { grant: drawn.grant, change: drawn.change.negated() };
        restore(ws, org, posting)?;
        postings.push(posting);
    }
    let mut subject = 0;
    if row.debt > lowers_debt {
        subject = ws.wallet_mut(org)?.take_number();
        let credit = Posting { grant: subject, change: row.debt.minus(lowers_debt) };
        credit_of_paid_debt(ws, org, credit, at)?;
        postings.push(credit);
    }
    let lines = row.lines.iter().map(|line| Line {
        quantity: -line.quantity,
        amount: line.amount.negated(),
        ..line.clone()
    });
    let draft = Draft {
        occurred_at: Some(row.occurred_at.unwrap_or(row.at)).filter(|&happened| happened != at),
        subject,
        labels: row.labels,
        postings,
        absorbed: row.absorbed.negated(),
        debt: lowers_debt.negated(),
        tax: row.tax.negated(),
        fingerprint: row.number,
        event: Some(event),
        lines: lines.collect(),
        discount_bps: row.discount_bps,
        ..Draft::new(TransactionKind::Reversal, at, row.amount.negated())
    };
    note_priced(ws, org, &draft)?;
    post(ws, org, draft).cloned()
}

/// Ends a promotional grant: its unreserved rest is taken back. Nothing happens when there is none.
pub fn void_rest(ws: &mut Workset, org: OrgId, grant: i64, at: Timestamp) -> Result<(), Refusal> {
    let wallet = ws.wallet_mut(org)?;
    let rest = wallet.grants.get(grant).map(crate::grant::OpenGrant::unreserved);
    let Some(rest) = rest.filter(|rest| rest.is_positive()) else { return Ok(()) };
    let posting = Posting { grant, change: rest.negated() };
    wallet.grants.apply(posting);
    let draft = Draft {
        subject: grant,
        postings: vec![posting],
        ..Draft::new(TransactionKind::Void, at, rest)
    };
    post(ws, org, draft).map(|_| ())
}

/// What is to be given back, collected while the journal is walked from its newest row.
#[derive(Debug, Default)]
struct Back {
    /// What has not been found yet.
    left: Amount,
    absorbed: Amount,
    debt: Amount,
    /// Of all rows together; the rate is that of the newest.
    tax: Tax,
    restored: Vec<Posting>,
    /// What later corrections have given back already, of the rows still to come.
    before: BTreeMap<i64, Amount>,
    absorbed_before: Amount,
    debt_before: Amount,
}

/// Whether `rows`, the newest of a journal, are enough to find what stops at `since` or later may
/// have to give back: at most `ran`, what the runs in question cost since. Less was posted where
/// another was reported ahead of the clock. Corrections gave back what was drawn last, so that as
/// much of older time has to be there, by what pays for the same; `scope_of` tells what a grant is
/// for.
pub fn reaches_back<'a>(
    rows: &[LedgerTransaction],
    (since, ran): (Timestamp, Amount),
    scope_of: impl Fn(i64) -> Option<&'a Scope>,
) -> bool {
    let mut missing: BTreeMap<Option<&Scope>, Amount> = BTreeMap::new();
    let settled = rows.iter().filter(|row| row.kind == TransactionKind::Settlement);
    let posted: Amount = settled.filter(|row| row.at > since).map(|row| row.amount).sum();
    missing.insert(None, ran.minus(posted).or_zero());
    for row in rows {
        let is_back = row.kind == TransactionKind::Correction;
        let is_older = row.kind == TransactionKind::Settlement && row.at <= since;
        if !is_back && !is_older {
            continue;
        }
        let mut count = |scope: Option<&'a Scope>, drawn: Amount| {
            let sum = missing.entry(scope).or_default();
            *sum = sum.minus(drawn);
        };
        for posting in &row.postings {
            // Debt that had been paid came back as credit of its own, which pays for everything.
            let was_debt = is_back && posting.grant == row.subject;
            let scope = if was_debt { None } else { scope_of(posting.grant) };
            count(scope, posting.change.negated());
        }
        count(None, row.absorbed.plus(row.debt));
    }
    missing.values().all(|missing| !missing.is_positive())
}

impl Back {
    fn walk(ws: &Workset, org: OrgId, surplus: Amount, purpose: Purpose) -> Back {
        let mut back = Back { left: surplus, ..Back::default() };
        let recent = ws
            .journal()
            .iter()
            .rev()
            .map(AsRef::as_ref)
            .filter(|row: &&LedgerTransaction| row.org == org);
        for row in recent.chain(ws.history.get(&org).into_iter().flatten()) {
            if back.left.is_zero() {
                break;
            }
            match row.kind {
                TransactionKind::Settlement => {
                    back.take(ws, row, |grant| pays_for(ws, org, grant, purpose));
                }
                TransactionKind::Correction => back.skip(row),
                _ => {}
            }
        }
        back
    }

    /// Remembers what an earlier correction gave back.
    fn skip(&mut self, row: &LedgerTransaction) {
        self.absorbed_before = self.absorbed_before.minus(row.absorbed);
        self.debt_before = self.debt_before.minus(row.debt);
        for posting in &row.postings {
            if posting.grant == row.subject {
                self.debt_before = self.debt_before.plus(posting.change);
            } else {
                let before = self.before.entry(posting.grant).or_default();
                *before = before.plus(posting.change);
            }
        }
    }

    /// Takes back as much of a settlement as is left to find: last drawn, first restored.
    fn take(&mut self, ws: &Workset, row: &LedgerTransaction, pays: impl Fn(i64) -> bool) {
        let (_, part) = found(row.absorbed, &mut self.absorbed_before, &mut self.left);
        self.absorbed = self.absorbed.plus(part);
        let (skipped, part) = found(row.debt, &mut self.debt_before, &mut self.left);
        self.debt = self.debt.plus(part);
        let mut taxed = Taxed { whole: row.debt, before: skipped, part };
        for posting in row.postings.iter().rev() {
            let drawn = posting.change.negated();
            let before = self.before.entry(posting.grant).or_default();
            // What did not pay for it gets nothing of it back.
            let mut nothing = Amount::ZERO;
            let left = if pays(posting.grant) { &mut self.left } else { &mut nothing };
            let (skipped, part) = found(drawn, before, left);
            let grant = ws.grants.get(row.org, posting.grant);
            if grant.is_none_or(|grant| !grant.kind.is_given()) {
                taxed.add(drawn, skipped, part);
            }
            if !part.is_positive() {
                continue;
            }
            match self.restored.iter_mut().find(|other| other.grant == posting.grant) {
                Some(other) => other.change = other.change.plus(part),
                None => self.restored.push(Posting { grant: posting.grant, change: part }),
            }
        }
        if !row.tax.is_none() {
            let part = given_back(row.tax.amount, taxed.whole, taxed.before, taxed.part);
            let bps = if self.tax.is_none() { row.tax.bps } else { self.tax.bps };
            self.tax = Tax { amount: self.tax.amount.plus(part), bps };
        }
    }
}

/// What of a settlement carried tax: purchased credit and debt.
struct Taxed {
    whole: Amount,
    /// Given back by earlier corrections.
    before: Amount,
    /// Given back now.
    part: Amount,
}

impl Taxed {
    fn add(&mut self, whole: Amount, before: Amount, part: Amount) {
        self.whole = self.whole.plus(whole);
        self.before = self.before.plus(before);
        self.part = self.part.plus(part);
    }
}

/// Whether a grant, open or used up, can be spent on `purpose`.
fn pays_for(ws: &Workset, org: OrgId, grant: i64, purpose: Purpose) -> bool {
    let open = ws.wallet(org).ok().and_then(|wallet| wallet.grants.get(grant));
    match open {
        Some(open) => open.pays_for(Some(purpose)),
        None => ws.grants.get(org, grant).is_none_or(|it| it.opened().pays_for(Some(purpose))),
    }
}

/// What of `drawn` was given `before`, and the part of the rest that is still `left` to find;
/// lowers both.
fn found(drawn: Amount, before: &mut Amount, left: &mut Amount) -> (Amount, Amount) {
    let skipped = drawn.min(*before).or_zero();
    *before = before.minus(skipped);
    let part = drawn.minus(skipped).min(*left).or_zero();
    *left = left.minus(part);
    (skipped, part)
}

/// Posts `draft`, which gives back what was drawn; what was voided meanwhile ends again.
pub(crate) fn restore_all(ws: &mut Workset, org: OrgId, draft: Draft) -> Result<(), Refusal> {
    let (postings, at) = (draft.postings.clone(), draft.at);
    for posting in &postings {
        restore(ws, org, *posting)?;
    }
    post(ws, org, draft)?;
    end_voided(ws, org, &postings, at)
}

/// Puts `posting` back into its grant, opening it again on its original terms when it was closed.
///
/// Errors: [`Refusal::NotFound`] when a closed grant's row is not loaded,
/// [`Refusal::TooManyScopes`].
pub fn restore(ws: &mut Workset, org: OrgId, posting: Posting) -> Result<(), Refusal> {
    let closed = ws.grants.get(org, posting.grant).cloned();
    if let Some(scope) = closed.as_ref().and_then(|grant| grant.scope.as_ref()) {
        adopt_scope(ws, org, scope)?;
    }
    let wallet = ws.wallet_mut(org)?;
    if !wallet.grants.apply(posting) {
        let grant = closed.ok_or(Refusal::NotFound { kind: Kind::Grant })?;
        let lapsed_at = wallet.validity.as_ref().and_then(|validity| validity.lapsed_at);
        let lapsed_at = lapsed_at.filter(|&at| grant.kind.is_bought() && grant.created_at < at);
        let mut open = grant.opened();
        open.remaining = posting.change;
        open.expires_at = open.expires_at.min(lapsed_at.unwrap_or(Timestamp::NEVER));
        wallet.grants.insert(open);
    }
    Ok(())
}

/// Money that paid a debt which was none is the customer's again.
fn credit_of_paid_debt(
    ws: &mut Workset,
    org: OrgId,
    credit: Posting,
    at: Timestamp,
) -> Result<(), Refusal> {
    let grant = Grant {
        number: credit.grant,
        kind: GrantKind::Purchased,
        amount: credit.change,
        priority: PRIORITY_DEFAULT,
        expires_at: Timestamp::NEVER,
        purchase: None,
        deposit: None,
        note: String::new(),
        effective_at: at,
        created_at: at,
        voided_at: None,
        scope: None,
    };
    ws.wallet_mut(org)?.grants.insert(grant.opened());
    ws.grants.put(org, grant.number, grant);
    Ok(())
}
