//! What lanes count of their own work, for whoever watches the server.
//!
//! *Invariant:* a count only grows, and costs the lane one addition a batch; labels are lanes,
//! whose number is fixed with the store.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

/// Upper bounds of the sizes of batches that are counted apart, in commands.
pub const BATCH_SIZES: [u64; 6] = [1, 4, 16, 64, 512, 4_096];
/// Upper bounds of the times from taking a batch to having it durable, in microseconds.
pub const BATCH_MICROS: [u64; 8] = [500, 1_000, 2_500, 5_000, 10_000, 50_000, 250_000, 1_000_000];

/// Values counted by upper bound; the last count is of those beyond every bound.
#[derive(Debug)]
pub struct Histogram<const BOUNDS: usize> {
    bounds: &'static [u64; BOUNDS],
    counts: [AtomicU64; BOUNDS],
    beyond: AtomicU64,
    sum: AtomicU64,
}

impl<const BOUNDS: usize> Histogram<BOUNDS> {
    fn new(bounds: &'static [u64; BOUNDS]) -> Histogram<BOUNDS> {
        let counts = std::array::from_fn(|_| AtomicU64::new(0));
        Histogram { bounds, counts, beyond: AtomicU64::new(0), sum: AtomicU64::new(0) }
    }

    fn count(&self, value: u64) {
        let place = self.bounds.iter().position(|&bound| value <= bound);
        let count = place.map_or(&self.beyond, |place| &self.counts[place]);
        count.fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add(value, Ordering::Relaxed);
    }

    /// Each bound with how many values were not above it, then how many there were, and their sum.
    pub fn read(&self) -> (Vec<(u64, u64)>, u64, u64) {
        let mut total = 0;
        let mut below = Vec::with_capacity(BOUNDS);
        for (bound, count) in self.bounds.iter().zip(&self.counts) {
            total += count.load(Ordering::Relaxed);
            below.push((*bound, total));
        }
        (below, total + self.beyond.load(Ordering::Relaxed), self.sum.load(Ordering::Relaxed))
    }
}

/// What one lane has done in this process.
#[derive(Debug)]
pub struct LaneGauges {
    pub batch_sizes: Histogram<6>,
    pub batch_micros: Histogram<8>,
    /// Wallets whose moment had come when the lane last looked, 8,192 at most.
    wakes_due: AtomicI64,
}

impl Default for LaneGauges {
    fn default() -> LaneGauges {
        LaneGauges {
            batch_sizes: Histogram::new(&BATCH_SIZES),
            batch_micros: Histogram::new(&BATCH_MICROS),
            wakes_due: AtomicI64::new(0),
        }
    }
}

impl LaneGauges {
    pub(crate) fn count_batch(&self, commands: usize, micros: i64) {
        self.batch_sizes.count(u64::try_from(commands).unwrap_or(u64::MAX));
        self.batch_micros.count(u64::try_from(micros).unwrap_or(0));
    }

    pub(crate) fn set_wakes_due(&self, count: usize) {
        self.wakes_due.store(i64::try_from(count).unwrap_or(i64::MAX), Ordering::Relaxed);
    }

    pub fn wakes_due(&self) -> i64 {
        self.wakes_due.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_counted_up_to_each_bound_and_beyond() {
        let histogram = Histogram::new(&BATCH_SIZES);
        for value in [1, 1, 4, 5, 64, 5_000] {
            histogram.count(value);
        }
        let (below, count, sum) = histogram.read();
        assert_eq!(below, [(1, 2), (4, 3), (16, 4), (64, 5), (512, 5), (4_096, 5)]);
        assert_eq!((count, sum), (6, 5_075));
    }
}
