//! The sizes and rates that README.md states, and the policy that keeps them.

use super::super::filter::{bits_per_key, line_count};
use super::super::index::{KeyIndex, KeyLimits};
use super::super::policy::{RUNS_MAX, choose};
use super::super::*;
use super::{Disk, Random, complete, limits};

#[test]
fn false_positives_of_all_runs_stay_below_three_percent() {
    // Measured per mille of one run, by bits a key; see the test above for their bounds.
    let per_mille = |keys: u64| match bits_per_key(keys) {
        16 => 1.2,
        12 => 5.0,
        _ => 12.2,
    };
    for seals in 1..=150_u32 {
        let runs = (0..8).filter(|bit| seals >> bit & 1 == 1).map(|bit| 1_000_000_u64 << bit);
        let total: f64 = runs.map(per_mille).sum();
        assert!(total < 30.0, "{seals} seals: {total} per mille");
    }
}

#[test]
fn million_keys_stay_within_the_stated_bytes() {
    const KEYS: u64 = 1_000_000;
    let mut random = Random(9);
    let mut index = KeyIndex::open(limits(KEYS, u64::MAX), &[]);
    let mut disk = Disk::default();
    for position in 0..number(KEYS) {
        index.insert(KeyHash(random.next()), position);
    }
    assert!(index.memory_bytes() <= KEYS * 24 + 2_000, "tail: {}", index.memory_bytes());
    let task = index.begin_seal(number(KEYS)).unwrap();
    complete(task, &mut index, &mut disk);
    let filter_bytes = index.memory_bytes() - KEYS * 24;
    assert!(filter_bytes <= KEYS * 16 / 8 + 2_000, "filter: {filter_bytes}");
    let chunk_bytes: usize = disk.chunks.values().map(Vec::len).sum();
    assert!(size(chunk_bytes) <= KEYS * 9, "chunks: {chunk_bytes}");
    let fits_one_page = disk.chunks.values().filter(|body| body.len() <= 4_030).count();
    assert!(fits_one_page * 100 >= disk.chunks.len() * 99);
    let strangers: Vec<KeyHash> = (0..100_000).map(|_| KeyHash(random.next())).collect();
    disk.chunks_read = 0;
    assert_eq!(index.probe(&strangers, &mut disk).unwrap(), Vec::new());
    assert!(disk.chunks_read < 200, "chunks read for 100000 new keys: {}", disk.chunks_read);
}

#[test]
fn hundred_million_keys_fit_300_megabytes() {
    let runs = [64, 32, 4].map(|millions: u64| line_count(millions * 1_000_000) * 64);
    let filters: u64 = runs.iter().sum();
    let budget = KeyLimits::default();
    assert!(filters <= 137_000_000, "{filters}");
    assert!(filters <= budget.filter_bytes_max, "all of it is in memory");
    assert!(budget.filter_bytes_max + 2 * budget.tail_keys * 24 < 300_000_000);
}

/// Seals keep coming while merges run that write `speed` keys for each new key. Returns the most
/// runs, how many seals found no room, and how often a key was rewritten.
fn simulate(seals: u64, speed: u64) -> (usize, u64, u64) {
    let mut live: Vec<(i64, u64)> = Vec::new();
    let mut merging: Vec<(u64, Vec<i64>)> = Vec::new();
    let (mut most, mut waits, mut rewritten) = (0, 0, 0);
    for run in 0..number(seals) {
        if live.len() >= RUNS_MAX {
            waits += 1;
        }
        live.push((run, 1_000));
        most = most.max(live.len());
        let mut work = speed * 1_000;
        loop {
            let busy = |run: &i64| merging.iter().any(|(_, inputs)| inputs.contains(run));
            let idle: Vec<_> = live.iter().copied().filter(|(run, _)| !busy(run)).collect();
            let chosen = choose(&idle, live.len());
            if !chosen.is_empty() {
                let of = live.iter().filter(|(run, _)| chosen.contains(run));
                merging.push((of.map(|(_, keys)| keys).sum(), chosen));
            }
            // The smallest merge goes first, as a pool of threads would finish it first.
            merging.sort_unstable();
            let Some((left, _)) = merging.first_mut() else { break };
            let done = work.min(*left);
            (*left, work, rewritten) = (*left - done, work - done, rewritten + done);
            if *left > 0 {
                break;
            }
            let (_, inputs) = merging.remove(0);
            let keys =
                live.iter().filter(|(run, _)| inputs.contains(run)).map(|(_, keys)| keys).sum();
            live.retain(|(run, _)| !inputs.contains(run));
            live.push((inputs[0], keys));
        }
    }
    (most, waits, rewritten / seals / 1_000)
}

#[test]
fn law_policy_keeps_eight_runs_and_rewrites_logarithmically() {
    for (seals, speed, rewrites_max) in
        [(10, 20, 3), (100, 10, 6), (250, 20, 7), (1_000, 1_000, 10)]
    {
        let (most, waits, rewritten) = simulate(seals, speed);
        assert!(most <= RUNS_MAX && waits == 0, "{seals} seals: {most} runs, {waits} waits");
        assert!(rewritten <= rewrites_max, "{seals} seals: {rewritten} rewrites a key");
    }
}

#[test]
fn policy_repairs_any_set_of_runs() {
    let mut random = Random(10);
    for _ in 0..500 {
        let count = number(random.below(40));
        let mut live: Vec<(i64, u64)> =
            (0..count).map(|run| (run, 1 + (random.next() >> random.below(60)))).collect();
        loop {
            let chosen = choose(&live, live.len());
            if chosen.is_empty() {
                break;
            }
            assert!(chosen.len() >= 2);
            let of = live.iter().filter(|(run, _)| chosen.contains(run));
            let keys = of.fold(0_u64, |sum, (_, keys)| sum.saturating_add(*keys));
            live.retain(|(run, _)| !chosen.contains(run));
            live.push((chosen[0], keys));
        }
        assert!(live.len() < RUNS_MAX, "room for a seal is left");
    }
}
