//! Every text of the catalogue parses on both engines, against the schema as it is.

use std::path::Path;

use super::Stand;
use crate::statement::Texts;
use crate::{
    answers, api_keys, arrivals, claims, coupons, deposits, discounts, disputes, documents,
    erasure, events, grants, holds, index, journal, key_runs, label_sets, lanes, limits, members,
    meta, migrate, organizations, outbox, parties, payment_methods, platforms, prices, read,
    redemptions, refunds, resources, runs, series, skus, wakes, wallets,
};

/// The whole catalogue: each file with a `catalogue!` is listed here.
static ALL: &[&[&dyn Texts]] = &[
    answers::ALL,
    api_keys::ALL,
    arrivals::ALL,
    claims::ALL,
    coupons::ALL,
    deposits::ALL,
    disputes::ALL,
    discounts::ALL,
    documents::ALL,
    erasure::ALL,
    events::ALL,
    grants::ALL,
    holds::ALL,
    index::ALL,
    journal::ALL,
    key_runs::ALL,
    label_sets::ALL,
    lanes::ALL,
    limits::ALL,
    members::ALL,
    meta::ALL,
    organizations::ALL,
    parties::ALL,
    outbox::ALL,
    payment_methods::ALL,
    platforms::ALL,
    prices::ALL,
    read::access::ALL,
    read::backlog::ALL,
    read::documents::ALL,
    read::explain::ALL,
    read::ledger::ALL,
    read::lists::ALL,
    read::month::ALL,
    read::verify::ALL,
    read::wallet_page::ALL,
    refunds::ALL,
    redemptions::ALL,
    resources::ALL,
    runs::ALL,
    series::ALL,
    skus::ALL,
    wakes::ALL,
    wallets::ALL,
    migrate::ALL,
    super::conform::ALL,
    super::lane::ALL,
    super::views::ALL,
];

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
