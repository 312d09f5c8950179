//! `sim run`: plays seeds and says where engine and auditor part.

use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};
use sim::play::{self, Disagreement};
use store::Fault;

#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Ask,
}

#[derive(Subcommand)]
enum Ask {
    /// Plays seeds one after the other; ends with 1 at the first disagreement.
    Run {
        /// The first seed.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// How many seeds.
        #[arg(long, default_value_t = 1)]
        seeds: u64,
        /// Steps of each run.
        #[arg(long, default_value_t = 400)]
        steps: usize,
        /// Crash at every store statement in turn, or never.
        #[arg(long, value_enum, default_value_t = Crash::None)]
        crash: Crash,
        /// The first statement to crash at.
        #[arg(long, default_value_t = 1)]
        from: u64,
        /// Every so many statements only.
        #[arg(long, default_value_t = 1)]
        stride: u64,
        /// Print a run that disagrees as it was played, without making it smaller first.
        #[arg(long)]
        whole: bool,
    },
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Crash {
    None,
    Every,
}

fn main() -> ExitCode {
    let Ask::Run { seed, seeds, steps, crash, from, stride, whole } = Arguments::parse().command;
    for seed in seed..seed + seeds {
        let played = match crash {
            Crash::None => once(seed, steps),
            Crash::Every => every(seed, steps, from, stride),
        };
        if let Err((found, at, fault)) = played {
            println!("seed {seed} fault {fault:?} at {at}: {}", found.what);
            let printed = if whole { found } else { play::shrink(found, at, fault) };
            println!("{}", printed.what);
            for step in &printed.steps {
                println!("  {step:?}");
            }
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

type Found = (Disagreement, u64, Fault);

fn once(seed: u64, steps: usize) -> Result<(), Found> {
    let ended = play::seed(seed, steps, 0, Fault::Die).map_err(|found| (found, 0, Fault::Die))?;
    let tip: String =
        ended.tips.iter().flatten().take(8).map(|byte| format!("{byte:02x}")).collect();
    println!("seed {seed}: {} commands, {} statements, {tip}", ended.commands, ended.statements);
    Ok(())
}

fn every(seed: u64, steps: usize, from: u64, stride: u64) -> Result<(), Found> {
    let mut at = from;
    let faults = [Fault::Die, Fault::DieAfter, Fault::LoseAnswer, Fault::Refuse];
    loop {
        for fault in faults {
            let ended = play::seed(seed, steps, at, fault).map_err(|found| (found, at, fault))?;
            if !ended.struck {
                println!("seed {seed}: crashed on the way at {} statements", (at - from) / stride);
                return Ok(());
            }
        }
        at += stride;
    }
}
