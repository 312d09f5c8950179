//! Chooses which runs to merge next.
//!
//! True here: equal seals end as runs of binary sizes, so n seals leave at most log2(n) + 1 runs
//! and write each key about log2(n) times. Only runs of similar size are merged, few at a time:
//! a merge holds its inputs until it ends, and a long one that held many would leave no room for
//! the seals that arrive meanwhile. Sizes are all it looks at, so it repairs any set of runs.

/// The most live runs. A seal waits for room; the tail grows meanwhile, up to its own limit.
pub const RUNS_MAX: usize = 8;

/// Above this many idle runs the two smallest are merged even when they differ in size.
const RUNS_AT_REST: usize = 6;
const INPUTS_MAX: usize = 4;

/// Returns the runs to merge, from (run, keys) of those not being merged already.
pub(super) fn choose(idle: &[(i64, u64)], live: usize) -> Vec<i64> {
    let mut by_size = idle.to_vec();
    by_size.sort_unstable_by_key(|(run, keys)| (*keys, *run));
    for (at, (_, keys)) in by_size.iter().enumerate() {
        let similar = by_size[at..].iter().take_while(|(_, other)| other / 3 <= keys / 2);
        let group: Vec<i64> = similar.take(INPUTS_MAX).map(|(run, _)| *run).collect();
        if group.len() >= 2 {
            return group;
        }
    }
    if live > RUNS_AT_REST && by_size.len() >= 2 {
        return by_size[..2].iter().map(|(run, _)| *run).collect();
    }
    Vec::new()
}
