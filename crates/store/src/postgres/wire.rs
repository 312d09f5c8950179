//! Values on PostgreSQL's wire, and its errors in our words.

use std::error::Error;

use bytes::BytesMut;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};

use crate::error::StoreError;
use crate::value::{Column, Row, Value};

type Encoded = Result<IsNull, Box<dyn Error + Sync + Send>>;

impl ToSql for Value {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Encoded {
        match self {
            Value::Null => Ok(IsNull::Yes),
            Value::Int(value) if *kind == Type::INT4 => i32::try_from(*value)?.to_sql(kind, out),
            Value::Int(value) if *kind == Type::INT8 => value.to_sql(kind, out),
            Value::Text(value) if <String as ToSql>::accepts(kind) => value.to_sql(kind, out),
            Value::Blob(value) if *kind == Type::BYTEA => value.to_sql(kind, out),
            other => Err(format!("{other:?} given where {kind} is wanted").into()),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

impl ToSql for Column<'_> {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Encoded {
        match self {
            Column::Int(values) if *kind == Type::INT4_ARRAY => {
                let small: Result<Vec<i32>, _> = values.iter().map(|v| i32::try_from(*v)).collect();
                small?.to_sql(kind, out)
            }
            Column::OptInt(values) if *kind == Type::INT4_ARRAY => {
                let small: Result<Vec<Option<i32>>, _> =
                    values.iter().map(|v| v.map(i32::try_from).transpose()).collect();
                small?.to_sql(kind, out)
            }
            Column::Int(values) if *kind == Type::INT8_ARRAY => values.to_sql(kind, out),
            Column::OptInt(values) if *kind == Type::INT8_ARRAY => values.to_sql(kind, out),
            Column::Text(values) if *kind == Type::TEXT_ARRAY => values.to_sql(kind, out),
            Column::OptText(values) if *kind == Type::TEXT_ARRAY => values.to_sql(kind, out),
            Column::Blob(values) if *kind == Type::BYTEA_ARRAY => values.to_sql(kind, out),
            _ => Err(format!("a column of another kind given where {kind} is wanted").into()),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

pub(super) fn read_row(row: &tokio_postgres::Row) -> Result<Row, StoreError> {
    let values = row.columns().iter().enumerate().map(|(at, column)| {
        let kind = column.type_();
        let value = if *kind == Type::INT8 {
            row.try_get::<_, Option<i64>>(at).map(Value::from)
        } else if *kind == Type::INT4 {
            row.try_get::<_, Option<i32>>(at).map(|value| value.map(i64::from).into())
        } else if *kind == Type::BYTEA {
            row.try_get::<_, Option<&[u8]>>(at).map(Value::from)
        } else if *kind == Type::TEXT {
            row.try_get::<_, Option<String>>(at).map(Value::from)
        } else {
            return Err(StoreError::mistake(format!("column {at} is of kind {kind}")));
        };
        value.map_err(translate)
    });
    values.collect::<Result<_, _>>().map(Row)
}

/// What an error of the server, or of the way to it, means to us.
pub(super) fn translate(error: tokio_postgres::Error) -> StoreError {
    let Some(server) = error.as_db_error() else {
        let source = error.source().map(ToString::to_string).unwrap_or_default();
        let text = format!("{error}: {source}");
        // What cannot be encoded or read back is a mistake of ours; all else is the wire.
        return if error.is_closed() || error.source().is_some_and(|s| s.is::<std::io::Error>()) {
            StoreError::Unavailable(text)
        } else {
            StoreError::mistake(text)
        };
    };
    let state = server.code().code();
    let text = server.message().to_owned();
    match state {
        "40001" | "40P01" | "55P03" => StoreError::Busy(text),
        "40003" => StoreError::UnknownOutcome(text),
        "23505" => StoreError::Duplicate(match server.constraint() {
            Some(constraint) => format!("{text} ({constraint})"),
            None => text,
        }),
        // An object that two sessions make at the same moment, for all that IF NOT EXISTS says.
        "42710" | "42P07" => StoreError::Duplicate(text),
        "53100" => StoreError::Full(text),
        "XX001" | "XX002" => StoreError::Corrupt(text),
        _ => match &state[..2] {
            // Connection, sign-in, no such database, resources, an operator's intervention, and
            // errors of the system below.
            "08" | "28" | "3D" | "53" | "57" | "58" => StoreError::Unavailable(text),
            _ => StoreError::Bug { statement: "", state: state.to_owned(), text },
        },
    }
}
