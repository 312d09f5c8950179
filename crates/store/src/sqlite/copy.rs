//! Copying a store file while another process writes it, and putting a copy in the place of one.
//!
//! *Invariant:* the pages of a copy are of one moment: a transaction that reads is open from the
//! first to the last, so that the log keeps what is written meanwhile. A copy needs no log beside
//! it, and can be read where nothing can be written.

use std::fs::File;
use std::path::{Path, PathBuf};

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use super::BUSY_TIMEOUT;
use super::file::{self, Home};
use super::run::{run_one, translate};
use crate::error::StoreError;
use crate::meta;
use crate::step::Step;

/// Pages of one step: a megabyte.
const PAGES_AT_ONCE: i32 = 256;

pub(crate) use file::lock;

/// Fills the empty file `to` from the store at `path`, checks it, and says in which era it is.
///
/// Errors, in order: `Foreign`, `Corrupt`, what the engine says.
pub(crate) fn from_store(
    path: &Path,
    to: &Path,
    mut progress: impl FnMut(i32, i32),
) -> Result<i64, StoreError> {
    file::refuse_if_not_whole(path, Home::Main)?;
    let source = open(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    source.execute_batch("BEGIN").map_err(translate)?;
    file::require_ours(&source, path, Home::Main)?;
    let era = era(&source)?;
    let mut copy = open(to, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let backup = Backup::new(&source, &mut copy).map_err(translate)?;
    loop {
        let step = backup.step(PAGES_AT_ONCE).map_err(translate)?;
        let all = backup.progress();
        progress(all.pagecount - all.remaining, all.pagecount);
        match step {
            StepResult::Done => break,
            StepResult::More => {}
            _ => return Err(StoreError::Busy(format!("{} is locked", path.display()))),
        }
    }
    drop(backup);
    copy.query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(())).map_err(translate)?;
    copy.close().map_err(|(_, error)| translate(error))?;
    check(to)?;
    Ok(era)
}

/// Opens a copy anew and reads all of it.
fn check(path: &Path) -> Result<(), StoreError> {
    let copy = open(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let said: String =
        copy.query_row("PRAGMA integrity_check", [], |row| row.get(0)).map_err(translate)?;
    match said.as_str() {
        "ok" => Ok(()),
        said => Err(StoreError::Corrupt(format!("{}: {said}", path.display()))),
    }
}

/// Begins the next era in a copy, and says which it is.
pub(crate) fn begin_era(path: &Path) -> Result<i64, StoreError> {
    let copy = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let next = era(&copy)? + 1;
    run_one(&copy, &Step::Execute(&meta::SET, &[meta::ERA.into(), next.to_string().into()]))?;
    Ok(next)
}

fn era(connection: &Connection) -> Result<i64, StoreError> {
    meta::era_of(&run_one(connection, &Step::Query(&meta::FIND, &[meta::ERA.into()]))?.rows()?)
}

/// What there is of a store at `path`: the file, or a log that SQLite would take for the new one's.
pub(crate) fn what_is_left(path: &Path) -> Option<PathBuf> {
    [path.to_owned(), file::with_suffix(path, "-wal")].into_iter().find(|path| path.exists())
}

/// Where a copy is made that becomes the store at `path`: in the same folder.
pub(crate) fn beside(path: &Path) -> PathBuf {
    file::with_suffix(path, ".restoring")
}

/// Lets a copy become the store at `path`. An index that is left of another store goes: it is
/// written anew from the journal.
pub(crate) fn place(copy: &Path, path: &Path) -> Result<(), StoreError> {
    file::remove(&file::index_path(path))?;
    std::fs::rename(copy, path).map_err(|error| file::unavailable(path, &error))?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(|error| file::unavailable(folder, &error))
}

/// Removes a copy that was not finished.
pub(crate) fn remove(path: &Path) {
    // What cannot be removed is found, and refused, by the next copy.
    let _ = file::remove(path);
}

fn open(path: &Path, access: OpenFlags) -> Result<Connection, StoreError> {
    let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(translate)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(translate)?;
    Ok(connection)
}
