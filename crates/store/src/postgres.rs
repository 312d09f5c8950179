//! The server engine: PostgreSQL, or what speaks its protocol.
//!
//! *Invariant:* a writer owns its connection and blocks on it from its own thread; a connection on
//! which anything went wrong at the wire is thrown away, and the next `begin` makes a new one. A
//! commit during which the server warned is of unknown outcome: a cancelled wait for a standby is
//! reported as success with a warning.
//!
//! Connections are not encrypted yet: the server belongs on the same host or a private network.

mod session;
mod wire;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::StoreError;
use crate::snapshot::{Owned, READ_TIME_MAX};
use crate::step::{Done, Step};
use crate::value::Row;

use session::Session;

const READER_COUNT_MAX: usize = 8;
/// Beyond this a statement or a commit is given up; the server's own time-out does not run while
/// it waits for a standby.
const STATEMENT_TIME_MAX: Duration = Duration::from_secs(30);
const COMMIT_TIME_MAX: Duration = Duration::from_secs(10);

/// Where the server is, and the connections that read from it.
pub(crate) struct Postgres {
    config: tokio_postgres::Config,
    runtime: Handle,
    readers: Mutex<Vec<Session>>,
    reader_permits: Arc<Semaphore>,
}

/// A connection that writes, made when it is first needed.
pub(crate) struct PostgresWriter {
    store: Arc<Postgres>,
    session: Option<Session>,
    transaction: Transaction,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Transaction {
    None,
    /// Asked for; `BEGIN` travels with the first steps.
    Wanted,
    Open,
}

/// One read transaction on a pooled connection.
pub(crate) struct PostgresSnapshot {
    store: Arc<Postgres>,
    session: Option<Session>,
    begun: bool,
    _permit: OwnedSemaphorePermit,
}

impl Postgres {
    /// Reads the address; connections are made when they are needed.
    pub(crate) fn open(url: &str, runtime: &Handle) -> Result<Arc<Postgres>, StoreError> {
        let config: tokio_postgres::Config = url
            .parse()
            .map_err(|error| StoreError::Unavailable(format!("address of the store: {error}")))?;
        Ok(Arc::new(Postgres {
            config,
            runtime: runtime.clone(),
            readers: Mutex::new(Vec::new()),
            reader_permits: Arc::new(Semaphore::new(READER_COUNT_MAX)),
        }))
    }

    pub(crate) fn writer(self: &Arc<Postgres>) -> PostgresWriter {
        PostgresWriter { store: Arc::clone(self), session: None, transaction: Transaction::None }
    }

    pub(crate) async fn snapshot(self: &Arc<Postgres>) -> Result<PostgresSnapshot, StoreError> {
        let permit = Arc::clone(&self.reader_permits).acquire_owned().await;
        let permit = permit.map_err(|_| StoreError::Unavailable("store closed".to_owned()))?;
        let session = match self.pooled() {
            Some(session) => session,
            None => Session::connect(&self.config, &self.runtime).await?,
        };
        let (store, session) = (Arc::clone(self), Some(session));
        Ok(PostgresSnapshot { store, session, begun: false, _permit: permit })
    }

    /// A reader that is still connected.
    fn pooled(&self) -> Option<Session> {
        let mut readers = self.readers.lock().ok()?;
        readers.retain(|session| !session.is_closed());
        readers.pop()
    }
}

impl PostgresWriter {
    /// Connects if need be. `BEGIN` itself travels with the first steps.
    pub(crate) fn begin(&mut self) -> Result<(), StoreError> {
        if self.transaction != Transaction::None {
            return Err(StoreError::mistake("begin inside a transaction"));
        }
        self.session()?;
        self.transaction = Transaction::Wanted;
        Ok(())
    }

    pub(crate) fn run(&mut self, steps: &[Step<'_>]) -> Result<Vec<Done>, StoreError> {
        let first = match self.transaction {
            Transaction::Wanted => Some("BEGIN"),
            Transaction::None | Transaction::Open => None,
        };
        let runtime = self.store.runtime.clone();
        let session = self.session()?;
        let done = runtime.block_on(within(STATEMENT_TIME_MAX, session.run(first, steps)));
        self.note(&done);
        done
    }

    pub(crate) fn commit(&mut self) -> Result<(), StoreError> {
        match std::mem::replace(&mut self.transaction, Transaction::None) {
            Transaction::Wanted => return Ok(()),
            Transaction::Open => {}
            Transaction::None => return Err(StoreError::mistake("commit without begin")),
        }
        let runtime = self.store.runtime.clone();
        // The transaction's own connection: a new one would know nothing of it.
        let Some(session) = &mut self.session else {
            return Err(StoreError::Unavailable("connection lost in a transaction".to_owned()));
        };
        let committed = runtime.block_on(within(COMMIT_TIME_MAX, session.commit()));
        if committed.is_err() {
            self.session = None;
        }
        committed
    }

    pub(crate) fn rollback(&mut self) -> Result<(), StoreError> {
        let transaction = std::mem::replace(&mut self.transaction, Transaction::None);
        let runtime = self.store.runtime.clone();
        let (Some(session), Transaction::Open) = (&mut self.session, transaction) else {
            return Ok(());
        };
        let undone = runtime.block_on(within(STATEMENT_TIME_MAX, session.batch("ROLLBACK")));
        if undone.is_err() {
            // The server undoes what a closed connection left open.
            self.session = None;
        }
        Ok(())
    }

    pub(crate) fn batch(&mut self, text: &str) -> Result<(), StoreError> {
        self.run(&[])?;
        let runtime = self.store.runtime.clone();
        let session = self.session()?;
        let done = runtime.block_on(within(STATEMENT_TIME_MAX, session.batch(text)));
        self.note(&done);
        done
    }

    #[cfg(test)]
    pub(crate) fn prepare(
        &mut self,
        texts: &dyn crate::statement::Texts,
    ) -> Result<(), StoreError> {
        let runtime = self.store.runtime.clone();
        let session = self.session()?;
        runtime.block_on(session.prepare(texts)).map(drop)
    }

    /// Keeps the state after something was asked of the server: `BEGIN` is on its way by then, and
    /// a connection that did not answer is not asked again.
    fn note<T>(&mut self, done: &Result<T, StoreError>) {
        if self.transaction == Transaction::Wanted {
            self.transaction = Transaction::Open;
        }
        if let Err(StoreError::Unavailable(_)) = done {
            self.session = None;
        }
    }

    /// The connection. Inside a transaction a lost one is an error and not replaced, because the
    /// server has undone what was done on it.
    fn session(&mut self) -> Result<&mut Session, StoreError> {
        let lost = self.session.as_ref().is_none_or(Session::is_closed);
        if lost && self.transaction == Transaction::Open {
            return Err(StoreError::Unavailable("connection lost in a transaction".to_owned()));
        }
        if lost {
            let connected = Session::connect(&self.store.config, &self.store.runtime);
            let connected = within(STATEMENT_TIME_MAX, connected);
            self.session = Some(self.store.runtime.block_on(connected)?);
        }
        self.session.as_mut().ok_or_else(|| StoreError::mistake("no connection"))
    }
}

impl PostgresSnapshot {
    pub(crate) async fn run(&mut self, query: Owned) -> Result<Vec<Row>, StoreError> {
        let begin = "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY";
        let session = self
            .session
            .as_mut()
            .ok_or_else(|| StoreError::Unavailable("an earlier query was given up".to_owned()))?;
        let first = (!std::mem::replace(&mut self.begun, true)).then_some(begin);
        let steps = [query.step()];
        let done = within(READ_TIME_MAX, session.run(first, &steps)).await;
        if let Err(StoreError::Unavailable(_)) = done {
            self.session = None;
        }
        done?.pop().map_or(Ok(Vec::new()), Done::rows)
    }
}

impl Drop for PostgresSnapshot {
    /// Ends the transaction and gives the connection back, without making the caller wait.
    fn drop(&mut self) {
        let (Some(mut session), store) = (self.session.take(), Arc::clone(&self.store)) else {
            return;
        };
        let runtime = store.runtime.clone();
        runtime.spawn(async move {
            if session.batch("ROLLBACK").await.is_ok()
                && let Ok(mut readers) = store.readers.lock()
            {
                readers.push(session);
            }
        });
    }
}

/// Gives up on the server after `limit`; the connection must not be used again.
async fn within<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    match tokio::time::timeout(limit, work).await {
        Ok(done) => done,
        Err(_) => Err(StoreError::Unavailable(format!("no answer in {} s", limit.as_secs()))),
    }
}
