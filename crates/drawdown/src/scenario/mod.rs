//! Scenarios: plain text that a billing person can audit, run against a layer of the product.
//!
//! Laws: a scenario names no id, no machine and no time of day; what it prints depends on its text
//! alone, so every layer prints the same; a refusal or a listing that the text does not state is a
//! failure, so nothing passes by not being looked at. The grammar is in `scenarios/README.md`.

pub mod check;
pub mod domain_layer;
mod fields;
pub mod http_layer;
pub mod layer;
pub mod parse;
pub mod play;
pub mod show;
pub mod store_layer;
pub mod when;
pub mod words;

#[cfg(test)]
pub(crate) mod tests;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use store::testkit::{TempFolder, pg};

use crate::scenario::check::Report;
use crate::scenario::layer::Layer;
use crate::scenario::store_layer::{Place, StoreLayer};

/// What a scenario runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LayerKind {
    /// The operations over memory alone.
    Domain,
    /// The product on SQLite.
    Sqlite,
    /// The product on PostgreSQL, which has to be found on this machine.
    Postgres,
    /// A server on SQLite, through its API.
    Http,
}

impl LayerKind {
    pub const ALL: [LayerKind; 4] =
        [LayerKind::Domain, LayerKind::Sqlite, LayerKind::Postgres, LayerKind::Http];

    pub const fn name(self) -> &'static str {
        match self {
            LayerKind::Domain => "domain",
            LayerKind::Sqlite => "sqlite",
            LayerKind::Postgres => "postgres",
            LayerKind::Http => "http",
        }
    }

    pub fn from_name(name: &str) -> Option<LayerKind> {
        LayerKind::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// A fresh layer with nothing in it: every file gets its own.
    fn open(self) -> Result<Box<dyn Layer>, String> {
        Ok(match self {
            LayerKind::Domain => Box::new(domain_layer::DomainLayer::default()),
            LayerKind::Sqlite => Box::new(StoreLayer::open(Place::Folder(TempFolder::new()))?),
            LayerKind::Postgres => {
                let server = pg::find_or_start().ok_or("PostgreSQL was not found")?;
                Box::new(StoreLayer::open(Place::Database(server.database()))?)
            }
            LayerKind::Http => Box::new(http_layer::HttpLayer::open()?),
        })
    }
}

/// Runs `files` on `layer`, prints what differs and a summary; fails when anything differs or
/// cannot be read.
pub fn run_files(files: &[PathBuf], layer: LayerKind) -> ExitCode {
    let reports: Vec<Report> = files.iter().map(|file| run_file(file, layer)).collect();
    for report in reports.iter().filter(|report| !report.has_passed()) {
        print!("{report}");
    }
    println!("{}", check::summary(&reports, layer.name()));
    if reports.iter().all(Report::has_passed) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Prints `files` with what `layer` answers in the place of what they expect: how a scenario is
/// written. Whoever commits it has read every number.
pub fn print_files(files: &[PathBuf], layer: LayerKind) -> ExitCode {
    let mut has_failed = false;
    for file in files {
        let shown = file.display().to_string();
        let text = std::fs::read_to_string(file).map_err(|error| format!("{shown}: {error}"));
        let opened = text.and_then(|text| Ok((text, layer.open()?)));
        let printed =
            opened.and_then(|(text, mut layer)| check::rewritten(&shown, &text, layer.as_mut()));
        match printed {
            Ok(text) => print!("{text}"),
            Err(error) => {
                eprintln!("{error}");
                has_failed = true;
            }
        }
    }
    if has_failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn run_file(file: &Path, layer: LayerKind) -> Report {
    let shown = file.display().to_string();
    match std::fs::read_to_string(file) {
        Ok(text) => match layer.open() {
            Ok(mut layer) => check::run(&shown, &text, layer.as_mut()),
            Err(error) => Report::unreadable(&shown, format!("{}: {error}", layer.name())),
        },
        Err(error) => Report::unreadable(&shown, format!("{shown}: {error}")),
    }
}
