//! The one hand that writes: each lane owns a writer, on its own thread.
//!
//! *Invariant:* a writer blocks, so it is used on a thread of its own and never inside an async
//! task. A transaction that was begun ends in `commit` or `rollback`; dropping the writer rolls
//! back. After any error the transaction can only be rolled back, on both engines alike.

use std::sync::Arc;

use crate::error::StoreError;
use crate::fault::FaultPlan;
use crate::postgres::PostgresWriter;
use crate::sqlite::SqliteWriter;
use crate::statement::{Bulk, Load, Statement};
use crate::step::{Done, Step};
use crate::value::{Column, Row, Value};

/// A connection that writes.
pub struct Writer {
    engine: Engine,
    faults: Option<Arc<FaultPlan>>,
    /// Whether something failed since the last `begin` or `rollback`.
    failed: bool,
}

pub(crate) enum Engine {
    Sqlite(SqliteWriter),
    Postgres(Box<PostgresWriter>),
}

impl Writer {
    pub(crate) fn new(engine: Engine, faults: Option<Arc<FaultPlan>>) -> Writer {
        Writer { engine, faults, failed: false }
    }

    /// Begins a transaction, connecting first where the connection was lost.
    pub fn begin(&mut self) -> Result<(), StoreError> {
        self.failed = false;
        self.guarded(|engine| match engine {
            Engine::Sqlite(writer) => writer.begin(),
            Engine::Postgres(writer) => writer.begin(),
        })
    }

    /// Answers with rows.
    pub fn query(&mut self, query: &Statement, with: &[Value]) -> Result<Vec<Row>, StoreError> {
        self.one(Step::Query(query, with))?.rows()
    }

    /// Answers with the number of rows changed.
    pub fn execute(&mut self, change: &Statement, with: &[Value]) -> Result<u64, StoreError> {
        self.one(Step::Execute(change, with))?.count()
    }

    /// Changes many rows of one table, and answers how many.
    pub fn bulk(&mut self, bulk: &Bulk, columns: &[Column<'_>]) -> Result<u64, StoreError> {
        self.one(Step::Bulk(bulk, columns))?.count()
    }

    /// Finds the rows of many keys, in no promised order.
    pub fn load(&mut self, load: &Load, keys: &[Column<'_>]) -> Result<Vec<Row>, StoreError> {
        self.one(Step::Load(load, keys))?.rows()
    }

    /// Does several steps that do not wait for each other, in order, and answers each. The first
    /// one that fails is the error.
    pub fn steps(&mut self, steps: &[Step<'_>]) -> Result<Vec<Done>, StoreError> {
        if self.faults.is_some() {
            return steps.iter().map(|&step| self.one(step)).collect();
        }
        self.guarded(|engine| engine.run(steps))
    }

    /// Whether a step is a call and not a journey, so that nothing is gained by handing over many.
    pub(crate) fn is_in_process(&self) -> bool {
        matches!(self.engine, Engine::Sqlite(_))
    }

    /// Does `work` in a transaction of its own: kept when it succeeds, undone when it fails.
    pub fn transaction<T>(
        &mut self,
        work: impl FnOnce(&mut Writer) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.begin()?;
        let done = work(self).and_then(|done| self.commit().map(|()| done));
        if done.is_err() {
            // Nothing was kept but perhaps by the commit itself; the first error is the cause.
            let _ = self.rollback();
        }
        done
    }

    /// Makes the transaction durable.
    ///
    /// Errors: [`StoreError::UnknownOutcome`] when it may have been kept all the same; after any
    /// other error it was not.
    pub fn commit(&mut self) -> Result<(), StoreError> {
        let committed = self.guarded(|engine| match engine {
            Engine::Sqlite(writer) => writer.commit(),
            Engine::Postgres(writer) => writer.commit(),
        });
        committed.map_err(StoreError::at_commit)
    }

    /// Undoes the transaction, if one is open. Nothing it did was kept, whatever it answers.
    pub fn rollback(&mut self) -> Result<(), StoreError> {
        if let Some(faults) = &self.faults {
            faults.refuse_if_dead()?;
        }
        self.failed = false;
        match &mut self.engine {
            Engine::Sqlite(writer) => writer.rollback(),
            Engine::Postgres(writer) => writer.rollback(),
        }
    }

    /// Runs a text of several statements, for migrations.
    pub(crate) fn batch(&mut self, text: &str) -> Result<(), StoreError> {
        self.guarded(|engine| match engine {
            Engine::Sqlite(writer) => writer.batch(text),
            Engine::Postgres(writer) => writer.batch(text),
        })
    }

    /// Asks the engine to parse one entry of the catalogue.
    #[cfg(test)]
    pub(crate) fn prepare(
        &mut self,
        texts: &dyn crate::statement::Texts,
    ) -> Result<(), StoreError> {
        match &mut self.engine {
            Engine::Sqlite(writer) => writer.prepare(texts),
            Engine::Postgres(writer) => writer.prepare(texts),
        }
    }

    fn one(&mut self, step: Step<'_>) -> Result<Done, StoreError> {
        let mut done = self.guarded(|engine| engine.run(&[step]))?;
        done.pop().ok_or_else(|| StoreError::mistake("a step without an answer"))
    }

    fn guarded<T>(
        &mut self,
        work: impl FnOnce(&mut Engine) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        if self.failed {
            return Err(StoreError::mistake("something failed before, and was not rolled back"));
        }
        let done = match &self.faults {
            None => work(&mut self.engine),
            Some(faults) => faults.around(|| work(&mut self.engine)),
        };
        self.failed = done.is_err();
        done
    }
}

impl Engine {
    fn run(&mut self, steps: &[Step<'_>]) -> Result<Vec<Done>, StoreError> {
        match self {
            Engine::Sqlite(writer) => writer.run(steps),
            Engine::Postgres(writer) => writer.run(steps),
        }
    }
}
