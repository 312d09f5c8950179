//! Writes one sorted run from others or from a sealed tail, a step at a time, off the hot path.
//!
//! True here: the new run holds the union of its inputs, except keys below `forget_below`. Nothing
//! that answers probes is touched: inputs stay live until the caller has committed the switch and
//! installed the result. A step that fails to read may be repeated; what it wrote is not lost.
//!
//! Memory: 64 chunks of each input, one filter segment, and the finished segments that the filter
//! budget had room for.

use std::collections::VecDeque;
use std::sync::Arc;

use super::filter::{FilterWriter, Line};
use super::run::{RunRow, RunState};
use super::tail::Tail;
use super::{Address, Entry, KeyHash, ReadError, RunReader, chunk, number};

/// Keys read by one step: some 40 chunks, 150 KB, 1 ms.
const STEP_KEYS: u64 = 16_384;
const READ_CHUNKS: u64 = 64;

/// A stored body with its number in the run.
pub type Numbered = (i64, Vec<u8>);

/// Bodies to insert for the run being written.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Pieces {
    pub chunks: Vec<Numbered>,
    pub filter_pages: Vec<Numbered>,
}

/// What to commit in one transaction: insert or update `add`, mark `drop` as dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Switch {
    pub add: RunRow,
    pub drop: Vec<i64>,
}

/// A run being written.
pub struct MergeTask {
    row: RunRow,
    drop: Vec<i64>,
    forget_below: i64,
    sources: Vec<Source>,
    keys_read: u64,
    keys_written: u64,
    first_position: i64,
    chunk: u64,
    entries: Vec<Entry>,
    filter: FilterWriter,
    pieces: Pieces,
    finished: Option<Vec<(u64, Box<[Line]>)>>,
}

/// A run that is written completely. [`super::index::KeyIndex::install`] takes it after the commit.
pub struct Finished {
    pub(super) switch: Switch,
    pub(super) segments: Vec<(u64, Box<[Line]>)>,
}

impl Finished {
    pub fn switch(&self) -> &Switch {
        &self.switch
    }
}

impl MergeTask {
    pub(super) fn of_tail(row: RunRow, tail: Arc<Tail>, keep_bytes: u64) -> Self {
        Self::new(row, Vec::new(), vec![Source::Tail { tail, slot: 0 }], 0, keep_bytes)
    }

    pub(super) fn of_runs(
        row: RunRow,
        inputs: &[RunRow],
        forget_below: i64,
        keep_bytes: u64,
    ) -> Self {
        let drop = inputs.iter().map(|input| input.run).collect();
        let sources = inputs.iter().map(Source::run).collect();
        Self::new(row, drop, sources, forget_below, keep_bytes)
    }

    fn new(
        row: RunRow,
        drop: Vec<i64>,
        sources: Vec<Source>,
        forget_below: i64,
        keep_bytes: u64,
    ) -> Self {
        Self {
            row,
            drop,
            forget_below,
            sources,
            keys_read: 0,
            keys_written: 0,
            first_position: row.last_position,
            chunk: 0,
            entries: Vec::new(),
            filter: FilterWriter::new(row.run, row.filter_lines, keep_bytes),
            pieces: Pieces::default(),
            finished: None,
        }
    }

    /// Returns the row to insert before the first pieces: it keeps the id from being used again
    /// after a crash, and says whose pieces are garbage then.
    pub fn row(&self) -> RunRow {
        self.row
    }

    /// Returns keys done and keys expected, for progress.
    pub fn progress(&self) -> (u64, u64) {
        (self.keys_read, self.row.keys)
    }

    pub fn is_finished(&self) -> bool {
        self.finished.is_some()
    }

    /// Writes on and returns the bodies finished by it. Idempotency: after an error, repeat it.
    pub fn step<R: RunReader>(&mut self, reader: &mut R) -> Result<Pieces, ReadError<R::Error>> {
        let until = self.keys_read + STEP_KEYS;
        while !self.is_finished() && self.keys_read < until {
            for source in &mut self.sources {
                source.refill(reader)?;
            }
            self.drain(until);
        }
        Ok(std::mem::take(&mut self.pieces))
    }

    /// Returns the result of a finished task, or the task when it is not finished.
    pub fn into_finished(self) -> Result<Finished, Box<Self>> {
        let Some(segments) = self.finished else {
            return Err(Box::new(self));
        };
        let add = RunRow {
            state: RunState::Live,
            keys: self.keys_written,
            first_position: self.first_position,
            ..self.row
        };
        Ok(Finished { switch: Switch { add, drop: self.drop }, segments })
    }

    /// Writes keys until a source has to be read again, the step is full, or all is written.
    fn drain(&mut self, until: u64) {
        while self.keys_read < until {
            let heads = self.sources.iter().enumerate();
            let heads = heads.filter_map(|(at, source)| Some((source.head()?, at)));
            let Some((entry, at)) = heads.min() else {
                self.finish();
                return;
            };
            self.write(entry);
            self.keys_read += 1;
            if self.sources[at].advance() {
                return;
            }
        }
    }

    fn write(&mut self, entry: Entry) {
        if entry.position < self.forget_below {
            return;
        }
        let chunk = self.row.chunk_of(entry.hash);
        self.close_chunks(chunk);
        self.entries.push(entry);
        self.filter.add(KeyHash(entry.hash), &mut self.pieces.filter_pages);
        self.first_position = self.first_position.min(entry.position);
        self.keys_written += 1;
    }

    fn close_chunks(&mut self, until: u64) {
        while self.chunk < until {
            let address = Address { run: self.row.run, number: number(self.chunk) };
            self.pieces.chunks.push((address.number, chunk::encode(address, &self.entries)));
            self.entries.clear();
            self.chunk += 1;
        }
    }

    fn finish(&mut self) {
        self.close_chunks(self.row.chunks);
        self.finished = Some(self.filter.finish(&mut self.pieces.filter_pages));
    }
}

/// Where keys come from, in (hash, position) order.
enum Source {
    Tail { tail: Arc<Tail>, slot: usize },
    Run { run: i64, chunks: u64, next: u64, ready: VecDeque<Entry> },
}

impl Source {
    fn run(row: &RunRow) -> Self {
        Self::Run { run: row.run, chunks: row.chunks, next: 0, ready: VecDeque::new() }
    }

    fn head(&self) -> Option<Entry> {
        match self {
            Self::Tail { tail, slot } => Some(tail.next_from(*slot)?.0),
            Self::Run { ready, .. } => ready.front().copied(),
        }
    }

    /// Goes to the next key. Returns whether more has to be read first.
    fn advance(&mut self) -> bool {
        match self {
            Self::Tail { tail, slot } => {
                *slot = tail.next_from(*slot).map_or(usize::MAX, |(_, next)| next);
                false
            }
            Self::Run { ready, next, chunks, .. } => {
                ready.pop_front();
                ready.is_empty() && next < chunks
            }
        }
    }

    fn refill<R: RunReader>(&mut self, reader: &mut R) -> Result<(), ReadError<R::Error>> {
        let Self::Run { run, chunks, next, ready } = self else {
            return Ok(());
        };
        while ready.is_empty() && next < chunks {
            let until = (*next + READ_CHUNKS).min(*chunks);
            let wanted: Vec<Address> =
                (*next..until).map(|at| Address { run: *run, number: number(at) }).collect();
            let bodies = reader.chunks(&wanted).map_err(ReadError::Read)?;
            let mut entries = Vec::from(std::mem::take(ready));
            for (at, address) in wanted.iter().enumerate() {
                let body = bodies.get(at).map_or(&[][..], Vec::as_slice);
                chunk::decode(*address, body, &mut entries)?;
            }
            *ready = entries.into();
            *next = until;
        }
        Ok(())
    }
}
