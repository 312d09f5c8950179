//! Effects that still have to be carried out in the outside world.
//!
//! *Invariant:* a row is written in the transaction that made the effect due, and deleted in the
//! one that knows its result, so an effect is carried out at least once.

use std::borrow::Cow;

use domain::OrgId;
use domain::event::Request;
use domain::workset::Key;

use crate::Store;
use crate::error::StoreError;
use crate::noun::{self, BUCKET, NUMBER, ORG};
use crate::statement::{Action, Bulk, Kind, Statement, catalogue};
use crate::value::Column;

/// The kind of a row that asks to charge a saved payment method; its number is the deposit's.
pub const CHARGE_METHOD: i64 = 1;
/// The kind of a row that asks to pay a refund; its number is the refund's.
pub const PAY_REFUND: i64 = 2;
/// The kind of a row that asks what became of a payment; its number is the deposit's.
pub const READ_PAYMENT: i64 = 3;

const COLUMNS: &[(&str, Kind)] =
    &[BUCKET, ORG, NUMBER, ("kind", Kind::Small), ("body", Kind::Text)];

catalogue! {
    /// Writes rows; an effect that is asked for again stays one.
    SAVE: Bulk = Bulk::new(Action::Upsert, "outbox", 3, COLUMNS);
    /// Removes what is done.
    DONE: Bulk = Bulk::new(Action::Delete, "outbox", 3, &[BUCKET, ORG, NUMBER]);
    /// What is left to do in a lane.
    PENDING: Statement = Statement::new(
        "SELECT org_id, number, kind, body FROM outbox \
         WHERE bucket % $2 = $1 ORDER BY bucket, org_id, number LIMIT $3"
    );
}

/// At most `limit` effects of a lane that still have to be carried out: organization, number, kind
/// and body.
pub async fn pending(
    store: &Store,
    lane: i64,
    lane_count: i64,
    limit: i64,
) -> Result<Vec<(OrgId, i64, i64, String)>, StoreError> {
    let parameters = [lane.into(), lane_count.into(), limit.into()];
    let rows = store.snapshot().await?.query(&PENDING, &parameters).await?;
    let read =
        |row: &crate::Row| Ok((row.org(0)?, row.int(1)?, row.int(2)?, row.text(3)?.to_owned()));
    rows.iter().map(read).collect()
}

/// What `requests` ask of the outside world; that runs are to be stopped is told by events.
pub(crate) fn columns(requests: &[Request]) -> Vec<Column<'static>> {
    let mut rows: Vec<(Key, i64)> = requests
        .iter()
        .filter_map(|request| match request {
            Request::ChargeMethod { org, deposit } => Some(((*org, *deposit), CHARGE_METHOD)),
            Request::ReadPayment { org, deposit } => Some(((*org, *deposit), READ_PAYMENT)),
            Request::PayRefund { org, refund } => Some(((*org, *refund), PAY_REFUND)),
            Request::StopRuns { .. } => None,
        })
        .collect();
    // One statement may not write a row twice.
    rows.sort_unstable();
    rows.dedup();
    let places: Vec<Key> = rows.iter().map(|&(key, _)| key).collect();
    let mut columns = keys(&places);
    columns.push(Column::Int(rows.iter().map(|&(_, kind)| kind).collect()));
    columns.push(Column::Text(vec![Cow::Borrowed(""); rows.len()]));
    columns
}

pub(crate) fn keys(keys: &[Key]) -> Vec<Column<'static>> {
    let mut columns = noun::org_columns(keys.iter().map(|key| key.0));
    columns.push(Column::Int(keys.iter().map(|key| key.1).collect()));
    columns
}
