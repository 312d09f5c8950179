//! Many seeds, one after the other on each thread: most on the domain alone, some on a store.

use std::io::{IsTerminal, Write};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use store::Fault;

use crate::chance::Chance;
use crate::play::{self, Disagreement, Stage};

/// Steps of a run, unless somebody says otherwise.
pub const STEPS: usize = 200;
/// One seed in so many is played on a store.
const STORE_EVERY: u64 = 50;
/// Every other one of them has a fault, at one of the first statements.
const FAULT_BELOW: i64 = 1_500;

#[derive(Clone, Copy, Debug)]
pub struct Orders {
    pub from: u64,
    pub seeds: u64,
    pub steps: usize,
    pub threads: u64,
    pub only_store: bool,
}

/// The first seed that did not go as it had to.
#[derive(Debug)]
pub struct Failed {
    pub seed: u64,
    pub stage: Stage,
    pub found: Disagreement,
}

/// Where a seed is played: its number says.
pub fn stage(seed: u64, only_store: bool) -> Stage {
    if !only_store && !seed.is_multiple_of(STORE_EVERY) {
        return Stage::Domain;
    }
    let mut chance = Chance::new(!seed);
    if chance.one_in(2) {
        return Stage::Store { at: 0, fault: Fault::Die };
    }
    let faults = [Fault::Die, Fault::DieAfter, Fault::LoseAnswer, Fault::Refuse];
    let at = chance.between(1, FAULT_BELOW).unsigned_abs();
    Stage::Store { at, fault: *chance.pick(&faults).expect("there are four") }
}

/// Plays all seeds and says in a line how many of what there were.
///
/// Errors: the first seed, in the order in which they ended, in which engine and auditor part.
pub fn run(orders: Orders) -> Result<String, Failed> {
    let (next, done) = (AtomicU64::new(orders.from), AtomicU64::new(0));
    let (commands, stored) = (AtomicU64::new(0), AtomicU64::new(0));
    let failed: Mutex<Option<Failed>> = Mutex::new(None);
    let started = Instant::now();
    let play = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= orders.from + orders.seeds || failed.lock().expect("no panic").is_some() {
                return;
            }
            let stage = stage(seed, orders.only_store);
            match play::seed(seed, orders.steps, stage) {
                Ok(ended) => {
                    commands.fetch_add(ended.commands, Ordering::Relaxed);
                    stored.fetch_add(u64::from(stage != Stage::Domain), Ordering::Relaxed);
                }
                Err(found) => {
                    let mut first = failed.lock().expect("no panic");
                    first.get_or_insert(Failed { seed, stage, found });
                    return;
                }
            }
            progress(done.fetch_add(1, Ordering::Relaxed) + 1, orders.seeds, started);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..orders.threads.max(1) {
            scope.spawn(play);
        }
    });
    if let Some(failed) = failed.into_inner().expect("no panic") {
        return Err(failed);
    }
    let seconds = started.elapsed().as_secs_f64();
    let (commands, stored) = (commands.into_inner(), stored.into_inner());
    Ok(format!(
        "{} seeds of {} steps: {commands} commands, {stored} seeds on a store, no disagreement, \
         {seconds:.1} s",
        orders.seeds, orders.steps
    ))
}

/// A bar on a terminal; a line now and then elsewhere.
fn progress(done: u64, seeds: u64, started: Instant) {
    let seconds = started.elapsed().as_secs();
    let left = seconds * (seeds - done) / done;
    let mut out = std::io::stderr();
    if out.is_terminal() {
        let filled = usize::try_from(done * 40 / seeds).unwrap_or(40);
        let bar = "#".repeat(filled) + &"-".repeat(40 - filled);
        let end = if done == seeds { "\n" } else { "" };
        let _ = write!(out, "\r[{bar}] {done} of {seeds}, {seconds} s, {left} s left {end}");
    } else if done.is_multiple_of((seeds / 20).max(100)) {
        let _ = writeln!(out, "{done} of {seeds} seeds, {seconds} s, about {left} s left");
    }
}
