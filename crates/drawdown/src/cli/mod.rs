//! The command line: what can be asked, one file for each family of commands, and how a command
//! ends.
//!
//! *Invariant:* results are on standard output, everything else on standard error; a failure is one
//! line there, and exit code 1.

mod books;
mod local;
mod out;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use store::StoreUrl;
use tokio::runtime::Runtime;
use tracing_subscriber::EnvFilter;

use crate::config::{Config, LogFormat};
use crate::{demo_server, serve};

/// What the long help of a command ends with.
const EXAMPLES: &str = "Examples:";

/// Prepaid credits and real-time billing for AI and GPU clouds.
#[derive(Debug, Parser)]
#[command(name = "drawdown", version, propagate_version = true)]
struct Arguments {
    /// Settings; every one has a default (config.default.toml).
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Try it: two platforms with history, a simulated cloud and a page per wallet; nothing is
    /// kept.
    Demo {
        /// Where to listen; a loopback address.
        #[arg(long, default_value = "127.0.0.1:8080")]
        listen: SocketAddr,
    },
    /// Serve the API.
    Serve,
    /// Bring the schema of the store up to date, and end.
    Migrate,
    /// Recompute everything in the store and name the first row that lies.
    Verify {
        /// Print the result as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Copy a SQLite store into a new file, while the server runs, and check the copy.
    Backup(books::Backup),
    /// Make the store anew from a backup, in a new era.
    Restore(books::Restore),
    /// Check, show and compare profiles (docs/profiles.md). A profile is named, or a file that ends
    /// in .toml.
    Profile {
        #[command(subcommand)]
        task: local::ProfileTask,
    },
    /// Say what a number is made of, down to its events.
    Explain {
        /// An id, such as that of a wallet, a grant, a ledger transaction, a run or a price; one
        /// figure of it as `ID.FIGURE`; a usage event as `ORGANIZATION/SOURCE/EVENT`.
        what: String,
        /// Print it as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Run scenarios, which are plain text (scenarios/README.md).
    Scenario {
        #[command(subcommand)]
        task: local::ScenarioTask,
    },
    /// Print the script with which a shell completes commands.
    Completion(local::Completion),
}

/// Why a command ends early.
#[derive(Debug, PartialEq, Eq)]
enum Failure {
    Said(String),
    /// Nobody reads the result any more.
    PipeClosed,
}

impl From<String> for Failure {
    fn from(said: String) -> Failure {
        Failure::Said(said)
    }
}

type Done = Result<(), Failure>;

/// Does what the arguments of this process ask for.
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    let config = match Config::load(arguments.config.as_deref(), std::env::vars()) {
        Ok(config) => config,
        Err(error) => return failed(&error),
    };
    log(&config, matches!(arguments.task, Task::Demo { .. } | Task::Scenario { .. }));
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error.to_string()),
    };
    match perform(arguments.task, config, &runtime) {
        Ok(code) => code,
        Err(Failure::PipeClosed) => ExitCode::SUCCESS,
        Err(Failure::Said(error)) => failed(&error),
    }
}

fn perform(task: Task, config: Config, runtime: &Runtime) -> Result<ExitCode, Failure> {
    let operator_key = || std::env::var("DRAWDOWN_OPERATOR_KEY").ok();
    match task {
        Task::Demo { listen } => {
            runtime.block_on(demo_server::run(listen, operator_key(), stop()))?;
        }
        Task::Serve => {
            let pages = web::Pages::None;
            runtime.block_on(serve::run(config, operator_key(), pages, stop(), |served| {
                println!("drawdown serves http://{}", served.address);
            }))?;
        }
        Task::Migrate => {
            let steps = serve::migrate(&config, runtime.handle())?;
            let url: StoreUrl = config.database.url.parse()?;
            println!("{url:?}: {steps} steps run");
        }
        Task::Verify { json } => runtime.block_on(crate::verify::run(&config, json))?,
        Task::Explain { what, json } => {
            runtime.block_on(crate::explain::run(&config, &what, json))?;
        }
        Task::Backup(asked) => books::backup(&asked, &config)?,
        Task::Restore(asked) => books::restore(&asked, &config, runtime.handle())?,
        Task::Completion(asked) => local::completion(&asked)?,
        Task::Profile { task } => return Ok(local::profile(task)),
        Task::Scenario { task } => return Ok(local::scenarios(task)),
    }
    Ok(ExitCode::SUCCESS)
}

fn failed(error: &str) -> ExitCode {
    eprintln!("drawdown: {error}");
    ExitCode::FAILURE
}

/// Until an interrupt or a request to terminate.
async fn stop() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = interrupt => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _ = interrupt.await;
}

fn log(config: &Config, is_quiet: bool) {
    let level = if is_quiet { "warn" } else { config.log.level.as_str() };
    let filter = EnvFilter::try_new(level).unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match config.log.format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().init(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn arguments_fit_together() {
        Arguments::command().debug_assert();
    }
}
