//! No silent casts in the domain: `as` cuts off what does not fit.

use crate::finding::Finding;
use crate::repository::File;
use crate::source::{Source, is_name, words};

const INTEGERS: [&str; 12] =
    ["i8", "i16", "i32", "i64", "i128", "isize", "u8", "u16", "u32", "u64", "u128", "usize"];

pub fn rule(file: &File) -> Vec<Finding> {
    if !file.is_rust() || !file.is_in(&["domain"]) {
        return Vec::new();
    }
    let source = Source::of(file);
    let mut findings = Vec::new();
    for (line, code) in source.product_lines() {
        for target in casts(code) {
            let what = format!("`as {target}`: use From, try_from or a checked function");
            findings.push(Finding::at(file, line, what));
        }
    }
    findings
}

fn casts(code: &str) -> Vec<&'static str> {
    words(code, "as")
        .filter_map(|at| {
            let rest = code[at + 2..].trim_start();
            let end = rest.bytes().position(|byte| !is_name(byte)).unwrap_or(rest.len());
            INTEGERS.into_iter().find(|&integer| integer == &rest[..end])
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::{check, enforce};
    use crate::repository;

    #[test]
    fn casts_to_integers_are_refused() {
        let refused = ["1: `as i64`: use From, try_from or a checked function"];
        for (code, expected) in [
            ("let nanos = wide as i64;", &refused[..]),
            ("(wide as i64)", &refused),
            ("use rate as i64_rate;", &[]),
            ("let text = name as &str; // as i64", &[]),
            ("#[cfg(test)]\nfn f() { x as i64 }", &[]),
        ] {
            check(rule, "crates/domain/src/rate.rs", code, expected);
        }
    }

    #[test]
    fn tidy_casts() {
        enforce("casts", repository::rust_files().iter().flat_map(rule).collect());
    }
}
