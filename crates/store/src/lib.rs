//! All SQL of the product: one catalogue of statements over two thin drivers.
//!
//! *Invariant:* nothing outside this crate knows a table, and nothing in it knows a rule or the
//! wire. Writes go through a [`Writer`], one for each lane, which blocks; reads go through a
//! [`Snapshot`], which is async and sees one moment.

pub mod answers;
pub mod api_keys;
pub mod arrivals;
pub mod backup;
pub mod claims;
pub mod coupons;
pub mod deposits;
mod discounts;
pub mod disputes;
pub mod documents;
mod erasure;
mod error;
mod events;
mod fault;
pub mod grants;
pub mod holds;
pub mod index;
pub mod journal;
pub mod key_runs;
pub mod keys;
pub mod label_sets;
pub mod lanes;
pub mod limits;
pub mod members;
pub mod meta;
pub mod migrate;
mod noun;
pub mod organizations;
pub mod outbox;
pub mod parties;
pub mod payment_methods;
pub mod platforms;
mod postgres;
pub mod prices;
pub mod read;
pub mod redemptions;
pub mod refunds;
pub mod resources;
pub mod runs;
mod save;
pub mod series;
mod skus;
mod snapshot;
mod sqlite;
mod statement;
mod step;
pub mod testkit;
#[cfg(test)]
mod tests;
mod value;
pub mod wakes;
pub mod wallets;
mod writer;

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use tokio::runtime::Handle;

pub use answers::{NewAnswer, StoredAnswer};
pub use error::StoreError;
pub use fault::{Fault, FaultPlan};
pub use lanes::{LaneRow, ReplicaRow};
pub use noun::Keyed;
pub use save::{Batch, Saved, save};
pub use snapshot::{READ_TIME_MAX, Snapshot};
pub use statement::{Action, Bulk, Kind, Load, Statement};
pub use step::{Done, Step};
pub use value::{Column, Row, Value};
pub use writer::Writer;

use postgres::Postgres;
use sqlite::Sqlite;

/// Where a store is: `sqlite:PATH` or `postgres://…`.
#[derive(Clone, PartialEq, Eq)]
pub enum StoreUrl {
    Sqlite(PathBuf),
    Postgres(String),
}

/// An open store. Copies share the connections and, on SQLite, the lock; the last one closes them.
#[derive(Clone)]
pub struct Store {
    engine: Engine,
    faults: Option<Arc<FaultPlan>>,
}

#[derive(Clone)]
enum Engine {
    Sqlite(Arc<Sqlite>),
    Postgres(Arc<Postgres>),
}

impl Store {
    /// Opens the store; its schema is looked at by [`migrate::run`]. `runtime` drives the
    /// connections of PostgreSQL, which are made when they are needed.
    ///
    /// Errors, in order: `SecondProcess`, `Foreign`, `Corrupt`, `Unavailable`.
    pub fn open(url: &StoreUrl, runtime: &Handle) -> Result<Store, StoreError> {
        let engine = match url {
            StoreUrl::Sqlite(path) => Engine::Sqlite(Sqlite::open(path)?),
            StoreUrl::Postgres(url) => Engine::Postgres(Postgres::open(url, runtime)?),
        };
        Ok(Store { engine, faults: None })
    }

    /// The same store with planned faults in the writers taken from now on.
    pub fn with_faults(self, faults: Arc<FaultPlan>) -> Store {
        Store { faults: Some(faults), ..self }
    }

    /// A writer for one lane. SQLite has one writer, so one lane.
    ///
    /// Errors: `SecondProcess` when SQLite's writer is taken.
    pub fn writer(&self) -> Result<Writer, StoreError> {
        let engine = match &self.engine {
            Engine::Sqlite(store) => writer::Engine::Sqlite(store.writer()?),
            Engine::Postgres(store) => writer::Engine::Postgres(Box::new(store.writer())),
        };
        Ok(Writer::new(engine, self.faults.clone()))
    }

    /// The writer of what is written behind: on SQLite of the index file, which knows no table of
    /// the main file; on PostgreSQL of the same database.
    ///
    /// Errors: `SecondProcess` when SQLite's index writer is taken.
    pub fn index_writer(&self) -> Result<Writer, StoreError> {
        let engine = match &self.engine {
            Engine::Sqlite(store) => writer::Engine::Sqlite(store.index_writer()?),
            Engine::Postgres(store) => writer::Engine::Postgres(Box::new(store.writer())),
        };
        Ok(Writer::new(engine, self.faults.clone()))
    }

    /// Whether several processes can share this store, each with lanes of its own.
    pub fn is_shared(&self) -> bool {
        matches!(self.engine, Engine::Postgres(_))
    }

    /// A snapshot to read from; it waits while all readers are in use.
    pub async fn snapshot(&self) -> Result<Snapshot, StoreError> {
        Ok(Snapshot::new(match &self.engine {
            Engine::Sqlite(store) => snapshot::Engine::Sqlite(store.snapshot().await?),
            Engine::Postgres(store) => snapshot::Engine::Postgres(store.snapshot().await?),
        }))
    }
}

/// Without what follows `postgres://`, where a password may be.
impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreUrl::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            StoreUrl::Postgres(_) => f.write_str("postgres://…"),
        }
    }
}

impl FromStr for StoreUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<StoreUrl, String> {
        if let Some(path) = text.strip_prefix("sqlite:") {
            return match path {
                "" => Err("sqlite: without a path".to_owned()),
                path => Ok(StoreUrl::Sqlite(PathBuf::from(path))),
            };
        }
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Ok(StoreUrl::Postgres(text.to_owned()));
        }
        Err("store address is neither sqlite:PATH nor postgres://…".to_owned())
    }
}
