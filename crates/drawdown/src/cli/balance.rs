//! `drawdown balance`: what an organization has, and until when it lasts.

use clap::Args;
use domain::{Amount, Timestamp};
use serde_json::Value;

use super::client::{Address, Client};
use super::{Done, EXAMPLES, out, span};

#[derive(Debug, Args)]
#[command(after_long_help = format!("{EXAMPLES}
  drawdown balance org_01hzy3v7k2m4n6p8q0r2s4t6v8
  drawdown balance --json | jq -r .available     # of the organization that the key belongs to"))]
pub struct Balance {
    /// Whose; the key's own organization when none is given.
    organization: Option<String>,
    /// Print the API's answer.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    address: Address,
}

pub async fn run(asked: Balance) -> Done {
    let client = Client::new(&asked.address)?;
    let wallet = client.wallet(asked.organization.as_deref())?;
    let answer = client.get(&format!("/v1/wallets/{wallet}"), &[]).await?;
    if asked.json {
        return out::line(&answer.text);
    }
    out::fields(&shown(&answer.json()?))
}

fn shown(wallet: &Value) -> Vec<(&'static str, String)> {
    let text = |name: &str| wallet[name].as_str().unwrap_or("-").to_owned();
    let is_zero = |name: &str| Amount::parse(&text(name)).is_ok_and(Amount::is_zero);
    let currency = text("currency");
    let money = |name: &str| format!("{} {currency}", text(name));
    let mut shown = vec![
        ("organization", text("organization")),
        ("as of", text("as_of")),
        ("available", money("available")),
        ("held", money("held")),
        ("accrued", money("accrued")),
        ("burn per hour", money("burn_per_hour")),
        ("lasts", lasts(wallet)),
    ];
    if !is_zero("debt") {
        shown.push(("debt", money("debt")));
    }
    if wallet["frozen"] == true {
        shown.push(("state", "frozen by a dispute: only money may come in".to_owned()));
    }
    if let Some(until) = wallet["purchased_until"].as_str() {
        shown.push(("purchased until", until.to_owned()));
    }
    shown
}

/// Until when what runs can go on, in words and as a time.
fn lasts(wallet: &Value) -> String {
    let time = |name: &str| wallet[name].as_str().and_then(Timestamp::parse);
    match (time("runs_out_at"), time("as_of")) {
        (Some(until), Some(now)) => match until.seconds_since(now) {
            seconds if seconds > 0 => format!("{}, until {until}", span(seconds)),
            _ => format!("no longer: what runs is stopped at {until}"),
        },
        _ if wallet["running_count"] == 0 => "nothing runs".to_owned(),
        _ => "nothing that runs is stopped for credit".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_usual_is_not_said() {
        let mut wallet = json!({
            "organization": "org_1", "as_of": "2026-01-05T00:00:00Z", "available": "12.00",
            "currency": "USD", "held": "0.00", "accrued": "0.50", "burn_per_hour": "2.40",
            "runs_out_at": "2026-01-05T05:00:30Z", "running_count": 1, "debt": "0.00",
            "frozen": false, "purchased_until": null
        });
        let lasts = |wallet: &Value| {
            shown(wallet).into_iter().find(|(name, _)| *name == "lasts").unwrap().1
        };
        assert_eq!(shown(&wallet).len(), 7);
        assert_eq!(lasts(&wallet), "5 hours, until 2026-01-05T05:00:30Z");
        wallet["runs_out_at"] = Value::Null;
        assert_eq!(lasts(&wallet), "nothing that runs is stopped for credit");
        wallet["running_count"] = json!(0);
        assert_eq!(lasts(&wallet), "nothing runs");
        wallet["debt"] = json!("0.01");
        wallet["frozen"] = json!(true);
        let names: Vec<&str> = shown(&wallet).iter().map(|(name, _)| *name).collect();
        assert_eq!(names[7..], ["debt", "state"]);
    }
}
