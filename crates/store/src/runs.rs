//! Runs: written when they start, when a block of theirs starts, when they beat, and when they end.
//!
//! *Invariant:* what falls due by itself is in a column with an index of its own, so that of many
//! runs only those are read whose moment has come.

use domain::price::Price;
use domain::rate::Rate;
use domain::run::{Heartbeat, Paid, ResourceClass, Run, StopReason};
use domain::workset::Key;
use domain::{OrgId, Timestamp};

use crate::Store;
use crate::error::StoreError;
use crate::noun::{self, BUCKET, Columns, Fields, Keyed, NUMBER, Noun, ORG};
use crate::statement::{Action, Bulk, Kind, Load, Statement, catalogue};
use crate::writer::Writer;

const COLUMNS: &[(&str, Kind)] = &[
    BUCKET,
    ORG,
    NUMBER,
    ("resource", Kind::Int),
    ("sku", Kind::Int),
    ("price", Kind::Int),
    ("amount", Kind::Int),
    ("per_units", Kind::Int),
    ("discount_bps", Kind::Small),
    ("class", Kind::Small),
    ("started_at", Kind::Int),
    ("admitted_at", Kind::Int),
    ("stopped_at", Kind::Int),
    ("stop_reason", Kind::Small),
    ("is_waiting", Kind::Small),
    ("block_seconds", Kind::Int),
    ("paid_until", Kind::Int),
    ("blocks", Kind::Int),
    ("heartbeat_seconds", Kind::Int),
    ("beat_at", Kind::Int),
    ("beat_due", Kind::Int),
    ("previous", Kind::Int),
    ("next_sku", Kind::Int),
    ("origin", Kind::Int),
    ("reprices_at", Kind::Int),
];
const UNTIL_PAID: &[(&str, Kind)] = &[BUCKET, ORG, ("paid_until", Kind::Int)];
const UNTIL_REPRICED: &[(&str, Kind)] = &[BUCKET, ORG, ("reprices_at", Kind::Int)];
const UNTIL_BEAT: &[(&str, Kind)] = &[BUCKET, ORG, ("beat_due", Kind::Int)];

catalogue! {
    /// Writes rows.
    SAVE: Bulk = Bulk::new(Action::Upsert, "runs", 3, COLUMNS);
    /// Finds rows.
    FIND: Load = Load::rows("runs", 3, COLUMNS, "");
    /// Finds the open runs of organizations.
    FIND_OPEN: Load =
        Load::by("runs", &[BUCKET, ORG], COLUMNS, "stopped_at IS NULL");
    /// Finds the open runs whose block starts until some instant, and those that are next then.
    FIND_DUE_BLOCKS: Load = Load::until("runs", UNTIL_PAID, COLUMNS, "stopped_at IS NULL");
    /// Finds the open runs that are given up until some instant, and those that are next then.
    FIND_DUE_BEATS: Load = Load::until("runs", UNTIL_BEAT, COLUMNS, "stopped_at IS NULL");
    /// Finds the open runs that go on at an announced price until some instant, and those that are
    /// next then.
    FIND_DUE_REPRICES: Load =
        Load::until("runs", UNTIL_REPRICED, COLUMNS, "stopped_at IS NULL");
    /// Organizations of a lane and a platform with an open run of a SKU that began before some
    /// instant and does not know of it.
    UNTOLD: Statement = Statement::new(
        "SELECT DISTINCT r.bucket, r.org_id FROM runs AS r \
         JOIN wallets AS w ON w.bucket = r.bucket AND w.org_id = r.org_id \
         WHERE w.platform_id = $1 AND r.sku = $2 AND r.stopped_at IS NULL \
         AND r.started_at < $3 \
         AND (r.reprices_at IS NULL OR (r.reprices_at > $3 AND r.reprices_at > $4)) \
         AND r.bucket % $6 = $5 ORDER BY r.bucket, r.org_id LIMIT $7"
    );
}

impl Noun for Run {
    fn find() -> &'static Load {
        &FIND
    }

    fn write(columns: Columns<'_, Run>) -> Columns<'_, Run> {
        columns
            .int(|run| run.resource)
            .int(|run| run.sku)
            .int(|run| run.price)
            .amount(|run| run.rate.list)
            .int(|run| run.rate.per_units)
            .int(|run| run.rate.discount_bps)
            .int(|run| run.class.code())
            .time(|run| run.started_at)
            .opt_time(|run| run.admitted_at)
            .opt_time(|run| run.stopped_at)
            .opt_int(|run| run.stop_reason.map(StopReason::code))
            .int(|run| i64::from(run.is_waiting))
            .opt_int(|run| run.paid.map(|paid| paid.block_seconds))
            .opt_time(|run| run.paid.and_then(|paid| noun::unless_never(paid.until)))
            .opt_int(|run| run.paid.map(|paid| paid.blocks))
            .opt_int(|run| run.heartbeat.map(|heartbeat| heartbeat.timeout_seconds))
            .opt_time(|run| run.heartbeat.map(|heartbeat| heartbeat.beat_at))
            .opt_time(|run| noun::unless_never(run.beat_due()))
            .opt_int(|run| run.previous)
            .opt_int(|run| run.next_sku)
            .opt_int(|run| run.origin)
            .opt_time(|run| noun::unless_never(run.reprices_at))
    }

    fn read(number: i64, fields: &mut Fields<'_>) -> Result<Run, StoreError> {
        Ok(Run {
            number,
            resource: fields.int()?,
            sku: fields.int()?,
            price: fields.int()?,
            rate: Rate {
                list: fields.amount()?,
                per_units: fields.int()?,
                discount_bps: fields.int()?,
            },
            class: fields.code(ResourceClass::from_code)?,
            started_at: fields.time()?,
            admitted_at: fields.opt_time()?,
            stopped_at: fields.opt_time()?,
            stop_reason: fields.opt_code(StopReason::from_code)?,
            is_waiting: fields.int()? != 0,
            paid: paid(fields)?,
            heartbeat: heartbeat(fields)?,
            previous: fields.opt_int()?,
            next_sku: fields.opt_int()?,
            origin: fields.opt_int()?,
            reprices_at: fields.opt_time()?.unwrap_or(Timestamp::NEVER),
        })
    }
}

fn paid(fields: &mut Fields<'_>) -> Result<Option<Paid>, StoreError> {
    let (seconds, until, blocks) = (fields.opt_int()?, fields.opt_time()?, fields.opt_int()?);
    let until = until.unwrap_or(Timestamp::NEVER);
    Ok(seconds.zip(blocks).map(|(block_seconds, blocks)| Paid { block_seconds, until, blocks }))
}

/// Reads the heartbeat; when it is due follows from it, and is stored only to be found by.
fn heartbeat(fields: &mut Fields<'_>) -> Result<Option<Heartbeat>, StoreError> {
    let (seconds, beat_at, _due) = (fields.opt_int()?, fields.opt_time()?, fields.opt_time()?);
    let both = seconds.zip(beat_at);
    Ok(both.map(|(timeout_seconds, beat_at)| Heartbeat { timeout_seconds, beat_at }))
}

/// The rows at `keys`, in no promised order; those that are not there are left out.
pub fn load(w: &mut Writer, keys: &[Key]) -> Result<Vec<Keyed<Run>>, StoreError> {
    noun::load(w, keys)
}

/// The runs of `orgs` that are open, in no promised order.
pub fn load_open(w: &mut Writer, orgs: &[OrgId]) -> Result<Vec<Keyed<Run>>, StoreError> {
    noun::load_of(w, &FIND_OPEN, orgs)
}

/// The open runs of organizations whose block starts at or before the instant beside each, and all
/// of those that are next after it; in no promised order.
pub fn load_due_blocks(
    w: &mut Writer,
    until: &[(OrgId, Timestamp)],
) -> Result<Vec<Keyed<Run>>, StoreError> {
    noun::load_until(w, &FIND_DUE_BLOCKS, until)
}

/// The same for runs that are given up without a beat.
pub fn load_due_beats(
    w: &mut Writer,
    until: &[(OrgId, Timestamp)],
) -> Result<Vec<Keyed<Run>>, StoreError> {
    noun::load_until(w, &FIND_DUE_BEATS, until)
}

/// The same for runs that go on at an announced price.
pub fn load_due_reprices(
    w: &mut Writer,
    until: &[(OrgId, Timestamp)],
) -> Result<Vec<Keyed<Run>>, StoreError> {
    noun::load_until(w, &FIND_DUE_REPRICES, until)
}

/// At most `limit` organizations of a lane that run what an announced price of `platform` is for,
/// and do not know of it; `now` is the present of the platform.
pub async fn untold(
    store: &Store,
    (platform, price): (OrgId, &Price),
    now: Timestamp,
    (lane, lane_count): (i64, i64),
    limit: i64,
) -> Result<Vec<OrgId>, StoreError> {
    let (sku, from) = (price.sku, price.effective_from);
    let announced = [platform.into(), sku.into(), from.into(), now.into()];
    let parameters = [&announced[..], &[lane.into(), lane_count.into(), limit.into()]].concat();
    let rows = store.snapshot().await?.query(&UNTOLD, &parameters).await?;
    rows.iter().map(|row| row.org(1)).collect()
}
