//! Stored answers of commands that leave no journal row, by the client's key (rulings A5, R20).

use std::borrow::Cow;

use domain::{OrgId, Timestamp};

use crate::error::StoreError;
use crate::noun::{self, BUCKET, ORG};
use crate::statement::{Action, Bulk, Kind, Load, catalogue};
use crate::value::{Column, Row};
use crate::writer::Writer;

const COLUMNS: &[(&str, Kind)] = &[
    BUCKET,
    ORG,
    ("key", Kind::Text),
    ("fingerprint", Kind::Int),
    ("status", Kind::Small),
    ("body", Kind::Text),
    ("at", Kind::Int),
    ("expires_at", Kind::Int),
];

catalogue! {
    /// Writes rows; a key may be used again after its answer has expired.
    SAVE: Bulk = Bulk::new(Action::Upsert, "answers", 3, COLUMNS);
    /// Finds rows.
    FIND: Load = Load::rows("answers", 3, COLUMNS, "");
}

/// An answer to keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAnswer {
    pub org: OrgId,
    pub key: String,
    /// Hash of the request, to tell a repetition from a conflict.
    pub fingerprint: i64,
    pub status: u16,
    pub body: String,
    pub at: Timestamp,
    pub expires_at: Timestamp,
}

/// An answer that was kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredAnswer {
    pub fingerprint: i64,
    pub status: u16,
    pub body: String,
    /// From here on the key is free again, whether or not the row is still there.
    pub expires_at: Timestamp,
}

/// The answers kept under `keys`, expired ones too, in no promised order.
pub fn load(
    w: &mut Writer,
    keys: &[(OrgId, String)],
) -> Result<Vec<(OrgId, String, StoredAnswer)>, StoreError> {
    let mut columns = noun::org_columns(keys.iter().map(|key| key.0));
    columns.push(Column::Text(keys.iter().map(|key| Cow::Borrowed(key.1.as_str())).collect()));
    w.load(&FIND, &columns)?.iter().map(read).collect()
}

fn read(row: &Row) -> Result<(OrgId, String, StoredAnswer), StoreError> {
    let status = row.int(4)?;
    let status =
        u16::try_from(status).map_err(|_| StoreError::Corrupt(format!("status {status}")))?;
    let answer = StoredAnswer {
        fingerprint: row.int(3)?,
        status,
        body: row.text(5)?.to_owned(),
        expires_at: row.time(7)?,
    };
    Ok((row.org(1)?, row.text(2)?.to_owned(), answer))
}

pub(crate) fn columns(answers: &[NewAnswer]) -> Vec<Column<'_>> {
    let int = |value: fn(&NewAnswer) -> i64| Column::Int(answers.iter().map(value).collect());
    let text = |value: fn(&NewAnswer) -> &str| {
        Column::Text(answers.iter().map(|answer| Cow::Borrowed(value(answer))).collect())
    };
    let mut columns = noun::org_columns(answers.iter().map(|answer| answer.org));
    columns.extend([
        text(|answer| &answer.key),
        int(|answer| answer.fingerprint),
        int(|answer| i64::from(answer.status)),
        text(|answer| &answer.body),
        int(|answer| answer.at.micros()),
        int(|answer| answer.expires_at.micros()),
    ]);
    columns
}
