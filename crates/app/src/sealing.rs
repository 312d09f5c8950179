//! Sealing: keys of usage events leave the exact set in memory for sorted runs on disk, and the
//! index of the journal is written behind, on a thread of its own (rulings A7, A11).
//!
//! *Invariant:* the lane only hands over what is committed and takes back what is finished; nothing
//! here can change an answer, and everything here can be rebuilt from the journal.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use store::key_runs::{self, KeyBodies};
use store::keys::index::Retired;
use store::keys::merge::{Finished, MergeTask};
use store::{Store, StoreError, Writer};
use tokio::runtime::Handle;

use crate::lane::Lane;

const WAIT: Duration = Duration::from_millis(100);
/// How long to wait for room on a full disk before the next try.
const ROOM_WAIT: Duration = Duration::from_secs(1);
/// Journal rows indexed in one transaction. Each wallet's rows lie in a place of their own, so the
/// more rows there are for a place, the fewer pages are written for each.
const INDEX_ROWS: i64 = 500_000;
/// Fewer are indexed after so many waits.
const INDEX_WAITS_MAX: u32 = 300;
/// Bodies of replaced runs removed in one transaction.
const FORGET_ROWS: i64 = 2_000;
/// Sealed keys are kept at least 35 days; until archives exist, for ever.
const FORGET_BELOW: i64 = 0;

enum Order {
    Merge(Box<MergeTask>),
    /// Memory whose freeing takes long, and the runs on disk that it stood for.
    Free(Retired, Vec<i64>),
}

/// The lane's side of the thread.
pub struct Sealing {
    orders: Option<Sender<Order>>,
    finished: Receiver<Box<Finished>>,
    is_merging: bool,
    is_stopping: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Sealing {
    /// Starts the thread of a lane.
    pub fn start(
        store: &Store,
        runtime: &Handle,
        lane: i64,
        lane_count: i64,
    ) -> Result<Sealing, StoreError> {
        let writer = store.index_writer()?;
        let (store, runtime) = (store.clone(), runtime.clone());
        let is_stopping = Arc::new(AtomicBool::new(false));
        let stops = Arc::clone(&is_stopping);
        let mut behind = Behind { store, writer, runtime, lane, lane_count, waits: 0, is_stopping };
        let (orders, taken) = channel();
        let (done, finished) = channel();
        let work = move || {
            loop {
                match taken.recv_timeout(WAIT) {
                    Ok(Order::Merge(task)) => match behind.merge(*task) {
                        Ok(merged) => {
                            let _ = done.send(Box::new(merged));
                        }
                        Err(error) => {
                            tracing::error!(%error, "keys were not sealed; sealing stops");
                            return;
                        }
                    },
                    Ok(Order::Free(retired, runs)) => {
                        drop(retired);
                        if let Err(error) = behind.clear(&runs) {
                            tracing::warn!(%error, "replaced runs still take room on disk");
                        }
                    }
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => return,
                }
                if let Err(error) = behind.index() {
                    tracing::warn!(%error, "the journal's index is behind");
                }
            }
        };
        let thread = std::thread::Builder::new()
            .name(format!("behind-{lane}"))
            .spawn(work)
            .map_err(|error| StoreError::Unavailable(error.to_string()))?;
        let (orders, thread) = (Some(orders), Some(thread));
        Ok(Sealing { orders, finished, is_merging: false, is_stopping: stops, thread })
    }

    /// Installs what is finished and begins what is due. Takes microseconds.
    pub fn tend(&mut self, lane: &mut Lane) {
        match self.finished.try_recv() {
            Ok(finished) => {
                self.is_merging = false;
                let replaced = finished.switch().drop.clone();
                let retired = lane.install(*finished);
                self.order(Order::Free(retired, replaced));
            }
            Err(TryRecvError::Empty | TryRecvError::Disconnected) => {}
        }
        if !self.is_merging
            && let Some(task) = lane.next_merge(FORGET_BELOW)
        {
            self.is_merging = true;
            self.order(Order::Merge(Box::new(task)));
        }
    }

    fn order(&self, order: Order) {
        if let Some(orders) = &self.orders {
            // A thread that ended has said why; the exact set then grows to its bound and pushes
            // back.
            let _ = orders.send(order);
        }
    }
}

impl Drop for Sealing {
    fn drop(&mut self) {
        self.orders = None;
        self.is_stopping.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What is written behind one lane.
struct Behind {
    store: Store,
    writer: Writer,
    runtime: Handle,
    lane: i64,
    lane_count: i64,
    /// Looks since the index was last written.
    waits: u32,
    is_stopping: Arc<AtomicBool>,
}

impl Behind {
    /// Indexes what was committed since the last time, when it is much or has waited long.
    fn index(&mut self) -> Result<(), StoreError> {
        let (lane, count) = (self.lane, self.lane_count);
        let (writer, store, handle) = (&mut self.writer, &self.store, &self.runtime);
        self.waits += 1;
        loop {
            let waiting = store::index::waiting(writer, store, handle, lane)?;
            if waiting == 0 || (waiting < INDEX_ROWS && self.waits < INDEX_WAITS_MAX) {
                return Ok(());
            }
            self.waits = 0;
            store::index::step(writer, store, handle, lane, count, INDEX_ROWS)?;
        }
    }

    /// Writes a run and makes it answer, then clears away what it replaces.
    fn merge(&mut self, mut task: MergeTask) -> Result<Finished, StoreError> {
        let (lane, run) = (self.lane, task.row().run);
        self.kept(|w| key_runs::save_row(w, lane, &task.row()))?;
        while !task.is_finished() {
            let step = task.step(&mut KeyBodies::new(&mut self.writer, lane));
            let pieces = step.map_err(crate::batch::read_error)?;
            self.kept(|w| key_runs::save_pieces(w, lane, run, &pieces))?;
        }
        let finished = task
            .into_finished()
            .map_err(|_| StoreError::Corrupt("a merge ended before it was finished".into()))?;
        self.kept(|w| key_runs::switch(w, lane, finished.switch()))?;
        Ok(finished)
    }

    /// Writes something that certainly was not written yet, and waits for room while there is none:
    /// a disk that was full for a while must not end the sealing.
    fn kept(
        &mut self,
        write: impl Fn(&mut Writer) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        loop {
            match self.writer.transaction(&write) {
                Err(error @ (StoreError::Full(_) | StoreError::Busy(_)))
                    if !self.is_stopping.load(Ordering::Relaxed) =>
                {
                    tracing::warn!(%error, "keys cannot be sealed; trying again");
                    std::thread::sleep(ROOM_WAIT);
                }
                done => return done,
            }
        }
    }

    /// Removes the bodies of runs that do not answer any more.
    fn clear(&mut self, runs: &[i64]) -> Result<(), StoreError> {
        for &run in runs {
            let lane = self.lane;
            while !self.writer.transaction(|w| key_runs::forget(w, lane, run, FORGET_ROWS))? {}
        }
        Ok(())
    }
}
