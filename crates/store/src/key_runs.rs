//! Sorted runs of usage-event keys on disk, one set for each lane (src/keys/README.md).
//!
//! *Invariant:* a run's row is written before its first body and removed after its last one, so a
//! body always has a row that says whether it is garbage. On SQLite they live in the index file:
//! the lane reads them there, and only the index writer writes them, beside the lane's commits.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::error::StoreError;
use crate::keys::merge::{Numbered, Pieces, Switch};
use crate::keys::run::{RunRow, RunState};
use crate::keys::{Address, RunReader};
use crate::statement::{Action, Bulk, Kind, Load, Statement, catalogue};
use crate::step::Step;
use crate::value::{Column, Row};
use crate::writer::Writer;

const BODY: &[(&str, Kind)] = &[("lane", Kind::Small), ("id", Kind::Int), ("body", Kind::Blob)];

catalogue! {
    /// All runs of a lane.
    RUNS: Statement = Statement::new(
        "SELECT run, state, keys, first_position, last_position, chunks, filter_lines \
         FROM key_runs WHERE lane = $1 ORDER BY run"
    );
    /// Inserts a run, or says what it has become.
    SAVE_RUN: Statement = Statement::new(
        "INSERT INTO key_runs (lane, run, state, keys, first_position, last_position, chunks, \
         filter_lines) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
         ON CONFLICT (lane, run) DO UPDATE SET state = excluded.state, keys = excluded.keys, \
         first_position = excluded.first_position, last_position = excluded.last_position"
    );
    /// Marks a run as replaced.
    DROP_RUN: Statement = Statement::new(
        "UPDATE key_runs SET state = 'dropped' WHERE lane = $1 AND run = $2"
    );
    /// Removes the row of a run without bodies.
    FORGET_RUN: Statement = Statement::new("DELETE FROM key_runs WHERE lane = $1 AND run = $2");
    /// Writes chunks.
    SAVE_CHUNKS: Bulk = Bulk::new(Action::Insert, "key_chunks", 2, BODY);
    /// Writes filter pages.
    SAVE_FILTERS: Bulk = Bulk::new(Action::Insert, "key_filters", 2, BODY);
    /// Finds chunks.
    FIND_CHUNKS: Load = Load::rows("key_chunks", 2, BODY, "");
    /// Finds filter pages.
    FIND_FILTERS: Load = Load::rows("key_filters", 2, BODY, "");
    /// Removes some chunks with ids from $2 to below $3.
    FORGET_CHUNKS: Statement = Statement::new(
        "DELETE FROM key_chunks WHERE lane = $1 AND id IN (SELECT id FROM key_chunks \
         WHERE lane = $1 AND id >= $2 AND id < $3 ORDER BY id LIMIT $4)"
    );
    /// Removes some filter pages with ids from $2 to below $3.
    FORGET_FILTERS: Statement = Statement::new(
        "DELETE FROM key_filters WHERE lane = $1 AND id IN (SELECT id FROM key_filters \
         WHERE lane = $1 AND id >= $2 AND id < $3 ORDER BY id LIMIT $4)"
    );
}

/// Reads the bodies of one lane's runs through a writer: the lane's own to probe, the index writer
/// to merge.
pub struct KeyBodies<'a> {
    writer: &'a mut Writer,
    lane: i64,
}

impl<'a> KeyBodies<'a> {
    pub fn new(writer: &'a mut Writer, lane: i64) -> KeyBodies<'a> {
        KeyBodies { writer, lane }
    }

    fn bodies(&mut self, load: &Load, wanted: &[Address]) -> Result<Vec<Vec<u8>>, StoreError> {
        let ids: Vec<i64> = wanted.iter().map(|address| id(address.run, address.number)).collect();
        let keys = [Column::Int(vec![self.lane; ids.len()]), Column::Int(ids.clone())];
        let mut found = HashMap::with_capacity(ids.len());
        for row in self.writer.load(load, &keys)? {
            found.insert(row.int(1)?, row.blob(2)?.to_vec());
        }
        Ok(ids.iter().map(|id| found.remove(id).unwrap_or_default()).collect())
    }
}

impl RunReader for KeyBodies<'_> {
    type Error = StoreError;

    fn chunks(&mut self, wanted: &[Address]) -> Result<Vec<Vec<u8>>, StoreError> {
        self.bodies(&FIND_CHUNKS, wanted)
    }

    fn filter_pages(&mut self, wanted: &[Address]) -> Result<Vec<Vec<u8>>, StoreError> {
        self.bodies(&FIND_FILTERS, wanted)
    }
}

/// The rows of a lane's runs.
pub fn rows(w: &mut Writer, lane: i64) -> Result<Vec<RunRow>, StoreError> {
    w.query(&RUNS, &[lane.into()])?.iter().map(read).collect()
}

/// Writes the row of a run, before its first pieces.
pub fn save_row(w: &mut Writer, lane: i64, row: &RunRow) -> Result<(), StoreError> {
    let parameters = [
        lane.into(),
        row.run.into(),
        row.state.as_text().into(),
        stored(row.keys)?.into(),
        row.first_position.into(),
        row.last_position.into(),
        stored(row.chunks)?.into(),
        stored(row.filter_lines)?.into(),
    ];
    w.execute(&SAVE_RUN, &parameters).map(drop)
}

/// Writes pieces of a run; to be called in a transaction.
pub fn save_pieces(w: &mut Writer, lane: i64, run: i64, pieces: &Pieces) -> Result<(), StoreError> {
    let chunks = piece_columns(lane, run, &pieces.chunks);
    let filters = piece_columns(lane, run, &pieces.filter_pages);
    w.steps(&[Step::Bulk(&SAVE_CHUNKS, &chunks), Step::Bulk(&SAVE_FILTERS, &filters)]).map(drop)
}

fn piece_columns(lane: i64, run: i64, bodies: &[Numbered]) -> Vec<Column<'_>> {
    vec![
        Column::Int(vec![lane; bodies.len()]),
        Column::Int(bodies.iter().map(|(number, _)| id(run, *number)).collect()),
        Column::Blob(bodies.iter().map(|(_, body)| Cow::Borrowed(body.as_slice())).collect()),
    ]
}

/// Makes a written run answer instead of those it replaces; to be called in a transaction.
pub fn switch(w: &mut Writer, lane: i64, switch: &Switch) -> Result<(), StoreError> {
    save_row(w, lane, &switch.add)?;
    for run in &switch.drop {
        w.execute(&DROP_RUN, &[lane.into(), (*run).into()])?;
    }
    Ok(())
}

/// Removes at most `max` chunks and as many filter pages of a run that does not answer, and its row
/// with the last of them; to be called in a transaction. True when nothing is left.
pub fn forget(w: &mut Writer, lane: i64, run: i64, max: i64) -> Result<bool, StoreError> {
    let range = [lane.into(), id(run, 0).into(), id(run + 1, 0).into(), max.into()];
    let mut is_empty = true;
    for statement in [&FORGET_CHUNKS, &FORGET_FILTERS] {
        let removed = w.execute(statement, &range)?;
        is_empty &= i64::try_from(removed).is_ok_and(|removed| removed < max);
    }
    if is_empty {
        w.execute(&FORGET_RUN, &[lane.into(), run.into()])?;
    }
    Ok(is_empty)
}

fn id(run: i64, number: i64) -> i64 {
    (run << 32) + number
}

fn stored(count: u64) -> Result<i64, StoreError> {
    i64::try_from(count).map_err(|_| StoreError::mistake(format!("a count of {count}")))
}

fn read(row: &Row) -> Result<RunRow, StoreError> {
    let state = row.text(1)?;
    let unknown = || StoreError::Corrupt(format!("a sorted run in state {state:?}"));
    let count = |at| {
        let count = row.int(at)?;
        u64::try_from(count).map_err(|_| StoreError::Corrupt(format!("a count of {count}")))
    };
    Ok(RunRow {
        run: row.int(0)?,
        state: RunState::from_text(state).ok_or_else(unknown)?,
        keys: count(2)?,
        first_position: row.int(3)?,
        last_position: row.int(4)?,
        chunks: count(5)?,
        filter_lines: count(6)?,
    })
}
