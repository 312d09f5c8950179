//! Moves the write-ahead log into the file, beside the writer and not in its way.
//!
//! *Invariant:* a commit never waits for an ordinary checkpoint. One that goes on beside a writer
//! that never pauses cannot finish, so a log beyond its maximum closes the gate before the next
//! transaction for the moment in which the log starts over: the push back of rulings A14. A reader
//! that still needs the log makes that try fail, and the next is due a quarter of the maximum
//! later.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rusqlite::Connection;

use super::run::translate;
use crate::error::StoreError;

/// Pages of the log that are worth a checkpoint: 32 MB. Wallets change with every batch, so the
/// longer a checkpoint waits, the more of their writes it leaves out.
const PENDING_PAGES: i64 = 8_192;
/// Pages beyond which the log has to start over: 64 MB.
const LOG_PAGES_MAX: i64 = 16_384;
/// The least time between two looks, so that small commits do not pay for them.
const PAUSE: Duration = Duration::from_millis(20);
/// How long the gate may stay closed while readers hold on to the log.
const GATE_TIME_MAX: Duration = Duration::from_millis(250);

/// The thread that checkpoints; it sleeps until it is nudged.
pub(super) struct Checkpointer {
    stop: Arc<AtomicBool>,
    gate: Arc<Mutex<()>>,
    thread: Option<JoinHandle<()>>,
}

/// What the log looks like.
struct Log {
    /// Whether readers kept the checkpoint from finishing.
    busy: bool,
    pages: i64,
    /// Those already in the file.
    moved: i64,
}

impl Checkpointer {
    pub(super) fn start(connection: Connection) -> Result<Checkpointer, StoreError> {
        connection.busy_timeout(GATE_TIME_MAX).map_err(translate)?;
        let (stop, gate) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(())));
        let (stopped, closed) = (Arc::clone(&stop), Arc::clone(&gate));
        let work = move || {
            let mut start_over_at = LOG_PAGES_MAX;
            while !stopped.load(Ordering::SeqCst) {
                thread::park();
                // A checkpoint that fails is tried again after the next commit; the log keeps
                // everything meanwhile.
                if let Ok(next) = checkpoint(&connection, &closed, start_over_at) {
                    start_over_at = next;
                }
                thread::sleep(PAUSE);
            }
        };
        let thread = thread::Builder::new().name("checkpoint".to_owned()).spawn(work);
        let thread = thread.map_err(|error| StoreError::Unavailable(error.to_string()))?;
        Ok(Checkpointer { stop, gate, thread: Some(thread) })
    }

    /// Waits at the gate, which is nearly always open.
    pub(super) fn pass(&self) {
        drop(self.gate.lock());
    }

    /// Says that there is something new in the log.
    pub(super) fn nudge(&self) {
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        self.nudge();
        if let Some(thread) = self.thread.take() {
            // A panic in the thread was reported when it happened.
            let _ = thread.join();
        }
    }
}

/// Looks at the log and does what is worth doing. Answers at how many pages it has to start over.
fn checkpoint(
    connection: &Connection,
    gate: &Mutex<()>,
    start_over_at: i64,
) -> rusqlite::Result<i64> {
    let log = pragma(connection, "PRAGMA wal_checkpoint(NOOP)")?;
    let is_full = log.pages >= start_over_at;
    // Before the gate is closed too, so that little is left to do behind it.
    if is_full || log.pages - log.moved >= PENDING_PAGES {
        pragma(connection, "PRAGMA wal_checkpoint(PASSIVE)")?;
    }
    if !is_full {
        return Ok(start_over_at);
    }
    let closed = gate.lock();
    let after = pragma(connection, "PRAGMA wal_checkpoint(RESTART)")?;
    drop(closed);
    Ok(if after.busy { after.pages + LOG_PAGES_MAX / 4 } else { LOG_PAGES_MAX })
}

fn pragma(connection: &Connection, text: &str) -> rusqlite::Result<Log> {
    connection.query_row(text, [], |row| {
        Ok(Log { busy: row.get::<_, i64>(0)? != 0, pages: row.get(1)?, moved: row.get(2)? })
    })
}
