//! `drawdown events`: what happens, as it happens.
//!
//! *Invariant:* a stream that is cut off is begun again after the last event that was printed, so
//! none is missed and none is told twice.

use std::time::Duration;

use clap::Args;
use serde_json::Value;

use super::client::{Address, Client, Stream, Unanswered};
use super::{Done, EXAMPLES, Failure, out};

const PAUSE: Duration = Duration::from_secs(1);
/// Bytes of one event, beyond which this is no stream of ours.
const EVENT_BYTES_MAX: usize = 1 << 20;

#[derive(Debug, Args)]
#[command(after_long_help = format!("{EXAMPLES}
  drawdown events org_01hzy3v7k2m4n6p8q0r2s4t6v8
  drawdown events --since 1042 --json | jq -r 'select(.type == \"run.stopped\") | .data.run'"))]
pub struct Events {
    /// Whose; the key's own organization when none is given.
    organization: Option<String>,
    /// Begin after the event with this number; from the first one on, when none is given.
    #[arg(long, value_name = "NUMBER")]
    since: Option<i64>,
    /// Print each event as the API tells it, one a line.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    address: Address,
}

/// Tells events until it is interrupted.
pub async fn run(asked: Events) -> Done {
    let client = Client::new(&asked.address)?;
    let since = asked.since.map(|number| number.to_string());
    let mut query = Vec::new();
    query.extend(asked.organization.as_deref().map(|id| ("organization", id)));
    query.extend(since.as_deref().map(|number| ("since", number)));
    let mut teller = Teller { json: asked.json, last: None };
    let mut has_begun = false;
    loop {
        let cut_off = match client.stream("/v1/events", &query, teller.last.as_deref()).await {
            Ok(stream) => {
                has_begun = true;
                teller.tell(stream).await?.unwrap_or_else(|| format!("{} ended it", client.base()))
            }
            Err(Unanswered::Unreachable(said) | Unanswered::Lost(said)) if has_begun => said,
            Err(error) => return Err(error.into()),
        };
        eprintln!("drawdown: {cut_off}; trying again");
        tokio::time::sleep(PAUSE).await;
    }
}

/// Prints events, and remembers the last one.
struct Teller {
    json: bool,
    last: Option<String>,
}

impl Teller {
    /// Tells what comes until the stream ends, and why it did, where that is known.
    async fn tell(&mut self, mut stream: Stream) -> Result<Option<String>, Failure> {
        let mut waiting = Vec::new();
        loop {
            match stream.chunk().await {
                Ok(Some(bytes)) => waiting.extend_from_slice(&bytes),
                Ok(None) => return Ok(None),
                Err(Unanswered::Unreachable(said) | Unanswered::Lost(said)) => {
                    return Ok(Some(said));
                }
                Err(refused) => return Err(refused.into()),
            }
            while let Some(end) = waiting.windows(2).position(|pair| pair == b"\n\n") {
                let block: Vec<u8> = waiting.drain(..end + 2).collect();
                self.print(&String::from_utf8_lossy(&block))?;
            }
            if waiting.len() > EVENT_BYTES_MAX {
                return Err("an event of the stream has no end".to_owned().into());
            }
        }
    }

    fn print(&mut self, block: &str) -> Done {
        let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name));
        let Some(data) = field("data: ") else { return Ok(()) };
        if self.json {
            out::line(data)?;
        } else {
            out::line(&shown(data))?;
        }
        self.last = field("id: ").map(str::to_owned);
        Ok(())
    }
}

fn shown(data: &str) -> String {
    let Ok(event) = serde_json::from_str::<Value>(data) else { return data.to_owned() };
    let text = |name: &str| event[name].as_str().unwrap_or("-");
    let number = event["number"].as_i64().unwrap_or(0);
    let said = event["data"].as_object().into_iter().flatten();
    let said: Vec<String> = said
        .map(|(name, value)| format!("{name}={}", value.as_str().unwrap_or_default()))
        .collect();
    format!("{}  {number:>6}  {}  {}", text("at"), text("type"), said.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_line() {
        let data = r#"{"at":"2026-01-05T00:00:00Z","number":7,"type":"run.stopped",
            "data":{"run":"run_1","reason":"requested"}}"#;
        let line = "2026-01-05T00:00:00Z       7  run.stopped  reason=requested run=run_1";
        assert_eq!(shown(data), line);
    }
}
