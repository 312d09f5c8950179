//! `drawdown export`: any list of the API as one CSV, whatever its length.
//!
//! *Invariant:* a table is written when the last of it has come, so there is never half of one.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use web::routes::ROUTES;

use super::client::{Address, Client};
use super::{Done, EXAMPLES, out};

#[derive(Debug, Args)]
#[command(after_long_help = format!("{EXAMPLES}
  drawdown export ledger --organization org_01hzy3v7k2m4n6p8q0r2s4t6v8 --out ledger.csv
  drawdown export organizations | wc -l"))]
pub struct Export {
    /// Which list, such as ledger, grants or organizations; an unknown one names them all.
    list: String,
    /// Whose rows, of a list of one organization.
    #[arg(long, value_name = "ID")]
    organization: Option<String>,
    /// Whose rows, of a list of a platform; only the operator has to say.
    #[arg(long, value_name = "ID")]
    platform: Option<String>,
    /// Write it into this new file.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Rows that are asked for at once.
    #[arg(long, value_name = "NUMBER", default_value = "10000")]
    rows_at_once: String,
    #[command(flatten)]
    address: Address,
}

/// The lists that the API has.
fn lists() -> Vec<&'static str> {
    let paths = ROUTES.iter().filter(|route| route.is_list && route.path_params().is_empty());
    paths.filter_map(|route| route.path.strip_prefix("/v1/")).collect()
}

/// Writes a list as CSV.
pub async fn run(asked: Export) -> Done {
    let lists = lists();
    if !lists.contains(&asked.list.as_str()) {
        return Err(format!("`{}` is no list: {}", asked.list, lists.join(", ")).into());
    }
    if let Some(path) = asked.out.as_deref().filter(|path| path.exists()) {
        return Err(exists(path).into());
    }
    let client = Client::new(&asked.address)?;
    let path = format!("/v1/{}", asked.list);
    let mut query = vec![("format", "csv"), ("limit", asked.rows_at_once.as_str())];
    query.extend(asked.organization.as_deref().map(|id| ("organization", id)));
    query.extend(asked.platform.as_deref().map(|id| ("platform", id)));
    let (mut tables, mut rows) = (Vec::new(), 0);
    let mut cursor: Option<String> = None;
    let mut progress = out::Progress::new();
    loop {
        let mut query = query.clone();
        query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
        let answer = client.get(&path, &query).await?;
        rows += records(&answer.text).len().saturating_sub(1);
        progress.say(&format!("{rows} rows"));
        tables.push(answer.text);
        match answer.next_cursor {
            None => break,
            Some(next) if cursor.as_ref() == Some(&next) => {
                return Err(format!("the list of {} does not go on", client.base()).into());
            }
            Some(next) => cursor = Some(next),
        }
    }
    drop(progress);
    let table = joined(&tables);
    match asked.out {
        None => out::write(&table),
        Some(path) => {
            save(&path, &table)?;
            out::line(&format!("{rows} rows in {}", path.display()))
        }
    }
}

fn exists(path: &Path) -> String {
    format!("{} exists already", path.display())
}

fn save(path: &Path, table: &str) -> Result<(), String> {
    let file = OpenOptions::new().write(true).create_new(true).open(path);
    let written = file.and_then(|mut file| file.write_all(table.as_bytes()));
    written.map_err(|error| format!("{}: {error}", path.display()))
}

/// One table of several. Each has the columns that its own rows fill, so they may differ.
fn joined(tables: &[String]) -> String {
    let tables: Vec<Vec<Vec<&str>>> = tables.iter().map(|table| records(table)).collect();
    let mut columns: Vec<&str> = Vec::new();
    for name in tables.iter().filter_map(|table| table.first()).flatten() {
        if !name.is_empty() && !columns.contains(name) {
            columns.push(name);
        }
    }
    if columns.is_empty() {
        return String::new();
    }
    let mut joined = columns.join(",") + "\r\n";
    for table in &tables {
        let Some((names, rows)) = table.split_first() else { continue };
        let places: Vec<Option<usize>> =
            columns.iter().map(|column| names.iter().position(|name| name == column)).collect();
        for row in rows {
            let cell = |place: &Option<usize>| place.and_then(|at| row.get(at)).copied();
            let cells: Vec<&str> =
                places.iter().map(|place| cell(place).unwrap_or_default()).collect();
            joined += &cells.join(",");
            joined += "\r\n";
        }
    }
    joined
}

/// The records of a CSV, cell by cell as they are written, quotes included.
fn records(table: &str) -> Vec<Vec<&str>> {
    let (mut records, mut record) = (Vec::new(), Vec::new());
    let (mut start, mut is_quoted) = (0, false);
    for (place, byte) in table.bytes().enumerate() {
        match byte {
            b'"' => is_quoted = !is_quoted,
            b',' if !is_quoted => {
                record.push(&table[start..place]);
                start = place + 1;
            }
            b'\n' if !is_quoted => {
                record.push(table[start..place].trim_end_matches('\r'));
                records.push(std::mem::take(&mut record));
                start = place + 1;
            }
            _ => {}
        }
    }
    records
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_with_other_columns_are_joined_under_all_of_them() {
        let one = "id,note\r\n1,\"a, \"\"b\"\"\r\nc\"\r\n2,\r\n".to_owned();
        let other = "note,id,more\r\nx,3,y\r\n".to_owned();
        let table = "id,note,more\r\n1,\"a, \"\"b\"\"\r\nc\",\r\n2,,\r\n3,x,y\r\n";
        assert_eq!(joined(&[one, other]), table);
        assert_eq!(joined(&["\r\n".to_owned()]), "");
    }

    #[test]
    fn the_names_of_lists_are_those_of_the_api() {
        let lists = lists();
        for list in ["ledger", "grants", "organizations", "events"] {
            assert!(lists.contains(&list), "{list} of {lists:?}");
        }
        assert!(!lists.contains(&"usage_events"));
    }
}
