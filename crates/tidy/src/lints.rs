//! A silenced lint says why: `reason = "…"`, or a comment on its line or the line above.

use crate::finding::Finding;
use crate::repository::File;
use crate::source::{Source, words};

pub fn rule(file: &File) -> Vec<Finding> {
    if !file.is_rust() {
        return Vec::new();
    }
    let source = Source::of(file);
    let mut findings = Vec::new();
    for opening in ["#[allow(", "#![allow(", "#[expect(", "#![expect("] {
        for (at, _) in source.code.match_indices(opening) {
            let line = source.line_of(at);
            let end = source.code[at..].find(']').map_or(source.code.len(), |end| at + end);
            let explained = words(&source.code[at..end], "reason").next().is_some()
                || has_comment(&file.text, line)
                || has_comment(&file.text, line - 1);
            if !explained {
                findings.push(Finding::at(file, line, format!("`{opening}…)]` without a reason")));
            }
        }
    }
    findings
}

/// Whether a line, counted from one, carries a comment that is not a docstring.
fn has_comment(text: &str, line: usize) -> bool {
    let comment = |line: &str| line.contains("// ") && !line.trim_start().starts_with("///");
    line > 0 && text.lines().nth(line - 1).is_some_and(comment)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::{check, enforce};
    use crate::repository;

    #[test]
    fn silence_needs_a_reason() {
        let bare = "/// Adds.\n#[allow(dead_code)]\nfn a() {}";
        let reasoned = "#[expect(\n    dead_code,\n    reason = \"read by the other driver\"\n)]";
        let refused = ["2: `#[allow(…)]` without a reason"];
        check(rule, "crates/app/src/a.rs", bare, &refused);
        check(rule, "crates/app/src/a.rs", reasoned, &[]);
        check(rule, "crates/app/src/a.rs", "// Used by macros.\n#[allow(unused)]", &[]);
    }

    #[test]
    fn tidy_lints() {
        enforce("lints", repository::rust_files().iter().flat_map(rule).collect());
    }
}
