//! Exceptions: one line each in `allow.txt`, with the reason.
//!
//! A line names the rule, the file, a piece of the excused line, and why. It excuses every finding
//! of that rule on lines of that file that contain the piece. A line that excuses nothing fails, so
//! the list never keeps more than it needs.

use crate::finding::Finding;
use crate::repository;

pub const LIST: &str = "crates/tidy/allow.txt";

/// The rules that can be excused; the others have no exceptions.
const RULES: [&str; 7] =
    ["clock", "casts", "collections", "edges", "floats", "machine_paths", "words"];

/// One exception.
#[derive(Debug)]
pub struct Allowed {
    pub line: usize,
    pub rule: String,
    pub path: String,
    pub piece: String,
    pub reason: String,
}

/// The exceptions as they are in the repository.
pub fn list() -> Vec<Allowed> {
    let text = repository::file(LIST).map_or_else(String::new, |file| file.text);
    parse(&text).0
}

/// Reads the list; what is not `rule | path | piece of the line | reason` is named.
pub fn parse(text: &str) -> (Vec<Allowed>, Vec<String>) {
    let (mut allowed, mut errors) = (Vec::new(), Vec::new());
    for (index, line) in text.lines().enumerate() {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let parts: Vec<_> = line.split(" | ").map(str::trim).collect();
        match parts[..] {
            [rule, ..] if !RULES.contains(&rule) => {
                errors.push(format!("line {}: rule `{rule}` has no exceptions", index + 1));
            }
            [rule, path, piece, reason] if !reason.is_empty() => allowed.push(Allowed {
                line: index + 1,
                rule: rule.into(),
                path: path.into(),
                piece: piece.into(),
                reason: reason.into(),
            }),
            _ => errors.push(format!("line {}: not rule | path | piece | reason", index + 1)),
        }
    }
    (allowed, errors)
}

/// What remains of the findings of a rule, and each exception that was not needed.
pub fn unexcused(rule: &str, findings: Vec<Finding>, list: &[Allowed]) -> Vec<Finding> {
    let entries: Vec<_> = list.iter().filter(|entry| entry.rule == rule).collect();
    let fits = |entry: &Allowed, finding: &Finding| {
        entry.path == finding.path && finding.text.contains(&entry.piece)
    };
    let stale = entries
        .iter()
        .filter(|entry| !findings.iter().any(|finding| fits(entry, finding)))
        .map(|entry| Finding {
            path: LIST.into(),
            line: entry.line,
            text: String::new(),
            what: format!("excuses nothing in {} any more: take it out", entry.path),
        })
        .collect::<Vec<_>>();
    let left =
        findings.into_iter().filter(|finding| !entries.iter().any(|entry| fits(entry, finding)));
    left.chain(stale).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(path: &str, text: &str) -> Finding {
        Finding { path: path.into(), line: 7, text: text.into(), what: "no".into() }
    }

    #[test]
    fn an_exception_excuses_its_own_line_and_goes_stale() {
        let (list, errors) = parse("# head\n\nfloats | a.rs | width: f64 | pixels, not money\n");
        assert!(errors.is_empty());
        let left = |findings| {
            let left: Vec<Finding> = unexcused("floats", findings, &list);
            left.iter().map(|finding| finding.path.clone()).collect::<Vec<_>>()
        };
        assert_eq!(left(vec![finding("a.rs", "  width: f64,")]), [""; 0]);
        assert_eq!(left(vec![finding("a.rs", "price: f64")]), ["a.rs", LIST]);
        assert_eq!(left(vec![]), [LIST]);
        assert!(unexcused("casts", vec![], &list).is_empty());
    }

    #[test]
    fn a_list_without_reasons_is_refused() {
        for text in ["floats | a.rs | f64 | ", "floats | a.rs | f64", "unwraps | a.rs | x | y"] {
            assert_eq!(parse(text).1.len(), 1, "{text}");
        }
    }

    #[test]
    fn tidy_allow() {
        let text = repository::file(LIST).expect("the list of exceptions exists").text;
        let (_, errors) = parse(&text);
        assert!(errors.is_empty(), "{LIST}: {}", errors.join("\n"));
    }
}
