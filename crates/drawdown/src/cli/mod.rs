//! The command line: what can be asked, one file for each family of commands, and how a command
//! ends.
//!
//! *Invariant:* results are on standard output, everything else on standard error; a failure is one
//! line there, and exit code 1.

mod admin;
mod balance;
mod books;
mod client;
mod clock;
mod events;
mod export;
mod local;
mod money;
mod out;
mod usage;

use std::future::Future;
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
    #[command(flatten)]
    Ask(Ask),
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

/// What is asked of a running server.
#[derive(Debug, Subcommand)]
enum Ask {
    /// Show what an organization has, and until when it lasts.
    Balance(balance::Balance),
    /// Start a deposit and say where it is paid.
    Deposit(money::Deposit),
    /// Give an organization promotional credit.
    Grant(money::Grant),
    /// What is used.
    Usage {
        #[command(subcommand)]
        task: usage::Usage,
    },
    /// Print what happens in an organization, as it happens.
    Events(events::Events),
    /// The clock of a test platform.
    Clock {
        #[command(subcommand)]
        task: clock::Clock,
    },
    /// Write any list of the API as CSV.
    Export(export::Export),
    /// Make platforms, organizations and API keys.
    Admin {
        #[command(subcommand)]
        task: admin::Admin,
    },
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
    log(
        &config,
        matches!(arguments.task, Task::Demo { .. } | Task::Scenario { .. } | Task::Ask(_)),
    );
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
        Task::Ask(asked) => runtime.block_on(ask(asked))?,
        Task::Completion(asked) => local::completion(&asked)?,
        Task::Profile { task } => return Ok(local::profile(task)),
        Task::Scenario { task } => return Ok(local::scenarios(task)),
    }
    Ok(ExitCode::SUCCESS)
}

async fn ask(asked: Ask) -> Done {
    match asked {
        Ask::Balance(asked) => balance::run(asked).await,
        Ask::Deposit(asked) => money::deposit(asked).await,
        Ask::Grant(asked) => money::grant(asked).await,
        Ask::Usage { task } => until_stopped(usage::run(task)).await,
        Ask::Events(asked) => until_stopped(events::run(asked)).await,
        Ask::Clock { task } => clock::run(task).await,
        Ask::Export(asked) => export::run(asked).await,
        Ask::Admin { task } => admin::run(task).await,
    }
}

/// What goes on for ever ends well when it is interrupted.
async fn until_stopped(asked: impl Future<Output = Done>) -> Done {
    tokio::select! {
        done = asked => done,
        () = stop() => Ok(()),
    }
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

/// Units of time, from the longest.
const UNITS: [(i64, char, &str); 4] =
    [(86_400, 'd', "day"), (3_600, 'h', "hour"), (60, 'm', "minute"), (1, 's', "second")];

/// A length of time in words, by its two largest units that follow each other.
fn span(seconds: i64) -> String {
    let first = UNITS.iter().position(|(unit, ..)| seconds >= *unit).unwrap_or(UNITS.len() - 1);
    let mut left = seconds;
    let mut words = Vec::new();
    for (unit, _, name) in UNITS.iter().skip(first).take(2) {
        let count = left / unit;
        left %= unit;
        if count > 0 || *unit == 1 && words.is_empty() {
            words.push(format!("{count} {name}{}", if count == 1 { "" } else { "s" }));
        }
    }
    words.join(" ")
}

/// Reads a length of time such as `3d4h`, in seconds.
fn seconds_of(text: &str) -> Result<i64, String> {
    let wish = || format!("`{text}` is no length of time such as 3d4h, 90m or 45s");
    let (mut seconds, mut number) = (0_i64, String::new());
    for letter in text.chars() {
        if letter.is_ascii_digit() {
            number.push(letter);
            continue;
        }
        let unit = UNITS.iter().find(|(_, short, _)| *short == letter);
        let (unit, count) = (unit.ok_or_else(wish)?.0, number.parse::<i64>());
        let length = count.ok().and_then(|count| count.checked_mul(unit)).ok_or_else(wish)?;
        seconds = seconds.checked_add(length).ok_or_else(wish)?;
        number.clear();
    }
    if number.is_empty() && !text.is_empty() { Ok(seconds) } else { Err(wish()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn lengths_of_time_are_read_and_said() {
        for (text, seconds) in [("3d4h", 273_600), ("90m", 5_400), ("45s", 45), ("1h1h", 7_200)] {
            assert_eq!(seconds_of(text), Ok(seconds));
        }
        for bad in ["", "3", "d", "3x", "-1s", "1.5h", "99999999999999999999d"] {
            assert!(seconds_of(bad).is_err(), "{bad}");
        }
        for (seconds, words) in [
            (0, "0 seconds"),
            (1, "1 second"),
            (5_400, "1 hour 30 minutes"),
            (18_030, "5 hours"),
            (90_061, "1 day 1 hour"),
        ] {
            assert_eq!(span(seconds), words);
        }
    }

    #[test]
    fn arguments_fit_together_and_what_asks_a_server_shows_examples() {
        Arguments::command().debug_assert();
        let mut command = Arguments::command();
        command.build();
        let mut open: Vec<&clap::Command> = command.get_subcommands().collect();
        let mut shown = 0;
        while let Some(command) = open.pop() {
            open.extend(command.get_subcommands());
            let takes_address = command.get_arguments().any(|it| it.get_id() == "url");
            if takes_address {
                let help = command.get_after_long_help().map(ToString::to_string);
                let help = help.unwrap_or_default();
                assert!(help.contains("\n  drawdown "), "{}", command.get_name());
                shown += 1;
            }
        }
        assert_eq!(shown, 11);
    }
}
