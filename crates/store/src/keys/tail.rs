//! The exact set of unsealed keys, in memory.
//!
//! True here: the slots read from first to last are the keys in (hash, position) order. Linear
//! probing whose home slot grows with the hash, and which inserts in order, has that property; so
//! a miss stops at the first larger hash, equal hashes stand side by side, and sealing is a scan
//! instead of a sort. There is no wrap-around: the last cluster runs into spare slots at the end.

use super::{Entry, KeyHash, index, range_of, size};

/// One slot: hash, and position + 1, where 0 means free. A tuple of integers, so that the allocator
/// hands out zero pages and a new tail costs nothing until it is used.
type Slot = (u64, u64);

const SLOT_BYTES: u64 = 16;
const SPARE_SLOTS: u64 = 64;
/// Home slots per 2 keys of capacity: at most 2/3 full, 24 bytes per key.
const HOMES_PER_TWO_KEYS: u64 = 3;
const KEYS_MIN: u64 = 64;

#[derive(Clone)]
pub(super) struct Tail {
    slots: Vec<Slot>,
    homes: u64,
    keys: u64,
    last_position: Option<i64>,
}

impl Tail {
    pub(super) fn with_capacity(keys: u64) -> Self {
        let homes = (keys.max(KEYS_MIN) * HOMES_PER_TWO_KEYS).div_ceil(2);
        let slots = vec![(0, 0); index(homes + SPARE_SLOTS)];
        Self { slots, homes, keys: 0, last_position: None }
    }

    pub(super) fn keys(&self) -> u64 {
        self.keys
    }

    pub(super) fn last_position(&self) -> Option<i64> {
        self.last_position
    }

    pub(super) fn bytes(&self) -> u64 {
        size(self.slots.capacity()) * SLOT_BYTES
    }

    /// Adds a key. The same hash may be added at several positions.
    pub(super) fn insert(&mut self, hash: KeyHash, position: i64) {
        assert!(position >= 0, "journal positions are not negative, got {position}");
        if (self.keys + 1) * HOMES_PER_TWO_KEYS > self.homes * 2 {
            *self = self.copied(self.keys * 2, i64::MAX);
        }
        self.place((hash.0, position.cast_unsigned() + 1));
        self.last_position = self.last_position.max(Some(position));
    }

    /// Calls `found` with each position of this hash.
    #[inline]
    pub(super) fn find(&self, hash: KeyHash, mut found: impl FnMut(i64)) {
        for slot in &self.slots[index(range_of(hash.0, self.homes))..] {
            if slot.1 == 0 || slot.0 > hash.0 {
                return;
            }
            if slot.0 == hash.0 {
                found((slot.1 - 1).cast_signed());
            }
        }
    }

    /// Forgets every key above the position. Costs a scan of the tail (milliseconds): it is for a
    /// batch that failed to commit, not for a refused command.
    pub(super) fn remove_above(&mut self, position: i64) {
        if self.last_position > Some(position) {
            *self = self.copied(self.homes * 2 / HOMES_PER_TWO_KEYS, position);
        }
    }

    /// Returns the next key at or after a slot, and the slot to go on from.
    pub(super) fn next_from(&self, slot: usize) -> Option<(Entry, usize)> {
        let offset = self.slots.get(slot..)?.iter().position(|slot| slot.1 != 0)?;
        let (hash, stored) = self.slots[slot + offset];
        Some((Entry { hash, position: (stored - 1).cast_signed() }, slot + offset + 1))
    }

    fn copied(&self, capacity: u64, last_position: i64) -> Self {
        let mut copy = Self::with_capacity(capacity);
        let mut slot = 0;
        while let Some((entry, next)) = self.next_from(slot) {
            if entry.position <= last_position {
                copy.insert(KeyHash(entry.hash), entry.position);
            }
            slot = next;
        }
        copy
    }

    fn place(&mut self, new: Slot) {
        let mut at = index(range_of(new.0, self.homes));
        while self.slots.get(at).is_some_and(|slot| slot.1 != 0 && *slot <= new) {
            at += 1;
        }
        let mut carried = new;
        while let Some(slot) = self.slots.get_mut(at) {
            std::mem::swap(slot, &mut carried);
            if carried.1 == 0 {
                break;
            }
            at += 1;
        }
        if carried.1 != 0 {
            self.slots.push(carried);
        }
        self.keys += 1;
    }
}
