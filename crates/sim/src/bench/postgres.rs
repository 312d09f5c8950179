//! Charges on PostgreSQL: two lanes over disjoint wallets, against one transaction for each charge.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use clap::Args;
use domain::OrgId;
use store::StoreUrl;
use store::testkit::naive::Naive;
use store::testkit::pg;

use crate::keep::Mixer;
use crate::machine::{median, rate};
use crate::rig::{Rig, Stepped, require_done, runtime, usage};

#[derive(Clone, Debug, Args)]
pub struct Parameters {
    #[arg(long, default_value_t = 10_000)]
    wallets: usize,
    #[arg(long, default_value_t = 1_000)]
    batch: usize,
    /// Connections of the naive way.
    #[arg(long, default_value_t = 8)]
    connections: usize,
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
}

const LANES: i64 = 2;

pub fn run(parameters: &Parameters) {
    let Some(server) = pg::find_or_start_durable() else { return };
    let (runtime, database) = (runtime(), server.database());
    let url = database.url();
    let mut rig = Rig::open(&url, LANES, runtime.handle());
    let platform = rig.platform(None);
    let orgs = rig.wallets(platform, parameters.wallets, 3);
    let prepared = runtime.block_on(async {
        let naive = Naive::connect(&url).await.expect("a connection");
        let before = naive.size_bytes().await;
        (naive.prepare(parameters.wallets as i64).await, before)
    });
    prepared.0.expect("the naive tables");
    let before = prepared.1.expect("the sizes");
    let positions = |rig: &Rig| -> i64 { rig.lanes.iter().map(|it| it.lane.position()).sum() };
    let posted_before = positions(&rig);
    let time = Duration::from_secs_f64(parameters.seconds);
    let mut all: [Vec<f64>; 4] = Default::default();
    for _ in 0..parameters.rounds {
        all[0].push(lanes(&mut rig, &orgs, parameters.batch, time));
        all[1].push(lanes(&mut rig, &orgs[..1], parameters.batch, time));
        let naive = |wallets| naive_rate(&url, parameters.connections, wallets, time);
        all[2].push(runtime.block_on(naive(parameters.wallets as i64)));
        all[3].push(runtime.block_on(naive(1)));
    }
    let ratio = |a: usize, b: usize| {
        median(&mut all[a].iter().zip(&all[b]).map(|(a, b)| a / b).collect::<Vec<_>>())
    };
    println!(
        "many wallets: {:.1} x naive; one hot wallet: {:.1} x naive, {:.2} x many",
        ratio(0, 2),
        ratio(1, 3),
        ratio(1, 0)
    );
    let [many, hot, naive_many, naive_hot] = &mut all;
    println!(
        "charges/s: many {}, hot {}; naive many {}, hot {}",
        rate(median(many)),
        rate(median(hot)),
        rate(median(naive_many)),
        rate(median(naive_hot))
    );
    let count = (positions(&rig) - posted_before) as f64;
    drop(rig);
    let after = runtime.block_on(async {
        Naive::connect(&url).await.expect("a connection").size_bytes().await.expect("the sizes")
    });
    println!(
        "at rest over {count} charges: {:.0} B per charge, read index and key runs {:.0} B",
        (after.0 - before.0) as f64 / count,
        (after.1 - before.1) as f64 / count
    );
}

/// Charges per second of all lanes together, each stepped by a thread of its own.
fn lanes(rig: &mut Rig, orgs: &[OrgId], batch: usize, time: Duration) -> f64 {
    let (hasher, random) = (rig.hasher.clone(), rig.ports.random.next());
    let work = |lane: usize, stepped: &mut Stepped| -> f64 {
        let own: Vec<OrgId> =
            orgs.iter().copied().filter(|org| org.bucket() % LANES == lane as i64).collect();
        let (mut random, mut count) = (Mixer::new(random ^ lane as u64), 0);
        let mut busy = Duration::ZERO;
        while busy < time && !own.is_empty() {
            let commands: Vec<_> = (0..batch).map(|_| usage(&mut random, &hasher, &own)).collect();
            let began = Instant::now();
            let outcomes = stepped.outcomes(&commands);
            busy += began.elapsed();
            require_done(outcomes);
            count += batch;
        }
        if count == 0 { 0.0 } else { count as f64 / busy.as_secs_f64() }
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = rig
            .lanes
            .iter_mut()
            .enumerate()
            .map(|(lane, stepped)| scope.spawn(move || work(lane, stepped)))
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("a lane")).sum()
    })
}

async fn naive_rate(url: &StoreUrl, connections: usize, wallets: i64, time: Duration) -> f64 {
    static SEED: AtomicU64 = AtomicU64::new(1);
    let began = Instant::now();
    let client = |url: StoreUrl| async move {
        let mut naive = Naive::connect(&url).await.expect("a connection");
        let mut random = Mixer::new(SEED.fetch_add(1, Ordering::SeqCst) ^ 0x5eed);
        let next = || {
            let wallet = i64::try_from(random.next() % wallets.unsigned_abs()).unwrap_or(0);
            (began.elapsed() < time).then(|| (random.uuid(), wallet, 500))
        };
        naive.charge(next).await.expect("naive charges")
    };
    let tasks: Vec<_> = (0..connections).map(|_| tokio::spawn(client(url.clone()))).collect();
    let mut count = 0;
    for task in tasks {
        count += task.await.expect("a naive client");
    }
    count as f64 / began.elapsed().as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_run_charges_both_ways() {
        run(&Parameters { wallets: 20, batch: 10, connections: 2, rounds: 1, seconds: 0.05 });
    }
}
