//! A test clock: wallets with one running resource each, advanced by three months.

use std::time::Instant;

use app::ports::Clock;
use clap::Args;
use domain::time::SECONDS_PER_DAY;

use crate::keep::Folder;
use crate::machine::{self, rate};
use crate::rig::{BenchClock, Rig, open_app, runtime, sqlite};

#[derive(Clone, Debug, Args)]
pub struct Parameters {
    #[arg(long, default_value_t = 10_000)]
    wallets: usize,
    #[arg(long, default_value_t = 90)]
    days: i64,
}

pub fn run(parameters: &Parameters) {
    let (runtime, folder) = (runtime(), Folder::of(None));
    let url = sqlite(folder.path());
    let mut rig = Rig::open(&url, 1, runtime.handle());
    let start = rig.clock.now().floor_to_second();
    let platform = rig.platform(Some(start));
    let orgs = rig.wallets(platform, parameters.wallets, 1);
    rig.start_machines(&orgs, 1);
    let position = rig.lanes[0].lane.position();
    drop(rig);
    let app = open_app(&url, &BenchClock::new(), runtime.handle());
    let to = start.plus_seconds(parameters.days * SECONDS_PER_DAY);
    let began = Instant::now();
    let arrived = runtime.block_on(app::jobs::advance_clock::advance(&app, platform, to));
    let took = began.elapsed();
    assert_eq!(arrived.expect("the clock arrives"), to);
    app.close();
    drop(app);
    let rig = Rig::open(&url, 1, runtime.handle());
    let posted = rig.lanes[0].lane.position() - position;
    let per_second = parameters.wallets as f64 / took.as_secs_f64();
    println!(
        "{} wallets by {} days in {took:.1?}: {} wallets/s, {} settlements/s; {} MB resident",
        parameters.wallets,
        parameters.days,
        rate(per_second),
        rate(posted as f64 / took.as_secs_f64()),
        machine::resident_mb()
    );
    println!("10^6 wallets at this rate: {:.0} s", 1e6 / per_second);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_clock_arrives() {
        run(&Parameters { wallets: 5, days: 3 });
    }
}
