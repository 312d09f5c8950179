//! `drawdown clock`: moving the time of a test platform, and waiting until everything has arrived.

use std::time::Duration;

use clap::{Args, Subcommand};
use domain::Timestamp;
use serde_json::{Value, json};

use super::client::{Address, Client};
use super::{Done, EXAMPLES, Failure, out, seconds_of};

const PAUSE: Duration = Duration::from_millis(500);

#[derive(Debug, Subcommand)]
pub enum Clock {
    /// Advance the clock of a test platform; everything due on the way happens at its own second.
    Advance(Advance),
}

#[derive(Debug, Args)]
#[command(after_long_help = format!("{EXAMPLES}
  drawdown clock advance plt_01hzy3v7k2m4n6p8q0r2s4t6v8 --by 3d4h
  drawdown clock advance plt_01hzy3v7k2m4n6p8q0r2s4t6v8 --to 2026-02-01T00:00:00Z"))]
pub struct Advance {
    /// Whose clock.
    platform: String,
    /// Where to go; arriving twice is arriving once.
    #[arg(long, value_name = "RFC3339", required_unless_present = "by", conflicts_with = "by")]
    to: Option<String>,
    /// How far to go from where the clock stands: 3d4h, 90m, 45s.
    #[arg(long, value_name = "SPAN", value_parser = seconds_of)]
    by: Option<i64>,
    /// Print the API's last answer.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    address: Address,
}

/// Advances a clock, and waits while it is under way.
pub async fn run(asked: Clock) -> Done {
    let Clock::Advance(asked) = asked;
    let client = Client::new(&asked.address)?;
    let path = format!("/v1/test_clocks/{}", asked.platform);
    let before = client.get(&path, &[]).await?.json()?;
    let to = match (asked.to, asked.by) {
        (Some(to), _) => to,
        (None, by) => {
            // As an instant, so that sending it twice goes no further.
            let now = time(&before, "now")?;
            now.plus_seconds(by.unwrap_or(0)).to_string()
        }
    };
    let mut answer = client.act(&format!("{path}/advance"), &json!({"to": to})).await?;
    let mut progress = out::Progress::new();
    loop {
        let clock = answer.json()?;
        if clock["state"] != "advancing" {
            break;
        }
        progress.say(&format!("{} of {to}", clock["now"].as_str().unwrap_or("-")));
        tokio::time::sleep(PAUSE).await;
        answer = client.get(&path, &[]).await?;
    }
    drop(progress);
    if asked.json {
        return out::line(&answer.text);
    }
    let after = answer.json()?;
    let (from, to) = (time(&before, "now")?, time(&after, "now")?);
    out::line(&format!("{} went from {from} to {to}", asked.platform))
}

fn time(clock: &Value, name: &str) -> Result<Timestamp, Failure> {
    let time = clock[name].as_str().and_then(Timestamp::parse);
    time.ok_or_else(|| Failure::Said(format!("the server's answer has no time `{name}`")))
}
