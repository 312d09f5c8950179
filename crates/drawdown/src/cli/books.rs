//! `drawdown backup` and `drawdown restore`: the store as one file, and back (rulings A14).

use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use store::StoreUrl;
use store::backup::{self, Copied, Restored};
use tokio::runtime::Handle;

use super::{Done, EXAMPLES, out};
use crate::config::Config;
use crate::serve;

#[derive(Debug, Args)]
#[command(after_long_help = format!("{EXAMPLES}
  drawdown backup /backup/drawdown-$(date +%F).db
  DRAWDOWN_DATABASE_URL=sqlite:/var/lib/drawdown/drawdown.db drawdown backup copy.db --json"))]
pub struct Backup {
    /// Where the copy goes; a file that does not exist yet.
    file: PathBuf,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
#[command(after_long_help = format!("{EXAMPLES}
  DRAWDOWN_DATABASE_URL=sqlite:/var/lib/drawdown/drawdown.db drawdown restore copy.db
  drawdown restore copy.db && drawdown verify"))]
pub struct Restore {
    /// A backup; it is left as it is.
    file: PathBuf,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

/// Copies the store of `config` into a new file.
pub fn backup(asked: &Backup, config: &Config) -> Done {
    let StoreUrl::Sqlite(path) = config.database.url.parse()? else {
        return Err(format!(
            "PostgreSQL has its own: pg_dump --format=custom --file={} \
             \"$DRAWDOWN_DATABASE_URL\"",
            asked.file.display()
        )
        .into());
    };
    let mut progress = out::Progress::new();
    let copied = backup::copy(&path, &asked.file, |done, all| {
        progress.say(&format!("{done} of {all} pages"));
    });
    drop(progress);
    let Copied { bytes, era } = copied.map_err(|error| error.to_string())?;
    if asked.json {
        return out::line(&json!({"file": asked.file, "bytes": bytes, "era": era}).to_string());
    }
    let file = asked.file.display();
    out::line(&format!("{file}: {bytes} bytes of era {era}, and the copy is whole"))
}

/// Makes the store of `config` from a backup, and brings its schema up to date.
pub fn restore(asked: &Restore, config: &Config, runtime: &Handle) -> Done {
    let StoreUrl::Sqlite(path) = config.database.url.parse()? else {
        return Err("PostgreSQL has its own: pg_restore, into an empty database".to_owned().into());
    };
    let restored = backup::restore(&asked.file, &path);
    let Restored { bytes, era } = restored.map_err(|error| error.to_string())?;
    // The index is not in a backup: its tables are made here, its rows by who serves.
    serve::migrate(config, runtime)?;
    if asked.json {
        return out::line(&json!({"file": path, "bytes": bytes, "era": era}).to_string());
    }
    out::line(&format!("{}: {bytes} bytes, era {era} begins", path.display()))?;
    out::line("Before it serves: what has to be reconciled is in docs/operations.md.")
}
