//! What a connection is asked to do, and what it answers.
//!
//! Steps that do not wait for each other are handed over together: on PostgreSQL they travel in
//! one round trip, on SQLite they are simply done in order.

use crate::error::StoreError;
use crate::statement::{Bulk, Load, Statement, Texts};
use crate::value::{Column, Row, Value};

/// One statement with its input.
#[derive(Clone, Copy)]
pub enum Step<'a> {
    /// Answers with rows.
    Query(&'a Statement, &'a [Value]),
    /// Answers with the number of rows changed.
    Execute(&'a Statement, &'a [Value]),
    /// Answers with the number of rows changed.
    Bulk(&'a Bulk, &'a [Column<'a>]),
    /// Answers with the rows found, in no promised order.
    Load(&'a Load, &'a [Column<'a>]),
}

/// The answer of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done {
    Rows(Vec<Row>),
    Count(u64),
}

impl Step<'_> {
    pub(crate) fn texts(&self) -> &dyn Texts {
        match self {
            Step::Query(statement, _) | Step::Execute(statement, _) => *statement,
            Step::Bulk(bulk, _) => *bulk,
            Step::Load(load, _) => *load,
        }
    }

    /// The answer when there is nothing to do: a bulk or load of no rows never reaches the engine.
    ///
    /// Errors: a [`StoreError::Bug`] when the columns are not those declared or differ in length.
    pub(crate) fn nothing_to_do(&self) -> Result<Option<Done>, StoreError> {
        let (columns, width) = match self {
            Step::Query(..) | Step::Execute(..) => return Ok(None),
            Step::Bulk(bulk, columns) => (*columns, bulk.width()),
            Step::Load(load, columns) => (*columns, load.width()),
        };
        let row_count = columns.first().map_or(0, Column::len);
        if columns.len() != width || columns.iter().any(|column| column.len() != row_count) {
            let lengths: Vec<usize> = columns.iter().map(Column::len).collect();
            let text = format!("{width} columns of one length wanted, lengths given {lengths:?}");
            return Err(StoreError::mistake(text).of(self.texts().name()));
        }
        Ok((row_count == 0).then_some(match self {
            Step::Load(..) | Step::Query(..) => Done::Rows(Vec::new()),
            Step::Bulk(..) | Step::Execute(..) => Done::Count(0),
        }))
    }
}

impl Done {
    /// The rows of a query or load.
    pub fn rows(self) -> Result<Vec<Row>, StoreError> {
        match self {
            Done::Rows(rows) => Ok(rows),
            Done::Count(_) => Err(StoreError::mistake("rows asked of a change")),
        }
    }

    /// The number of rows a change touched.
    pub fn count(&self) -> Result<u64, StoreError> {
        match self {
            Done::Count(count) => Ok(*count),
            Done::Rows(_) => Err(StoreError::mistake("a count asked of a query")),
        }
    }
}
