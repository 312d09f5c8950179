//! Reads: everything asked of one snapshot is seen at one moment.
//!
//! *Invariant:* a snapshot cannot write. It begins with its first query, and what it shows does
//! not change afterwards, whatever is committed meanwhile, so the rows of a page add up (rulings
//! A11). It ends when it is dropped. No query runs longer than [`READ_TIME_MAX`], because an old
//! snapshot keeps the log or the dead rows of the engine from being cleared (rulings A14).

use std::time::Duration;

use crate::error::StoreError;
use crate::postgres::PostgresSnapshot;
use crate::sqlite::SqliteSnapshot;
use crate::statement::{Load, Statement};
use crate::step::Step;
use crate::value::{Column, Row, Value};

/// The longest that one query may take.
pub const READ_TIME_MAX: Duration = Duration::from_secs(30);

/// A consistent view of the store for async code.
pub struct Snapshot {
    engine: Engine,
}

pub(crate) enum Engine {
    Sqlite(SqliteSnapshot),
    Postgres(PostgresSnapshot),
}

/// A query that owns its input, because it may move to another thread.
pub(crate) enum Owned {
    Query(&'static Statement, Vec<Value>),
    Load(&'static Load, Vec<Column<'static>>),
}

impl Snapshot {
    pub(crate) fn new(engine: Engine) -> Snapshot {
        Snapshot { engine }
    }

    /// Answers with rows.
    pub async fn query(
        &mut self,
        query: &'static Statement,
        with: &[Value],
    ) -> Result<Vec<Row>, StoreError> {
        self.run(Owned::Query(query, with.to_vec())).await
    }

    /// Finds the rows of many keys, in no promised order.
    pub async fn load(
        &mut self,
        load: &'static Load,
        keys: Vec<Column<'static>>,
    ) -> Result<Vec<Row>, StoreError> {
        self.run(Owned::Load(load, keys)).await
    }

    async fn run(&mut self, query: Owned) -> Result<Vec<Row>, StoreError> {
        match &mut self.engine {
            Engine::Sqlite(snapshot) => snapshot.run(query).await,
            Engine::Postgres(snapshot) => snapshot.run(query).await,
        }
    }
}

impl Owned {
    pub(crate) fn step(&self) -> Step<'_> {
        match self {
            Owned::Query(statement, parameters) => Step::Query(statement, parameters),
            Owned::Load(load, columns) => Step::Load(load, columns),
        }
    }
}
