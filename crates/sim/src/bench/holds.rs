//! Hold and capture through the door: many callers at once, whose commands share commits, against
//! one caller, who waits for each.

use std::time::{Duration, Instant};

use app::operations::capture_hold::CaptureHold;
use app::operations::place_hold::PlaceHold;
use app::{Answer, App, Command, IdempotencyKey, Operation, Outcome};
use clap::Args;
use domain::label::Labels;
use domain::{Amount, OrgId, Refusal};

use crate::anchor;
use crate::keep::{Folder, Mixer};
use crate::machine::{median, micros, percentile, rate};
use crate::rig::{BenchClock, Rig, open_app, runtime, sqlite};

#[derive(Clone, Debug, Args)]
pub struct Parameters {
    #[arg(long, default_value_t = 1_000)]
    wallets: usize,
    #[arg(long, default_value_t = 64)]
    callers: usize,
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
}

/// What is stored under the key of a command: as much as the API stores.
fn render(decided: &Result<Answer, Refusal>) -> (u16, String) {
    match decided {
        Ok(Answer::Hold(org, hold)) => {
            let (org, number) = (org.get(), hold.number);
            let (amount, at) = (hold.amount, hold.created_at);
            (201, format!(r#"{{"id":"{org}-{number}","amount":"{amount}","created_at":"{at}"}}"#))
        }
        _ => (409, String::new()),
    }
}

async fn keyed(app: &App, random: &mut Mixer, operation: impl Operation + 'static) -> Answer {
    let key = IdempotencyKey { key: random.uuid(), fingerprint: 1, render };
    let outcome = app.run(Command::new(operation).with_key(Some(key))).await;
    let Ok(Outcome::Decided(Ok(answer))) = outcome else { panic!("not done: {outcome:?}") };
    answer
}

/// Holds and captures until `until`; the times of each command in microseconds.
async fn caller(app: App, orgs: Vec<OrgId>, seed: u64, until: Instant) -> Vec<f64> {
    let (mut random, mut times) = (Mixer::new(seed), Vec::new());
    while Instant::now() < until {
        let org = orgs[random.below(orgs.len())];
        let (amount, note) = (Amount::from_nanos(5_000_000), String::new());
        let began = Instant::now();
        let place = PlaceHold {
            org,
            amount,
            sku: None,
            expires_in_seconds: None,
            note,
            labels: Labels::NONE,
        };
        let Answer::Hold(_, hold) = keyed(&app, &mut random, place).await else {
            panic!("a hold is answered with one")
        };
        times.push(micros(began.elapsed()));
        let began = Instant::now();
        let capture = CaptureHold { org, hold: hold.number, amount: None };
        keyed(&app, &mut random, capture).await;
        times.push(micros(began.elapsed()));
    }
    times
}

async fn round(app: &App, orgs: &[OrgId], callers: usize, time: Duration, seed: u64) -> Vec<f64> {
    let until = Instant::now() + time;
    let spawn = |at| {
        let seed = seed.wrapping_mul(1_000) + at as u64;
        tokio::spawn(caller(app.clone(), orgs.to_vec(), seed, until))
    };
    let tasks: Vec<_> = (0..callers).map(spawn).collect();
    let mut times = Vec::new();
    for task in tasks {
        times.extend(task.await.expect("a caller finishes"));
    }
    times
}

pub fn run(parameters: &Parameters) {
    let (runtime, folder) = (runtime(), Folder::of(None));
    let mut rig = Rig::open(&sqlite(folder.path()), 1, runtime.handle());
    let platform = rig.platform(None);
    let orgs = rig.wallets(platform, parameters.wallets, 3);
    let seed = rig.ports.random.next();
    drop(rig);
    println!("fdatasync of 4 KiB appended, p50: {:?}", anchor::fsync_p50(folder.path()));
    let app = open_app(&sqlite(folder.path()), &BenchClock::new(), runtime.handle());
    let time = Duration::from_secs_f64(parameters.seconds);
    let (mut ratios, mut p50s, mut p99s) = (Vec::new(), Vec::new(), Vec::new());
    let (mut many, mut ones) = (Vec::new(), Vec::new());
    for at in 0..parameters.rounds as u64 {
        let seed = seed.wrapping_add(at << 32);
        let alone = runtime.block_on(round(&app, &orgs, 1, time, seed));
        let mut grouped =
            runtime.block_on(round(&app, &orgs, parameters.callers, time, seed.wrapping_add(7)));
        let per_second = |times: &Vec<f64>| times.len() as f64 / 2.0 / parameters.seconds;
        ratios.push(per_second(&grouped) / per_second(&alone));
        many.push(per_second(&grouped));
        ones.push(per_second(&alone));
        p50s.push(percentile(&mut grouped, 50.0));
        p99s.push(percentile(&mut grouped, 99.0));
    }
    println!(
        "{} callers: {} pairs/s, one: {} pairs/s, ratio {:.1}; \
         a command p50 {:.0} us, p99 {:.0} us",
        parameters.callers,
        rate(median(&mut many)),
        rate(median(&mut ones)),
        median(&mut ratios),
        median(&mut p50s),
        median(&mut p99s),
    );
    app.close();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_run_holds_and_captures() {
        run(&Parameters { wallets: 10, callers: 4, rounds: 1, seconds: 0.05 });
    }
}
