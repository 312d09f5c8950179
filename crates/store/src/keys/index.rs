//! The key index of one lane: answers probes, takes new keys, hands out seals and merges.
//!
//! True here: a probe returns every position inserted under a hash and not undone, whatever is
//! being sealed, merged, paged out or loaded at that moment. It belongs to the lane's owner
//! (rulings A1): after a lost epoch or an unknown commit it is thrown away or cut back with
//! [`KeyIndex::remove_above`], and the tail is read again from the journal.

use std::sync::Arc;

use super::filter::{self, SEGMENT_PAGES};
use super::merge::{Finished, MergeTask};
use super::policy::{RUNS_MAX, choose};
use super::run::{RunRow, RunState, SortedRun};
use super::tail::Tail;
use super::{
    Address, Candidate, Damaged, Entry, KeyHash, ReadError, RunReader, chunk, index, number,
};

/// A tail may grow to this many times its threshold while it waits for a seal.
const TAIL_GROWTH_MAX: u64 = 4;
/// Bodies asked for at once: at most 1 MB.
const READ_BODIES: usize = 256;

/// Limits of a key index.
#[derive(Clone, Copy, Debug)]
pub struct KeyLimits {
    /// Keys after which the tail is due for sealing. It takes 24 bytes per key.
    pub tail_keys: u64,
    /// Bytes of filters to keep in memory (`dedupe_memory_max`). What is beyond stays on disk and
    /// is read a page at a time: slower, never less exact.
    pub filter_bytes_max: u64,
}

impl Default for KeyLimits {
    fn default() -> Self {
        Self { tail_keys: 1_000_000, filter_bytes_max: 192 << 20 }
    }
}

/// The two levels of one lane.
pub struct KeyIndex {
    limits: KeyLimits,
    tail: Tail,
    frozen: Option<Frozen>,
    runs: Vec<SortedRun>,
    building: Vec<Building>,
    run_next: i64,
}

/// A tail that is being sealed: it answers, but takes no more keys.
struct Frozen {
    tail: Arc<Tail>,
    through: i64,
}

/// Memory that no longer answers. Freeing 100 MB of it takes milliseconds: drop it on the thread
/// that stepped the task, not on the hot path.
#[must_use]
pub struct Retired {
    _frozen: Option<Frozen>,
    _runs: Vec<SortedRun>,
}

/// A run being written, so that its inputs are not merged twice and its memory is counted.
struct Building {
    run: i64,
    inputs: Vec<i64>,
    keep_bytes: u64,
}

/// Filter pages to read, for [`KeyIndex::adopt`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    run: i64,
    segment: u64,
    pages: Vec<Address>,
}

impl Wanted {
    pub fn pages(&self) -> &[Address] {
        &self.pages
    }
}

/// A probed key that a run may hold, and the body that knows.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Suspect {
    address: Address,
    key: usize,
}

impl KeyIndex {
    /// Opens the index over the rows of `key_runs`. The caller then loads filters
    /// ([`KeyIndex::load`]) and inserts the journal's keys above [`KeyIndex::watermark`].
    pub fn open(limits: KeyLimits, rows: &[RunRow]) -> Self {
        let live = rows.iter().filter(|row| row.state == RunState::Live);
        Self {
            limits,
            tail: Tail::with_capacity(limits.tail_keys),
            frozen: None,
            runs: live.map(|row| SortedRun::paged(*row)).collect(),
            building: Vec::new(),
            run_next: rows.iter().map(|row| row.run + 1).max().unwrap_or(1),
        }
    }

    /// Returns the journal position up to which every key is in a run; none before the first seal.
    pub fn watermark(&self) -> Option<i64> {
        self.runs.iter().map(|run| run.row.last_position).max()
    }

    /// Adds a key that was decided to be new.
    pub fn insert(&mut self, hash: KeyHash, position: i64) {
        assert!(Some(position) > self.fixed_through(), "position {position} is sealed");
        self.tail.insert(hash, position);
    }

    /// Undoes every insert above the position, after a batch that did not commit.
    pub fn remove_above(&mut self, position: i64) {
        assert!(Some(position) >= self.fixed_through(), "position {position} is sealed");
        self.tail.remove_above(position);
    }

    /// Returns whether the tail has room for so many keys. When not, push back: sealing is behind.
    pub fn has_room(&self, keys: u64) -> bool {
        self.tail.keys() + keys <= self.limits.tail_keys * TAIL_GROWTH_MAX
    }

    /// Looks a batch of keys up. Returns every position at which each may stand, ordered by key and
    /// position; a key without candidates is new. Keys of the batch itself are the caller's.
    ///
    /// Errors: the reader's; a damaged body. Then nothing is known about any key of the batch.
    pub fn probe<R: RunReader>(
        &self,
        hashes: &[KeyHash],
        reader: &mut R,
    ) -> Result<Vec<Candidate>, ReadError<R::Error>> {
        let mut found = Vec::new();
        let frozen = self.frozen.as_ref().map(|frozen| frozen.tail.as_ref());
        for tail in [Some(&self.tail), frozen].into_iter().flatten() {
            for (key, hash) in hashes.iter().enumerate() {
                tail.find(*hash, |position| found.push(Candidate { key, position }));
            }
        }
        let mut suspects = self.sift(hashes, reader)?;
        read_bodies(
            &mut suspects,
            |wanted| reader.chunks(wanted),
            |address, body, group| search_chunk(hashes, address, body, group, &mut found),
        )?;
        found.sort_unstable();
        Ok(found)
    }

    /// Returns the keys that filters let through, reading the pages that are not in memory.
    fn sift<R: RunReader>(
        &self,
        hashes: &[KeyHash],
        reader: &mut R,
    ) -> Result<Vec<Suspect>, ReadError<R::Error>> {
        let (mut suspects, mut maybe) = (Vec::new(), Vec::new());
        for run in &self.runs {
            let mut paged = Vec::new();
            run.filter.sift(hashes, &mut maybe, &mut paged);
            suspects.extend(maybe.iter().map(|key| suspect(run, hashes, *key)));
            let mut asked: Vec<Suspect> = paged
                .into_iter()
                .map(|key| {
                    let number = run.filter.page_of(hashes[key]).0;
                    Suspect { address: Address { run: run.row.run, number }, key }
                })
                .collect();
            read_bodies(
                &mut asked,
                |wanted| reader.filter_pages(wanted),
                |address, body, group| {
                    let passed = search_page(run, hashes, address, body, group)?;
                    suspects.extend(passed.into_iter().map(|key| suspect(run, hashes, key)));
                    Ok(())
                },
            )?;
        }
        Ok(suspects)
    }

    /// Returns whether [`KeyIndex::begin_seal`] should be called.
    pub fn seal_due(&self) -> bool {
        self.frozen.is_none() && self.tail.keys() >= self.limits.tail_keys
    }

    /// Freezes the tail and returns the task that writes it as a run. `durable` is the journal's
    /// last committed position, which must cover every key of the tail.
    ///
    /// Returns none while keys are not committed yet, there are no keys, a seal is being written,
    /// or there are `RUNS_MAX` runs already. Idempotency: after [`KeyIndex::abandon`] it makes
    /// the seal again.
    pub fn begin_seal(&mut self, durable: i64) -> Option<MergeTask> {
        let sealing = self.building.iter().any(|one| one.inputs.is_empty());
        if sealing || self.runs.len() >= RUNS_MAX {
            return None;
        }
        if self.frozen.is_none() {
            let last = self.tail.last_position()?;
            if last > durable || self.tail.keys() == 0 {
                return None;
            }
            let fresh = Tail::with_capacity(self.limits.tail_keys);
            let tail = Arc::new(std::mem::replace(&mut self.tail, fresh));
            self.frozen = Some(Frozen { tail, through: durable });
        }
        let frozen = self.frozen.as_ref()?;
        let (tail, through) = (Arc::clone(&frozen.tail), frozen.through);
        let row = RunRow::building(self.take_run(), tail.keys(), through);
        let bytes = row.filter_lines * filter::LINE_BYTES;
        self.make_room(bytes);
        let keep_bytes = self.begin(&row, Vec::new(), bytes);
        Some(MergeTask::of_tail(row, tail, keep_bytes))
    }

    /// Returns the next merge worth doing, if any. Several may run at once. Keys at positions below
    /// `forget_below` are left out: those whose journal rows were archived (rulings A13).
    pub fn next_merge(&mut self, forget_below: i64) -> Option<MergeTask> {
        let busy = |run: i64| self.building.iter().any(|one| one.inputs.contains(&run));
        let rows = self.runs.iter().map(|run| run.row);
        let idle: Vec<RunRow> = rows.filter(|row| !busy(row.run)).collect();
        let sizes: Vec<(i64, u64)> = idle.iter().map(|row| (row.run, row.keys)).collect();
        let chosen = choose(&sizes, self.runs.len());
        let inputs: Vec<RunRow> =
            idle.into_iter().filter(|row| chosen.contains(&row.run)).collect();
        let last_position = inputs.iter().map(|row| row.last_position).max()?;
        let keys = inputs.iter().map(|row| row.keys).sum();
        let row = RunRow::building(self.take_run(), keys, last_position);
        let bytes = row.filter_lines * filter::LINE_BYTES;
        let keep_bytes = self.begin(&row, chosen, bytes);
        Some(MergeTask::of_runs(row, &inputs, forget_below, keep_bytes))
    }

    /// Takes a written run, after its [`super::merge::Switch`] was committed, and returns what it
    /// replaces.
    pub fn install(&mut self, finished: Finished) -> Retired {
        let Finished { switch, segments } = finished;
        let frozen = if switch.drop.is_empty() { self.frozen.take() } else { None };
        self.abandon(switch.add.run);
        let replaced = |run: &mut SortedRun| switch.drop.contains(&run.row.run);
        let runs = self.runs.extract_if(.., replaced).collect();
        let mut run = SortedRun::paged(switch.add);
        for (segment, lines) in segments {
            run.filter.keep(segment, lines);
        }
        self.runs.push(run);
        Retired { _frozen: frozen, _runs: runs }
    }

    /// Forgets a task that will not be finished. Its pieces are garbage, its inputs answer on.
    pub fn abandon(&mut self, run: i64) {
        self.building.retain(|one| one.run != run);
    }

    /// Returns filter pages worth having in memory, smallest run first: a page of a small run
    /// spares more reads. None when everything is in memory or the budget is used up.
    pub fn wanted(&self) -> Option<Wanted> {
        let missing = self.runs.iter().filter_map(|run| Some((run, run.filter.first_paged()?)));
        let (run, segment) = missing.min_by_key(|(run, _)| (run.row.keys, run.row.run))?;
        if self.filter_bytes() + run.filter.segment_bytes(segment) > self.limits.filter_bytes_max {
            return None;
        }
        let first = segment * SEGMENT_PAGES;
        let pages = (first..first + SEGMENT_PAGES).filter(|page| run.filter.page_lines(*page) > 0);
        let address = |page| Address { run: run.row.run, number: number(page) };
        Some(Wanted { run: run.row.run, segment, pages: pages.map(address).collect() })
    }

    /// Takes the bodies of wanted pages, in order. Passes over a run that was replaced meanwhile.
    pub fn adopt(&mut self, wanted: &Wanted, bodies: &[Vec<u8>]) -> Result<(), Damaged> {
        let Some(run) = self.runs.iter_mut().find(|run| run.row.run == wanted.run) else {
            return Ok(());
        };
        let mut lines = Vec::with_capacity(index(filter::SEGMENT_LINES));
        for (at, address) in wanted.pages.iter().enumerate() {
            let count = run.filter.page_lines(address.number.cast_unsigned());
            filter::decode_page(*address, body_at(bodies, at), count, &mut lines)?;
        }
        run.filter.keep(wanted.segment, lines.into_boxed_slice());
        Ok(())
    }

    /// Loads filters until all are in memory or the budget is used up.
    pub fn load<R: RunReader>(&mut self, reader: &mut R) -> Result<(), ReadError<R::Error>> {
        while let Some(wanted) = self.wanted() {
            let bodies = reader.filter_pages(wanted.pages()).map_err(ReadError::Read)?;
            self.adopt(&wanted, &bodies)?;
        }
        Ok(())
    }

    /// Returns keys in the tail, a frozen one included.
    pub fn tail_keys(&self) -> u64 {
        self.tail.keys() + self.frozen.as_ref().map_or(0, |frozen| frozen.tail.keys())
    }

    /// Returns the rows of the live runs.
    pub fn runs(&self) -> impl Iterator<Item = &RunRow> {
        self.runs.iter().map(|run| &run.row)
    }

    /// Returns the bytes of memory held or promised to running tasks.
    pub fn memory_bytes(&self) -> u64 {
        let frozen = self.frozen.as_ref().map_or(0, |frozen| frozen.tail.bytes());
        self.tail.bytes() + frozen + self.filter_bytes()
    }

    fn filter_bytes(&self) -> u64 {
        let held: u64 = self.runs.iter().map(|run| run.filter.bytes()).sum();
        held + self.building.iter().map(|one| one.keep_bytes).sum::<u64>()
    }

    /// Pages the largest runs out until so many bytes fit: a young run is the better use of them.
    fn make_room(&mut self, bytes: u64) {
        let mut held = self.filter_bytes();
        while held + bytes > self.limits.filter_bytes_max {
            let largest = self.runs.iter_mut().max_by_key(|run| run.filter.bytes());
            let Some(freed) = largest.and_then(|run| run.filter.page_out()) else {
                return;
            };
            held -= freed;
        }
    }

    fn begin(&mut self, row: &RunRow, inputs: Vec<i64>, bytes: u64) -> u64 {
        let spare = self.limits.filter_bytes_max.saturating_sub(self.filter_bytes());
        let keep_bytes = spare.min(bytes);
        self.building.push(Building { run: row.run, inputs, keep_bytes });
        keep_bytes
    }

    fn take_run(&mut self) -> i64 {
        let run = self.run_next;
        self.run_next += 1;
        run
    }

    /// Returns the position up to which keys can no longer be undone.
    fn fixed_through(&self) -> Option<i64> {
        self.watermark().max(self.frozen.as_ref().map(|frozen| frozen.through))
    }
}

fn suspect(run: &SortedRun, hashes: &[KeyHash], key: usize) -> Suspect {
    let number = number(run.row.chunk_of(hashes[key].0));
    Suspect { address: Address { run: run.row.run, number }, key }
}

/// Reads each body once, however many keys ask for it, and shows it with those keys.
fn read_bodies<E>(
    suspects: &mut [Suspect],
    mut read: impl FnMut(&[Address]) -> Result<Vec<Vec<u8>>, E>,
    mut show: impl FnMut(Address, &[u8], &[Suspect]) -> Result<(), Damaged>,
) -> Result<(), ReadError<E>> {
    suspects.sort_unstable();
    let groups: Vec<&[Suspect]> = suspects.chunk_by(|a, b| a.address == b.address).collect();
    for part in groups.chunks(READ_BODIES) {
        let wanted: Vec<Address> = part.iter().map(|group| group[0].address).collect();
        let bodies = read(&wanted).map_err(ReadError::Read)?;
        for (at, group) in part.iter().enumerate() {
            show(wanted[at], body_at(&bodies, at), group)?;
        }
    }
    Ok(())
}

/// A body that was not given is an empty one, which no checksum accepts.
fn body_at(bodies: &[Vec<u8>], at: usize) -> &[u8] {
    bodies.get(at).map_or(&[], Vec::as_slice)
}

fn search_chunk(
    hashes: &[KeyHash],
    address: Address,
    body: &[u8],
    group: &[Suspect],
    found: &mut Vec<Candidate>,
) -> Result<(), Damaged> {
    let mut entries: Vec<Entry> = Vec::new();
    chunk::decode(address, body, &mut entries)?;
    for suspect in group {
        let hash = hashes[suspect.key].0;
        let from = entries.partition_point(|entry| entry.hash < hash);
        let same = entries[from..].iter().take_while(|entry| entry.hash == hash);
        found.extend(same.map(|e| Candidate { key: suspect.key, position: e.position }));
    }
    Ok(())
}

/// Returns the keys of the group that the page lets through.
fn search_page(
    run: &SortedRun,
    hashes: &[KeyHash],
    address: Address,
    body: &[u8],
    group: &[Suspect],
) -> Result<Vec<usize>, Damaged> {
    let mut lines = Vec::with_capacity(index(filter::PAGE_LINES));
    let count = run.filter.page_lines(address.number.cast_unsigned());
    filter::decode_page(address, body, count, &mut lines)?;
    let passes = |key: &usize| {
        let (_, line) = run.filter.page_of(hashes[*key]);
        lines.get(line).is_some_and(|line| line.allows(hashes[*key]))
    };
    Ok(group.iter().map(|suspect| suspect.key).filter(passes).collect())
}
