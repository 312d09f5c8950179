//! Scenarios: plain text that a billing person can audit, run against a layer of the product.
//!
//! Laws: a scenario names no id, no machine and no time of day; what it prints depends on its text
//! alone, so every layer prints the same; a refusal or a listing that the text does not state is a
//! failure, so nothing passes by not being looked at. The grammar is in `scenarios/README.md`.

pub mod check;
pub mod domain_layer;
pub mod layer;
pub mod parse;
pub mod play;
pub mod show;
pub mod when;
pub mod words;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::scenario::check::Report;
use crate::scenario::layer::Layer;

/// What a scenario runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LayerKind {
    /// The operations over memory alone.
    Domain,
}

impl LayerKind {
    pub const ALL: [LayerKind; 1] = [LayerKind::Domain];

    pub const fn name(self) -> &'static str {
        match self {
            LayerKind::Domain => "domain",
        }
    }

    pub fn from_name(name: &str) -> Option<LayerKind> {
        LayerKind::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// A fresh layer with nothing in it: every file gets its own.
    fn open(self) -> Box<dyn Layer> {
        match self {
            LayerKind::Domain => Box::new(domain_layer::DomainLayer::default()),
        }
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
        match text.and_then(|text| check::rewritten(&shown, &text, layer.open().as_mut())) {
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
        Ok(text) => check::run(&shown, &text, layer.open().as_mut()),
        Err(error) => Report::unreadable(&shown, format!("{shown}: {error}")),
    }
}
