//! Every file of the product begins by saying what is true in it.

use crate::finding::Finding;
use crate::repository::File;

pub fn rule(file: &File) -> Vec<Finding> {
    if !file.is_rust() || file.is_test() || file.text.trim_start().starts_with("//!") {
        return Vec::new();
    }
    vec![Finding::about(file, "no `//!` head: say what is true here, then why")]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::{check, enforce};
    use crate::repository;

    #[test]
    fn a_file_without_a_head_is_refused() {
        let refused = ["0: no `//!` head: say what is true here, then why"];
        check(rule, "crates/app/src/door.rs", "use std::fmt;", &refused);
        check(rule, "crates/app/src/door.rs", "//! The only way to write.", &[]);
        check(rule, "crates/app/src/tests.rs", "use super::*;", &[]);
    }

    #[test]
    fn tidy_heads() {
        enforce("heads", repository::rust_files().iter().flat_map(rule).collect());
    }
}
