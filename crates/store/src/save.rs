//! Writes what a batch changed, as one bulk statement for each table that it touched.
//!
//! *Invariant:* the lane's row is changed first and only by its owner, in the same transaction
//! (rulings A1): a process that lost the lane writes nothing.

use std::sync::Arc;

use domain::ledger::LedgerTransaction;
use domain::wallet::Wallet;
use domain::workset::{Changes, Key};

use crate::answers::{self, NewAnswer};
use crate::error::StoreError;
use crate::noun;
use crate::statement::Bulk;
use crate::step::{Done, Step};
use crate::value::{Column, Value};
use crate::wakes::{self, Wake};
use crate::writer::Writer;
use crate::{
    api_keys, arrivals, claims, coupons, deposits, discounts, disputes, documents, erasure, events,
    grants, holds, journal, label_sets, lanes, limits, members, organizations, outbox, parties,
    payment_methods, platforms, prices, redemptions, refunds, resources, runs, series, skus,
    wallets,
};

/// Everything that one transaction of a lane writes.
#[derive(Debug, Default)]
pub struct Batch {
    pub changes: Changes,
    /// At most one for each organization and key.
    pub answers: Vec<NewAnswer>,
    /// When each wallet is next due; `NEVER` removes the row. At most one for each organization.
    pub wakes: Vec<Wake>,
    /// Effects whose result is known, as (organization, number).
    pub outbox_done: Vec<Key>,
}

/// How a save ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Saved {
    /// Everything is in the transaction, which the caller commits.
    Kept,
    /// The lane belongs to somebody else now. The transaction was rolled back.
    NotOwner,
}

/// Rows that are turned into columns and written before the next are: few enough to stay in the
/// processor's caches.
const ROWS_AT_ONCE: usize = 128;

/// A table's statement and the rows for it.
type Write<'a> = (&'static Bulk, Vec<Column<'a>>);

/// Writes `batch` into the transaction that is begun, if `owner` still owns the lane in `epoch`.
///
/// Errors: after any error the transaction can only be rolled back.
pub fn save(
    w: &mut Writer,
    batch: &Batch,
    lane: i64,
    owner: &str,
    epoch: i64,
) -> Result<Saved, StoreError> {
    let handed_out = i64::try_from(batch.changes.journal.len())
        .map_err(|_| StoreError::mistake("a batch too long"))?;
    let advance: [Value; 4] = [lane.into(), owner.into(), epoch.into(), handed_out.into()];
    match write(w, batch, &Step::Execute(&lanes::ADVANCE, &advance)) {
        Ok(true) => Ok(Saved::Kept),
        Ok(false) => w.rollback().map(|()| Saved::NotOwner),
        // The new owner may have written the very rows that this batch tried to write.
        Err(StoreError::Duplicate(text)) => {
            w.rollback()?;
            match lanes::is_owner(w, lane, owner, epoch)? {
                true => Err(StoreError::Duplicate(text)),
                false => Ok(Saved::NotOwner),
            }
        }
        Err(error) => Err(error),
    }
}

/// Does `advance`, then writes the batch. False when `advance` changed no row.
fn write(w: &mut Writer, batch: &Batch, advance: &Step<'_>) -> Result<bool, StoreError> {
    let (journal, wallets) = (&batch.changes.journal, &batch.changes.wallets);
    let advanced = |done: &[Done]| done.first().is_some_and(|done| done.count() == Ok(1));
    if !w.is_in_process() {
        let mut writes = hot(journal, wallets);
        writes.extend(others(batch));
        let mut steps = vec![*advance];
        steps.extend(filled(&writes));
        return w.steps(&steps).map(|done| advanced(&done));
    }
    if !advanced(&w.steps(&[*advance])?) {
        return Ok(false);
    }
    for rows in journal.chunks(ROWS_AT_ONCE) {
        w.steps(&filled(&hot(rows, &[])))?;
    }
    for rows in wallets.chunks(ROWS_AT_ONCE) {
        w.steps(&filled(&hot(&[], rows)))?;
    }
    w.steps(&filled(&others(batch))).map(|_| true)
}

/// The steps of those writes that have rows.
fn filled<'a>(writes: &'a [Write<'a>]) -> Vec<Step<'a>> {
    let with_rows = writes.iter().filter(|(_, columns)| columns.iter().any(|it| !it.is_empty()));
    with_rows.map(|(bulk, columns)| Step::Bulk(bulk, columns)).collect()
}

/// What every charge writes.
fn hot<'a>(journal: &'a [Arc<LedgerTransaction>], wallets: &'a [Wallet]) -> Vec<Write<'a>> {
    let (wallets, parts) = wallets::columns(wallets);
    vec![
        (&journal::APPEND, journal::columns(journal)),
        (&wallets::SAVE, wallets),
        (&wallets::SAVE_PARTS, parts),
    ]
}

fn others(batch: &Batch) -> Vec<Write<'_>> {
    let changes = &batch.changes;
    let (wakes, woken) = wakes::columns(&batch.wakes);
    let mut writes = vec![
        (&wakes::SAVE, wakes),
        (&wakes::CLEAR, woken),
        (&platforms::SAVE, platforms::columns(&changes.platforms)),
        (&organizations::SAVE, organizations::columns(&changes.organizations)),
        (&api_keys::SAVE, noun::columns(&changes.api_keys)),
        (&members::SAVE, noun::columns(&changes.members)),
        (&members::SAVE_NAMES, noun::columns(&changes.member_names)),
        (&skus::SAVE, noun::columns(&changes.skus)),
        (&prices::SAVE, noun::columns(&changes.prices)),
        (&discounts::SAVE, noun::columns(&changes.discounts)),
        (&grants::SAVE, noun::columns(&changes.grants)),
        (&deposits::SAVE, noun::columns(&changes.deposits)),
        (&arrivals::SAVE, noun::columns(&changes.arrivals)),
        (&refunds::SAVE, noun::columns(&changes.refunds)),
        (&disputes::SAVE, noun::columns(&changes.disputes)),
        (&documents::SAVE, noun::columns(&changes.documents)),
        (&series::SAVE, noun::columns(&changes.series)),
        (&parties::SAVE, parties::columns(&changes.parties)),
        (&payment_methods::SAVE, noun::columns(&changes.methods)),
        (&resources::SAVE, noun::columns(&changes.resources)),
        (&runs::SAVE, noun::columns(&changes.runs)),
        (&holds::SAVE, noun::columns(&changes.holds)),
        (&limits::SAVE, noun::columns(&changes.limits)),
        (&label_sets::SAVE, noun::columns(&changes.label_sets)),
        (&coupons::SAVE, noun::columns(&changes.coupons)),
        (&claims::SAVE, noun::columns(&changes.claims)),
        (&redemptions::SAVE, noun::columns(&changes.redemptions)),
        (&events::SAVE, events::columns(&changes.events)),
    ];
    writes.extend(erasure::writes(&changes.erased));
    writes.extend([
        // What is done goes first: it may be asked for again in the same batch.
        (&outbox::DONE, outbox::keys(&batch.outbox_done)),
        (&outbox::SAVE, outbox::columns(&changes.requests)),
        (&answers::SAVE, answers::columns(&batch.answers)),
    ]);
    writes
}
