//! Lanes: who owns one, and the last journal position handed out in it (rulings A1).
//!
//! *Invariant:* every change of a lane names the epoch it was made in, so one that lost the lane
//! changes nothing. A lane without an owner has the empty text for one.

use domain::{OrgId, Timestamp};

use crate::error::StoreError;
use crate::statement::{Statement, catalogue};
use crate::value::{Row, Value};
use crate::writer::Writer;

catalogue! {
    /// Inserts a lane that nobody owns.
    INSERT: Statement = Statement::new(
        "INSERT INTO lanes (lane, owner, address, epoch, position, heartbeat, lane_count) \
         VALUES ($1, '', '', 0, 0, 0, $2) ON CONFLICT (lane) DO NOTHING"
    );
    /// Another number of lanes that the store was prepared for.
    OTHER_COUNT: Statement = Statement::new(
        "SELECT lane_count FROM lanes WHERE lane_count <> $1 LIMIT 1"
    );
    /// All lanes.
    FIND_ALL: Statement = Statement::new(
        "SELECT lane, owner, address, epoch, position, heartbeat FROM lanes ORDER BY lane"
    );
    /// The last position handed out.
    POSITION: Statement = Statement::new("SELECT position FROM lanes WHERE lane = $1");
    /// Takes a lane whose epoch has not changed.
    TAKE: Statement = Statement::new(
        "UPDATE lanes SET owner = $3, address = $4, epoch = epoch + 1, heartbeat = $5 \
         WHERE lane = $1 AND epoch = $2"
    );
    /// Says that the owner is alive.
    BEAT: Statement = Statement::new(
        "UPDATE lanes SET heartbeat = $4 WHERE lane = $1 AND owner = $2 AND epoch = $3"
    );
    /// Gives a lane up.
    RELEASE: Statement = Statement::new(
        "UPDATE lanes SET owner = '', address = '', heartbeat = 0 \
         WHERE lane = $1 AND owner = $2 AND epoch = $3"
    );
    /// Hands positions out to the owner, and to nobody else.
    ADVANCE: Statement = Statement::new(
        "UPDATE lanes SET position = position + $4 WHERE lane = $1 AND owner = $2 AND epoch = $3"
    );
    /// Whether a lane is still owned.
    OWNED: Statement = Statement::new(
        "SELECT 1 FROM lanes WHERE lane = $1 AND owner = $2 AND epoch = $3"
    );
    /// Says that a process is alive.
    BEAT_REPLICA: Statement = Statement::new(
        "INSERT INTO replicas (id, address, heartbeat) VALUES ($1, $2, $3) \
         ON CONFLICT (id) DO UPDATE SET address = excluded.address, heartbeat = excluded.heartbeat"
    );
    /// All processes.
    REPLICAS: Statement = Statement::new(
        "SELECT id, address, heartbeat FROM replicas ORDER BY id"
    );
    /// Forgets processes that have been silent for long.
    FORGET_REPLICAS: Statement = Statement::new("DELETE FROM replicas WHERE heartbeat < $1");
}

/// A lane as it stands in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaneRow {
    pub lane: i64,
    /// Id of the owning replica; empty when there is none.
    pub owner: String,
    /// Where the owner takes forwarded commands.
    pub address: String,
    pub epoch: i64,
    pub position: i64,
    pub heartbeat: Timestamp,
}

/// A process that shares the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicaRow {
    pub id: String,
    pub address: String,
    pub heartbeat: Timestamp,
}

/// The lane of an organization.
pub fn lane_of(org: OrgId, lane_count: i64) -> i64 {
    org.bucket().rem_euclid(lane_count)
}

/// Inserts the lanes that are missing; nobody owns them.
///
/// Errors: `Schema` when the store was prepared for another number of lanes.
///
/// Idempotency: lanes that are there stay as they are.
pub fn prepare(w: &mut Writer, lane_count: i64) -> Result<(), StoreError> {
    if let Some(row) = w.query(&OTHER_COUNT, &[lane_count.into()])?.first() {
        let count = row.int(0)?;
        return Err(StoreError::Schema(format!("the store has {count} lanes, not {lane_count}")));
    }
    for lane in 0..lane_count {
        w.execute(&INSERT, &[lane.into(), lane_count.into()])?;
    }
    Ok(())
}

/// All lanes, in order.
pub fn all(w: &mut Writer) -> Result<Vec<LaneRow>, StoreError> {
    w.query(&FIND_ALL, &[])?.iter().map(read).collect()
}

/// Takes a lane for `owner`, if its epoch is still `expected_epoch`. Returns the new epoch.
pub fn take(
    w: &mut Writer,
    lane: i64,
    expected_epoch: i64,
    owner: &str,
    address: &str,
    now: Timestamp,
) -> Result<Option<i64>, StoreError> {
    let parameters = [lane.into(), expected_epoch.into(), owner.into(), address.into(), now.into()];
    Ok((w.execute(&TAKE, &parameters)? == 1).then_some(expected_epoch + 1))
}

/// Says that the owner is alive. False when the lane is not its own any more.
pub fn beat(
    w: &mut Writer,
    lane: i64,
    owner: &str,
    epoch: i64,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let parameters = [lane.into(), owner.into(), epoch.into(), now.into()];
    Ok(w.execute(&BEAT, &parameters)? == 1)
}

/// Gives a lane up, if it is still this owner's.
pub fn release(w: &mut Writer, lane: i64, owner: &str, epoch: i64) -> Result<(), StoreError> {
    w.execute(&RELEASE, &owned_by(lane, owner, epoch)).map(drop)
}

/// Whether the lane belongs to `owner` in this epoch.
pub fn is_owner(w: &mut Writer, lane: i64, owner: &str, epoch: i64) -> Result<bool, StoreError> {
    Ok(!w.query(&OWNED, &owned_by(lane, owner, epoch))?.is_empty())
}

/// Says that a process is alive, and where it takes forwarded commands.
pub fn beat_replica(
    w: &mut Writer,
    id: &str,
    address: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    w.execute(&BEAT_REPLICA, &[id.into(), address.into(), now.into()]).map(drop)
}

/// All processes, by id.
pub fn replicas(w: &mut Writer) -> Result<Vec<ReplicaRow>, StoreError> {
    let read = |row: &Row| {
        let (id, address) = (row.text(0)?.to_owned(), row.text(1)?.to_owned());
        Ok(ReplicaRow { id, address, heartbeat: row.time(2)? })
    };
    w.query(&REPLICAS, &[])?.iter().map(read).collect()
}

/// Forgets processes last heard of before `before`.
pub fn forget_replicas(w: &mut Writer, before: Timestamp) -> Result<u64, StoreError> {
    w.execute(&FORGET_REPLICAS, &[before.into()])
}

fn owned_by(lane: i64, owner: &str, epoch: i64) -> [Value; 3] {
    [lane.into(), owner.into(), epoch.into()]
}

fn read(row: &Row) -> Result<LaneRow, StoreError> {
    Ok(LaneRow {
        lane: row.int(0)?,
        owner: row.text(1)?.to_owned(),
        address: row.text(2)?.to_owned(),
        epoch: row.int(3)?,
        position: row.int(4)?,
        heartbeat: row.time(5)?,
    })
}
