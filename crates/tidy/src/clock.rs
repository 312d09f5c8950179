//! Clock, randomness, files and environment enter through ports only.
//!
//! Whatever is read here cannot be simulated, so the real sources are named in two crates and
//! nowhere else; the pure crates do not touch the machine at all.

use crate::finding::Finding;
use crate::repository::File;
use crate::source::{Source, words};

/// A call, and the rooms in which it may stand.
const SOURCES: [(&str, &[&str]); 8] = [
    ("SystemTime::now", &["drawdown", "sim"]),
    ("Instant::now", &["drawdown", "sim"]),
    ("Timestamp::now", &["drawdown", "sim"]),
    ("Zoned::now", &["drawdown", "sim"]),
    ("thread_rng", &["drawdown", "sim"]),
    ("getrandom", &["drawdown", "sim"]),
    ("RandomState", &["drawdown", "sim"]),
    ("available_parallelism", &["drawdown", "sim", "store"]),
];

/// Modules of the standard library that the pure crates never name.
const MACHINE: [&str; 5] = ["std::env", "std::fs", "std::net", "std::process", "std::thread"];

pub fn rule(file: &File) -> Vec<Finding> {
    if !file.is_rust() || file.is_in(&["tidy"]) {
        return Vec::new();
    }
    let source = Source::of(file);
    let mut findings = Vec::new();
    for (line, code) in source.lines() {
        for (name, rooms) in SOURCES {
            if !file.is_in(rooms) && words(code, name).next().is_some() {
                let what = format!("`{name}` belongs in {}: take it from a port", rooms.join(", "));
                findings.push(Finding::at(file, line, what));
            }
        }
        for name in MACHINE {
            let pure = file.is_in(&["domain", "payments"]) && !source.is_test(line);
            if pure && words(code, name).next().is_some() {
                findings.push(Finding::at(file, line, format!("`{name}` in a pure crate")));
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
    fn only_the_outermost_crates_look_at_the_clock() {
        let text = "// Instant::now is named here only\nlet now = std::time::Instant::now();";
        let refused = ["2: `Instant::now` belongs in drawdown, sim: take it from a port"];
        check(rule, "crates/app/src/lane.rs", text, &refused);
        check(rule, "crates/app/src/tests/lane.rs", text, &refused);
        check(rule, "crates/drawdown/src/ports.rs", text, &[]);
        check(rule, "crates/sim/src/bench.rs", text, &[]);
    }

    #[test]
    fn pure_crates_do_not_touch_the_machine() {
        let text = "use std::fs;\n#[cfg(test)]\nuse std::env;";
        check(rule, "crates/domain/src/a.rs", text, &["1: `std::fs` in a pure crate"]);
        check(rule, "crates/store/src/a.rs", text, &[]);
    }

    #[test]
    fn tidy_clock() {
        enforce("clock", repository::rust_files().iter().flat_map(rule).collect());
    }
}
