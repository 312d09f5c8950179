//! `sim run`: plays seeds and says where engine and auditor part.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use sim::broken;
use sim::many::{self, Orders};
use sim::play::{self, Disagreement, Stage};
use store::Fault;

#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Ask,
}

#[derive(Subcommand)]
enum Ask {
    /// Plays many seeds; ends with 1 at the first disagreement.
    Run {
        /// How many seeds.
        #[arg(long, default_value_t = 1)]
        seeds: u64,
        /// The first seed.
        #[arg(long, default_value_t = 1)]
        from: u64,
        /// Steps of each run.
        #[arg(long, default_value_t = many::STEPS)]
        steps: usize,
        /// Threads that play.
        #[arg(long, default_value_t = 1)]
        threads: u64,
        /// Play every seed on a store, and not one in so many.
        #[arg(long)]
        store: bool,
        /// Print a run that disagrees as it was played, without making it smaller first.
        #[arg(long)]
        whole: bool,
    },
    /// Breaks rules of the product, one after the other, and plays a copy of it until the auditor
    /// notices; ends with 1 when it does not.
    Broken {
        /// Only rules with this in their name.
        #[arg(long, default_value = "")]
        only: String,
        /// How many seeds may pass unnoticed.
        #[arg(long, default_value_t = 5_000)]
        seeds: u64,
    },
    /// Plays one seed on a store again and again, with each kind of fault at each statement.
    Crash {
        #[arg(long, default_value_t = 1)]
        seed: u64,
        #[arg(long, default_value_t = 40)]
        steps: usize,
        /// The first statement to fail at.
        #[arg(long, default_value_t = 1)]
        from: u64,
        /// Every so many statements only.
        #[arg(long, default_value_t = 1)]
        stride: u64,
    },
}

fn main() -> ExitCode {
    match Arguments::parse().command {
        Ask::Run { seeds, from, steps, threads, store, whole } => {
            let orders = Orders { from, seeds, steps, threads, only_store: store };
            match many::run(orders) {
                Ok(line) => {
                    println!("{line}");
                    ExitCode::SUCCESS
                }
                Err(failed) => {
                    let replay = if store { " --store" } else { "" };
                    println!("seed {} on {:?}: {}", failed.seed, failed.stage, failed.found.what);
                    println!("again: sim run --from {} --steps {steps}{replay}", failed.seed);
                    tell(failed.found, failed.stage, whole)
                }
            }
        }
        Ask::Broken { only, seeds } => match broken::run(&only, seeds) {
            Ok(unnoticed) if unnoticed.is_empty() => ExitCode::SUCCESS,
            Ok(unnoticed) => {
                println!("not noticed: {}", unnoticed.join(", "));
                ExitCode::FAILURE
            }
            Err(message) => {
                println!("{message}");
                ExitCode::FAILURE
            }
        },
        Ask::Crash { seed, steps, from, stride } => crash(seed, steps, from, stride),
    }
}

/// Prints the steps that led to a disagreement, fewer of them when fewer are enough.
fn tell(found: Disagreement, stage: Stage, whole: bool) -> ExitCode {
    let printed = if whole { found } else { play::shrink(found, stage) };
    println!("{}", printed.what);
    for step in &printed.steps {
        println!("  {step:?}");
    }
    ExitCode::FAILURE
}

fn crash(seed: u64, steps: usize, from: u64, stride: u64) -> ExitCode {
    let faults = [Fault::Die, Fault::DieAfter, Fault::LoseAnswer, Fault::Refuse];
    let mut at = from;
    loop {
        for fault in faults {
            let stage = Stage::Store { at, fault };
            match play::seed(seed, steps, stage) {
                Ok(ended) if !ended.struck => {
                    println!("seed {seed}: failed at {} statements", (at - from) / stride);
                    return ExitCode::SUCCESS;
                }
                Ok(_) => {}
                Err(found) => {
                    println!("seed {seed} on {stage:?}: {}", found.what);
                    return tell(found, stage, false);
                }
            }
        }
        at += stride;
    }
}
