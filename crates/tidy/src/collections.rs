//! Iteration order that depends on chance never reaches the domain.

use crate::finding::Finding;
use crate::repository::File;
use crate::source::{Source, words};

pub fn rule(file: &File) -> Vec<Finding> {
    if !file.is_rust() || !file.is_in(&["domain"]) {
        return Vec::new();
    }
    let source = Source::of(file);
    let mut findings = Vec::new();
    for (line, code) in source.product_lines() {
        for name in ["HashMap", "HashSet"] {
            if words(code, name).next().is_some() {
                let what =
                    format!("`{name}` in the domain: use BTreeMap, BTreeSet or a sorted Vec");
                findings.push(Finding::at(file, line, what));
            }
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
    fn the_domain_has_no_hash_maps() {
        let text = "use std::collections::HashMap; // HashSet\n#[cfg(test)]\nuse x::HashSet;";
        let refused = ["1: `HashMap` in the domain: use BTreeMap, BTreeSet or a sorted Vec"];
        check(rule, "crates/domain/src/workset.rs", text, &refused);
        check(rule, "crates/app/src/lane.rs", text, &[]);
    }

    #[test]
    fn tidy_collections() {
        enforce("collections", repository::rust_files().iter().flat_map(rule).collect());
    }
}
