//! Benches: what the bars of the design are measured with.
//!
//! *Invariant:* every figure is printed with the machine, the commit and the parameters it was
//! measured at; rates are medians of rounds that were interleaved with the anchor they are compared
//! with, because ratios of one run carry over to other machines and rates do not. Small sizes run
//! as tests, so that a bench cannot rot.

mod anchor;
mod charges;
mod clocks;
mod holds;
mod http;
mod keep;
mod machine;
mod postgres;
mod restart;
mod rig;
mod running;
mod soak;

use clap::{Parser, Subcommand};

/// The allocator of the product.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Debug, Parser)]
#[command(about = "Measures the engine against its bars")]
struct Arguments {
    #[command(subcommand)]
    bench: Bench,
}

#[derive(Debug, Subcommand)]
enum Bench {
    /// Charges in process on SQLite, beside the log anchor, at several batch sizes.
    Charges(charges::Parameters),
    /// Bytes of the files for each charge.
    AtRest(charges::AtRest),
    /// Two lanes on PostgreSQL against one transaction for each charge.
    Postgres(postgres::Parameters),
    /// Requests beside an echo handler.
    Http(http::Parameters),
    /// Hold and capture by many callers, and by one.
    Holds(holds::Parameters),
    /// Many running resources: settling all, idling, reading a balance.
    Running(running::Parameters),
    /// A test clock with many wallets.
    Clocks(clocks::Parameters),
    /// From process start to serving, with a full store and with none.
    Restart(restart::Parameters),
    /// Mixed traffic for a long time, and whether the books are right at its end.
    Soak(soak::Parameters),
    /// Serves the store in a folder once, and says how long that took. Used by `restart`.
    #[command(hide = true)]
    Once { folder: std::path::PathBuf },
}

fn main() {
    let arguments = Arguments::parse();
    machine::describe();
    println!("parameters: {:?}", arguments.bench);
    match arguments.bench {
        Bench::Charges(parameters) => charges::run(&parameters),
        Bench::AtRest(parameters) => charges::at_rest(&parameters),
        Bench::Postgres(parameters) => postgres::run(&parameters),
        Bench::Http(parameters) => http::run(&parameters),
        Bench::Holds(parameters) => holds::run(&parameters),
        Bench::Running(parameters) => running::run(&parameters),
        Bench::Clocks(parameters) => clocks::run(&parameters),
        Bench::Restart(parameters) => restart::run(&parameters),
        Bench::Soak(parameters) => soak::run(&parameters),
        Bench::Once { folder } => restart::once(&folder),
    }
}
