//! Every refusal code is documented, and every documented code exists.
//!
//! A code is a literal in the body of a function named `code`; its documentation is a row of the
//! table in `docs/errors.md`.

use std::collections::{BTreeMap, BTreeSet};

use crate::finding::Finding;
use crate::repository::File;
use crate::source::Source;

pub const PAGE: &str = "docs/errors.md";

/// The crates whose errors reach a client.
const ROOMS: [&str; 5] = ["domain", "payments", "store", "app", "web"];

/// The codes that a file can answer, with their lines.
pub fn answered(file: &File) -> Vec<(usize, String)> {
    if !file.is_rust() || !file.is_in(&ROOMS) {
        return Vec::new();
    }
    let source = Source::of(file);
    let functions = source.functions();
    let bodies: Vec<_> = functions
        .iter()
        .filter(|function| function.name == "code" && !source.is_test(function.first_line))
        .map(|function| &function.body)
        .collect();
    let inside = |offset| bodies.iter().any(|body| body.contains(&offset));
    source
        .literals
        .iter()
        .filter(|literal| inside(literal.offset) && is_code(&literal.value))
        .map(|literal| (literal.line, literal.value.clone()))
        .collect()
}

/// The codes of the page, with their lines: the first cell of each row of a table.
pub fn documented(page: &str) -> BTreeMap<String, usize> {
    let cells = page.lines().enumerate().filter_map(|(index, line)| {
        let cell = line.strip_prefix('|')?.split('|').next()?.trim();
        let code = cell.strip_prefix('`')?.strip_suffix('`')?;
        Some((code.to_string(), index + 1))
    });
    cells.collect()
}

fn is_code(text: &str) -> bool {
    let letters = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    text.len() > 2 && text.bytes().all(letters)
}

pub fn rule(files: &[File], page: &File) -> Vec<Finding> {
    let documented = documented(&page.text);
    let mut known = BTreeSet::new();
    let mut findings = Vec::new();
    for file in files {
        for (line, code) in answered(file) {
            if !documented.contains_key(&code) {
                let what = format!("`{code}` is not documented in {}", page.path);
                findings.push(Finding::at(file, line, what));
            }
            known.insert(code);
        }
    }
    for (code, line) in documented.into_iter().filter(|(code, _)| !known.contains(code)) {
        findings.push(Finding::at(page, line, format!("nothing answers `{code}` any more")));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::enforce;
    use crate::repository;

    fn said(code: &str, page: &str) -> Vec<String> {
        let text = format!("impl E {{\n  pub fn code(&self) -> &str {{\n    {code}\n  }}\n}}");
        let file = File::new("crates/domain/src/hold.rs", text);
        let page = File::new(PAGE, page);
        rule(&[file], &page).iter().map(Finding::to_string).collect()
    }

    #[test]
    fn codes_and_their_page_agree_both_ways() {
        let page = "| code | status |\n|---|---|\n| `hold_expired` | 409 | Use `other`. |\n";
        assert_eq!(said("\"hold_expired\"", page), [""; 0]);
        assert_eq!(
            said("match self { A => \"hold_expired\", B => \"hold_unknown\" }", page),
            ["crates/domain/src/hold.rs:3: `hold_unknown` is not documented in docs/errors.md"]
        );
        assert_eq!(
            said("unreachable!(\"Not a code\")", page),
            ["docs/errors.md:3: nothing answers `hold_expired` any more"]
        );
    }

    #[test]
    fn tidy_codes() {
        let page = repository::file(PAGE).expect("the page of error codes exists");
        enforce("codes", rule(&repository::rust_files(), &page));
    }
}
