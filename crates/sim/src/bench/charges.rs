//! Charges in process on SQLite, beside the log anchor.
//!
//! A charge is the whole thing: deduplicated, rated, drawn from the wallet's grants, posted,
//! chained, its balance decided, and durable. What is timed is `Lane::step`; the commands of a
//! batch are made outside of the time, as they are in the anchor. Keys are sealed and the index of
//! the journal is written beside, as in the product.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use app::Command;
use clap::Args;
use domain::OrgId;

use crate::anchor::{self, Anchor};
use crate::keep::{Folder, Mixer};
use crate::machine::{self, Used, median, micros, percentile, rate};
use crate::rig::{Rig, require_done, runtime, sqlite, usage};

#[derive(Clone, Debug, Args)]
pub struct Parameters {
    #[arg(long, default_value_t = 10_000)]
    wallets: usize,
    /// Random keys stored through the engine before anything is measured.
    #[arg(long, default_value_t = 0)]
    keys: usize,
    #[arg(long, value_delimiter = ',', default_value = "1,10,100,1000,5000")]
    batches: Vec<usize>,
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Seconds of each size in each round.
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// Keeps the store here, and uses the one that is there.
    #[arg(long)]
    folder: Option<PathBuf>,
    /// Leaves the anchor out, for a profiler.
    #[arg(long)]
    alone: bool,
}

/// A rig with wallets and charges to send.
pub struct Bench {
    pub rig: Rig,
    pub orgs: Vec<OrgId>,
    random: Mixer,
}

/// What one size cost in one round.
#[derive(Clone, Copy, Debug, Default)]
struct Round {
    anchor: f64,
    anchor_cpu_micros: f64,
    per_second: f64,
    lane_cpu_micros: f64,
    all_cpu_micros: f64,
    written_bytes: f64,
    step_p50_micros: f64,
    step_p99_micros: f64,
}

impl Bench {
    pub fn open(folder: &Path, wallets: usize, handle: &tokio::runtime::Handle) -> Bench {
        let mut rig = Rig::open(&sqlite(folder), 1, handle);
        let platform = rig.platform(None);
        let orgs = rig.wallets(platform, wallets, 3);
        let seed = rig.ports.random.next();
        Bench { rig, orgs, random: Mixer::new(seed) }
    }

    pub fn batch(&mut self, size: usize) -> Vec<Command> {
        let (random, hasher, orgs) = (&mut self.random, &self.rig.hasher, &self.orgs);
        (0..size).map(|_| usage(random, hasher, orgs)).collect()
    }

    /// Stores `count` charges in the largest batches.
    pub fn fill(&mut self, count: usize) -> Duration {
        let began = Instant::now();
        let mut left = count;
        while left > 0 {
            let size = left.min(app::lane::BATCH_COMMANDS_MAX);
            let batch = self.batch(size);
            self.rig.lanes[0].step(&batch);
            left -= size;
        }
        began.elapsed()
    }

    fn measure(&mut self, size: usize, time: Duration) -> Round {
        let (mut busy, mut cpu, mut count) = (Duration::ZERO, Duration::ZERO, 0_usize);
        let mut steps: Vec<f64> = Vec::new();
        let before = Used::by_process();
        let mut making = Duration::ZERO;
        while busy < time {
            let making_began = machine::thread_cpu();
            let batch = self.batch(size);
            let cpu_began = machine::thread_cpu();
            let began = Instant::now();
            let outcomes = self.rig.lanes[0].outcomes(&batch);
            let step = began.elapsed();
            let cpu_ended = machine::thread_cpu();
            require_done(outcomes);
            drop(batch);
            making += machine::thread_cpu().saturating_sub(cpu_ended);
            busy += step;
            making += cpu_began.saturating_sub(making_began);
            cpu += cpu_ended.saturating_sub(cpu_began);
            steps.push(micros(step));
            count += size;
        }
        let used = Used::by_process().since(before);
        let per_charge = |total: f64| total / count as f64;
        Round {
            anchor: 0.0,
            anchor_cpu_micros: 0.0,
            per_second: count as f64 / busy.as_secs_f64(),
            lane_cpu_micros: per_charge(micros(cpu)),
            all_cpu_micros: per_charge(micros(used.cpu.saturating_sub(making))),
            written_bytes: per_charge(used.written_bytes as f64),
            step_p50_micros: percentile(&mut steps, 50.0),
            step_p99_micros: percentile(&mut steps, 99.0),
        }
    }
}

pub fn run(parameters: &Parameters) {
    let (runtime, folder) = (runtime(), Folder::of(parameters.folder.as_ref()));
    let beside = Folder::of(None);
    println!("fdatasync of 4 KiB appended, p50: {:?}", anchor::fsync_p50(beside.path()));
    let mut bench = Bench::open(folder.path(), parameters.wallets, runtime.handle());
    if parameters.keys > 0 {
        let took = bench.fill(parameters.keys);
        let per_second = parameters.keys as f64 / took.as_secs_f64();
        println!("{} keys stored in {took:.1?}, {}/s", parameters.keys, rate(per_second));
    }
    let mut anchor = (!parameters.alone).then(|| Anchor::new(beside.path(), parameters.wallets));
    let time = Duration::from_secs_f64(parameters.seconds);
    let mut rounds: Vec<Vec<Round>> = parameters.batches.iter().map(|_| Vec::new()).collect();
    for _ in 0..parameters.rounds {
        for (size, rounds) in parameters.batches.iter().zip(&mut rounds) {
            let before = anchor.as_mut().map(|anchor| anchor.run(*size, time / 4));
            let round = bench.measure(*size, time);
            let after = anchor.as_mut().map(|anchor| anchor.run(*size, time / 4));
            let (before, after) = (before.unwrap_or_default(), after.unwrap_or_default());
            rounds.push(Round {
                anchor: (before.0 + after.0) / 2.0,
                anchor_cpu_micros: (before.1 + after.1) / 2.0,
                ..round
            });
        }
    }
    println!(
        "{:>6} {:>9} {:>9} {:>7} {:>9} {:>9} {:>10} {:>9} {:>9}",
        "batch",
        "charges/s",
        "anchor/s",
        "ratio",
        "lane us",
        "all us",
        "written B",
        "p50 us",
        "p99 us"
    );
    for (size, rounds) in parameters.batches.iter().zip(&rounds) {
        report(*size, rounds);
    }
    println!("resident memory: {} MB", machine::resident_mb());
    println!("behind: {} journal rows are not indexed", behind(&bench.rig, runtime.handle()));
}

fn report(size: usize, rounds: &[Round]) {
    let of = |value: fn(&Round) -> f64| median(&mut rounds.iter().map(value).collect::<Vec<_>>());
    println!(
        "{size:>6} {:>9} {:>9} {:>7.3} {:>9.2} {:>9.2} {:>9.2} {:>10.0} {:>9.0} {:>9.0}",
        rate(of(|round| round.per_second)),
        rate(of(|round| round.anchor)),
        of(|round| round.per_second / round.anchor.max(1.0)),
        of(|round| round.anchor_cpu_micros),
        of(|round| round.lane_cpu_micros),
        of(|round| round.all_cpu_micros),
        of(|round| round.written_bytes),
        of(|round| round.step_p50_micros),
        of(|round| round.step_p99_micros),
    );
}

/// How far the index is behind the journal.
fn behind(rig: &Rig, runtime: &tokio::runtime::Handle) -> i64 {
    let position = rig.lanes[0].lane.position();
    let indexed = runtime.block_on(async {
        let mut snapshot = rig.store.snapshot().await?;
        store::index::indexed(&mut snapshot, 0).await
    });
    position - indexed.expect("the watermark is read")
}

#[derive(Clone, Debug, Args)]
pub struct AtRest {
    #[arg(long, default_value_t = 10_000)]
    wallets: usize,
    #[arg(long, default_value_t = 1_000_000)]
    charges: usize,
}

/// Sizes of the main file and of the index, once nothing is in a log any more.
fn sizes(folder: &Path, handle: &tokio::runtime::Handle) -> (u64, u64) {
    // Opening folds the logs in.
    drop(store::Store::open(&sqlite(folder), handle).expect("the store opens"));
    let size = |name: &str| std::fs::metadata(folder.join(name)).map_or(0, |file| file.len());
    (size("bench.db"), size("bench.db.index"))
}

pub fn at_rest(parameters: &AtRest) {
    let (runtime, folder) = (runtime(), Folder::of(None));
    let mut bench = Bench::open(folder.path(), parameters.wallets, runtime.handle());
    let orgs = bench.orgs.clone();
    drop(bench);
    let before = sizes(folder.path(), runtime.handle());
    let rig = Rig::open(&sqlite(folder.path()), 1, runtime.handle());
    bench = Bench { rig, orgs, random: Mixer::new(3) };
    bench.fill(parameters.charges);
    while behind(&bench.rig, runtime.handle()) > 0 {
        std::thread::sleep(Duration::from_millis(50));
    }
    drop(bench);
    let after = sizes(folder.path(), runtime.handle());
    let per_charge =
        |after: u64, before: u64| after.saturating_sub(before) as f64 / parameters.charges as f64;
    println!("journal and wallets: {:.1} B per charge", per_charge(after.0, before.0));
    println!("read index and key runs: {:.1} B per charge", per_charge(after.1, before.1));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_run_charges_and_seals() {
        let (runtime, folder) = (runtime(), Folder::of(None));
        let mut bench = Bench::open(folder.path(), 20, runtime.handle());
        bench.fill(500);
        let round = bench.measure(50, Duration::from_millis(20));
        assert!(round.per_second > 0.0 && round.written_bytes > 0.0, "{round:?}");
        let mut anchor = Anchor::new(folder.path(), 20);
        assert!(anchor.run(50, Duration::from_millis(5)).0 > 0.0);
    }
}
