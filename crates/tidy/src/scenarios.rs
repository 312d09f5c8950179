//! Scenarios: each has an id of its own, and a stranger finds every file from the README.
//!
//! The id is the first word of a scenario's header line: `# G-1: …` on top of a file, or
//! `scenario G-1 …` inside it.

use std::collections::BTreeMap;

use crate::finding::Finding;
use crate::repository::File;
use crate::source::Source;

const README: &str = "scenarios/README.md";

/// The ids of a file, with their lines.
pub fn ids(text: &str) -> Vec<(usize, String)> {
    let named: Vec<_> = text
        .lines()
        .enumerate()
        .filter_map(|(index, line)| Some((index + 1, line.strip_prefix("scenario ")?)))
        .collect();
    let top = text.lines().next().and_then(|line| line.strip_prefix('#'));
    let headers =
        if named.is_empty() { top.map(|line| (1, line)).into_iter().collect() } else { named };
    headers
        .into_iter()
        .filter_map(|(line, header)| Some((line, header.split_whitespace().next()?)))
        .map(|(line, id)| (line, id.trim_end_matches(':').to_string()))
        .collect()
}

pub fn rule(files: &[File]) -> Vec<Finding> {
    let is_scenario =
        |file: &&File| file.path.starts_with("scenarios/") && file.has_extension("txt");
    let scenarios: Vec<_> = files.iter().filter(is_scenario).collect();
    if scenarios.is_empty() {
        return readers_of_nothing(files);
    }
    let readme = files.iter().find(|file| file.path == README);
    let mut findings = Vec::new();
    let mut owners = BTreeMap::new();
    for file in scenarios {
        let name = file.path.trim_start_matches("scenarios/");
        if !readme.is_some_and(|readme| readme.text.contains(name)) {
            findings.push(Finding::about(file, format!("not listed in {README}")));
        }
        let ids = ids(&file.text);
        if ids.is_empty() {
            findings.push(Finding::about(file, "no header with an id"));
        }
        for (line, id) in ids {
            if let Some(owner) = owners.insert(id.clone(), &file.path) {
                findings.push(Finding::at(file, line, format!("`{id}` is also the id of {owner}")));
            }
        }
    }
    findings
}

/// Without scenarios there is nothing to compare, as long as nothing claims to read them.
fn readers_of_nothing(files: &[File]) -> Vec<Finding> {
    let products = files.iter().filter(|file| file.is_rust() && !file.is_in(&["tidy"]));
    let mut findings = Vec::new();
    for file in products {
        for literal in Source::of(file).literals {
            if literal.value.contains("scenarios/") {
                findings.push(Finding::at(
                    file,
                    literal.line,
                    "reads scenarios, but there are none",
                ));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::enforce;
    use crate::repository;

    fn said(files: &[(&str, &str)]) -> Vec<String> {
        let file = |(path, text): &(&str, &str)| File::new(*path, *text);
        let files: Vec<_> = files.iter().map(file).collect();
        rule(&files).iter().map(Finding::to_string).collect()
    }

    #[test]
    fn ids_are_unique_and_files_are_listed() {
        let readme = (README, "holds.txt, runs.txt");
        let holds = ("scenarios/holds.txt", "# X-2: holds\nhold h1");
        assert_eq!(said(&[readme, holds]), [""; 0]);
        assert_eq!(
            said(&[readme, holds, ("scenarios/runs.txt", "scenario S-1 a\nscenario X-2 b")]),
            ["scenarios/runs.txt:2: `X-2` is also the id of scenarios/holds.txt"]
        );
        assert_eq!(
            said(&[readme, ("scenarios/late.txt", "grant g1")]),
            [
                "scenarios/late.txt: not listed in scenarios/README.md",
                "scenarios/late.txt: no header with an id"
            ]
        );
    }

    #[test]
    fn missing_scenarios_are_not_passed_over() {
        let reader = ("crates/app/src/tests/scenarios.rs", "read(\"../scenarios/holds.txt\")");
        assert_eq!(
            said(&[reader]),
            ["crates/app/src/tests/scenarios.rs:1: reads scenarios, but there are none"]
        );
        assert_eq!(said(&[]), [""; 0]);
    }

    #[test]
    fn tidy_scenarios() {
        enforce("scenarios", rule(&repository::files()));
    }
}
