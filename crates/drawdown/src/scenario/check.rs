//! Compares what a scenario printed with what it states.

use std::fmt;

use crate::scenario::layer::Layer;
use crate::scenario::parse::{Step, one_spaced, parse, without_comment};
use crate::scenario::play::{Output, Player};

/// A step that did not print what it states.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    pub line: usize,
    pub command: String,
    pub expected: Vec<String>,
    pub got: Vec<String>,
}

/// How one file went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    pub file: String,
    /// Commands that were played.
    pub steps: usize,
    pub mismatches: Vec<Mismatch>,
    /// Why the file could not be read or played to its end.
    pub error: Option<String>,
}

impl Report {
    pub fn unreadable(file: &str, error: String) -> Report {
        Report { file: file.to_string(), steps: 0, mismatches: Vec::new(), error: Some(error) }
    }

    pub fn has_passed(&self) -> bool {
        self.error.is_none() && self.mismatches.is_empty()
    }
}

/// Plays `text` on a fresh `layer` and compares.
pub fn run(file: &str, text: &str, layer: &mut dyn Layer) -> Report {
    let steps = match parse(file, text) {
        Ok(steps) => steps,
        Err(error) => return Report::unreadable(file, error.to_string()),
    };
    let mut report = Report { error: None, ..Report::unreadable(file, String::new()) };
    let mut player = Player::new(layer);
    for step in &steps {
        match player.play(&step.says) {
            Ok(output) => report.mismatches.extend(mismatch(step, output)),
            Err(message) => {
                report.error = Some(format!("{file}:{}: {message}", step.line));
                return report;
            }
        }
        report.steps += 1;
    }
    report
}

/// What a step must state: its refusal, and what it lists. Other output may be left out.
fn mismatch(step: &Step, output: Output) -> Option<Mismatch> {
    let must_state = output.is_refusal || step.says.is_listing();
    let expected = match &step.expected {
        Some(expected) => expected.clone(),
        None if must_state => Vec::new(),
        None => return None,
    };
    let got: Vec<String> = output.lines.iter().map(|line| one_spaced(line)).collect();
    let command = step.text.clone();
    (expected != got).then_some(Mismatch { line: step.line, command, expected, got })
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for mismatch in &self.mismatches {
            writeln!(f, "{}:{}: {}", self.file, mismatch.line, mismatch.command)?;
            difference(f, &mismatch.expected, &mismatch.got)?;
        }
        match &self.error {
            Some(error) => writeln!(f, "{error}"),
            None => Ok(()),
        }
    }
}

/// Lines around a difference that are shown with it.
const CONTEXT_LINES: usize = 2;

/// Shows what differs: `-` was expected, `+` came; equal lines around it for orientation.
fn difference(f: &mut fmt::Formatter<'_>, expected: &[String], got: &[String]) -> fmt::Result {
    let same = |pairs: usize, is_same: &dyn Fn(usize) -> bool| {
        (0..pairs).take_while(|&index| is_same(index)).count()
    };
    let shorter = expected.len().min(got.len());
    let head = same(shorter, &|index| expected[index] == got[index]);
    let tail = same(shorter - head, &|index| {
        expected[expected.len() - 1 - index] == got[got.len() - 1 - index]
    });
    for line in &expected[head.saturating_sub(CONTEXT_LINES)..head] {
        writeln!(f, "      {line}")?;
    }
    for line in &expected[head..expected.len() - tail] {
        writeln!(f, "    - {line}")?;
    }
    for line in &got[head..got.len() - tail] {
        writeln!(f, "    + {line}")?;
    }
    for line in expected[expected.len() - tail..].iter().take(CONTEXT_LINES) {
        writeln!(f, "      {line}")?;
    }
    Ok(())
}

/// `12 scenarios on domain: 11 passed, 1 failed, 140 commands, 2 differ`.
pub fn summary(reports: &[Report], layer: &str) -> String {
    let passed = reports.iter().filter(|report| report.has_passed()).count();
    let failed = reports.len() - passed;
    let steps: usize = reports.iter().map(|report| report.steps).sum();
    let differ: usize = reports.iter().map(|report| report.mismatches.len()).sum();
    let count = reports.len();
    format!(
        "{count} scenarios on {layer}: {passed} passed, {failed} failed, \
         {steps} commands, {differ} differ"
    )
}

/// Longer lines are broken behind the command.
const LINE_MAX: usize = 100;

/// The text with what `layer` answers in the place of what it states, wherever something is or has
/// to be stated; comments stay. The text error names the line.
pub fn rewritten(file: &str, text: &str, layer: &mut dyn Layer) -> Result<String, String> {
    let steps = parse(file, text).map_err(|error| error.to_string())?;
    let mut player = Player::new(layer);
    let mut steps = steps.iter().peekable();
    let mut lines: Vec<String> = Vec::new();
    for (index, raw) in text.lines().enumerate() {
        let said = without_comment(raw);
        let states_output = said.starts_with(char::is_whitespace) && !said.trim().is_empty();
        let step = steps.next_if(|step| step.line == index + 1);
        let Some(step) = step else {
            if !states_output {
                lines.push(raw.to_string());
            }
            continue;
        };
        let output =
            player.play(&step.says).map_err(|error| format!("{file}:{}: {error}", step.line))?;
        let is_stated = step.expected.is_some() || output.is_refusal || step.says.is_listing();
        if !is_stated {
            lines.push(raw.to_string());
            continue;
        }
        let command = said.split("->").next().unwrap_or(said).trim_end();
        let comment = raw[said.len()..].trim_end();
        let short = |only: &String| format!("{command:<39} -> {only}{comment}");
        match output.lines.as_slice() {
            [only] if short(only).chars().count() <= LINE_MAX => lines.push(short(only)),
            many => {
                lines.push(format!("{command}{comment}"));
                lines.extend(many.iter().map(|line| format!("    {line}")));
            }
        }
    }
    Ok(lines.join("\n") + "\n")
}
