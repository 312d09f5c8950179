//! The catalogue: every text that reaches an engine, written once.
//!
//! *Invariant:* no SQL is put together from input. A [`Statement`] is one text for both engines; a
//! [`Bulk`] or a [`Load`] is described as data and writes its own two texts, because the engines
//! are fast in different ways: SQLite loops over one prepared row statement in process,
//! PostgreSQL takes one array per column.
//!
//! Inserts join `buckets`, so that Citus sends them to the one shard that owns them
//!; on plain PostgreSQL the join costs nothing.

use std::sync::OnceLock;

/// One text with `$n` parameters, the same on both engines.
pub struct Statement {
    pub name: &'static str,
    text: &'static str,
    sqlite: OnceLock<String>,
}

/// The kind of a column, as bulk statements declare it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `INTEGER`: buckets and small codes.
    Small,
    /// `BIGINT`.
    Int,
    Text,
    Blob,
}

/// What a bulk statement does with its rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Inserts; a key that exists fails the statement.
    Insert,
    /// Inserts the rows whose key is new, and leaves the others alone.
    InsertMissing,
    /// Inserts, or sets the columns after the key.
    Upsert,
    /// The same where the columns are all that the table has and nothing but its key is unique:
    /// SQLite then looks for the row once instead of twice.
    Replace,
    /// Sets the columns after the key; a row that is not there is not counted.
    Update,
    /// Deletes by key; all columns are key.
    Delete,
}

/// One change to many rows of one table, column by column.
pub struct Bulk {
    pub name: &'static str,
    action: Action,
    table: &'static str,
    key_count: usize,
    columns: &'static [(&'static str, Kind)],
    sqlite: OnceLock<String>,
    postgres: OnceLock<String>,
}

/// Rows of one table for many keys at once.
pub struct Load {
    pub name: &'static str,
    table: &'static str,
    key: &'static [(&'static str, Kind)],
    columns: Columns,
    filter: &'static str,
    reach: Reach,
    sqlite: OnceLock<String>,
    postgres: OnceLock<String>,
}

/// Which rows a key of a load stands for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// Those that have the key.
    Equal,
    /// Those whose last key column is at most the key's, and those that have the least value beyond
    /// it, so that it is known how far they reach.
    Until,
}

/// The columns that a load answers with.
#[derive(Clone, Copy)]
enum Columns {
    Named(&'static [&'static str]),
    Declared(&'static [(&'static str, Kind)]),
}

/// What every entry of the catalogue has: a name and a text for each engine.
pub trait Texts: Sync {
    fn name(&self) -> &'static str;
    fn sqlite(&self) -> &str;
    fn postgres(&self) -> &str;
}

/// Declares the statements of one file, named after it, and `ALL` of them for the catalogue.
///
/// ```text
/// catalogue! {
///     /// Finds a wallet.
///     FIND: Statement = Statement::new("SELECT body FROM wallets WHERE bucket = $1 …");
/// }
/// ```
macro_rules! catalogue {
    ($($(#[$doc:meta])* $name:ident: $kind:ident = $entry:expr;)*) => {
        $(
            $(#[$doc])*
            pub(crate) static $name: $crate::statement::$kind =
                $entry.named(concat!(module_path!(), "::", stringify!($name)));
        )*
        /// Every text of this file.
        #[cfg(test)]
        pub(crate) static ALL: &[&dyn $crate::statement::Texts] = &[$(&$name),*];
    };
}
pub(crate) use catalogue;

impl Statement {
    pub const fn new(text: &'static str) -> Statement {
        Statement { name: "", text, sqlite: OnceLock::new() }
    }

    pub(crate) const fn named(mut self, name: &'static str) -> Statement {
        self.name = name;
        self
    }
}

impl Bulk {
    /// Describes a change to `table`, whose key is the first `key_count` of `columns`.
    pub const fn new(
        action: Action,
        table: &'static str,
        key_count: usize,
        columns: &'static [(&'static str, Kind)],
    ) -> Bulk {
        Bulk {
            name: "",
            action,
            table,
            key_count,
            columns,
            sqlite: OnceLock::new(),
            postgres: OnceLock::new(),
        }
    }

    pub(crate) const fn named(mut self, name: &'static str) -> Bulk {
        self.name = name;
        self
    }

    /// Columns of one row.
    pub fn width(&self) -> usize {
        self.columns.len()
    }

    fn key(&self) -> &'static [(&'static str, Kind)] {
        &self.columns[..self.key_count]
    }

    fn rest(&self) -> &'static [(&'static str, Kind)] {
        &self.columns[self.key_count..]
    }

    /// Sends the rows of an organization to the shard of their bucket; rows of a lane have none.
    fn join_buckets(&self) -> &'static str {
        match self.columns.first() {
            Some(("bucket", _)) => " JOIN buckets b ON b.bucket = x.bucket",
            _ => "",
        }
    }

    fn on_conflict(&self) -> String {
        let key = list(self.key(), |_, name| name.to_owned());
        match self.action {
            Action::InsertMissing => format!(" ON CONFLICT ({key}) DO NOTHING"),
            Action::Upsert | Action::Replace => {
                let set = list(self.rest(), |_, name| format!("{name} = excluded.{name}"));
                format!(" ON CONFLICT ({key}) DO UPDATE SET {set}")
            }
            Action::Insert | Action::Update | Action::Delete => String::new(),
        }
    }
}

impl Load {
    /// Describes a load of `columns` for each key. `filter` is empty or a condition on the table,
    /// such as `stopped_at IS NULL`.
    pub const fn new(
        table: &'static str,
        key: &'static [(&'static str, Kind)],
        columns: &'static [&'static str],
        filter: &'static str,
    ) -> Load {
        Load::answering(table, key, Columns::Named(columns), filter)
    }

    /// Describes a load of whole rows: all `columns`, the first `key_count` of which are the key.
    pub const fn rows(
        table: &'static str,
        key_count: usize,
        columns: &'static [(&'static str, Kind)],
        filter: &'static str,
    ) -> Load {
        Load::answering(table, columns.split_at(key_count).0, Columns::Declared(columns), filter)
    }

    /// Describes a load of whole rows by some other key.
    pub const fn by(
        table: &'static str,
        key: &'static [(&'static str, Kind)],
        columns: &'static [(&'static str, Kind)],
        filter: &'static str,
    ) -> Load {
        Load::answering(table, key, Columns::Declared(columns), filter)
    }

    /// Describes a load of whole rows up to a value of the last of `key`, and of those that come
    /// next after it.
    pub const fn until(
        table: &'static str,
        key: &'static [(&'static str, Kind)],
        columns: &'static [(&'static str, Kind)],
        filter: &'static str,
    ) -> Load {
        let mut load = Load::answering(table, key, Columns::Declared(columns), filter);
        load.reach = Reach::Until;
        load
    }

    const fn answering(
        table: &'static str,
        key: &'static [(&'static str, Kind)],
        columns: Columns,
        filter: &'static str,
    ) -> Load {
        Load {
            name: "",
            table,
            key,
            columns,
            filter,
            reach: Reach::Equal,
            sqlite: OnceLock::new(),
            postgres: OnceLock::new(),
        }
    }

    pub(crate) const fn named(mut self, name: &'static str) -> Load {
        self.name = name;
        self
    }

    pub(crate) fn width(&self) -> usize {
        self.key.len()
    }

    /// The key columns that are compared for equality, and the one that is reached until.
    fn split_key(&self) -> (&'static [(&'static str, Kind)], Option<&'static str>) {
        match (self.reach, self.key) {
            (Reach::Until, [equal @ .., (last, _)]) => (equal, Some(last)),
            (_, key) => (key, None),
        }
    }

    /// The least value of column `last` beyond the one asked for, or that one; the key's values are
    /// what `of_key` makes of their places and names.
    fn reached(&self, last: &str, of_key: impl Fn(usize, &str) -> String) -> String {
        let (equal, _) = self.split_key();
        let value = of_key(self.key.len(), last);
        let of_row = conditions(equal, |at, name| format!("n.{name} = {}", of_key(at, name)));
        let filter = self.and_filter();
        format!(
            "SELECT COALESCE(MIN(n.{last}), {value}) AS reached FROM {} AS n \
             WHERE {of_row} AND n.{last} > {value}{filter}",
            self.table
        )
    }

    fn and_filter(&self) -> String {
        if self.filter.is_empty() { String::new() } else { format!(" AND {}", self.filter) }
    }
}

impl Texts for Statement {
    fn name(&self) -> &'static str {
        self.name
    }

    /// SQLite would number `$2, $1` by first appearance; `?2, ?1` mean what they say.
    fn sqlite(&self) -> &str {
        self.sqlite.get_or_init(|| self.text.replace('$', "?"))
    }

    fn postgres(&self) -> &str {
        self.text
    }
}

impl Texts for Bulk {
    fn name(&self) -> &'static str {
        self.name
    }

    fn sqlite(&self) -> &str {
        self.sqlite.get_or_init(|| {
            let (table, count) = (self.table, self.key_count);
            let by_key = conditions(self.key(), |at, name| format!("{name} = ?{at}"));
            match self.action {
                Action::Update => {
                    let set = list(self.rest(), |at, name| format!("{name} = ?{}", at + count));
                    format!("UPDATE {table} SET {set} WHERE {by_key}")
                }
                Action::Delete => format!("DELETE FROM {table} WHERE {by_key}"),
                Action::Replace => {
                    let names = list(self.columns, |_, name| name.to_owned());
                    let places = list(self.columns, |at, _| format!("?{at}"));
                    format!("INSERT OR REPLACE INTO {table} ({names}) VALUES ({places})")
                }
                Action::Insert | Action::InsertMissing | Action::Upsert => {
                    let names = list(self.columns, |_, name| name.to_owned());
                    let places = list(self.columns, |at, _| format!("?{at}"));
                    let on_conflict = self.on_conflict();
                    format!("INSERT INTO {table} ({names}) VALUES ({places}){on_conflict}")
                }
            }
        })
    }

    fn postgres(&self) -> &str {
        self.postgres.get_or_init(|| {
            let (table, rows) = (self.table, unnest(self.columns));
            let by_key = conditions(self.key(), |_, name| format!("t.{name} = x.{name}"));
            match self.action {
                Action::Update => {
                    let set = list(self.rest(), |_, name| format!("{name} = x.{name}"));
                    format!("UPDATE {table} AS t SET {set} FROM {rows} WHERE {by_key}")
                }
                Action::Delete => format!("DELETE FROM {table} AS t USING {rows} WHERE {by_key}"),
                Action::Insert | Action::InsertMissing | Action::Upsert | Action::Replace => {
                    let names = list(self.columns, |_, name| name.to_owned());
                    let from = list(self.columns, |_, name| format!("x.{name}"));
                    let (join, on_conflict) = (self.join_buckets(), self.on_conflict());
                    format!(
                        "INSERT INTO {table} ({names}) SELECT {from} FROM {rows}{join}{on_conflict}"
                    )
                }
            }
        })
    }
}

impl Texts for Load {
    fn name(&self) -> &'static str {
        self.name
    }

    fn sqlite(&self) -> &str {
        self.sqlite.get_or_init(|| {
            let (equal, last) = self.split_key();
            let by_key = conditions(equal, |at, name| format!("t.{name} = ?{at}"));
            let (columns, filter) = (self.columns.list(""), self.and_filter());
            let until = last.map_or(String::new(), |last| {
                let reached = self.reached(last, |at, _| format!("?{at}"));
                format!(" AND t.{last} <= ({reached})")
            });
            format!("SELECT {columns} FROM {} AS t WHERE {by_key}{until}{filter}", self.table)
        })
    }

    fn postgres(&self) -> &str {
        self.postgres.get_or_init(|| {
            let (equal, last) = self.split_key();
            let by_key = conditions(equal, |_, name| format!("t.{name} = x.{name}"));
            let (reached, until) = last.map_or((String::new(), String::new()), |last| {
                let reached = self.reached(last, |_, name| format!("x.{name}"));
                let lateral = format!(" CROSS JOIN LATERAL ({reached}) AS r");
                (lateral, format!(" AND t.{last} <= r.reached"))
            });
            format!(
                "SELECT {} FROM {}{reached} JOIN {} AS t ON {by_key}{until}{}",
                self.columns.list("t."),
                unnest(self.key),
                self.table,
                self.and_filter()
            )
        })
    }
}

impl Columns {
    fn list(self, prefix: &str) -> String {
        let names: Vec<String> = match self {
            Columns::Named(names) => names.iter().map(|name| format!("{prefix}{name}")).collect(),
            Columns::Declared(columns) => {
                columns.iter().map(|(name, _)| format!("{prefix}{name}")).collect()
            }
        };
        names.join(", ")
    }
}

/// `unnest($1::integer[], $2::bigint[]) AS x(bucket, org_id)`.
fn unnest(columns: &[(&'static str, Kind)]) -> String {
    let arrays: Vec<String> = columns
        .iter()
        .enumerate()
        .map(|(at, (_, kind))| {
            let kind = match kind {
                Kind::Small => "integer",
                Kind::Int => "bigint",
                Kind::Text => "text",
                Kind::Blob => "bytea",
            };
            format!("${}::{kind}[]", at + 1)
        })
        .collect();
    format!("unnest({}) AS x({})", arrays.join(", "), list(columns, |_, name| name.to_owned()))
}

fn list(columns: &[(&'static str, Kind)], write: impl Fn(usize, &'static str) -> String) -> String {
    written(columns, write).join(", ")
}

fn conditions(
    columns: &[(&'static str, Kind)],
    write: impl Fn(usize, &'static str) -> String,
) -> String {
    written(columns, write).join(" AND ")
}

/// Writes each column, given its place from 1.
fn written(
    columns: &[(&'static str, Kind)],
    write: impl Fn(usize, &'static str) -> String,
) -> Vec<String> {
    columns.iter().enumerate().map(|(at, (name, _))| write(at + 1, name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_keep_their_numbers_on_sqlite() {
        let statement = Statement::new("SELECT $2, $1, $2");
        assert_eq!(statement.sqlite(), "SELECT ?2, ?1, ?2");
        assert_eq!(statement.postgres(), "SELECT $2, $1, $2");
    }

    #[test]
    fn a_bulk_writes_one_text_for_each_engine() {
        const COLUMNS: &[(&str, Kind)] =
            &[("bucket", Kind::Small), ("org_id", Kind::Int), ("due", Kind::Int)];
        let upsert = Bulk::new(Action::Upsert, "wakes", 2, COLUMNS);
        assert_eq!(
            upsert.sqlite(),
            "INSERT INTO wakes (bucket, org_id, due) VALUES (?1, ?2, ?3) \
             ON CONFLICT (bucket, org_id) DO UPDATE SET due = excluded.due"
        );
        assert_eq!(
            upsert.postgres(),
            "INSERT INTO wakes (bucket, org_id, due) SELECT x.bucket, x.org_id, x.due \
             FROM unnest($1::integer[], $2::bigint[], $3::bigint[]) AS x(bucket, org_id, due) \
             JOIN buckets b ON b.bucket = x.bucket \
             ON CONFLICT (bucket, org_id) DO UPDATE SET due = excluded.due"
        );
        let update = Bulk::new(Action::Update, "wakes", 2, COLUMNS);
        assert_eq!(update.sqlite(), "UPDATE wakes SET due = ?3 WHERE bucket = ?1 AND org_id = ?2");
    }
}
