//! SQL is written in `store` and nowhere else.
//!
//! Only string literals are looked at, and only shapes that English does not have: `SELECT` with
//! `FROM` in capitals, or a lowercase statement that begins the string and has a second mark.

use crate::finding::Finding;
use crate::repository::File;
use crate::source::Source;

/// Words in capitals that together make a statement.
const CAPITALS: [&[&str]; 7] = [
    &["SELECT ", "FROM "],
    &["INSERT INTO "],
    &["UPDATE ", " SET "],
    &["DELETE FROM "],
    &["CREATE TABLE "],
    &["ALTER TABLE "],
    &["DROP TABLE "],
];

/// How a lowercase statement begins, and what must follow so that it is not a sentence.
const LOWERCASE: [(&str, &[&str]); 7] = [
    ("select ", &["*", "count(", " where ", "$1", "?1"]),
    ("insert into ", &["values", "select", "$1", "?1"]),
    ("update ", &["= $", "= ?", "where"]),
    ("delete from ", &["where", ""]),
    ("create table ", &["("]),
    ("alter table ", &[""]),
    ("pragma ", &[""]),
];

pub fn rule(file: &File) -> Vec<Finding> {
    if !file.is_rust() || file.is_in(&["store", "tidy"]) {
        return Vec::new();
    }
    Source::of(file)
        .literals
        .iter()
        .filter(|literal| is_sql(&literal.value))
        .map(|literal| Finding::at(file, literal.line, "SQL belongs in `store`"))
        .collect()
}

fn is_sql(text: &str) -> bool {
    let in_capitals = |words: &&[&str]| words.iter().all(|word| text.contains(word));
    let start = text.trim_start();
    let in_lowercase = |(begin, marks): &(&str, &[&str])| {
        start.strip_prefix(begin).is_some_and(|rest| marks.iter().any(|mark| rest.contains(mark)))
    };
    CAPITALS.iter().any(in_capitals)
        || LOWERCASE.iter().any(in_lowercase)
        || start.starts_with("PRAGMA ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::{check, enforce};
    use crate::repository;

    #[test]
    fn statements_are_told_from_sentences() {
        for (text, expected) in [
            ("SELECT number FROM wallets", true),
            ("\n  UPDATE lanes SET epoch = epoch + 1", true),
            ("select * from wallets", true),
            ("insert into grants values ($1)", true),
            ("PRAGMA journal_mode = WAL", true),
            ("select a card from the list", false),
            ("update the profile to set a limit", false),
            ("SELECT a plan", false),
            ("deleted from the console", false),
        ] {
            let code = format!("f({text:?})");
            let expected: &[&str] = if expected { &["1: SQL belongs in `store`"] } else { &[] };
            check(rule, "crates/app/src/door.rs", &code, expected);
            check(rule, "crates/store/src/journal.rs", &code, &[]);
        }
    }

    #[test]
    fn tidy_sql() {
        enforce("sql", repository::rust_files().iter().flat_map(rule).collect());
    }
}
