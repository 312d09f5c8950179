//! What crosses the border between a statement and the program: four kinds of value, no more.
//!
//! *Invariant:* money, times, numbers and flags are all `Int`. There are no floats, booleans,
//! decimals or native times, because each of them means something else on the two engines
//!.
//!
//! A row is read through getters that name the column's place and both kinds when they disagree: a
//! wrong kind is a mistake in a statement, never in a client's input.

use std::borrow::Cow;

use domain::amount::Amount;
use domain::id::OrgId;
use domain::time::Timestamp;

use crate::error::StoreError;

/// One value of a row, or one parameter of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    Null,
    Int(i64),
    Text(String),
    Blob(Vec<u8>),
}

/// One column of many rows: how bulk statements take their input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Column<'a> {
    Int(Vec<i64>),
    OptInt(Vec<Option<i64>>),
    Text(Vec<Cow<'a, str>>),
    OptText(Vec<Option<Cow<'a, str>>>),
    Blob(Vec<Cow<'a, [u8]>>),
}

/// One row of an answer, in the order of the statement's columns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row(pub Vec<Value>);

impl Value {
    fn kind(&self) -> &'static str {
        match self {
            Value::Null => "null",
            Value::Int(_) => "an integer",
            Value::Text(_) => "a text",
            Value::Blob(_) => "a blob",
        }
    }
}

impl Column<'_> {
    pub fn len(&self) -> usize {
        match self {
            Column::Int(values) => values.len(),
            Column::OptInt(values) => values.len(),
            Column::Text(values) => values.len(),
            Column::OptText(values) => values.len(),
            Column::Blob(values) => values.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether row `at`, which is not the first, holds what the row before it holds.
    pub(crate) fn is_repeated(&self, at: usize) -> bool {
        match self {
            Column::Int(values) => values[at] == values[at - 1],
            Column::OptInt(values) => values[at] == values[at - 1],
            Column::Text(values) => values[at] == values[at - 1],
            Column::OptText(values) => values[at] == values[at - 1],
            Column::Blob(values) => values[at] == values[at - 1],
        }
    }

    /// The value of row `at`.
    pub fn value(&self, at: usize) -> Value {
        match self {
            Column::Int(values) => Value::Int(values[at]),
            Column::OptInt(values) => values[at].into(),
            Column::Text(values) => Value::Text(values[at].clone().into_owned()),
            Column::OptText(values) => values[at].as_deref().into(),
            Column::Blob(values) => Value::Blob(values[at].clone().into_owned()),
        }
    }
}

impl Row {
    pub fn int(&self, at: usize) -> Result<i64, StoreError> {
        match self.value(at)? {
            Value::Int(value) => Ok(*value),
            other => Err(wrong_kind(at, "an integer", other)),
        }
    }

    pub fn opt_int(&self, at: usize) -> Result<Option<i64>, StoreError> {
        match self.value(at)? {
            Value::Null => Ok(None),
            _ => self.int(at).map(Some),
        }
    }

    pub fn text(&self, at: usize) -> Result<&str, StoreError> {
        match self.value(at)? {
            Value::Text(value) => Ok(value),
            other => Err(wrong_kind(at, "a text", other)),
        }
    }

    pub fn opt_text(&self, at: usize) -> Result<Option<&str>, StoreError> {
        match self.value(at)? {
            Value::Null => Ok(None),
            _ => self.text(at).map(Some),
        }
    }

    pub fn blob(&self, at: usize) -> Result<&[u8], StoreError> {
        match self.value(at)? {
            Value::Blob(value) => Ok(value),
            other => Err(wrong_kind(at, "a blob", other)),
        }
    }

    /// A blob of exactly `N` bytes, such as a 16-byte chain hash.
    pub fn bytes<const N: usize>(&self, at: usize) -> Result<[u8; N], StoreError> {
        let blob = self.blob(at)?;
        blob.try_into().map_err(|_| {
            StoreError::mistake(format!("column {at} holds {} bytes, not {N}", blob.len()))
        })
    }

    pub fn amount(&self, at: usize) -> Result<Amount, StoreError> {
        self.int(at).map(Amount::from_nanos)
    }

    pub fn opt_amount(&self, at: usize) -> Result<Option<Amount>, StoreError> {
        Ok(self.opt_int(at)?.map(Amount::from_nanos))
    }

    pub fn time(&self, at: usize) -> Result<Timestamp, StoreError> {
        self.int(at).map(Timestamp::from_micros)
    }

    pub fn opt_time(&self, at: usize) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.opt_int(at)?.map(Timestamp::from_micros))
    }

    pub fn org(&self, at: usize) -> Result<OrgId, StoreError> {
        self.int(at).map(OrgId::from_stored)
    }

    fn value(&self, at: usize) -> Result<&Value, StoreError> {
        self.0.get(at).ok_or_else(|| {
            StoreError::mistake(format!("column {at} asked of a row of {}", self.0.len()))
        })
    }
}

fn wrong_kind(at: usize, wanted: &str, found: &Value) -> StoreError {
    StoreError::mistake(format!("column {at} holds {}, not {wanted}", found.kind()))
}

impl From<i64> for Value {
    fn from(value: i64) -> Value {
        Value::Int(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Value {
        Value::Text(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Value {
        Value::Text(value)
    }
}

impl From<&[u8]> for Value {
    fn from(value: &[u8]) -> Value {
        Value::Blob(value.to_vec())
    }
}

impl From<Amount> for Value {
    fn from(value: Amount) -> Value {
        Value::Int(value.nanos())
    }
}

impl From<Timestamp> for Value {
    fn from(value: Timestamp) -> Value {
        Value::Int(value.micros())
    }
}

impl From<OrgId> for Value {
    fn from(value: OrgId) -> Value {
        Value::Int(value.get())
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Value {
        value.map_or(Value::Null, Into::into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_getter_of_the_wrong_kind_says_where_and_what() {
        let row = Row(vec![Value::Int(7), Value::Null, "x".into()]);
        assert_eq!(row.int(0).unwrap(), 7);
        assert_eq!(row.opt_int(1).unwrap(), None);
        assert_eq!(row.text(2).unwrap(), "x");
        for (error, words) in [
            (row.text(0).unwrap_err(), "column 0 holds an integer, not a text"),
            (row.int(1).unwrap_err(), "column 1 holds null, not an integer"),
            (row.bytes::<16>(2).unwrap_err(), "column 2 holds a text, not a blob"),
            (row.int(3).unwrap_err(), "column 3 asked of a row of 3"),
        ] {
            assert!(error.to_string().contains(words), "{error}");
        }
    }
}
