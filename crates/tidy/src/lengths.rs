//! How long things may be: a function 70 lines, a file 800, a line 100.
//!
//! What is longer today stands in `ratchet.txt` with its length and may only become shorter: a
//! change that shortens it lowers the entry, and an entry within the limits is taken out. Functions
//! of tests are exempt, because a table of cases is data.

use std::collections::BTreeMap;

use crate::finding::Finding;
use crate::repository::File;
use crate::source::Source;

pub const RATCHET: &str = "crates/tidy/ratchet.txt";

const FUNCTION_LINES_MAX: usize = 70;
const FILE_LINES_MAX: usize = 800;
const LINE_LENGTH_MAX: usize = 100;
/// A page that is read whole must stay one that people do read.
const PAGE_LINES_MAX: usize = 200;
const PAGES: [&str; 2] = ["ARCHITECTURE.md", "STYLE.md"];

/// One thing that was measured: what it is, how long, and how long it may be.
#[derive(Clone, Debug)]
pub struct Measure {
    pub kind: &'static str,
    pub value: usize,
    pub limit: usize,
    pub line: usize,
    pub what: String,
}

/// Measures one file; what has no limit is not measured.
pub fn measures(file: &File) -> Vec<Measure> {
    let mut found = Vec::new();
    if file.is_rust() || file.has_extension("sql") {
        found.extend(lines(file));
    }
    if file.is_rust() {
        found.push(file_length(file, FILE_LINES_MAX));
        found.extend(functions(file));
    }
    if PAGES.contains(&file.path.as_str()) {
        found.push(file_length(file, PAGE_LINES_MAX));
    }
    found
}

fn file_length(file: &File, limit: usize) -> Measure {
    let value = file.text.lines().count();
    Measure { kind: "file_lines", value, limit, line: 0, what: "the file".into() }
}

fn lines(file: &File) -> Vec<Measure> {
    let measure = |(index, line): (usize, &str)| Measure {
        kind: "line_length",
        value: line.chars().count(),
        limit: LINE_LENGTH_MAX,
        line: index + 1,
        what: "a line".into(),
    };
    file.text.lines().enumerate().map(measure).collect()
}

fn functions(file: &File) -> Vec<Measure> {
    let source = Source::of(file);
    let functions = source.functions().into_iter();
    let product = functions.filter(|function| !source.is_test(function.first_line));
    let measures = product.map(|function| Measure {
        kind: "function_lines",
        value: function.last_line - function.first_line + 1,
        limit: FUNCTION_LINES_MAX,
        line: function.first_line,
        what: format!("function `{}`", function.name),
    });
    measures.collect()
}

/// Compares the files with the limits and the ratchet.
pub fn rule(files: &[File], ratchet: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut held = parse(ratchet, &mut findings);
    for file in files {
        let measures = measures(file);
        for kind in ["file_lines", "function_lines", "line_length"] {
            let measures: Vec<_> = measures.iter().filter(|found| found.kind == kind).collect();
            let held = held.remove(&(file.path.clone(), kind.to_string()));
            findings.extend(verdicts(file, &measures, held));
        }
    }
    for ((path, kind), _) in held {
        findings.push(about_ratchet(0, format!("nothing to hold: {path} {kind}; take it out")));
    }
    findings
}

/// Judges all measures of one kind in one file.
fn verdicts(file: &File, measures: &[&Measure], held: Option<usize>) -> Vec<Finding> {
    let limit = |measure: &Measure| held.unwrap_or(measure.limit).max(measure.limit);
    let too_long = measures.iter().filter(|measure| measure.value > limit(measure));
    let mut findings: Vec<_> = too_long
        .map(|found| {
            let Measure { kind, value, what, .. } = found;
            let limit = limit(found);
            Finding::at(file, found.line, format!("{what} has {value}, {kind} may be {limit}"))
        })
        .collect();
    let longest = measures.iter().max_by_key(|measure| measure.value);
    if let (Some(held), Some(longest)) = (held, longest) {
        let Measure { kind, value, limit, .. } = longest;
        if value <= limit {
            findings
                .push(Finding::about(file, format!("{kind} is within its limit: unratchet it")));
        } else if *value < held {
            let entry = format!("{} {kind} {value}", file.path);
            findings.push(Finding::about(file, format!("became shorter: write `{entry}`")));
        }
    }
    findings
}

fn parse(ratchet: &str, findings: &mut Vec<Finding>) -> BTreeMap<(String, String), usize> {
    let mut entries = BTreeMap::new();
    for (index, line) in ratchet.lines().enumerate() {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let parts: Vec<_> = line.split_whitespace().collect();
        match (parts.as_slice(), parts.last().and_then(|last| last.parse().ok())) {
            ([path, kind, _], Some(value)) => {
                entries.insert((path.to_string(), kind.to_string()), value);
            }
            _ => findings.push(about_ratchet(index + 1, "not `path rule maximum`".into())),
        }
    }
    entries
}

fn about_ratchet(line: usize, what: String) -> Finding {
    Finding { path: RATCHET.into(), line, text: String::new(), what }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::enforce;
    use crate::repository;

    fn said(path: &str, text: &str, ratchet: &str) -> Vec<String> {
        let file = File::new(path, text);
        rule(&[file], ratchet).iter().map(Finding::to_string).collect()
    }

    #[test]
    fn what_is_too_long_is_named() {
        let path = "crates/app/src/a.rs";
        let function = |lines: usize| format!("fn a() {{\n{}}}\n", "x;\n".repeat(lines - 2));
        assert_eq!(said(path, &function(70), ""), [""; 0]);
        assert_eq!(
            said(path, &function(71), ""),
            ["crates/app/src/a.rs:1: function `a` has 71, function_lines may be 70"]
        );
        assert_eq!(said(path, &format!("#[cfg(test)]\n{}", function(90)), ""), [""; 0]);
        assert_eq!(
            said(path, &"//\n".repeat(801), ""),
            ["crates/app/src/a.rs: the file has 801, file_lines may be 800"]
        );
        assert_eq!(
            said("crates/store/schema/1.sql", &format!("\n{}", "é".repeat(101)), ""),
            ["crates/store/schema/1.sql:2: a line has 101, line_length may be 100"]
        );
        assert_eq!(said("STYLE.md", &"\n".repeat(201), "").len(), 1);
    }

    #[test]
    fn the_ratchet_only_turns_one_way() {
        let path = "crates/app/src/a.rs";
        let long = "//\n".repeat(900);
        for (entry, expected) in [
            ("crates/app/src/a.rs file_lines 900", None),
            ("crates/app/src/a.rs file_lines 899", Some("has 900, file_lines may be 899")),
            (
                "crates/app/src/a.rs file_lines 901",
                Some("write `crates/app/src/a.rs file_lines 900`"),
            ),
            ("crates/app/src/a.rs file_lines 900\ncrates/b.rs file_lines 900", Some("take it out")),
            ("crates/app/src/a.rs file_lines 900\ncrates/app", Some("not `path rule maximum`")),
        ] {
            let said = said(path, &long, entry);
            assert_eq!(said.len(), usize::from(expected.is_some()), "{entry}: {said:?}");
            assert!(said.iter().all(|line| line.contains(expected.unwrap_or(""))), "{said:?}");
        }
        let short = said(path, "//\n", "crates/app/src/a.rs file_lines 900");
        assert!(short[0].ends_with("within its limit: unratchet it"));
    }

    #[test]
    fn tidy_lengths() {
        let ratchet = repository::file(RATCHET).expect("the ratchet exists").text;
        enforce("lengths", rule(&repository::files(), &ratchet));
    }
}
