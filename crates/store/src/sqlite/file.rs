//! Whether a file may be opened at all: alone, ours, and whole.
//!
//! *Invariant:* nothing here changes a file that is refused.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::run::translate;
use crate::error::StoreError;

/// The first bytes of every SQLite file.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";
const HEADER_BYTES: usize = 100;

/// Which of the two files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Home {
    /// The store itself.
    Main,
    /// What is written behind, and can be rebuilt.
    Index,
}

impl Home {
    /// What SQLite keeps at byte 68 of the file: `DRWD` or `DRWI`.
    fn application_id(self) -> i32 {
        i32::from_be_bytes(match self {
            Home::Main => *b"DRWD",
            Home::Index => *b"DRWI",
        })
    }
}

pub(super) fn index_path(path: &Path) -> PathBuf {
    with_suffix(path, ".index")
}

/// The address of a file that is only to be read, in the form that SQLite's `ATTACH` takes.
pub(super) fn read_only_address(path: &Path) -> Result<String, StoreError> {
    let mut address = "file:".to_owned();
    for byte in path.to_str().ok_or_else(|| not_text(path))?.bytes() {
        match byte {
            b'/' | b'.' | b'-' | b'_' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => {
                address.push(char::from(byte));
            }
            other => address.push_str(&format!("%{other:02X}")),
        }
    }
    address.push_str("?mode=ro");
    Ok(address)
}

pub(super) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Takes the lock that says which process owns the store. It lives in a file of its own, because
/// SQLite's locks on the main file are lost when any other handle of the process on it is closed.
///
/// Errors, in order: `Unavailable` when there is no such folder, `SecondProcess`.
pub(crate) fn lock(path: &Path) -> Result<File, StoreError> {
    let lock_path = with_suffix(path, ".lock");
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&lock_path)
        .map_err(|error| unavailable(&lock_path, &error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            Err(StoreError::SecondProcess(format!("another process holds {}", lock_path.display())))
        }
        Err(TryLockError::Error(error)) => Err(unavailable(&lock_path, &error)),
    }
}

/// Refuses a file that is not ours or has lost its end. A missing or empty file is a new store.
///
/// The header's page count is compared with the length only where there is no write-ahead log;
/// with one, pages may still be on their way into the file, and SQLite's own checks come later.
///
/// Errors, in order: `Foreign`, `Corrupt`.
pub(super) fn refuse_if_not_whole(path: &Path, home: Home) -> Result<(), StoreError> {
    let mut header = [0; HEADER_BYTES];
    let length = match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(unavailable(path, &error)),
        Ok(mut file) => {
            let length = file.metadata().map_err(|error| unavailable(path, &error))?.len();
            if length == 0 {
                return refuse_if_log_survives(path);
            }
            let read = file.read_exact(&mut header);
            read.map_err(|_| foreign(path, "it is too short to be a SQLite file"))?;
            length
        }
    };
    if &header[..16] != MAGIC {
        return Err(foreign(path, "it is not a SQLite file"));
    }
    let word = |at: usize| {
        u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
    };
    let has_log = std::fs::metadata(with_suffix(path, "-wal")).is_ok_and(|log| log.len() > 0);
    let id = i32::from_be_bytes(word(68).to_be_bytes());
    // A process that died while it made the file left one page without a name.
    let unclaimed = id == 0 && word(28) <= 1;
    if id != home.application_id() && !unclaimed && !has_log {
        return Err(foreign(path, "another program made it"));
    }
    // A page size of 65536 is written as 1.
    let page_bytes = match u16::from_be_bytes([header[16], header[17]]) {
        1 => 65_536,
        bytes => u64::from(bytes),
    };
    let expected = u64::from(word(28)) * page_bytes;
    if length < expected && !has_log {
        return Err(StoreError::Corrupt(format!(
            "{} is cut off: {length} bytes of {expected}",
            path.display()
        )));
    }
    Ok(())
}

/// An empty file beside a log with frames was a store once.
fn refuse_if_log_survives(path: &Path) -> Result<(), StoreError> {
    let log = with_suffix(path, "-wal");
    match std::fs::metadata(&log) {
        Ok(found) if found.len() > 0 => Err(StoreError::Corrupt(format!(
            "{} is empty, but {} holds changes of it",
            path.display(),
            log.display()
        ))),
        _ => Ok(()),
    }
}

/// Marks a new file as ours, and refuses one that turns out, log included, to be another's.
///
/// Errors, in order: `Foreign`, `Corrupt`.
pub(super) fn claim(connection: &Connection, path: &Path, home: Home) -> Result<(), StoreError> {
    let number = |pragma: &str| -> Result<i64, StoreError> {
        connection.pragma_query_value(None, pragma, |row| row.get(0)).map_err(translate)
    };
    let tables = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0))
        .map_err(translate)?;
    let id = number("application_id")?;
    if id == 0 && tables == 0 {
        let set = connection.pragma_update(None, "application_id", home.application_id());
        return set.map_err(translate);
    }
    if id != i64::from(home.application_id()) {
        return Err(foreign(path, "another program made it"));
    }
    // With the log folded in, the file has to be as long as its header says.
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).map_err(translate)?;
    let expected = number("page_count")?.saturating_mul(number("page_size")?);
    let length = std::fs::metadata(path).map_err(|error| unavailable(path, &error))?.len();
    if i64::try_from(length).is_ok_and(|length| length < expected) {
        return Err(StoreError::Corrupt(format!(
            "{} is cut off: {length} bytes of {expected}",
            path.display()
        )));
    }
    Ok(())
}

/// Refuses a file without tables of ours.
///
/// Errors: `Foreign`.
pub(super) fn require_ours(
    connection: &Connection,
    path: &Path,
    home: Home,
) -> Result<(), StoreError> {
    let id: i64 = connection
        .pragma_query_value(None, "application_id", |row| row.get(0))
        .map_err(translate)?;
    if id != i64::from(home.application_id()) {
        return Err(foreign(path, "another program made it"));
    }
    let tables: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_schema WHERE name = 'meta'", [], |row| row.get(0))
        .map_err(translate)?;
    if tables == 0 { Err(foreign(path, "it has no tables yet")) } else { Ok(()) }
}

/// Removes an index that cannot be used, with its log.
pub(super) fn remove(index: &Path) -> Result<(), StoreError> {
    for suffix in ["", "-wal", "-shm"] {
        let path = with_suffix(index, suffix);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(unavailable(&path, &error));
            }
            _ => {}
        }
    }
    Ok(())
}

pub(super) fn not_text(path: &Path) -> StoreError {
    StoreError::Unavailable(format!("path {} is not valid text", path.display()))
}

fn foreign(path: &Path, why: &str) -> StoreError {
    StoreError::Foreign(format!("{}: {why}", path.display()))
}

pub(super) fn unavailable(path: &Path, error: &std::io::Error) -> StoreError {
    StoreError::Unavailable(format!("{}: {error}", path.display()))
}
