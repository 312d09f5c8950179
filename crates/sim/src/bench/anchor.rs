//! The log anchor: the least that a durable charge can be.
//!
//! A set of 16-byte keys, exact rating, a burn-down over three grants in memory, and one bare log
//! with fdatasync. No SQL, no chain, no text, no reads. It says what this machine could do.

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::keep::Mixer;
use crate::machine;

const GRANTS: usize = 3;
/// Nano-units for 10^6 tokens.
const PRICE: i128 = 500_000_000;

pub struct Anchor {
    keys: HashSet<u128>,
    wallets: Vec<[i64; GRANTS]>,
    log: File,
    bytes: Vec<u8>,
    random: Mixer,
}

struct Charge {
    key: u128,
    wallet: usize,
    tokens: i64,
}

impl Anchor {
    pub fn new(folder: &Path, wallets: usize) -> Anchor {
        let log = OpenOptions::new().create(true).append(true).open(folder.join("anchor.log"));
        Anchor {
            keys: HashSet::new(),
            wallets: vec![[1 << 60; GRANTS]; wallets],
            log: log.expect("a log for the anchor"),
            bytes: Vec::new(),
            random: Mixer::new(11),
        }
    }

    /// Runs batches for `time`; answers charges per second, and microseconds of a core for each.
    pub fn run(&mut self, batch: usize, time: Duration) -> (f64, f64) {
        let (mut busy, mut cpu, mut count) = (Duration::ZERO, Duration::ZERO, 0_usize);
        while busy < time {
            let charges = self.charges(batch);
            let (began, cpu_began) = (Instant::now(), machine::thread_cpu());
            self.step(&charges);
            cpu += machine::thread_cpu().saturating_sub(cpu_began);
            busy += began.elapsed();
            count += batch;
        }
        (count as f64 / busy.as_secs_f64(), machine::micros(cpu) / count as f64)
    }

    fn charges(&mut self, batch: usize) -> Vec<Charge> {
        let wallets = self.wallets.len() as u64;
        let random = &mut self.random;
        let charge = |_| Charge {
            key: (u128::from(random.next()) << 64) | u128::from(random.next()),
            wallet: usize::try_from(random.next() % wallets).unwrap_or(0),
            tokens: i64::try_from(random.next() % 2_000).unwrap_or(0) + 1,
        };
        (0..batch).map(charge).collect()
    }

    fn step(&mut self, charges: &[Charge]) {
        self.bytes.clear();
        for charge in charges {
            if !self.keys.insert(charge.key) {
                continue;
            }
            let product = PRICE * i128::from(charge.tokens);
            let mut missing = i64::try_from((product + 500_000) / 1_000_000).unwrap_or(i64::MAX);
            let amount = missing;
            let mut parts = [0_i64; GRANTS];
            let wallet = &mut self.wallets[charge.wallet];
            for (left, part) in wallet.iter_mut().zip(&mut parts) {
                *part = missing.min(*left);
                *left -= *part;
                missing -= *part;
            }
            self.bytes.extend_from_slice(&charge.key.to_le_bytes());
            self.bytes.extend_from_slice(&(charge.wallet as u64).to_le_bytes());
            self.bytes.extend_from_slice(&amount.to_le_bytes());
            for part in parts {
                self.bytes.extend_from_slice(&part.to_le_bytes());
            }
            self.bytes.extend_from_slice(&0_u32.to_le_bytes());
        }
        self.log.write_all(&self.bytes).expect("the log is written");
        self.log.sync_data().expect("the log is synced");
    }
}

/// The median time of appending 4 KiB and having it on disk.
pub fn fsync_p50(folder: &Path) -> Duration {
    let path = folder.join("fsync.probe");
    let mut file = File::create(&path).expect("a file to probe");
    let block = [7_u8; 4_096];
    let mut micros: Vec<f64> = Vec::new();
    for _ in 0..300 {
        let began = Instant::now();
        file.write_all(&block).expect("the probe is written");
        file.sync_data().expect("the probe is synced");
        micros.push(machine::micros(began.elapsed()));
    }
    let _ = std::fs::remove_file(&path);
    Duration::from_secs_f64(machine::median(&mut micros) / 1e6)
}
