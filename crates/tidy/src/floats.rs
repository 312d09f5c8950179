//! No floating point near money: not a type, not a literal.
//!
//! Positions of pixels in `web` are excused line by line in `allow.txt`.

use crate::finding::Finding;
use crate::repository::File;
use crate::source::{Source, is_name};

const ROOMS: [&str; 5] = ["domain", "store", "payments", "app", "web"];

pub fn rule(file: &File) -> Vec<Finding> {
    if !file.is_rust() || !file.is_in(&ROOMS) {
        return Vec::new();
    }
    Source::of(file)
        .product_lines()
        .filter(|(_, code)| has_float(code))
        .map(|(line, _)| {
            Finding::at(file, line, "floating point: money and quantities are integers")
        })
        .collect()
}

/// Finds `f64`, `as_f64`, `2f32` and `0.5`; tuple fields (`pair.0.1`) and ranges are none.
fn has_float(code: &str) -> bool {
    let bytes = code.as_bytes();
    let typed = ["f32", "f64"].iter().any(|name| {
        code.match_indices(name).any(|(at, _)| {
            let before = at.checked_sub(1).map(|at| bytes[at]);
            let after = bytes.get(at + 3).copied();
            !before.is_some_and(|byte| byte.is_ascii_alphabetic()) && !after.is_some_and(is_name)
        })
    });
    typed || code.match_indices('.').any(|(at, _)| is_decimal_point(bytes, at))
}

fn is_decimal_point(bytes: &[u8], at: usize) -> bool {
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    if at == 0 || !digit(at - 1) || !digit(at + 1) {
        return false;
    }
    let digits = |&byte: &u8| byte.is_ascii_digit() || byte == b'_';
    let before = bytes[..at].iter().rposition(|byte| !digits(byte));
    !before.is_some_and(|at| bytes[at].is_ascii_alphabetic() || bytes[at] == b'.')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::{check, enforce};
    use crate::repository;

    #[test]
    fn floats_are_seen_in_every_spelling() {
        for (code, expected) in [
            ("price: f64", true),
            ("value.as_f64()", true),
            ("2f32", true),
            ("x * 0.5", true),
            ("1_000.25", true),
            ("pair.0.1", false),
            ("x1.0", false),
            ("0..10", false),
            ("buf64", false),
            ("f64x4", false),
            ("\"1.5\" // 1.5 f64", false),
        ] {
            let refused = ["1: floating point: money and quantities are integers"];
            let expected: &[&str] = if expected { &refused } else { &[] };
            check(rule, "crates/domain/src/rate.rs", code, expected);
            check(rule, "crates/sim/src/bench.rs", code, &[]);
        }
    }

    #[test]
    fn tidy_floats() {
        enforce("floats", repository::rust_files().iter().flat_map(rule).collect());
    }
}
