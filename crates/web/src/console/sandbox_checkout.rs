//! `/sandbox/checkout/{deposit}`: the hosted payment page of the sandbox rail, on which the payer
//! also plays the bank, and the page one comes back to.
//!
//! Laws: whoever has the address may pay, and nobody else finds it; a deposit is decided by the
//! rail's event, which may come any number of times, and never by a browser that returns.

use std::collections::BTreeMap;

use app::operations::settle_deposit::SettleDeposit;
use app::{Command, Outcome};
use domain::deposit::{Deposit, DepositState, PaymentOutcome};
use domain::{Amount, Id, Kind, Refusal};
use maud::Markup;
use subtle::ConstantTimeEq;

use super::Console;
use super::form::{Fields, Sent};
use super::wallet::offers::sentence_case;
use super::wallet::{self, Read};
use crate::checkout_token;
use crate::error::Fault;
use crate::pages::sandbox_checkout::{CheckoutReturn, ReturnOutcome, SandboxCheckout, Stage};
use crate::pages::show::Unit;
use crate::pages::{paths, sandbox_checkout};
use crate::wire::id_of;

/// Where a deposit is paid, on this server.
pub fn address_of(console: &Console, deposit: Id) -> String {
    let token = checkout_token(&console.web.app, deposit);
    format!("{}?token={token}", paths::checkout(deposit))
}

fn return_address(console: &Console, deposit: Id) -> String {
    let token = checkout_token(&console.web.app, deposit);
    format!("{}?token={token}", paths::checkout_return(deposit))
}

/// The deposit that an address with its token names.
///
/// Errors: `not_found`, whatever is wrong with it.
fn named(console: &Console, deposit: &str, query: &BTreeMap<String, String>) -> Result<Id, Fault> {
    let missing = Fault::missing(Kind::Deposit);
    let id = id_of(deposit, &[Kind::Deposit]).ok_or(missing.clone())?;
    let token = checkout_token(&console.web.app, id);
    let sent = query.get("token").map_or("", String::as_str);
    let is_right: bool = token.as_bytes().ct_eq(sent.as_bytes()).into();
    if is_right { Ok(id) } else { Err(missing) }
}

async fn find(console: &Console, id: Id) -> Result<(Deposit, Read), Fault> {
    let mut snapshot = console.web.app.store.snapshot().await?;
    let deposit = store::read::lists::deposit(&mut snapshot, id.org, id.number).await?;
    drop(snapshot);
    let deposit = deposit.ok_or(Fault::missing(Kind::Deposit))?;
    Ok((deposit, wallet::read(console, id.org, None).await?))
}

/// Shows the payment page.
pub async fn show(
    console: &Console,
    deposit: &str,
    query: &BTreeMap<String, String>,
) -> Result<Markup, Fault> {
    let id = named(console, deposit, query)?;
    let (deposit, read) = find(console, id).await?;
    let paid = Unit::Dollars.usage(deposit.charged());
    let stage = match deposit.state {
        DepositState::Pending | DepositState::Unknown => Stage::Pay,
        DepositState::Failed => Stage::Declined,
        DepositState::NeedsAuthentication => Stage::Authenticate,
        DepositState::InReview => {
            Stage::Closed(format!("What came for this payment of {paid} is being looked at."))
        }
        DepositState::Succeeded => {
            let at = deposit.decided_at.unwrap_or(deposit.created_at);
            let day = read.presentation.zone.minute(at);
            Stage::Closed(format!("This payment of {paid} was made on {day}."))
        }
    };
    Ok(sandbox_checkout::view(&SandboxCheckout {
        address: address_of(console, id),
        wallet: read.wallet_id(),
        merchant: read.rows.platform.name.clone(),
        organization: read.rows.organization.name.clone(),
        amount: deposit.amount,
        tax: deposit.tax.amount,
        bonus: Amount::ZERO,
        expiry: "Never expires".into(),
        burn_per_hour: read.figures.balance.burn_per_hour,
        stage,
        attempt_key: console.mint(),
        presentation: read.presentation,
    }))
}

/// Plays what the payer chose. The deposit itself makes it harmless to play it twice.
pub async fn play(
    console: &Console,
    deposit: &str,
    query: &BTreeMap<String, String>,
    sent: Sent,
) -> Result<String, Fault> {
    let id = named(console, deposit, query)?;
    let fields = Fields::read(sent, || console.mint())?;
    let external = id.to_string();
    let paid = || payments::sandbox::paid(&external);
    let (checkout, back) = (address_of(console, id), return_address(console, id));
    let (outcomes, next) = match fields.text("outcome") {
        "succeed" | "authenticated" => (vec![paid()], back),
        "webhook_twice" => (vec![paid(), paid()], back),
        "never_return" => (vec![paid()], checkout),
        "decline" => (vec![payments::sandbox::declined()], checkout),
        "authentication_failed" => (vec![payments::sandbox::declined()], back),
        "authenticate" => (vec![PaymentOutcome::NeedsAuthentication], checkout),
        _ => {
            let message = "this outcome is not offered".to_owned();
            return Err(Fault::Malformed { message, param: None });
        }
    };
    for outcome in outcomes {
        let settle = SettleDeposit { org: id.org, deposit: id.number, outcome };
        match console.web.app.run(Command::new(settle)).await? {
            // It was paid meanwhile, from another window: the page says so.
            Outcome::Decided(Err(Refusal::DepositDecided { .. })) => {
                return Ok(address_of(console, id));
            }
            Outcome::Decided(Err(refusal)) => return Err(Fault::Refused(refusal)),
            _ => {}
        }
    }
    Ok(next)
}

/// Shows the page that the payer comes back to.
pub async fn returned(
    console: &Console,
    deposit: &str,
    query: &BTreeMap<String, String>,
) -> Result<Markup, Fault> {
    let id = named(console, deposit, query)?;
    let (deposit, read) = find(console, id).await?;
    let outcome = match deposit.state {
        DepositState::Succeeded => ReturnOutcome::Added {
            available: read.figures.available,
            runway_seconds: read
                .figures
                .runs_out_at
                .map(|at| at.seconds_since(read.rows.now).max(0)),
        },
        DepositState::Failed => ReturnOutcome::Failed(sentence_case(&deposit.reason)),
        DepositState::Pending
        | DepositState::NeedsAuthentication
        | DepositState::Unknown
        | DepositState::InReview => ReturnOutcome::Cancelled,
    };
    Ok(sandbox_checkout::returned(&CheckoutReturn {
        shell: read.shell("Payment"),
        wallet: read.wallet_id(),
        address: return_address(console, id),
        amount: deposit.amount,
        outcome,
    }))
}
