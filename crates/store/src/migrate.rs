//! Brings a schema up to this program, or says why it will not.
//!
//! *Invariant:* steps are ordered and never edited: each leaves its number and the checksum of the
//! text that was run, and a store whose steps are not ours, or go beyond ours, is refused before
//! anything is changed. All missing steps are one transaction that holds the lock row, so two
//! processes that start together cannot both run a step, and one that dies leaves no lock behind.
//!
//! A step is written once, in PostgreSQL's words, and lowered to SQLite by [`lower`]; a step that
//! really differs has a second file. There are no advisory locks, because not every engine that
//! speaks PostgreSQL has them.

use domain::time::Timestamp;
use sha2::{Digest, Sha256};

use crate::error::StoreError;
use crate::statement::{Statement, catalogue};
use crate::writer::Writer;
use crate::{Engine, Store};

/// Where a step's tables live on SQLite; PostgreSQL keeps all in one database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Home {
    Main,
    Index,
}

/// One step of the schema.
struct Step {
    number: i64,
    name: &'static str,
    home: Home,
    text: &'static str,
    /// Replaces `text` on SQLite, word for word.
    sqlite: Option<&'static str>,
}

const STEPS: &[Step] = &[
    Step {
        number: 1,
        name: "founding",
        home: Home::Main,
        text: include_str!("../schema/0001_founding.sql"),
        sqlite: None,
    },
    Step {
        number: 2,
        name: "journal",
        home: Home::Main,
        text: include_str!("../schema/0002_journal.sql"),
        sqlite: Some(include_str!("../schema/0002_journal.sqlite.sql")),
    },
    Step {
        number: 3,
        name: "index",
        home: Home::Index,
        text: include_str!("../schema/0003_index.sql"),
        sqlite: Some(include_str!("../schema/0003_index.sqlite.sql")),
    },
    Step {
        number: 4,
        name: "views",
        home: Home::Main,
        text: include_str!("../schema/0004_views.sql"),
        sqlite: Some(include_str!("../schema/0004_views.sqlite.sql")),
    },
];

const BOOKKEEPING: &str = "\
CREATE TABLE IF NOT EXISTS schema_migrations (
    number BIGINT NOT NULL,
    name TEXT NOT NULL,
    checksum TEXT NOT NULL,
    applied_at BIGINT NOT NULL,
    PRIMARY KEY (number)
);
CREATE TABLE IF NOT EXISTS schema_lock (
    name TEXT NOT NULL,
    owner TEXT NOT NULL,
    since BIGINT NOT NULL,
    PRIMARY KEY (name)
);
";

catalogue! {
    /// Takes the lock until the transaction ends, and leaves the name of who had it last.
    LOCK: Statement = Statement::new(
        "INSERT INTO schema_lock (name, owner, since) VALUES ('schema', $1, $2) \
         ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, since = excluded.since"
    );
    /// The steps that were run.
    APPLIED: Statement = Statement::new(
        "SELECT number, name, checksum FROM schema_migrations ORDER BY number"
    );
    /// Notes a step that was run.
    RECORD: Statement = Statement::new(
        "INSERT INTO schema_migrations (number, name, checksum, applied_at) \
         VALUES ($1, $2, $3, $4)"
    );
}

/// How PostgreSQL's words are lowered to SQLite's: STRICT tables know fewer kinds of column.
const WORDS: &[(&str, &str)] = &[("BIGINT", "INTEGER"), ("BYTEA", "BLOB")];

/// Runs the steps that are missing, and says how many there were. It blocks, so it is called from
/// a thread and not from an async task. `owner` is who to look for while the lock is held.
///
/// Errors: `Schema` when the store is newer than this program or a step of it was altered; what
/// the engine says otherwise. Nothing was changed then.
///
/// Idempotency: a schema that is up to date is left as it is.
pub fn run(store: &Store, owner: &str, now: Timestamp) -> Result<usize, StoreError> {
    match store.engine {
        Engine::Postgres(_) => {
            let steps: Vec<Pending> = STEPS.iter().map(Step::for_postgres).collect();
            apply(&mut store.writer()?, BOOKKEEPING, &steps, owner, now)
        }
        Engine::Sqlite(_) => {
            let bookkeeping = lower(BOOKKEEPING);
            let home = |home| -> Vec<Pending> {
                STEPS.iter().filter(|step| step.home == home).map(Step::for_sqlite).collect()
            };
            let main = apply(&mut store.writer()?, &bookkeeping, &home(Home::Main), owner, now)?;
            let index = &mut store.index_writer()?;
            Ok(main + apply(index, &bookkeeping, &home(Home::Index), owner, now)?)
        }
    }
}

/// One checksum over all steps: the name of a template with this very schema.
pub(crate) fn checksum() -> String {
    let texts: String = STEPS.iter().map(|step| step.for_postgres().checksum).collect();
    hex_sha256(&texts)
}

fn hex_sha256(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A step as one engine runs it.
struct Pending {
    number: i64,
    name: &'static str,
    text: String,
    checksum: String,
}

impl Step {
    fn for_postgres(&self) -> Pending {
        self.pending(self.text.to_owned())
    }

    fn for_sqlite(&self) -> Pending {
        self.pending(self.sqlite.map_or_else(|| lower(self.text), str::to_owned))
    }

    fn pending(&self, text: String) -> Pending {
        let checksum = hex_sha256(&text);
        Pending { number: self.number, name: self.name, text, checksum }
    }
}

fn apply(
    writer: &mut Writer,
    bookkeeping: &str,
    steps: &[Pending],
    owner: &str,
    now: Timestamp,
) -> Result<usize, StoreError> {
    writer.begin()?;
    let made = writer.batch(bookkeeping).and_then(|()| writer.commit());
    match made {
        // Another process made the same tables at the same moment.
        Err(StoreError::Duplicate(_)) => writer.rollback()?,
        other => other?,
    }
    writer.begin()?;
    let ran = apply_missing(writer, steps, owner, now);
    match ran {
        Ok(count) => writer.commit().map(|()| count),
        Err(error) => {
            writer.rollback()?;
            Err(error)
        }
    }
}

fn apply_missing(
    writer: &mut Writer,
    steps: &[Pending],
    owner: &str,
    now: Timestamp,
) -> Result<usize, StoreError> {
    writer.execute(&LOCK, &[owner.into(), now.into()])?;
    let mut applied = Vec::new();
    for row in writer.query(&APPLIED, &[])? {
        let (number, name, checksum) = (row.int(0)?, row.text(1)?, row.text(2)?);
        refuse_unknown(steps, number, name, checksum)?;
        applied.push(number);
    }
    let mut count = 0;
    for step in steps.iter().filter(|step| !applied.contains(&step.number)) {
        writer.batch(&step.text)?;
        let record =
            [step.number.into(), step.name.into(), step.checksum.as_str().into(), now.into()];
        writer.execute(&RECORD, &record)?;
        count += 1;
    }
    Ok(count)
}

fn refuse_unknown(
    steps: &[Pending],
    number: i64,
    name: &str,
    checksum: &str,
) -> Result<(), StoreError> {
    let Some(step) = steps.iter().find(|step| step.number == number) else {
        return Err(StoreError::Schema(format!(
            "the store has step {number} ({name}), which this program does not know: it needs a \
             newer drawdown"
        )));
    };
    if step.checksum != checksum {
        return Err(StoreError::Schema(format!(
            "step {number} ({name}) was run with another text: checksum {checksum}, this program \
             has {}",
            step.checksum
        )));
    }
    Ok(())
}

/// Lowers PostgreSQL's words to SQLite's. A line `);` ends a table, which becomes STRICT and, as
/// every key here is short and leads with the bucket, is kept in the order of its key.
fn lower(text: &str) -> String {
    let mut lowered = String::with_capacity(text.len());
    for line in text.lines() {
        if line == ");" {
            lowered.push_str(") STRICT, WITHOUT ROWID;");
        } else {
            let mut line = line.to_owned();
            for (word, lower) in WORDS {
                line = line.replace(word, lower);
            }
            lowered.push_str(&line);
        }
        lowered.push('\n');
    }
    lowered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_schema_is_a_step() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/schema");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        files.sort();
        let mut steps: Vec<String> = Vec::new();
        for step in STEPS {
            let name = format!("{:04}_{}", step.number, step.name);
            steps.push(format!("{name}.sql"));
            steps.extend(step.sqlite.map(|_| format!("{name}.sqlite.sql")));
        }
        assert_eq!(files, steps);
        assert!(STEPS.windows(2).all(|pair| pair[0].number + 1 == pair[1].number));
    }

    #[test]
    fn tables_are_lowered_to_strict_ones() {
        let text = "CREATE TABLE t (\n    a BIGINT NOT NULL,\n    b BYTEA\n);\n";
        let lowered = "CREATE TABLE t (\n    a INTEGER NOT NULL,\n    b BLOB\n) STRICT, WITHOUT \
                       ROWID;\n";
        assert_eq!(lower(text), lowered);
    }
}
