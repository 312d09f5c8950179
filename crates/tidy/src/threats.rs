//! THREATS.md claims no test that does not exist.
//!
//! The last cell of a row says which tests show the defence, as `names`, or begins with "planned".

use std::collections::BTreeSet;

use crate::finding::Finding;
use crate::repository::File;
use crate::source::Source;

pub const PAGE: &str = "THREATS.md";

pub fn rule(page: &File, functions: &BTreeSet<String>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut claiming = false;
    for (index, line) in page.text.lines().enumerate() {
        let Some(row) = line.strip_prefix('|').and_then(|line| line.strip_suffix('|')) else {
            claiming = false;
            continue;
        };
        let cell = row.rsplit('|').next().unwrap_or("").trim();
        if claiming && !cell.starts_with("---") {
            let say = |what| Finding::at(page, index + 1, what);
            findings.extend(claims(cell, functions).into_iter().map(say));
        }
        claiming |= cell == "test";
    }
    findings
}

fn claims(cell: &str, functions: &BTreeSet<String>) -> Vec<String> {
    let shown = cell.split("planned").next().unwrap_or("");
    let names: Vec<_> = shown.split('`').skip(1).step_by(2).collect();
    if names.is_empty() && !cell.starts_with("planned") {
        return vec!["names no test and is not marked as planned".into()];
    }
    let missing = names.into_iter().filter(|name| !functions.contains(*name));
    missing.map(|name| format!("there is no test `{name}`")).collect()
}

/// The names of all functions of the workspace.
pub fn functions(files: &[File]) -> BTreeSet<String> {
    let all = files.iter().flat_map(|file| Source::of(file).functions());
    all.map(|function| function.name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::{check, enforce};
    use crate::repository;

    #[test]
    fn a_claimed_test_must_exist() {
        let functions = BTreeSet::from(["ids_are_opaque".to_string()]);
        let page = "| threat | defence | test |\n|---|---|---|\n\
                    | a | b | `ids_are_opaque`; planned: `more` |\n| c | d | planned: soon |\n\
                    | e | f | `gone` |\n| g | h | surely |\n\n\
                    | other | table |\n|---|---|\n| i | j |";
        let refused =
            ["5: there is no test `gone`", "6: names no test and is not marked as planned"];
        check(|page| rule(page, &functions), PAGE, page, &refused);
    }

    #[test]
    fn tidy_threats() {
        let page = repository::file(PAGE).expect("the page of threats exists");
        enforce("threats", rule(&page, &functions(&repository::rust_files())));
    }
}
