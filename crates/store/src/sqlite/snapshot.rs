//! A read on SQLite: one read transaction on a pooled connection, off the async threads.

use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::spawn_blocking;

use super::Sqlite;
use super::run::{run_one, translate};
use crate::error::StoreError;
use crate::snapshot::{Owned, READ_TIME_MAX};
use crate::value::Row;

/// How long a query that was told to stop may take to do so.
const STOP_TIME_MAX: Duration = Duration::from_secs(5);

pub(crate) struct SqliteSnapshot {
    /// None while a query runs, and for good after one that was given up.
    connection: Option<Connection>,
    store: Arc<Sqlite>,
    _permit: OwnedSemaphorePermit,
}

impl Sqlite {
    pub(crate) async fn snapshot(self: &Arc<Sqlite>) -> Result<SqliteSnapshot, StoreError> {
        let permit = Arc::clone(&self.reader_permits).acquire_owned().await;
        let permit = permit.map_err(|_| StoreError::Unavailable("store closed".to_owned()))?;
        let pooled = self.readers.lock().ok().and_then(|mut readers| readers.pop());
        let connection = match pooled {
            Some(connection) => connection,
            None => self.open_reader()?,
        };
        Ok(SqliteSnapshot {
            connection: Some(connection),
            store: Arc::clone(self),
            _permit: permit,
        })
    }
}

impl SqliteSnapshot {
    pub(crate) async fn run(&mut self, query: Owned) -> Result<Vec<Row>, StoreError> {
        let connection = self.connection.take().ok_or_else(|| given_up("an earlier query"))?;
        let interrupt = connection.get_interrupt_handle();
        let mut task = spawn_blocking(move || {
            let done = begin(&connection).and_then(|()| run_one(&connection, &query.step()));
            (connection, done)
        });
        let finished = match tokio::time::timeout(READ_TIME_MAX, &mut task).await {
            Ok(finished) => finished,
            Err(_) => {
                interrupt.interrupt();
                tokio::time::timeout(STOP_TIME_MAX, task)
                    .await
                    .map_err(|_| given_up("the query"))?
            }
        };
        let (connection, done) =
            finished.map_err(|error| StoreError::mistake(format!("a query panicked: {error}")))?;
        self.connection = Some(connection);
        done?.rows()
    }
}

impl Drop for SqliteSnapshot {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            let ended = connection.is_autocommit() || connection.execute_batch("ROLLBACK").is_ok();
            if ended && let Ok(mut readers) = self.store.readers.lock() {
                readers.push(connection);
            }
        }
    }
}

/// Begins the snapshot, unless it has begun. The index is looked at first: what it lists is then
/// always in the journal seen beside it.
fn begin(connection: &Connection) -> Result<(), StoreError> {
    if !connection.is_autocommit() {
        return Ok(());
    }
    let text = "BEGIN; SELECT count(*) FROM behind.sqlite_schema; \
                SELECT count(*) FROM main.sqlite_schema;";
    connection.execute_batch(text).map_err(translate)
}

fn given_up(what: &str) -> StoreError {
    StoreError::Unavailable(format!("{what} ran longer than {} s", READ_TIME_MAX.as_secs()))
}
