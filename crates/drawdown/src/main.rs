//! The one binary.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use drawdown::config::{Config, LogFormat};
use drawdown::scenario::{self, LayerKind};
use drawdown::{demo_server, profiles, serve, wire};
use store::{Store, StoreUrl};
use tracing_subscriber::EnvFilter;

/// Batches free what other threads made, and the system's allocator is slow at that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Prepaid credits and real-time billing for AI and GPU clouds.
#[derive(Parser)]
#[command(version, propagate_version = true)]
struct Arguments {
    /// Settings; every one has a default (config.default.toml).
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Try it: two platforms with history, a simulated cloud and a page per wallet; nothing is
    /// kept.
    Demo {
        /// Where to listen; a loopback address.
        #[arg(long, default_value = "127.0.0.1:8080")]
        listen: std::net::SocketAddr,
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
    /// Check, show and compare profiles (docs/profiles.md). A profile is named, or a file that ends
    /// in .toml.
    Profile {
        #[command(subcommand)]
        task: ProfileTask,
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
        task: ScenarioTask,
    },
}

#[derive(Subcommand)]
enum ProfileTask {
    /// Name what is wrong, and what is seldom meant.
    Lint {
        #[arg(required = true)]
        profiles: Vec<String>,
    },
    /// Say in words how a profile behaves, then every setting; * marks what is not the default.
    Show {
        profile: String,
        /// Print it as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Print the settings in which two profiles differ.
    Diff { one: String, other: String },
}

#[derive(Subcommand)]
enum ScenarioTask {
    /// Run files, and print what happened beside what was expected.
    Run {
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// What to run them on: domain, sqlite, postgres or http.
        #[arg(long, default_value = "domain")]
        on: String,
    },
    /// Print files with what really happens in the place of what they expect.
    Print {
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// What to run them on: domain, sqlite, postgres or http.
        #[arg(long, default_value = "domain")]
        on: String,
    },
}

fn main() -> ExitCode {
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
    let done = match arguments.task {
        Task::Demo { listen } => {
            let key = std::env::var("DRAWDOWN_OPERATOR_KEY").ok();
            runtime.block_on(demo_server::run(listen, key, stop()))
        }
        Task::Serve => {
            let key = std::env::var("DRAWDOWN_OPERATOR_KEY").ok();
            runtime.block_on(serve::run(config, key, web::Pages::None, stop(), |served| {
                println!("drawdown serves http://{}", served.address);
            }))
        }
        Task::Migrate => migrate(&config, runtime.handle()),
        Task::Verify { json } => runtime.block_on(drawdown::verify::run(&config, json)),
        Task::Profile { task } => return profile(task),
        Task::Explain { what, json } => {
            runtime.block_on(drawdown::explain::run(&config, &what, json))
        }
        Task::Scenario { task } => return scenarios(task),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

fn scenarios(task: ScenarioTask) -> ExitCode {
    let (ScenarioTask::Run { on, .. } | ScenarioTask::Print { on, .. }) = &task;
    let Some(layer) = LayerKind::from_name(on) else {
        return failed(&format!("{on} is no layer: domain, sqlite, postgres or http"));
    };
    match task {
        ScenarioTask::Run { files, .. } => scenario::run_files(&files, layer),
        ScenarioTask::Print { files, .. } => scenario::print_files(&files, layer),
    }
}

fn profile(task: ProfileTask) -> ExitCode {
    let text = match task {
        ProfileTask::Lint { profiles } => {
            let checked = profiles::lint(&profiles);
            print!("{}", checked.text);
            return if checked.is_clean { ExitCode::SUCCESS } else { ExitCode::FAILURE };
        }
        ProfileTask::Show { profile, json: false } => {
            profiles::find(&profile).map(|profile| profiles::show(&profile))
        }
        ProfileTask::Show { profile, json: true } => {
            profiles::find(&profile).map(|profile| profiles::show_json(&profile) + "\n")
        }
        ProfileTask::Diff { one, other } => profiles::find(&one).and_then(|one| {
            let other = profiles::find(&other)?;
            Ok(profiles::diff(&one, &other))
        }),
    };
    match text {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(error) => failed(&error),
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

fn migrate(config: &Config, runtime: &tokio::runtime::Handle) -> Result<(), String> {
    let url: StoreUrl = config.database.url.parse()?;
    let ports = wire::ports();
    let store = Store::open(&url, runtime).map_err(|error| error.to_string())?;
    let owner = wire::process_name(&ports);
    let steps = store::migrate::run(&store, &owner, ports.clock.now());
    let steps = steps.map_err(|error| error.to_string())?;
    println!("{url:?}: {steps} steps run");
    Ok(())
}
