//! Sorted runs: what the table `key_runs` says about one, and its part in memory.
//!
//! True here: a run never changes. It is written whole while `building`, becomes `live` in one
//! transaction together with the `dropped` of the runs it replaces, and its bodies are deleted
//! after that. Only live runs answer; every key with a position up to the watermark, the greatest
//! `last_position` of a live run, is in one.

use super::filter::{Filter, line_count};
use super::range_of;

/// Keys per chunk, on average. A chunk is the keys of one hash range, 3.6 KB at 10^8 keys: one row
/// fills one 4 KB page of SQLite, and a filter's false positive costs one page.
const CHUNK_KEYS: u64 = 416;

/// Where a run is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunState {
    /// Being written; after a restart, garbage.
    Building,
    /// Answers for its keys.
    Live,
    /// Replaced; its bodies may be deleted, then its row.
    Dropped,
}

impl RunState {
    pub fn as_text(self) -> &'static str {
        match self {
            Self::Building => "building",
            Self::Live => "live",
            Self::Dropped => "dropped",
        }
    }

    pub fn from_text(text: &str) -> Option<Self> {
        [Self::Building, Self::Live, Self::Dropped].into_iter().find(|one| one.as_text() == text)
    }
}

/// One row of `key_runs`. The row of a building run is a promise of its id only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunRow {
    pub run: i64,
    pub state: RunState,
    pub keys: u64,
    /// The least journal position of its keys.
    pub first_position: i64,
    /// The journal position up to which the seal that made it, or the latest it was merged from,
    /// had everything.
    pub last_position: i64,
    pub chunks: u64,
    pub filter_lines: u64,
}

impl RunRow {
    /// Shapes a run for so many keys.
    pub(super) fn building(run: i64, keys: u64, last_position: i64) -> Self {
        Self {
            run,
            state: RunState::Building,
            keys,
            first_position: last_position,
            last_position,
            chunks: keys.div_ceil(CHUNK_KEYS).max(1),
            filter_lines: line_count(keys),
        }
    }

    /// Returns the chunk that holds every entry of this hash.
    pub(super) fn chunk_of(&self, hash: u64) -> u64 {
        range_of(hash, self.chunks)
    }
}

/// A live run: its row and what is in memory of its filter.
pub(super) struct SortedRun {
    pub(super) row: RunRow,
    pub(super) filter: Filter,
}

impl SortedRun {
    pub(super) fn paged(row: RunRow) -> Self {
        Self { row, filter: Filter::paged(row.filter_lines) }
    }
}
