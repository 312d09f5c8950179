//! A SQLite store as one file, and back (rulings A14).
//!
//! *Invariant:* a copy is of one moment, whatever is written meanwhile, and is whole before it is
//! called a backup; nothing that exists is written over; a store that was restored is in an era of
//! its own, because what the lost one did after the backup did happen outside.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::ErrorKind;
use std::path::Path;

use crate::error::StoreError;
use crate::sqlite::copy;

/// What a copy is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Copied {
    pub bytes: u64,
    /// The era of the store, which the copy has as well.
    pub era: i64,
}

/// What was restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Restored {
    pub bytes: u64,
    /// The era that begins.
    pub era: i64,
}

/// Why there is no copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotCopied {
    /// There is nothing to be copied.
    Missing(String),
    /// It would be written over what is there.
    Exists(String),
    Store(StoreError),
}

impl From<StoreError> for NotCopied {
    fn from(error: StoreError) -> NotCopied {
        NotCopied::Store(error)
    }
}

impl fmt::Display for NotCopied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotCopied::Missing(path) => write!(f, "there is no {path}"),
            NotCopied::Exists(path) => write!(f, "{path} exists already"),
            NotCopied::Store(error) => error.fmt(f),
        }
    }
}

/// Copies the store at `path` into the new file `to`, beside the process that serves it; `progress`
/// hears of pages that are done, and of all. It blocks.
///
/// Errors, in order: `Missing`, `Exists`, `Foreign`, `Corrupt`, `Full`. There is nothing at `to`
/// then, but what was there before.
pub fn copy(path: &Path, to: &Path, progress: impl FnMut(i32, i32)) -> Result<Copied, NotCopied> {
    require(path)?;
    claim(to)?;
    let copied = copy::from_store(path, to, progress)
        .and_then(|era| Ok(Copied { bytes: sync(to)?, era }))
        .inspect_err(|_| copy::remove(to));
    Ok(copied?)
}

/// Makes the store at `path` from the backup `from`, in the era after the backup's. The copy is
/// checked under another name beside it before it takes its place. It blocks.
///
/// Errors, in order: `Missing`, `SecondProcess`, `Exists`, `Foreign`, `Corrupt`, `Full`. There is
/// no store then.
pub fn restore(from: &Path, path: &Path) -> Result<Restored, NotCopied> {
    require(from)?;
    let _alone = copy::lock(path)?;
    if let Some(left) = copy::what_is_left(path) {
        return Err(NotCopied::Exists(left.display().to_string()));
    }
    let beside = copy::beside(path);
    claim(&beside)?;
    let restored = refill(from, &beside)
        .and_then(|restored| copy::place(&beside, path).map(|()| restored))
        .inspect_err(|_| copy::remove(&beside));
    Ok(restored?)
}

fn refill(from: &Path, to: &Path) -> Result<Restored, StoreError> {
    copy::from_store(from, to, |_, _| ())?;
    let era = copy::begin_era(to)?;
    Ok(Restored { bytes: sync(to)?, era })
}

fn require(path: &Path) -> Result<(), NotCopied> {
    if path.exists() { Ok(()) } else { Err(NotCopied::Missing(path.display().to_string())) }
}

/// Makes a file that was not there.
fn claim(path: &Path) -> Result<(), NotCopied> {
    match OpenOptions::new().write(true).create_new(true).open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            Err(NotCopied::Exists(path.display().to_string()))
        }
        Err(error) => Err(unavailable(path, &error).into()),
    }
}

/// Waits until a file is on the disk, and says how long it is.
fn sync(path: &Path) -> Result<u64, StoreError> {
    let length = File::open(path).and_then(|file| {
        file.sync_all()?;
        Ok(file.metadata()?.len())
    });
    length.map_err(|error| unavailable(path, &error))
}

fn unavailable(path: &Path, error: &std::io::Error) -> StoreError {
    StoreError::Unavailable(format!("{}: {error}", path.display()))
}
