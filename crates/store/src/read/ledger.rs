//! The journal of one organization, walked backwards from a row.
//!
//! *Invariant:* a walk follows `prev` from row to row, so it shows every transaction up to the one
//! it began at and no other, whatever the index written behind has reached (rulings A11). Each step
//! is one lookup by key; a page never reads more rows than it was asked for.

use domain::history::{Filter, Reader};
use domain::ledger::LedgerTransaction;
use domain::{OrgId, Timestamp};

use crate::error::StoreError;
use crate::journal;
use crate::snapshot::Snapshot;
use crate::statement::{Statement, catalogue};

catalogue! {
    /// Walks backwards from one position, at most $4 rows.
    WALK: Statement = Statement::new(
        "WITH RECURSIVE walk (place, before, depth) AS ( \
         SELECT position, prev, 1 FROM journal \
         WHERE bucket = $1 AND position = $3 AND org_id = $2 \
         UNION ALL \
         SELECT j.position, j.prev, walk.depth + 1 \
         FROM walk CROSS JOIN journal AS j \
         WHERE j.bucket = $1 AND j.position = walk.before AND j.org_id = $2 \
         AND walk.depth < $4) \
         SELECT bucket, position, org_id, number, prev, kind, at, occurred_at, subject, amount, \
         g1, a1, g2, a2, g3, a3, balance, hash, fingerprint, source, key, price, quantity, rest, v \
         FROM walk CROSS JOIN journal WHERE bucket = $1 AND position = place ORDER BY depth"
    );
}

/// At most `rows` transactions of `org`, newest first, the first of which stands at `position`;
/// none when that is not a row of theirs.
pub async fn walk(
    snapshot: &mut Snapshot,
    org: OrgId,
    position: i64,
    rows: i64,
) -> Result<Vec<LedgerTransaction>, StoreError> {
    if position <= 0 {
        return Ok(Vec::new());
    }
    let parameters = [org.bucket().into(), org.into(), position.into(), rows.into()];
    let rows = snapshot.query(&WALK, &parameters).await?;
    rows.iter().map(journal::read).collect()
}

/// Rows that one step of a longer walk reads.
pub(super) const STEP_ROWS: i64 = 256;

/// Rows that a walk looks at for one page, however few of them are shown.
const SHOWN_SCAN_ROWS: i64 = 20_000;

/// A stretch of a ledger, as far as a filter shows it.
pub struct Shown {
    /// Newest first.
    pub rows: Vec<LedgerTransaction>,
    /// Where the walk goes on; zero when it has reached the first row.
    pub next: i64,
    /// Whether it began at a row of the organization.
    pub is_known: bool,
}

/// At most `rows_max` transactions that `filter` shows, newest first, from `position` back. It may
/// be fewer although there are more: a walk looks at so many rows and then says where to go on.
pub async fn walk_shown(
    snapshot: &mut Snapshot,
    org: OrgId,
    position: i64,
    (filter, reader): (Filter, Reader),
    rows_max: i64,
) -> Result<Shown, StoreError> {
    if (filter, reader) == (Filter::All, Reader::Operator) {
        let rows = walk(snapshot, org, position, rows_max).await?;
        let next = rows.last().map_or(0, |last| last.prev);
        return Ok(Shown { is_known: !rows.is_empty(), rows, next });
    }
    let wanted = usize::try_from(rows_max).unwrap_or(0);
    let mut shown = Shown { rows: Vec::new(), next: position, is_known: false };
    let mut looked_at = 0;
    while shown.next > 0 && looked_at < SHOWN_SCAN_ROWS {
        let step = walk(snapshot, org, shown.next, STEP_ROWS).await?;
        if step.is_empty() {
            shown.next = 0;
            break;
        }
        looked_at += STEP_ROWS;
        shown.is_known = true;
        for row in step {
            shown.next = row.prev;
            if filter.shows(row.kind) && reader.sees(row.kind) {
                shown.rows.push(row);
            }
            if shown.rows.len() == wanted {
                return Ok(shown);
            }
        }
    }
    Ok(shown)
}

/// The transactions of `org` from its tip back to the first that is older than `since`, newest
/// first, at most about `rows_max`; and whether there were more.
pub async fn since(
    snapshot: &mut Snapshot,
    org: OrgId,
    tip: i64,
    since: Timestamp,
    rows_max: usize,
) -> Result<(Vec<LedgerTransaction>, bool), StoreError> {
    let mut rows: Vec<LedgerTransaction> = Vec::new();
    let mut position = tip;
    while position > 0 {
        if rows.len() >= rows_max {
            return Ok((rows, true));
        }
        let step = walk(snapshot, org, position, STEP_ROWS).await?;
        let Some(last) = step.last() else { break };
        position = last.prev;
        let is_behind = last.at < since;
        rows.extend(step);
        if is_behind {
            break;
        }
    }
    Ok((rows, false))
}
