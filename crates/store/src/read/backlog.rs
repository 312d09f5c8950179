//! What is still to be done, for whoever watches the server: of the whole store, so that it names
//! nobody.

use crate::error::StoreError;
use crate::snapshot::Snapshot;
use crate::statement::{Statement, catalogue};

/// More effects than this are not counted.
pub const OUTBOX_COUNT_MAX: i64 = 10_000;

catalogue! {
    /// Effects that wait to be carried out.
    OUTBOX: Statement = Statement::new(
        "SELECT count(*) FROM (SELECT number FROM outbox LIMIT $1) AS waiting"
    );
    /// How far the index of each lane is behind its journal.
    INDEX_LAG: Statement = Statement::new(
        "SELECT l.lane, l.position - coalesce(w.position, 0) \
         FROM lanes AS l LEFT JOIN index_watermark AS w ON w.lane = l.lane ORDER BY l.lane"
    );
}

/// What waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backlog {
    /// Effects in the outbox, [`OUTBOX_COUNT_MAX`] at most.
    pub outbox: i64,
    /// Journal positions of each lane that are not indexed, as (lane, positions).
    pub index_lag: Vec<(i64, i64)>,
}

pub async fn backlog(snapshot: &mut Snapshot) -> Result<Backlog, StoreError> {
    let outbox = snapshot.query(&OUTBOX, &[OUTBOX_COUNT_MAX.into()]).await?;
    let lag = snapshot.query(&INDEX_LAG, &[]).await?;
    Ok(Backlog {
        outbox: outbox.first().map_or(Ok(0), |row| row.int(0))?,
        index_lag: lag
            .iter()
            .map(|row| Ok((row.int(0)?, row.int(1)?)))
            .collect::<Result<_, _>>()?,
    })
}
