//! `drawdown deposit` and `drawdown grant`: money in, once for each idempotency key.

use clap::Args;
use serde_json::{Value, json};

use super::client::{Answer, Client, Common};
use super::{Done, EXAMPLES, Failure, out};

#[derive(Debug, Args)]
#[command(after_long_help = format!("{EXAMPLES}
  drawdown deposit org_01hzy3v7k2m4n6p8q0r2s4t6v8 50.00
  drawdown deposit org_01hzy3v7k2m4n6p8q0r2s4t6v8 50.00 --idempotency-key order-4711"))]
pub struct Deposit {
    /// Whose credit it becomes.
    organization: String,
    /// The credit to be bought, such as 50.00; tax that is due on deposits comes on top.
    amount: String,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Args)]
#[command(after_long_help = format!("{EXAMPLES}
  drawdown grant org_01hzy3v7k2m4n6p8q0r2s4t6v8 5.00 --note welcome
  drawdown grant org_01hzy3v7k2m4n6p8q0r2s4t6v8 25 --expires 2027-01-01T00:00:00Z"))]
pub struct Grant {
    /// Who is given it.
    organization: String,
    /// How much, such as 5.00.
    amount: String,
    /// What it is for; the organization reads it.
    #[arg(long, default_value = "")]
    note: String,
    /// When what is left of it expires; never, when no time is given.
    #[arg(long, value_name = "RFC3339")]
    expires: Option<String>,
    #[command(flatten)]
    common: Common,
}

/// Starts a deposit and says where it is paid.
pub async fn deposit(asked: Deposit) -> Done {
    let body = json!({"organization": asked.organization, "amount": asked.amount});
    let is_json = asked.common.json;
    let answer = send("/v1/deposits", &body, asked.common).await?;
    if is_json {
        return out::line(&answer.text);
    }
    let deposit = answer.json()?;
    let text = |name: &str| deposit[name].as_str().unwrap_or("-");
    out::fields(&[
        ("deposit", text("id").to_owned()),
        ("state", text("state").to_owned()),
        ("credit", text("amount").to_owned()),
        ("to pay", format!("{} (tax {})", text("charged"), text("tax"))),
        ("paid at", text("checkout_url").to_owned()),
        ("moved", moved(&answer, "nothing until it is paid")),
    ])
}

/// Gives a promotional grant.
pub async fn grant(asked: Grant) -> Done {
    let mut body = json!({
        "organization": asked.organization, "amount": asked.amount, "note": asked.note
    });
    if let Some(expires) = asked.expires {
        body["expires_at"] = Value::from(expires);
    }
    let is_json = asked.common.json;
    let answer = send("/v1/grants", &body, asked.common).await?;
    if is_json {
        return out::line(&answer.text);
    }
    let grant = answer.json()?;
    let text = |name: &str| grant[name].as_str().unwrap_or("-");
    out::fields(&[
        ("grant", text("id").to_owned()),
        ("expires", grant["expires_at"].as_str().unwrap_or("never").to_owned()),
        ("moved", moved(&answer, &format!("{} to {}", text("amount"), text("organization")))),
    ])
}

async fn send(path: &str, body: &Value, common: Common) -> Result<Answer, Failure> {
    let client = Client::new(&common.address)?;
    Ok(client.post(path, body, &common.repeatable.key()).await?)
}

/// What moved just now: nothing, where an earlier answer is repeated.
fn moved(answer: &Answer, what: &str) -> String {
    if answer.is_repeated {
        "nothing again: this key was answered before".to_owned()
    } else {
        what.to_owned()
    }
}
