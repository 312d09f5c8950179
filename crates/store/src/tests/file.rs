//! SQLite's files: alone, ours and whole, or refused.

use std::fs::OpenOptions;
use std::path::Path;

use domain::time::Timestamp;
use tokio::runtime::Runtime;

use super::{conform, runtime};
use crate::testkit::TempFolder;
use crate::{Store, StoreError, StoreUrl, migrate};

fn open(path: &Path, runtime: &Runtime) -> Result<Store, StoreError> {
    Store::open(&StoreUrl::Sqlite(path.to_owned()), runtime.handle())
}

/// A closed store with 2000 events in it.
fn filled(path: &Path, runtime: &Runtime) {
    let store = open(path, runtime).unwrap();
    migrate::run(&store, "test", Timestamp::ZERO).unwrap();
    let mut writer = store.writer().unwrap();
    writer.begin().unwrap();
    for number in 0..2000 {
        writer.execute(&conform::INSERT_EVENT, &conform::event(number)).unwrap();
    }
    writer.commit().unwrap();
}

fn cut(path: &Path, length: u64) {
    OpenOptions::new().write(true).open(path).unwrap().set_len(length).unwrap();
}

#[test]
fn conform_a_second_process_is_refused() {
    let (folder, runtime) = (TempFolder::new(), runtime());
    let path = folder.path().join("store");
    let store = open(&path, &runtime).unwrap();
    let refused = open(&path, &runtime).err().unwrap();
    assert!(matches!(refused, StoreError::SecondProcess(_)), "{refused}");
    drop(store);
    open(&path, &runtime).unwrap();
}

#[test]
fn conform_a_second_writer_is_refused() {
    let (folder, runtime) = (TempFolder::new(), runtime());
    let store = open(&folder.path().join("store"), &runtime).unwrap();
    let writer = store.writer().unwrap();
    let _index = store.index_writer().unwrap();
    let refused = store.writer().err().unwrap();
    assert!(matches!(refused, StoreError::SecondProcess(_)), "{refused}");
    drop(writer);
    store.writer().unwrap();
}

#[test]
fn conform_a_foreign_file_is_refused_and_left_alone() {
    let (folder, runtime) = (TempFolder::new(), runtime());
    let text = folder.path().join("text");
    std::fs::write(&text, "not a database ".repeat(100)).unwrap();
    let other = folder.path().join("other");
    let connection = rusqlite::Connection::open(&other).unwrap();
    connection.execute_batch("CREATE TABLE t (a); INSERT INTO t VALUES (1)").unwrap();
    drop(connection);
    for path in [text, other] {
        let before = std::fs::read(&path).unwrap();
        let refused = open(&path, &runtime).err().unwrap();
        assert!(matches!(refused, StoreError::Foreign(_)), "{refused}");
        assert!(refused.to_string().contains(path.to_str().unwrap()));
        assert_eq!(std::fs::read(&path).unwrap(), before);
    }
}

#[test]
fn conform_a_foreign_file_in_use_is_refused() {
    let (folder, runtime) = (TempFolder::new(), runtime());
    let path = folder.path().join("store");
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (a)").unwrap();
    let refused = open(&path, &runtime).err().unwrap();
    assert!(matches!(refused, StoreError::Foreign(_)), "{refused}");
}

#[test]
fn conform_a_truncated_file_is_refused() {
    let (folder, runtime) = (TempFolder::new(), runtime());
    let path = folder.path().join("store");
    filled(&path, &runtime);
    let length = std::fs::metadata(&path).unwrap().len();
    for cut_to in [length - 1, length / 2, 4096, 50] {
        cut(&path, cut_to);
        let refused = open(&path, &runtime).err().unwrap();
        let expected = match refused {
            StoreError::Corrupt(_) => cut_to >= 100,
            StoreError::Foreign(_) => cut_to < 100,
            _ => false,
        };
        assert!(expected, "cut to {cut_to}: {refused}");
        assert_eq!(std::fs::metadata(&path).unwrap().len(), cut_to);
    }
}

#[test]
fn an_index_that_cannot_be_read_is_begun_again() {
    let (folder, runtime) = (TempFolder::new(), runtime());
    let path = folder.path().join("store");
    filled(&path, &runtime);
    std::fs::write(folder.path().join("store.index"), "spoilt ".repeat(100)).unwrap();
    let store = open(&path, &runtime).unwrap();
    assert_eq!(migrate::run(&store, "test", Timestamp::ZERO), Ok(1));
}

/// Commits go on past the size at which the log is worth a checkpoint, and past the one at which it
/// has to start over; the log stays bounded.
#[test]
fn the_log_is_checkpointed_beside_the_writer() {
    let (folder, runtime) = (TempFolder::new(), runtime());
    let path = folder.path().join("store");
    filled(&path, &runtime);
    let store = open(&path, &runtime).unwrap();
    let before = std::fs::metadata(&path).unwrap().len();
    let mut writer = store.writer().unwrap();
    let body = "x".repeat(100_000);
    for number in 0..1000 {
        let mut event = conform::event(10_000 + number);
        event[5] = body.as_str().into();
        writer.begin().unwrap();
        writer.execute(&conform::INSERT_EVENT, &event).unwrap();
        writer.commit().unwrap();
    }
    let log = std::fs::metadata(folder.path().join("store-wal")).unwrap().len();
    assert!(log < 90_000_000, "log of {log} bytes");
    assert!(std::fs::metadata(&path).unwrap().len() > before + 1_000_000);
}
