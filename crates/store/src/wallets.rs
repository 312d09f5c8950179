//! Wallets: one bounded row each, written again with every change.
//!
//! *Invariant:* a wallet read back is the wallet that was written. What anything asks of many
//! wallets is in columns; the rest is a text (`wallets/body.rs`), with at most 16 grants (rulings
//! A6). Further grants are parts of 16 in rows of their own; the body says how many of them are
//! valid, so parts that are left over from richer days need no deleting.

mod body;

use std::borrow::Cow;
use std::collections::HashMap;

use domain::grant::OpenGrants;
use domain::ledger::ChainTip;
use domain::wallet::Wallet;
use domain::{OrgId, Timestamp};

use crate::error::StoreError;
use crate::noun::{self, BUCKET, ORG};
use crate::statement::{Action, Bulk, Kind, Load, catalogue};
use crate::value::{Column, Row};
use crate::writer::Writer;

/// Grants in the wallet's own row, and in each part.
const GRANTS_PER_ROW: usize = 16;

pub(crate) const COLUMNS: &[(&str, Kind)] = &[
    BUCKET,
    ORG,
    ("platform_id", Kind::Int),
    ("position", Kind::Int),
    ("number", Kind::Int),
    ("hash", Kind::Blob),
    ("settled_until", Kind::Int),
    ("posted", Kind::Int),
    ("debt", Kind::Int),
    ("reserved", Kind::Int),
    ("next_number", Kind::Int),
    ("body", Kind::Text),
];
const PART: &[(&str, Kind)] = &[BUCKET, ORG, ("part", Kind::Small), ("body", Kind::Text)];

catalogue! {
    /// Writes rows.
    SAVE: Bulk = Bulk::new(Action::Replace, "wallets", 2, COLUMNS);
    /// Finds rows.
    FIND: Load = Load::rows("wallets", 2, COLUMNS, "");
    /// Writes further grants.
    SAVE_PARTS: Bulk = Bulk::new(Action::Upsert, "wallet_parts", 3, PART);
    /// Finds further grants.
    FIND_PARTS: Load = Load::rows("wallet_parts", 3, PART, "");
}

/// The wallets of `orgs`, in no promised order; those that are not there are left out.
///
/// Errors: `Corrupt` when a row is not one that this program wrote.
pub fn load(w: &mut Writer, orgs: &[OrgId]) -> Result<Vec<Wallet>, StoreError> {
    let rows = w.load(&FIND, &noun::org_columns(orgs.iter().copied()))?;
    let mut read: Vec<(Wallet, i64)> = rows.iter().map(read).collect::<Result<_, _>>()?;
    let keys: Vec<(OrgId, i64)> = read
        .iter()
        .flat_map(|(wallet, parts)| (1..=*parts).map(|part| (wallet.org, part)))
        .collect();
    if !keys.is_empty() {
        let mut parts = load_parts(w, &keys)?;
        for (wallet, count) in &mut read {
            join_parts(wallet, *count, &mut parts)?;
        }
    }
    Ok(read.into_iter().map(|(wallet, _)| wallet).collect())
}

fn load_parts(
    w: &mut Writer,
    keys: &[(OrgId, i64)],
) -> Result<HashMap<(OrgId, i64), String>, StoreError> {
    let mut columns = noun::org_columns(keys.iter().map(|key| key.0));
    columns.push(Column::Int(keys.iter().map(|key| key.1).collect()));
    part_texts(&w.load(&FIND_PARTS, &columns)?)
}

/// Adds the grants in rows that [`FIND_PARTS`] found.
pub(crate) fn join_part_rows(
    wallet: &mut Wallet,
    count: i64,
    rows: &[Row],
) -> Result<(), StoreError> {
    join_parts(wallet, count, &mut part_texts(rows)?)
}

/// The texts of parts by organization and part.
fn part_texts(rows: &[Row]) -> Result<HashMap<(OrgId, i64), String>, StoreError> {
    rows.iter().map(|row| Ok(((row.org(1)?, row.int(2)?), row.text(3)?.to_owned()))).collect()
}

fn join_parts(
    wallet: &mut Wallet,
    count: i64,
    parts: &mut HashMap<(OrgId, i64), String>,
) -> Result<(), StoreError> {
    if count == 0 {
        return Ok(());
    }
    let mut grants: Vec<_> = wallet.grants.iter().cloned().collect();
    for part in 1..=count {
        let text = parts.remove(&(wallet.org, part));
        let read = text.as_deref().and_then(body::grants_of);
        grants.extend(read.ok_or_else(|| damaged(wallet.org))?);
    }
    wallet.grants = OpenGrants::from_stored(grants);
    Ok(())
}

fn damaged(org: OrgId) -> StoreError {
    StoreError::Corrupt(format!("wallet of organization {}", org.get()))
}

/// The wallet without the grants in its parts, and how many parts there are.
pub(crate) fn read(row: &Row) -> Result<(Wallet, i64), StoreError> {
    let org = row.org(1)?;
    let mut wallet = Wallet::new(org, row.org(2)?, Timestamp::ZERO);
    wallet.tip = ChainTip { position: row.int(3)?, number: row.int(4)?, hash: row.bytes(5)? };
    wallet.settled_until = row.time(6)?;
    wallet.debt = row.amount(8)?;
    wallet.next_number = row.int(10)?;
    let parts = body::read(row.text(11)?, &mut wallet).ok_or_else(|| damaged(org))?;
    Ok((wallet, parts))
}

/// The columns of the wallets' rows and of their parts.
pub(crate) fn columns(wallets: &[Wallet]) -> (Vec<Column<'_>>, Vec<Column<'static>>) {
    let int = |value: fn(&Wallet) -> i64| Column::Int(wallets.iter().map(value).collect());
    let mut columns = noun::org_columns(wallets.iter().map(|wallet| wallet.org));
    columns.extend([
        int(|wallet| wallet.platform.get()),
        int(|wallet| wallet.tip.position),
        int(|wallet| wallet.tip.number),
        Column::Blob(wallets.iter().map(|wallet| Cow::Borrowed(&wallet.tip.hash[..])).collect()),
        int(|wallet| wallet.settled_until.micros()),
        int(|wallet| wallet.posted().nanos()),
        int(|wallet| wallet.debt.nanos()),
        int(|wallet| wallet.grants.reserved().nanos()),
        int(|wallet| wallet.next_number),
        Column::Text(wallets.iter().map(|wallet| Cow::Owned(body::write(wallet))).collect()),
    ]);
    (columns, part_columns(wallets))
}

fn part_columns(wallets: &[Wallet]) -> Vec<Column<'static>> {
    let (mut keys, mut bodies) = (Vec::new(), Vec::new());
    for wallet in wallets.iter().filter(|wallet| wallet.grants.len() > GRANTS_PER_ROW) {
        for (part, body) in (1..).zip(body::parts(wallet)) {
            keys.push((wallet.org, part));
            bodies.push(body);
        }
    }
    let mut columns = noun::org_columns(keys.iter().map(|key| key.0));
    columns.push(Column::Int(keys.iter().map(|key| key.1).collect()));
    columns.push(Column::Text(bodies.into_iter().map(Cow::Owned).collect()));
    columns
}
