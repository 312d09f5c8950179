//! What is linked in, read from `Cargo.lock`: one registry, no OpenSSL, no second TLS, no ORM.
//!
//! `deny.toml` says the same to cargo-deny, which also reads licences; this needs no other tool.

use crate::finding::Finding;
use crate::repository::File;

/// A package (or its beginning, with `*`) and why it stays out.
const BANNED: [(&str, &str); 6] = [
    ("openssl*", "the binary builds and runs without a system TLS library"),
    ("native-tls", "the same"),
    ("aws-lc*", "one provider of cryptography: ring"),
    ("sqlx*", "statements live in one catalogue, and its SQLite excludes ours"),
    ("diesel*", "the same"),
    ("rust_decimal", "money is an integer"),
];

pub fn rule(file: &File) -> Vec<Finding> {
    if file.path != "Cargo.lock" {
        return Vec::new();
    }
    let mut findings = Vec::new();
    let mut registry = None;
    for (index, line) in file.text.lines().enumerate() {
        if let Some(name) = value(line, "name") {
            for (_, why) in BANNED.iter().filter(|(pattern, _)| fits(pattern, name)) {
                findings.push(Finding::at(file, index + 1, format!("`{name}` is banned: {why}")));
            }
        }
        if let Some(source) = value(line, "source") {
            let first = *registry.get_or_insert(source);
            if source != first || !source.starts_with("registry+") {
                findings.push(Finding::at(file, index + 1, "a package from elsewhere"));
            }
        }
    }
    findings
}

fn value<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    line.strip_prefix(key)?.strip_prefix(" = \"")?.strip_suffix('"')
}

fn fits(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => name == pattern,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::{check, enforce};
    use crate::repository;

    #[test]
    fn banned_packages_and_foreign_sources_are_refused() {
        let text = "name = \"ring\"\nsource = \"registry+r\"\nname = \"openssl-sys\"\n\
                    source = \"git+g\"\nname = \"native-tls-fork\"";
        let refused = [
            "3: `openssl-sys` is banned: the binary builds and runs without a system TLS library",
            "4: a package from elsewhere",
        ];
        check(rule, "Cargo.lock", text, &refused);
    }

    #[test]
    fn tidy_lock() {
        let file = repository::file("Cargo.lock").expect("the lock file is committed");
        assert!(file.text.contains("name = \"domain\""));
        enforce("lock", rule(&file));
    }
}
