//! The forms of the wallet page. Each runs one operation through the door, then goes on to the page
//! that shows what came of it.

use app::operations::create_resource::CreateResource;
use app::operations::record_usage::RecordUsage;
use app::operations::save_payment_method::SavePaymentMethod;
use app::operations::set_auto_top_up::SetAutoTopUp;
use app::operations::set_user_limit::SetUserLimit;
use app::operations::start_deposit::StartDeposit;
use app::operations::start_run::StartRun;
use app::operations::stop_run::StopRun;
use app::{Answer, Command, IdempotencyKey, Operation, Outcome};
use domain::deposit::{Behaviour, PaidWith};
use domain::label::Labels;
use domain::ledger::EventKey;
use domain::price::Sku;
use domain::top_up::Caps;
use domain::{Amount, Id, Kind, OrgId, Refusal};

use super::feedback::Said;
use super::form::{Fields, Sent};
use super::sandbox_checkout::address_of;
use super::wallet::{Read, org_of, read};
use super::{Console, fault};
use crate::error::{Fault, status_of};
use crate::pages::paths;
use crate::pages::show::Unit;
use crate::wire::id_of;

/// What usage events of the console are told apart by from those of programs.
const SOURCE: &str = "console";
/// The card that is saved where an auto top-up is switched on and there is none.
const CARD: &str = "Visa •••• 4242";
const QUANTITY_MAX: i64 = 1_000_000_000;

/// What an operation said: the number of what it made, an amount it moved, or why it was refused.
pub enum Done {
    Made(i64),
    Refused(String),
}

/// Runs one operation as part of an attempt: sent again, it answers the same and does nothing.
pub async fn run_once(
    console: &Console,
    attempt: String,
    operation: impl Operation + 'static,
) -> Result<Done, Fault> {
    let key = IdempotencyKey {
        key: format!("console {} {attempt}", operation.name()),
        fingerprint: 0,
        render: rendered,
    };
    let command = Command::new(operation).with_key(Some(key));
    let (status, body) = match console.web.app.run(command).await? {
        Outcome::Decided(decided) => rendered(&decided),
        Outcome::Replayed { status, body } => (status, body),
    };
    Ok(if status < 400 { Done::Made(body.parse().unwrap_or(0)) } else { Done::Refused(body) })
}

/// What is stored of an attempt: a number that the page needs, or the sentence that it shows.
fn rendered(decided: &Result<Answer, Refusal>) -> (u16, String) {
    match decided {
        Ok(answer) => (200, number_of(answer).to_string()),
        Err(refusal) => (status_of(refusal), fault::sentence(refusal)),
    }
}

fn number_of(answer: &Answer) -> i64 {
    match answer {
        Answer::Deposit(_, row) => row.number,
        Answer::PaymentMethod(_, row) => row.number,
        Answer::Resource(_, row) => row.number,
        Answer::Run(_, row) => row.number,
        Answer::Charge { transaction, .. } => transaction.amount.nanos(),
        _ => 0,
    }
}

/// Does what a form asks and answers with the address to go on to.
///
/// Errors: `not_found`, `malformed`, and those of the door.
pub async fn run(console: &Console, wallet: &str, form: &str, sent: Sent) -> Result<String, Fault> {
    let org = org_of(wallet)?;
    let fields = Fields::read(sent, || console.mint())?;
    let read = read(console, org, None).await?;
    let (said, section) = match form {
        "add-credits" => match add_credits(console, org, &fields).await? {
            Ok(checkout) => return Ok(checkout),
            Err(said) => (said, "add-credits"),
        },
        "start" => (start(console, &read, &fields).await?, "running"),
        "stop" => (stop(console, &read, &fields).await?, "running"),
        "query" => (query(console, &read, &fields).await?, "query"),
        "auto-top-up" => (auto_top_up(console, &read, &fields).await?, "auto-top-up"),
        "alerts" => (alerts(console, org, &fields).await?, "alerts"),
        _ => return Err(Fault::NotFound { kind: None }),
    };
    let name = console.mint();
    console.feedback.keep(name.clone(), org, said);
    let page = paths::wallet(read.wallet_id());
    // A refused amount is corrected where it was typed; everything else is said on top.
    let anchor = if section == "add-credits" { "#add-credits" } else { "" };
    Ok(format!("{page}?notice={name}{anchor}"))
}

/// Starts a deposit and goes to its payment page.
async fn add_credits(
    console: &Console,
    org: OrgId,
    fields: &Fields,
) -> Result<Result<String, Said>, Fault> {
    let typed = fields.text("custom_amount");
    let refused = |why: String| {
        let amount = (!typed.is_empty()).then(|| (typed.to_owned(), why.clone()));
        Said { amount, ..Said::refused(format!("{why}. No money moved.")) }
    };
    let chosen = if typed.is_empty() { "preset" } else { "custom_amount" };
    let amount = match fields.amount(chosen) {
        Ok(Some(amount)) => amount,
        Ok(None) => return Ok(Err(refused("Choose an amount".into()))),
        Err(why) => return Ok(Err(refused(why))),
    };
    let rail = payments::sandbox::RAIL.to_owned();
    let operation = StartDeposit { org, amount, rail, paid_with: PaidWith::Card, member: None };
    Ok(match run_once(console, fields.attempt(), operation).await? {
        Done::Made(number) => Ok(address_of(console, Id::new(Kind::Deposit, org, number))),
        Done::Refused(why) => Err(refused(why)),
    })
}

/// The SKU of this platform that a form names.
fn sku<'a>(read: &'a Read, fields: &Fields) -> Result<&'a Sku, Fault> {
    let id = id_of(fields.text("sku"), &[Kind::Sku]);
    let own = id.filter(|id| id.org == read.rows.wallet.platform);
    own.and_then(|id| read.rows.book.sku(id.number)).ok_or(Fault::missing(Kind::Sku))
}

/// Creates a resource and starts it.
async fn start(console: &Console, read: &Read, fields: &Fields) -> Result<Said, Fault> {
    let (org, sku) = (read.org(), sku(read, fields)?);
    let attempt = fields.attempt();
    let label = format!("{}-{}", sku.code, attempt.chars().take(4).collect::<String>());
    let create =
        CreateResource { org, label: label.clone(), sku: sku.code.clone(), labels: Labels::NONE };
    let resource = match run_once(console, attempt.clone(), create).await? {
        Done::Made(resource) => resource,
        Done::Refused(why) => return Ok(Said::refused(format!("{why}. Nothing was started."))),
    };
    let start = StartRun::now(org, resource);
    Ok(match run_once(console, attempt, start).await? {
        Done::Made(_) => Said::done(format!("{label} is running. You pay for its seconds.")),
        Done::Refused(why) => Said::refused(format!("{why}. Nothing was started.")),
    })
}

async fn stop(console: &Console, read: &Read, fields: &Fields) -> Result<Said, Fault> {
    let id = id_of(fields.text("resource"), &[Kind::Resource]).filter(|id| id.org == read.org());
    let id = id.ok_or(Fault::missing(Kind::Resource))?;
    let open = read.open_runs().into_iter().find(|run| run.resource == id.number);
    let Some(run) = open else { return Ok(Said::done("It is stopped already.")) };
    let name = read.resource_name(run.resource);
    let stop = StopRun::now(id.org, run.number);
    Ok(match run_once(console, fields.attempt(), stop).await? {
        Done::Made(_) => {
            let unit = read.presentation.labels.unit;
            let cost = unit.usage(run.cost_round_half_even(read.rows.now));
            Said::done(format!("{name} is stopped. This run cost {cost}."))
        }
        Done::Refused(why) => Said::refused(format!("{why}. {name} was not stopped by this.")),
    })
}

/// Reports one use of a model, whose id is the attempt: it is charged once.
async fn query(console: &Console, read: &Read, fields: &Fields) -> Result<Said, Fault> {
    let (org, sku) = (read.org(), sku(read, fields)?);
    let priced = read.rows.book.prices().filter(|price| price.sku == sku.number);
    let mut dimensions: Vec<&str> = priced.map(|price| price.dimension.as_str()).collect();
    dimensions.sort_unstable();
    dimensions.dedup();
    let mut quantities = Vec::new();
    for dimension in dimensions {
        let text = fields.text(dimension);
        if text.is_empty() {
            continue;
        }
        let quantity = text.parse().ok().filter(|quantity| (0..=QUANTITY_MAX).contains(quantity));
        let Some(quantity) = quantity else {
            let words = dimension.replace('_', " ");
            let most = crate::pages::show::count(QUANTITY_MAX);
            let text = format!("{words} must be a whole number up to {most}. Nothing was charged.");
            return Ok(Said::refused(text));
        };
        quantities.push((dimension.to_owned(), quantity));
    }
    let id = fields.attempt();
    let usage = RecordUsage {
        org,
        hash: console.web.app.hasher.hash(org.get(), SOURCE, &id).bits(),
        key: EventKey { source: SOURCE.into(), id: id.clone() },
        fingerprint: 0,
        sku: sku.code.clone(),
        occurred_at: None,
        quantities,
        labels: Labels::NONE,
    };
    Ok(match run_once(console, id, usage).await? {
        Done::Made(nanos) => {
            let amount = Unit::Dollars.usage(Amount::from_nanos(nanos));
            Said::done(format!("{} answered for {amount}.", sku.name))
        }
        Done::Refused(why) => Said::refused(format!("{why}. Nothing was charged.")),
    })
}

async fn auto_top_up(console: &Console, read: &Read, fields: &Fields) -> Result<Said, Fault> {
    let label = read.presentation.labels.auto_top_up.clone();
    let refused = |why: String| Said {
        auto_top_up: Some(why.clone()),
        ..Said::refused(format!("{why}. {label} is unchanged."))
    };
    let amounts = fields.amount("threshold").and_then(|threshold| {
        let amount = fields.amount("amount")?;
        let both = threshold.zip(amount).ok_or_else(|| "Say both amounts".to_owned())?;
        Ok((both, fields.amount("monthly_cap")?))
    });
    let ((threshold, amount), monthly_amount_max) = match amounts {
        Ok(amounts) => amounts,
        Err(why) => return Ok(refused(why)),
    };
    let enabled = fields.text("enabled") == "yes";
    let method = match method(console, read, fields).await? {
        Done::Made(number) => number,
        Done::Refused(why) => return Ok(refused(why)),
    };
    let before = read.rows.wallet.auto_top_up.as_ref().map(|rule| rule.caps).unwrap_or_default();
    let caps = Caps { monthly_amount_max, ..before };
    let rule = SetAutoTopUp { org: read.org(), enabled, threshold, amount, method, caps };
    Ok(match run_once(console, fields.attempt(), rule).await? {
        Done::Made(_) if enabled => Said::done(format!(
            "{label} is on: {} when available drops below {}.",
            Unit::Dollars.usage(amount),
            Unit::Dollars.usage(threshold)
        )),
        Done::Made(_) => Said::done(format!("{label} is off.")),
        Done::Refused(why) => refused(why),
    })
}

/// The payment method of the rule: its own, the newest, or the test card.
async fn method(console: &Console, read: &Read, fields: &Fields) -> Result<Done, Fault> {
    let of_rule = read.rows.wallet.auto_top_up.as_ref().map(|rule| rule.method);
    if let Some(number) = of_rule.or(read.rows.methods.first().map(|row| row.number)) {
        return Ok(Done::Made(number));
    }
    let save = SavePaymentMethod {
        org: read.org(),
        rail: payments::sandbox::RAIL.into(),
        behaviour: Behaviour::Succeeds,
        label: CARD.into(),
    };
    run_once(console, fields.attempt(), save).await
}

async fn alerts(console: &Console, org: OrgId, fields: &Fields) -> Result<Said, Fault> {
    let refused = |why: String| Said {
        alert: Some(why.clone()),
        ..Said::refused(format!("{why}. The alert is unchanged."))
    };
    let limit = match fields.amount("limit") {
        Ok(limit) => limit,
        Err(why) => return Ok(refused(why)),
    };
    Ok(
        match run_once(console, fields.attempt(), SetUserLimit { org, member: None, limit }).await?
        {
            Done::Made(_) => Said::done(match limit {
                Some(limit) => {
                    format!("We tell you when available is below {}.", Unit::Dollars.usage(limit))
                }
                None => "The alert is off.".to_owned(),
            }),
            Done::Refused(why) => refused(why),
        },
    )
}
