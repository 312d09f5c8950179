//! Deduplicates usage-event keys in two levels (rulings A7).
//!
//! True here: a key that was inserted and not undone is always found again (no false negatives);
//! what is found is a *candidate* position, which the caller confirms in the journal by comparing
//! organization, source and event id. Keys beyond the sealed position live in an exact set in
//! memory (the tail), older ones in at most `RUNS_MAX` sorted runs on disk, each behind a filter.
//!
//! Why: clients choose random keys, and a unique index over random keys costs a disk page per
//! charge. Here the hot path touches one cache line per run and key, and reads
//! a run only for duplicates and for the few keys a filter lets through by chance.
//!
//! The module does no IO and knows no clock: bodies are read through [`RunReader`] and written by
//! whoever steps a [`merge::MergeTask`]. README.md has the laws and the arithmetic.

pub mod index;
pub mod merge;
pub mod run;

mod chunk;
mod filter;
mod policy;
mod tail;

#[cfg(test)]
mod tests;

use std::fmt;
use std::hash::Hasher;

use siphasher::sip::{SipHasher13, SipHasher24};

/// A keyed 64-bit hash of one usage-event key.
///
/// 64 bits are enough because every hit is confirmed in the journal: with 10^8 keys one probe in
/// 10^11 sees a stranger's position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyHash(u64);

impl KeyHash {
    pub fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    pub fn bits(self) -> u64 {
        self.0
    }
}

/// Hashes keys with the store's secret, so that no client can aim at one chunk or filter line.
#[derive(Clone)]
pub struct KeyHasher {
    key: [u64; 2],
}

impl KeyHasher {
    /// Takes the 16 secret bytes of the store. They must never change: runs on disk hold hashes.
    pub fn new(secret: [u8; 16]) -> Self {
        let whole = u128::from_le_bytes(secret);
        let low = u64::try_from(whole & u128::from(u64::MAX)).unwrap_or_default();
        let high = u64::try_from(whole >> 64).unwrap_or_default();
        Self { key: [low, high] }
    }

    /// Hashes (organization, source, event id). The length of the source is part of the input, so
    /// that moving a letter from the source to the id makes another key.
    pub fn hash(&self, organization: i64, source: &str, event_id: &str) -> KeyHash {
        let mut hasher = SipHasher24::new_with_keys(self.key[0], self.key[1]);
        hasher.write(&organization.to_le_bytes());
        hasher.write(&size(source.len()).to_le_bytes());
        hasher.write(source.as_bytes());
        hasher.write(event_id.as_bytes());
        KeyHash(hasher.finish())
    }
}

impl fmt::Debug for KeyHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyHasher(secret)")
    }
}

/// A key as runs hold it. Ordered by hash, then position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    hash: u64,
    position: i64,
}

/// A journal position at which the `key`-th probed hash may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Candidate {
    pub key: usize,
    pub position: i64,
}

/// Names one stored body: the `number`-th chunk or filter page of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Address {
    pub run: i64,
    pub number: i64,
}

/// Reads stored bodies. Both methods answer in the order asked, one body per address; a row that
/// does not exist is an empty body and is reported as damage.
///
/// Asked in lists because PostgreSQL answers a list in the time of one row.
pub trait RunReader {
    type Error;

    fn chunks(&mut self, wanted: &[Address]) -> Result<Vec<Vec<u8>>, Self::Error>;

    fn filter_pages(&mut self, wanted: &[Address]) -> Result<Vec<Vec<u8>>, Self::Error>;
}

/// What a stored body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Chunk,
    FilterPage,
}

/// A stored body that is missing, torn, changed or out of place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damaged {
    pub part: Part,
    pub address: Address,
}

impl fmt::Display for Damaged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = match self.part {
            Part::Chunk => "chunk",
            Part::FilterPage => "filter page",
        };
        write!(
            f,
            "key {part} {} of sorted run {} is damaged",
            self.address.number, self.address.run
        )
    }
}

impl std::error::Error for Damaged {}

/// Why a probe or a merge step gave no answer. Neither is ever taken for "not a duplicate".
#[derive(Debug, PartialEq, Eq)]
pub enum ReadError<E> {
    Read(E),
    Damaged(Damaged),
}

impl<E> From<Damaged> for ReadError<E> {
    fn from(damaged: Damaged) -> Self {
        Self::Damaged(damaged)
    }
}

impl<E: fmt::Display> fmt::Display for ReadError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(_) => f.write_str("cannot read sorted runs"),
            Self::Damaged(damaged) => damaged.fmt(f),
        }
    }
}

impl<E: std::error::Error + 'static> std::error::Error for ReadError<E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Read(error) => Some(error),
            Self::Damaged(_) => None,
        }
    }
}

/// Maps a hash to one of `parts` equal ranges, keeping order. Because hashes are uniform, this
/// replaces every index: the home slot in the tail, the line of a filter and the chunk of a run are
/// computed, not searched for.
#[inline]
fn range_of(hash: u64, parts: u64) -> u64 {
    hash.carrying_mul(parts, 0).1
}

/// Seals a body: appends a checksum that also covers where the body belongs.
fn seal_body(part: Part, address: Address, body: &mut Vec<u8>) {
    let sum = checksum(part, address, body);
    body.extend_from_slice(&sum.to_le_bytes());
}

/// Returns the body without its checksum, or says that it is damaged.
fn open_body(part: Part, address: Address, body: &[u8]) -> Result<&[u8], Damaged> {
    let damaged = Damaged { part, address };
    let (content, sum) = body.split_last_chunk::<8>().ok_or(damaged)?;
    if checksum(part, address, content) == u64::from_le_bytes(*sum) {
        Ok(content)
    } else {
        Err(damaged)
    }
}

fn checksum(part: Part, address: Address, content: &[u8]) -> u64 {
    let domain: u64 = match part {
        Part::Chunk => 0x6368_756e_6b00_0001,
        Part::FilterPage => 0x7061_6765_0000_0001,
    };
    let run = domain ^ address.run.cast_unsigned().rotate_left(32);
    SipHasher13::new_with_keys(run, address.number.cast_unsigned()).hash(content)
}

/// Converts a count to an index. On 64-bit machines this is free and cannot fail.
#[inline]
fn index(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

/// Converts a length to a stored count.
#[inline]
fn size(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// Converts a count to the signed integer that rows hold.
#[inline]
fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
