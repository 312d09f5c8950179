//! Laws of the whole key index, each against a naive model. Here are also the disk and the
//! generator that the tests of its parts and of its sizes use.

mod parts;
mod sizes;

use std::collections::BTreeMap;

use super::index::{KeyIndex, KeyLimits};
use super::merge::{MergeTask, Switch};
use super::policy::RUNS_MAX;
use super::run::RunRow;
use super::*;

/// SplitMix64: enough for tests, the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }
}

/// The disk: rows of the three tables, and a read that fails on demand.
#[derive(Default, Clone)]
struct Disk {
    rows: BTreeMap<i64, RunRow>,
    chunks: BTreeMap<Address, Vec<u8>>,
    pages: BTreeMap<Address, Vec<u8>>,
    fail_in: Option<u32>,
    chunks_read: usize,
}

#[derive(Debug, PartialEq, Eq)]
struct DiskFailed;

impl Disk {
    fn write(&mut self, run: i64, pieces: merge::Pieces) {
        for (number, body) in pieces.chunks {
            assert_eq!(self.chunks.insert(Address { run, number }, body), None);
        }
        for (number, body) in pieces.filter_pages {
            assert_eq!(self.pages.insert(Address { run, number }, body), None);
        }
    }

    fn switch(&mut self, switch: &Switch) {
        self.rows.insert(switch.add.run, switch.add);
        for run in &switch.drop {
            self.rows.remove(run);
            self.chunks.retain(|address, _| address.run != *run);
            self.pages.retain(|address, _| address.run != *run);
        }
    }

    fn rows(&self) -> Vec<RunRow> {
        self.rows.values().copied().collect()
    }

    fn count_failure(&mut self) -> Result<(), DiskFailed> {
        match &mut self.fail_in {
            Some(0) => {
                self.fail_in = None;
                Err(DiskFailed)
            }
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }
}

fn bodies(from: &BTreeMap<Address, Vec<u8>>, wanted: &[Address]) -> Vec<Vec<u8>> {
    wanted.iter().map(|address| from.get(address).cloned().unwrap_or_default()).collect()
}

impl RunReader for Disk {
    type Error = DiskFailed;

    fn chunks(&mut self, wanted: &[Address]) -> Result<Vec<Vec<u8>>, DiskFailed> {
        self.count_failure()?;
        self.chunks_read += wanted.len();
        Ok(bodies(&self.chunks, wanted))
    }

    fn filter_pages(&mut self, wanted: &[Address]) -> Result<Vec<Vec<u8>>, DiskFailed> {
        self.count_failure()?;
        Ok(bodies(&self.pages, wanted))
    }
}

/// Writes a task to the end and installs it. Steps that fail are repeated.
fn complete(mut task: MergeTask, index: &mut KeyIndex, disk: &mut Disk) {
    disk.rows.insert(task.row().run, task.row());
    while !task.is_finished() {
        match task.step(disk) {
            Ok(pieces) => disk.write(task.row().run, pieces),
            Err(error) => assert_eq!(error, ReadError::Read(DiskFailed)),
        }
    }
    let finished = task.into_finished().unwrap_or_else(|_| panic!("not finished"));
    disk.switch(finished.switch());
    drop(index.install(finished));
}

fn limits(tail_keys: u64, filter_bytes_max: u64) -> KeyLimits {
    KeyLimits { tail_keys, filter_bytes_max }
}

fn filled(keys: u64, random: &mut Random) -> (KeyIndex, Disk, Vec<KeyHash>) {
    let mut index = KeyIndex::open(limits(keys, u64::MAX), &[]);
    let mut disk = Disk::default();
    let hashes: Vec<KeyHash> = (0..keys).map(|_| KeyHash(random.next())).collect();
    for (position, hash) in hashes.iter().enumerate() {
        index.insert(*hash, number(size(position)));
    }
    let task = index.begin_seal(number(keys)).unwrap();
    complete(task, &mut index, &mut disk);
    (index, disk, hashes)
}

fn positions(found: &[Candidate], key: usize) -> Vec<i64> {
    found.iter().filter(|one| one.key == key).map(|one| one.position).collect()
}

/// Runs random steps against a model; the answers must be equal after each.
fn check_against_model(seed: u64) {
    let mut random = Random(seed);
    let spread = [40, u64::MAX][index(random.below(2))];
    let filter_bytes_max = [0, 3_000, u64::MAX][index(random.below(3))];
    let limits = limits(random.below(60) + 1, filter_bytes_max);
    let mut disk = Disk::default();
    let mut index = KeyIndex::open(limits, &[]);
    let mut model: Vec<(KeyHash, i64)> = Vec::new();
    let mut tasks: Vec<MergeTask> = Vec::new();
    let mut position = 0;
    for _ in 0..300 {
        match random.below(12) {
            0..5 => {
                let committed = position;
                for _ in 0..random.below(12) {
                    let known = model.get(super::index(random.below(size(model.len()).max(1))));
                    let fresh = KeyHash(random.next() / (u64::MAX / spread));
                    let hash =
                        if random.below(9) == 0 { known.map_or(fresh, |k| k.0) } else { fresh };
                    position += 1 + number(random.below(3));
                    index.insert(hash, position);
                    model.push((hash, position));
                }
                if random.below(4) == 0 {
                    index.remove_above(committed);
                    model.retain(|(_, at)| *at <= committed);
                }
            }
            5 if random.below(2) == 0 => tasks.extend(index.begin_seal(position)),
            6 => tasks.extend(index.next_merge(0)),
            7..9 if !tasks.is_empty() => {
                let at = super::index(random.below(size(tasks.len())));
                complete(tasks.swap_remove(at), &mut index, &mut disk);
            }
            9 if !tasks.is_empty() => index.abandon(tasks.swap_remove(0).row().run),
            10 => {
                disk.fail_in = None;
                index.load(&mut disk).unwrap();
            }
            11 if random.below(8) == 0 => {
                tasks.clear();
                index = KeyIndex::open(limits, &disk.rows());
                let sealed = index.watermark().unwrap_or(-1);
                for (hash, at) in model.iter().filter(|(_, at)| *at > sealed) {
                    index.insert(*hash, *at);
                }
            }
            _ => disk.fail_in = Some(u32::try_from(random.below(3)).unwrap()),
        }
        assert!(index.runs().count() <= RUNS_MAX);
        compare(&index, &mut disk, &model, &mut random, seed);
    }
}

fn compare(
    index: &KeyIndex,
    disk: &mut Disk,
    model: &[(KeyHash, i64)],
    random: &mut Random,
    seed: u64,
) {
    let mut probes: Vec<KeyHash> = (0..5).map(|_| KeyHash(random.next())).collect();
    probes.extend((0..5).map(|_| KeyHash(random.below(40))));
    probes.extend(model.iter().rev().take(5).map(|(hash, _)| *hash));
    probes.extend(model.iter().take(5).map(|(hash, _)| *hash));
    let failing = disk.fail_in;
    let found = match index.probe(&probes, disk) {
        Err(ReadError::Read(DiskFailed)) if failing.is_some() => return,
        other => other.unwrap(),
    };
    for (key, hash) in probes.iter().enumerate() {
        let same = model.iter().filter(|(other, _)| other == hash);
        let expected: Vec<i64> = same.map(|(_, position)| *position).collect();
        assert_eq!(positions(&found, key), expected, "seed {seed}, {hash:?}");
    }
}

#[test]
fn law_answers_equal_a_naive_model_whatever_is_sealed_merged_paged_or_restarted() {
    for seed in 0..40 {
        check_against_model(seed);
    }
}

#[test]
fn law_merged_run_answers_the_union_of_its_inputs() {
    let mut random = Random(5);
    let mut disk = Disk::default();
    let mut index = KeyIndex::open(limits(5_000, u64::MAX), &[]);
    let mut hashes = Vec::new();
    for position in 0..20_000 {
        let hash = KeyHash(random.next());
        index.insert(hash, position);
        hashes.push(hash);
        if index.seal_due() {
            let task = index.begin_seal(position).unwrap();
            complete(task, &mut index, &mut disk);
        }
    }
    let before = index.probe(&hashes, &mut disk).unwrap();
    let task = index.next_merge(0).unwrap();
    complete(task, &mut index, &mut disk);
    assert_eq!(index.runs().count(), 1);
    assert_eq!(index.runs().map(|row| row.keys).sum::<u64>(), 20_000);
    assert_eq!(index.probe(&hashes, &mut disk).unwrap(), before);
    assert_eq!(before.len(), 20_000);
}

#[test]
fn merge_forgets_archived_positions_only() {
    let mut random = Random(6);
    let mut disk = Disk::default();
    let mut index = KeyIndex::open(limits(1_000, u64::MAX), &[]);
    let hashes: Vec<KeyHash> = (0..2_000).map(|_| KeyHash(random.next())).collect();
    for (position, hash) in hashes.iter().enumerate() {
        index.insert(*hash, number(size(position)));
        if index.seal_due() {
            let task = index.begin_seal(number(size(position))).unwrap();
            complete(task, &mut index, &mut disk);
        }
    }
    let task = index.next_merge(700).unwrap();
    complete(task, &mut index, &mut disk);
    let found = index.probe(&hashes, &mut disk).unwrap();
    assert_eq!(
        found.iter().map(|one| one.position).collect::<Vec<_>>(),
        Vec::from_iter(700..2_000)
    );
    assert_eq!(index.runs().next().map(|row| (row.keys, row.first_position)), Some((1_300, 700)));
}

#[test]
fn seal_waits_for_the_commit_and_for_a_free_run() {
    let mut disk = Disk::default();
    let mut index = KeyIndex::open(limits(1, u64::MAX), &[]);
    assert!(index.begin_seal(100).is_none(), "no keys");
    index.insert(KeyHash(1), 5);
    assert!(index.begin_seal(4).is_none(), "position 5 is not committed");
    let task = index.begin_seal(6).unwrap();
    index.insert(KeyHash(2), 7);
    assert!(index.begin_seal(7).is_none(), "a seal is being written");
    index.abandon(task.row().run);
    let task = index.begin_seal(7).unwrap();
    assert_eq!(task.row().last_position, 6);
    complete(task, &mut index, &mut disk);
    for position in 7..14 {
        index.insert(KeyHash(3), position + 1);
        let task = index.begin_seal(position + 1).unwrap();
        complete(task, &mut index, &mut disk);
    }
    index.insert(KeyHash(4), 20);
    assert_eq!(index.runs().count(), RUNS_MAX);
    assert!(index.begin_seal(20).is_none());
    let task = index.next_merge(0).unwrap();
    complete(task, &mut index, &mut disk);
    assert!(index.begin_seal(20).is_some());
}

#[test]
fn crash_before_the_switch_leaves_the_old_runs_answering() {
    let mut random = Random(7);
    let (mut index, mut disk, hashes) = filled(3_000, &mut random);
    for (at, hash) in hashes.iter().enumerate() {
        index.insert(*hash, 3_001 + number(size(at)));
    }
    let task = index.begin_seal(6_001).unwrap();
    complete(task, &mut index, &mut disk);
    let expected = index.probe(&hashes, &mut disk).unwrap();
    let mut task = index.next_merge(0).unwrap();
    disk.rows.insert(task.row().run, task.row());
    while !task.is_finished() {
        let pieces = task.step(&mut disk).unwrap();
        disk.write(task.row().run, pieces);
    }
    let mut reopened = KeyIndex::open(limits(3_000, u64::MAX), &disk.rows());
    assert_eq!(reopened.probe(&hashes, &mut disk).unwrap(), expected);
    assert_eq!(reopened.watermark(), Some(6_001));
    let again = reopened.next_merge(0).unwrap();
    assert!(again.row().run > task.row().run, "the id of garbage is not used again");
}

#[test]
fn damaged_or_missing_body_is_an_error_never_a_new_key() {
    let mut random = Random(8);
    let (index, disk, hashes) = filled(2_000, &mut random);
    let one = &hashes[..1];
    let mut torn = disk.clone();
    torn.chunks.values_mut().for_each(|body| body[30] ^= 1);
    assert!(matches!(index.probe(one, &mut torn), Err(ReadError::Damaged(_))));
    let mut lost = disk.clone();
    lost.chunks.clear();
    assert!(matches!(index.probe(one, &mut lost), Err(ReadError::Damaged(_))));
    let mut paged = KeyIndex::open(limits(1, u64::MAX), &disk.rows());
    lost.pages.clear();
    assert!(matches!(paged.probe(one, &mut lost), Err(ReadError::Damaged(_))));
    assert!(matches!(paged.load(&mut lost), Err(ReadError::Damaged(_))));
    let message = paged.load(&mut lost).unwrap_err_text();
    assert_eq!(message, "key filter page 0 of sorted run 1 is damaged");
}

trait ErrText {
    fn unwrap_err_text(self) -> String;
}

impl ErrText for Result<(), ReadError<DiskFailed>> {
    fn unwrap_err_text(self) -> String {
        match self.unwrap_err() {
            ReadError::Damaged(damaged) => damaged.to_string(),
            ReadError::Read(_) => String::new(),
        }
    }
}
