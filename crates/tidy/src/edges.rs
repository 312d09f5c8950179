//! Crate edges: who may depend on whom, read from the manifests.

use crate::finding::Finding;
use crate::repository::File;

/// A crate and the crates of ours it may use: `domain ← store, payments ← app ← web ← drawdown` and
/// `app ← sim`. What is not listed is refused, so a new crate or edge is a change of this table.
const ROOMS: [(&str, &[&str]); 8] = [
    ("domain", &[]),
    ("store", &["domain"]),
    ("payments", &["domain"]),
    ("app", &["domain", "store", "payments"]),
    ("web", &["domain", "store", "payments", "app"]),
    ("drawdown", &["domain", "store", "payments", "app", "web"]),
    ("sim", &["domain", "store", "payments", "app", "web", "drawdown"]),
    ("tidy", &[]),
];

/// Rooms whose outside dependencies are counted: pure libraries at most.
const CLOSED: [(&str, &[&str]); 2] = [("domain", &["jiff", "sha2"]), ("tidy", &[])];

/// Libraries that stand for a concern and the rooms in which that concern lives.
const AT_HOME: [(&str, &[&str]); 9] = [
    ("rusqlite", &["store"]),
    ("tokio-postgres", &["store"]),
    ("tokio", &["store", "app", "web", "drawdown", "sim"]),
    // The simulator measures HTTP against an echo handler of the same kind.
    ("axum", &["web", "sim"]),
    ("maud", &["web"]),
    ("hyper", &["web", "drawdown", "sim"]),
    ("hyper-util", &["web", "drawdown", "sim"]),
    ("getrandom", &["drawdown", "sim"]),
    ("rand", &["drawdown", "sim"]),
];

/// Checks one `crates/<room>/Cargo.toml`.
pub fn rule(file: &File) -> Vec<Finding> {
    let Some(room) = file.room() else { return Vec::new() };
    if file.path != format!("crates/{room}/Cargo.toml") {
        return Vec::new();
    }
    let Some(allowed) = row(&ROOMS, room) else {
        return vec![Finding::about(file, format!("crate `{room}` is not in the table of rooms"))];
    };
    dependencies(&file.text)
        .into_iter()
        .filter_map(|(line, name)| {
            let why = refusal(room, allowed, &name)?;
            Some(Finding::at(file, line, why))
        })
        .collect()
}

fn refusal(room: &str, allowed: &[&str], name: &str) -> Option<String> {
    if row(&ROOMS, name).is_some() {
        let refused = !allowed.contains(&name);
        return refused.then(|| format!("`{room}` must not depend on `{name}`"));
    }
    if row(&CLOSED, room).is_some_and(|known| !known.contains(&name)) {
        return Some(format!("`{room}` takes no dependency `{name}`"));
    }
    let home = row(&AT_HOME, name)?;
    let refused = !home.contains(&room);
    refused.then(|| format!("`{name}` belongs in {}, not in `{room}`", home.join(", ")))
}

fn row<'a>(table: &[(&str, &'a [&'a str])], name: &str) -> Option<&'a [&'a str]> {
    table.iter().find(|(known, _)| *known == name).map(|(_, row)| *row)
}

/// The names under every `[…dependencies]` of a manifest, with their lines.
pub fn dependencies(manifest: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut inside = false;
    for (index, line) in manifest.lines().enumerate() {
        let line = line.trim();
        if let Some(section) = line.strip_prefix('[') {
            let section = section.trim_end_matches(']');
            inside = section.ends_with("dependencies");
            if let Some((table, name)) = section.rsplit_once('.')
                && table.ends_with("dependencies")
            {
                found.push((index + 1, name.to_string()));
            }
        } else if inside && !line.starts_with('#') {
            let name = line.split(['.', '=', ' ']).next().unwrap_or("");
            if !name.is_empty() {
                found.push((index + 1, name.trim_matches('"').to_string()));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::{check, enforce};
    use crate::repository;

    #[test]
    fn a_manifest_names_its_dependencies() {
        let text = "[package]\nname = \"a\"\n[dependencies]\nb.workspace = true\nc = \"1\"\n\
                    [dev-dependencies.d]\npath = \"x\"\n\
                    [target.'cfg(unix)'.dependencies]\n\"e\" = 1";
        let names: Vec<_> = dependencies(text).into_iter().map(|(_, name)| name).collect();
        assert_eq!(names, ["b", "c", "d", "e"]);
    }

    #[test]
    fn edges_outside_the_table_are_refused() {
        for (room, dependency, expected) in [
            ("app", "store", vec![]),
            ("web", "axum", vec![]),
            ("domain", "jiff", vec![]),
            ("domain", "serde", vec!["2: `domain` takes no dependency `serde`"]),
            ("tidy", "regex", vec!["2: `tidy` takes no dependency `regex`"]),
            ("store", "payments", vec!["2: `store` must not depend on `payments`"]),
            ("payments", "store", vec!["2: `payments` must not depend on `store`"]),
            ("web", "sim", vec!["2: `web` must not depend on `sim`"]),
            ("app", "maud", vec!["2: `maud` belongs in web, not in `app`"]),
            ("common", "jiff", vec!["0: crate `common` is not in the table of rooms"]),
        ] {
            let text = format!("[dev-dependencies]\n{dependency}.workspace = true\n");
            check(rule, &format!("crates/{room}/Cargo.toml"), &text, &expected);
        }
    }

    #[test]
    fn tidy_edges() {
        enforce("edges", repository::files().iter().flat_map(rule).collect());
    }
}
