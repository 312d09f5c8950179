//! When something next falls due in each wallet, never later than the truth (rulings A9).

use domain::{OrgId, Timestamp};

use crate::Store;
use crate::error::StoreError;
use crate::noun::{self, BUCKET, ORG};
use crate::statement::{Action, Bulk, Kind, Statement, catalogue};
use crate::value::{Column, Row};
use crate::writer::Writer;

const COLUMNS: &[(&str, Kind)] = &[BUCKET, ORG, ("due", Kind::Int), ("test_platform", Kind::Int)];

catalogue! {
    /// Writes rows.
    SAVE: Bulk = Bulk::new(Action::Upsert, "wakes", 2, COLUMNS);
    /// Removes rows.
    CLEAR: Bulk = Bulk::new(Action::Delete, "wakes", 2, &[BUCKET, ORG]);
    /// What is due in a lane on the wall clock, a look into each of its buckets.
    DUE_LIVE: Statement = Statement::new(
        "SELECT w.org_id, w.due FROM buckets AS b CROSS JOIN wakes AS w \
         WHERE w.bucket = b.bucket AND b.bucket % $2 = $1 \
         AND w.test_platform IS NULL AND w.due <= $3 \
         ORDER BY w.due, w.org_id LIMIT $4"
    );
    /// Wallets of a lane and a platform that have not come to an instant, and do not wake by then.
    ASLEEP_AT: Statement = Statement::new(
        "SELECT o.org_id FROM organizations AS o \
         JOIN wallets AS w ON w.bucket = o.bucket AND w.org_id = o.org_id \
         LEFT JOIN wakes AS k ON k.bucket = o.bucket AND k.org_id = o.org_id \
         WHERE o.platform_id = $1 AND o.bucket % $3 = $2 AND w.settled_until < $4 \
         AND (k.due IS NULL OR k.due > $4) \
         ORDER BY o.org_id LIMIT $5"
    );
    /// What is due on the test clock of a platform.
    DUE_ON_TEST_CLOCK: Statement = Statement::new(
        "SELECT org_id FROM wakes WHERE test_platform = $1 AND due <= $2 \
         ORDER BY due, org_id LIMIT $3"
    );
}

/// At most `limit` wallets of a lane that are due at `until` or before, soonest first. Those on a
/// test clock are left out.
pub fn due_live(
    w: &mut Writer,
    lane: i64,
    lane_count: i64,
    until: Timestamp,
    limit: i64,
) -> Result<Vec<(OrgId, Timestamp)>, StoreError> {
    let parameters = [lane.into(), lane_count.into(), until.into(), limit.into()];
    let rows = w.query(&DUE_LIVE, &parameters)?;
    rows.iter().map(|row: &Row| Ok((row.org(0)?, row.time(1)?))).collect()
}

/// At most `limit` wallets that are due on the test clock of `platform`, soonest first.
pub async fn due_on_test_clock(
    store: &Store,
    platform: OrgId,
    until: Timestamp,
    limit: i64,
) -> Result<Vec<OrgId>, StoreError> {
    let parameters = [platform.into(), until.into(), limit.into()];
    let rows = store.snapshot().await?.query(&DUE_ON_TEST_CLOCK, &parameters).await?;
    rows.iter().map(|row| row.org(0)).collect()
}

/// At most `limit` wallets of a lane and a platform that have not come to `at`, and whose next wake
/// is later: those that do not know that something is due then.
pub async fn asleep_at(
    store: &Store,
    platform: OrgId,
    at: Timestamp,
    (lane, lane_count): (i64, i64),
    limit: i64,
) -> Result<Vec<OrgId>, StoreError> {
    let of_lane = [platform.into(), lane.into(), lane_count.into()];
    let parameters = [&of_lane[..], &[at.into(), limit.into()]].concat();
    let rows = store.snapshot().await?.query(&ASLEEP_AT, &parameters).await?;
    rows.iter().map(|row| row.org(0)).collect()
}

/// A wallet, the platform whose test clock it lives on, and when it is next due.
pub type Wake = (OrgId, Option<OrgId>, Timestamp);

/// What to write, and what to remove because nothing will fall due.
pub(crate) fn columns(wakes: &[Wake]) -> (Vec<Column<'static>>, Vec<Column<'static>>) {
    let (gone, set): (Vec<Wake>, Vec<Wake>) =
        wakes.iter().partition(|(_, _, due)| *due == Timestamp::NEVER);
    let mut columns = noun::org_columns(set.iter().map(|wake| wake.0));
    columns.push(Column::Int(set.iter().map(|wake| wake.2.micros()).collect()));
    columns.push(Column::OptInt(set.iter().map(|wake| wake.1.map(OrgId::get)).collect()));
    (columns, noun::org_columns(gone.iter().map(|wake| wake.0)))
}
