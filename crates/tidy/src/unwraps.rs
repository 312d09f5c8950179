//! What a client can cause is never a panic: no bare `unwrap()` in the product.
//!
//! An invariant is an `expect` or an `assert!` whose sentence says what must be true.

use crate::finding::Finding;
use crate::repository::File;
use crate::source::Source;

pub fn rule(file: &File) -> Vec<Finding> {
    if !file.is_rust() {
        return Vec::new();
    }
    Source::of(file)
        .product_lines()
        .filter(|(_, code)| code.contains(".unwrap()") || code.contains(".unwrap_err()"))
        .map(|(line, _)| Finding::at(file, line, "bare unwrap: return the error or say the law"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::{check, enforce};
    use crate::repository;

    #[test]
    fn bare_unwraps_are_refused_outside_tests() {
        let text =
            "a.unwrap();\nb.unwrap_or(0); // c.unwrap()\n#[cfg(test)]\nfn t() { d.unwrap(); }";
        let refused = ["1: bare unwrap: return the error or say the law"];
        check(rule, "crates/store/src/journal.rs", text, &refused);
        check(rule, "crates/store/src/journal/tests.rs", text, &[]);
        check(rule, "crates/sim/src/world.rs", text, &[]);
    }

    #[test]
    fn tidy_unwraps() {
        enforce("unwraps", repository::rust_files().iter().flat_map(rule).collect());
    }
}
