//! Reads for the API and the pages, each from one snapshot (rulings A11).
//!
//! *Invariant:* every query names bucket and organization, so that no answer can hold a row of
//! somebody else; nothing here decides about money.

pub mod access;
pub mod backlog;
pub mod documents;
pub mod explain;
pub mod ledger;
pub mod lists;
pub mod month;
pub mod operator;
pub mod reports;
pub mod statement;
pub mod verify;
pub mod wallet_page;

use domain::OrgId;

use crate::error::StoreError;
use crate::noun::{self, Noun};
use crate::snapshot::Snapshot;
use crate::statement::Statement;
use crate::value::Column;

/// The row with this number, if there is one.
async fn find<N: Noun>(
    snapshot: &mut Snapshot,
    org: OrgId,
    number: i64,
) -> Result<Option<N>, StoreError> {
    let mut key = noun::org_columns(std::iter::once(org));
    key.push(Column::Int(vec![number]));
    let rows = snapshot.load(N::find(), key).await?;
    Ok(noun::read_all(&rows)?.pop().map(|(_, _, row)| row))
}

/// At most `rows` rows below a number, newest first, as `statement` finds them.
async fn below<N: Noun>(
    snapshot: &mut Snapshot,
    statement: &'static Statement,
    org: OrgId,
    below: i64,
    rows: i64,
) -> Result<Vec<N>, StoreError> {
    let parameters = [org.bucket().into(), org.into(), below.into(), rows.into()];
    let rows = snapshot.query(statement, &parameters).await?;
    Ok(noun::read_all(&rows)?.into_iter().map(|(_, _, row)| row).collect())
}
