//! Nothing unfinished is committed, and no test is switched off.

use crate::finding::Finding;
use crate::repository::File;
use crate::source::Source;

const MARKS: [&str; 6] =
    ["#[ignore", "todo!(", "unimplemented!(", "dbg!(", "#[should_panic", ", ignore)]"];

pub fn rule(file: &File) -> Vec<Finding> {
    if !file.is_rust() {
        return Vec::new();
    }
    let source = Source::of(file);
    let mut findings = Vec::new();
    for (line, code) in source.lines() {
        for mark in MARKS.iter().filter(|mark| code.contains(*mark)) {
            findings.push(Finding::at(file, line, format!("`{mark}` is not committed")));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::{check, enforce};
    use crate::repository;

    #[test]
    fn unfinished_marks_are_refused_in_tests_too() {
        let text = "#[cfg(test)]\nmod tests {\n#[ignore = \"slow\"]\nfn a() { todo!() }\n}";
        let refused = ["3: `#[ignore` is not committed", "4: `todo!(` is not committed"];
        check(rule, "crates/app/src/door.rs", text, &refused);
        check(rule, "crates/app/src/door.rs", "f(\"todo!()\"); // todo!()", &[]);
    }

    #[test]
    fn tidy_unfinished() {
        enforce("unfinished", repository::rust_files().iter().flat_map(rule).collect());
    }
}
