//! Lists as tables: what a list answers as JSON page by page, as one CSV.
//!
//! *Invariant:* a table shows what the pages of the same list show, because it is made of them. Its
//! columns are the fields of a row in their order; a field that holds several is JSON in its cell.

use std::sync::Arc;

use axum::http::Uri;
use axum::http::header::ACCEPT;
use indexmap::{IndexMap, IndexSet};
use serde::Deserialize;
use serde_json::Value;

use crate::csv::{Cell, line};
use crate::error::Fault;
use crate::extract::{Call, Reply, Sent};
use crate::page::ROWS_MAX;

/// The most rows of one table; the header `Next-Cursor` says where the next one begins.
pub const TABLE_ROWS_MAX: i64 = 10_000;

/// How a list was asked for, as a table.
#[derive(Debug, PartialEq, Eq)]
pub struct Asked {
    /// What of the query is for the list itself.
    query: String,
    rows: i64,
    cursor: Option<String>,
}

/// A page of any list.
#[derive(Deserialize)]
struct Rows {
    data: Vec<IndexMap<String, Value>>,
    next_cursor: Option<String>,
}

/// How a list is wanted as a table, if it is: by `format` of the query, or else by `Accept`. What
/// is left in the query is for the list.
///
/// Errors: `parameter_invalid` (`format`, then `limit`).
pub fn asked(sent: &mut Sent) -> Result<Option<Asked>, Fault> {
    let accept = sent.headers.get(ACCEPT).and_then(|value| value.to_str().ok());
    let mut is_wanted = accept.is_some_and(|accept| accept.starts_with("text/csv"));
    let (mut query, mut limit, mut cursor) = (Vec::new(), None, None);
    let given = sent.uri.query().unwrap_or_default();
    let pairs = given.split('&').filter(|pair| !pair.is_empty());
    for pair in pairs.clone() {
        match pair.split_once('=').unwrap_or((pair, "")) {
            ("format", "csv") => is_wanted = true,
            ("format", "json") => is_wanted = false,
            ("format", _) => return Err(Fault::param("format", "takes json or csv")),
            ("limit", text) => limit = Some(text),
            ("cursor", text) => cursor = Some(text.to_owned()),
            _ => query.push(pair),
        }
    }
    if !is_wanted {
        if given.contains("format=") {
            let kept: Vec<&str> = pairs.filter(|pair| !pair.starts_with("format=")).collect();
            sent.uri = at(&sent.uri, &kept.join("&"));
        }
        return Ok(None);
    }
    let rows = limit.map_or(Some(TABLE_ROWS_MAX), |text| text.parse().ok());
    let rows = rows.filter(|rows| (1..=TABLE_ROWS_MAX).contains(rows));
    let rows = rows.ok_or_else(|| {
        Fault::param("limit", format!("of a table must be between 1 and {TABLE_ROWS_MAX}"))
    })?;
    Ok(Some(Asked { query: query.join("&"), rows, cursor }))
}

fn at(uri: &Uri, query: &str) -> Uri {
    let mark = if query.is_empty() { "" } else { "?" };
    format!("{}{mark}{query}", uri.path()).parse().unwrap_or_else(|_| uri.clone())
}

/// Asks for page after page, and answers with all of them as one table.
///
/// Errors: those of the list.
pub async fn whole(call: Call, asked: Asked) -> Result<Reply, Fault> {
    let (mut rows, mut cursor) = (Vec::new(), asked.cursor);
    let mut left = asked.rows;
    loop {
        let mut query = vec![format!("limit={}", left.min(ROWS_MAX))];
        query.extend(cursor.map(|cursor| format!("cursor={cursor}")));
        query.extend((!asked.query.is_empty()).then(|| asked.query.clone()));
        let sent = Sent {
            uri: at(&call.sent.uri, &query.join("&")),
            headers: call.sent.headers.clone(),
            body: call.sent.body.clone(),
        };
        let page = Call { sent: Arc::new(sent), ..call.clone() };
        let reply = (call.route.handler)(page).await?;
        let page: Rows = serde_json::from_str(&reply.body).map_err(|_| Fault::Internal)?;
        left -= ROWS_MAX;
        cursor = page.next_cursor;
        rows.extend(page.data);
        if left <= 0 || cursor.is_none() {
            break;
        }
    }
    Ok(Reply { next: cursor, ..Reply::csv(csv(&rows)) })
}

fn csv(rows: &[IndexMap<String, Value>]) -> String {
    let columns: IndexSet<&str> =
        rows.iter().flat_map(|row| row.keys().map(String::as_str)).collect();
    let mut table = String::new();
    let names: Vec<Cell<'_>> = columns.iter().map(|name| Cell::Text(name)).collect();
    line(&mut table, &names);
    for row in rows {
        let cells: Vec<Cell<'_>> = columns.iter().map(|name| cell(row.get(*name))).collect();
        line(&mut table, &cells);
    }
    table
}

fn cell(value: Option<&Value>) -> Cell<'_> {
    match value {
        None | Some(Value::Null) => Cell::Plain(String::new()),
        Some(Value::String(text)) if is_amount(text) => Cell::Plain(text.clone()),
        Some(Value::String(text)) => Cell::Text(text),
        Some(Value::Array(_) | Value::Object(_)) => {
            Cell::Json(value.map(Value::to_string).unwrap_or_default())
        }
        Some(other) => Cell::Plain(other.to_string()),
    }
}

/// Whether a text is a number, which a spreadsheet may take for one.
fn is_amount(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}
