//! `drawdown verify`: recomputes the books and names the first row that lies.
//!
//! It reads one snapshot and writes nothing, so it may run beside a server, except on SQLite, whose
//! file belongs to one process.

use std::io::{IsTerminal, Write};
use std::time::Instant;

use app::verify::{Report, Unverified};
use serde_json::json;
use store::{Store, StoreUrl};
use tokio::runtime::Handle;

use crate::config::Config;

/// Verifies the store that `config` names and prints what was looked at, as JSON or in words.
///
/// Errors: the first lie, or why the store cannot be read.
pub async fn run(config: &Config, json: bool) -> Result<(), String> {
    let url: StoreUrl = config.database.url.parse()?;
    let runtime = Handle::current();
    let opened = tokio::task::spawn_blocking(move || Store::open(&url, &runtime)).await;
    let store = opened.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
    let started = Instant::now();
    let verified = app::verify::run(&store, show_progress(json)).await;
    let seconds = started.elapsed().as_secs();
    let mut snapshot = store.snapshot().await.map_err(|error| error.to_string())?;
    let era = store::meta::era(&mut snapshot).await.map_err(|error| error.to_string())?;
    if json {
        println!("{}", as_json(&verified, era));
    }
    match verified {
        Ok(report) if !json => {
            println!(
                "the books are right: {} transactions of {} wallets, {} of them usage events, and \
                 {} other rows in {seconds} s; era {era}",
                report.transactions, report.wallets, report.usage_events, report.other_rows
            );
            Ok(())
        }
        Ok(_) => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}

fn as_json(verified: &Result<Report, Unverified>, era: i64) -> serde_json::Value {
    match verified {
        Ok(report) => json!({
            "verified": true,
            "era": era,
            "transactions": report.transactions,
            "wallets": report.wallets,
            "usage_events": report.usage_events,
            "other_rows": report.other_rows,
        }),
        Err(Unverified::Lie(lie)) => json!({
            "verified": false,
            "era": era,
            "table": lie.table,
            "organization": domain::Id::new(domain::Kind::Organization, lie.org, 0).to_string(),
            "row": lie.row,
            "what": lie.what,
        }),
        Err(Unverified::Store(error)) => {
            json!({"verified": false, "era": era, "error": error.to_string()})
        }
    }
}

/// A count on a terminal; a line for each tenth elsewhere. Results on standard output stay alone.
fn show_progress(json: bool) -> impl FnMut(u64, u64) {
    let is_terminal = std::io::stderr().is_terminal();
    let mut tenths = 0;
    move |done, all| {
        let mut out = std::io::stderr().lock();
        if is_terminal {
            let end = if done >= all { "\n" } else { "" };
            let _ = write!(out, "\r  {done} of {all} rows{end}");
            let _ = out.flush();
        } else if !json && all > 0 && done * 10 / all > tenths {
            tenths = done * 10 / all;
            let _ = writeln!(out, "  {done} of {all} rows");
        }
    }
}
