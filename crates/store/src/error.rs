//! What can go wrong below the statements, told apart by what the caller has to do next.
//!
//! *Invariant:* [`StoreError::UnknownOutcome`] comes out of `commit` alone, and means that the
//! transaction may have been kept: the lane takes a new epoch, reloads the journal's tail and lets
//! the keys decide (rulings A1). Every other error of a transaction means that nothing was kept.
//!
//! Business refusals never come this way: they are results inside a batch.

use std::fmt;

/// An error of the store, in the caller's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreError {
    /// Someone else was in the way (40001, 40P01, 55P03, a locked file): run the batch again.
    Busy(String),
    /// The commit may or may not have taken effect.
    UnknownOutcome(String),
    /// The engine cannot be reached, or went away before the commit.
    Unavailable(String),
    /// No room left where the data lives.
    Full(String),
    /// A row with this key exists.
    Duplicate(String),
    /// The data cannot be read back: a truncated or damaged file, a failed check of the engine.
    Corrupt(String),
    /// The file holds something that is not ours.
    Foreign(String),
    /// Another process, or another part of this one, holds what may be held once.
    SecondProcess(String),
    /// The schema is newer than this program, or its steps are not the ones this program knows.
    Schema(String),
    /// A mistake in this program: a statement the engine refuses, a column of another kind.
    Bug { statement: &'static str, state: String, text: String },
}

impl StoreError {
    /// Whether the same work may succeed when it is simply done again.
    pub fn retryable(&self) -> bool {
        matches!(
            self,
            StoreError::Busy(_) | StoreError::UnknownOutcome(_) | StoreError::Unavailable(_)
        )
    }

    /// A mistake found on our side of the engine.
    pub(crate) fn mistake(text: impl Into<String>) -> StoreError {
        StoreError::Bug { statement: "", state: String::new(), text: text.into() }
    }

    /// Names the statement at fault, where none is named yet.
    pub(crate) fn of(mut self, name: &'static str) -> StoreError {
        if let StoreError::Bug { statement, .. } = &mut self
            && statement.is_empty()
        {
            *statement = name;
        }
        self
    }

    /// What an error of a commit means: what the engine refused for certain stays as it is, what
    /// happened on the way there or back is unknown.
    pub(crate) fn at_commit(self) -> StoreError {
        match self {
            StoreError::Unavailable(text) => StoreError::UnknownOutcome(text),
            known => known,
        }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreError::Busy(text) => write!(f, "store busy: {text}"),
            StoreError::UnknownOutcome(text) => write!(f, "outcome of the commit unknown: {text}"),
            StoreError::Unavailable(text) => write!(f, "store unavailable: {text}"),
            StoreError::Full(text) => write!(f, "store full: {text}"),
            StoreError::Duplicate(text) => write!(f, "duplicate key: {text}"),
            StoreError::Corrupt(text) => write!(f, "store damaged: {text}"),
            StoreError::Foreign(text) => write!(f, "not a drawdown store: {text}"),
            StoreError::SecondProcess(text) => write!(f, "store in use: {text}"),
            StoreError::Schema(text) => write!(f, "schema refused: {text}"),
            StoreError::Bug { statement, state, text } => {
                write!(f, "statement {statement:?} failed ({state:?}): {text}")
            }
        }
    }
}

impl std::error::Error for StoreError {}
