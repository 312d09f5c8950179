//! Stored answers of commands that leave no journal row, by the client's key (rulings A5, R20).

use std::borrow::Cow;

use domain::id::BUCKET_COUNT;
use domain::{OrgId, Timestamp};

use crate::error::StoreError;
use crate::noun::{self, BUCKET, ORG};
use crate::statement::{Action, Bulk, Kind, Load, Statement, catalogue};
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
    /// Some rows of a bucket, in order.
    WALK: Statement = Statement::new(
        "SELECT org_id, key, expires_at FROM answers \
         WHERE bucket = $1 AND (org_id, key) > ($2, $3) ORDER BY org_id, key LIMIT $4"
    );
    /// Removes rows.
    FORGET: Bulk = Bulk::new(Action::Delete, "answers", 3, &[BUCKET, ORG, ("key", Kind::Text)]);
}

/// Buckets that one step of the walk looks into at most.
const BUCKETS_AT_ONCE: i64 = 64;

/// Where a walk over the answers of a lane stands; the default is its beginning.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The bucket, counted among those of the lane.
    nth: i64,
    after: Option<(OrgId, String)>,
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

/// Looks at no more than `rows_max` answers from `place` on and removes those that expired before
/// `now`. Says how many, and where to go on: at the beginning again when that was the end.
///
/// It goes by key, so it needs no index that every answer would have to be written to. The caller
/// makes sure, in the same transaction, that nobody else writes the lane's rows.
pub fn forget_expired(
    w: &mut Writer,
    lane: i64,
    lane_count: i64,
    place: Place,
    now: Timestamp,
    rows_max: i64,
) -> Result<(u64, Place), StoreError> {
    let (mut place, mut left, mut expired) = (place, rows_max, Vec::new());
    for _ in 0..BUCKETS_AT_ONCE {
        let bucket = lane + place.nth * lane_count;
        if bucket >= BUCKET_COUNT {
            place = Place::default();
            break;
        }
        let (org, key) = place.after.take().unwrap_or((OrgId::from_stored(-1), String::new()));
        let rows = w.query(&WALK, &[bucket.into(), org.into(), key.into(), left.into()])?;
        for row in &rows {
            let (org, key) = (row.org(0)?, row.text(1)?.to_owned());
            if row.time(2)? <= now {
                expired.push((org, key.clone()));
            }
            place.after = Some((org, key));
        }
        left -= i64::try_from(rows.len()).unwrap_or(left);
        if left <= 0 {
            break;
        }
        place = Place { nth: place.nth + 1, after: None };
    }
    if expired.is_empty() {
        return Ok((0, place));
    }
    let mut columns = noun::org_columns(expired.iter().map(|key| key.0));
    columns.push(Column::Text(expired.iter().map(|key| key.1.as_str().into()).collect()));
    Ok((w.bulk(&FORGET, &columns)?, place))
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
