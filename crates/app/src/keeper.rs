//! The keeper: shares the lanes among the processes that are alive, and takes over those of a dead
//! one (rulings A1, A17).
//!
//! A lane is taken when its row has not changed for [`LEASE_MICROS`] of this process's own
//! monotonic time. Being wrong about that costs a moment of work and never money: the epoch fences
//! the old owner's writes.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use store::keys::KeyHasher;
use store::{LaneRow, ReplicaRow, Store, StoreError, Writer};
use tokio::runtime::Handle;

use crate::lane::LaneIdentity;
use crate::lanes::{LaneOptions, LaneSet, open_lane};
use crate::ports::Ports;
use crate::sealing::Sealing;

/// A lane or process that has not been heard of for so long is taken for dead.
const LEASE_MICROS: i64 = 2_000_000;
const ROUND: Duration = Duration::from_millis(400);

pub(crate) struct Keeper {
    store: Store,
    ports: Arc<Ports>,
    options: LaneOptions,
    hasher: KeyHasher,
    lane_count: i64,
    runtime: Handle,
    /// What was last seen of each lane, and when that was first seen.
    seen: BTreeMap<i64, (i64, i64, i64)>,
    /// The same for processes.
    heard: BTreeMap<String, (i64, i64)>,
}

impl Keeper {
    pub(crate) fn new(
        store: Store,
        ports: Arc<Ports>,
        options: LaneOptions,
        hasher: KeyHasher,
        lane_count: i64,
    ) -> Keeper {
        let (seen, heard) = (BTreeMap::new(), BTreeMap::new());
        let runtime = Handle::current();
        Keeper { store, ports, options, hasher, lane_count, runtime, seen, heard }
    }

    /// SQLite: the file lock has made sure that whoever owned the lane is gone.
    pub(crate) fn take_only_lane(
        &self,
        set: &Arc<LaneSet>,
        mut writer: Writer,
    ) -> Result<(), StoreError> {
        let rows = store::lanes::all(&mut writer)?;
        let row = rows.first().ok_or_else(|| StoreError::Schema("there is no lane".into()))?;
        let identity = self
            .take(&mut writer, row)?
            .ok_or_else(|| StoreError::Busy("the lane was taken meanwhile".into()))?;
        let lane = open_lane(writer, identity, self.options.limits, &self.ports, &self.hasher)?;
        let sealing =
            Sealing::start(&self.store, &self.runtime, lane.identity().lane, self.lane_count)?;
        set.start(lane, Some(sealing), drop, Arc::clone(set))
    }

    fn take(&self, writer: &mut Writer, row: &LaneRow) -> Result<Option<LaneIdentity>, StoreError> {
        let now = self.ports.clock.now();
        let (owner, address) = (&self.options.owner, &self.options.address);
        let taken = writer
            .transaction(|w| store::lanes::take(w, row.lane, row.epoch, owner, address, now))?;
        let Some(epoch) = taken else { return Ok(None) };
        Ok(Some(LaneIdentity {
            lane: row.lane,
            lane_count: self.lane_count,
            owner: owner.clone(),
            address: address.clone(),
            epoch,
        }))
    }

    pub(crate) fn start(
        mut self,
        set: Arc<LaneSet>,
        mut writer: Writer,
    ) -> Result<JoinHandle<()>, StoreError> {
        let work = move || {
            while !set.is_closing.load(Ordering::SeqCst) {
                if let Err(error) = self.round(&set, &mut writer) {
                    tracing::warn!(%error, "the lanes cannot be looked at");
                    let _ = writer.rollback();
                }
                std::thread::sleep(ROUND);
            }
        };
        let thread = Builder::new().name("keeper".into()).spawn(work);
        thread.map_err(|error| StoreError::Unavailable(error.to_string()))
    }

    fn round(&mut self, set: &Arc<LaneSet>, writer: &mut Writer) -> Result<(), StoreError> {
        let now = self.ports.clock.now();
        let mono = self.ports.clock.monotonic_micros();
        let (owner, address) = (self.options.owner.clone(), self.options.address.clone());
        store::lanes::beat_replica(writer, &owner, &address, now)?;
        let alive = self.alive(store::lanes::replicas(writer)?, mono);
        let rows = store::lanes::all(writer)?;
        let share = rows.len().div_ceil(alive.max(1));
        let mut owned = 0;
        for row in &rows {
            let seat = &set.seats[usize::try_from(row.lane).unwrap_or(0)];
            let is_mine = row.owner == owner && seat.is_running();
            let foreign = if row.owner == owner { String::new() } else { row.address.clone() };
            *seat.foreign.write().unwrap_or_else(PoisonError::into_inner) = foreign;
            if is_mine {
                owned += 1;
                if owned > share {
                    set.stop(usize::try_from(row.lane).unwrap_or(0));
                } else {
                    store::lanes::beat(writer, row.lane, &owner, row.epoch, now)?;
                }
            }
        }
        for row in &rows {
            let seat = &set.seats[usize::try_from(row.lane).unwrap_or(0)];
            if owned < share
                && !seat.is_running()
                && self.is_abandoned(row, mono)
                && let Some(identity) = self.take(writer, row)?
            {
                self.open(set, identity)?;
                owned += 1;
            }
        }
        Ok(())
    }

    fn open(&self, set: &Arc<LaneSet>, identity: LaneIdentity) -> Result<(), StoreError> {
        let (lane, owner, epoch) = (identity.lane, identity.owner.clone(), identity.epoch);
        tracing::info!(lane, epoch, "took a lane");
        let writer = self.store.writer()?;
        let lane = open_lane(writer, identity, self.options.limits, &self.ports, &self.hasher)?;
        let sealing =
            Sealing::start(&self.store, &self.runtime, lane.identity().lane, self.lane_count)?;
        let store = self.store.clone();
        let let_go = move |lane: crate::lane::Lane| {
            let (number, epoch) = (lane.identity().lane, lane.identity().epoch);
            drop(lane);
            let released = store
                .writer()
                .and_then(|mut writer| store::lanes::release(&mut writer, number, &owner, epoch));
            if let Err(error) = released {
                tracing::warn!(%error, lane = number, "a lane was not released; it will expire");
            }
        };
        set.start(lane, Some(sealing), let_go, Arc::clone(set))
    }

    /// Whether nobody has held this lane for the length of a lease.
    fn is_abandoned(&mut self, row: &LaneRow, mono: i64) -> bool {
        if row.owner.is_empty() {
            return true;
        }
        let now = (row.epoch, row.heartbeat.micros());
        let seen = self.seen.entry(row.lane).or_insert((now.0, now.1, mono));
        if (seen.0, seen.1) != now {
            *seen = (now.0, now.1, mono);
        }
        mono - seen.2 > LEASE_MICROS
    }

    /// How many processes have been heard of within a lease, this one included.
    fn alive(&mut self, replicas: Vec<ReplicaRow>, mono: i64) -> usize {
        let mut alive = 0;
        for ReplicaRow { id, heartbeat, .. } in replicas {
            let heartbeat = heartbeat.micros();
            let is_me = id == self.options.owner;
            let is_new = !self.heard.contains_key(&id);
            let heard = self.heard.entry(id).or_insert((heartbeat, mono - LEASE_MICROS));
            if heard.0 != heartbeat {
                *heard = (heartbeat, mono);
            }
            if is_me || (!is_new && mono - heard.1 <= LEASE_MICROS) {
                alive += 1;
            }
        }
        alive
    }
}
