//! Laws of the parts: hashes, the tail, chunks and filters.

use std::collections::BTreeSet;

use super::super::filter::{Filter, FilterWriter, PAGE_LINES, decode_page};
use super::super::run::RunState;
use super::super::tail::Tail;
use super::super::*;
use super::Random;

#[test]
fn hash_of_a_key_never_changes() {
    let hasher = KeyHasher::new(*b"sixteen secrets!");
    assert_eq!(hasher.hash(7, "gateway", "e-1").bits(), GOLDEN_HASH);
    // The reference vector of SipHash-2-4: key 00..0f, input 00..07.
    let reference = KeyHasher::new(std::array::from_fn(|at| u8::try_from(at).unwrap()));
    let mut hasher = SipHasher24::new_with_keys(reference.key[0], reference.key[1]);
    hasher.write(&[0, 1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(hasher.finish(), 0x93f5_f579_9a93_2462);
}

const GOLDEN_HASH: u64 = 115_160_999_533_734_293;

#[test]
fn hash_separates_organization_source_and_id() {
    let hasher = KeyHasher::new([9; 16]);
    let other = KeyHasher::new([8; 16]);
    let all = [
        hasher.hash(1, "ab", "c"),
        hasher.hash(1, "a", "bc"),
        hasher.hash(1, "", "abc"),
        hasher.hash(2, "ab", "c"),
        other.hash(1, "ab", "c"),
    ];
    assert_eq!(BTreeSet::from(all).len(), all.len());
    assert!(!format!("{hasher:?}").contains('9'));
}

#[test]
fn law_tail_equals_an_ordered_set() {
    for seed in 0..100 {
        let mut random = Random(seed);
        // Few distinct hashes make collisions, hashes near the top fill the spare slots.
        let spread = [3, 1 << 20, u64::MAX][index(random.below(3))];
        let base = if random.below(2) == 0 { 0 } else { u64::MAX - spread };
        let mut tail = Tail::with_capacity(1);
        let mut model = BTreeSet::new();
        for position in 0..number(random.below(600)) {
            let hash = base + random.below(spread);
            tail.insert(KeyHash(hash), position);
            model.insert(Entry { hash, position });
            if random.below(100) == 0 {
                let cut = number(random.below(600));
                tail.remove_above(cut);
                model.retain(|entry| entry.position <= cut);
            }
        }
        let mut slot = 0;
        let mut scan = Vec::new();
        while let Some((entry, next)) = tail.next_from(slot) {
            scan.push(entry);
            slot = next;
        }
        assert_eq!(scan, Vec::from_iter(model.iter().copied()), "seed {seed}");
        assert_eq!(tail.keys(), size(model.len()));
        assert_eq!(tail.last_position(), model.iter().map(|entry| entry.position).max());
        for entry in &model {
            let mut found = Vec::new();
            tail.find(KeyHash(entry.hash), |position| found.push(position));
            let same = model.iter().filter(|other| other.hash == entry.hash);
            assert_eq!(found, Vec::from_iter(same.map(|other| other.position)), "seed {seed}");
        }
    }
}

const HERE: Address = Address { run: 3, number: 14 };

fn some_entries(random: &mut Random) -> Vec<Entry> {
    let shift = u32::try_from(random.below(64)).unwrap();
    let count = [0, 1, 2, 400][index(random.below(4))];
    let base = random.next() >> 1;
    let entry = |random: &mut Random| Entry {
        hash: base.saturating_add(random.next() >> shift),
        position: number(random.next() >> 1 >> shift),
    };
    let mut entries: Vec<Entry> = (0..count).map(|_| entry(random)).collect();
    entries.sort_unstable();
    entries
}

#[test]
fn law_chunk_decodes_to_what_was_encoded() {
    let mut random = Random(1);
    let extremes = vec![
        Entry { hash: 0, position: i64::MAX },
        Entry { hash: 0, position: i64::MAX },
        Entry { hash: u64::MAX, position: 0 },
    ];
    let cases = (0..2_000).map(|_| some_entries(&mut random)).chain([extremes]);
    for entries in cases {
        let mut decoded = Vec::new();
        chunk::decode(HERE, &chunk::encode(HERE, &entries), &mut decoded).unwrap();
        assert_eq!(decoded, entries);
    }
}

#[test]
fn damaged_chunk_is_refused() {
    let entries: Vec<Entry> =
        (0..50).map(|n| Entry { hash: n * 1_000_003, position: number(n * 7 % 50) }).collect();
    let body = chunk::encode(HERE, &entries);
    let refused = |address, body: &[u8]| {
        let expected = Damaged { part: Part::Chunk, address };
        assert_eq!(chunk::decode(address, body, &mut Vec::new()), Err(expected));
    };
    for bit in 0..body.len() * 8 {
        let mut flipped = body.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        refused(HERE, &flipped);
    }
    for length in 0..body.len() {
        refused(HERE, &body[..length]);
    }
    refused(Address { run: 4, ..HERE }, &body);
    refused(Address { number: 15, ..HERE }, &body);
}

#[test]
fn malformed_chunk_with_a_true_checksum_is_refused() {
    let mut random = Random(2);
    for _ in 0..5_000 {
        let length = index(random.below(80));
        let mut body: Vec<u8> = (0..length).map(|_| random.next().to_le_bytes()[0]).collect();
        if let Some(start) = body.first_chunk_mut::<8>() {
            *start = [1, start[1] % 70, start[2] % 70, 0, start[4] % 8, 0, 0, 0];
        }
        seal_body(Part::Chunk, HERE, &mut body);
        let _ = chunk::decode(HERE, &body, &mut Vec::new());
    }
}

#[test]
fn damaged_filter_page_is_refused() {
    let mut pages = Vec::new();
    let mut writer = FilterWriter::new(HERE.run, PAGE_LINES, 0);
    writer.add(KeyHash(5), &mut pages);
    writer.finish(&mut pages);
    let (first, body) = pages.pop().unwrap();
    let address = Address { run: HERE.run, number: first };
    decode_page(address, &body, PAGE_LINES, &mut Vec::new()).unwrap();
    let expected = Err(Damaged { part: Part::FilterPage, address });
    assert_eq!(decode_page(address, &body, PAGE_LINES - 1, &mut Vec::new()), expected);
    for at in 0..body.len() {
        let mut flipped = body.clone();
        flipped[at] ^= 0x10;
        assert_eq!(decode_page(address, &flipped, PAGE_LINES, &mut Vec::new()), expected);
    }
}

fn filter_of(hashes: &mut [KeyHash], lines: u64) -> Filter {
    hashes.sort_unstable();
    let mut pages = Vec::new();
    let mut writer = FilterWriter::new(1, lines, u64::MAX);
    for hash in hashes.iter() {
        writer.add(*hash, &mut pages);
    }
    let mut filter = Filter::paged(lines);
    for (segment, lines) in writer.finish(&mut pages) {
        filter.keep(segment, lines);
    }
    assert_eq!(size(pages.len()), lines.div_ceil(PAGE_LINES));
    assert_eq!(filter.first_paged(), None);
    filter
}

fn let_through(filter: &Filter, probes: &[KeyHash]) -> usize {
    let (mut maybe, mut paged) = (Vec::new(), Vec::new());
    filter.sift(probes, &mut maybe, &mut paged);
    assert!(paged.is_empty());
    maybe.len()
}

#[test]
fn filter_has_no_false_negatives_and_few_false_positives() {
    let mut random = Random(3);
    let mut hashes: Vec<KeyHash> = (0..100_000).map(|_| KeyHash(random.next())).collect();
    let strangers: Vec<KeyHash> = (0..200_000).map(|_| KeyHash(random.next())).collect();
    for (bits, per_mille_max) in [(10, 14), (12, 7), (16, 2)] {
        let filter = filter_of(&mut hashes, 100_000 * bits / 512);
        assert_eq!(let_through(&filter, &hashes), hashes.len());
        let passed = let_through(&filter, &strangers);
        assert!(passed < 200 * per_mille_max, "{bits} bits: {passed} of 200000");
    }
}

#[test]
fn run_state_survives_its_text() {
    for state in [RunState::Building, RunState::Live, RunState::Dropped] {
        assert_eq!(RunState::from_text(state.as_text()), Some(state));
    }
    assert_eq!(RunState::from_text("alive"), None);
}
