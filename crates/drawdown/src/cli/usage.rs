//! `drawdown usage tail`: charges as they are posted, one line each.
//!
//! *Invariant:* ledger transactions are numbered without gaps and never change, so what lies above
//! the highest number that was looked at is new, and all of it: no row is missed or told twice.

use std::collections::BTreeMap;
use std::time::Duration;

use clap::{Args, Subcommand};
use domain::{Amount, Timestamp};
use serde_json::Value;

use super::client::{Address, Client, Unanswered};
use super::{Done, EXAMPLES, Failure, out, span};

const PAUSE: Duration = Duration::from_secs(1);
const ROWS_AT_ONCE: &str = "100";

#[derive(Debug, Subcommand)]
pub enum Usage {
    /// Print charges as they are posted: time, what, quantity, amount, balance after.
    Tail(Tail),
}

#[derive(Debug, Args)]
#[command(after_long_help = format!("{EXAMPLES}
  drawdown usage tail org_01hzy3v7k2m4n6p8q0r2s4t6v8
  drawdown usage tail --last 0 --json | jq -r .amount    # of the key's own organization"))]
pub struct Tail {
    /// Whose; the key's own organization when none is given.
    organization: Option<String>,
    /// So many of the charges that were posted before are printed first.
    #[arg(long, value_name = "NUMBER", default_value_t = 10)]
    last: usize,
    /// Print each row as the API's ledger has it, one a line.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    address: Address,
}

/// Follows the ledger until it is interrupted.
pub async fn run(asked: Usage) -> Done {
    let Usage::Tail(asked) = asked;
    let client = Client::new(&asked.address)?;
    let mut ledger = Ledger { client, organization: asked.organization, seen: 0 };
    let mut skus = Skus::default();
    let mut rows = ledger.newest(asked.last).await?;
    loop {
        for row in &rows {
            if asked.json {
                out::line(&row.to_string())?;
            } else {
                skus.learn(&ledger, row).await;
                out::line(&skus.shown(row))?;
            }
        }
        tokio::time::sleep(PAUSE).await;
        rows = match ledger.fresh().await {
            Ok(rows) => rows,
            Err(Fetched::Unanswered(Unanswered::Unreachable(said) | Unanswered::Lost(said))) => {
                eprintln!("drawdown: {said}; trying again");
                Vec::new()
            }
            Err(error) => return Err(error.into()),
        };
    }
}

/// Why rows could not be had.
enum Fetched {
    Unanswered(Unanswered),
    Failure(Failure),
}

impl From<Fetched> for Failure {
    fn from(fetched: Fetched) -> Failure {
        match fetched {
            Fetched::Unanswered(unanswered) => unanswered.into(),
            Fetched::Failure(failure) => failure,
        }
    }
}

/// The ledger of an organization, and up to where it was looked at.
struct Ledger {
    client: Client,
    organization: Option<String>,
    /// The highest number up to which every charge was told.
    seen: i64,
}

impl Ledger {
    /// The last charges at the start, oldest first.
    async fn newest(&mut self, last: usize) -> Result<Vec<Value>, Fetched> {
        let tip = self.tip().await?;
        let rows = if last == 0 { Vec::new() } else { self.usage_above(0, last).await? };
        self.seen = rows.last().map_or(tip, |row| number_of(row).max(tip));
        Ok(rows)
    }

    /// The charges since the last look, oldest first.
    async fn fresh(&mut self) -> Result<Vec<Value>, Fetched> {
        let tip = self.tip().await?;
        if tip <= self.seen {
            return Ok(Vec::new());
        }
        let rows = self.usage_above(self.seen, usize::MAX).await?;
        // What came between the two questions may be among the rows.
        self.seen = rows.last().map_or(tip, |row| number_of(row).max(tip));
        Ok(rows)
    }

    /// The number of the last ledger transaction.
    async fn tip(&self) -> Result<i64, Fetched> {
        let page = self.page(&[("limit", "1")]).await?;
        Ok(page["data"].get(0).map_or(0, number_of))
    }

    /// At most `rows_max` of the newest charges above a number, oldest first.
    async fn usage_above(&self, seen: i64, rows_max: usize) -> Result<Vec<Value>, Fetched> {
        let mut rows: Vec<Value> = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let mut query = vec![("show", "usage"), ("limit", ROWS_AT_ONCE)];
            query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
            let page = self.page(&query).await?;
            let found = page["data"].as_array().into_iter().flatten();
            let before = rows.len();
            let fresh = found.clone().filter(|row| number_of(row) > seen);
            rows.extend(fresh.take(rows_max - before).cloned());
            let is_all = rows.len() == rows_max || found.count() > rows.len() - before;
            cursor = page["next_cursor"].as_str().map(str::to_owned);
            if is_all || cursor.is_none() {
                rows.reverse();
                return Ok(rows);
            }
        }
    }

    async fn page(&self, query: &[(&str, &str)]) -> Result<Value, Fetched> {
        self.read("/v1/ledger", self.organization.as_deref().map(|id| ("organization", id)), query)
            .await
    }

    async fn read(
        &self,
        path: &str,
        of: Option<(&str, &str)>,
        query: &[(&str, &str)],
    ) -> Result<Value, Fetched> {
        let query: Vec<(&str, &str)> = of.into_iter().chain(query.iter().copied()).collect();
        let answer = self.client.get(path, &query).await.map_err(Fetched::Unanswered)?;
        answer.json().map_err(Fetched::Failure)
    }

    /// Every row of a list of the platform.
    async fn list_of_platform(&self, path: &str) -> Result<Vec<Value>, Fetched> {
        let platform = match &self.organization {
            // The operator has to say; everybody else's is known by the key.
            Some(id) if !self.client.is_stored_key() => {
                let organization = self.read(&format!("/v1/organizations/{id}"), None, &[]).await?;
                organization["platform"].as_str().map(str::to_owned)
            }
            _ => None,
        };
        let of = platform.as_deref().map(|id| ("platform", id));
        let mut rows = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let mut query = vec![("limit", ROWS_AT_ONCE)];
            query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
            let page = self.read(path, of, &query).await?;
            rows.extend(page["data"].as_array().into_iter().flatten().cloned());
            cursor = page["next_cursor"].as_str().map(str::to_owned);
            if cursor.is_none() {
                return Ok(rows);
            }
        }
    }
}

fn number_of(row: &Value) -> i64 {
    row["number"].as_i64().unwrap_or(0)
}

/// What prices are of: the code of a SKU and its dimension, by the id of the price.
#[derive(Default)]
struct Skus(BTreeMap<String, String>);

impl Skus {
    /// Looks prices up that a row has and that were not met before. One that cannot be looked up is
    /// shown as its id.
    async fn learn(&mut self, ledger: &Ledger, row: &Value) {
        let is_known = |line: &Value| self.0.contains_key(line["price"].as_str().unwrap_or("-"));
        if lines(row).all(is_known) {
            return;
        }
        let skus = ledger.list_of_platform("/v1/skus").await.unwrap_or_default();
        let prices = ledger.list_of_platform("/v1/prices").await.unwrap_or_default();
        let pair = |row: &Value, name: &str| {
            Some((row["id"].as_str()?.to_owned(), row[name].as_str()?.to_owned()))
        };
        let codes: BTreeMap<String, String> =
            skus.iter().filter_map(|sku| pair(sku, "code")).collect();
        for price in &prices {
            let code = price["sku"].as_str().and_then(|sku| codes.get(sku));
            if let (Some((id, dimension)), Some(code)) = (pair(price, "dimension"), code) {
                let name = format!("{code} {dimension}");
                self.0.insert(id, name.trim_end().to_owned());
            }
        }
        for line in lines(row) {
            let price = line["price"].as_str().unwrap_or("-").to_owned();
            self.0.entry(price.clone()).or_insert(price);
        }
    }

    /// A row as one line.
    fn shown(&self, row: &Value) -> String {
        let text = |name: &str| row[name].as_str().unwrap_or("-");
        let what = match (row["event"]["source"].as_str(), row["event"]["id"].as_str()) {
            (Some(source), Some(id)) => format!("{} {source}/{id}", text("kind")),
            _ => [text("kind"), row["subject"].as_str().unwrap_or_default()].join(" "),
        };
        let is_given_back = Amount::parse(text("change")).is_ok_and(|change| change > Amount::ZERO);
        let sign = if is_given_back { "-" } else { "" };
        let amount = format!("{sign}{}", text("amount"));
        let (at, quantity, balance) = (text("at"), self.quantity(row), text("balance"));
        format!("{at}  {}  {quantity}  {amount}  {balance}", what.trim_end())
    }

    /// How much of what, or how much time.
    fn quantity(&self, row: &Value) -> String {
        let line = |line: &Value| {
            let price = line["price"].as_str().unwrap_or("-");
            let name = self.0.get(price).map_or(price, String::as_str);
            format!("{} {name}", line["quantity"])
        };
        let quantities: Vec<String> = lines(row).map(line).collect();
        if !quantities.is_empty() {
            return quantities.join(" + ");
        }
        let time = |name: &str| row[name].as_str().and_then(Timestamp::parse);
        match (time("occurred_at"), time("at")) {
            (Some(from), Some(until)) if from < until => span(until.seconds_since(from)),
            _ => "-".to_owned(),
        }
    }
}

fn lines(row: &Value) -> impl Iterator<Item = &Value> {
    row["lines"].as_array().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_charge_is_one_line() {
        let skus = Skus(BTreeMap::from([("prc_1".to_owned(), "llm tokens".to_owned())]));
        let mut row = json!({
            "at": "2026-01-05T00:05:00Z", "occurred_at": null, "kind": "charge",
            "amount": "1.20", "change": "-1.20", "balance": "8.80", "subject": null,
            "event": {"source": "api", "id": "req-1"},
            "lines": [{"price": "prc_1", "quantity": 1200, "amount": "1.20"}]
        });
        let line = "2026-01-05T00:05:00Z  charge api/req-1  1200 llm tokens  1.20  8.80";
        assert_eq!(skus.shown(&row), line);
        row["kind"] = json!("reversal");
        row["change"] = json!("1.20");
        assert!(skus.shown(&row).ends_with("  -1.20  8.80"));
        let row = json!({
            "at": "2026-01-05T00:05:00Z", "occurred_at": "2026-01-05T00:00:00Z",
            "kind": "settlement", "amount": "0.20", "change": "-0.20", "balance": "8.60"
        });
        let line = "2026-01-05T00:05:00Z  settlement  5 minutes  0.20  8.60";
        assert_eq!(skus.shown(&row), line);
    }
}
