//! Every text of the catalogue parses on both engines, against the schema as it is.

use std::path::Path;

use super::Stand;
use crate::migrate;
use crate::statement::Texts;

/// The whole catalogue: each file with a `catalogue!` is listed here.
static ALL: &[&[&dyn Texts]] = &[migrate::ALL, super::conform::ALL];

fn every_statement_prepares(stand: &Stand) {
    let mut writer = stand.store.writer().unwrap();
    for texts in ALL.iter().copied().flatten() {
        writer.prepare(*texts).unwrap_or_else(|error| panic!("{}: {error}", texts.name()));
    }
}

#[test]
fn conform_every_statement_prepares_on_sqlite() {
    every_statement_prepares(&Stand::sqlite());
}

#[test]
fn conform_every_statement_prepares_on_postgres() {
    if let Some(stand) = Stand::postgres() {
        every_statement_prepares(&stand);
    }
}

#[test]
fn every_catalogue_is_listed() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![source.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            if !std::fs::read_to_string(&path).unwrap().contains("\ncatalogue! {") {
                continue;
            }
            let module = path.strip_prefix(&source).unwrap().with_extension("");
            let module = format!("store::{}::", module.to_str().unwrap().replace('/', "::"));
            let listed = ALL.iter().copied().flatten().any(|text| text.name().starts_with(&module));
            assert!(listed, "the catalogue of {module} is not listed");
        }
    }
}
