//! The one binary.

use std::process::ExitCode;

/// Batches free what other threads made, and the system's allocator is slow at that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    drawdown::cli::run()
}
