//! Very many running resources: what settling all of them costs, what they cost while nothing is
//! due, and what a balance costs to read.

use std::time::{Duration, Instant};

use app::ports::Clock;
use clap::Args;
use domain::time::SECONDS_PER_DAY;
use domain::{OrgId, Timestamp};
use store::Store;
use store::read::access;

use crate::keep::Folder;
use crate::machine::{self, Used, median, micros};
use crate::rig::{BenchClock, Rig, open_app, runtime, sqlite};

#[derive(Clone, Debug, Args)]
pub struct Parameters {
    #[arg(long, default_value_t = 10_000)]
    wallets: usize,
    /// Running resources in each wallet.
    #[arg(long, default_value_t = 100)]
    each: usize,
    /// Running resources in the one wallet whose balance is read.
    #[arg(long, default_value_t = 10_000)]
    many: usize,
    /// Seconds to idle for.
    #[arg(long, default_value_t = 10)]
    idle: u64,
}

pub fn run(parameters: &Parameters) {
    let (runtime, folder) = (runtime(), Folder::of(None));
    let url = sqlite(folder.path());
    let mut rig = Rig::open(&url, 1, runtime.handle());
    let platform = rig.platform(None);
    let began = Instant::now();
    let orgs = rig.wallets(platform, parameters.wallets, 3);
    rig.start_machines(&orgs, parameters.each);
    let count = parameters.wallets * parameters.each;
    println!("{count} running resources started in {:.1?}", began.elapsed());
    let single = rig.wallets(platform, 1, 3)[0];
    rig.start_machines(&[single], 1);
    let rich = rig.wallets(platform, 1, 3)[0];
    for _ in 0..parameters.many.div_ceil(1_000) {
        rig.start_machines(&[rich], parameters.many.min(1_000));
    }
    settle_all(&mut rig);
    read_balances(&rig.store, runtime.handle(), &[(1, single), (parameters.many, rich)]);
    let skipped = rig.clock.ahead_micros();
    drop(rig);
    let clock = BenchClock::new();
    clock.skip(skipped);
    let app = open_app(&url, &clock, runtime.handle());
    std::thread::sleep(Duration::from_secs(1));
    let (before, began) = (Used::by_process(), Instant::now());
    std::thread::sleep(Duration::from_secs(parameters.idle));
    let used = Used::by_process().since(before).cpu.as_secs_f64() / began.elapsed().as_secs_f64();
    println!("idle between due moments: {:.2} % of one core", used * 100.0);
    println!("resident memory: {} MB", machine::resident_mb());
    app.close();
}

/// The day ends, so every wallet settles. The first time takes the due moments from the store too.
fn settle_all(rig: &mut Rig) {
    let mut times = Vec::new();
    for day in 1..=3 {
        let now = rig.clock.now();
        let day_end = now.plus_seconds(1).ceil_to_multiple(SECONDS_PER_DAY);
        rig.clock.skip(day_end.micros() - now.micros() + 1_000_000);
        let before = rig.lanes[0].lane.position();
        let (began, cpu) = (Instant::now(), machine::thread_cpu());
        let due_until = day_end;
        loop {
            rig.lanes[0].lane.wake_due();
            if rig.lanes[0].lane.next_due() > due_until {
                break;
            }
        }
        let took = began.elapsed();
        let cpu = machine::thread_cpu().saturating_sub(cpu);
        let posted = rig.lanes[0].lane.position() - before;
        println!("day {day}: {posted} settlements posted in {took:.1?}, {cpu:.1?} of a core");
        times.push(took.as_secs_f64());
    }
    println!("one settlement of all, durable: {:.3} s", median(&mut times));
}

fn read_balances(store: &Store, runtime: &tokio::runtime::Handle, wallets: &[(usize, OrgId)]) {
    let mut times: Vec<Vec<f64>> = wallets.iter().map(|_| Vec::new()).collect();
    for _ in 0..1_000 {
        for (&(_, org), times) in wallets.iter().zip(&mut times) {
            let began = Instant::now();
            let read = runtime.block_on(balance(store, org));
            times.push(micros(began.elapsed()));
            assert!(read > Timestamp::ZERO, "the wallet is read");
        }
    }
    for ((count, _), times) in wallets.iter().zip(&mut times) {
        println!("balance read with {count} running resources: p50 {:.0} us", median(times));
    }
}

/// Reads the balance as a page does; the instant it was last decided at proves that it was read.
async fn balance(store: &Store, org: OrgId) -> Timestamp {
    let mut snapshot = store.snapshot().await.expect("a snapshot");
    let wallet = access::wallet(&mut snapshot, org).await.expect("a read").expect("a wallet");
    let platform = access::platform(&mut snapshot, wallet.platform).await.expect("a read");
    let platform = platform.expect("a platform");
    let at = wallet.now.plus_seconds(60);
    let balance = wallet.balance(platform.profiles.at(at), at);
    assert!(balance.accrued.is_positive(), "time has accrued");
    wallet.now
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_run_settles_and_reads() {
        run(&Parameters { wallets: 5, each: 2, many: 3, idle: 0 });
    }
}
