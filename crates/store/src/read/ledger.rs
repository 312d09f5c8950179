//! The journal of one organization, walked backwards from a row.
//!
//! *Invariant:* a walk follows `prev` from row to row, so it shows every transaction up to the one
//! it began at and no other, whatever the index written behind has reached (rulings A11). Each step
//! is one lookup by key; a page never reads more rows than it was asked for.

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
