//! Writes the index of the journal behind it: (organization, number) → position (rulings A11).
//!
//! *Invariant:* the watermark of a lane commits with the rows up to it, and stops at the last
//! position the lane has committed, so what is indexed is always in the journal.

use tokio::runtime::Handle;

use crate::error::StoreError;
use crate::lanes;
use crate::noun::{BUCKET, NUMBER, ORG};
use crate::statement::{Action, Bulk, Kind, Statement, catalogue};
use crate::value::{Column, Row};
use crate::writer::Writer;
use crate::{Snapshot, Store};

const COLUMNS: &[(&str, Kind)] = &[BUCKET, ORG, NUMBER, ("position", Kind::Int)];

/// Positions that one look into the journal covers at most.
const SCANNED_POSITIONS_MAX: i64 = 20_000;

catalogue! {
    /// Writes rows; those that an earlier owner of the lane wrote are the same.
    SAVE: Bulk = Bulk::new(Action::InsertMissing, "journal_index", 3, COLUMNS);
    /// The last position that is indexed.
    WATERMARK: Statement = Statement::new("SELECT position FROM index_watermark WHERE lane = $1");
    /// Moves the watermark.
    SET_WATERMARK: Statement = Statement::new(
        "INSERT INTO index_watermark (lane, position) VALUES ($1, $2) \
         ON CONFLICT (lane) DO UPDATE SET position = excluded.position"
    );
    /// Journal rows of a lane in a range of positions.
    SCAN: Statement = Statement::new(
        "SELECT j.bucket, j.org_id, j.number, j.position \
         FROM journal AS j CROSS JOIN buckets AS b \
         WHERE b.bucket = j.bucket AND b.bucket % $2 = $1 AND j.position > $3 AND j.position <= $4"
    );
}

/// The last journal position of the lane that is indexed, 0 before the first.
pub fn watermark(index_writer: &mut Writer, lane: i64) -> Result<i64, StoreError> {
    let rows = index_writer.query(&WATERMARK, &[lane.into()])?;
    rows.first().map_or(Ok(0), |row| row.int(0))
}

/// The same, as a reader sees it.
pub async fn indexed(snapshot: &mut Snapshot, lane: i64) -> Result<i64, StoreError> {
    let rows = snapshot.query(&WATERMARK, &[lane.into()]).await?;
    rows.first().map_or(Ok(0), |row| row.int(0))
}

/// How many of the lane's positions are not indexed. It blocks.
pub fn waiting(
    index_writer: &mut Writer,
    store: &Store,
    runtime: &Handle,
    lane: i64,
) -> Result<i64, StoreError> {
    let indexed = watermark(index_writer, lane)?;
    let end = runtime.block_on(async {
        let mut snapshot = store.snapshot().await?;
        snapshot.query(&lanes::POSITION, &[lane.into()]).await
    })?;
    Ok(end.first().map_or(Ok(0), |row| row.int(0))? - indexed)
}

/// Indexes at most about `max_rows` of the lane's committed rows, and says how many; 0 when all are
/// indexed. It blocks, so it is called from a thread.
///
/// Errors: `Corrupt` when the index is ahead of the journal: it belongs to other books.
pub fn step(
    index_writer: &mut Writer,
    store: &Store,
    runtime: &Handle,
    lane: i64,
    lane_count: i64,
    max_rows: i64,
) -> Result<u64, StoreError> {
    let from = watermark(index_writer, lane)?;
    let scanned = runtime.block_on(scan(store, lane, lane_count, from, max_rows))?;
    let Some((mut rows, until)) = scanned else { return Ok(0) };
    rows.sort_unstable();
    let column = |value: fn(&[i64; 4]) -> i64| Column::Int(rows.iter().map(value).collect());
    let columns =
        [column(|row| row[0]), column(|row| row[1]), column(|row| row[2]), column(|row| row[3])];
    index_writer.transaction(|w| {
        w.bulk(&SAVE, &columns)?;
        w.execute(&SET_WATERMARK, &[lane.into(), until.into()])
    })?;
    Ok(u64::try_from(rows.len()).unwrap_or(u64::MAX))
}

/// The rows above `from`, about `max_rows` at most, and the position that they reach to.
async fn scan(
    store: &Store,
    lane: i64,
    lane_count: i64,
    from: i64,
    max_rows: i64,
) -> Result<Option<(Vec<[i64; 4]>, i64)>, StoreError> {
    let mut snapshot = store.snapshot().await?;
    let end = snapshot.query(&lanes::POSITION, &[lane.into()]).await?;
    let end = end.first().map_or(Ok(0), |row| row.int(0))?;
    if from > end {
        let text = format!("lane {lane} is indexed up to {from}, and its journal ends at {end}");
        return Err(StoreError::Corrupt(text));
    }
    let (mut found, mut above) = (Vec::new(), from);
    let look = max_rows.clamp(1, SCANNED_POSITIONS_MAX);
    let max_rows = usize::try_from(max_rows).unwrap_or(1);
    while above < end && found.len() < max_rows {
        let until = above.saturating_add(look).min(end);
        let range = [lane.into(), lane_count.into(), above.into(), until.into()];
        for row in &snapshot.query(&SCAN, &range).await? {
            found.push(read(row)?);
        }
        above = until;
    }
    Ok((!found.is_empty()).then_some((found, above)))
}

fn read(row: &Row) -> Result<[i64; 4], StoreError> {
    Ok([row.int(0)?, row.int(1)?, row.int(2)?, row.int(3)?])
}
