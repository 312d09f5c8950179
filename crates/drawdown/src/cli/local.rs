//! What needs no server: profiles, scenarios, and the scripts that complete commands.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, CommandFactory, Subcommand, ValueEnum};
use clap_complete::Shell;

use super::{Arguments, Done, EXAMPLES, failed, out};
use crate::profiles;
use crate::scenario::{self, LayerKind};

#[derive(Debug, Subcommand)]
pub enum ProfileTask {
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

#[derive(Debug, Subcommand)]
pub enum ScenarioTask {
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

#[derive(Debug, Args)]
#[command(after_long_help = format!("{EXAMPLES}
  drawdown completion bash > /etc/bash_completion.d/drawdown
  drawdown completion zsh > \"${{fpath[1]}}/_drawdown\"
  drawdown completion fish > ~/.config/fish/completions/drawdown.fish"))]
pub struct Completion {
    /// For which shell.
    shell: ShellName,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ShellName {
    Bash,
    Zsh,
    Fish,
}

pub fn completion(asked: &Completion) -> Done {
    let shell = match asked.shell {
        ShellName::Bash => Shell::Bash,
        ShellName::Zsh => Shell::Zsh,
        ShellName::Fish => Shell::Fish,
    };
    let mut command = Arguments::command();
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, "drawdown", &mut script);
    out::write(&String::from_utf8_lossy(&script))
}

pub fn scenarios(task: ScenarioTask) -> ExitCode {
    let (ScenarioTask::Run { on, .. } | ScenarioTask::Print { on, .. }) = &task;
    let Some(layer) = LayerKind::from_name(on) else {
        return failed(&format!("{on} is no layer: domain, sqlite, postgres or http"));
    };
    match task {
        ScenarioTask::Run { files, .. } => scenario::run_files(&files, layer),
        ScenarioTask::Print { files, .. } => scenario::print_files(&files, layer),
    }
}

pub fn profile(task: ProfileTask) -> ExitCode {
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
