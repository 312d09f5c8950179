//! The repository knows nothing of the machine it was written on.

use crate::finding::Finding;
use crate::repository::File;

/// Folders at the root of somebody's machine, without their slashes.
const FOLDERS: [&str; 5] = ["home", "root", "tmp", "Users", "work"];

pub fn rule(file: &File) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, line) in file.text.lines().enumerate() {
        for folder in FOLDERS {
            let path = format!("/{folder}/");
            if line.match_indices(&path).any(|(at, _)| begins_a_path(line, at)) {
                findings.push(Finding::at(
                    file,
                    index + 1,
                    format!("a path of one machine, under `{folder}`"),
                ));
            }
        }
    }
    findings
}

/// A slash after a name, a dot or a brace continues a path: `https://host/work/` is none.
fn begins_a_path(line: &str, at: usize) -> bool {
    let before = line[..at].chars().next_back();
    !before.is_some_and(|letter| letter.is_alphanumeric() || "_-.~}".contains(letter))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::{check, enforce};
    use crate::repository;

    #[test]
    fn absolute_paths_of_a_machine_are_refused() {
        let slash = "/";
        for (text, expected) in [
            (format!("cd {slash}work/main"), &["1: a path of one machine, under `work`"][..]),
            (format!("a\n\"{slash}tmp/x\""), &["2: a path of one machine, under `tmp`"]),
            ("https://example.com/work/1".into(), &[]),
            ("crates/web/home/x and ./work/".into(), &[]),
            ("GET /v1/workers".into(), &[]),
        ] {
            check(rule, "README.md", &text, expected);
        }
    }

    #[test]
    fn tidy_machine_paths() {
        enforce("machine_paths", repository::files().iter().flat_map(rule).collect());
    }
}
