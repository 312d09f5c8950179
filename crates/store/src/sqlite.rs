//! The embedded engine: one file, one process, one writer, readers beside it.
//!
//! *Invariant:* write-ahead log with `synchronous=FULL`, so an answered commit is on the disk; one
//! connection writes; readers cannot write; a second process is refused by a lock on `FILE.lock`;
//! a file that is not ours, or not whole, is refused before anything is changed in it.
//!
//! `FILE.index` holds what is written behind (rulings A11). It can be rebuilt from the journal, so
//! it trades durability for speed, and one that cannot be read is simply begun again. Checkpoints
//! run on a thread of their own: a commit never pays for one.

mod checkpoint;
pub(crate) mod copy;
mod file;
mod run;
mod snapshot;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use tokio::sync::Semaphore;

use crate::error::StoreError;
use crate::step::{Done, Step};

use checkpoint::Checkpointer;
use file::Home;
use run::{run, translate};
pub(crate) use snapshot::SqliteSnapshot;

const READER_COUNT_MAX: usize = 4;
/// Above the number of statements there are: the hot path never prepares twice.
const STATEMENT_CACHE_MAX: usize = 512;
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// An open store file with its index, shared by the writers and the readers.
pub(crate) struct Sqlite {
    path: PathBuf,
    readers: Mutex<Vec<Connection>>,
    reader_permits: Arc<Semaphore>,
    writer_taken: AtomicBool,
    index_writer_taken: AtomicBool,
    checkpointer: Checkpointer,
    /// Held for as long as the store is open. Last, so that it is let go after the connections.
    _lock: std::fs::File,
}

/// The writer of the main file or of the index; the place is free again when it is dropped.
pub(crate) struct SqliteWriter {
    connection: Connection,
    home: Home,
    store: Arc<Sqlite>,
}

impl Sqlite {
    /// Opens the file at `path`, making it where there is none.
    ///
    /// Errors, in order: `SecondProcess`, `Foreign`, `Corrupt`, `Unavailable`.
    pub(crate) fn open(path: &Path) -> Result<Arc<Sqlite>, StoreError> {
        let lock = file::lock(path)?;
        file::refuse_if_not_whole(path, Home::Main)?;
        let connection = open_connection(path, Home::Main)?;
        file::claim(&connection, path, Home::Main)?;
        let index = file::index_path(path);
        if begin_index(&index).is_err() {
            file::remove(&index)?;
            begin_index(&index)?;
        }
        Ok(Arc::new(Sqlite {
            path: path.to_owned(),
            readers: Mutex::new(Vec::new()),
            reader_permits: Arc::new(Semaphore::new(READER_COUNT_MAX)),
            writer_taken: AtomicBool::new(false),
            index_writer_taken: AtomicBool::new(false),
            checkpointer: Checkpointer::start(connection)?,
            _lock: lock,
        }))
    }

    /// The writer of the main file.
    ///
    /// Errors: `SecondProcess` while there is one.
    pub(crate) fn writer(self: &Arc<Sqlite>) -> Result<SqliteWriter, StoreError> {
        self.writer_of(Home::Main, &self.path)
    }

    /// The writer of the index file.
    ///
    /// Errors: `SecondProcess` while there is one.
    pub(crate) fn index_writer(self: &Arc<Sqlite>) -> Result<SqliteWriter, StoreError> {
        self.writer_of(Home::Index, &file::index_path(&self.path))
    }

    fn writer_of(self: &Arc<Sqlite>, home: Home, path: &Path) -> Result<SqliteWriter, StoreError> {
        if self.taken(home).swap(true, Ordering::SeqCst) {
            return Err(StoreError::SecondProcess(format!(
                "{} has a writer already",
                path.display()
            )));
        }
        let opened = self.open_writer(path, home).inspect_err(|_| {
            self.taken(home).store(false, Ordering::SeqCst);
        });
        Ok(SqliteWriter { connection: opened?, home, store: Arc::clone(self) })
    }

    /// The writer of the main file reads what is written behind, such as sorted runs of keys. It
    /// sees it read-only, so that its transactions take no lock there.
    fn open_writer(&self, path: &Path, home: Home) -> Result<Connection, StoreError> {
        let connection = open_connection(path, home)?;
        if home == Home::Main {
            let index = file::read_only_address(&file::index_path(&self.path))?;
            connection.execute("ATTACH ?1 AS behind", [index]).map_err(translate)?;
        }
        Ok(connection)
    }

    fn taken(&self, home: Home) -> &AtomicBool {
        match home {
            Home::Main => &self.writer_taken,
            Home::Index => &self.index_writer_taken,
        }
    }

    /// A connection that can only read, with the index beside the main file.
    fn open_reader(&self) -> Result<Connection, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags).map_err(translate)?;
        connection.busy_timeout(BUSY_TIMEOUT).map_err(translate)?;
        connection.pragma_update(None, "query_only", true).map_err(translate)?;
        connection.set_prepared_statement_cache_capacity(STATEMENT_CACHE_MAX);
        let index = file::index_path(&self.path);
        let index = index.to_str().ok_or_else(|| file::not_text(&index))?;
        connection.execute("ATTACH ?1 AS behind", [index]).map_err(translate)?;
        Ok(connection)
    }
}

impl SqliteWriter {
    pub(crate) fn begin(&mut self) -> Result<(), StoreError> {
        if self.home == Home::Main {
            self.store.checkpointer.pass();
        }
        self.simple("BEGIN IMMEDIATE")
    }

    pub(crate) fn run(&mut self, steps: &[Step<'_>]) -> Result<Vec<Done>, StoreError> {
        run(&self.connection, steps)
    }

    pub(crate) fn commit(&mut self) -> Result<(), StoreError> {
        self.simple("COMMIT")?;
        if self.home == Home::Main {
            self.store.checkpointer.nudge();
        }
        Ok(())
    }

    /// SQLite ends a transaction by itself when the disk is full or fails, so there may be none.
    pub(crate) fn rollback(&mut self) -> Result<(), StoreError> {
        if self.connection.is_autocommit() { Ok(()) } else { self.simple("ROLLBACK") }
    }

    pub(crate) fn batch(&mut self, text: &str) -> Result<(), StoreError> {
        self.connection.execute_batch(text).map_err(translate)
    }

    #[cfg(test)]
    pub(crate) fn prepare(
        &mut self,
        texts: &dyn crate::statement::Texts,
    ) -> Result<(), StoreError> {
        let prepared = self.connection.prepare_cached(texts.sqlite());
        prepared.map(drop).map_err(|error| translate(error).of(texts.name()))
    }

    fn simple(&mut self, text: &str) -> Result<(), StoreError> {
        let mut statement = self.connection.prepare_cached(text).map_err(translate)?;
        statement.raw_execute().map(drop).map_err(translate)
    }
}

impl Drop for SqliteWriter {
    fn drop(&mut self) {
        // A transaction left open would keep the next writer out until the connection is closed.
        let _ = self.rollback();
        self.store.taken(self.home).store(false, Ordering::SeqCst);
    }
}

fn begin_index(path: &Path) -> Result<(), StoreError> {
    file::refuse_if_not_whole(path, Home::Index)?;
    file::claim(&open_connection(path, Home::Index)?, path, Home::Index)
}

/// Opens a connection that may write. The busy timeout comes first, because changing the journal
/// mode takes a lock.
fn open_connection(path: &Path, home: Home) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_URI
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(translate)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(translate)?;
    let durability = match home {
        // A transaction that does not fit into the cache is written to the log twice.
        Home::Main => {
            "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0; PRAGMA cache_size = -65536;"
        }
        Home::Index => "PRAGMA synchronous = NORMAL; PRAGMA cache_size = -16384;",
    };
    let common = "PRAGMA journal_mode = WAL; PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY;";
    connection.execute_batch(&format!("{common} {durability}")).map_err(translate)?;
    connection.set_prepared_statement_cache_capacity(STATEMENT_CACHE_MAX);
    Ok(connection)
}
