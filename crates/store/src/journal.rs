//! The journal: ledger transactions appended, found by position and walked backwards.
//!
//! *Invariant:* rows are inserted and read, and nothing else. A row read back is the transaction
//! that was written, down to its hash.

use std::borrow::{Borrow, Cow};

use domain::grant::Posting;
use domain::ledger::{
    ENCODING_VERSION, EventKey, LedgerTransaction, Line, POSTING_COLUMNS, Rest, Span,
    TransactionKind,
};
use domain::{Amount, OrgId, Timestamp};

use crate::error::StoreError;
use crate::lanes;
use crate::noun::{BUCKET, NUMBER, ORG};
use crate::statement::{Action, Bulk, Kind, Load, Statement, catalogue};
use crate::value::{Column, Row};
use crate::writer::Writer;

/// Rows that one step of a walk reads.
const WALK_ROWS: i64 = 256;

pub(crate) const COLUMNS: &[(&str, Kind)] = &[
    BUCKET,
    ("position", Kind::Int),
    ORG,
    NUMBER,
    ("prev", Kind::Int),
    ("kind", Kind::Small),
    ("at", Kind::Int),
    ("occurred_at", Kind::Int),
    ("subject", Kind::Int),
    ("amount", Kind::Int),
    ("g1", Kind::Int),
    ("a1", Kind::Int),
    ("g2", Kind::Int),
    ("a2", Kind::Int),
    ("g3", Kind::Int),
    ("a3", Kind::Int),
    ("balance", Kind::Int),
    ("hash", Kind::Blob),
    ("fingerprint", Kind::Int),
    ("source", Kind::Text),
    ("key", Kind::Text),
    ("price", Kind::Int),
    ("quantity", Kind::Int),
    ("rest", Kind::Text),
    ("v", Kind::Small),
];

/// The columns in the order of [`COLUMNS`], for statements.
macro_rules! journal_columns {
    () => {
        "bucket, position, org_id, number, prev, kind, at, occurred_at, subject, amount, \
         g1, a1, g2, a2, g3, a3, balance, hash, fingerprint, source, key, price, quantity, rest, v"
    };
}

catalogue! {
    /// Appends rows.
    APPEND: Bulk = Bulk::new(Action::Insert, "journal", 2, COLUMNS);
    /// Finds rows by position.
    FIND: Load = Load::rows("journal", 2, COLUMNS, "");
    /// Walks an organization's rows backwards from one position, up to one not later than $3.
    WALK: Statement = Statement::new(concat!(
        "WITH RECURSIVE walk (place, before, moment, depth) AS ( \
         SELECT position, prev, at, 1 FROM journal WHERE bucket = $1 AND position = $2 \
         UNION ALL \
         SELECT j.position, j.prev, j.at, walk.depth + 1 \
         FROM walk CROSS JOIN journal AS j \
         WHERE j.bucket = $1 AND j.position = walk.before \
         AND walk.moment > $3 AND walk.depth < $4) SELECT ",
        journal_columns!(),
        " FROM walk CROSS JOIN journal WHERE bucket = $1 AND position = place ORDER BY depth"
    ));
    /// Usage-event keys of a lane in a range of positions.
    TAIL: Statement = Statement::new(
        "SELECT j.position, j.org_id, j.source, j.key FROM journal AS j CROSS JOIN buckets AS b \
         WHERE b.bucket = j.bucket AND b.bucket % $2 = $1 AND j.position > $3 AND j.position <= $4 \
         AND j.key IS NOT NULL ORDER BY j.position"
    );
}

/// A usage-event key in the journal: position, organization, source and event id.
pub type TailKey = (i64, OrgId, String, String);

/// The rows at these (bucket, position), in no promised order.
pub fn load(w: &mut Writer, places: &[(i64, i64)]) -> Result<Vec<LedgerTransaction>, StoreError> {
    let columns = [
        Column::Int(places.iter().map(|place| place.0).collect()),
        Column::Int(places.iter().map(|place| place.1).collect()),
    ];
    w.load(&FIND, &columns)?.iter().map(read).collect()
}

/// An organization's rows from one position backwards, newest first, up to and with the first that
/// is not later than `since`; none from position 0.
pub fn history(
    w: &mut Writer,
    org: OrgId,
    from: i64,
    since: Timestamp,
) -> Result<Vec<LedgerTransaction>, StoreError> {
    let mut history: Vec<LedgerTransaction> = Vec::new();
    let mut next = from;
    while next != 0 {
        let bucket = org.bucket();
        let parameters = [bucket.into(), next.into(), since.into(), WALK_ROWS.into()];
        let rows = w.query(&WALK, &parameters)?;
        if rows.is_empty() {
            let text = format!("no journal row at position {next} of bucket {bucket}");
            return Err(StoreError::Corrupt(text));
        }
        for row in &rows {
            history.push(read(row)?);
        }
        next = history.last().filter(|last| last.at > since).map_or(0, |last| last.prev);
    }
    Ok(history)
}

/// The usage-event keys of a lane above a position, ascending, from at most `max_rows` journal
/// rows; empty when there are no more.
pub fn tail(
    w: &mut Writer,
    lane: i64,
    lane_count: i64,
    above: i64,
    max_rows: i64,
) -> Result<Vec<TailKey>, StoreError> {
    let end = w.query(&lanes::POSITION, &[lane.into()])?;
    let end = end.first().map_or(Ok(0), |row| row.int(0))?;
    let mut above = above;
    while above < end {
        let until = above.saturating_add(max_rows.max(1)).min(end);
        let range = [lane.into(), lane_count.into(), above.into(), until.into()];
        let rows = w.query(&TAIL, &range)?;
        if !rows.is_empty() {
            return rows.iter().map(tail_key).collect();
        }
        above = until;
    }
    Ok(Vec::new())
}

fn tail_key(row: &Row) -> Result<TailKey, StoreError> {
    Ok((row.int(0)?, row.org(1)?, row.text(2)?.to_owned(), row.text(3)?.to_owned()))
}

/// The columns of many rows.
pub(crate) fn columns<R: Borrow<LedgerTransaction>>(rows: &[R]) -> Vec<Column<'_>> {
    let rows = || rows.iter().map(Borrow::borrow);
    let int = |value: fn(&LedgerTransaction) -> i64| Column::Int(rows().map(value).collect());
    let opt =
        |value: fn(&LedgerTransaction) -> Option<i64>| Column::OptInt(rows().map(value).collect());
    let text = |value: fn(&EventKey) -> &str| {
        Column::OptText(
            rows().map(|row| row.event.as_ref().map(value).map(Cow::Borrowed)).collect(),
        )
    };
    let rest = |row: &LedgerTransaction| Some(row.rest()).filter(|rest| !rest.is_empty());
    vec![
        int(|row| row.org.bucket()),
        int(|row| row.position),
        int(|row| row.org.get()),
        int(|row| row.number),
        int(|row| row.prev),
        int(|row| row.kind.code()),
        int(|row| row.at.micros()),
        opt(|row| row.occurred_at.map(Timestamp::micros)),
        opt(|row| Some(row.subject_or_labels()).filter(|&number| number != 0)),
        int(|row| row.amount.nanos()),
        opt(|row| row.postings.first().map(|posting| posting.grant)),
        opt(|row| row.postings.first().map(|posting| posting.change.nanos())),
        opt(|row| row.postings.get(1).map(|posting| posting.grant)),
        opt(|row| row.postings.get(1).map(|posting| posting.change.nanos())),
        opt(|row| row.postings.get(2).map(|posting| posting.grant)),
        opt(|row| row.postings.get(2).map(|posting| posting.change.nanos())),
        int(|row| row.balance.nanos()),
        Column::Blob(rows().map(|row| Cow::Borrowed(&row.hash[..])).collect()),
        int(|row| row.fingerprint),
        text(|key| &key.source),
        text(|key| &key.id),
        opt(|row| row.single_line().map(|line| line.price)),
        opt(|row| row.single_line().map(|line| line.quantity)),
        Column::OptText(rows().map(|row| rest(row).map(Cow::Owned)).collect()),
        Column::Int(rows().map(|_| ENCODING_VERSION).collect()),
    ]
}

/// Reads a row whose columns are in the order of [`COLUMNS`].
///
/// Errors: `Corrupt` when it is not one that this program wrote.
pub(crate) fn read(row: &Row) -> Result<LedgerTransaction, StoreError> {
    let damaged = |what: &str| {
        let (bucket, position) = (row.int(0).unwrap_or(-1), row.int(1).unwrap_or(-1));
        StoreError::Corrupt(format!("{what} of journal row {position} of bucket {bucket}"))
    };
    let kind = TransactionKind::from_code(row.int(5)?).ok_or_else(|| damaged("kind"))?;
    let rest = Rest::parse(row.opt_text(23)?.unwrap_or("")).ok_or_else(|| damaged("rest"))?;
    let (amount, occurred_at) = (row.amount(9)?, row.opt_time(7)?);
    let mut lines = rest.lines;
    if let (Some(price), Some(quantity)) = (row.opt_int(21)?, row.opt_int(22)?) {
        lines = vec![Line { price, quantity, amount }];
    }
    let span = match rest.every_seconds {
        None => None,
        Some(every_seconds) => {
            // A block is charged when it starts, unless it says otherwise.
            let at = row.time(6)?;
            let usual = Some(at).filter(|_| kind != TransactionKind::Settlement);
            let from = occurred_at.or(usual).ok_or_else(|| damaged("span"))?;
            Some(Span { from, every_seconds, meters: rest.meters })
        }
    };
    let about = row.opt_int(8)?.unwrap_or(0);
    let (subject, labels) = match kind {
        TransactionKind::Charge => (0, about),
        _ => (about, rest.labels),
    };
    Ok(LedgerTransaction {
        org: row.org(2)?,
        number: row.int(3)?,
        position: row.int(1)?,
        prev: row.int(4)?,
        kind,
        at: row.time(6)?,
        occurred_at,
        subject,
        labels,
        limit: rest.limit,
        amount,
        postings: postings(row, rest.postings)?,
        absorbed: rest.absorbed,
        debt: rest.debt,
        tax: rest.tax,
        balance: row.amount(16)?,
        fingerprint: row.int(18)?,
        event: event(row)?,
        lines,
        discount_bps: rest.discount_bps,
        span,
        hash: row.bytes(17)?,
    })
}

fn event(row: &Row) -> Result<Option<EventKey>, StoreError> {
    let (source, id) = (row.opt_text(19)?, row.opt_text(20)?);
    let both = source.zip(id);
    Ok(both.map(|(source, id)| EventKey { source: source.to_owned(), id: id.to_owned() }))
}

fn postings(row: &Row, more: Vec<Posting>) -> Result<Vec<Posting>, StoreError> {
    let mut postings = Vec::with_capacity(1 + more.len());
    for at in 0..POSTING_COLUMNS {
        if let (Some(grant), Some(change)) = (row.opt_int(10 + 2 * at)?, row.opt_int(11 + 2 * at)?)
        {
            postings.push(Posting { grant, change: Amount::from_nanos(change) });
        }
    }
    postings.extend(more);
    Ok(postings)
}
