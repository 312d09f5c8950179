//! Tampers with a SQLite file behind the product's back, for the tests of `verify`.

use std::path::Path;

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

/// The names of a table's columns, and those of them that are its key.
///
/// # Panics
/// Like everything here, when the file or table is not there: there is no test without it.
pub fn columns(file: &Path, table: &str) -> (Vec<String>, Vec<String>) {
    let connection = Connection::open(file).expect("the file opens");
    let mut statement = connection
        .prepare("SELECT name, pk FROM pragma_table_info(?1) ORDER BY cid")
        .expect("the table is known");
    let rows = statement
        .query_map([table], |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?)))
        .expect("the columns are read");
    let all: Vec<(String, i64)> = rows.map(|row| row.expect("a column")).collect();
    let key = all.iter().filter(|column| column.1 > 0).map(|column| column.0.clone()).collect();
    (all.into_iter().map(|column| column.0).collect(), key)
}

/// How many rows a table has.
pub fn count(file: &Path, table: &str) -> i64 {
    let connection = Connection::open(file).expect("the file opens");
    let text = format!("SELECT count(*) FROM {table}");
    connection.query_row(&text, [], |row| row.get(0)).expect("the rows are counted")
}

/// The key of the `nth` row, and its value in `column`.
fn row(
    connection: &Connection,
    file: &Path,
    table: &str,
    column: &str,
    nth: i64,
) -> (String, Vec<Value>, Value) {
    let (_, key) = columns(file, table);
    let names = key.join(", ");
    let text =
        format!("SELECT {names}, {column} FROM {table} ORDER BY {names} LIMIT 1 OFFSET {nth}");
    let read = |row: &rusqlite::Row<'_>| {
        (0..=key.len()).map(|at| row.get::<_, Value>(at)).collect::<Result<Vec<Value>, _>>()
    };
    let mut values = connection.query_row(&text, [], read).expect("the row is there");
    let value = values.pop().expect("the value is there");
    let place: Vec<String> =
        key.iter().enumerate().map(|(at, name)| format!("{name} = ?{}", at + 1)).collect();
    (place.join(" AND "), values, value)
}

/// Changes one value of the `nth` row a little, whatever it is, and says from what to what.
pub fn change(file: &Path, table: &str, column: &str, nth: i64) -> String {
    let connection = Connection::open(file).expect("the file opens");
    let (place, mut parameters, value) = row(&connection, file, table, column, nth);
    let changed = match &value {
        Value::Integer(number) => Value::Integer(number + 1_000_003),
        Value::Blob(bytes) => {
            let mut bytes = bytes.clone();
            bytes[0] ^= 1;
            Value::Blob(bytes)
        }
        Value::Text(text) => Value::Text(other_text(text)),
        Value::Null if ["source", "key", "rest"].contains(&column) => {
            Value::Text("absorbed=7".to_owned())
        }
        _ => Value::Integer(7),
    };
    let said = format!("{table}.{column} of row {nth} from {value:?} to {changed:?}");
    parameters.push(changed);
    let text = format!("UPDATE {table} SET {column} = ?{} WHERE {place}", parameters.len());
    let changed = connection.execute(&text, params_from_iter(parameters)).expect("it is changed");
    assert_eq!(changed, 1);
    said
}

/// Changes the last digit, or adds a letter where there is none.
fn other_text(text: &str) -> String {
    match text.rfind(|letter: char| letter.is_ascii_digit()) {
        Some(at) => {
            let digit = if &text[at..=at] == "7" { "8" } else { "7" };
            format!("{}{digit}{}", &text[..at], &text[at + 1..])
        }
        None => format!("{text}x"),
    }
}

/// Removes the `nth` row.
pub fn delete(file: &Path, table: &str, nth: i64) {
    let connection = Connection::open(file).expect("the file opens");
    let (column, _) = columns(file, table);
    let (place, parameters, _) = row(&connection, file, table, &column[0], nth);
    let text = format!("DELETE FROM {table} WHERE {place}");
    assert_eq!(connection.execute(&text, params_from_iter(parameters)).expect("it is removed"), 1);
}
